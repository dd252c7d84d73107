"""A program's figures by day: kept up to date, read together with what the book has beyond them, and put in
words."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from regulars.app.programs import UnknownProgram
from regulars.domain.book import Bucket, Cause
from regulars.domain.errors import Invalid
from regulars.storage import figures as storage
from regulars.storage import people
from regulars.storage.database import Connection, Database
from regulars.storage.figures import Kept, Sum
from regulars.storage.reading import reading

if TYPE_CHECKING:
    from regulars.app.house import House

AT_ONCE: Final = 20_000
"""Movements and changed orders that one step follows: about a second's work at most."""
STALE_SECONDS: Final = 600
"""Orders of a large program: by then a page waits for them rather than show older ones."""
LONGEST_DAYS: Final = 3700


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Days of the program's time zone, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Range":
        """As many days, just before these."""
        return Range(first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))

    def each(self) -> list[date]:
        """Every day of it, in order."""
        return [self.first + timedelta(days=number) for number in range(self.days)]


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """What movements did, in points. `reversed`: taken back with an order; `restored`: put back of that;
    `returned`: spent and given back; `adjusted`: taken by staff. `pending`: by how much the pending part of
    the balance changed."""

    earned: int = 0
    given: int = 0
    spent: int = 0
    returned: int = 0
    expired: int = 0
    reversed: int = 0
    restored: int = 0
    adjusted: int = 0
    approved: int = 0
    pending: int = 0
    redemptions: int = 0
    """How many, not points."""

    @property
    def net(self) -> int:
        """By how much they changed what is owed to members."""
        return (
            self.earned
            + self.given
            + self.returned
            + self.restored
            - self.spent
            - self.expired
            - self.reversed
            - self.adjusted
        )


_TAKING: Final = {
    Bucket.REDEEMED: "spent",
    Bucket.EXPIRED: "expired",
    Bucket.REVERSED: "reversed",
    Bucket.ADJUSTED: "adjusted",
}
_GIVING: Final = {Bucket.REDEEMED: "returned", Bucket.REVERSED: "restored", Bucket.PENDING: "approved"}


def in_all(sums: Iterable[Sum]) -> Points:
    """What all these movements did together."""
    found: dict[str, int] = {}
    for each in sums:
        name = _named(each)
        found[name] = found.get(name, 0) + each.points
        sign = (each.to_bucket is Bucket.PENDING) - (each.from_bucket is Bucket.PENDING)
        found["pending"] = found.get("pending", 0) + sign * each.points
        if each.cause is Cause.REDEMPTION:
            found["redemptions"] = found.get("redemptions", 0) + each.movements
    return Points(**found)


def _named(each: Sum) -> str:
    if each.from_bucket is Bucket.ISSUED:
        return "given" if each.cause is Cause.ADJUSTMENT else "earned"
    return _TAKING.get(each.to_bucket) or _GIVING[each.from_bucket]


def checked_range(range_: Range) -> Range:
    """The range, if it is one. Raises Invalid."""
    if not 0 < range_.days <= LONGEST_DAYS:
        raise Invalid("last", f"must not be before the first day, nor more than {LONGEST_DAYS} days after it")
    if range_.first.year < 1980 or range_.last.year > 2500:
        raise Invalid("first", "must be a day of our times")
    return range_


async def today(database: Database, program_id: int, *, now: datetime) -> date:
    """The day that it is in the program's time zone at `now` (program time). Raises UnknownProgram, Busy."""
    async with reading(database) as connection:
        name = await people.timezone(connection, program_id)
    if name is None:
        raise UnknownProgram(program=program_id)
    return now.astimezone(ZoneInfo(name)).date()


def last_days(day: date, number: int) -> Range:
    """The `number` days that end with `day`."""
    return Range(first=day - timedelta(days=number - 1), last=day)


@asynccontextmanager
async def figures(
    database: Database, program_id: int, *, now: datetime | None = None
) -> AsyncIterator[tuple[Connection, Kept]]:
    """A connection that sees one moment of the figures and the book, for a block. Raises UnknownProgram,
    Busy.

    Points are exact at that moment. Orders are those known at `kept.changed_at`: of a large program that may
    be minutes ago, as summing a busy day anew takes longer than a page should.
    """
    async with reading(database, long=True) as connection:
        if await people.timezone(connection, program_id) is None:
            raise UnknownProgram(program=program_id)
        await catch_up(connection, program_id, now)
        async with storage.moment(connection, program_id) as kept:
            yield connection, kept


async def catch_up(connection: Connection, program_id: int, now: datetime | None) -> None:
    """Follows what came since, if that is little or the job is late."""
    state = await storage.state(connection, program_id)
    if state.is_up_to_date:
        return
    is_small = state.orders <= AT_ONCE
    is_late = state.changed_at is None or (
        now is not None and now - state.changed_at > timedelta(seconds=STALE_SECONDS)
    )
    if is_small or is_late:
        await storage.bring_up_to_date(connection, program_id, most=AT_ONCE)


async def follow(house: "House", *, seconds: float = math.inf) -> None:
    """Brings every program's figures up to date, step by step. It may run anywhere, at any time.

    After so many `seconds` it begins no further step: jobs take turns, and come again.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    async with house.database.acquire() as connection:
        ids = await storage.behind(connection)
    for program_id in ids:
        while True:
            async with house.database.acquire() as connection:
                state = await storage.state(connection, program_id)
                before = (state.movement, state.changed_at)
                if not state.is_up_to_date:
                    await storage.bring_up_to_date(connection, program_id, most=AT_ONCE)
                after = await storage.state(connection, program_id)
            if loop.time() >= until:
                return
            if after.is_up_to_date or (after.movement, after.changed_at) == before:
                break  # done, or somebody else does it
