"""What this door says on the wire, and the one table from errors to answers. Source: the contract, §1."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from regulars.app.deliveries import describe_refusal
from regulars.domain.errors import Busy, Invalid, Late, Refused, Unavailable, Unsure

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

RETRY_AFTER: Final = ((b"retry-after", b"1"),)

_NOT_NOW: Final[dict[type[Unavailable], str]] = {
    Busy: "Too many calls are waiting, or the database is away. Nothing was done; send it again.",
    Late: "The database did not answer in time. Nothing was done; send it again.",
    Unsure: "The database fell silent during the commit: this may have happened, once. Send the same again.",
}


class Answer(NamedTuple):
    """A response; without a body it has no content type either."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


EMPTY: Final = Answer(200)


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(value))


def problem(status: int, message: str) -> Answer:
    return json_answer({"error": {"message": message}}, status)


def refused(refusal: Refused) -> Answer:
    """The answer to content that is bad, for a shop that asked for strict answers."""
    message = describe_refusal(refusal)
    details = {refusal.field: refusal.problem} if isinstance(refusal, Invalid) else {}
    return json_answer({"error": {"message": message, "details": details}}, 422)


def unavailable(error: Unavailable) -> Answer:
    """503: come again in a second."""
    return problem(503, why_not_now(error))._replace(headers=RETRY_AFTER)


def why_not_now(error: Unavailable) -> str:
    """What the caller, and the log, hear of it."""
    return _NOT_NOW.get(type(error), "Not now; send it again.")


async def send_answer(send: Send, answer: Answer) -> None:
    """Sends the whole response."""
    headers = [(b"content-length", b"%d" % len(answer.body)), *answer.headers]
    if answer.body:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def read_body(receive: Receive) -> bytes | None:
    """The request's whole body; None when the caller left."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
    return b"".join(parts)
