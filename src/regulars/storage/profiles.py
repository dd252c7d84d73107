"""One customer's lots and latest orders, each by key."""

from datetime import datetime

from asyncpg import Record

from regulars.domain.book import Bucket, Lot
from regulars.domain.customers import Customer
from regulars.domain.orders import Order
from regulars.storage.database import Connection
from regulars.storage.pages import customer_from, order_from

# A customer of many years has thousands of lots: the database sorts them, and only those shown come here.
_PENDING = """
    select *, count(*) over () as in_all from lots
     where program_id = $1 and customer_id = $2 and remaining > 0 and state = 'pending'
       and (approves_at is null or approves_at > $3)
     order by approves_at, lot_id limit $4
"""
_OPEN = """
    select *, count(expires_at) over () as in_all from lots
     where program_id = $1 and customer_id = $2 and remaining > 0
       and (state = 'available' or state = 'pending' and approves_at <= $3)
     order by expires_at, opened_at, lot_id limit $4
"""


async def pending_lots(
    connection: Connection, program_id: int, customer_id: int, *, now: datetime, most: int
) -> tuple[list[Lot], int]:
    """The lots whose points wait at `now` (program time), those approved first before; how many there are."""
    rows = await connection.fetch(_PENDING, program_id, customer_id, now, most)
    return [_lot(row) for row in rows], rows[0]["in_all"] if rows else 0


async def open_lots(
    connection: Connection, program_id: int, customer_id: int, *, now: datetime, most: int
) -> tuple[list[Lot], int]:
    """The lots that can be spent from at `now`, in the order in which spending draws on them: earliest expiry
    first, what never expires last, oldest first. With how many there are that expire."""
    rows = await connection.fetch(_OPEN, program_id, customer_id, now, most)
    return [_lot(row) for row in rows], rows[0]["in_all"] if rows else 0


def _lot(row: Record) -> Lot:
    values = dict(row)
    del values["program_id"], values["in_all"]
    return Lot(id=values.pop("lot_id"), state=Bucket(values.pop("state")), **values)


async def deficit(connection: Connection, program_id: int, customer_id: int) -> int:
    """Points that were taken and that no lot has paid for yet."""
    points: int = await connection.fetchval(
        "select coalesce(sum(points), 0)::bigint from deficits where program_id = $1 and customer_id = $2",
        program_id,
        customer_id,
    )
    return points


async def latest_orders(
    connection: Connection, program_id: int, customer_id: int, *, most: int
) -> list[Order]:
    """The orders that were reported last, newest first."""
    rows = await connection.fetch(
        "select * from orders where program_id = $1 and customer_id = $2 order by order_id desc limit $3",
        program_id,
        customer_id,
        most,
    )
    return [order_from(row) for row in rows]


async def count_orders(connection: Connection, program_id: int, customer_id: int) -> int:
    """How many orders the customer has."""
    number: int = await connection.fetchval(
        "select count(*) from orders where program_id = $1 and customer_id = $2", program_id, customer_id
    )
    return number


async def customer(connection: Connection, program_id: int, customer_id: int) -> Customer | None:
    """The record of this number, merged or not."""
    row = await connection.fetchrow(
        "select * from customers where program_id = $1 and customer_id = $2", program_id, customer_id
    )
    return None if row is None else customer_from(row)


async def merged(connection: Connection, program_id: int, customer_id: int) -> list[Customer]:
    """The records that were merged into this customer."""
    rows = await connection.fetch(
        "select * from customers where program_id = $1 and merged_into = $2 order by customer_id",
        program_id,
        customer_id,
    )
    return [customer_from(row) for row in rows]


async def erased_at(connection: Connection, program_id: int, customer_id: int) -> datetime | None:
    """When the person was erased; None: not."""
    at: datetime | None = await connection.fetchval(
        "select wanted_at from erasures where program_id = $1 and customer_id = $2", program_id, customer_id
    )
    return at
