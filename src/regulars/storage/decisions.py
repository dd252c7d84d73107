"""Saves what a batch decided, each record as the whole batch leaves it: what every order writes by one
statement, the rest by one a table."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from regulars.domain.book import Account, Counters, Lot, chain, chain_merge
from regulars.domain.customers import Customer, email_key
from regulars.domain.decisions import Decision
from regulars.domain.errors import Refused
from regulars.domain.orders import Order
from regulars.storage import claims, deliveries, heads, merging
from regulars.storage.database import Connection
from regulars.storage.deliveries import StoredDelivery
from regulars.storage.heads import Head
from regulars.storage.rows import Together
from regulars.storage.tables import (
    ACCOUNTS,
    ACTIVITIES,
    CUSTOMERS,
    DECISIONS,
    DEFICITS,
    EARLY,
    EVENTS,
    IDENTITIES,
    LOT_USES,
    LOTS,
    MOVEMENTS,
    ORDERS,
    PAYMENTS,
    REFUNDS,
)

T = TypeVar("T")
Row = tuple[Any, ...]

_ORDER_CHANGES = (
    "merchant_number",
    "total_minor",
    "goods_minor",
    "shipping_minor",
    "tax_minor",
    "discounts_minor",
    "rewardable_minor",
    "fingerprint",
    "payment_status",
    "paid_minor",
    "refund_status",
    "refunded_minor",
    "cancelled",
    "status",
    "rewarded_status",
    "paid_at",
    "earned_at",
    "lot_id",
    "activity_id",
    "given",
    "taken",
    "amended_id",
    "details",
    "updated_at",
)
_UPDATE_ORDERS = ORDERS.replacing("order_id", _ORDER_CHANGES)
_UPDATE_CUSTOMERS = CUSTOMERS.replacing(
    "customer_id",
    [column for column in CUSTOMERS.columns if column not in ("customer_id", "created_at")],
)
_UPDATE_LOTS = LOTS.replacing("lot_id", ["remaining", "state"])
_REPLACE_ACCOUNT = ACCOUNTS.replacing("customer_id")
_FIND_DECISION = (
    f"select {', '.join(DECISIONS.columns)} from decisions where program_id = $1 and decision_id = $2"
)
_FIND_IDENTITY = (
    f"select {', '.join(IDENTITIES.columns)} "
    "from identities where program_id = $1 and scope = $2 and key = $3"
)
_REPLACE_IDENTITY = (
    " on conflict (program_id, scope, key) do update set fingerprint = excluded.fingerprint,"
    " decision_id = excluded.decision_id, refusal = excluded.refusal, at = excluded.at"
)


async def save(
    connection: Connection,
    program_id: int,
    decisions: Sequence[Decision],
    received: Sequence[StoredDelivery],
    head: Head,
    *,
    ids: Counters,
    at: datetime,
) -> Head | None:
    """Writes all that these decisions made, in an order that every reference holds, if the head row is still
    `head`. Answers what it is then; None: somebody was faster, and nothing is written."""
    stored = [decision for decision in decisions if decision.id]
    together = Together()
    touched_at = _put_customers(together, stored)
    together.insert(DECISIONS, [_decision_row(decision) for decision in stored])
    _put_orders(together, stored)
    changed_lots = _put_lots(together, stored)
    chain_hash = _put_movements(together, stored, head.chain)
    together.insert(IDENTITIES, _latest(decisions, _identity_of, _identity_row), end=_REPLACE_IDENTITY)
    together.insert(EVENTS, [row for decision in stored for row in _event_rows(decision)])
    deliveries.put(together, received)
    values = heads.values(head.stamp, at=at, chain=chain_hash, ids=ids)
    stamp = await together.execute(connection, heads.SAVE, program_id, *values)
    if stamp is None:
        return None
    await _touch_accounts(connection, program_id, touched_at)
    await LOTS.insert(connection, program_id, changed_lots, end=_UPDATE_LOTS)
    await LOT_USES.insert(
        connection, program_id, [msgspec.structs.astuple(use) for decision in stored for use in decision.uses]
    )
    await _save_deficits(connection, program_id, stored)
    await _save_reports(connection, program_id, stored)
    await claims.save(connection, program_id, stored)
    if merges := [decision.merge for decision in stored if decision.merge is not None]:
        await merging.save(connection, program_id, merges)
    return msgspec.structs.replace(head, stamp=stamp, last_at=at, chain=chain_hash, ids=ids)


def is_one_statement(decisions: Iterable[Decision]) -> bool:
    """Whether `save` writes all that these decisions made by its first statement."""
    return all(
        not (d.uses or d.deficits_changed or d.claims or d.merge)
        and not (d.payments or d.refunds or d.early or d.early_done or d.activities)
        and (d.account_changed or not d.customer_changed)
        and {lot.id for lot in d.lots} <= _opened(d)
        for d in decisions
    )


def _opened(decision: Decision) -> set[int | None]:
    """The lots that are new."""
    return {movement.lot_id for movement in decision.movements if movement.from_bucket == "issued"}


async def is_stored(connection: Connection, program_id: int, decision: Decision) -> bool:
    """Whether this very decision is in the book, and not another one that took its number."""
    row = await connection.fetchrow(_FIND_DECISION, program_id, decision.id)
    return row is not None and tuple(row) == _decision_row(decision)


async def is_remembered(connection: Connection, program_id: int, decision: Decision) -> bool:
    """Whether the identity of this very decision, most likely a refusal, is remembered."""
    wanted = _identity_row(decision)
    row = await connection.fetchrow(_FIND_IDENTITY, program_id, *wanted[:2])
    return row is not None and tuple(row) == wanted


def _put_customers(together: Together, decisions: Iterable[Decision]) -> dict[int, datetime]:
    """Customers and accounts. Answers the other changed customers: those whose account stayed, and when."""
    fresh: dict[int, Customer] = {}
    changed: dict[int, Customer] = {}
    accounts: dict[int, Account] = {}
    touched_at: dict[int, datetime] = {}
    for decision in decisions:
        customer = decision.customer
        if customer is not None and decision.customer_changed:
            into = fresh if decision.customer_is_new or customer.id in fresh else changed
            into[customer.id] = customer
            touched_at[customer.id] = decision.at
        if decision.account is not None and decision.account_changed:
            accounts[decision.account.customer_id] = decision.account
    together.insert(CUSTOMERS, [_customer_row(customer) for customer in fresh.values()])
    together.insert(
        CUSTOMERS, [_customer_row(customer) for customer in changed.values()], end=_UPDATE_CUSTOMERS
    )
    rows = [_account_row(account, touched_at.pop(account.customer_id, None)) for account in accounts.values()]
    together.insert(ACCOUNTS, rows, end=_REPLACE_ACCOUNT)
    return touched_at


async def _touch_accounts(connection: Connection, program_id: int, touched_at: dict[int, datetime]) -> None:
    if touched_at:
        await connection.execute(
            "update accounts a set updated_at = u.at "
            "from unnest($2::bigint[], $3::timestamptz[]) as u (id, at) "
            "where a.program_id = $1 and a.customer_id = u.id",
            program_id,
            list(touched_at),
            list(touched_at.values()),
        )


def _put_orders(together: Together, decisions: Iterable[Decision]) -> None:
    fresh: dict[int, Order] = {}
    changed: dict[int, Order] = {}
    for decision in decisions:
        order = decision.order
        if order is not None and decision.order_changed:
            into = fresh if decision.order_is_new or order.id in fresh else changed
            into[order.id] = order
    together.insert(ORDERS, [_order_row(order) for order in fresh.values()])
    together.insert(ORDERS, [_order_row(order) for order in changed.values()], end=_UPDATE_ORDERS)


def _put_lots(together: Together, decisions: Iterable[Decision]) -> list[Row]:
    """New lots. Answers the rows of those that were changed."""
    fresh: dict[int, Lot] = {}
    changed: dict[int, Lot] = {}
    for decision in decisions:
        opened = _opened(decision)
        for lot in decision.lots:
            into = fresh if lot.id in opened or lot.id in fresh else changed
            into[lot.id] = lot
    together.insert(LOTS, [msgspec.structs.astuple(lot) for lot in fresh.values()])
    return [msgspec.structs.astuple(lot) for lot in changed.values()]


def _put_movements(together: Together, decisions: Iterable[Decision], chain_hash: bytes) -> bytes:
    """Movements, each chained to the one before it, and merges between them. Answers the last one's hash."""
    rows: list[Row] = []
    for decision in decisions:
        if decision.merge is not None:
            chain_hash = chain_merge(chain_hash, decision.merge)
        for movement in decision.movements:
            chain_hash = chain(chain_hash, movement)
            rows.append((*msgspec.structs.astuple(movement), chain_hash))
    together.insert(MOVEMENTS, rows)
    return chain_hash


