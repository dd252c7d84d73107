"""Staff: people who sign in to the admin, in whatever programs."""

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


def _person(row: Record) -> Person:
    return Person(**{name: row[name] for name in Person.__struct_fields__})
