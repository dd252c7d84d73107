"""Reports: what is owed in points and how it came to be, its age, and what rewards and rules did with it."""

from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from babel import dates

from regulars.app import reports
from regulars.app.figures import Range
from regulars.app.reports import Ages, LiabilityRow, RewardUse, RuleUse
from regulars.domain.book import Cause
from regulars.doors.admin.answers import Answer, attachment
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.figures import day
from regulars.doors.admin.pages.rewards import KINDS
from regulars.doors.admin.ranges import PRESETS, Chosen, choose
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import N_, _, reader

LONGEST_BY_DAY: Final = 366
"""Longer ranges are told by month: nobody reads so many lines."""
TABS: Final = (
    ("/reports", N_("Points owed")),
    ("/reports/age", N_("By age")),
    ("/reports/rewards", N_("Rewards used")),
    ("/reports/rules", N_("Rules used")),
)
RULES: Final = {
    Cause.PURCHASE: N_("Orders"),
    Cause.JOIN: N_("Becoming a member"),
    Cause.ADJUSTMENT: N_("Given by staff"),
}
TRIES: Final = 3
"""So often both sides are read until no order came in between."""


class Told(NamedTuple):
    """A line of the roll-forward, and what its days are called."""

    title: str
    row: LiabilityRow


class Agreement(NamedTuple):
    """What the book of movements says is owed now, beside what lots and accounts hold; `as_of`: when those
    were summed."""

    book: int
    held: int
    as_of: datetime

    @property
    def agrees(self) -> bool:
        return self.book == self.held


async def show_owed(ask: Ask) -> Answer:
    """The roll-forward, and whether its end is what the lots hold."""
    chosen, by, rows = await _roll_forward(ask)
    return _page(
        ask,
        "owed",
        chosen=chosen,
        by=by,
        rows=[Told(called(row, by), row) for row in rows],
        whole=in_all(rows),
        series=[{"name": _("Closing"), "values": [row.closing for row in rows]}],
        agreement=await agreement(ask, chosen.today),
        is_too_long=chosen.range.days > LONGEST_BY_DAY,
    )


async def download_owed(ask: Ask) -> Answer:
    chosen, by, rows = await _roll_forward(ask)
    return attachment(reports.liability_csv(rows), _file(f"points-owed-by-{by}", chosen.range))


async def _roll_forward(ask: Ask) -> tuple[Chosen, Literal["day", "month"], list[LiabilityRow]]:
    chosen = await choose(ask)
    wants_months = ask.query.get("by") == "month" or chosen.range.days > LONGEST_BY_DAY
    by: Literal["day", "month"] = "month" if wants_months else "day"
    rows = await reports.liability(ask.house.database, ask.program_id, chosen.range, by=by)
    return chosen, by, rows


def called(row: LiabilityRow, by: str) -> str:
    """What a line's days are called: a day, a month, or the days of a month that the range cut."""
    if by == "day":
        return day(row.first)
    is_whole = row.first.day == 1 and (row.last + timedelta(days=1)).day == 1
    if is_whole:
        return dates.format_skeleton("yMMMM", row.first, locale=reader().locale)
    return day(row.first) if row.first == row.last else f"{day(row.first)} – {day(row.last)}"


def in_all(rows: list[LiabilityRow]) -> LiabilityRow:
    """All lines as one."""
    first, last = rows[0], rows[-1]
    return LiabilityRow(
        first=first.first,
        last=last.last,
        opening=first.opening,
        earned=sum(row.earned for row in rows),
        spent=sum(row.spent for row in rows),
        expired=sum(row.expired for row in rows),
        reversed=sum(row.reversed for row in rows),
        adjusted=sum(row.adjusted for row in rows),
        closing=last.closing,
    )


async def agreement(ask: Ask, today: date) -> Agreement:
    """Today's closing of the book beside the points that lots hold, which are counted by another way. Raises
    Busy."""
    database, program_id = ask.house.database, ask.program_id
    found = None
    for _try in range(TRIES):
        (row,) = await reports.liability(database, program_id, Range(first=today, last=today))
        held = await reports.ages(database, program_id, now=ask.program.time(ask.now))
        found = Agreement(row.closing, held.total, held.as_of)
        if found.agrees:
            break
    assert found is not None, "it is tried at least once"
    return found


async def show_age(ask: Ask) -> Answer:
    return _page(ask, "age", ages=await _ages(ask), now=ask.program.time(ask.now))


async def download_age(ask: Ask) -> Answer:
    ages = await _ages(ask)
    return attachment(reports.ages_csv(ages), f"points-by-age-{ages.as_of.date().isoformat()}.csv")


async def _ages(ask: Ask) -> Ages:
    return await reports.ages(ask.house.database, ask.program_id, now=ask.program.time(ask.now))


async def show_rewards(ask: Ask) -> Answer:
    chosen, rows = await _rewards(ask)
    most = max((row.claimed for row in rows), default=0)
    return _page(ask, "rewards", chosen=chosen, rows=rows, most=most, kinds=KINDS)


async def download_rewards(ask: Ask) -> Answer:
    chosen, rows = await _rewards(ask)
    body = reports.rewards_csv(rows, currency=ask.program.currency)
    return attachment(body, _file("rewards-used", chosen.range))


async def _rewards(ask: Ask) -> tuple[Chosen, list[RewardUse]]:
    chosen = await choose(ask)
    return chosen, await reports.rewards_used(ask.house.database, ask.program, chosen.range)


async def show_rules(ask: Ask) -> Answer:
    chosen, rows = await _rules(ask)
    given = sum(row.points for row in rows)
    return _page(ask, "rules", chosen=chosen, rows=rows, given=given, names=RULES)


async def download_rules(ask: Ask) -> Answer:
    chosen, rows = await _rules(ask)
    return attachment(reports.rules_csv(rows), _file("rules-used", chosen.range))


async def _rules(ask: Ask) -> tuple[Chosen, list[RuleUse]]:
    chosen = await choose(ask)
    return chosen, await reports.rules_used(ask.house.database, ask.program_id, chosen.range)


def _page(ask: Ask, name: str, *, chosen: Chosen | None = None, **facts: Any) -> Answer:
    facts["days"] = {} if chosen is None else chosen.query
    return ask.render(f"reports/{name}.html", tabs=TABS, presets=PRESETS, chosen=chosen, **facts)


def _file(name: str, range_: Range) -> str:
    return f"{name}-{range_.first.isoformat()}-{range_.last.isoformat()}.csv"


ROUTES: Final = (
    Route("GET", "/reports", "reports.read", show_owed),
    Route("GET", "/reports/age", "reports.read", show_age),
    Route("GET", "/reports/rewards", "reports.read", show_rewards),
    Route("GET", "/reports/rules", "reports.read", show_rules),
    Route("GET", "/reports/owed/csv", "reports.export", download_owed),
    Route("GET", "/reports/age/csv", "reports.export", download_age),
    Route("GET", "/reports/rewards/csv", "reports.export", download_rewards),
    Route("GET", "/reports/rules/csv", "reports.export", download_rules),
)
