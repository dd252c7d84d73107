"""Invitations to a program: sent by its staff, taken back, accepted by somebody new or known."""

from datetime import datetime, timedelta
from typing import Final

from regulars.app import passwords
from regulars.app.access import Acting, Role, require
from regulars.app.audit import record
from regulars.app.sessions import From, SignedIn, begin, email_key, hashed
from regulars.app.staff.links import LinkSpent, look_at_link, new_link
from regulars.app.staff.people import checked_email, checked_locale, checked_name, checked_role
from regulars.domain.errors import Invalid, Refused
from regulars.storage import links, roles
from regulars.storage import staff as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading
from regulars.storage.staff import Person

INVITED_FOR: Final = timedelta(days=7)


class NotYours(Refused):
    """The invitation is for somebody else than who is signed in; `email`: for whom."""


async def invite(database: Database, acting: Acting, *, email: str, role: str, now: datetime) -> str:
    """The token of a link for somebody to join with this role, within seven days.

    Raises NotAllowed, Invalid, Busy.
    """
    require(acting, "staff.change")
    email, wanted = checked_email(email), checked_role(role)
    async with reading(database) as connection, connection.transaction():
        person = await storage.by_email(connection, email_key(email))
        if person is not None and await roles.find(connection, acting.program_id, person.staff_id):
            raise Invalid("email", "is on the staff of this program already")
        token = await new_link(
            connection,
            "invitation",
            program_id=acting.program_id,
            email=email,
            role=wanted,
            made_by=acting.actor,
            now=now,
            lasts=INVITED_FOR,
        )
        await record(connection, acting, action="invite", subject=email, after=wanted, now=now)
        return token


async def withdraw(database: Database, acting: Acting, *, link_id: int, now: datetime) -> None:
    """Takes an open invitation back. Raises NotAllowed, LinkSpent, Busy."""
    require(acting, "staff.change")
    async with reading(database) as connection, connection.transaction():
        link = await links.withdraw(connection, acting.program_id, link_id)
        if link is None:
            raise LinkSpent
        await record(
            connection,
            acting,
            action="withdraw invitation",
            subject=link.email or "",
            before=link.role,
            now=now,
        )


async def accept_as_new(
    database: Database, *, token: str, name: str, password: str, locale: str, by: From, now: datetime
) -> tuple[SignedIn, int]:
    """Makes the invited person, gives them the role, signs them in; the program's id too.

    Raises LinkSpent (also when the e-mail is somebody's by now), Invalid, Busy.
    """
    link, known = await look_at_link(database, token, "invitation", now=now)
    if known is not None or link.email is None:
        raise LinkSpent
    name = checked_name(name)
    await passwords.check_new(password, email=link.email, name=name)
    password_hash = await passwords.make_hash(password)
    async with reading(database) as connection, connection.transaction():
        staff_id = await storage.add(
            connection,
            email=link.email,
            email_key=email_key(link.email),
            name=name,
            locale=checked_locale(locale),
            keeps_house=False,
            at=now,
        )
        if staff_id is None:
            raise LinkSpent
        await storage.set_password(connection, staff_id, password_hash, now)
        program_id = await _accept(connection, token, staff_id, name, now)
        return await begin(connection, staff_id, by=by, second_factor_due=False, now=now), program_id


async def accept_as(database: Database, person: Person, *, token: str, now: datetime) -> int:
    """Gives somebody who is signed in the role that they were invited to; the program's id.

    Raises NotYours, LinkSpent, Busy.
    """
    link, known = await look_at_link(database, token, "invitation", now=now)
    if known is None or known.staff_id != person.staff_id:
        raise NotYours(email=link.email)
    async with reading(database) as connection, connection.transaction():
        return await _accept(connection, token, person.staff_id, person.name, now)


async def _accept(connection: Connection, token: str, staff_id: int, name: str, now: datetime) -> int:
    link = await links.use(connection, hashed(token), "invitation", now)
    if link is None or link.program_id is None or link.role is None:
        raise LinkSpent
    held = await roles.lock(connection, link.program_id)
    if held.get(staff_id) != Role.OWNER:  # an invitation makes nobody less than they are
        await roles.give(connection, link.program_id, staff_id, link.role, now)
    acting = Acting(
        staff_id=staff_id,
        email=link.email or "",
        name=name,
        program_id=link.program_id,
        role=Role(link.role),
    )
    await record(
        connection, acting, action="accept invitation", subject=link.email or "", after=link.role, now=now
    )
    return link.program_id
