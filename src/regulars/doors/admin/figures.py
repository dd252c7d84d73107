"""Numbers, money and times as the reader writes them; the filters of the templates."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from babel import dates, numbers

from regulars.domain.money import format_amount
from regulars.doors.admin.words import _, ngettext, reader


def number(value: float | Decimal) -> str:
    """1234567 is "1,234,567" in English."""
    return numbers.format_decimal(value, locale=reader().locale)


def percent(share: float) -> str:
    """0.125 is "12.5%"."""
    return numbers.format_percent(share, format="#,##0.#%", locale=reader().locale)


def money(minor: int, currency: str) -> str:
    """3999 of GBP is "£39.99"."""
    return numbers.format_currency(
        Decimal(format_amount(minor, currency)), currency, locale=reader().locale, currency_digits=True
    )


def amount(minor: int, currency: str) -> str:
    """The plain decimal that a form field takes and gives back: 3999 of GBP is "39.99"."""
    return format_amount(minor, currency)


def points(value: int) -> str:
    """ "1 point", "1,234 points"."""
    return ngettext("%(points)s point", "%(points)s points", abs(value), points=number(value))


def day(value: date | datetime) -> str:
    """The day in the reader's zone: "2 Mar 2026"."""
    local = value.astimezone(reader().zone) if isinstance(value, datetime) else value
    return dates.format_date(local, "medium", locale=reader().locale)


def moment(value: datetime) -> str:
    """Day and time of day in the reader's zone: "2 Mar 2026, 12:00"."""
    zone, locale = reader().zone, reader().locale
    return f"{day(value)}, {dates.format_time(value.astimezone(zone), 'short', tzinfo=zone, locale=locale)}"


def ago(value: datetime, now: datetime) -> str:
    """How long ago, or in how long: "3 hours ago"."""
    if abs(now - value) < timedelta(minutes=1):
        return _("just now")
    return dates.format_timedelta(value - now, add_direction=True, locale=reader().locale)


def iso(value: datetime) -> str:
    """For the datetime attribute of <time>."""
    return value.isoformat(timespec="seconds")


def local(value: datetime | None) -> str:
    """What a field of the type datetime-local takes: "2026-03-02T12:00" in the reader's zone."""
    return value.astimezone(reader().zone).strftime("%Y-%m-%dT%H:%M") if value is not None else ""


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    one.__name__: one for one in (number, percent, money, amount, points, day, moment, ago, iso, local)
}
