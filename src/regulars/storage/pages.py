"""Loads the page of a program's book that a batch works on: few reads, each by index, whatever the batch's
size."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.domain.book import Account, Bucket, Counters, Deficit, Lot, Taking
from regulars.domain.commands import OrderDetails, PaymentStatus, RefundStatus
from regulars.domain.customers import Customer
from regulars.domain.decisions import Early
from regulars.domain.errors import REFUSALS, Refused
from regulars.domain.orders import Order
from regulars.domain.overlay import wants_lots
from regulars.domain.page import Needs, Page, Remembered
from regulars.domain.program import Program, PurchaseRule
from regulars.storage import claims, merging, programs
from regulars.storage.database import Connection

_CUSTOMER = """
    c.customer_id, c.merchant_id, c.email, c.first_name, c.last_name, c.birthday, c.properties,
    c.member_since, c.blocked, c.created_at, c.updated_at, c.merged_into,
    a.pending, a.available, a.spent, a.next_due_at, a.updated_at as account_updated_at
"""
_CUSTOMERS_BY_ID = f"""
    select {_CUSTOMER} from customers c join accounts a using (program_id, customer_id)
     where c.program_id = $1 and c.customer_id = any($2::bigint[])
"""
_CUSTOMERS_BY_MERCHANT_ID = f"""
    select {_CUSTOMER} from customers c join accounts a using (program_id, customer_id)
     where c.program_id = $1 and c.merchant_id = any($2::text[])
"""
_GUESTS = f"""
    select {_CUSTOMER} from customers c join accounts a using (program_id, customer_id)
     where c.program_id = $1 and c.email_key = any($2::text[]) and c.merchant_id is null
"""
# Two, so that the next oldest is known when the oldest one's e-mail changes within the batch.
_OLDEST_MEMBERS = f"""
    select {_CUSTOMER} from unnest($2::text[]) as k (email_key) cross join lateral (
        select * from customers where program_id = $1 and customers.email_key = k.email_key
           and member_since is not null order by customer_id limit 2
    ) c join accounts a on a.program_id = c.program_id and a.customer_id = c.customer_id
"""
# `offset 0` keeps a look-up of a key a look-up: without it, while a table has no statistics, all rows of the
# program may be read and held against the keys.
_ORDERS = """
    select o.* from unnest($2::bigint[], $3::text[]) as k (site_id, merchant_id) cross join lateral (
        select * from orders
         where program_id = $1 and site_id = k.site_id and orders.merchant_id = k.merchant_id offset 0
    ) o
"""
_OPEN_LOTS = """
    select * from lots where program_id = $1 and customer_id = any($2::bigint[]) and remaining > 0
"""
_LOTS = "select * from lots where program_id = $1 and lot_id = any($2::bigint[])"
_DEFICITS = "select * from deficits where program_id = $1 and customer_id = any($2::bigint[])"
_TAKINGS = """
    select m.movement_id, m.order_id, m.from_bucket, m.to_bucket, m.points, m.undoes_id
      from movements m join orders o on o.program_id = $1 and o.order_id = m.order_id
     where m.program_id = $1 and m.order_id = any($2::bigint[])
       and (m.to_bucket = 'reversed' or m.undoes_id is not null) and m.movement_id > coalesce(o.amended_id, 0)
     order by m.movement_id
"""
_USES = """
    select movement_id, lot_id, sum(points)::bigint as points from lot_uses
     where program_id = $1 and movement_id = any($2::bigint[])
     group by movement_id, lot_id order by min(lot_use_id)
"""
_EARLY = """
    select e.* from unnest($2::bigint[], $3::text[]) as k (site_id, merchant_id) cross join lateral (
        select * from early_reports where program_id = $1 and site_id = k.site_id
           and order_merchant_id = k.merchant_id and applied_by is null
        offset 0
    ) e order by e.early_id
"""
_IDENTITIES = """
    select i.* from unnest($2::text[], $3::text[]) as k (scope, key) cross join lateral (
        select * from identities where program_id = $1 and scope = k.scope and identities.key = k.key offset 0
    ) i
"""
_REFUNDS = """
    select order_id, reference, amount_minor from refunds
     where program_id = $1 and order_id = any($2::bigint[]) and reference is not null
"""
_ACTIVITIES = """
    select a.* from unnest($2::text[], $3::text[]) as k (name, merchant_id) cross join lateral (
        select name, merchant_id, customer_id from activities
         where program_id = $1 and activities.name = k.name and activities.merchant_id = k.merchant_id
        offset 0
    ) a
