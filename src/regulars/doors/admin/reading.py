"""Values out of forms: numbers and money as people type them, each at fault named by its field."""

from datetime import datetime
from zoneinfo import ZoneInfo

from regulars.domain.errors import Invalid
from regulars.domain.money import parse_amount
from regulars.doors.admin.form import Form

LONGEST_NUMBER = 12


def whole_number(form: Form, field: str, *, least: int = 1) -> int:
    """The number in this field. Raises Invalid."""
    value = optional_number(form, field, least=least)
    if value is None:
        raise Invalid(field, "is required")
    return value


def optional_number(form: Form, field: str, *, least: int = 1) -> int | None:
    """The number in this field, None for an empty one; blanks and dots between thousands don't matter."""
    text = form.get(field).replace(" ", "").replace("\u202f", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST_NUMBER:
        raise Invalid(field, "must be a whole number")
    if int(text) < least:
        raise Invalid(field, f"must be at least {least}")
    return int(text)


def optional_money(form: Form, field: str, currency: str) -> int | None:
    """Minor units of the amount in this field, None for an empty one. Raises Invalid."""
    text = form.get(field)
    return parse_amount(text, currency, field) if text else None


def optional_moment(form: Form, field: str, zone: str) -> datetime | None:
    """A day and time of day in the merchant's zone, as `datetime-local` sends it. Raises Invalid."""
    text = form.get(field)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise Invalid(field, "must be a day and a time") from None
