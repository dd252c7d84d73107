"""What goes back over the wire: a status, a body or a stream of parts, headers."""

from collections.abc import AsyncIterator
from typing import Any, Final, TypeAlias

import msgspec

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final[Headers] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Answer(msgspec.Struct, frozen=True):
    """`parts`, where given, follow in place of `body`: what is too long to be held at once."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    parts: AsyncIterator[bytes] | None = None


def as_json(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """`value` as JSON."""
    return Answer(status, msgspec.json.encode(value), JSON + headers)


def problem(
    status: int, code: str, message: str, details: dict[str, Any] | None = None, headers: Headers = ()
) -> Answer:
    """The one shape of every error: `{"error": {"code", "message", "details"}}`."""
    return as_json({"error": {"code": code, "message": message, "details": details or {}}}, status, headers)
