"""The door itself: finds the route, asks for the key, and answers, whatever goes wrong."""

from typing import Final

import structlog

from regulars.app.house import House
from regulars.doors.api import openapi
from regulars.doors.api.answers import problem
from regulars.doors.api.errors import answer_to
from regulars.doors.api.request import Call
from regulars.doors.api.routes import Route, find_route
from regulars.doors.call import headers_of, open_call, path_of
from regulars.doors.keys import key_holder, require
from regulars.doors.paths import NoRoute
from regulars.doors.wire import JSON, Answer, App, Receive, Scope, answering, read_body

log = structlog.get_logger(__name__)

READ: Final = (b"authorization", b"content-type", b"idempotency-key")
"""The headers that mean something here."""
UNFORESEEN: Final = problem(500, "internal", "Something went wrong here. It has been logged.")


def build(house: House) -> App:
    """The ASGI app of this door, for paths below `/api/v1`."""

    async def answer(scope: Scope, receive: Receive) -> Answer | None:
        try:
            if scope["path"] == openapi.ADDRESS:
                return _document(scope["method"])
            route, caught = find_route(scope["method"], path_of(scope))
            body = await read_body(receive)
            return None if body is None else await _call(house, scope, route, caught, body)
        except NoRoute as none:
            return _no_route(none.allowed)
        except Exception as error:
            found = answer_to(error)
            if found is None:
                log.exception("unforeseen error", method=scope["method"], path=scope["path"])
            return found or UNFORESEEN

    return answering(answer)


async def _call(house: House, scope: Scope, route: Route, caught: dict[str, str], body: bytes) -> Answer:
    headers = headers_of(scope["headers"], READ)
    credential = await key_holder(house, headers.get("authorization"))
    require(credential, *route.scopes)
    return await route.endpoint(
        await open_call(Call, house, scope, headers=headers, path=caught, body=body, credential=credential)
    )


def _document(method: str) -> Answer:
    """The document is the same for everybody, and says nothing of anybody."""
    if method not in ("GET", "HEAD"):
        return _no_route(("GET", "HEAD"))
    headers = (JSON[0], (b"cache-control", b"no-cache"), (b"access-control-allow-origin", b"*"))
    return Answer(200, openapi.encoded(), headers)


def _no_route(allowed: tuple[str, ...]) -> Answer:
    if allowed:
        allow = ", ".join(allowed)
        message = f"Only {allow} can be used here."
        return problem(405, "method_not_allowed", message, None, ((b"allow", allow.encode()),))
    return problem(404, "not_found", "There is nothing at this address.")
