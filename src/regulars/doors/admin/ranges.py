"""The days that Home and Reports are about: a few ranges to choose from, or any two days."""

from datetime import date
from typing import Final, NamedTuple

from regulars.app.figures import LONGEST_DAYS, Range, checked_range, last_days, today
from regulars.domain.errors import Invalid
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.words import N_, _

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


async def choose(ask: Ask) -> Chosen:
    """The range that the address asks for. One that is none is said beside its field, and the usual one is
    shown."""
    now = ask.program.time(ask.now)
    day = await today(ask.house.database, ask.program_id, now=now)
    if "from" in ask.query or "to" in ask.query:
        first, last = _day(ask, "from"), _day(ask, "to")
        if first is not None and last is not None and _is_range(first, last):
            return Chosen(Range(first=first, last=last), None, day)
        ask.errors = _what_is_wrong(first, last)
    said = ask.query.get("days", "")
    days = next((number for number, _label in PRESETS if str(number) == said), USUAL_DAYS)
    return Chosen(last_days(day, days), days, day)


def _day(ask: Ask, field: str) -> date | None:
    """The day in the field; None for what is none."""
    try:
        return date.fromisoformat(ask.query.get(field, ""))
    except ValueError:
        return None


def _is_range(first: date, last: date) -> bool:
    try:
        checked_range(Range(first=first, last=last))
    except Invalid:
        return False
    return True


def _what_is_wrong(first: date | None, last: date | None) -> dict[str, str]:
    """In one sentence above the page, with what is shown in its place; and a word beside the field."""
    instead = _("Here are the last 30 days instead.")
    if first is None or last is None:
        missing = {name: _("Choose a day.") for name, said in (("from", first), ("to", last)) if said is None}
        return {"": _("These days need a first and a last one.") + " " + instead, **missing}
    if last < first:
        said = _("The last day lies before the first.")
        return {"": f"{said} {instead}", "to": said}
    if (last - first).days >= LONGEST_DAYS:
        said = _("At most ten years can be shown at once.")
        return {"": f"{said} {instead}", "to": said}
    said = _("Choose a day of our times.")
    return {"": f"{said} {instead}", "from": said}
