"""One customer's lots, latest orders and adjustments, each by key."""

from datetime import datetime

import msgspec

from regulars.domain.book import Bucket, Lot
from regulars.domain.orders import Order
from regulars.storage.database import Connection
from regulars.storage.pages import order_from

# An adjustment has an activity of its own, found by the decision; the customer's decisions are read from the
# latest on.
_ADJUSTMENTS = """
    select d.decision_id, d.actor, d.recorded_at, a.points, a.note
      from decisions d join activities a on a.program_id = $1 and a.decision_id = d.decision_id
     where d.program_id = $1 and d.customer_id = $2 and d.kind = 'AdjustPoints' and a.name = '$adjustment'
     order by d.decision_id desc limit $3
"""


class Adjusted(msgspec.Struct, frozen=True, kw_only=True):
    """Points that staff gave (positive) or took, who it was and why."""

    decision_id: int
    at: datetime
    points: int
    actor: str | None
    reason: str | None


async def open_lots(connection: Connection, program_id: int, customer_id: int) -> list[Lot]:
    """The lots in which something is left."""
    rows = await connection.fetch(
        "select * from lots where program_id = $1 and customer_id = $2 and remaining > 0 order by lot_id",
        program_id,
        customer_id,
    )
    lots = []
    for row in rows:
        values = dict(row)
        del values["program_id"]
        lots.append(Lot(id=values.pop("lot_id"), state=Bucket(values.pop("state")), **values))
    return lots


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


async def adjustments(
    connection: Connection, program_id: int, customer_id: int, *, most: int
) -> list[Adjusted]:
    """What staff gave and took, latest first."""
    rows = await connection.fetch(_ADJUSTMENTS, program_id, customer_id, most)
    return [
        Adjusted(
            decision_id=row["decision_id"],
            at=row["recorded_at"],
            points=row["points"],
            actor=row["actor"],
            reason=row["note"],
        )
        for row in rows
    ]


async def erased_at(connection: Connection, program_id: int, customer_id: int) -> datetime | None:
    """When the person was erased; None: not."""
    at: datetime | None = await connection.fetchval(
        "select wanted_at from erasures where program_id = $1 and customer_id = $2", program_id, customer_id
    )
    return at
