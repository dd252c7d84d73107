"""What goes back over the wire: a status, a body, headers."""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final[Headers] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    headers: Headers = ()


CREATED: Final = Answer(201)
"""201 with an empty body, as every create of this API answers. Source: loyaltylion.md §1.1."""
NO_CONTENT: Final = Answer(204)


def as_json(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """`value` as JSON."""
    return Answer(status, msgspec.json.encode(value), JSON + headers)


def problem(
    status: int, message: str, details: dict[str, str] | None = None, headers: Headers = ()
) -> Answer:
    """The one shape of every error: `{"error": {"message", "details"?}}`. Source: loyaltylion.md §1.8."""
    error: dict[str, Any] = {"message": message}
    if details:
        error["details"] = details
    return as_json({"error": error}, status, headers)


def moment(at: datetime) -> str:
    """A time as this API writes it: UTC with milliseconds, `2018-01-25T00:25:27.000Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def moment_or_none(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
