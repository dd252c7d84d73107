"""Orders, as lists and one by one, with the payments and refunds that were reported singly."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from regulars.domain.orders import Order
from regulars.storage.database import Connection
from regulars.storage.listings.window import Conditions, Key, Window, narrow
from regulars.storage.pages import order_from

KEY: Final = Key("orders", "order_id", "created_at")


class Part(msgspec.Struct, frozen=True):
    """One payment or refund of an order, as it was reported."""

    amount_minor: int
    at: datetime


async def listed(connection: Connection, program_id: int, window: Window) -> list[Order]:
    """The window's orders, in its order."""
    where = Conditions(program_id)
    await narrow(connection, where, KEY, window)
    if window.changed_from is not None:
        where.add("updated_at >= {}", window.changed_from)
    if window.changed_before is not None:
        where.add("updated_at < {}", window.changed_before)
    rows = await connection.fetch(
        f"select * from orders where program_id = $1{where} order by order_id {window.direction} "
        f"limit {where.value(window.limit)} offset {where.value(window.offset)}",
        *where.values,
    )
    return [order_from(row) for row in rows]


async def by_id(connection: Connection, program_id: int, order_ids: Iterable[int]) -> dict[int, Order]:
    """These orders, by id."""
    rows = await connection.fetch(
        "select * from orders where program_id = $1 and order_id = any($2::bigint[])",
        program_id,
        list(set(order_ids)),
    )
    return {row["order_id"]: order_from(row) for row in rows}


async def one(connection: Connection, program_id: int, site_id: int, merchant_id: str) -> Order | None:
    """The order that a site knows by this id."""
    row = await connection.fetchrow(
        "select * from orders where program_id = $1 and site_id = $2 and merchant_id = $3",
        program_id,
        site_id,
        merchant_id,
    )
    return None if row is None else order_from(row)


async def payments(connection: Connection, program_id: int, order_id: int) -> list[Part]:
    """The payments of an order that were reported singly, oldest first."""
    rows = await connection.fetch(
        "select amount_minor, created_at from payments where program_id = $1 and order_id = $2 "
        "order by decision_id",
        program_id,
        order_id,
    )
    return [Part(row["amount_minor"], row["created_at"]) for row in rows]


async def refunds(connection: Connection, program_id: int, order_id: int) -> list[Part]:
    """The refunds of an order that were reported singly, oldest first."""
    rows = await connection.fetch(
        "select amount_minor, created_at from refunds where program_id = $1 and order_id = $2 "
        "order by refund_id",
        program_id,
        order_id,
    )
    return [Part(row["amount_minor"], row["created_at"]) for row in rows]
