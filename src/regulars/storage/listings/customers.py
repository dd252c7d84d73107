"""Customers with their points as of now: approvals that are due count, even when no job has made them yet."""

from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from typing import Final

import msgspec

from regulars.domain.book import Account
from regulars.domain.customers import Customer
from regulars.storage.database import Connection
from regulars.storage.listings.window import Conditions, Key, Window, narrow
from regulars.storage.pages import customer_from
from regulars.storage.texts import SHORTEST, TEXT, finds_anywhere, literally

KEY: Final = Key("customers", "customer_id", "created_at")

_STANDING = """
    select c.*, a.pending - due.points as pending, a.available + due.points as available, a.spent,
           a.next_due_at, a.updated_at as account_updated_at
      from customers c join accounts a using (program_id, customer_id)
     cross join lateral (
         select (case when a.next_due_at <= $2 then coalesce((
             select sum(l.remaining) from lots l
              where l.program_id = c.program_id and l.customer_id = c.customer_id and l.remaining > 0
                and l.state = 'pending' and l.approves_at <= $2
         ), 0) else 0 end)::bigint as points
         offset 0
     ) due
     where c.program_id = $1 and c.customer_id = any($3::bigint[])
       and a.program_id = $1 and a.customer_id = any($3::bigint[])
"""


class Standing(msgspec.Struct, frozen=True):
    """A customer and the points that are pending, available, spent now. `account.updated_at` is of both."""

    customer: Customer
    account: Account


async def standings(
    connection: Connection, program_id: int, customer_ids: Iterable[int], *, now: datetime
) -> dict[int, Standing]:
    """These customers by id, with their points at `now` (program time)."""
    rows = await connection.fetch(_STANDING, program_id, now, list(set(customer_ids)))
    return {
        row["customer_id"]: Standing(
            customer_from(row),
            Account(
                customer_id=row["customer_id"],
                pending=row["pending"],
                available=row["available"],
                spent=row["spent"],
                next_due_at=row["next_due_at"],
                updated_at=row["account_updated_at"],
            ),
        )
        for row in rows
    }


async def id_of(connection: Connection, program_id: int, merchant_id: str) -> int | None:
    """Our id of the customer whom the shop knows by this id, or whom that one was merged into."""
    found: int | None = await connection.fetchval(
        "select coalesce(merged_into, customer_id) from customers where program_id = $1 and merchant_id = $2",
        program_id,
        merchant_id,
    )
    return found


async def listed(connection: Connection, program_id: int, window: Window) -> list[int]:
    """The ids of the window's customers, in its order, without those who were merged into others."""
    where = Conditions(program_id)
    where.texts.append(
        "customer_id not in (select m.customer_id from customers m "
        "where m.program_id = $1 and m.merged_into is not null)"
    )
    await narrow(connection, where, KEY, window)
    if window.changed_from is not None:
        where.add("updated_at >= {}", window.changed_from)
    if window.changed_before is not None:
        where.add("updated_at < {}", window.changed_before)
    if window.by_change and window.beyond is not None:
        sign = ">" if window.ascending else "<"
        at, beyond = where.value(window.beyond_at), where.value(window.beyond)
        where.texts.append(f"(updated_at, customer_id) {sign} ({at}::timestamptz, {beyond}::bigint)")
    if window.email is not None:
        await _add_email(connection, where, window.email.lower())
    order = f"updated_at {window.direction}, customer_id" if window.by_change else "customer_id"
    async with nullcontext() if window.email is None else connection.transaction(readonly=True):
        if window.email is not None:  # the plan depends on how many have that e-mail
            await connection.execute("set local plan_cache_mode = force_custom_plan")
        rows = await connection.fetch(
            f"select customer_id from accounts a where program_id = $1{where} "
            f"order by {order} {window.direction} "
            f"limit {where.value(window.limit)} offset {where.value(window.offset)}",
            *where.values,
        )
    return [row["customer_id"] for row in rows]


async def _add_email(connection: Connection, where: Conditions, part: str) -> None:
    """Only customers who have `part` in their e-mail, found by the index of all their texts where there is
    one."""
    like = where.value(f"%{literally(part)}%")
    if len(part) >= SHORTEST and await finds_anywhere(connection):
        where.texts.append(
            "a.customer_id in (select c.customer_id from customers c where c.program_id = $1 "
            f"and c.email_key like {like} and {TEXT.format('c.')} like {like})"
        )
    else:  # one by one along the list: so short a text is in many
        where.texts.append(
            "(select c.email_key from customers c where c.program_id = $1 "
            f"and c.customer_id = a.customer_id) like {like}"
        )
