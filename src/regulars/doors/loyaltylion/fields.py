"""Reads a JSON body field by field and collects every problem, so that one answer names them all.

Values stay as they were written until a field's own rule reads them: 19.95 and "19.95" are one amount.
"""

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from regulars.domain.errors import Invalid
from regulars.domain.money import parse_amount
from regulars.doors.loyaltylion.errors import Malformed

E = TypeVar("E", bound=StrEnum)

LONGEST: Final = 255
"""Characters in an id, a name, an e-mail."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

INVALID: Final = "Invalid request"
HALF: Final = "contains half of a character (a lone surrogate)"

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER_ID = re.compile(rb"[0-9]{1,255}")
_EMAIL = re.compile(r"[^\s@\x00]+@[^\s@\x00]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Cancellation(StrEnum):
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not_cancelled"


class _Wrong(Exception):
    """What is wrong with one value."""


def parse_body(body: bytes) -> "Fields":
    """The fields of a JSON object. `[]`, which PHP writes for an empty one, has none. Raises Malformed."""
    if body.strip() == b"[]":
        return Fields({})
    try:
        return Fields(_OBJECT.decode(body))
    except msgspec.ValidationError:
        raise Malformed("The body must be a JSON object") from None
    except RecursionError:
        raise Malformed("The body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        _explain(body)


def _explain(body: bytes) -> NoReturn:
    """Raises Malformed for what is no JSON; a more lenient reading names the fields at fault where it can."""
    details: dict[str, str] = {}
    try:
        for name, value in json.loads(body).items():
            if (fault := _fault(name) or _fault(value)) is not None:
                details[_SURROGATES.sub("?", name)[:LONGEST]] = fault
    except (ValueError, AttributeError, RecursionError):
        details = {}
    raise Malformed(INVALID if details else "The body is not valid JSON", details)


def _fault(value: object) -> str | None:
    match value:
        case str():
            return HALF if _SURROGATES.search(value) else None
        case float():
            return None if math.isfinite(value) else "is not a number that JSON knows"
        case list():
            return next((fault for item in value if (fault := _fault(item))), None)
        case dict():
            return next((fault for item in value.items() if (fault := _fault(list(item)))), None)
        case _:
            return None


class Fields:
    """A body's fields. Each method reads one; where it is wrong, it notes a problem and answers harmlessly.

    `check()` raises Malformed with all problems: it comes before any value is used.
    """

    def __init__(
        self, raw: dict[str, msgspec.Raw], *, within: str = "", problems: dict[str, str] | None = None
    ) -> None:
        self._raw = raw
        self._within = within
        self.problems: dict[str, str] = {} if problems is None else problems

    def check(self) -> None:
        if self.problems:
            raise Malformed(INVALID, self.problems)

    def wrong(self, name: str, what: str) -> None:
        self.problems.setdefault(f"{self._within}{name}", what)

    def has(self, name: str) -> bool:
        """Whether the field is there, be it null."""
        return name in self._raw

    def is_object(self, name: str) -> bool:
        return (self._value(name) or b"").startswith(b"{")

    @property
    def is_empty(self) -> bool:
        return not self._raw

    # -- each of these reads a field that must be there; `_or_none` reads one that need not be

    def identifier(self, name: str) -> str:
        """An id: a text, or a whole number, which is kept as text. Not empty, at most 255 characters."""
        return self._required(name, self.identifier_or_none(name))

    def identifier_or_none(self, name: str, *, empty_is_none: bool = False) -> str | None:
        raw = self._value(name)
        if raw is None:
            return None
        if _NUMBER_ID.fullmatch(raw):
            return raw.decode()
        text = self._text(name, raw, LONGEST, what="a text or a whole number")
        if text == "" and not empty_is_none:
            self.wrong(name, "must not be empty")
        return text or None

    def text_or_none(self, name: str, *, most: int = LONGEST) -> str | None:
        raw = self._value(name)
        return None if raw is None else self._text(name, raw, most)

    def shortened(self, name: str, most: int) -> str | None:
        """A text of which only the first `most` characters are kept."""
        text = self.text_or_none(name, most=1_000_000)
        return text[:most] or None if text is not None else None

    def email(self, name: str) -> str:
        """An e-mail, without the blanks around it."""
        raw = self._value(name)
        text = self._required(name, None if raw is None else self._text(name, raw, LONGEST)).strip()
        if f"{self._within}{name}" not in self.problems and not _EMAIL.fullmatch(text):
            self.wrong(name, "must not be empty" if not text else "is not an e-mail address")
        return text

    def amount(self, name: str, currency: str) -> int:
        """Minor units of `currency`. See money.parse_amount for what an amount may look like."""
        minor = self.amount_or_none(name, currency)
        if minor is None:
            self.wrong(name, "is required")
        return minor or 0

    def amount_or_none(self, name: str, currency: str) -> int | None:
        raw = self._value(name)
        if raw is None:
            return None
        text = self._text(name, raw, LONGEST) if raw.startswith(b'"') else raw.decode("ascii", "replace")
        if f"{self._within}{name}" in self.problems or text is None:
            return None
        try:
            return parse_amount(text, currency, name)
        except Invalid as invalid:
            self.wrong(name, invalid.problem)
            return None

    def choice(self, name: str, kind: type[E]) -> E:
        """One of the words of `kind`."""
        raw = self._value(name)
        text = self._required(name, None if raw is None else self._text(name, raw, LONGEST))
        try:
            return kind(text)
        except ValueError:
            self.wrong(name, f"must be one of {', '.join(kind)}")
            return next(iter(kind))

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number, written without a point or an exponent."""
        raw = self._value(name)
        if raw is None:
            self.wrong(name, "is required")
        elif not _WHOLE.fullmatch(text := raw.decode("ascii", "replace")):
            self.wrong(name, "must be a whole number")
        elif not least <= int(text) <= most:
            self.wrong(name, f"must be from {least} to {most}")
        else:
            return int(text)
        return least

    def integer_or_none(self, name: str, *, least: int, most: int) -> int | None:
        return None if self._value(name) is None else self.integer(name, least=least, most=most)

    def flag_or_none(self, name: str) -> bool | None:
        raw = self._value(name)
        if raw in (b"true", b"false"):
            return raw == b"true"
        if raw is not None:
            self.wrong(name, "must be true or false")
        return None

    def moment_or_none(self, name: str) -> datetime | None:
        """A time, in UTC. It must carry its offset: guessing a shop's zone would be wrong by hours."""
        raw = self._value(name)
        text = None if raw is None else self._text(name, raw, LONGEST)
        if not text:
            if text == "":
                self.wrong(name, "must not be empty")
            return None
        try:
            return parse_moment(text)
        except ValueError as error:
            self.wrong(name, str(error))
            return None

    def day_or_none(self, name: str) -> date | None:
        raw = self._value(name)
        text = None if raw is None else self._text(name, raw, LONGEST)
        if text is None:
            return None
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.wrong(name, "must be a day as YYYY-MM-DD")
        return None

    def array_or_none(self, name: str) -> list[msgspec.Raw] | None:
        """The elements of an array, unread."""
        raw = self._value(name)
        if raw is None:
            return None
        if raw.startswith(b"["):
            return _ARRAY.decode(raw)
        self.wrong(name, "must be an array")
        return None

    def object(self, name: str, *, required: bool = False) -> "Fields | None":
        """The fields of an object, whose problems are collected here. `[]` counts as an empty one."""
        raw = self._value(name)
        if raw is None:
            if required:
                self.wrong(name, "is required")
            return None
        return self.nested(name, raw)

    def nested(self, name: str, raw: bytes) -> "Fields | None":
        if not raw.startswith(b"{") and raw != b"[]":
            self.wrong(name, "must be an object")
            return None
        try:
            fields = _OBJECT.decode(raw) if raw != b"[]" else {}
        except (msgspec.DecodeError, UnicodeDecodeError):  # skipped unread until now
            self.wrong(name, "has a name that is not valid Unicode")
            return None
        return Fields(fields, within=f"{self._within}{name}.", problems=self.problems)

    def scalars(self, *, most: int, longest: int) -> dict[str, str]:
        """Every field as text; at most `most` of them, none an object or array. Null ones are left out."""
        if len(self._raw) > most:
            self.wrong("", f"must not have more than {most} fields")
            return {}
        values: dict[str, str] = {}
        for name in self._raw:
            raw = self._value(name)
            if raw is None:
                continue
            if "\x00" in name or len(name) > LONGEST:
                self.wrong(name[:LONGEST].replace("\x00", "?"), "is not a name that can be kept")
            elif raw.startswith(b'"'):
                values[name] = self._text(name, raw, longest) or ""
            elif raw[:1] in b"[{" or len(raw) > longest:
                self.wrong(name, "must be a text, a number, true or false")
            else:
                values[name] = raw.decode("ascii", "replace")
        return values

    # -- one value

    def _value(self, name: str) -> bytes | None:
        """The value as it was written; None when it is absent or null."""
        raw = self._raw.get(name)
        if raw is None:
            return None
        written = bytes(raw)
        return None if written == b"null" else written

    def _required(self, name: str, value: str | None) -> str:
        if value is None:
            self.wrong(name, "is required")
            return ""
        return value

    def _text(self, name: str, raw: bytes, most: int, *, what: str = "a text") -> str | None:
        try:
            if not raw.startswith(b'"'):
                raise _Wrong(f"must be {what}")
            return decode_text(raw, most)
        except _Wrong as wrong:
            self.wrong(name, str(wrong))
            return None


