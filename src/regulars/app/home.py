"""What Home shows: the days of a range and of the one before it, what is owed now, and what happened last."""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from regulars.app.figures import Points, Range, checked_range, figures, in_all, last_days, today
from regulars.app.timeline import Line, lines
from regulars.storage import figures as storage
from regulars.storage import programs
from regulars.storage import timeline as histories
from regulars.storage.database import Connection, Database
from regulars.storage.figures import Kept, Orders
from regulars.storage.reading import reading

__all__ = [
    "Day",
    "Figures",
    "Happened",
    "Home",
    "Liability",
    "Money",
    "Range",
    "home",
    "last_days",
    "latest",
    "today",
]

LATEST = 12


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Orders placed and the money that stands of them, in minor units: of all, of members, with a code
    used."""

    orders: int = 0
    revenue_minor: int = 0
    member_orders: int = 0
    member_revenue_minor: int = 0
    code_orders: int = 0
    code_revenue_minor: int = 0


class Figures(Points, frozen=True, kw_only=True):
    """A day's or a range's figures; money is in the program's currency."""

    joined: int = 0
    orders: int = 0
    revenue_minor: int = 0
    member_orders: int = 0
    member_revenue_minor: int = 0
    code_orders: int = 0
    code_revenue_minor: int = 0


class Day(msgspec.Struct, frozen=True, kw_only=True):
    day: date
    figures: Figures


class Liability(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed to members, in points. `available` is below zero where they owe more than they have."""

    pending: int
    available: int

    @property
    def points(self) -> int:
        return self.pending + self.available


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """A line of somebody's history, and what that customer is called."""

    name: str
    line: Line


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Points count on the day since which they are effective, orders on the day they were placed, members on
    the day they joined. `series` has every day of the range. `other_currencies`: orders of the range in
    those. `as_of`: what was known of orders and members by then (program time)."""

    range: Range
    before: Range
    this: Figures
    last: Figures
    series: list[Day]
    before_series: list[Day]
    members: int
    liability: Liability
    other_currencies: dict[str, Money]
    latest: list[Happened]
    as_of: datetime


async def home(database: Database, program_id: int, range_: Range, *, now: datetime) -> Home:
    """Everything on Home for these days, at `now` (program time). Raises Invalid, UnknownProgram, Busy."""
    before = checked_range(range_).before
    async with figures(database, program_id, now=now) as (connection, kept):
        program = await programs.load(connection, program_id)
        assert program is not None
        series, others = await _series(connection, program_id, kept, range_, program.currency)
        before_series, _ = await _series(connection, program_id, kept, before, program.currency)
        owed = in_all(
            await storage.points_before(connection, program_id, kept, basis="recorded", day=date(9000, 1, 1))
        )
        return Home(
            range=range_,
            before=before,
            this=_together(day.figures for day in series),
            last=_together(day.figures for day in before_series),
            series=series,
            before_series=before_series,
            members=await storage.members(connection, program_id),
            liability=Liability(pending=owed.pending, available=owed.net - owed.pending),
            other_currencies=others,
            latest=await _latest(connection, program_id, LATEST),
            as_of=kept.changed_at,
        )


async def latest(database: Database, program_id: int, *, most: int = LATEST) -> list[Happened]:
    """What was decided last in the program, about anybody. Raises Busy."""
    async with reading(database) as connection:
        return await _latest(connection, program_id, most)


async def _latest(connection: Connection, program_id: int, most: int) -> list[Happened]:
    told = await histories.latest(connection, program_id, before=2**62, most=most)
    names = await histories.names(connection, program_id, (each.customer_id for each in told))
    return [
        Happened(name=names[line.customer_id], line=line)
        for line in await lines(connection, program_id, told)
    ]


async def _series(
    connection: Connection, program_id: int, kept: Kept, range_: Range, currency: str
) -> tuple[list[Day], dict[str, Money]]:
    bounds = {"first": range_.first, "last": range_.last}
    sums = await storage.points(connection, program_id, kept, basis="effective", **bounds)
    by_day: dict[date, list[storage.Sum]] = {}
    for each in sums:
        by_day.setdefault(each.day, []).append(each)
    bought: dict[date, Orders] = {}
    others: dict[str, list[Orders]] = {}
    for orders in await storage.orders(connection, program_id, **bounds):
        if orders.currency == currency:
            bought[orders.day] = orders
        else:
            others.setdefault(orders.currency, []).append(orders)
    joined = await storage.joined(connection, program_id, **bounds)
    series = [
        Day(day=day, figures=_of_day(in_all(by_day.get(day, ())), bought.get(day), joined.get(day, 0)))
        for day in range_.each()
    ]
    return series, {name: _money(each) for name, each in others.items()}


def _of_day(points: Points, orders: Orders | None, joined: int) -> Figures:
    money = Money() if orders is None else _money([orders])
    return Figures(**msgspec.structs.asdict(points), **msgspec.structs.asdict(money), joined=joined)


def _money(orders: list[Orders]) -> Money:
    return Money(**{name: sum(getattr(each, name) for each in orders) for name in Money.__struct_fields__})


def _together(days: Iterable[Figures]) -> Figures:
    found = list(days)
    return Figures(**{name: sum(getattr(each, name) for each in found) for name in Figures.__struct_fields__})
