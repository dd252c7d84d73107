"""What this API answers alike everywhere: creates, errors, times."""

from datetime import UTC, datetime
from typing import Any, Final

from regulars.doors.wire import Answer, Headers, as_json

CREATED: Final = Answer(201)
"""201 with an empty body, as every create of this API answers. Source: loyaltylion.md §1.1."""
NO_CONTENT: Final = Answer(204)


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
