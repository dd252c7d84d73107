"""The demo shop's addresses, `/demo-shop/...`: pages, forms that lead back to pages, pictures and styles."""

import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import jinja2
import structlog

from regulars.app.house import House
from regulars.app.programs import Created
from regulars.domain.errors import RegularsError, Unavailable
from regulars.doors import wire
from regulars.doors.browsers import protecting
from regulars.doors.demo_shop import forms, pages
from regulars.doors.demo_shop.catalogue import PRODUCTS, price_text
from regulars.doors.demo_shop.counter import Answer, Counter, Shown
from regulars.doors.demo_shop.pictures import picture
from regulars.doors.demo_shop.shopkeeper import NotTaken, Shopkeeper
from regulars.doors.demo_shop.visit import Visit, set_cookie, visit_of
from regulars.doors.wire import App, Receive, Scope, Send, read_body, send_answer

FindDemo: TypeAlias = Callable[[], Awaitable[Created | None]]
"""The demo program's keys, if there is one."""

log = structlog.get_logger(__name__)

HERE: Final = Path(__file__).parent
PREFIX: Final = "/demo-shop"
HTML: Final = "text/html; charset=utf-8"
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
LONGEST_FORM: Final = 8192
MOST_FIELDS: Final = 20

DISPLAY_NONE: Final = b"'unsafe-hashes' 'sha256-ZdHxw9eWtnxUb3mk6tBS+gIiVUPE3pGM470keHPDFlE='"
"""The one inline style there is: that of the guide's div, pasted as it stands."""
CSP: Final = (
    b"default-src 'none'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    b"style-src 'self' " + DISPLAY_NONE + b"; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY: Final = protecting(CSP, referrer=b"same-origin")
"""On every answer of this door. The widget needs no more than `'self'`, as it is served here too."""


def build(house: House, find_demo: FindDemo, hooks: App) -> App:
    """The ASGI app for paths below `/demo-shop`. `hooks`: Lootly's door, which takes the shop's reports."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    files = _files()
    templates.globals["price"] = price_text
    templates.globals["products"] = PRODUCTS
    templates.globals["static"] = lambda name: f"{PREFIX}/{name}?{sha256(files[name].body).hexdigest()[:10]}"
    counter = Counter(house, Shopkeeper(hooks), templates)

    async def answer(scope: Scope, receive: Receive) -> Answer | None:
        method, path = scope["method"], scope["path"].removeprefix(PREFIX).strip("/")
        if path in files and method in ("GET", "HEAD"):
            return files[path]
        keys = await find_demo()
        if keys is None:
            return _plain(404, "There is no demo shop here: it comes with the demo program (regulars run).")
        headers = dict(_texts(scope))
        origin = _origin(house, scope, headers)
        cookies = headers.get("cookie", "")
        visit = visit_of(cookies, house.vault, is_https=origin.startswith("https:"))
        shown = Shown(keys=keys, visit=visit, origin=origin)
        page = pages.PAGES.get(path)
        if method in ("GET", "HEAD") and page is not None:
            return await page(counter, shown)
        if method in ("GET", "HEAD") and path.startswith("product/"):
            return await pages.product(counter, shown, path.removeprefix("product/"))
        act = forms.FORMS.get(path)
        if method != "POST" or act is None:
            known = page is not None or act is not None
            return _plain(405 if known else 404, "There is nothing like that in this shop.")
        if not _is_own(headers, shown.origin):
            return _plain(403, "This form came from another page.")
        fields = await _form(receive)
        return None if fields is None else await act(counter, shown, fields)

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        try:
            found = await answer(scope, receive)
        except Unavailable:
            found = _plain(503, "The shop can't answer now. Please try again in a moment.")
        except (NotTaken, RegularsError) as error:
            log.warning("the demo shop was refused", why=str(error), path=scope["path"])
            found = _plain(422, "That could not be done.")
        if found is not None:
            is_https = _origin(house, scope, dict(_texts(scope))).startswith("https:")
            cookie = partial(set_cookie, vault=house.vault, is_https=is_https)
            await _send(found, send, cookie, with_body=scope["method"] != "HEAD")

    return door


def _files() -> dict[str, Answer]:
    """Styles, the script and the pictures, by the paths that pages name."""
    kept = "public, max-age=31536000, immutable"
    found = {
        path.name: Answer(200, TYPES[path.suffix], path.read_bytes(), cache=kept)
        for path in (HERE / "static").iterdir()
        if path.suffix in TYPES
    }
    for product in PRODUCTS:
        name = f"pictures/{product.item}.svg"
        found[name] = Answer(200, "image/svg+xml", picture(product).encode(), cache=kept)
    return found


def _texts(scope: Scope) -> Iterator[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])


def _origin(house: House, scope: Scope, headers: dict[str, str]) -> str:
    """Where the browser is: the public address where it asked for that, else whatever it asked for."""
    host, public = headers.get("host", ""), house.settings.public_url
    if not re.fullmatch(r"[A-Za-z0-9.:_\[\]-]{1,253}", host):
        return house.settings.base_url
    if public is not None and urlsplit(public).netloc == host:
        return public
    return f"{scope.get('scheme', 'http')}://{host}"


def _is_own(headers: dict[str, str], origin: str) -> bool:
    """Whether a form was sent from a page of this very server."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    said = headers.get("origin")
    return said is None or urlsplit(said).netloc == urlsplit(origin).netloc


async def _form(receive: Receive) -> dict[str, str] | None:
    """The form's fields, {} for one that can't be read; None when the caller left."""
    if (body := await read_body(receive)) is None:
        return None
    if len(body) > LONGEST_FORM:
        return {}
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _plain(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode())


async def _send(found: Answer, send: Send, cookie: Callable[[Visit], str], *, with_body: bool) -> None:
    headers = [
        (b"content-type", found.content_type.encode()),
        (b"cache-control", found.cache.encode()),
        *SECURITY,
    ]
    if found.location is not None:
        headers.append((b"location", found.location.encode()))
    if found.visit is not None:
        headers.append((b"set-cookie", cookie(found.visit).encode()))
    await send_answer(send, wire.Answer(found.status, found.body, tuple(headers)), with_body=with_body)
