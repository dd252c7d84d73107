"""One moment of a program, whole: the rows that are recomputed rather than compared, some at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.domain.book import Merge, Movement
from regulars.domain.decisions import Trace
from regulars.domain.orders import Order
from regulars.domain.program import PurchaseRule
from regulars.domain.rewards import SpendingRule
from regulars.storage.database import Connection, Database
from regulars.storage.pages import order_from
from regulars.storage.programs import Rules
from regulars.storage.tables import MERGES

PAGE = 2_000
"""Rows that are held at a time."""

# A program just imported has no statistics yet, and all that is read here is read whole: a nested loop would
# be a guess that costs hours, and a plan for the average program is not one for this.
_PATIENCE = """
    set local enable_nestloop = off;
    set local plan_cache_mode = force_custom_plan;
    set local cursor_tuple_fraction = 1;
    set local jit = off;
    set local work_mem = '32MB';
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0
"""

_HEAD = """
    select p.program_id, p.name, h.clock_offset_seconds, h.chain, h.movement,
           (select count(*) from orders o where o.program_id = $1) as orders,
           (select count(*) from customers c where c.program_id = $1) as customers
      from programs p join heads h using (program_id) where p.program_id = $1
"""

# The order's movements and its lot stand beside it, so that one pass sees all that it gave and lost.
_ORDERS = """
    select o.*, m.grants, m.granted, m.net_taken, m.past_left,
           l.size as lot_size, l.order_id as lot_order_id, l.customer_id as lot_customer_id, l.approves_at
      from orders o
      left join (
            select order_id, count(*) filter (where not is_past and from_bucket = 'issued') as grants,
                   coalesce(sum(points) filter (where not is_past and from_bucket = 'issued'), 0)::bigint
                       as granted,
                   coalesce(sum(taken) filter (where not is_past), 0)::bigint as net_taken,
                   coalesce(sum(points) filter (where is_past and from_bucket = 'issued'), 0)::bigint
                       - coalesce(sum(taken) filter (where is_past), 0)::bigint as past_left
              from (
                  select p.order_id, p.points, p.from_bucket,
                         p.movement_id <= coalesce(a.amended_id, 0) as is_past,
                         case 'reversed' when p.to_bucket then p.points when p.from_bucket then -p.points
                         else 0 end as taken
                    from movements p
                    left join orders a on a.program_id = $1 and a.order_id = p.order_id
                   where p.program_id = $1 and p.order_id is not null
              ) as moved
             group by order_id
           ) as m on m.order_id = o.order_id
      left join lots l on l.program_id = $1 and l.lot_id = o.lot_id
     where o.program_id = $1 order by o.order_id
"""

_REASONS = """
    select o.order_id, d.trace from orders o
      left join decisions d on d.program_id = $1 and d.order_id = o.order_id
     where o.program_id = $1 and o.given = 0 and o.payment_status = 'paid' and o.rewarded_status
       and not o.cancelled and o.refund_status <> 'refunded'
     order by o.order_id, d.decision_id
"""

_MOVEMENTS = """
    select movement_id, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id, lot_id,
           undoes_id, claim_id, recorded_at, effective_at, hash
      from movements where program_id = $1 and movement_id > $2 and movement_id <= $3
     order by movement_id limit $4
"""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The program's head and how much there is of it at this moment."""

    program_id: int
    name: str
    clock_offset_seconds: int
    chain: bytes
    movement: int
    orders: int
    customers: int


class Version(msgspec.Struct, frozen=True):
    """A version of a program. `spending` None: it cannot be read."""

    recorded_at: datetime
    spending: SpendingRule | None


class OrderSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An order with what the book says of it. `order` None: the row cannot be read, `problem` says why."""

    order_id: int
    order: Order | None
    problem: str
    grants: int
    """Movements that gave points for it, of `granted` points in all."""
    granted: int
    net_taken: int
    past_left: int
    lot_size: int | None
    lot_order_id: int | None
    lot_customer_id: int | None
    approves_at: datetime | None


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """A connection that sees one moment for the length of the block, changes nothing and holds nobody up."""
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(_PATIENCE)
        yield connection


async def head(connection: Connection, program_id: int) -> Head | None:
    """What the program's head says; None when there is no such program."""
    row = await connection.fetchrow(_HEAD, program_id)
    return None if row is None else Head(**dict(row))


