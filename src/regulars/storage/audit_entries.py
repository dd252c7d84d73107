"""The audit log: appended under the lock of its head, read newest first, never edited."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.storage.database import Connection


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to what, when and why. `before`, `after`: JSON texts. `entry_id` counts from 1.

    With `forgotten_at` set, what it said of a person is gone, and its salt with it.
    """

    entry_id: int
    at: datetime
    actor: str
    name: str
    action: str
    subject: str
    before: str
    after: str
    reason: str
    form_key: str | None
    salt: bytes
    digest: bytes
    hash: bytes
    forgotten_at: datetime | None = None


async def lock(connection: Connection, program_id: int) -> tuple[int, bytes] | None:
    """How many entries there are and the hash of the last, locked; None before the first."""
    await connection.execute(
        "insert into audit_heads (program_id, entries, chain) values ($1, 0, $2) on conflict do nothing",
        program_id,
        bytes(32),
    )
    row = await connection.fetchrow(
        "select entries, chain from audit_heads where program_id = $1 for update", program_id
    )
    return (row["entries"], row["chain"]) if row is not None else None


async def by_form(connection: Connection, program_id: int, form_key: str) -> Entry | None:
    """The entry that was made for this form, if it was sent before."""
    row = await connection.fetchrow(
        "select * from audit_entries where program_id = $1 and form_key = $2", program_id, form_key
    )
    return _entry(row) if row is not None else None


async def append(connection: Connection, program_id: int, entry: Entry) -> None:
    """Adds the entry; the caller holds the lock of the head, which moves along."""
    await connection.execute(
        """
        insert into audit_entries (program_id, entry_id, at, actor, name, action, subject, before, after,
                                   reason, form_key, salt, digest, hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        program_id,
        entry.entry_id,
        entry.at,
        entry.actor,
        entry.name,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
        entry.reason,
        entry.form_key,
        entry.salt,
        entry.digest,
        entry.hash,
    )
    await connection.execute(
        "update audit_heads set entries = $2, chain = $3 where program_id = $1",
        program_id,
        entry.entry_id,
        entry.hash,
    )


async def newest(
    connection: Connection,
    program_id: int,
    *,
    before_id: int | None = None,
    actor: str | None = None,
    limit: int,
) -> list[Entry]:
    """Up to `limit` entries, newest first, older than `before_id`, of one actor if given."""
    by_actor = "" if actor is None else "and actor = $4"
    rows = await connection.fetch(
        f"""
        select * from audit_entries where program_id = $1 and entry_id < $2 {by_actor}
         order by entry_id desc limit $3
        """,
        program_id,
        before_id or 2**62,
        limit,
        *(() if actor is None else (actor,)),
    )
    return [_entry(row) for row in rows]


async def get(connection: Connection, program_id: int, entry_id: int) -> Entry | None:
    """One entry; None when there is none of that number."""
    row = await connection.fetchrow(
        "select * from audit_entries where program_id = $1 and entry_id = $2", program_id, entry_id
    )
    return _entry(row) if row is not None else None


async def after(connection: Connection, program_id: int, entry_id: int, limit: int) -> list[Entry]:
    """Up to `limit` entries that came after that one, oldest first: for walking the chain."""
    rows = await connection.fetch(
        "select * from audit_entries where program_id = $1 and entry_id > $2 order by entry_id limit $3",
        program_id,
        entry_id,
        limit,
    )
    return [_entry(row) for row in rows]


async def forget(connection: Connection, program_id: int, words: Sequence[str], at: datetime) -> int:
    """Empties what entries say that name a person who has to be forgotten; answers how many.

    `words`, in lower case: texts that name this person alone. Who did it, what and when stays, and so does
    the chain.
    """
    answer = await connection.execute(
        """
        update audit_entries e
           set subject = '', before = 'null', after = 'null', reason = '', form_key = null, salt = '',
               forgotten_at = $3
         where program_id = $1 and forgotten_at is null and exists (
               select from unnest($2::text[]) as text (words)
                where position(words in lower(concat_ws(' ', e.subject, e.before, e.after, e.reason))) > 0)
        """,
        program_id,
        list(words),
        at,
    )
    return int(answer.split()[-1])


async def head(connection: Connection, program_id: int) -> tuple[int, bytes]:
    """How many entries there must be, and the hash of the last; (0, zeros) before the first."""
    row = await connection.fetchrow(
        "select entries, chain from audit_heads where program_id = $1", program_id
    )
    return (row["entries"], row["chain"]) if row is not None else (0, bytes(32))


def _entry(row: Record) -> Entry:
    return Entry(**{name: row[name] for name in Entry.__struct_fields__})
