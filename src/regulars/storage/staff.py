"""Staff: people who sign in, their roles in programs, and the links that let somebody in once."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.storage.database import Connection


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One member of staff, in whatever programs. `totp_at`: since when a second factor is asked for."""

    staff_id: int
    email: str
    name: str
    locale: str
    theme: str
    password_hash: str | None
    totp_secret: bytes | None
    totp_at: datetime | None
    totp_step: int
    keeps_house: bool
    created_at: datetime


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A program as its staff see it first: what it is called, and where its days begin. `role` is theirs."""

    program_id: int
    name: str
    currency: str
    timezone: str
    test_mode: bool
    role: str


class Colleague(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of a program's staff, as the list shows them."""

    staff_id: int
    email: str
    name: str
    role: str
    has_password: bool
    has_second_factor: bool
    added_at: datetime
    seen_at: datetime | None


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


async def by_email(connection: Connection, email_key: str) -> Person | None:
    row = await connection.fetchrow("select * from staff where email_key = $1", email_key)
    return _person(row) if row is not None else None


async def get(connection: Connection, staff_id: int) -> Person | None:
    row = await connection.fetchrow("select * from staff where staff_id = $1", staff_id)
    return _person(row) if row is not None else None


async def everybody(connection: Connection) -> list[tuple[Person, dict[int, str]]]:
    """All people of the house, oldest first, with their roles by program."""
    people = await connection.fetch("select * from staff order by staff_id")
    rows = await connection.fetch("select staff_id, program_id, role from staff_roles order by program_id")
    roles: dict[int, dict[int, str]] = {}
    for row in rows:
        roles.setdefault(row["staff_id"], {})[row["program_id"]] = row["role"]
    return [(_person(row), roles.get(row["staff_id"], {})) for row in people]


async def is_anybody_there(connection: Connection) -> bool:
    there: bool = await connection.fetchval("select exists (select from staff)")
    return there


async def add(
    connection: Connection,
    *,
    email: str,
    email_key: str,
    name: str,
    locale: str,
    keeps_house: bool,
    at: datetime,
) -> int | None:
    """Adds a person, without a password; their id, or None when the e-mail is somebody's."""
    staff_id: int | None = await connection.fetchval(
        """
        insert into staff (email, email_key, name, locale, keeps_house, created_at)
        values ($1, $2, $3, $4, $5, $6) on conflict (email_key) do nothing returning staff_id
        """,
        email,
        email_key,
        name,
        locale,
        keeps_house,
        at,
    )
    return staff_id


async def set_password(connection: Connection, staff_id: int, password_hash: str, at: datetime) -> None:
    await connection.execute(
        "update staff set password_hash = $2, password_at = $3 where staff_id = $1",
        staff_id,
        password_hash,
        at,
    )


async def let_keep_house(connection: Connection, staff_id: int) -> None:
    await connection.execute("update staff set keeps_house = true where staff_id = $1", staff_id)


async def set_preferences(
    connection: Connection, staff_id: int, *, name: str, locale: str, theme: str
) -> None:
    await connection.execute(
        "update staff set name = $2, locale = $3, theme = $4 where staff_id = $1",
        staff_id,
        name,
        locale,
        theme,
    )


async def set_totp(
    connection: Connection, staff_id: int, *, secret: bytes | None, at: datetime | None, step: int = 0
) -> None:
    """Sets a second factor (not asked for until `at` is set), or takes it away with None."""
    await connection.execute(
        "update staff set totp_secret = $2, totp_at = $3, totp_step = $4 where staff_id = $1",
        staff_id,
        secret,
        at,
        step,
    )


async def use_totp_step(connection: Connection, staff_id: int, step: int) -> bool:
    """Whether this time step's code had not been used; from now on it has."""
    answer = await connection.execute(
        "update staff set totp_step = $2 where staff_id = $1 and totp_step < $2", staff_id, step
    )
    return answer.endswith(" 1")


