"""Customers as staff look for them: by text and by filters, a page at a time along one key."""

from datetime import datetime

import msgspec

from regulars.storage.database import Connection
from regulars.storage.listings.window import Conditions
from regulars.storage.texts import SHORTEST, TEXT, finds_anywhere, literally


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers; what is None or False does not matter. `_from` includes, `_before` excludes.

    `words` in lower case: each has to be in the id, e-mail or name, or to begin one where the server has no
    index for that.
    """

    words: tuple[str, ...] = ()
    member: bool | None = None
    blocked: bool | None = None
    has_points: bool = False
    in_debt: bool = False
    joined_from: datetime | None = None
    joined_before: datetime | None = None
    last_order_from: datetime | None = None
    last_order_before: datetime | None = None
    birthday_month: int | None = None
    with_merged: bool = False
    """Those, too, who were merged into others."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A filter that staff have named. `filter` is its JSON."""

    id: int
    name: str
    filter: str
    made_by: str
    created_at: datetime


async def found(
    connection: Connection, program_id: int, wanted: Wanted, *, before: int | None, most: int
) -> list[int]:
    """The ids of at most `most` customers who come after the customer `before`.

    Newest first; those who joined or ordered last between two days, the latest to do so first. Plans are made
    for the very values: a text that half of all customers have is looked for along the key, a rare one in its
    index.
    """
    where = Conditions(program_id)
    key, source = _order(wanted)
    async with connection.transaction(readonly=True):
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        if before is not None:
            await _add_place(connection, where, key, source, before)
        await _add_words(connection, where, wanted.words)
        _add_filters(where, wanted)
        order = f"{key} desc, c.customer_id desc" if key else "c.customer_id desc"
        rows = await connection.fetch(
            f"select c.customer_id from {source} where c.program_id = $1{where} "
            f"order by {order} limit {where.value(most)}",
            *where.values,
        )
    return [row["customer_id"] for row in rows]


def _order(wanted: Wanted) -> tuple[str, str]:
    """The column that orders the list besides the id, if any, and where the rows come from."""
    if wanted.last_order_from is not None or wanted.last_order_before is not None:
        # Both tables are tied to the program by its value: a plan may begin with either.
        return "last.last_placed_at", (
            "customers c join customer_orders last "
            "on last.program_id = $1 and last.customer_id = c.customer_id"
        )
    if wanted.joined_from is not None or wanted.joined_before is not None:
        return "c.member_since", "customers c"
    return "", "customers c"


async def _add_place(connection: Connection, where: Conditions, key: str, source: str, before: int) -> None:
    """Only what comes after that customer, in the order of the list."""
    if not key:
        where.add("c.customer_id < {}", before)
        return
    at = await connection.fetchval(
        f"select {key} from {source} where c.program_id = $1 and c.customer_id = $2", where.values[0], before
    )
    where.texts.append(
        f"({key}, c.customer_id) < ({where.value(at)}::timestamptz, {where.value(before)}::bigint)"
    )


async def _add_words(connection: Connection, where: Conditions, words: tuple[str, ...]) -> None:
    if not words:
        return
    anywhere = await finds_anywhere(connection)
    for word in words:
        if anywhere:
            start = "%" if len(word) >= SHORTEST else "% "
            where.add(TEXT.format("c.") + " like {}", f"{start}{literally(word)}%")
        else:
            begins = where.value(f"{literally(word)}%")
            columns = ("merchant_id", "email", "first_name", "last_name")
            where.texts.append(
                "(" + " or ".join(f"lower(c.{column}) like {begins}" for column in columns) + ")"
            )


def _add_filters(where: Conditions, wanted: Wanted) -> None:
    if not wanted.with_merged:
        where.texts.append("c.merged_into is null")
    if wanted.member is not None:
        where.texts.append(f"c.member_since is {'not ' if wanted.member else ''}null")
    if wanted.blocked is not None:
        where.texts.append("c.blocked" if wanted.blocked else "not c.blocked")
    if wanted.joined_from is not None:
        where.add("c.member_since >= {}", wanted.joined_from)
    if wanted.joined_before is not None:
        where.add("c.member_since < {}", wanted.joined_before)
    if wanted.birthday_month is not None:
        where.add("extract(month from c.birthday) = {}::int", wanted.birthday_month)
    account = "from accounts a where a.program_id = $1 and a.customer_id = c.customer_id"
    if wanted.has_points:  # most have: to be looked up for each, not gathered first
        where.texts.append(f"(select a.available {account}) > 0")
    if wanted.in_debt:
        where.texts.append(f"exists (select {account} and a.available < 0)")
    if wanted.last_order_from is not None:
        where.add("last.last_placed_at >= {}", wanted.last_order_from)
    if wanted.last_order_before is not None:
        where.add("last.last_placed_at < {}", wanted.last_order_before)


async def views(connection: Connection, program_id: int) -> list[View]:
    """All saved views, by name."""
    rows = await connection.fetch(
        "select view_id as id, name, filter, made_by, created_at from customer_views where program_id = $1 "
        "order by lower(name), view_id",
        program_id,
    )
    return [View(**row) for row in rows]


async def save_view(
    connection: Connection, program_id: int, *, name: str, filter_json: str, made_by: str, at: datetime
) -> int:
    """Saves a view, in place of one of that name. Answers its number."""
    view_id: int = await connection.fetchval(
        """
        insert into customer_views (program_id, view_id, name, filter, made_by, created_at)
        select $1, coalesce(max(view_id), 0) + 1, $2, $3, $4, $5 from customer_views where program_id = $1
            on conflict (program_id, name) do update set filter = excluded.filter
        returning view_id
        """,
        program_id,
        name,
        filter_json,
        made_by,
        at,
    )
    return view_id


async def delete_view(connection: Connection, program_id: int, view_id: int) -> bool:
    """Whether there was one of that number."""
    answer = await connection.execute(
        "delete from customer_views where program_id = $1 and view_id = $2", program_id, view_id
    )
    return answer == "DELETE 1"


async def count_views(connection: Connection, program_id: int) -> int:
    """How many views are saved."""
    number: int = await connection.fetchval(
        "select count(*) from customer_views where program_id = $1", program_id
    )
    return number


async def timezone(connection: Connection, program_id: int) -> str | None:
    """The IANA name of the zone in which the program's days begin; None when there is no such program."""
    name: str | None = await connection.fetchval(
        "select timezone from programs where program_id = $1", program_id
    )
    return name