"""


async def load(
    connection: Connection,
    program: Program,
    ids: Counters,
    wanted: Needs,
    *,
    rules: dict[int, PurchaseRule],
    now: datetime,
) -> Page:
    """The page with everything that `wanted` names. `rules` is the caller's memory of frozen rules; it
    grows."""
    page = Page(program, ids)
    rules[program.version] = program.purchase
    page.rules = rules
    await _load_orders(connection, page, wanted)
    await claims.load(connection, page, wanted)
    await _load_customers(connection, page, wanted)
    if wanted.redeems:
        await claims.load_times(connection, page, wanted)
    await _load_accounts(connection, page, wanted, now)
    if wanted.identities:
        await _load_identities(connection, page, wanted)
    if wanted.activities:
        names, merchant_ids = zip(*wanted.activities, strict=True)
        for row in await connection.fetch(_ACTIVITIES, program.id, names, merchant_ids):
            page.activities[row["name"], row["merchant_id"]] = row["customer_id"]
    return page


async def _load_orders(connection: Connection, page: Page, wanted: Needs) -> None:
    if not wanted.orders:
        return
    program_id = page.program.id
    site_ids, merchant_ids = zip(*wanted.orders, strict=True)
    for row in await connection.fetch(_ORDERS, program_id, site_ids, merchant_ids):
        page.orders[row["site_id"], row["merchant_id"]] = order_from(row)
    if unknown := {order.rule_version for order in page.orders.values()} - page.rules.keys():
        page.rules.update(await programs.load_rules(connection, program_id, list(unknown)))
    if page.ids.early:
        for row in await connection.fetch(_EARLY, program_id, site_ids, merchant_ids):
            early = _early_from(row)
            page.early.setdefault((early.site_id, early.order_merchant_id), []).append(early)
    if wanted.refunds and page.orders:
        order_ids = [order.id for order in page.orders.values()]
        for row in await connection.fetch(_REFUNDS, program_id, order_ids):
            page.refund_amounts[row["order_id"], row["reference"]] = row["amount_minor"]


async def _load_customers(connection: Connection, page: Page, wanted: Needs) -> None:
    program_id = page.program.id
    ids = wanted.customer_ids | {order.customer_id for order in page.orders.values()}
    ids |= {claim.customer_id for claim in page.claims.values()}
    if wanted.merchant_ids:
        _add(page, await connection.fetch(_CUSTOMERS_BY_MERCHANT_ID, program_id, list(wanted.merchant_ids)))
    if missing := (ids | _survivors(page)) - page.customers.keys():
        _add(page, await connection.fetch(_CUSTOMERS_BY_ID, program_id, list(missing)))
    if wanted.member_keys:
        _add(page, await connection.fetch(_OLDEST_MEMBERS, program_id, list(wanted.member_keys)))
    # A guest is looked for only where no customer is known by the id that came with the e-mail.
    keys = {
        key for merchant_id, key in wanted.guests if merchant_id is None or page.record(merchant_id) is None
    } | wanted.guest_keys
    if keys:
        _add(page, await connection.fetch(_GUESTS, program_id, list(keys)))
    if late := _survivors(page) - page.customers.keys():
        _add(page, await connection.fetch(_CUSTOMERS_BY_ID, program_id, list(late)))
    if wanted.merges:
        page.erased = await merging.erased(connection, program_id, list(wanted.customer_ids))


def _survivors(page: Page) -> set[int]:
    """Into whom the records on the page were merged: every look-up of a record says it, so only a batch that
    names such a record asks for more."""
    return {record.merged_into for record in page.customers.values() if record.merged_into is not None}


async def _load_accounts(connection: Connection, page: Page, wanted: Needs, now: datetime) -> None:
    """Lots and deficits of the accounts that may need them: all when points are taken, else those due or
    below zero."""
    program_id = page.program.id
    concerned = [
        account.customer_id
        for account in page.accounts.values()
        if wanted.takes_points or wants_lots(account, now)
    ]
    if not concerned:
        return
    lots = {
        row["lot_id"]: _lot_from(row) for row in await connection.fetch(_OPEN_LOTS, program_id, concerned)
    }
    taken = [order.id for order in page.orders.values() if order.taken] if wanted.takes_points else []
    if taken:
        await _load_takings(connection, page, taken, lots)
    if page.claims and wanted.takes_points:
        await _load_redemptions(connection, page, lots)
    deficits = [
        Deficit(movement_id=row["movement_id"], customer_id=row["customer_id"], points=row["points"])
        for row in await connection.fetch(_DEFICITS, program_id, concerned)
    ]
    by_customer: dict[int, list[Lot]] = {}
    for lot in lots.values():
        by_customer.setdefault(lot.customer_id, []).append(lot)
    for customer_id in concerned:
        page.accounts[customer_id] = msgspec.structs.replace(
            page.accounts[customer_id],
            lots=tuple(by_customer.get(customer_id, ())),
            deficits=tuple(hole for hole in deficits if hole.customer_id == customer_id),
            loaded=True,
        )


async def _load_takings(
    connection: Connection, page: Page, order_ids: list[int], lots: dict[int, Lot]
) -> None:
    """What was taken of these orders, so that it can be undone, with the lots that it came from."""
    program_id = page.program.id
    movements = await connection.fetch(_TAKINGS, program_id, order_ids)
    undone: dict[int, int] = {}
    for row in movements:
        if row["undoes_id"] is not None:
            undone[row["undoes_id"]] = undone.get(row["undoes_id"], 0) + row["points"]
    taking_ids = [row["movement_id"] for row in movements if row["undoes_id"] is None]
    uses = await _load_uses(connection, program_id, taking_ids, lots)
    for row in movements:
        if row["undoes_id"] is None:
            taking = Taking(
                movement_id=row["movement_id"],
                from_bucket=Bucket(row["from_bucket"]),
                points=row["points"],
                undone=undone.get(row["movement_id"], 0),
                uses=tuple(uses.get(row["movement_id"], ())),
            )
            page.add_taking(row["order_id"], taking)


async def _load_redemptions(connection: Connection, page: Page, lots: dict[int, Lot]) -> None:
    """What the claimed rewards on the page were paid with, so that it can be given back."""
    paid = [claim.movement_id for claim in page.claims.values() if claim.movement_id is not None]
    if paid:
        claims.add_redemptions(page, await _load_uses(connection, page.program.id, paid, lots))


async def _load_uses(
    connection: Connection, program_id: int, movement_ids: list[int], lots: dict[int, Lot]
) -> dict[int, list[tuple[int, int]]]:
    """By movement, the lots that it drew from and how much of each; those lots join `lots`."""
    uses: dict[int, list[tuple[int, int]]] = {}
    for row in await connection.fetch(_USES, program_id, movement_ids):
        uses.setdefault(row["movement_id"], []).append((row["lot_id"], row["points"]))
    if spent := {lot_id for drawn in uses.values() for lot_id, _ in drawn} - lots.keys():
        for row in await connection.fetch(_LOTS, program_id, list(spent)):
            lots[row["lot_id"]] = _lot_from(row)
    return uses


async def _load_identities(connection: Connection, page: Page, wanted: Needs) -> None:
    scopes, keys = zip(*wanted.identities, strict=True)
    for row in await connection.fetch(_IDENTITIES, page.program.id, scopes, keys):
        page.identities[row["scope"], row["key"]] = Remembered(
            row["fingerprint"], row["at"], row["decision_id"], refusal_from(row["refusal"])
        )


def refusal_from(text: str | None) -> Refused | None:
    """The refusal that was remembered as `{"kind": ..., "data": {...}}`."""
    if text is None:
        return None
    stored = msgspec.json.decode(text)
    return REFUSALS[stored["kind"]](**stored["data"])


def _add(page: Page, rows: Iterable[Record]) -> None:
    for row in rows:
        page.add_customer(customer_from(row))
        page.accounts[row["customer_id"]] = Account(
            customer_id=row["customer_id"],
            pending=row["pending"],
            available=row["available"],
            spent=row["spent"],
            next_due_at=row["next_due_at"],
            updated_at=row["account_updated_at"],
        )


def customer_from(row: Record) -> Customer:
    """A customer as it stands in a row of `customers`."""
    return Customer(
        id=row["customer_id"],
        merchant_id=row["merchant_id"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        birthday=row["birthday"],
        properties=msgspec.json.decode(row["properties"], type=dict[str, str]),
        member_since=row["member_since"],
        blocked=row["blocked"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        merged_into=row["merged_into"],
    )


_SAME_NAME = tuple(
    name
    for name in Order.__struct_fields__
    if name not in ("id", "payment_status", "refund_status", "details")
)


def order_from(row: Record) -> Order:
    """An order as it stands in a whole row of `orders`."""
    return Order(
        id=row["order_id"],
        payment_status=PaymentStatus(row["payment_status"]),
        refund_status=RefundStatus(row["refund_status"]),
        details=msgspec.json.decode(row["details"], type=OrderDetails),
        **{name: row[name] for name in _SAME_NAME},
    )


def _lot_from(row: Record) -> Lot:
    return Lot(
        id=row["lot_id"],
        customer_id=row["customer_id"],
        movement_id=row["movement_id"],
        order_id=row["order_id"],
        size=row["size"],
        remaining=row["remaining"],
        state=Bucket(row["state"]),
        opened_at=row["opened_at"],
        approves_at=row["approves_at"],
        expires_at=row["expires_at"],
    )


def _early_from(row: Record) -> Early:
    return Early(
        id=row["early_id"],
        site_id=row["site_id"],
        order_merchant_id=row["order_merchant_id"],
        reference=row["reference"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
    )