# -- roles


async def places(connection: Connection, staff_id: int) -> list[Place]:
    """The programs in which somebody has a role, oldest first."""
    rows = await connection.fetch(
        """
        select p.program_id, p.name, p.currency, p.timezone, p.test_mode, r.role
          from staff_roles r join programs p using (program_id) where r.staff_id = $1 order by p.program_id
        """,
        staff_id,
    )
    return [Place(**dict(row)) for row in rows]


async def colleagues(connection: Connection, program_id: int) -> list[Colleague]:
    """A program's staff, oldest first."""
    rows = await connection.fetch(
        """
        select s.staff_id, s.email, s.name, r.role, s.password_hash is not null as has_password,
               s.totp_at is not null as has_second_factor, r.added_at,
               (select max(seen_at) from staff_sessions x where x.staff_id = s.staff_id) as seen_at
          from staff_roles r join staff s using (staff_id) where r.program_id = $1
         order by r.added_at, s.staff_id
        """,
        program_id,
    )
    return [Colleague(**dict(row)) for row in rows]


async def role_of(connection: Connection, program_id: int, staff_id: int) -> str | None:
    role: str | None = await connection.fetchval(
        "select role from staff_roles where program_id = $1 and staff_id = $2", program_id, staff_id
    )
    return role


async def lock_roles(connection: Connection, program_id: int) -> dict[int, str]:
    """Everybody's role in a program, locked: so that its last owner is not taken away by two at once."""
    rows = await connection.fetch(
        "select staff_id, role from staff_roles where program_id = $1 order by staff_id for update",
        program_id,
    )
    return {row["staff_id"]: row["role"] for row in rows}


async def set_role(connection: Connection, program_id: int, staff_id: int, role: str, at: datetime) -> None:
    await connection.execute(
        """
        insert into staff_roles (program_id, staff_id, role, added_at) values ($1, $2, $3, $4)
        on conflict (program_id, staff_id) do update set role = excluded.role
        """,
        program_id,
        staff_id,
        role,
        at,
    )


async def drop_role(connection: Connection, program_id: int, staff_id: int) -> None:
    await connection.execute(
        "delete from staff_roles where program_id = $1 and staff_id = $2", program_id, staff_id
    )


async def programs_without_owner(connection: Connection) -> list[int]:
    rows = await connection.fetch(
        """
        select program_id from programs p where not exists
               (select from staff_roles r where r.program_id = p.program_id and r.role = 'owner')
         order by program_id
        """
    )
    return [row["program_id"] for row in rows]


async def set_timezone(connection: Connection, program_id: int, timezone: str) -> None:
    """Where the program's days begin, as an IANA name."""
    await connection.execute("update programs set timezone = $2 where program_id = $1", program_id, timezone)


# -- links


async def add_link(
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


async def open_link(connection: Connection, link_hash: bytes, kind: str, now: datetime) -> Link | None:
    """The link, if it still works."""
    row = await connection.fetchrow(
        "select * from staff_links where link_hash = $1 and kind = $2 and used_at is null and ends_at > $3",
        link_hash,
        kind,
        now,
    )
    return _link(row) if row is not None else None


async def use_link(connection: Connection, link_hash: bytes, kind: str, now: datetime) -> Link | None:
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


async def end_links(connection: Connection, kinds: Sequence[str], *, staff_id: int | None = None) -> None:
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


async def withdraw_invitation(connection: Connection, program_id: int, link_id: int) -> Link | None:
    """Takes an unused invitation of the program away, and answers what it was."""
    row = await connection.fetchrow(
        "delete from staff_links where program_id = $1 and link_id = $2 and used_at is null returning *",
        program_id,
        link_id,
    )
    return _link(row) if row is not None else None


def _person(row: Record) -> Person:
    return Person(**{name: row[name] for name in Person.__struct_fields__})


def _link(row: Record) -> Link:
    return Link(**{name: row[name] for name in Link.__struct_fields__})
