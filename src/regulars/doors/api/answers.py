"""What this API answers alike everywhere: its errors."""

from typing import Any

from regulars.doors.wire import Answer, Headers, as_json


def problem(
    status: int, code: str, message: str, details: dict[str, Any] | None = None, headers: Headers = ()
) -> Answer:
    """The one shape of every error: `{"error": {"code", "message", "details"}}`."""
    return as_json({"error": {"code": code, "message": message, "details": details or {}}}, status, headers)
