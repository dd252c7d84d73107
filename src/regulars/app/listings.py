"""What lists show: rows of the book put together with the customers, orders and activities they are about."""

from datetime import datetime
from enum import StrEnum

import msgspec

from regulars.domain.book import Movement
from regulars.domain.decisions import DoneActivity
from regulars.domain.errors import UnknownCustomer, UnknownOrder
from regulars.domain.orders import Order
from regulars.domain.rewards import Claim
from regulars.storage import rewards
from regulars.storage.database import Connection, Database
from regulars.storage.listings import activities, customers, movements, orders, sites
from regulars.storage.listings.activities import Recorded
from regulars.storage.listings.customers import Standing
from regulars.storage.listings.orders import Part
from regulars.storage.listings.sites import ListedSite
from regulars.storage.listings.window import Window
from regulars.storage.reading import reading

__all__ = [
    "ActivityState",
    "ListedActivity",
    "ListedCustomer",
    "ListedOrder",
    "ListedSite",
    "ListedTransaction",
    "OneOrder",
    "Part",
    "Standing",
    "Window",
    "find_customer",
    "find_order",
    "list_activities",
    "list_customers",
    "list_orders",
    "list_sites",
    "list_transactions",
    "show_customer",
]


class ActivityState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    """All of its points were taken back while they were pending."""
    VOID = "void"
    """All of its points were taken back after they had been approved."""


class ListedOrder(msgspec.Struct, frozen=True):
    order: Order
    by: Standing


class ListedCustomer(msgspec.Struct, frozen=True):
    """A customer, and how many rewards were `claimed` and `used`; claims that were cancelled don't count."""

    by: Standing
    claimed: int
    used: int


class OneOrder(msgspec.Struct, frozen=True):
    """An order with the payments and refunds that were reported singly, oldest first."""

    order: Order
    payments: list[Part]
    refunds: list[Part]