async def _save_deficits(connection: Connection, program_id: int, decisions: Iterable[Decision]) -> None:
    accounts: dict[int, Account] = {}
    for d in decisions:
        if d.account is not None and d.deficits_changed:
            accounts[d.account.customer_id] = d.account
        if d.merge is not None:
            accounts[d.merge.customer_id] = Account(customer_id=d.merge.customer_id)
    if not accounts:
        return
    await connection.execute(
        "delete from deficits where program_id = $1 and customer_id = any($2::bigint[])",
        program_id,
        list(accounts),
    )
    rows = [msgspec.structs.astuple(hole) for account in accounts.values() for hole in account.deficits]
    await DEFICITS.insert(connection, program_id, rows)


async def _save_reports(connection: Connection, program_id: int, decisions: Sequence[Decision]) -> None:
    """Payments, refunds, what waits or waited for its order, and activities."""
    payments: list[Row] = []
    refunds: list[Row] = []
    early: list[Row] = []
    early_done: list[tuple[int, int]] = []
    activities: list[Row] = []
    for d in decisions:
        payments.extend((d.id, payment.order_id, payment.amount_minor, d.at) for payment in d.payments)
        refunds.extend((*msgspec.structs.astuple(refund), d.id, d.at) for refund in d.refunds)
        early.extend((*msgspec.structs.astuple(report), d.id, None, d.at) for report in d.early)
        early_done.extend((early_id, d.id) for early_id in d.early_done)
        for a in d.activities:
            properties = msgspec.json.encode(a.properties).decode()
            activities.append(
                (
                    a.id,
                    a.customer_id,
                    a.name,
                    a.merchant_id,
                    a.points,
                    a.lot_id,
                    a.note,
                    properties,
                    d.id,
                    a.happened_at,
                    d.at,
                )
            )
    await PAYMENTS.insert(connection, program_id, payments)
    await REFUNDS.insert(connection, program_id, refunds)
    await EARLY.insert(connection, program_id, early)
    await ACTIVITIES.insert(connection, program_id, activities)
    if early_done:
        await connection.execute(
            "update early_reports e set applied_by = u.decision from unnest($2::bigint[], $3::bigint[]) "
            "as u (id, decision) where e.program_id = $1 and e.early_id = u.id",
            program_id,
            *(list(column) for column in zip(*early_done, strict=True)),
        )


