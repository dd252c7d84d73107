"""Who works for which program, and as what."""

from datetime import datetime

import msgspec

from regulars.storage.database import Connection


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


async def find(connection: Connection, program_id: int, staff_id: int) -> str | None:
    role: str | None = await connection.fetchval(
        "select role from staff_roles where program_id = $1 and staff_id = $2", program_id, staff_id
    )
    return role


async def lock(connection: Connection, program_id: int) -> dict[int, str]:
    """Everybody's role in a program, locked: so that its last owner is not taken away by two at once."""
    rows = await connection.fetch(
        "select staff_id, role from staff_roles where program_id = $1 order by staff_id for update",
        program_id,
    )
    return {row["staff_id"]: row["role"] for row in rows}


async def give(connection: Connection, program_id: int, staff_id: int, role: str, at: datetime) -> None:
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


async def drop(connection: Connection, program_id: int, staff_id: int) -> None:
    await connection.execute(
        "delete from staff_roles where program_id = $1 and staff_id = $2", program_id, staff_id
    )


async def without_owner(connection: Connection) -> list[int]:
    """The programs that nobody owns."""
    rows = await connection.fetch(
        """
        select program_id from programs p where not exists
               (select from staff_roles r where r.program_id = p.program_id and r.role = 'owner')
         order by program_id
        """
    )
    return [row["program_id"] for row in rows]
