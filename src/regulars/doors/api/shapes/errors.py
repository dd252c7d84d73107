"""The one shape of every error."""

from typing import Any

from regulars.doors.api.shapes.fields import Open


class Error(Open, frozen=True, kw_only=True):
    """`code` is for programs and stays; `message` is for people, and may change; `details` go by `code`."""

    code: str
    message: str
    details: dict[str, Any]


class Failure(Open, frozen=True, kw_only=True):
    error: Error
