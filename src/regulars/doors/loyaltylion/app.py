"""The door itself: finds the route, asks for the credential, and answers, whatever goes wrong."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

import structlog

from regulars.app.house import House
from regulars.doors.loyaltylion.access import authenticate, require
from regulars.doors.loyaltylion.answers import Answer, problem
from regulars.doors.loyaltylion.errors import answer_to
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.routes import NoRoute, Route, find_route
from regulars.doors.straight import Door, Reply

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)

READ: Final = (b"authorization", b"host", b"idempotency-key")
"""The headers that mean something here. Content types do not: clients send none, or a wrong one."""
UNFORESEEN: Final = problem(500, "Something went wrong here. It has been logged")


def build(house: House) -> App:
    """The ASGI app of this door, for paths below `/v2` and `/headless`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        answer = await _answer(house, scope, receive)
        if answer is not None:
            await _send(answer, send, with_body=scope["method"] != "HEAD")

    return app


async def _answer(house: House, scope: Scope, receive: Receive) -> Answer | None:
    """The answer; None when the caller left before the request was whole."""
    malformed_status = 400
    try:
        route, caught = find_route(scope["method"], scope.get("raw_path") or scope["path"].encode())
        malformed_status = route.malformed_status
        body = await _body(receive)
        return None if body is None else await _call(house, scope, scope["headers"], route, caught, body)
    except NoRoute as none:
        return _no_route(none)
    except Exception as error:  # noqa: BLE001 - whatever it was, the caller hears of it
        return _failed(error, malformed_status, method=scope["method"], path=scope["path"])


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
    headers = {name.decode(): value.decode("latin-1") for name, value in sent if name in READ}
    credential = await authenticate(house, headers.get("authorization"))
    require(credential, route.scope)
    program = house.programs.cached(credential.program_id) or await house.programs.get(credential.program_id)
    request = Request(
        house=house,
        method=scope["method"],
        target=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
        path=caught,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        scheme=scope.get("scheme", "http"),
        body=body,
        credential=credential,
        program=program,
    )
    return await route.endpoint(request)


async def _body(receive: Receive) -> bytes | None:
    message = await receive()
    body: bytes = message.get("body", b"")
    parts = [body]
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    if message["type"] != "http.request":
        return None
    return body if len(parts) == 1 else b"".join(parts)


def _no_route(none: NoRoute) -> Answer:
    if none.allowed:
        allow = ", ".join(none.allowed)
        return problem(405, f"Only {allow} can be used here", None, ((b"allow", allow.encode()),))
    return problem(404, "Not found")


async def _send(answer: Answer, send: Send, *, with_body: bool) -> None:
    headers = list(answer.headers)
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
