"""Templates: where they are, and what each of them can use: `_`, figures, icons and built files."""

import hashlib
import secrets
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
import structlog
from markupsafe import Markup

from regulars.app.access import Role
from regulars.doors.admin import figures, words
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.menu import is_here, menu
from regulars.doors.admin.routing import PREFIX

log = structlog.get_logger(__name__)

HERE: Final = Path(__file__).parent
BUILT: Final = HERE / "built"
TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

ROLES: Final = {
    Role.OWNER: words.N_("Owner"),
    Role.MANAGER: words.N_("Manager"),
    Role.SUPPORT: words.N_("Support"),
    Role.ANALYST: words.N_("Analyst"),
    Role.READ_ONLY: words.N_("Read-only"),
}
DOES: Final = {
    Role.OWNER: words.N_("Everything, and who else may do what."),
    Role.MANAGER: words.N_("Everything but the staff."),
    Role.SUPPORT: words.N_("Looks after customers and their orders; changes no rules."),
    Role.ANALYST: words.N_("Reads and exports; changes nothing."),
    Role.READ_ONLY: words.N_("Reads; changes and exports nothing."),
}


@cache
def environment() -> jinja2.Environment:
    """The templates. A name that is not given is an error, not a blank."""
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    pages.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: words.reader().words.gettext(text),
        lambda one, many, num: words.reader().words.ngettext(one, many, num),
        newstyle=True,
    )
    pages.filters.update(figures.FILTERS, pair=lambda value: (value, value))
    pages.globals.update(
        icon=icon,
        in_words=words._,  # for texts that are values: `_()` would take a % in them for a place to fill in
        static=address_of,
        script=script,
        roles=ROLES,
        role_does=DOES,
        reader=words.reader,
        menu=menu,
        is_here=is_here,
        new_key=lambda: secrets.token_urlsafe(16),
    )
    return pages


@cache
def built_files() -> dict[str, Answer]:
    """What esbuild made, by name; such an answer may be kept for ever, as its address changes with it."""
    if not (BUILT / "admin.js").exists():
        log.warning("the front end is not built: run `make setup`")
        return {}
    return {
        file.name: Answer(
            200, file.read_bytes(), TYPES[file.suffix], cache="public, max-age=31536000, immutable"
        )
        for file in sorted(BUILT.iterdir())
        if file.suffix in TYPES
    }


@cache
def address_of(name: str) -> str:
    """The address of a built file, with a stamp of its content."""
    file = built_files().get(name)
    stamp = hashlib.sha256(file.body).hexdigest()[:10] if file is not None else "missing"
    return f"{PREFIX}/static/{name}?{stamp}"


@cache
def _icons() -> dict[str, str]:
    path = BUILT / "icons.json"
    found: dict[str, str] = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    return found


def icon(name: str, kind: str = "icon") -> Markup:
    """A lucide icon as SVG, hidden from screen readers; `kind` is its CSS class. Raises LookupError."""
    shapes = _icons()
    if shapes and name not in shapes:
        raise LookupError(f"there is no icon {name!r}")
    return Markup(  # noqa: S704 - the shapes come from our own build
        f'<svg class="{Markup.escape(kind)}" aria-hidden="true" width="24" height="24" viewBox="0 0 24 24" '
        'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        f"{shapes.get(name, '')}</svg>"
    )


def script(value: Any) -> Markup:
    """Facts for our own scripts, to stand in <script type="application/json">: nothing in it can end that."""
    text = msgspec.json.encode(value).decode()
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704
