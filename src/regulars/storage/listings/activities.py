"""What customers did: sign-ups and adjustments from `activities`, purchases from the orders that earned.

Both take their ids from one counter, so together they are one list.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from asyncpg import Record

from regulars.domain.decisions import DoneActivity
from regulars.storage.database import Connection
from regulars.storage.listings.window import Conditions, Key, Window, narrow

DONE: Final = Key("activities", "activity_id", "created_at")
PURCHASES: Final = Key("orders", "activity_id", "earned_at")


class Place(msgspec.Struct, frozen=True):
    """One line of the list: the activity, and the order when it is a purchase."""

    activity_id: int
    order_id: int | None


class Recorded(msgspec.Struct, frozen=True):
    """An activity that is no purchase, and the decision that it belongs to."""

    activity: DoneActivity
    decision_id: int
    created_at: datetime


async def listed(connection: Connection, program_id: int, window: Window) -> list[Place]:
    """The window's places, in its order."""
    where = Conditions(program_id)
    await narrow(connection, where, PURCHASES, window)
    purchases = str(where)
    where.texts.clear()
    await narrow(connection, where, DONE, window)
    reach = where.value(window.limit + window.offset)
    end = f"order by activity_id {window.direction} limit"
    rows = await connection.fetch(
        f"""
        (select activity_id, order_id from orders
          where program_id = $1 and activity_id is not null{purchases} {end} {reach}::bigint)
        union all
        (select activity_id, null from activities where program_id = $1{where} {end} {reach}::bigint)
        {end} {where.value(window.limit)}::bigint offset {where.value(window.offset)}::bigint
        """,
        *where.values,
    )
    return [Place(row["activity_id"], row["order_id"]) for row in rows]


async def by_id(connection: Connection, program_id: int, activity_ids: Iterable[int]) -> dict[int, Recorded]:
    """These activities, purchases apart, by id."""
    rows = await connection.fetch(
        "select * from activities where program_id = $1 and activity_id = any($2::bigint[])",
        program_id,
        list(set(activity_ids)),
    )
    return {row["activity_id"]: _recorded(row) for row in rows}


async def by_decision(
    connection: Connection, program_id: int, decision_ids: Iterable[int]
) -> dict[int, Recorded]:
    """The activities that these decisions recorded, purchases apart, by decision: one records at most one."""
    rows = await connection.fetch(
        "select * from activities where program_id = $1 and decision_id = any($2::bigint[])",
        program_id,
        list(set(decision_ids)),
    )
    return {row["decision_id"]: _recorded(row) for row in rows}


async def waiting_lots(
    connection: Connection, program_id: int, lot_ids: Iterable[int], *, now: datetime
) -> set[int]:
    """Those of the lots that wait for approval at program time `now`, or were taken whole while waiting."""
    rows = await connection.fetch(
        """
        select lot_id from lots where program_id = $1 and lot_id = any($2::bigint[])
           and state = 'pending' and (remaining = 0 or approves_at > $3)
        """,
        program_id,
        list(set(lot_ids)),
        now,
    )
    return {row["lot_id"] for row in rows}


def _recorded(row: Record) -> Recorded:
    return Recorded(
        DoneActivity(
            id=row["activity_id"],
            customer_id=row["customer_id"],
            name=row["name"],
            merchant_id=row["merchant_id"],
            points=row["points"],
            lot_id=row["lot_id"],
            note=row["note"],
            properties=msgspec.json.decode(row["properties"], type=dict[str, str]),
            happened_at=row["happened_at"],
        ),
        row["decision_id"],
        row["created_at"],
    )
