"""Sums by day, brought up to date from the book: a million orders are not read for each look at Home.

The book only grows, so its sums are added to, by the number of the last movement. Orders change, so the days
of those that changed are summed anew. Whatever was read too often changes nothing.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Final

import msgspec
from asyncpg import Record

from regulars.domain.book import Bucket, Cause
from regulars.storage.database import Connection

FIRST_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)

_BEGIN: Final = """
    insert into figures (program_id, timezone, decision, movement, changed_at, whole_at)
    select program_id, timezone, -1, 0, $2, $2 from programs where program_id = $1
        on conflict do nothing
"""
_LOCK: Final = """
    select f.timezone, p.timezone as wanted, f.decision, f.movement, f.changed_at, f.whole_at
      from figures f join programs p using (program_id)
     where f.program_id = $1 for update of f skip locked
"""
_TABLES: Final = ("daily_points", "daily_orders", "daily_members", "customer_orders")

_BY_BASIS: Final = """
    movements m cross join lateral (
        values ('recorded', m.recorded_at), ('effective', m.effective_at)
    ) as moment (basis, at)
"""
_ADD_POINTS: Final = f"""
    insert into daily_points as d
           (program_id, basis, day, from_bucket, to_bucket, cause, points, movements)
    select $1, basis, (at at time zone $4)::date, from_bucket, to_bucket, cause, sum(points), count(*)
      from {_BY_BASIS}
     where m.program_id = $1 and m.movement_id > $2 and m.movement_id <= $3
     group by basis, (at at time zone $4)::date, from_bucket, to_bucket, cause
        on conflict (program_id, basis, day, from_bucket, to_bucket, cause) do update
       set points = d.points + excluded.points, movements = d.movements + excluded.movements
"""

# An order counts for a member who had joined by the time that it was reported, so a customer who joins as of
# an earlier moment changes the days of orders, too.
_CHANGED_DAYS: Final = """
    select (placed_at at time zone $3)::date as day from orders where program_id = $1
       and updated_at >= $2 and updated_at <= $4
    union
    select (o.placed_at at time zone $3)::date
      from accounts a
      join customers c on c.program_id = $1 and c.customer_id = a.customer_id
      join orders o on o.program_id = $1 and o.customer_id = a.customer_id
     where a.program_id = $1 and a.updated_at >= $2 and a.updated_at <= $4 and c.updated_at >= $5
       and c.member_since is not null
     order by day
"""
STANDING_REVENUE: Final = """
    case when o.cancelled then 0 else
        greatest(least(o.paid_minor, greatest(o.total_minor - o.discounts_minor, 0)) - o.refunded_minor, 0)
    end
"""
_SUM_ORDERS: Final = f"""
    insert into daily_orders
    select $1, wanted.day, of_day.currency, count(*), sum(revenue), count(*) filter (where by_member),
           coalesce(sum(revenue) filter (where by_member), 0), count(*) filter (where with_code),
           coalesce(sum(revenue) filter (where with_code), 0)
      from unnest($2::date[]) as wanted (day) cross join lateral (
            select o.currency, {STANDING_REVENUE} as revenue,
                   coalesce(c.member_since <= greatest(o.placed_at, o.created_at), false) as by_member,
                   exists (select from claimed_rewards r
                            where r.program_id = $1 and r.order_id = o.order_id) as with_code
              from orders o join customers c on c.program_id = $1 and c.customer_id = o.customer_id
             where o.program_id = $1 and not o.cancelled
               and o.placed_at >= wanted.day::timestamp at time zone $3
               and o.placed_at < (wanted.day + 1)::timestamp at time zone $3
            offset 0) as of_day
     group by wanted.day, of_day.currency
"""
# The moment by which about so many orders, or accounts, have changed.
_SLICE: Final = """
    select least(
        (select updated_at from orders where program_id = $1 and updated_at >= $2
          order by updated_at offset $3 limit 1),
        (select updated_at from accounts where program_id = $1 and updated_at >= $2
          order by updated_at offset $3 limit 1))
"""
_CUSTOMERS: Final = """
    insert into customer_orders as k (program_id, customer_id, orders, last_placed_at)
    select $1, changed.customer_id, of_customer.orders, of_customer.last_placed_at
      from (select distinct customer_id from orders
             where program_id = $1 and updated_at >= $2 and updated_at <= $3) as changed
     cross join lateral (
            select count(*) as orders, max(placed_at) as last_placed_at from orders
             where program_id = $1 and customer_id = changed.customer_id offset 0) as of_customer
        on conflict (program_id, customer_id) do update
       set orders = excluded.orders, last_placed_at = excluded.last_placed_at
     where (k.orders, k.last_placed_at) is distinct from (excluded.orders, excluded.last_placed_at)
"""
_JOINED_DAYS: Final = """
    select distinct (c.member_since at time zone $3)::date as day
      from accounts a join customers c on c.program_id = $1 and c.customer_id = a.customer_id
     where a.program_id = $1 and a.updated_at >= $2 and a.updated_at <= $4 and c.updated_at >= $5
       and c.member_since is not null