class ListedActivity(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase has its `order`, anything else what was `done`. `points` taken by staff are negative."""

    id: int
    points: int
    state: ActivityState
    by: Standing
    created_at: datetime
    order: Order | None
    done: DoneActivity | None


class ListedTransaction(msgspec.Struct, frozen=True):
    """A movement and the activity or claimed reward that it is about; `activity` is an adjustment where
    `done` is one."""

    movement: Movement
    by: Standing
    activity: ListedActivity | None
    claim: Claim | None


async def list_orders(
    database: Database, program_id: int, window: Window, *, now: datetime
) -> list[ListedOrder]:
    """The window's orders, each with its customer's points at `now` (program time). Raises Busy; all do."""
    async with reading(database, long=True) as connection:
        found = await orders.listed(connection, program_id, window)
        by = await customers.standings(
            connection, program_id, (order.customer_id for order in found), now=now
        )
    return [ListedOrder(order, by[order.customer_id]) for order in found]


async def find_order(database: Database, program_id: int, site_id: int, merchant_id: str) -> OneOrder:
    """One order. Raises UnknownOrder."""
    async with reading(database, long=True) as connection:
        order = await orders.one(connection, program_id, site_id, merchant_id)
        if order is None:
            raise UnknownOrder(order=merchant_id)
        return OneOrder(
            order,
            await orders.payments(connection, program_id, order.id),
            await orders.refunds(connection, program_id, order.id),
        )


async def list_customers(
    database: Database, program_id: int, window: Window, *, now: datetime
) -> list[ListedCustomer]:
    """The window's customers, guests included, with their points at `now` (program time)."""
    async with reading(database, long=True) as connection:
        ids = await customers.listed(connection, program_id, window)
        return await _customers(connection, program_id, ids, now=now)


async def show_customer(
    database: Database, program_id: int, merchant_id: str, *, now: datetime
) -> ListedCustomer:
    """One customer as the list shows it. Raises UnknownCustomer."""
    async with reading(database, long=True) as connection:
        customer_id = await customers.id_of(connection, program_id, merchant_id)
        if customer_id is None:
            raise UnknownCustomer(customer=merchant_id)
        (listed,) = await _customers(connection, program_id, [customer_id], now=now)
    return listed


async def find_customer(database: Database, program_id: int, merchant_id: str, *, now: datetime) -> Standing:
    """One customer, with the points at `now` (program time). Raises UnknownCustomer."""
    async with reading(database, long=True) as connection:
        customer_id = await customers.id_of(connection, program_id, merchant_id)
        if customer_id is None:
            raise UnknownCustomer(customer=merchant_id)
        by = await customers.standings(connection, program_id, [customer_id], now=now)
    return by[customer_id]


async def list_activities(
    database: Database, program_id: int, window: Window, *, now: datetime
) -> list[ListedActivity]:
    """The window's activities: purchases that earned, sign-ups, adjustments."""
    async with reading(database, long=True) as connection:
        places = await activities.listed(connection, program_id, window)
        bought = await orders.by_id(
            connection, program_id, (p.order_id for p in places if p.order_id is not None)
        )
        done = await activities.by_id(
            connection, program_id, (place.activity_id for place in places if place.order_id is None)
        )
        things = [
            bought[place.order_id] if place.order_id is not None else done[place.activity_id]
            for place in places
        ]
        return await _describe(connection, program_id, things, now=now)


async def list_transactions(
    database: Database, program_id: int, window: Window, *, now: datetime, merchant_id: str | None = None
) -> list[ListedTransaction]:
    """The window's transactions, one a movement. Raises UnknownCustomer for a `merchant_id` of nobody."""
    async with reading(database, long=True) as connection:
        if merchant_id is not None:
            customer_id = await customers.id_of(connection, program_id, merchant_id)
            if customer_id is None:
                raise UnknownCustomer(customer=merchant_id)
            window = msgspec.structs.replace(window, customer_id=customer_id)
        moves = await movements.listed(connection, program_id, window)
        bought = await orders.by_id(
            connection, program_id, (m.order_id for m in moves if m.order_id is not None)
        )
        done = await activities.by_decision(
            connection, program_id, (move.decision_id for move in moves if move.order_id is None)
        )
        claimed_ids = [move.claim_id for move in moves if move.claim_id is not None]
        claimed = await rewards.claims_by_id(connection, program_id, claimed_ids)
        things: dict[int, Order | Recorded] = {}
        for move in moves:
            if move.claim_id is not None:
                continue  # it is about the claimed reward, even where an order's refund gave the points back
            thing = done.get(move.decision_id) if move.order_id is None else bought[move.order_id]
            if thing is not None:
                things[move.id] = thing
        described = await _describe(connection, program_id, list(things.values()), now=now)
        by = await _owners(connection, program_id, {move.customer_id for move in moves}, now=now)
    about = dict(zip(things, described, strict=True))
    return [
        ListedTransaction(
            move,
            by[move.customer_id],
            about.get(move.id),
            claimed.get(move.claim_id or 0),
        )
        for move in moves
    ]


async def list_sites(database: Database, program_id: int) -> list[ListedSite]:
    """The program's sites, newest first."""
    async with reading(database, long=True) as connection:
        return await sites.listed(connection, program_id)


async def _customers(
    connection: Connection, program_id: int, ids: list[int], *, now: datetime
) -> list[ListedCustomer]:
    by = await customers.standings(connection, program_id, ids, now=now)
    tally = await rewards.tally(connection, program_id, ids)
    return [ListedCustomer(by[customer_id], *tally.get(customer_id, (0, 0))) for customer_id in ids]


async def _owners(
    connection: Connection, program_id: int, ids: set[int], *, now: datetime
) -> dict[int, Standing]:
    """By the ids under which the book has something, the customers whose it is now: some were merged."""
    by = await customers.standings(connection, program_id, ids, now=now)
    into = {
        one: found.customer.merged_into for one, found in by.items() if found.customer.merged_into is not None
    }
    if into:
        owners = await customers.standings(connection, program_id, into.values(), now=now)
        by |= {one: owners[owner] for one, owner in into.items()}
    return by


async def _describe(
    connection: Connection, program_id: int, things: list[Order | Recorded], *, now: datetime
) -> list[ListedActivity]:
    """Each order or other activity as a line of the list, with its state by now."""
    lots = [_lot_of(thing) for thing in things]
    waiting = await activities.waiting_lots(
        connection, program_id, (lot for lot in lots if lot is not None), now=now
    )
    by = await customers.standings(connection, program_id, (_customer_of(thing) for thing in things), now=now)
    lines = []
    for thing, lot in zip(things, lots, strict=True):
        standing = by[_customer_of(thing)]
        if isinstance(thing, Order):
            assert thing.activity_id is not None and thing.earned_at is not None
            lines.append(
                ListedActivity(
                    id=thing.activity_id,
                    points=thing.given,
                    state=_state(thing.given, thing.taken, lot in waiting),
                    by=standing,
                    created_at=thing.earned_at,
                    order=thing,
                    done=None,
                )
            )
        else:
            lines.append(
                ListedActivity(
                    id=thing.activity.id,
                    points=thing.activity.points,
                    state=_state(thing.activity.points, 0, lot in waiting),
                    by=standing,
                    created_at=thing.created_at,
                    order=None,
                    done=thing.activity,
                )
            )
    return lines


def _lot_of(thing: Order | Recorded) -> int | None:
    return thing.lot_id if isinstance(thing, Order) else thing.activity.lot_id


def _customer_of(thing: Order | Recorded) -> int:
    return thing.customer_id if isinstance(thing, Order) else thing.activity.customer_id


def _state(given: int, taken: int, waits: bool) -> ActivityState:
    if given > 0 and taken == given:
        return ActivityState.DECLINED if waits else ActivityState.VOID
    return ActivityState.PENDING if waits else ActivityState.APPROVED
