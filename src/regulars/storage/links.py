"""Links that let somebody in once: to set up, to sign in, to choose a password, to join a program."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.storage.database import Connection


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that works once, until `ends_at`. Which fields are set depends on `kind`, see the table."""

    link_id: int
    kind: str
    staff_id: int | None
    program_id: int | None
    email: str | None
    role: str | None
    made_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None


async def add(
    connection: Connection,
    link_hash: bytes,
    *,
    kind: str,
    staff_id: int | None = None,
    program_id: int | None = None,
    email: str | None = None,
    role: str | None = None,
    made_by: str,
    at: datetime,
    ends_at: datetime,
) -> None:
    await connection.execute(
        """
        insert into staff_links (link_hash, kind, staff_id, program_id, email, role, made_by, made_at,
                                 ends_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        link_hash,
        kind,
        staff_id,
        program_id,
        email,
        role,
        made_by,
        at,
        ends_at,
    )


async def find(connection: Connection, link_hash: bytes, kind: str, now: datetime) -> Link | None:
    """The link, if it still works."""
    row = await connection.fetchrow(
        "select * from staff_links where link_hash = $1 and kind = $2 and used_at is null and ends_at > $3",
        link_hash,
        kind,
        now,
    )
    return _link(row) if row is not None else None


async def use(connection: Connection, link_hash: bytes, kind: str, now: datetime) -> Link | None:
    """The link, if it still worked; from now on it doesn't. Of two at once, one gets it."""
    row = await connection.fetchrow(
        """
        update staff_links set used_at = $3
         where link_hash = $1 and kind = $2 and used_at is null and ends_at > $3 returning *
        """,
        link_hash,
        kind,
        now,
    )
    return _link(row) if row is not None else None


async def end(connection: Connection, kinds: Sequence[str], *, staff_id: int | None = None) -> None:
    """Takes away unused links of these kinds, of one person or of all."""
    await connection.execute(
        """
        delete from staff_links
         where kind = any($1::text[]) and used_at is null and ($2::bigint is null or staff_id = $2)
        """,
        list(kinds),
        staff_id,
    )


async def open_invitations(connection: Connection, program_id: int, now: datetime) -> list[Link]:
    """A program's invitations that nobody has accepted and that still work, newest first."""
    rows = await connection.fetch(
        """
        select * from staff_links where program_id = $1 and used_at is null and ends_at > $2
         order by link_id desc
        """,
        program_id,
        now,
    )
    return [_link(row) for row in rows]


async def withdraw(connection: Connection, program_id: int, link_id: int) -> Link | None:
    """Takes an unused invitation of the program away, and answers what it was."""
    row = await connection.fetchrow(
        "delete from staff_links where program_id = $1 and link_id = $2 and used_at is null returning *",
        program_id,
        link_id,
    )
    return _link(row) if row is not None else None


def _link(row: Record) -> Link:
    return Link(**{name: row[name] for name in Link.__struct_fields__})