"""
_SUM_ALL_MEMBERS: Final = """
    insert into daily_members
    select $1, (member_since at time zone $2)::date, count(*) from customers
     where program_id = $1 and member_since is not null and merged_into is null group by 2
"""
_SUM_MEMBERS: Final = """
    insert into daily_members
    select $1, wanted.day, of_day.joined
      from unnest($2::date[]) as wanted (day) cross join lateral (
            select count(*) as joined from customers
             where program_id = $1 and member_since >= wanted.day::timestamp at time zone $3
               and member_since < (wanted.day + 1)::timestamp at time zone $3 and merged_into is null
            offset 0) as of_day
"""

_POINTS: Final = f"""
    select day, from_bucket, to_bucket, cause, points, movements from daily_points
     where program_id = $1 and basis = $2
    union all
    select (at at time zone $3)::date, from_bucket, to_bucket, cause, points, 1
      from {_BY_BASIS}
     where m.program_id = $1 and m.movement_id > $4 and basis = $2
"""
_READ_POINTS: Final = f"""
    select day, from_bucket, to_bucket, cause, sum(points)::bigint as points,
           sum(movements)::bigint as movements
      from ({_POINTS}) as both_parts where day between $5 and $6
     group by day, from_bucket, to_bucket, cause order by day
"""
_BEFORE: Final = f"""
    select $5::date as day, from_bucket, to_bucket, cause, sum(points)::bigint as points,
           sum(movements)::bigint as movements
      from ({_POINTS}) as both_parts where day < $5 group by from_bucket, to_bucket, cause
"""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """The points of all movements of a kind on a day, and how many there were."""

    day: date
    from_bucket: Bucket
    to_bucket: Bucket
    cause: Cause
    points: int
    movements: int


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Orders placed on a day in a currency, cancelled ones apart; `revenue_minor` is what stands of their
    money."""

    day: date
    currency: str
    orders: int
    revenue_minor: int
    member_orders: int
    member_revenue_minor: int
    code_orders: int
    code_revenue_minor: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How far the figures follow the book, and in which zone their days are."""

    timezone: str
    decision: int
    movement: int
    changed_at: datetime
    """Orders and customers are counted as they were by then."""
    whole_at: datetime = FIRST_TIME
    """When they last were for all: later, of those who changed since."""


async def bring_up_to_date(connection: Connection, program_id: int, *, most: int) -> bool:
    """Follows the book by about `most` movements and changed accounts. False: there is more to do, or
    somebody else is doing it."""
    async with connection.transaction():
        await connection.execute(_BEGIN, program_id, FIRST_TIME)
        row = await connection.fetchrow(_LOCK, program_id)
        if row is None:
            return False
        head = await connection.fetchrow(
            "select decision, movement, last_at from heads where program_id = $1", program_id
        )
        assert head is not None, "every program has a head"
        kept = Kept(
            timezone=row["wanted"],
            decision=row["decision"],
            movement=row["movement"],
            changed_at=row["changed_at"],
            whole_at=row["whole_at"],
        )
        if kept.changed_at == FIRST_TIME or row["timezone"] != kept.timezone:
            kept = await _begin(connection, program_id, kept.timezone, head["last_at"])
        kept = await _follow(connection, program_id, kept, tuple(head.values()), most=most)
        await connection.execute(
            "update figures set timezone = $2, decision = $3, movement = $4, changed_at = $5, whole_at = $6 "
            "where program_id = $1",
            program_id,
            *msgspec.structs.astuple(kept),
        )
        return bool(kept.decision >= head["decision"])


async def _begin(connection: Connection, program_id: int, timezone: str, last_at: datetime) -> Kept:
    """Figures from nothing: members at once, all else step by step, from customers as they are by now."""
    for table in _TABLES:
        await connection.execute(f"delete from {table} where program_id = $1", program_id)
    await connection.execute(_SUM_ALL_MEMBERS, program_id, timezone)
    return Kept(timezone=timezone, decision=-1, movement=0, changed_at=FIRST_TIME, whole_at=last_at)


async def _follow(
    connection: Connection, program_id: int, kept: Kept, head: tuple[int, int, datetime], *, most: int
) -> Kept:
    """`head`: its last decision, movement and time, of which everything is there to be read."""
    decision, movement, last_at = head
    if decision == kept.decision:
        return kept  # nothing was decided since
    up_to = min(movement, kept.movement + most)
    if up_to > kept.movement:
        await connection.execute(_ADD_POINTS, program_id, kept.movement, up_to, kept.timezone)
    until = await connection.fetchval(_SLICE, program_id, kept.changed_at, most) or last_at
    if until == kept.changed_at:  # more than can be done at once have changed at one moment
        until = last_at
    await _sum_orders(connection, program_id, kept, until)
    is_done = up_to == movement and until == last_at
    return Kept(
        timezone=kept.timezone,
        decision=decision if is_done else -1,
        movement=up_to,
        changed_at=until,
        whole_at=last_at if is_done else kept.whole_at,
    )


async def _sum_orders(connection: Connection, program_id: int, kept: Kept, until: datetime) -> None:
    """Sums anew the days of orders and members that changed by then; what changes at that moment comes
    again."""
    since = (program_id, kept.changed_at, kept.timezone, until, kept.whole_at)
    days = [row["day"] for row in await connection.fetch(_CHANGED_DAYS, *since)]
    await _anew(connection, program_id, "daily_orders", _SUM_ORDERS, days, kept.timezone)
    joined = [row["day"] for row in await connection.fetch(_JOINED_DAYS, *since)]
    await _anew(connection, program_id, "daily_members", _SUM_MEMBERS, joined, kept.timezone)
    await connection.execute(_CUSTOMERS, program_id, kept.changed_at, until)


async def _anew(
    connection: Connection, program_id: int, table: str, statement: str, days: Sequence[date], timezone: str
) -> None:
    if days:
        await connection.execute(
            f"delete from {table} where program_id = $1 and day = any($2::date[])", program_id, days
        )
        await connection.execute(statement, program_id, days, timezone)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where the figures stand beside the book. `changed_at` None: there are none yet."""

    is_up_to_date: bool
    movement: int
    changed_at: datetime | None
    orders: int


