"""What the address of a list asks for: from where to go on, and days."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeAlias

from regulars.domain.errors import Invalid

Get: TypeAlias = Callable[[str, str], str]
"""How a field is read, be it of an address or a form: `get(name, default)`."""


def key_before(query: Mapping[str, str]) -> int | None:
    """The key that `?before=` says; None for none, and for what is no key."""
    text = query.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def read_day(get: Get, field: str) -> date | None:
    """The day in a field, None for an empty one. Raises Invalid."""
    text = get(field, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(field, "must be a day") from None