def _latest(
    decisions: Iterable[Decision], key: Callable[[Decision], object], row: Callable[[Decision], Row]
) -> list[Row]:
    """A row for each key, of the last decision that has it; a key of None has none."""
    found: dict[object, Row] = {}
    for decision in decisions:
        if (name := key(decision)) is not None:
            found[name] = row(decision)
    return list(found.values())


def _identity_of(decision: Decision) -> object:
    return (decision.identity.scope, decision.identity.key) if decision.identity is not None else None


def _identity_row(decision: Decision) -> Row:
    identity = decision.identity
    assert identity is not None
    return (
        identity.scope,
        identity.key,
        identity.fingerprint,
        decision.id or None,
        refusal_text(decision.refusal),
        identity.at,
    )


def refusal_text(refusal: Refused | None) -> str | None:
    """A refusal as it is remembered; `pages.refusal_from` reads it again."""
    if refusal is None:
        return None
    return msgspec.json.encode({"kind": type(refusal).__name__, "data": refusal.data}).decode()


def _decision_row(decision: Decision) -> Row:
    return (
        decision.id,
        decision.kind,
        decision.outcome,
        decision.customer.id if decision.customer is not None else None,
        decision.order.id if decision.order is not None else None,
        decision.actor,
        msgspec.json.encode(decision.trace).decode(),
        decision.at,
    )


def _customer_row(customer: Customer) -> Row:
    return (
        customer.id,
        customer.merchant_id,
        customer.email,
        email_key(customer.email),
        customer.first_name,
        customer.last_name,
        customer.birthday,
        msgspec.json.encode(customer.properties).decode(),
        customer.member_since,
        customer.blocked,
        customer.created_at,
        customer.updated_at,
    )


def _account_row(account: Account, touched_at: Any) -> Row:
    return (
        account.customer_id,
        account.pending,
        account.available,
        account.spent,
        account.next_due_at,
        touched_at or account.updated_at,
    )


_BEFORE_DETAILS = attrgetter(*(name for name in ORDERS.columns[1 : ORDERS.columns.index("details")]))


def _order_row(order: Order) -> Row:
    details = msgspec.json.encode(order.details).decode()
    return (order.id, *_BEFORE_DETAILS(order), details, order.created_at, order.updated_at)


def _event_rows(decision: Decision) -> list[Row]:
    return [
        (
            event.id,
            event.kind,
            decision.id,
            event.customer_id,
            event.order_id,
            event.movement_id,
            msgspec.json.encode(event.payload).decode(),
            decision.at,
        )
        for event in decision.events
    ]
