"""ASGI's messages as the doors take and give them: a request's whole body in, a whole answer out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final[Headers] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
BROKEN: Final = b'{"error":{"message":"Something went wrong on our side. It has been logged."}}'
"""For a 500 that no door foresaw."""
NO_BODY: Final = (204, 304)
"""The statuses that say nothing of a body's length. Source: RFC 9110 §8.6."""


class Answer(msgspec.Struct, frozen=True):
    """`parts`, where given, follow in place of `body`: what is too long to be held at once."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    parts: AsyncIterator[bytes] | None = None


def as_json(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """`value` as JSON that nobody keeps."""
    return Answer(status, msgspec.json.encode(value), JSON + headers)


def answering(answer: Callable[[Scope, Receive], Awaitable[Answer | None]]) -> App:
    """The ASGI app that sends what `answer` gives; None: the caller left before the request was whole."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        found = await answer(scope, receive)
        if found is not None:
            await send_answer(send, found, with_body=scope["method"] != "HEAD", receive=receive)

    return app


async def read_body(receive: Receive) -> bytes | None:
    """The request's whole body; None when the caller left before it was whole."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body
    parts = [message.get("body", b"")]
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts) if message["type"] == "http.request" else None


async def send_answer(send: Send, answer: Answer, *, with_body: bool, receive: Receive | None = None) -> None:
    """Sends the answer; without its body, as HEAD wants it, it says of itself what GET would.

    With `receive`, parts are no longer made once the caller has left.
    """
    headers = list(answer.headers)
    if answer.parts is None and answer.status not in NO_BODY:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.parts is not None and with_body:
        await _send_parts(send, answer.parts, receive)
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def _send_parts(send: Send, parts: AsyncIterator[bytes], receive: Receive | None) -> None:
    """The next part is made when the one before has gone: `send` waits for a caller who reads slowly."""
    gone = None if receive is None else asyncio.ensure_future(receive())
    try:
        async for part in parts:
            if gone is not None and gone.done():
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        if gone is not None:
            gone.cancel()
