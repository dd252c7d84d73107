"""The columns of a file, and reading one row's values: each reader names the column that is at fault."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from regulars.domain.errors import Invalid
from regulars.domain.money import parse_amount

LONGEST: Final = 255

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YES: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

E = TypeVar("E", bound=StrEnum)


class Column(msgspec.Struct, frozen=True):
    """A column: its name, what it says, and other names under which other programs write it."""

    name: str
    says: str
    also: tuple[str, ...] = ()
    required: bool = False


def column_names(columns: Iterable[Column]) -> dict[str, tuple[str, int]]:
    """The column that each name means, and its rank: of two names of one column, the lower rank counts."""
    return {
        name: (column.name, rank)
        for column in columns
        for rank, name in enumerate((column.name, *column.also))
    }


class Cells:
    """A row's values. Blank is the same as not there. Every method raises Invalid, naming the column."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, *, longest: int = LONGEST) -> str | None:
        """The value without the blanks around it; None when there is none."""
        text = self._values.get(name, "").strip()
        if not text:
            return None
        if len(text) > longest:
            raise Invalid(name, f"must have at most {longest} characters")
        if "\x00" in text or (not text.isascii() and _UNFIT.search(text)):
            raise Invalid(name, "is not UTF-8 text, or holds a NUL")
        return text

    def required(self, name: str) -> str:
        text = self.text(name)
        if text is None:
            raise Invalid(name, "is required")
        return text

    def email(self, name: str) -> str | None:
        text = self.text(name)
        if text is not None and _EMAIL.fullmatch(text) is None:
            raise Invalid(name, "is not an e-mail address")
        return text

    def amount(self, name: str, currency: str) -> int | None:
        """Minor units. See money.parse_amount for what an amount may look like."""
        text = self.text(name)
        return None if text is None else parse_amount(text, currency, name)

    def required_amount(self, name: str, currency: str) -> int:
        return parse_amount(self.required(name), currency, name)

    def whole(self, name: str, most: int) -> int | None:
        """A whole number from 0 to `most`."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
            raise Invalid(name, f"must be a whole number from 0 to {most}")
        return int(text)

    def moment(self, name: str) -> datetime | None:
        """A day, or a day and a time, by ISO 8601; without an offset it is UTC."""
        text = self.text(name)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text.replace(" UTC", "Z"))
        except ValueError:
            raise Invalid(name, "must be like 2025-03-31 or 2025-03-31T18:30:00+01:00") from None
        if not 1970 <= found.year < 9999:
            raise Invalid(name, "must be after 1970")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def day(self, name: str) -> date | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            if _DAY.fullmatch(text) is None:
                raise ValueError(text)
            return date.fromisoformat(text)
        except ValueError:
            raise Invalid(name, "must be a day like 1990-12-31") from None

    def is_so(self, name: str) -> bool:
        """true, yes or 1; blank is no."""
        text = self.text(name)
        found = False if text is None else _YES.get(text.lower())
        if found is None:
            raise Invalid(name, "must be true or false")
        return found

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """One of the words of `kind`."""
        text = self.text(name)
        if text is None:
            return default
        try:
            return kind(text.lower())
        except ValueError:
            raise Invalid(name, f"must be one of {', '.join(kind)}") from None

    def currency(self, expected: str) -> str:
        """The `currency` column, where there is one; it must be the shop's."""
        text = self.text("currency")
        if text is not None and text.upper() != expected:
            raise Invalid("currency", f"must be the site's, {expected}")
        return expected
