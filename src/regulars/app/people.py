"""Customers for staff: finding them among a million, saved views of them, and all that one profile shows."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from regulars.app import spreadsheets
from regulars.app.figures import catch_up
from regulars.app.programs import UnknownProgram
from regulars.domain.book import Lot
from regulars.domain.customers import Customer
from regulars.domain.errors import Invalid, UnknownCustomer
from regulars.domain.orders import Order
from regulars.domain.rewards import Claim
from regulars.storage import people as storage
from regulars.storage import profiles, rewards
from regulars.storage.database import Connection, Database
from regulars.storage.listings import customers
from regulars.storage.listings.customers import Standing
from regulars.storage.people import View, Wanted
from regulars.storage.reading import reading

MOST_WORDS: Final = 6
LONGEST_TEXT: Final = 200
MOST_VIEWS: Final = 100
LONGEST_NAME: Final = 80
EXPORTED_AT_ONCE: Final = 1000
SHOWN: Final = 20
"""Orders and claimed rewards of a profile, the latest of each; lots, the next of each."""

HEADINGS: Final = (
    "Customer",
    "E-mail",
    "First name",
    "Last name",
    "Birthday",
    "Member since",
    "Blocked",
    "Points available",
    "Points pending",
    "Points spent",
    "First seen",
)


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which customers. Dates are days of the program's time zone, and `_until` is the last of them.

    Every word of `text` has to be somewhere in the id, e-mail or name; words of one or two letters, at the
    beginning of a word. `last_order_`: when the latest order was placed.
    """

    text: str = ""
    who: Literal["everybody", "members", "guests"] = "everybody"
    blocked: bool | None = None
    has_points: bool = False
    in_debt: bool = False
    joined_from: date | None = None
    joined_until: date | None = None
    last_order_from: date | None = None
    last_order_until: date | None = None
    birthday_month: int | None = None


class People(msgspec.Struct, frozen=True, kw_only=True):
    """A page of customers, newest first. `next`: what to give as `before` for the page after it, None at the
    end."""

    rows: list[Standing]
    next: int | None


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A filter that staff have named."""

    id: int
    name: str
    filter: Filter
    made_by: str
    created_at: datetime


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A customer and their points at `now`: what has fallen due counts, even where no job has made it yet.

    `pending` lots come with the time of their approval, `open` ones with that of their expiry, in the order
    in which they will be used up: the first SHOWN of each. `pending_in_all` counts the former,
    `ending_in_all` those of the latter that expire. `deficit`: points owed. `orders_in_all` counts them;
    `erased_at`: the person was erased. `merged`: the records that were merged into this one.
    """

    standing: Standing
    pending: list[Lot]
    open: list[Lot]
    pending_in_all: int
    ending_in_all: int
    deficit: int
    claims: list[Claim]
    orders: list[Order]
    orders_in_all: int
    erased_at: datetime | None
    merged: list[Customer]


async def search(
    database: Database,
    program_id: int,
    wanted: Filter,
    *,
    before: int | None = None,
    most: int = 50,
    now: datetime,
) -> People:
    """A page of the customers who pass the filter, with their points at `now` (program time).

    Who was merged into somebody is found only by a text: then there is no other way to find out whom.
    Raises Invalid, UnknownProgram, Busy.
    """
    async with reading(database, long=True) as connection:
        asked = await _wanted(connection, program_id, wanted)
        if asked.last_order_from is not None or asked.last_order_before is not None:
            await catch_up(connection, program_id, now)
        ids = await storage.found(connection, program_id, asked, before=before, most=most + 1)
        by = await customers.standings(connection, program_id, ids[:most], now=now)
    rows = [by[customer_id] for customer_id in ids[:most]]
    return People(rows=rows, next=ids[most - 1] if len(ids) > most else None)


async def export(
    database: Database, program_id: int, wanted: Filter, *, now: datetime
) -> AsyncIterator[bytes]:
    """All who pass the filter as CSV, in chunks; no more than a page of them is held. Raises as `search`
    does."""
    async for chunk in spreadsheets.stream(HEADINGS, _pages(database, program_id, wanted, now)):
        yield chunk


async def _pages(
    database: Database, program_id: int, wanted: Filter, now: datetime
) -> AsyncIterator[Sequence[Sequence[spreadsheets.Cell]]]:
    before: int | None = None
    while True:
        page = await search(database, program_id, wanted, before=before, most=EXPORTED_AT_ONCE, now=now)
        yield [_cells(row) for row in page.rows if row.customer.merged_into is None]
        before = page.next
        if before is None:
            return


