"""Who works for a program, as what, and how that changes."""

from datetime import datetime, timedelta
from typing import Final

from regulars.app.access import Acting, Role, require
from regulars.app.audit import COMMAND_LINE, record, record_as
from regulars.app.staff.links import new_link
from regulars.app.staff.people import UnknownStaff, checked_email, checked_name, checked_role, find_or_add
from regulars.app.timezones import checked_timezone
from regulars.domain.errors import Refused
from regulars.storage import links, programs, roles, sessions
from regulars.storage import staff as storage
from regulars.storage.database import Database
from regulars.storage.links import Link
from regulars.storage.reading import reading
from regulars.storage.roles import Colleague
from regulars.storage.staff import Person

FIRST_PASSWORD_FOR: Final = timedelta(days=7)
"""For whom the command line added."""


class LastOwner(Refused):
    """A program keeps at least one owner."""


async def list_colleagues(
    database: Database, acting: Acting, *, now: datetime
) -> tuple[list[Colleague], list[Link]]:
    """The program's staff, and the invitations that are open. Raises NotAllowed, Busy."""
    require(acting, "staff.read")
    async with reading(database) as connection:
        return (
            await roles.colleagues(connection, acting.program_id),
            await links.open_invitations(connection, acting.program_id, now),
        )


async def change_role(
    database: Database, acting: Acting, *, staff_id: int, role: str | None, now: datetime
) -> None:
    """Gives a colleague another role, or with None takes them off the program; their sessions end.

    Raises NotAllowed, UnknownStaff, LastOwner, Invalid, Busy.
    """
    require(acting, "staff.change")
    wanted = checked_role(role) if role is not None else None
    async with reading(database) as connection, connection.transaction():
        held = await roles.lock(connection, acting.program_id)
        person = await storage.get(connection, staff_id)
        before = held.get(staff_id)
        if person is None or before is None:
            raise UnknownStaff(staff=staff_id)
        if before == wanted:
            return
        owners = [one for one, has in held.items() if has == Role.OWNER]
        if owners == [staff_id]:
            raise LastOwner
        if wanted is None:
            await roles.drop(connection, acting.program_id, staff_id)
        else:
            await roles.give(connection, acting.program_id, staff_id, wanted, now)
        if staff_id != acting.staff_id:
            await sessions.end_all(connection, staff_id)
        await record(
            connection,
            acting,
            action="set role" if wanted else "remove from staff",
            subject=person.email,
            before=before,
            after=wanted,
            now=now,
        )


async def add(
    database: Database,
    *,
    email: str,
    name: str,
    role: Role,
    program_ids: list[int],
    keeps_house: bool = False,
    now: datetime,
) -> str | None:
    """Adds somebody, or gives a role in more programs. For the command line. Raises Invalid, Busy.

    The token of a link to choose a password; None if they have one.
    """
    email, name = checked_email(email), checked_name(name)
    async with reading(database) as connection, connection.transaction():
        person = await find_or_add(connection, email=email, name=name, keeps_house=keeps_house, now=now)
        for program_id in program_ids:
            before = await roles.find(connection, program_id, person.staff_id)
            if before == role:
                continue
            await roles.give(connection, program_id, person.staff_id, role, now)
            await record_as(
                connection,
                program_id,
                actor=COMMAND_LINE,
                name=COMMAND_LINE,
                action="set role",
                subject=email,
                before=before,
                after=role,
                now=now,
            )
        if person.password_hash is not None:
            return None
        return await new_link(
            connection,
            "reset",
            staff_id=person.staff_id,
            made_by=COMMAND_LINE,
            now=now,
            lasts=FIRST_PASSWORD_FOR,
        )


async def own_program(
    database: Database, person: Person, program_id: int, *, timezone: str, now: datetime
) -> None:
    """Makes a person the owner of a program that they have just made. Raises Invalid, Busy."""
    timezone = checked_timezone(timezone)
    acting = Acting(
        staff_id=person.staff_id,
        email=person.email,
        name=person.name,
        program_id=program_id,
        role=Role.OWNER,
    )
    async with reading(database) as connection, connection.transaction():
        await roles.give(connection, program_id, person.staff_id, Role.OWNER, now)
        await programs.set_timezone(connection, program_id, timezone)
        await record(connection, acting, action="set role", subject=person.email, after=Role.OWNER, now=now)