def decode_text(raw: bytes, most: int) -> str:
    """A JSON string's text, such as the database can keep."""
    try:
        # Without an escape the text stands there as it is; strict UTF-8 has no surrogates.
        text = _TEXT.decode(raw) if b"\\" in raw else raw[1:-1].decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Wrong("is not valid Unicode") from None
    if "\x00" in text:
        raise _Wrong("must not contain a NUL character")
    if len(text) > most:
        raise _Wrong(f"must not be longer than {most} characters")
    return text


def parse_moment(text: str, *, zone: tzinfo | None = None, least: datetime | None = EPOCH) -> datetime:
    """An ISO 8601 time, in UTC. Without an offset of its own it is in `zone`, if given.

    Raises ValueError with a sentence's end for a person.
    """
    try:
        if not text.isascii():
            raise ValueError
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO 8601 time such as 2018-01-25T01:25:27+01:00") from None
    if at.tzinfo is None:
        if zone is None:
            raise ValueError("must carry its offset from UTC, such as +01:00 or Z")
        at = at.replace(tzinfo=zone)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None
    if least is not None and at < least:
        raise ValueError("must not lie before 1970")
    return at


def numbers(raws: Iterable[Any], most: int) -> list[int] | None:
    """Whole numbers, each given as such or as text; None when one of them is something else."""
    found: list[int] = []
    for raw in raws:
        text = bytes(raw).strip().decode("ascii", "replace").strip('"')
        if not _WHOLE.fullmatch(text) or len(found) == most:
            return None
        found.append(int(text))
    return found
