"""Reports: what is owed in points and how it came to be, its age, and which rewards and rules are used, as
rows and CSV."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from regulars.app import spreadsheets
from regulars.app.figures import Points, Range, checked_range, figures, in_all
from regulars.deadline import allow
from regulars.domain.book import Bucket, Cause
from regulars.domain.program import Program
from regulars.domain.rewards import RewardKind
from regulars.storage import dues, reports
from regulars.storage import figures as storage
from regulars.storage.database import Database
from regulars.storage.figures import Sum
from regulars.storage.reports import AGES

if TYPE_CHECKING:
    from regulars.app.house import House

FRESH_MINUTES: Final = 60
SUM_SECONDS: Final = 30.0
"""How long somebody may have to wait who is the first to ask about a large program."""
FEW_LOTS: Final = 50_000
"""So many are summed for every look; more, at most once in an hour."""

RULES: Final = {
    Cause.PURCHASE: "Purchases",
    Cause.JOIN: "Joining",
    Cause.ADJUSTMENT: "Given by staff",
}


class LiabilityRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day or month of what is owed to members, in points.

    opening + earned - spent - expired - reversed + adjusted = closing. `spent` and `reversed` are less what
    came back; `adjusted` is what staff gave less what they took.
    """

    first: date
    last: date
    opening: int
    earned: int
    spent: int
    expired: int
    reversed: int
    adjusted: int
    closing: int


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """Open lots opened from `from_days` to `to_days` (None: any more) days ago, and the points left in
    them."""

    from_days: int
    to_days: int | None
    lots: int
    pending: int
    available: int


class Ages(msgspec.Struct, frozen=True, kw_only=True):
    """`owed`: by customers below zero, which no lot shows. `total` = all rows - owed = the liability, as of
    `as_of`."""

    rows: list[Age]
    owed: int
    total: int
    as_of: datetime


class RewardUse(msgspec.Struct, frozen=True, kw_only=True):
    """What was claimed of a reward in a range and became of it by now. `points`: spent on it and not given
    back; `value_minor`: the amounts of those used, where the reward is an amount."""

    reward_id: int
    title: str
    kind: RewardKind
    claimed: int
    used: int
    cancelled: int
    expired: int
    points: int
    value_minor: int


class RuleUse(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule gave, how many points, and how many of an order's were taken back (less what was
    restored)."""

    rule: Cause
    title: str
    times: int
    points: int
    taken_back: int


async def liability(
    database: Database,
    program_id: int,
    range_: Range,
    *,
    by: Literal["day", "month"] = "day",
    basis: Literal["recorded", "effective"] = "recorded",
) -> list[LiabilityRow]:
    """The roll-forward of what is owed, exactly as the book has it. Raises Invalid, UnknownProgram, Busy.

    `basis`: by when movements were written down, so that a closed month never changes, or by when they take
    effect.
    """
    checked_range(range_)
    async with figures(database, program_id) as (connection, kept):
        before = await storage.points_before(connection, program_id, kept, basis=basis, day=range_.first)
        sums = await storage.points(
            connection, program_id, kept, basis=basis, first=range_.first, last=range_.last
        )
    by_part: dict[date, list[Sum]] = {}
    for each in sums:
        by_part.setdefault(_first_of(each.day, range_, by), []).append(each)
    opening = in_all(before).net
    rows = []
    for part in _parts(range_, by):
        row = _row(part, opening, in_all(by_part.get(part.first, ())))
        opening = row.closing
        rows.append(row)
    return rows


def _row(part: Range, opening: int, moved: Points) -> LiabilityRow:
    return LiabilityRow(
        first=part.first,
        last=part.last,
        opening=opening,
        earned=moved.earned,
        spent=moved.spent - moved.returned,
        expired=moved.expired,
        reversed=moved.reversed - moved.restored,
        adjusted=moved.given - moved.adjusted,
        closing=opening + moved.net,
    )


def _parts(range_: Range, by: str) -> list[Range]:
    """The range day by day, or month by month; its ends may cut a month."""
    if by == "day":
        return [Range(first=day, last=day) for day in range_.each()]
    parts = []
    first = range_.first
    while first <= range_.last:
        next_month = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        parts.append(Range(first=first, last=min(next_month - timedelta(days=1), range_.last)))
        first = next_month
    return parts


def _first_of(day: date, range_: Range, by: str) -> date:
    """The first day of the part of the range to which the day belongs."""
    return day if by == "day" else max(day.replace(day=1), range_.first)


async def ages(database: Database, program_id: int, *, now: datetime) -> Ages:
    """What is owed by the age of the lots that hold it, at `now` (program time); of a large program, as of
    `as_of`.

    Raises UnknownProgram, Busy.
    """
    async with figures(database, program_id) as (connection, _):
        found = await reports.ages(connection, program_id)
        few = await reports.lots_ever(connection, program_id) <= FEW_LOTS
        owed = await reports.owed(connection, program_id)
    if few or not found:
        allow(SUM_SECONDS)
        found, owed = await _sum_ages(database, program_id, now)
    rows = [
        Age(
            from_days=row.youngest_days,
            to_days=oldest,
            lots=row.lots,
            pending=row.pending,
            available=row.available,
        )
        for row, oldest in zip(found, [*(days - 1 for days in AGES[1:]), None], strict=True)
    ]
    total = sum(row.pending + row.available for row in rows) - owed
    return Ages(rows=rows, owed=owed, total=total, as_of=found[0].as_of)


async def _sum_ages(database: Database, program_id: int, now: datetime) -> tuple[list[reports.LotAge], int]:
    async with database.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        await reports.sum_ages(connection, program_id, now)
        return await reports.ages(connection, program_id), await reports.owed(connection, program_id)


async def refresh_ages(house: "House", *, now: datetime) -> None:
    """Sums anew what large programs' lots hold by age, where that was last done an hour ago. Jobs call it."""
    async with house.database.acquire() as connection:
        clocks = await dues.programs_with_clocks(connection)
    for program_id, ahead_seconds in clocks:
        program_now = now + timedelta(seconds=ahead_seconds)
        async with house.database.acquire() as connection:
            if await reports.lots_ever(connection, program_id) <= FEW_LOTS:
                continue
            found = await reports.ages(connection, program_id)
        if not found or program_now - found[0].as_of >= timedelta(minutes=FRESH_MINUTES):
            await _sum_ages(house.database, program_id, program_now)