async def behind(connection: Connection) -> list[int]:
    """The programs in which something was decided that their figures do not have yet."""
    rows = await connection.fetch(
        """
        select h.program_id
          from heads h join programs p using (program_id) left join figures f using (program_id)
         where h.decision > 0
           and (h.decision is distinct from f.decision or p.timezone is distinct from f.timezone)
         order by h.program_id
        """
    )
    return [row["program_id"] for row in rows]


async def state(connection: Connection, program_id: int) -> State:
    """How far the figures are behind, and how many orders the program has."""
    row = await connection.fetchrow(
        """
        select coalesce(f.decision = h.decision and f.timezone = p.timezone, false) as is_up_to_date,
               coalesce(f.movement, 0) as movement, f.changed_at, h."order" as orders
          from heads h join programs p using (program_id) left join figures f using (program_id)
         where h.program_id = $1
        """,
        program_id,
    )
    assert row is not None, "every program has a head"
    return State(**dict(row))


@asynccontextmanager
async def moment(connection: Connection, program_id: int) -> AsyncIterator[Kept]:
    """One moment of the figures, and of the book from where they end, for the length of the block.

    Before somebody has brought the figures up to date for the first time, everything is read in the book.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # Planned for the very movement where the figures end: few rows come after it, whatever a usual value
        # has.
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        row = await connection.fetchrow(
            """
            select p.timezone, coalesce(f.decision, -1) as decision, coalesce(f.movement, 0) as movement,
                   coalesce(f.changed_at, $2) as changed_at
              from programs p left join figures f on f.program_id = p.program_id
             where p.program_id = $1
            """,
            program_id,
            FIRST_TIME,
        )
        assert row is not None, "the caller has asked for the program"
        yield Kept(**dict(row))


async def points(
    connection: Connection, program_id: int, kept: Kept, *, basis: str, first: date, last: date
) -> list[Sum]:
    """The book's sums by day, `first` to `last`, exact to the point: what the figures lack is read in the
    book.

    Within `moment`, as is `points_before`.
    """
    rows = await connection.fetch(_READ_POINTS, program_id, basis, kept.timezone, kept.movement, first, last)
    return [_sum(row) for row in rows]


async def points_before(
    connection: Connection, program_id: int, kept: Kept, *, basis: str, day: date
) -> list[Sum]:
    """The book's sums of all days before that one."""
    rows = await connection.fetch(_BEFORE, program_id, basis, kept.timezone, kept.movement, day)
    return [_sum(row) for row in rows]


def _sum(row: Record) -> Sum:
    return Sum(
        day=row["day"],
        from_bucket=Bucket(row["from_bucket"]),
        to_bucket=Bucket(row["to_bucket"]),
        cause=Cause(row["cause"]),
        points=row["points"],
        movements=row["movements"],
    )


async def orders(connection: Connection, program_id: int, *, first: date, last: date) -> list[Orders]:
    """Orders by day and currency, `first` to `last`."""
    rows = await connection.fetch(
        "select * from daily_orders where program_id = $1 and day between $2 and $3 order by day, currency",
        program_id,
        first,
        last,
    )
    return [
        Orders(
            day=row["day"],
            currency=row["currency"],
            **{name: int(row[name]) for name in Orders.__struct_fields__[2:]},
        )
        for row in rows
    ]


async def joined(connection: Connection, program_id: int, *, first: date, last: date) -> dict[date, int]:
    """By day, how many became members."""
    rows = await connection.fetch(
        "select day, joined from daily_members where program_id = $1 and day between $2 and $3",
        program_id,
        first,
        last,
    )
    return {row["day"]: row["joined"] for row in rows}


async def members(connection: Connection, program_id: int) -> int:
    """How many members there are."""
    number: int = await connection.fetchval(
        "select coalesce(sum(joined), 0)::bigint from daily_members where program_id = $1", program_id
    )
    return number
