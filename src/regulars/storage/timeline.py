"""Decisions of a customer, or of a whole program, latest first, with the movements, orders, claims and calls
behind them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from asyncpg import Record

from regulars.domain.decisions import Trace
from regulars.storage import merging
from regulars.storage.database import Connection
from regulars.storage.listings.window import Key, first_id

# Decisions and movements get their ids in one order, so decisions from one to another have movements from one
# to another.
_MOVEMENTS_BY_DECISION: Final = Key("movements", "movement_id", "decision_id")

LOOKED_THROUGH: Final = 1000
"""Decisions, for the few that something is said of: a shop may report a million customers in a row."""
_COLUMNS: Final = "decision_id, kind, outcome, customer_id, order_id, actor, trace, recorded_at"
# A merge is decided about the one who stays, and is the last line of the one who goes, too.
_OF_CUSTOMER: Final = f"""
    select * from (
        select of_one.* from unnest($2::bigint[]) as own (customer_id) cross join lateral (
            select {_COLUMNS} from decisions
             where program_id = $1 and customer_id = own.customer_id and decision_id < $3
             order by decision_id desc limit $4) of_one
        union
        select {_COLUMNS} from decisions
         where program_id = $1 and decision_id < $3 and decision_id = $5::bigint
    ) told order by decision_id desc limit $4
"""
_LATEST: Final = f"""
    select * from (
        select {_COLUMNS} from decisions
         where program_id = $1 and decision_id < $2 order by decision_id desc limit $4) near
     where customer_id is not null and kind <> 'Settle'
       and not (trace = '[]' and kind in ('SaveCustomer', 'PatchCustomer'))
     order by decision_id desc limit $3
"""
_MOVEMENTS: Final = """
    select movement_id, decision_id, from_bucket, to_bucket, points, cause, claim_id from movements
     where program_id = $1 and customer_id = any($2::bigint[]) and movement_id >= $3 and movement_id < $4
     order by movement_id
"""
_ORDERS: Final = """
    select order_id, site_id, merchant_id, merchant_number from orders
     where program_id = $1 and order_id = any($2::bigint[])
"""
_CLAIMS: Final = """
    select claim_id, title, decision_id from claimed_rewards
     where program_id = $1 and claim_id = any($2::bigint[])
    union
    select claim_id, title, decision_id from claimed_rewards
     where program_id = $1 and decision_id = any($3::bigint[])
"""
_DELIVERIES: Final = """
    select delivery_id, decision_id from deliveries
     where program_id = $1 and decision_id = any($2::bigint[]) order by delivery_id
"""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was stored."""

    decision_id: int
    kind: str
    outcome: str
    customer_id: int
    order_id: int | None
    actor: str | None
    trace: tuple[Trace, ...]
    at: datetime


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as it was stored, in plain texts."""

    movement_id: int
    decision_id: int
    from_bucket: str
    to_bucket: str
    points: int
    cause: str
    claim_id: int | None


class ShopOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order by the ids that it has: ours, and the shop's own id and number."""

    id: int
    site_id: int
    merchant_id: str
    number: str | None


class ClaimNamed(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed reward, and the decision that it was claimed by."""

    id: int
    title: str
    decision_id: int


async def of_customer(
    connection: Connection, program_id: int, customer_id: int, *, before: int, most: int
) -> list[Told]:
    """The decisions below the id `before` about the customer and whoever was merged into them, latest
    first."""
    own = await merging.own_ids(connection, program_id, customer_id)
    went = await merging.went_by(connection, program_id, customer_id)
    rows = await connection.fetch(_OF_CUSTOMER, program_id, own, before, most, went)
    return [_told(row) for row in rows]


async def latest(connection: Connection, program_id: int, *, before: int, most: int) -> list[Told]:
    """The decisions about anybody below the id `before`, latest first, but for what merely fell due, and for
    names and e-mails that changed without a word. Only the last LOOKED_THROUGH are looked at."""
    rows = await connection.fetch(_LATEST, program_id, before, most, LOOKED_THROUGH)
    return [_told(row) for row in rows]


async def movements(
    connection: Connection, program_id: int, decisions: Sequence[Told]
) -> dict[int, list[Moved]]:
    """The movements of these decisions, by decision. They stand near one another in the book's order."""
    if not decisions:
        return {}
    numbers = {told.decision_id for told in decisions}
    low = await first_id(connection, program_id, _MOVEMENTS_BY_DECISION, min(numbers))
    high = await first_id(connection, program_id, _MOVEMENTS_BY_DECISION, max(numbers) + 1)
    customers = list({told.customer_id for told in decisions})
    found: dict[int, list[Moved]] = {}
    for row in await connection.fetch(_MOVEMENTS, program_id, customers, low, high):
        if row["decision_id"] in numbers:
            found.setdefault(row["decision_id"], []).append(Moved(**dict(row)))
    return found


async def orders(connection: Connection, program_id: int, ids: Iterable[int]) -> dict[int, ShopOrder]:
    """These orders by our id."""
    rows = await connection.fetch(_ORDERS, program_id, list(set(ids)))
    return {
        row["order_id"]: ShopOrder(
            id=row["order_id"],
            site_id=row["site_id"],
            merchant_id=row["merchant_id"],
            number=row["merchant_number"],
        )
        for row in rows
    }


async def claims(
    connection: Connection, program_id: int, *, ids: Iterable[int], decision_ids: Iterable[int]
) -> list[ClaimNamed]:
    """The claimed rewards of these ids, and those that these decisions made."""
    rows = await connection.fetch(_CLAIMS, program_id, list(set(ids)), list(set(decision_ids)))
    return [
        ClaimNamed(id=row["claim_id"], title=row["title"], decision_id=row["decision_id"]) for row in rows
    ]


async def deliveries(
    connection: Connection, program_id: int, decision_ids: Iterable[int]
) -> dict[int, tuple[int, ...]]:
    """By decision, the calls that it answered and that are still kept."""
    found: dict[int, tuple[int, ...]] = {}
    for row in await connection.fetch(_DELIVERIES, program_id, list(set(decision_ids))):
        found[row["decision_id"]] = (*found.get(row["decision_id"], ()), row["delivery_id"])
    return found


async def names(connection: Connection, program_id: int, ids: Iterable[int]) -> dict[int, str]:
    """What to call these customers: by name, else by the shop's id, else by e-mail."""
    rows = await connection.fetch(
        "select customer_id, first_name, last_name, merchant_id, email from customers "
        "where program_id = $1 and customer_id = any($2::bigint[])",
        program_id,
        list(set(ids)),
    )
    return {row["customer_id"]: _called(row) for row in rows}


async def is_known(connection: Connection, program_id: int, customer_id: int) -> bool:
    """Whether there is such a customer."""
    known: bool = await connection.fetchval(
        "select exists (select from customers where program_id = $1 and customer_id = $2)",
        program_id,
        customer_id,
    )
    return known


def _called(row: Record) -> str:
    name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
    return str(name or row["merchant_id"] or row["email"])


def _told(row: Record) -> Told:
    return Told(
        decision_id=row["decision_id"],
        kind=row["kind"],
        outcome=row["outcome"],
        customer_id=row["customer_id"],
        order_id=row["order_id"],
        actor=row["actor"],
        trace=msgspec.json.decode(row["trace"], type=tuple[Trace, ...]),
        at=row["recorded_at"],
    )
