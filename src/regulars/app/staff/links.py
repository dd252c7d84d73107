"""Links by which staff come in, made where the server runs: each works once, and for a while."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from regulars.app.access import Role
from regulars.app.audit import COMMAND_LINE
from regulars.app.sessions import email_key, hashed
from regulars.app.staff.people import UnknownStaff, find_or_add, record_own
from regulars.domain.errors import Refused
from regulars.storage import links, roles
from regulars.storage import staff as storage
from regulars.storage.database import Connection, Database
from regulars.storage.links import Link
from regulars.storage.reading import reading
from regulars.storage.staff import Person

SETUP_FOR: Final = timedelta(hours=24)
SIGN_IN_FOR: Final = timedelta(hours=24)
RESET_FOR: Final = timedelta(minutes=10)


class LinkSpent(Refused):
    """The link was used, is over, was withdrawn, or never was: which of them is not said."""


async def make_setup_link(database: Database, *, now: datetime) -> str | None:
    """The token of a link that sets an empty house up; None when somebody is there. An earlier link ends.

    Raises Busy.
    """
    async with reading(database) as connection, connection.transaction():
        if await storage.is_anybody_there(connection):
            return None
        await links.end(connection, ["setup"])
        return await new_link(connection, "setup", made_by=COMMAND_LINE, now=now, lasts=SETUP_FOR)


async def make_reset_link(
    database: Database, *, email: str, without_second_factor: bool = False, now: datetime
) -> str:
    """The token of a link under which somebody chooses a new password, within ten minutes, once.

    `without_second_factor` takes theirs away, for a lost phone. Raises UnknownStaff, Busy.
    """
    async with reading(database) as connection, connection.transaction():
        person = await storage.by_email(connection, email_key(email))
        if person is None:
            raise UnknownStaff(email=email)
        if without_second_factor and person.totp_secret is not None:
            await storage.set_totp(connection, person.staff_id, secret=None, at=None)
            await record_own(connection, person, "remove second factor", now, by=COMMAND_LINE)
        await record_own(connection, person, "make reset link", now, by=COMMAND_LINE)
        return await new_link(
            connection, "reset", staff_id=person.staff_id, made_by=COMMAND_LINE, now=now, lasts=RESET_FOR
        )


async def make_sign_in_link(
    database: Database, *, email: str, name: str, program_id: int, now: datetime
) -> str | None:
    """The token of a link that signs the demo's owner in; None once they have a password. Raises Busy."""
    async with reading(database) as connection, connection.transaction():
        person = await find_or_add(connection, email=email, name=name, keeps_house=True, now=now)
        await roles.give(connection, program_id, person.staff_id, Role.OWNER, now)
        await links.end(connection, ["sign_in"], staff_id=person.staff_id)
        if person.password_hash is not None:
            return None
        return await new_link(
            connection, "sign_in", staff_id=person.staff_id, made_by=COMMAND_LINE, now=now, lasts=SIGN_IN_FOR
        )


async def look_at_link(
    database: Database, token: str, kind: str, *, now: datetime
) -> tuple[Link, Person | None]:
    """A link that still works, and the person it is for if they are staff already. Raises LinkSpent, Busy."""
    async with reading(database) as connection:
        link = await links.find(connection, hashed(token), kind, now)
        if link is None:
            raise LinkSpent
        if link.email is not None:
            return link, await storage.by_email(connection, email_key(link.email))
        return link, await storage.get(connection, link.staff_id) if link.staff_id is not None else None


async def new_link(
    connection: Connection,
    kind: str,
    *,
    staff_id: int | None = None,
    program_id: int | None = None,
    email: str | None = None,
    role: str | None = None,
    made_by: str,
    now: datetime,
    lasts: timedelta,
) -> str:
    token = secrets.token_urlsafe(32)
    await links.add(
        connection,
        hashed(token),
        kind=kind,
        staff_id=staff_id,
        program_id=program_id,
        email=email,
        role=role,
        made_by=made_by,
        at=now,
        ends_at=now + lasts,
    )
    return token
