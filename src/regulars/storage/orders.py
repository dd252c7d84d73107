"""Orders as staff look for them: along one key, never through more than so many; and the calls behind one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from regulars.storage.database import Connection
from regulars.storage.listings.window import Conditions

LOOKED_THROUGH: Final = 20_000
"""Orders looked through for a page of those in some state: few may be, and nobody waits for all."""
MOST_NAMED: Final = 1000

STATES: Final = {
    "earned": "o.given > o.taken",
    "nothing": "o.given = 0",
    "taken": "o.taken > 0",
    "unpaid": "o.payment_status <> 'paid' and not o.cancelled",
    "refunded": "o.refund_status <> 'not_refunded'",
    "cancelled": "o.cancelled",
}

# Each half has an index of its own; together they would be looked for along the key.
_NAMED: Final = """
    select order_id from orders
     where program_id = $1 and site_id = any (array(select site_id from sites where program_id = $1))
       and merchant_id = any($2::text[])
    union
    select order_id from orders
     where program_id = $1 and merchant_number is not null and merchant_number = any($2::text[])
"""
_OF_CUSTOMERS: Final = """
    select order_id from orders where program_id = $1 and customer_id = any($2::bigint[])
     order by order_id desc limit $3
"""
_CALLS: Final = """
    select delivery_id, hook, outcome, problem, message, received_at from deliveries
     where program_id = $1 and subject = $2 and (hook like 'orders%' or hook like 'refunds%')
    union
    select delivery_id, hook, outcome, problem, message, received_at from deliveries
     where program_id = $1 and decision_id = any($3::bigint[])
     order by delivery_id desc limit $4
"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders; what is None does not matter. `ids`: only these; `customer_id`: only of this customer.
    `_from` includes, `_before` excludes."""

    state: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    ids: tuple[int, ...] | None = None
    customer_id: int | None = None

    @property
    def by_day(self) -> bool:
        return self.placed_from is not None or self.placed_before is not None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is still in the log."""

    delivery_id: int
    hook: str
    outcome: str
    problem: bool
    message: str | None
    received_at: datetime


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """How the shop knows an order's customer."""

    merchant_id: str | None
    email: str | None


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An order's place in the list."""

    order_id: int
    placed_at: datetime


async def found(
    connection: Connection, program_id: int, wanted: Wanted, *, before: int | None, most: int
) -> list[Placed]:
    """At most `most` orders that come after the order `before`: those reported last first; where days are
    asked for, those placed last. For a state only the next LOOKED_THROUGH are looked at."""
    where, order = await _along(connection, program_id, wanted, before)
    walked = LOOKED_THROUGH if wanted.state is not None else most
    state = f"where {STATES[wanted.state]}" if wanted.state is not None else ""
    rows = await connection.fetch(
        f"""
        select o.order_id, o.placed_at from (
            select * from orders o where o.program_id = $1{where} order by {order} limit {walked}
        ) o {state} order by {order} limit {where.value(most)}
        """,
        *where.values,
    )
    return [Placed(**dict(row)) for row in rows]


async def looked_until(
    connection: Connection, program_id: int, wanted: Wanted, *, before: int | None
) -> Placed | None:
    """The last order that `found` looked at for a state; None when it came to the end of the list."""
    where, order = await _along(connection, program_id, wanted, before)
    row = await connection.fetchrow(
        f"select o.order_id, o.placed_at from orders o where o.program_id = $1{where} "
        f"order by {order} limit 1 offset {LOOKED_THROUGH - 1}",
        *where.values,
    )
    return None if row is None else Placed(**dict(row))


async def _along(
    connection: Connection, program_id: int, wanted: Wanted, before: int | None
) -> tuple[Conditions, str]:
    """The conditions that an index can follow, and the order that goes with them."""
    where = Conditions(program_id)
    if wanted.ids is not None:
        where.add("o.order_id = any({}::bigint[])", list(wanted.ids))
    if wanted.customer_id is not None:
        where.add("o.customer_id = {}", wanted.customer_id)
    if not wanted.by_day:
        if before is not None:
            where.add("o.order_id < {}", before)
        return where, "o.order_id desc"
    if wanted.placed_from is not None:
        where.add("o.placed_at >= {}", wanted.placed_from)
    if wanted.placed_before is not None:
        where.add("o.placed_at < {}", wanted.placed_before)
    if before is not None:
        at = await connection.fetchval(
            "select placed_at from orders where program_id = $1 and order_id = $2", program_id, before
        )
        where.texts.append(
            f"(o.placed_at, o.order_id) < ({where.value(at)}::timestamptz, {where.value(before)}::bigint)"
        )
    return where, "o.placed_at desc, o.order_id desc"


async def named(connection: Connection, program_id: int, names: Sequence[str]) -> list[int]:
    """The orders that a shop knows by one of these ids or numbers."""
    return [row["order_id"] for row in await connection.fetch(_NAMED, program_id, list(names))]


async def of_customers(connection: Connection, program_id: int, customer_ids: Sequence[int]) -> list[int]:
    """The latest orders of these customers, at most MOST_NAMED."""
    rows = await connection.fetch(_OF_CUSTOMERS, program_id, list(customer_ids), MOST_NAMED)
    return [row["order_id"] for row in rows]


async def buyers(connection: Connection, program_id: int, ids: Iterable[int]) -> dict[int, Buyer]:
    """These customers, by our numbers of them."""
    rows = await connection.fetch(
        "select customer_id, merchant_id, email from customers "
        "where program_id = $1 and customer_id = any($2::bigint[])",
        program_id,
        list(ids),
    )
    return {row["customer_id"]: Buyer(merchant_id=row["merchant_id"], email=row["email"]) for row in rows}


async def calls(
    connection: Connection, program_id: int, subject: str, decision_ids: Sequence[int], *, most: int
) -> list[Call]:
    """The calls about an order of this id, and those that made these decisions, newest first."""
    rows = await connection.fetch(_CALLS, program_id, subject, list(decision_ids), most)
    return [Call(**dict(row)) for row in rows]
