"""The book as a list: what became of customers' points, movement by movement."""

from typing import Final

from asyncpg import Record

from regulars.domain.book import Bucket, Cause, Movement
from regulars.storage import merging
from regulars.storage.database import Connection
from regulars.storage.listings.window import Conditions, Key, Window, narrow

KEY: Final = Key("movements", "movement_id", "recorded_at")


async def listed(connection: Connection, program_id: int, window: Window) -> list[Movement]:
    """The window's movements, in its order."""
    where = Conditions(program_id)
    await narrow(connection, where, KEY, window)
    if window.customer_id is not None:
        own = await merging.own_ids(connection, program_id, window.customer_id)
        if own == [window.customer_id]:
            where.add("customer_id = {}", window.customer_id)
        else:
            where.add("customer_id = any({}::bigint[])", own)
    rows = await connection.fetch(
        f"select * from movements where program_id = $1{where} order by movement_id {window.direction} "
        f"limit {where.value(window.limit)} offset {where.value(window.offset)}",
        *where.values,
    )
    return [_movement(row) for row in rows]


def _movement(row: Record) -> Movement:
    return Movement(
        id=row["movement_id"],
        customer_id=row["customer_id"],
        decision_id=row["decision_id"],
        from_bucket=Bucket(row["from_bucket"]),
        to_bucket=Bucket(row["to_bucket"]),
        points=row["points"],
        cause=Cause(row["cause"]),
        order_id=row["order_id"],
        lot_id=row["lot_id"],
        undoes_id=row["undoes_id"],
        claim_id=row["claim_id"],
        recorded_at=row["recorded_at"],
        effective_at=row["effective_at"],
    )
