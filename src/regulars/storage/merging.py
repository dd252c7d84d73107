"""Merged customers: what becomes of their rows when they are merged, and who belongs to whom."""

from collections.abc import Sequence
from typing import Final

import msgspec

from regulars.domain.book import Merge
from regulars.storage.database import Connection
from regulars.storage.tables import MERGES

_OWN: Final = """
    select $2::bigint union all select customer_id from customers where program_id = $1 and merged_into = $2
"""
# The records' own history (decisions, movements, events) stays as it was; what they have goes. A lot is found
# by the movement that opened it, as an index knows only the lots in which something is left.
_MOVE: Final = (
    f"""
    update lots set customer_id = $3
     where program_id = $1 and lot_id = any (array(
           select m.lot_id from movements m
            where m.program_id = $1 and m.customer_id = any (array({_OWN})) and m.from_bucket = 'issued'))
       and customer_id = $2 and $4::timestamptz is not null
    """,
    f"""
    update activities set customer_id = $3
     where program_id = $1 and decision_id = any (array(
           select d.decision_id from decisions d
            where d.program_id = $1 and d.customer_id = any (array({_OWN}))))
       and customer_id = $2 and $4::timestamptz is not null
    """,
    "update orders set customer_id = $3, updated_at = $4 where program_id = $1 and customer_id = $2",
    """
    update claimed_rewards set customer_id = $3
     where program_id = $1 and customer_id = $2 and $4::timestamptz is not null
    """,
    """
    update accounts set pending = 0, available = 0, spent = 0, next_due_at = null, updated_at = $4
     where program_id = $1 and customer_id = $2 and $3::bigint is not null
    """,
    f"""
    update customers set merged_into = $3, updated_at = $4
     where program_id = $1 and customer_id = any (array({_OWN}))
    """,
    """
    delete from customer_orders
     where program_id = $1 and customer_id = $2 and $3::bigint is not null and $4::timestamptz is not null
    """,
)
_ERASED: Final = "select customer_id from erasures where program_id = $1 and customer_id = any($2::bigint[])"


async def save(connection: Connection, program_id: int, merges: Sequence[Merge]) -> None:
    """Gives each one's rows to whom they belong now; when all else of the batch is written."""
    for merge in merges:
        for statement in _MOVE:
            await connection.execute(
                statement, program_id, merge.customer_id, merge.into_id, merge.recorded_at
            )
    await MERGES.insert(connection, program_id, [msgspec.structs.astuple(merge) for merge in merges])


async def own_ids(connection: Connection, program_id: int, customer_id: int) -> list[int]:
    """The customer's id, and those of all who were merged into them: under these their history stands."""
    rows = await connection.fetch(_OWN, program_id, customer_id)
    return [row[0] for row in rows]


async def person_ids(connection: Connection, program_id: int, customer_id: int) -> list[int]:
    """All records of a person, whichever of them is named; the one who stayed comes first."""
    into: int | None = await connection.fetchval(
        "select merged_into from customers where program_id = $1 and customer_id = $2",
        program_id,
        customer_id,
    )
    return await own_ids(connection, program_id, into or customer_id)


async def went_by(connection: Connection, program_id: int, customer_id: int) -> int | None:
    """The decision by which this record was merged into another."""
    found: int | None = await connection.fetchval(
        "select decision_id from merges where program_id = $1 and customer_id = $2", program_id, customer_id
    )
    return found


async def erased(connection: Connection, program_id: int, customer_ids: Sequence[int]) -> set[int]:
    """Those of them who were erased, or are about to be."""
    rows = await connection.fetch(_ERASED, program_id, list(customer_ids))
    return {row["customer_id"] for row in rows}


async def record_of(connection: Connection, program_id: int, merchant_id: str) -> int | None:
    """Our id of the very record that the shop knows by this id, merged or not."""
    found: int | None = await connection.fetchval(
        "select customer_id from customers where program_id = $1 and merchant_id = $2",
        program_id,
        merchant_id,
    )
    return found


async def guest_of(connection: Connection, program_id: int, email_key: str) -> int | None:
    """Our id of the guest without an id of the shop who is kept under this e-mail key, merged or not."""
    found: int | None = await connection.fetchval(
        "select customer_id from customers where program_id = $1 and email_key = $2 and merchant_id is null",
        program_id,
        email_key,
    )
    return found


async def given_for_joining(connection: Connection, program_id: int, customer_id: int) -> int:
    """Points that this record was given for joining."""
    points: int = await connection.fetchval(
        "select coalesce(sum(points), 0)::bigint from movements "
        "where program_id = $1 and customer_id = $2 and cause = 'join'",
        program_id,
        customer_id,
    )
    return points
