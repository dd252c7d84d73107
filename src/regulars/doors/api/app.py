"""The door itself: finds the route, asks for the key, and answers, whatever goes wrong."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import structlog

from regulars.app.house import House
from regulars.doors.api import openapi
from regulars.doors.api.answers import JSON, Answer, problem
from regulars.doors.api.errors import answer_to
from regulars.doors.api.request import Call, authenticate, require
from regulars.doors.api.routes import NoRoute, Route, find_route

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)

READ: Final = (b"authorization", b"content-type", b"idempotency-key")
"""The headers that mean something here."""
UNFORESEEN: Final = problem(500, "internal", "Something went wrong here. It has been logged.")


def build(house: House) -> App:
    """The ASGI app of this door, for paths below `/api/v1`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        answer = await _answer(house, scope, receive)
        if answer is not None:
            await _send(answer, send, with_body=scope["method"] != "HEAD")

    return app


async def _answer(house: House, scope: Scope, receive: Receive) -> Answer | None:
    """The answer; None when the caller left before the request was whole."""
    try:
        if scope["path"] == openapi.ADDRESS:
            return _document(scope["method"])
        route, caught = find_route(scope["method"], scope.get("raw_path") or scope["path"].encode())
        body = await _body(receive)
        return None if body is None else await _call(house, scope, route, caught, body)
    except NoRoute as none:
        return _no_route(none.allowed)
    except Exception as error:
        answer = answer_to(error)
        if answer is None:
            log.exception("unforeseen error", method=scope["method"], path=scope["path"])
        return answer or UNFORESEEN


async def _call(house: House, scope: Scope, route: Route, caught: dict[str, str], body: bytes) -> Answer:
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in READ}
    credential = await authenticate(house, headers.get("authorization"))
    require(credential, route.scopes)
    program = house.programs.cached(credential.program_id) or await house.programs.get(credential.program_id)
    call = Call(
        house=house,
        method=scope["method"],
        target=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
        path=caught,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        credential=credential,
        program=program,
    )
    return await route.endpoint(call)


async def _body(receive: Receive) -> bytes | None:
    message = await receive()
    parts = [message.get("body", b"")]
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts) if message["type"] == "http.request" else None


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


async def _send(answer: Answer, send: Send, *, with_body: bool) -> None:
    headers = list(answer.headers)
    if answer.parts is None:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.parts is not None and with_body:
        async for part in answer.parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
