"""The days that Home and Reports are about: a few ranges to choose from, or any two days."""

from datetime import date
from typing import Final, NamedTuple

from regulars.app.figures import Range, checked_range, last_days, today
from regulars.domain.errors import Invalid
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.words import N_

USUAL_DAYS: Final = 30
PRESETS: Final = (
    (7, N_("7 days")),
    (30, N_("30 days")),
    (90, N_("90 days")),
    (365, N_("12 months")),
)
"""Days that end today, and what they are called."""


class Chosen(NamedTuple):
    """A range of days; `days`: which of the presets it is, None for days of the reader's own."""

    range: Range
    days: int | None
    today: date

    @property
    def query(self) -> dict[str, object]:
        """What brings this range back, in an address."""
        if self.days is not None:
            return {"days": None if self.days == USUAL_DAYS else self.days}
        return {"from": self.range.first.isoformat(), "to": self.range.last.isoformat()}

    @property
    def ends_today(self) -> bool:
        return self.range.last == self.today


async def choose(ask: Ask) -> Chosen:
    """The range that the address asks for. One that is none is said beside its field, and the usual one is
    shown."""
    now = ask.program.time(ask.now)
    day = await today(ask.house.database, ask.program_id, now=now)
    if "from" in ask.query or "to" in ask.query:
        try:
            range_ = Range(first=_day(ask, "from"), last=_day(ask, "to"))
            return Chosen(_checked(range_), None, day)
        except Invalid as refused:
            ask.errors = errors_of(refused)
    said = ask.query.get("days", "")
    days = next((number for number, _ in PRESETS if str(number) == said), USUAL_DAYS)
    return Chosen(last_days(day, days), days, day)


def _day(ask: Ask, field: str) -> date:
    try:
        return date.fromisoformat(ask.query.get(field, ""))
    except ValueError:
        raise Invalid(field, "must be a day") from None


def _checked(range_: Range) -> Range:
    try:
        return checked_range(range_)
    except Invalid as refused:
        raise Invalid("to" if refused.field == "last" else "from", refused.problem) from None
