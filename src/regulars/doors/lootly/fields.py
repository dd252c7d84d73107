"""Values of a signed body, read strictly: each problem names its field, and nothing is guessed."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NoReturn

from regulars.domain.errors import Invalid
from regulars.domain.money import parse_amount
from regulars.doors.lootly.signature import LONGEST_CUSTOMER_ID_BYTES, SignedBody

LONGEST_TEXT: Final = 255
EARLIEST_BIRTHDAY: Final = date(1880, 1, 1)

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("", "0", "false", "no", "off")


class Number(str):
    """A JSON number's source text, told apart from a string of the same characters."""

    __slots__ = ()


def with_source_numbers(source: str) -> Any:
    """The JSON value of `source` with each number as its own text, so that money stays exact."""
    return json.loads(source, parse_int=Number, parse_float=Number)


def text(value: object, field: str, longest: int = LONGEST_TEXT) -> str | None:
    """The string as it is; None when it is null, absent or empty. Raises Invalid."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or isinstance(value, Number):
        raise Invalid(field, "must be a string")
    if len(value) > longest:
        raise Invalid(field, f"must not be longer than {longest} characters")
    if "\x00" in value:
        raise Invalid(field, "must not contain NUL characters")
    return value


def identifier(value: object, field: str) -> str | None:
    """A shop's id, string or integer, as a string; None when it is null, absent or empty. Raises Invalid."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if is_integer or (isinstance(value, Number) and value.lstrip("-").isdigit()):
        return text(str(value), field)
    if value is not None and (not isinstance(value, str) or isinstance(value, Number)):
        raise Invalid(field, "must be a string or an integer")
    return text(value, field)


def required_identifier(value: object, field: str) -> str:
    """The same of an id that must be there."""
    found = identifier(value, field)
    if found is None:
        raise Invalid(field, "is required")
    return found


def customer_identifier(value: object, field: str) -> str | None:
    """A customer's id of at most 191 bytes. 0 is nobody, as it is in the shops' own user tables."""
    found = identifier(value, field)
    if found is None or found == "0":
        return None
    if len(found.encode()) > LONGEST_CUSTOMER_ID_BYTES:
        raise Invalid(field, f"must not be longer than {LONGEST_CUSTOMER_ID_BYTES} bytes")
    return found


def required_customer_identifier(value: object, field: str) -> str:
    """The same of an id that must be there."""
    found = customer_identifier(value, field)
    if found is None:
        raise Invalid(field, "is required")
    return found


def money(body: SignedBody, field: str, currency: str) -> int:
    """A top-level amount in minor units: a string, or a number by its source text. Raises Invalid."""
    value = body.members.get(field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return parse_amount(body.source(field) or "", currency, field)
    return amount(value, field, currency)


def amount(value: object, field: str, currency: str) -> int:
    """A string, or a `Number`, in minor units. Raises Invalid."""
    if value is None:
        raise Invalid(field, "is required")
    if not isinstance(value, str):
        raise Invalid(field, "must be a decimal amount, as a string or a number")
    return parse_amount(value, currency, field)


def flag(value: object, field: str) -> bool:
    """ "0", "1", 0, 1, true, false and their words; absent, null and "" are false. Raises Invalid."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, str | int) else None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Invalid(field, 'must be "0" or "1"')


def email(value: object, field: str) -> str | None:
    """An e-mail address without blanks around it; None when it is null, absent or empty. Raises Invalid."""
    found = text(value, field)
    if found is None or not (found := found.strip()):
        return None
    if _EMAIL.fullmatch(found) is None:
        raise Invalid(field, "must be an e-mail address")
    return found


def birthday(value: object, field: str, now: datetime) -> date | None:
    """A day like "1970-01-01" that was; None when it is null, absent or empty. Raises Invalid."""
    found = text(value, field)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found) if _DATE.fullmatch(found) and found.isascii() else None
    except ValueError:
        day = None
    if day is None:
        raise Invalid(field, "must be a date like 1970-01-01")
    if not EARLIEST_BIRTHDAY <= day <= now.date():
        raise Invalid(field, "must lie in the past, after 1879")
    return day


def mapping(value: object, field: str) -> Mapping[str, object]:
    """An object; null, absent and PHP's empty list are an empty one. Raises Invalid."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise Invalid(field, "must be an object")
    return value


def mappings(value: object, field: str, most: int) -> list[Mapping[str, object]]:
    """A list of objects, or PHP's array whose keys have gaps; null and absent are empty. Raises Invalid."""
    if isinstance(value, dict):
        value = list(value.values())
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(field, "must be a list")
    if len(value) > most:
        raise Invalid(field, f"must not have more than {most} entries")
    for item in value:
        if not isinstance(item, dict):
            _refuse_items(field)
    return value


def _refuse_items(field: str) -> NoReturn:
    raise Invalid(field, "must be a list of objects")
