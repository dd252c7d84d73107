"""The door itself: finds the call, answers whatever goes wrong, and says which pages may read the answer."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from regulars.app.house import House
from regulars.app.storefront.widgets import Widgets
from regulars.domain.errors import Unavailable
from regulars.doors.call import headers_of
from regulars.doors.storefront.answers import answer_to, problem
from regulars.doors.storefront.calls import Calls
from regulars.doors.storefront.files import Files
from regulars.doors.storefront.guard import Guard
from regulars.doors.storefront.request import Request
from regulars.doors.wire import Answer, App, Headers, Receive, Scope, Send, read_body, send_answer

log = structlog.get_logger(__name__)

PREFIX: Final = "/storefront/v1/"
ROUTES: Final = {
    "program": "GET",
    "session": "POST",
    "me": "GET",
    "history": "GET",
    "redeem": "POST",
    "birthday": "POST",
}
"""Every call, by its name, and its method. HEAD is answered wherever GET is."""

READ: Final = frozenset(
    (
        b"accept-encoding",
        b"authorization",
        b"host",
        b"idempotency-key",
        b"if-none-match",
        b"origin",
    )
)
SECURITY: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
PREFLIGHT: Final[Headers] = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, idempotency-key"),
    (b"access-control-max-age", b"600"),
)
EXPOSED: Final = (b"access-control-expose-headers", b"retry-after")
UNFORESEEN: Final = problem(500, "broken", "Something went wrong here. It has been logged.")


def build(house: House, *, files: Files | None = None, guard: Guard | None = None) -> App:
    """The ASGI app of this door, for paths below `/storefront` and `/js/integrations`."""
    widgets = Widgets(house.database)
    calls = Calls(house, guard or Guard(), widgets)
    built = files or Files()

    async def answer(scope: Scope, receive: Receive) -> Answer | None:
        method, path = scope["method"], scope["path"]
        headers = headers_of(scope["headers"], READ)
        if (found := built.answer(path, headers)) is not None:
            return found if method in ("GET", "HEAD") else _only("GET")
        call = path.removeprefix(PREFIX)
        if not path.startswith(PREFIX) or call not in ROUTES:
            return problem(404, "unknown_address", "There is nothing at this address.")
        request = await _request(house, scope, receive, headers)
        if request is None:
            return None
        if method == "OPTIONS":
            return await _with_cors(Answer(204, b"", PREFLIGHT), request, widgets)
        if method != ROUTES[call] and (method, ROUTES[call]) != ("HEAD", "GET"):
            return await _with_cors(_only(ROUTES[call]), request, widgets)
        return await _with_cors(await _call(getattr(calls, call), request), request, widgets)

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        found = await answer(scope, receive)
        if found is not None:
            whole = Answer(found.status, found.body, found.headers + SECURITY)
            await send_answer(send, whole, with_body=scope["method"] != "HEAD")

    return door


async def _call(call: Callable[[Request], Awaitable[Answer]], request: Request) -> Answer:
    try:
        return await call(request)
    except Exception as error:
        found = answer_to(error)
        if found is None:
            log.exception("unforeseen error", call=call.__name__)
        return found or UNFORESEEN


async def _with_cors(answer: Answer, request: Request, widgets: Widgets) -> Answer:
    """The answer with the name of the page's origin, when that is a shop of the program that it is about.

    Where no program is known, as when a browser asks first, any program's shop counts: what follows is
    checked against the right one.
    """
    headers: Headers = ((b"vary", b"Origin"),)
    origin = request.said_origin
    if origin is not None and await _is_welcome(request, origin, widgets):
        headers += ((b"access-control-allow-origin", origin.encode("latin-1")), EXPOSED)
    return Answer(answer.status, answer.body, answer.headers + headers)


async def _is_welcome(request: Request, origin: str, widgets: Widgets) -> bool:
    if request.program is not None:
        return any(site.domain == origin for site in request.program.sites)
    try:
        return await widgets.is_shops_origin(origin)
    except (Unavailable, TimeoutError, OSError):
        return False


async def _request(house: House, scope: Scope, receive: Receive, headers: dict[str, str]) -> Request | None:
    """The request with its body; None when the caller left before it was whole."""
    if (body := await read_body(receive)) is None:
        return None
    return Request(
        house=house,
        headers=headers,
        query_string=scope["query_string"].decode("latin-1"),
        scheme=scope.get("scheme", "http"),
        address=(scope.get("client") or ("",))[0],
        body=body,
    )


def _only(method: str) -> Answer:
    return problem(405, "method", f"Only {method} can be used here.", ((b"allow", method.encode()),))
