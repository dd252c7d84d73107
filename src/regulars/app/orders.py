"""Orders for staff: finding one among a million, and all behind it: money, points and why, calls."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from regulars.app import spreadsheets
from regulars.app.programs import UnknownProgram
from regulars.domain.errors import Invalid, UnknownOrder
from regulars.domain.money import format_amount
from regulars.domain.orders import Order
from regulars.storage import histories, people, timeline
from regulars.storage import orders as storage
from regulars.storage.database import Connection, Database
from regulars.storage.histories import History, Place
from regulars.storage.listings import orders as listed
from regulars.storage.orders import Buyer, Call, Wanted
from regulars.storage.reading import reading

__all__ = ["Call", "Filter", "Found", "Orders", "Story", "export", "search", "story"]

LONGEST_TEXT: Final = 200
MOST_PEOPLE: Final = 50
"""Customers whose orders a text finds."""
CALLS_SHOWN: Final = 50
EXPORTED_AT_ONCE: Final = 1000

HEADINGS: Final = (
    "Order",
    "Number",
    "Shop",
    "Customer",
    "E-mail",
    "Placed",
    "Currency",
    "Total",
    "Shipping",
    "Tax",
    "Discounts",
    "To pay",
    "Payment",
    "Paid",
    "Refund",
    "Refunded",
    "Cancelled",
    "Status",
    "Points given",
    "Points taken back",
)

State = Literal["any", "earned", "nothing", "taken", "unpaid", "refunded", "cancelled"]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders. Dates are days of the program's time zone, and `placed_until` is the last of them.

    `text`: the shop's id or number of the order, or what `people.search` finds its customer by. `state`:
    "earned" points that stand, "nothing" was given, "taken" back at least some. `customer_id`: of this
    customer alone.
    """

    text: str = ""
    state: State = "any"
    placed_from: date | None = None
    placed_until: date | None = None
    customer_id: int | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An order, and what to call its customer."""

    order: Order
    customer: str


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders. `next`: what to give as `before` for those that come after, None at the end.

    `looked_until`: only orders back to then were looked through for their state; `next` goes on from there.
    """

    rows: list[Found]
    next: int | None
    looked_until: datetime | None = None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An order with all that happened to it, and the calls behind it that are still kept, newest first."""

    place: Place
    history: History
    calls: list[Call]


async def search(
    database: Database, program_id: int, wanted: Filter, *, before: int | None = None, most: int = 50
) -> Orders:
    """A page of the orders that pass the filter, the latest first. Raises Invalid, UnknownProgram, Busy."""
    async with reading(database, long=True) as connection:
        asked = await _wanted(connection, program_id, wanted)
        places = await storage.found(connection, program_id, asked, before=before, most=most + 1)
        following = places[most - 1].order_id if len(places) > most else None
        looked_until = None
        if following is None and asked.state is not None:
            last = await storage.looked_until(connection, program_id, asked, before=before)
            if last is not None:
                following, looked_until = last.order_id, last.placed_at
        ids = [place.order_id for place in places[:most]]
        by_id = await listed.by_id(connection, program_id, ids)
        names = await timeline.names(connection, program_id, (one.customer_id for one in by_id.values()))
    rows = [Found(order=by_id[one], customer=names[by_id[one].customer_id]) for one in ids]
    return Orders(rows=rows, next=following, looked_until=looked_until)


async def export(database: Database, program_id: int, wanted: Filter) -> AsyncIterator[bytes]:
    """All orders that pass the filter as CSV, in chunks; no more than a page of them is held. Money as
    decimals. Raises as `search` does."""
    async for chunk in spreadsheets.stream(HEADINGS, _pages(database, program_id, wanted)):
        yield chunk


async def _pages(
    database: Database, program_id: int, wanted: Filter
) -> AsyncIterator[Sequence[Sequence[spreadsheets.Cell]]]:
    before: int | None = None
    while True:
        page = await search(database, program_id, wanted, before=before, most=EXPORTED_AT_ONCE)
        async with reading(database, long=True) as connection:
            buyers = await storage.buyers(
                connection, program_id, {one.order.customer_id for one in page.rows}
            )
        yield [_cells(one.order, buyers[one.order.customer_id]) for one in page.rows]
        before = page.next
        if before is None:
            return


def _cells(order: Order, buyer: Buyer) -> tuple[spreadsheets.Cell, ...]:
    def money(minor: int) -> str:
        return format_amount(minor, order.currency)

    return (
        order.merchant_id,
        order.merchant_number,
        order.site_id,
        buyer.merchant_id,
        buyer.email,
        order.placed_at,
        order.currency,
        money(order.total_minor),
        money(order.shipping_minor),
        money(order.tax_minor),
        money(order.discounts_minor),
        money(order.payable_minor),
        order.payment_status,
        money(order.paid_minor),
        order.refund_status,
        money(order.refunded_minor),
        "yes" if order.cancelled else "no",
        order.status,
        order.given,
        order.taken,
    )


async def _wanted(connection: Connection, program_id: int, said: Filter) -> Wanted:
    """The filter in moments instead of days, its text as the orders that it names. Raises Invalid."""
    if len(said.text) > LONGEST_TEXT or "\x00" in said.text:
        raise Invalid("text", f"must be a text of at most {LONGEST_TEXT} characters")
    name = await people.timezone(connection, program_id)
    if name is None:
        raise UnknownProgram(program=program_id)
    zone = ZoneInfo(name)
    text = said.text.strip()
    ids = await _ids(connection, program_id, text) if text else None
    return Wanted(
        state=None if said.state == "any" else said.state,
        placed_from=_begin(said.placed_from, zone),
        placed_before=_begin(said.placed_until and said.placed_until + timedelta(days=1), zone),
        ids=ids,
        customer_id=said.customer_id,
    )


def _begin(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, zone)


async def _ids(connection: Connection, program_id: int, text: str) -> tuple[int, ...]:
    """The orders of this id or number, with or without its #, and those of customers whom the text finds."""
    bare = text.removeprefix("#")
    found = set(await storage.named(connection, program_id, (bare, f"#{bare}")))
    asked = people.Wanted(words=tuple(text.lower().split()[:6]))
    customers = await people.found(connection, program_id, asked, before=None, most=MOST_PEOPLE)
    found.update(await storage.of_customers(connection, program_id, customers))
    return tuple(found)


async def story(database: Database, program_id: int, order_id: int) -> Story:
    """One order by our number of it. Raises UnknownOrder, Busy."""
    async with reading(database, long=True) as connection:
        known = (await listed.by_id(connection, program_id, [order_id])).get(order_id)
        if known is None:
            raise UnknownOrder(order=order_id)
        where = await histories.places(
            connection, known.merchant_id, program_id=program_id, site_id=known.site_id
        )
        history = await histories.load(connection, where[0], known.merchant_id)
        assert history is not None, "an order is never deleted"
        decided = [one.id for one in history.decisions]
        calls = await storage.calls(connection, program_id, known.merchant_id, decided, most=CALLS_SHOWN)
    return Story(place=where[0], history=history, calls=calls)