async def rules(connection: Connection, program_id: int) -> dict[int, PurchaseRule]:
    """The purchase rule of every version of the program that can be read."""
    found = {}
    for row in await connection.fetch(
        "select version, rules from program_versions where program_id = $1", program_id
    ):
        try:
            found[row["version"]] = msgspec.json.decode(row["rules"], type=Rules).purchase
        except (msgspec.DecodeError, ValueError):
            continue  # orders under this version are reported, and say so
    return found


async def versions(connection: Connection, program_id: int) -> list[Version]:
    """What each version of the program said of spending, and since when; the oldest first."""
    return [
        Version(row["recorded_at"], _spending(row["rules"]))
        for row in await connection.fetch(
            "select recorded_at, rules from program_versions where program_id = $1 order by version",
            program_id,
        )
    ]


def _spending(rules: str) -> SpendingRule | None:
    try:
        return msgspec.json.decode(rules, type=Rules).spending
    except (msgspec.DecodeError, ValueError):
        return None


async def orders(connection: Connection, program_id: int) -> AsyncIterator[OrderSeen]:
    """Every order of the program by id, within the snapshot's transaction."""
    async for row in connection.cursor(_ORDERS, program_id, prefetch=PAGE):
        yield _order_seen(row)


def _order_seen(row: Record) -> OrderSeen:
    order, problem = None, ""
    try:
        order = order_from(row)
    except (msgspec.DecodeError, ValueError) as error:
        problem = str(error)
    return OrderSeen(
        order_id=row["order_id"],
        order=order,
        problem=problem,
        grants=row["grants"] or 0,
        granted=row["granted"] or 0,
        net_taken=row["net_taken"] or 0,
        past_left=row["past_left"] or 0,
        lot_size=row["lot_size"],
        lot_order_id=row["lot_order_id"],
        lot_customer_id=row["lot_customer_id"],
        approves_at=row["approves_at"],
    )


async def reasons(connection: Connection, program_id: int) -> AsyncIterator[tuple[int, frozenset[str]]]:
    """(order id, reason codes of all its decisions) of each order that qualifies and has no points."""
    order_id, codes = 0, set[str]()
    async for row in connection.cursor(_REASONS, program_id, prefetch=PAGE):
        if row["order_id"] != order_id:
            if order_id:
                yield order_id, frozenset(codes)
            order_id, codes = row["order_id"], set()
        codes.update(_codes(row["trace"]))
    if order_id:
        yield order_id, frozenset(codes)


def _codes(trace: str | None) -> set[str]:
    if trace is None:
        return set()
    try:
        return {entry.code for entry in msgspec.json.decode(trace, type=list[Trace])}
    except (msgspec.DecodeError, ValueError):
        return set()


async def merges(connection: Connection, program_id: int) -> list[Merge]:
    """What merges have brought from one account to another, in the order in which they were decided."""
    rows = await connection.fetch(
        f"select {', '.join(MERGES.columns)} from merges where program_id = $1 order by decision_id",
        program_id,
    )
    return [Merge(**dict(row)) for row in rows]


async def movements(
    database: Database, program_id: int, *, up_to: int
) -> AsyncIterator[list[tuple[Movement, bytes]]]:
    """The book from its first row to the one with the id `up_to`, each row with its stored hash, in pages.

    Rows of the book never change, so no snapshot is held while they are read: a long one would keep the
    database from cleaning up behind a busy program.
    """
    last = 0
    async with database.acquire() as connection:
        while rows := await connection.fetch(_MOVEMENTS, program_id, last, up_to, PAGE):
            yield [(_movement(row), row["hash"]) for row in rows]
            last = rows[-1]["movement_id"]


def _movement(row: Record) -> Movement:
    """As the row says it, in names that may be no bucket's or cause's: they are what is to be checked."""
    (number, customer_id, decision_id, from_bucket, to_bucket, points, cause, *rest) = row.values()
    order_id, lot_id, undoes_id, claim_id, recorded_at, effective_at, _ = rest
    return Movement(
        id=number,
        customer_id=customer_id,
        decision_id=decision_id,
        from_bucket=from_bucket,
        to_bucket=to_bucket,
        points=points,
        cause=cause,
        order_id=order_id,
        lot_id=lot_id,
        undoes_id=undoes_id,
        claim_id=claim_id,
        recorded_at=recorded_at,
        effective_at=effective_at,
    )
