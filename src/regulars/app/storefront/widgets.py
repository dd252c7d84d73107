"""What a program's widget looks like: colour, side, language, texts, and where the shop's log-in is."""

import asyncio
import re
import time
from datetime import datetime
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.domain.errors import Invalid
from regulars.storage import widgets as storage
from regulars.storage.database import Database
from regulars.storage.reading import reading

Side = Literal["left", "right"]
Language = Literal["en", "de", "fr", "es", "ar"]

LANGUAGES: Final = get_args(Language)
TEXTS: Final = ("title", "welcome", "launcher", "join")
"""What of the widget's words a merchant can change."""
LONGEST_TEXT: Final = 200
FRESH_SECONDS: Final = 0.8
ORIGIN_SECONDS: Final = 5.0
REMEMBERED_MOST: Final = 10_000


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """`language` None: the page's. `texts` hold only what the merchant changed."""

    enabled: bool = True
    color: str = "#2f5d50"
    side: Side = "right"
    language: Language | None = None
    texts: dict[str, str] = {}
    login_url: str | None = None
    signup_url: str | None = None

    @property
    def on_color(self) -> str:
        """White or near-black, whichever is easier to read on the colour."""
        return "#ffffff" if 1.05 / (_luminance(self.color) + 0.05) >= 4.5 else "#111111"


class Widgets:
    """Widgets and shops' origins as a door needs them; remembered for moments, and not more than so many."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: dict[int, tuple[float, Widget]] = {}
        self._origins: dict[str, tuple[float, bool]] = {}
        self._asking = asyncio.Lock()

    async def get(self, program_id: int) -> Widget:
        """The program's widget, at most a second old. Raises Busy."""
        known = self._found.get(program_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        async with self._asking:
            known = self._found.get(program_id)
            if known is not None and known[0] > time.monotonic():
                return known[1]
            widget = await load_widget(self._database, program_id)
            _remember(self._found, program_id, widget, FRESH_SECONDS)
            return widget

    async def is_shops_origin(self, origin: str) -> bool:
        """Whether any program has a shop at this origin, as of a few seconds ago. Raises Busy."""
        known = self._origins.get(origin)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        async with reading(self._database) as connection:
            found = await storage.is_origin(connection, origin)
        _remember(self._origins, origin, found, ORIGIN_SECONDS)
        return found


def _remember(memory: dict[Any, tuple[float, Any]], name: Any, value: Any, seconds: float) -> None:
    if len(memory) >= REMEMBERED_MOST:
        memory.clear()
    memory[name] = time.monotonic() + seconds, value


async def load_widget(database: Database, program_id: int) -> Widget:
    """The program's widget as it is now. Raises Busy."""
    async with reading(database) as connection:
        return _widget(await storage.load(connection, program_id))


def _widget(stored: str | None) -> Widget:
    return Widget() if stored is None else msgspec.json.decode(stored, type=Widget)


async def change_widget(
    database: Database, program_id: int, *, by: Who = BY_US, now: datetime, **changes: Any
) -> Widget:
    """Changes what is given (fields of Widget; of `texts` those named, "" takes one away); answers it all.

    Raises Invalid, Busy.
    """
    async with reading(database) as connection, connection.transaction():
        await storage.lock(connection, program_id)
        widget = _widget(await storage.load(connection, program_id))
        changed = _changed(widget, changes)
        await storage.save(connection, program_id, msgspec.json.encode(changed).decode(), now)
        subject = "storefront widget"
        await audit.note(
            connection,
            program_id,
            by,
            action="change widget",
            subject=subject,
            before=widget,
            after=changed,
            now=now,
        )
    return changed


def _changed(widget: Widget, changes: dict[str, Any]) -> Widget:
    if "texts" in changes:
        merged = widget.texts | changes["texts"]
        changes = changes | {"texts": {name: text for name, text in merged.items() if text}}
    try:
        changed = msgspec.convert(msgspec.structs.asdict(widget) | changes, Widget)
    except msgspec.ValidationError as error:
        raise Invalid("widget", str(error)) from None
    _check(changed)
    return changed


def _check(widget: Widget) -> None:
    if not re.fullmatch(r"#[0-9a-f]{6}", widget.color):
        raise Invalid("color", "must be written like #2f5d50")
    for name, text in widget.texts.items():
        if name not in TEXTS:
            raise Invalid("texts", f"{name!r} is none of {', '.join(TEXTS)}")
        if len(text) > LONGEST_TEXT or not text.isprintable():
            raise Invalid("texts", f"{name} must be one line of at most {LONGEST_TEXT} characters")
    for field in ("login_url", "signup_url"):
        address = getattr(widget, field)
        if address is not None and not _is_address(address):
            raise Invalid(field, "must be an address that begins with https:// or http://")


def _is_address(text: str) -> bool:
    if len(text) > 2000 or not text.isascii() or not text.isprintable() or " " in text:
        return False
    parts = urlsplit(text)
    return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc


def _luminance(color: str) -> float:
    """Relative luminance of #rrggbb, as WCAG defines it."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
