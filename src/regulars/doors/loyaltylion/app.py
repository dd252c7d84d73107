"""The door itself: finds the route, asks for the credential, and answers, whatever goes wrong."""

import time
from collections.abc import Iterable
from typing import Final

import structlog
from msgspec.structs import replace

from regulars.app.allowance import Taken
from regulars.app.house import House
from regulars.doors.call import headers_of, open_call, path_of
from regulars.doors.keys import require
from regulars.doors.loyaltylion.access import authenticate
from regulars.doors.loyaltylion.answers import problem
from regulars.doors.loyaltylion.errors import answer_to
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.routes import Route, find_route
from regulars.doors.paths import NoRoute
from regulars.doors.straight import Door, Reply
from regulars.doors.wire import Answer, App, Headers, Receive, Scope, answering, read_body

log = structlog.get_logger(__name__)

READ: Final = (b"authorization", b"host", b"idempotency-key")
"""The headers that mean something here. Content types do not: clients send none, or a wrong one."""
UNFORESEEN: Final = problem(500, "Something went wrong here. It has been logged")


def build(house: House) -> App:
    """The ASGI app of this door, for paths below `/v2` and `/headless`."""

    async def answer(scope: Scope, receive: Receive) -> Answer | None:
        malformed_status = 400
        try:
            route, caught = find_route(scope["method"], path_of(scope))
            malformed_status = route.malformed_status
            body = await read_body(receive)
            return None if body is None else await _call(house, scope, scope["headers"], route, caught, body)
        except NoRoute as none:
            return _no_route(none)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller hears of it
            return _failed(error, malformed_status, method=scope["method"], path=scope["path"])

    return answering(answer)


def _failed(error: Exception, malformed_status: int, **call: object) -> Answer:
    answer = answer_to(error, malformed_status=malformed_status)
    if answer is None:
        log.exception("unforeseen error", **call)
    return answer or UNFORESEEN


def create_orders(house: House) -> Door:
    """The way for `POST /v2/orders` alone, without a query."""
    route, _ = find_route("POST", b"/v2/orders")
    scope = {"method": "POST", "path": "/v2/orders", "query_string": b""}

    async def create_order(target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Reply:
        try:
            answer = await _call(house, scope, headers, route, {}, body)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller hears of it
            answer = _failed(error, route.malformed_status, method="POST", path=target)
        return answer.status, answer.headers, answer.body

    return create_order


async def _call(
    house: House,
    scope: Scope,
    sent: Iterable[tuple[bytes, bytes]],
    route: Route,
    caught: dict[str, str],
    body: bytes,
) -> Answer:
    headers = headers_of(sent, READ)
    credential = await authenticate(house, headers.get("authorization"))
    taken = None
    if house.allowance is not None:
        taken = house.allowance.take(credential.credential_id, time.monotonic())
    if taken is not None and taken.is_over:
        return problem(429, "Too many requests", None, (*_limits(taken), (b"retry-after", b"1")))
    if route.scope is not None:
        require(credential, route.scope)
    answer = await route.endpoint(
        await open_call(Request, house, scope, headers=headers, path=caught, body=body, credential=credential)
    )
    return answer if taken is None else replace(answer, headers=answer.headers + _limits(taken))


def _limits(taken: Taken) -> Headers:
    """What is left of the key's second. The platform documents no such headers: these are the usual ones."""
    return (
        (b"x-ratelimit-limit", b"%d" % taken.limit),
        (b"x-ratelimit-remaining", b"%d" % taken.left),
        (b"x-ratelimit-reset", b"1"),
    )


def _no_route(none: NoRoute) -> Answer:
    if none.allowed:
        allow = ", ".join(none.allowed)
        return problem(405, f"Only {allow} can be used here", None, ((b"allow", allow.encode()),))
    return problem(404, "Not found")
