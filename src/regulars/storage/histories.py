"""One order's whole history: what was decided about it, and everything that this left in the book."""

from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.domain.book import Bucket, Cause, Lot, Movement
from regulars.domain.customers import Customer
from regulars.domain.decisions import Trace
from regulars.domain.orders import Order
from regulars.storage import merging
from regulars.storage.database import Connection
from regulars.storage.pages import customer_from, order_from

# Sites are few and an order's key begins with one, so this finds an order in all programs by index.
_PLACES = """
    select p.program_id, p.name, s.site_id, s.domain
      from sites s
      join programs p using (program_id)
      join orders o on o.program_id = s.program_id and o.site_id = s.site_id and o.merchant_id = $1
     where ($2::bigint is null or s.program_id = $2) and ($3::bigint is null or s.site_id = $3)
     order by p.program_id, s.site_id
"""
_ORDER = "select * from orders where program_id = $1 and site_id = $2 and merchant_id = $3"
_CUSTOMER = "select * from customers where program_id = $1 and customer_id = $2"
_LOT = "select * from lots where program_id = $1 and lot_id = $2"

# Decisions and movements have no index by order: a customer's are few enough to look through.
_DECISIONS = """
    select decision_id, kind, outcome, actor, trace, recorded_at from decisions
     where program_id = $1 and customer_id = any($2::bigint[]) and order_id = $3
    union
    select d.decision_id, d.kind, d.outcome, d.actor, d.trace, d.recorded_at
      from early_reports e join decisions d on d.program_id = $1 and d.decision_id = e.decision_id
     where e.program_id = $1 and e.site_id = $4 and e.order_merchant_id = $5
    union
    select d.decision_id, d.kind, d.outcome, d.actor, d.trace, d.recorded_at
      from movements m join decisions d on d.program_id = $1 and d.decision_id = m.decision_id
     where m.program_id = $1 and m.customer_id = any($2::bigint[]) and m.order_id = $3
     order by decision_id
"""
_MOVEMENTS = """
    select movement_id, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id, lot_id,
           undoes_id, claim_id, recorded_at, effective_at
      from movements
     where program_id = $1 and customer_id = any($2::bigint[])
       and (order_id = $3
         or (claim_id is not null and decision_id in (
               select decision_id from decisions
                where program_id = $1 and customer_id = any($2::bigint[]) and order_id = $3)))
     order by movement_id
"""
_REFUNDS = """
    select reference, amount_minor, created_at from refunds where program_id = $1 and order_id = $2
     order by refund_id
"""
_PAYMENTS = """
    select null as reference, amount_minor, created_at from payments where program_id = $1 and order_id = $2
     order by decision_id
"""
_DEFICIT = """
    select coalesce(sum(d.points), 0)::bigint from deficits d
      join movements m on m.program_id = $1 and m.movement_id = d.movement_id
     where d.program_id = $1 and d.customer_id = $2 and m.order_id = $3
"""
_WAITING = """
    select count(*) from early_reports
     where order_merchant_id = $1 and applied_by is null
       and ($2::bigint is null or program_id = $2) and ($3::bigint is null or site_id = $3)
"""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A shop that knows an order of the id asked for."""

    program_id: int
    program_name: str
    site_id: int
    domain: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was stored."""

    id: int
    kind: str
    outcome: str
    actor: str | None
    at: datetime
    trace: tuple[Trace, ...]


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """A refund or payment as the shop reported it; `reference` is the shop's id of it, if it has one."""

    reference: str | None
    amount_minor: int
    at: datetime


class History(msgspec.Struct, frozen=True, kw_only=True):
    """`deficit`: points taken for this order that no lot has paid for yet."""

    order: Order
    customer: Customer
    lot: Lot | None
    deficit: int
    decisions: tuple[Decided, ...]
    movements: tuple[Movement, ...]
    refunds: tuple[Money, ...]
    payments: tuple[Money, ...]


async def places(
    connection: Connection, merchant_id: str, *, program_id: int | None, site_id: int | None
) -> list[Place]:
    """Every shop, of those asked for, that knows an order of this id."""
    rows = await connection.fetch(_PLACES, merchant_id, program_id, site_id)
    return [
        Place(
            program_id=row["program_id"],
            program_name=row["name"],
            site_id=row["site_id"],
            domain=row["domain"],
        )
        for row in rows
    ]


async def waiting(
    connection: Connection, merchant_id: str, *, program_id: int | None, site_id: int | None
) -> int:
    """How many refunds and cancels wait for an order of this id to be reported."""
    number: int = await connection.fetchval(_WAITING, merchant_id, program_id, site_id)
    return number


async def load(connection: Connection, place: Place, merchant_id: str) -> History | None:
    """The order's history at this moment; None when the shop does not know it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(_ORDER, place.program_id, place.site_id, merchant_id)
        if row is None:
            return None
        return await _history(connection, place, order_from(row))


async def _history(connection: Connection, place: Place, order: Order) -> History:
    of_order = (place.program_id, order.customer_id, order.id)
    customer = await connection.fetchrow(_CUSTOMER, place.program_id, order.customer_id)
    assert customer is not None, "an order's customer is guarded by a foreign key"
    lot = await connection.fetchrow(_LOT, place.program_id, order.lot_id)
    own = (place.program_id, await merging.own_ids(connection, *of_order[:2]), order.id)
    decisions = await connection.fetch(_DECISIONS, *own, order.site_id, order.merchant_id)
    return History(
        order=order,
        customer=customer_from(customer),
        lot=None if lot is None else _lot(lot),
        deficit=await connection.fetchval(_DEFICIT, *of_order),
        decisions=tuple(_decided(row) for row in decisions),
        movements=tuple(_movement(row) for row in await connection.fetch(_MOVEMENTS, *own)),
        refunds=tuple(_money(row) for row in await connection.fetch(_REFUNDS, place.program_id, order.id)),
        payments=tuple(_money(row) for row in await connection.fetch(_PAYMENTS, place.program_id, order.id)),
    )


def _decided(row: Record) -> Decided:
    return Decided(
        id=row["decision_id"],
        kind=row["kind"],
        outcome=row["outcome"],
        actor=row["actor"],
        at=row["recorded_at"],
        trace=msgspec.json.decode(row["trace"], type=tuple[Trace, ...]),
    )


def _movement(row: Record) -> Movement:
    values = dict(row)
    return Movement(
        id=values.pop("movement_id"),
        from_bucket=Bucket(values.pop("from_bucket")),
        to_bucket=Bucket(values.pop("to_bucket")),
        cause=Cause(values.pop("cause")),
        **values,
    )


def _money(row: Record) -> Money:
    return Money(reference=row["reference"], amount_minor=row["amount_minor"], at=row["created_at"])


def _lot(row: Record) -> Lot:
    values = dict(row)
    del values["program_id"]
    return Lot(id=values.pop("lot_id"), state=Bucket(values.pop("state")), **values)