def _cells(row: Standing) -> tuple[spreadsheets.Cell, ...]:
    customer, account = row.customer, row.account
    return (
        customer.merchant_id,
        customer.email,
        customer.first_name,
        customer.last_name,
        customer.birthday,
        customer.member_since,
        "yes" if customer.blocked else "no",
        account.available,
        account.pending,
        account.spent,
        customer.created_at,
    )


async def _wanted(connection: Connection, program_id: int, said: Filter) -> Wanted:
    """The filter in moments instead of days. Raises Invalid, UnknownProgram."""
    if len(said.text) > LONGEST_TEXT or "\x00" in said.text:
        raise Invalid("text", f"must be a text of at most {LONGEST_TEXT} characters")
    if said.birthday_month is not None and not 1 <= said.birthday_month <= 12:
        raise Invalid("birthday_month", "must be from 1 to 12")
    name = await storage.timezone(connection, program_id)
    if name is None:
        raise UnknownProgram(program=program_id)
    zone = ZoneInfo(name)
    return Wanted(
        words=tuple(said.text.lower().split()[:MOST_WORDS]),
        member={"everybody": None, "members": True, "guests": False}[said.who],
        blocked=said.blocked,
        has_points=said.has_points,
        in_debt=said.in_debt,
        joined_from=_begin(said.joined_from, zone),
        joined_before=_end(said.joined_until, zone),
        last_order_from=_begin(said.last_order_from, zone),
        last_order_before=_end(said.last_order_until, zone),
        birthday_month=said.birthday_month,
        with_merged=bool(said.text.strip()),
    )


def _begin(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, zone)


def _end(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days=1), time.min, zone)


async def list_views(database: Database, program_id: int) -> list[SavedView]:
    """The saved views, by name. Raises Busy."""
    async with reading(database) as connection:
        return [_view(view) for view in await storage.views(connection, program_id)]


async def save_view(
    database: Database, program_id: int, name: str, wanted: Filter, *, made_by: str, now: datetime
) -> int:
    """Saves the filter under this name, in place of the view that has it. Answers its number. Raises
    Invalid."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or "\x00" in name:
        raise Invalid("name", f"must be a text of 1 to {LONGEST_NAME} characters")
    async with reading(database) as connection, connection.transaction():
        await _wanted(connection, program_id, wanted)
        if await storage.count_views(connection, program_id) >= MOST_VIEWS:
            raise Invalid("name", f"a program has at most {MOST_VIEWS} saved views")
        return await storage.save_view(
            connection,
            program_id,
            name=name,
            filter_json=msgspec.json.encode(wanted).decode(),
            made_by=made_by,
            at=now,
        )


async def delete_view(database: Database, program_id: int, view_id: int) -> bool:
    """Whether there was one of that number."""
    async with reading(database) as connection:
        return await storage.delete_view(connection, program_id, view_id)


def _view(view: View) -> SavedView:
    return SavedView(
        id=view.id,
        name=view.name,
        filter=msgspec.json.decode(view.filter, type=Filter),
        made_by=view.made_by,
        created_at=view.created_at,
    )


async def profile(database: Database, program_id: int, customer_id: int, *, now: datetime) -> Profile:
    """Everything about one customer at `now` (program time). Raises UnknownCustomer, Busy."""
    async with reading(database, long=True) as connection:
        by = await customers.standings(connection, program_id, [customer_id], now=now)
        if customer_id not in by:
            raise UnknownCustomer(customer=customer_id)
        pending, pending_in_all = await profiles.pending_lots(
            connection, program_id, customer_id, now=now, most=SHOWN
        )
        ready, ending_in_all = await profiles.open_lots(
            connection, program_id, customer_id, now=now, most=SHOWN
        )
        return Profile(
            standing=by[customer_id],
            pending=pending,
            open=ready,
            pending_in_all=pending_in_all,
            ending_in_all=ending_in_all,
            deficit=await profiles.deficit(connection, program_id, customer_id),
            claims=await rewards.claims_of(connection, program_id, customer_id, most=SHOWN),
            orders=await profiles.latest_orders(connection, program_id, customer_id, most=SHOWN),
            orders_in_all=await profiles.count_orders(connection, program_id, customer_id),
            erased_at=await profiles.erased_at(connection, program_id, customer_id),
            merged=await profiles.merged(connection, program_id, customer_id),
        )


async def customer_id_of(database: Database, program_id: int, merchant_id: str) -> int:
    """The number of the customer whom the shop knows by this id. Raises UnknownCustomer, Busy."""
    async with reading(database) as connection:
        found = await customers.id_of(connection, program_id, merchant_id)
    if found is None:
        raise UnknownCustomer(customer=merchant_id)
    return found