async def rewards_used(database: Database, program: Program, range_: Range) -> list[RewardUse]:
    """Every reward of the program and how it was used, by what was claimed in the range; the most claimed
    first.

    Raises Invalid, UnknownProgram, Busy.
    """
    checked_range(range_)
    async with figures(database, program.id) as (connection, kept):
        zone = ZoneInfo(kept.timezone)
        found = {
            each.reward_id: each
            for each in await reports.claimed(
                connection,
                program.id,
                since=datetime.combine(range_.first, time.min, zone),
                before=datetime.combine(range_.last + timedelta(days=1), time.min, zone),
            )
        }
    none = reports.Claimed(reward_id=0, claimed=0, used=0, cancelled=0, expired=0, points=0, value_minor=0)
    uses = [
        RewardUse(
            title=reward.title,
            kind=reward.kind,
            **(msgspec.structs.asdict(found.get(reward.id, none)) | {"reward_id": reward.id}),
        )
        for reward in program.rewards
    ]
    return sorted(uses, key=lambda use: (-use.claimed, use.reward_id))


async def rules_used(database: Database, program_id: int, range_: Range) -> list[RuleUse]:
    """What each rule gave in the range, by when it took effect; the most points first. Raises as
    `liability`."""
    checked_range(range_)
    async with figures(database, program_id) as (connection, kept):
        sums = await storage.points(
            connection, program_id, kept, basis="effective", first=range_.first, last=range_.last
        )
    uses = [_rule_use(rule, title, sums) for rule, title in RULES.items()]
    return sorted(uses, key=lambda use: (-use.points, use.title))


def _rule_use(rule: Cause, title: str, sums: Sequence[Sum]) -> RuleUse:
    given = [each for each in sums if each.cause is rule and each.from_bucket is Bucket.ISSUED]
    moved = in_all(each for each in sums if Bucket.REVERSED in (each.from_bucket, each.to_bucket))
    return RuleUse(
        rule=rule,
        title=title,
        times=sum(each.movements for each in given),
        points=sum(each.points for each in given),
        taken_back=moved.reversed - moved.restored if rule is Cause.PURCHASE else 0,
    )


def liability_csv(rows: Sequence[LiabilityRow]) -> bytes:
    """The roll-forward as CSV."""
    headings = (
        "From", "To", "Opening", "Earned", "Spent", "Expired", "Reversed", "Adjusted", "Closing"
    )  # fmt: skip
    return spreadsheets.table(headings, (msgspec.structs.astuple(row) for row in rows))


def ages_csv(found: Ages) -> bytes:
    """Points by age as CSV, with what customers owe and the total below."""
    rows: list[tuple[spreadsheets.Cell, ...]] = [msgspec.structs.astuple(row) for row in found.rows]
    rows += [("Owed by customers", None, None, None, -found.owed), ("Total", None, None, None, found.total)]
    return spreadsheets.table(("From days", "To days", "Lots", "Pending", "Available"), rows)


def rewards_csv(rows: Sequence[RewardUse], *, currency: str) -> bytes:
    """Rewards by use as CSV; the value is in minor units of `currency`."""
    headings = (
        "Reward", "Title", "Kind", "Claimed", "Used", "Cancelled", "Expired", "Points",
        f"Value used ({currency}, minor units)",
    )  # fmt: skip
    return spreadsheets.table(headings, (msgspec.structs.astuple(row) for row in rows))


def rules_csv(rows: Sequence[RuleUse]) -> bytes:
    """Rules by use as CSV."""
    return spreadsheets.table(
        ("Rule", "Title", "Times", "Points", "Taken back"), (msgspec.structs.astuple(row) for row in rows)
    )
