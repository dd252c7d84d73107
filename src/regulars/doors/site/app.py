"""The site door: `/`, `/healthz`, `/docs/...`, `/static/...`, and 404 for the rest."""

import asyncio
import time
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import jinja2
import msgspec
import structlog

from regulars import manual
from regulars.app.house import Health, House
from regulars.doors import wire
from regulars.doors.browsers import protecting
from regulars.doors.site import docs
from regulars.doors.wire import App, Receive, Scope, Send, send_answer

log = structlog.get_logger(__name__)

HERE: Final = Path(__file__).parent
HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json"
TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
PULSE_SECONDS: Final = 0.5

CSP: Final = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
SECURITY: Final = protecting(CSP, referrer=b"no-referrer")
"""On every answer of this door."""


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes
    cache: str = "no-store"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def build(house: House) -> App:
    """The door as an ASGI app. HEAD is answered wherever GET is, other methods with 405."""
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    static = {f"/static/{path.name}": path for path in (HERE / "static").iterdir() if path.suffix in TYPES}
    files = {address: _file(path) for address, path in static.items()}
    stamps = {path.name: sha256(path.read_bytes()).hexdigest()[:10] for path in static.values()}
    pages.globals["static"] = lambda name: f"/static/{name}?{stamps[name]}"
    pulse = Pulse(house)
    folder = manual.find_folder()
    documents = docs.addresses(folder) if folder is not None else {}
    pages.globals["has_docs"] = bool(documents)

    @cache
    def document(address: str) -> Answer:
        path = documents[address]
        if path.suffix != ".md":
            return Answer(200, docs.TYPES[path.suffix], path.read_bytes())
        assert folder is not None
        page = docs.render(path, folder, documents)
        return Answer(200, HTML, pages.get_template("docs.html").render(page=page).encode())

    async def front_page() -> Answer:
        health = await pulse.take()
        text = pages.get_template("front.html").render(
            url=house.settings.base_url, well=health.status == "ok"
        )
        return Answer(200, HTML, text.encode())

    async def healthz() -> Answer:
        health = await pulse.take()
        body = msgspec.json.encode({"status": health.status, "checks": health.checks})
        return Answer(200 if serves(health) else 503, JSON, body)

    routes = {"/": front_page, "/healthz": healthz}

    async def answer(scope: Scope) -> Answer:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            if path in routes or path in files or path in documents:
                return _problem(405, "This address can only be read.", ((b"allow", b"GET, HEAD"),))
            return _problem(404, "There is nothing at this address.")
        if route := routes.get(path):
            return await route()
        if file := files.get(path):
            return file
        if path in documents:
            return document(path)
        if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            return Answer(404, HTML, pages.get_template("missing.html").render().encode())
        return _problem(404, "There is nothing at this address.")

    async def door(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        found = await answer(scope)
        headers = (
            (b"content-type", found.content_type.encode()),
            (b"cache-control", found.cache.encode()),
            *found.headers,
            *SECURITY,
        )
        whole = wire.Answer(found.status, found.body, headers)
        await send_answer(send, whole, with_body=scope["method"] != "HEAD")

    return door


def serves(health: Health) -> bool:
    """Whether this process can take requests now; a mere warning, as on durability, counts as well."""
    return health.checks.get("database") == "answers"


class Pulse:
    """The house's health, asked for at most twice a second however many ask."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._asking = asyncio.Lock()
        self._taken: tuple[float, Health] | None = None

    async def take(self) -> Health:
        """The health, at most half a second old."""
        async with self._asking:
            if self._taken is None or time.monotonic() - self._taken[0] > PULSE_SECONDS:
                health = await self._house.health()
                self._taken = time.monotonic(), health
            return self._taken[1]


def _file(path: Path) -> Answer:
    """A file of ours, whose address changes with its content, so that a browser may keep it."""
    return Answer(200, TYPES[path.suffix], path.read_bytes(), "public, max-age=31536000, immutable")


def _problem(status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, JSON, msgspec.json.encode({"error": {"message": message}}), headers=headers)
