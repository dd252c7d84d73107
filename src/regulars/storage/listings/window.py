"""Which rows of a list are meant, and the SQL for it.

Ids are given out in commit order and program time never goes back, so `created_at` never falls as ids rise: a
bound in time becomes a bound in ids by binary search, and every list stays a walk along one key.
"""

from datetime import datetime
from typing import Any

import msgspec

from regulars.storage.database import Connection


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Up to `limit` rows after `offset`, by id, newest first unless `ascending`.

    `beyond`: only ids that come after this one in that order. `by_change` (customers): ordered by the time of
    the last change, then by id, and `beyond_at` goes with `beyond`. `_from` includes, `_before` excludes.
    """

    limit: int
    offset: int = 0
    ascending: bool = False
    by_change: bool = False
    beyond: int | None = None
    beyond_at: datetime | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    changed_from: datetime | None = None
    changed_before: datetime | None = None
    email: str | None = None
    """A part of the e-mail (customers)."""
    customer_id: int | None = None
    """This customer's alone (transactions)."""

    @property
    def direction(self) -> str:
        return "asc" if self.ascending else "desc"


class Key(msgspec.Struct, frozen=True):
    """A table's id and the time, or another number, that rises with it."""

    table: str
    id: str
    time: str


class Conditions:
    """The WHERE of a list, with its values; `$1` is the program."""

    def __init__(self, program_id: int) -> None:
        self.values: list[Any] = [program_id]
        self.texts: list[str] = []

    def value(self, value: object) -> str:
        """The placeholder of one more value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, text: str, value: object) -> None:
        """One more condition; `{}` in it stands for the value."""
        self.texts.append(text.format(self.value(value)))

    def __str__(self) -> str:
        return "".join(f" and {text}" for text in self.texts)


async def narrow(connection: Connection, where: Conditions, key: Key, window: Window) -> None:
    """Adds the window's place in the list and its bounds of creation, as bounds of the id."""
    program_id = where.values[0]
    if window.beyond is not None and not window.by_change:
        where.add(f"{key.id} {'>' if window.ascending else '<'} {{}}", window.beyond)
    if window.created_from is not None:
        where.add(f"{key.id} >= {{}}", await first_id(connection, program_id, key, window.created_from))
    if window.created_before is not None:
        where.add(f"{key.id} < {{}}", await first_id(connection, program_id, key, window.created_before))


async def first_id(connection: Connection, program_id: int, key: Key, at: datetime | int) -> int:
    """The least id from which on no row's time (or number) is before `at`; every row below it is."""
    found: int = await connection.fetchval(
        f"""
        with recursive search (low, high) as (
            select 1::bigint, coalesce(max({key.id}), 0) + 1 from {key.table} where program_id = $1
            union all
            select case when probe.at < $2 then probe.id + 1 else low end,
                   case when probe.at < $2 then high else (low + high) / 2 end
              from search cross join lateral (
                  select {key.id} as id, {key.time} as at from {key.table}
                   where program_id = $1 and {key.id} >= (low + high) / 2 order by {key.id} limit 1
              ) probe
             where low < high
        )
        select low from search where low >= high
        """,
        program_id,
        at,
    )
    return found
