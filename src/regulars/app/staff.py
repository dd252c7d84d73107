"""Staff of programs: who they are, their roles, and the links by which they come in, at first or again."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from regulars.app import passwords
from regulars.app.access import Acting, Role, require
from regulars.app.audit import COMMAND_LINE, record, record_as
from regulars.app.sessions import From, SignedIn, begin, email_key, hashed
from regulars.domain.errors import Invalid, Refused
from regulars.storage import sessions
from regulars.storage import staff as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading
from regulars.storage.staff import Colleague, Link, Person

LOCALES: Final = {
    "en-GB": "English (United Kingdom)",
    "en-US": "English (United States)",
    "de-DE": "Deutsch (Deutschland)",
    "de-AT": "Deutsch (Österreich)",
    "de-CH": "Deutsch (Schweiz)",
}
"""How somebody reads words, numbers and dates."""
THEMES: Final = ("system", "light", "dark")

SETUP_FOR: Final = timedelta(hours=24)
SIGN_IN_FOR: Final = timedelta(hours=24)
RESET_FOR: Final = timedelta(minutes=10)
INVITED_FOR: Final = timedelta(days=7)


class UnknownStaff(Refused):
    """Nobody of that e-mail or number, or nobody in this program."""


class LinkSpent(Refused):
    """The link was used, is over, was withdrawn, or never was: which of them is not said."""


class LastOwner(Refused):
    """A program keeps at least one owner."""


class NotYours(Refused):
    """The invitation is for somebody else than who is signed in; `email`: for whom."""


# -- links from the command line


async def make_setup_link(database: Database, *, now: datetime) -> str | None:
    """The token of a link that sets an empty house up; None when somebody is there. An earlier link ends.

    Raises Busy.
    """
    async with reading(database) as connection, connection.transaction():
        if await storage.is_anybody_there(connection):
            return None
        await storage.end_links(connection, ["setup"])
        return await _new_link(connection, "setup", made_by=COMMAND_LINE, now=now, lasts=SETUP_FOR)


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
            await _record_own(connection, person, "remove second factor", now, by=COMMAND_LINE)
        await _record_own(connection, person, "make reset link", now, by=COMMAND_LINE)
        return await _new_link(
            connection, "reset", staff_id=person.staff_id, made_by=COMMAND_LINE, now=now, lasts=RESET_FOR
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
        person = await _find_or_add(connection, email=email, name=name, keeps_house=keeps_house, now=now)
        for program_id in program_ids:
            before = await storage.role_of(connection, program_id, person.staff_id)
            if before == role:
                continue
            await storage.set_role(connection, program_id, person.staff_id, role, now)
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
        return await _new_link(
            connection, "reset", staff_id=person.staff_id, made_by=COMMAND_LINE, now=now, lasts=INVITED_FOR
        )


async def make_sign_in_link(
    database: Database, *, email: str, name: str, program_id: int, now: datetime
) -> str | None:
    """The token of a link that signs the demo's owner in; None once they have a password. Raises Busy."""
    async with reading(database) as connection, connection.transaction():
        person = await _find_or_add(connection, email=email, name=name, keeps_house=True, now=now)
        await storage.set_role(connection, program_id, person.staff_id, Role.OWNER, now)
        await storage.end_links(connection, ["sign_in"], staff_id=person.staff_id)
        if person.password_hash is not None:
            return None
        return await _new_link(
            connection, "sign_in", staff_id=person.staff_id, made_by=COMMAND_LINE, now=now, lasts=SIGN_IN_FOR
        )


# -- coming in by a link


async def look_at_link(
    database: Database, token: str, kind: str, *, now: datetime
) -> tuple[Link, Person | None]:
    """A link that still works, and the person it is for if they are staff already. Raises LinkSpent, Busy."""
    async with reading(database) as connection:
        link = await storage.open_link(connection, hashed(token), kind, now)
        if link is None:
            raise LinkSpent
        if link.email is not None:
            return link, await storage.by_email(connection, email_key(link.email))
        return link, await storage.get(connection, link.staff_id) if link.staff_id is not None else None


async def set_up(
    database: Database,
    *,
    token: str,
    email: str,
    name: str,
    password: str,
    locale: str,
    by: From,
    now: datetime,
) -> SignedIn:
    """Makes the first person and signs them in: they keep the house and own every program without an owner.

    Raises LinkSpent, Invalid, Busy.
    """
    email, name = checked_email(email), checked_name(name)
    passwords.check_new(password, email=email, name=name)
    password_hash = await passwords.make_hash(password)
    async with reading(database) as connection, connection.transaction():
        if await storage.use_link(connection, hashed(token), "setup", now) is None:
            raise LinkSpent
        person = await _find_or_add(
            connection, email=email, name=name, keeps_house=True, locale=checked_locale(locale), now=now
        )
        await storage.set_password(connection, person.staff_id, password_hash, now)
        for program_id in await storage.programs_without_owner(connection):
            await storage.set_role(connection, program_id, person.staff_id, Role.OWNER, now)
        await _record_own(connection, person, "set the house up", now)
        return await begin(connection, person.staff_id, by=by, second_factor_due=False, now=now)


async def sign_in_by_link(database: Database, *, token: str, by: From, now: datetime) -> SignedIn:
    """Signs in by a link that was printed where the server runs. Raises LinkSpent, Busy."""
    async with reading(database) as connection, connection.transaction():
        link = await storage.use_link(connection, hashed(token), "sign_in", now)
        if link is None or link.staff_id is None:
            raise LinkSpent
        person = await storage.get(connection, link.staff_id)
        assert person is not None, "a foreign key holds them"
        due = person.totp_at is not None
        return await begin(connection, person.staff_id, by=by, second_factor_due=due, now=now)


async def reset_password(
    database: Database, *, token: str, password: str, by: From, now: datetime
) -> SignedIn:
    """Sets the password that the link's owner chose, ends all of their sessions, and signs them in.

    The second factor stays due. Raises LinkSpent, Invalid, Busy.
    """
    _, person = await look_at_link(database, token, "reset", now=now)
    assert person is not None, "a foreign key holds them"
    passwords.check_new(password, email=person.email, name=person.name)
    password_hash = await passwords.make_hash(password)
    async with reading(database) as connection, connection.transaction():
        if await storage.use_link(connection, hashed(token), "reset", now) is None:
            raise LinkSpent
        await storage.set_password(connection, person.staff_id, password_hash, now)
        await storage.end_links(connection, ["reset", "sign_in"], staff_id=person.staff_id)
        await sessions.end_all(connection, person.staff_id)
        await sessions.forget_devices(connection, person.staff_id)
        await _record_own(connection, person, "choose a new password", now)
        due = person.totp_at is not None
        return await begin(connection, person.staff_id, by=by, second_factor_due=due, now=now)


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
    passwords.check_new(password, email=link.email, name=name)
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
    link = await storage.use_link(connection, hashed(token), "invitation", now)
    if link is None or link.program_id is None or link.role is None:
        raise LinkSpent
    roles = await storage.lock_roles(connection, link.program_id)
    if roles.get(staff_id) != Role.OWNER:  # an invitation makes nobody less than they are
        await storage.set_role(connection, link.program_id, staff_id, link.role, now)
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


# -- a program's staff


async def list_colleagues(
    database: Database, acting: Acting, *, now: datetime
) -> tuple[list[Colleague], list[Link]]:
    """The program's staff, and the invitations that are open. Raises NotAllowed, Busy."""
    require(acting, "staff.read")
    async with reading(database) as connection:
        return (
            await storage.colleagues(connection, acting.program_id),
            await storage.open_invitations(connection, acting.program_id, now),
        )


async def invite(database: Database, acting: Acting, *, email: str, role: str, now: datetime) -> str:
    """The token of a link for somebody to join with this role, within seven days.

    Raises NotAllowed, Invalid, Busy.
    """
    require(acting, "staff.change")
    email, wanted = checked_email(email), checked_role(role)
    async with reading(database) as connection, connection.transaction():
        person = await storage.by_email(connection, email_key(email))
        if person is not None and await storage.role_of(connection, acting.program_id, person.staff_id):
            raise Invalid("email", "is on the staff of this program already")
        token = await _new_link(
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
        link = await storage.withdraw_invitation(connection, acting.program_id, link_id)
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


async def change_role(
    database: Database, acting: Acting, *, staff_id: int, role: str | None, now: datetime
) -> None:
    """Gives a colleague another role, or with None takes them off the program; their sessions end.

    Raises NotAllowed, UnknownStaff, LastOwner, Invalid, Busy.
    """
    require(acting, "staff.change")
    wanted = checked_role(role) if role is not None else None
    async with reading(database) as connection, connection.transaction():
        roles = await storage.lock_roles(connection, acting.program_id)
        person = await storage.get(connection, staff_id)
        before = roles.get(staff_id)
        if person is None or before is None:
            raise UnknownStaff(staff=staff_id)
        if before == wanted:
            return
        owners = [one for one, has in roles.items() if has == Role.OWNER]
        if owners == [staff_id]:
            raise LastOwner
        if wanted is None:
            await storage.drop_role(connection, acting.program_id, staff_id)
        else:
            await storage.set_role(connection, acting.program_id, staff_id, wanted, now)
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


async def set_timezone(
    database: Database, acting: Acting, *, timezone: str, before: str, now: datetime
) -> None:
    """Where the program's days begin. Raises NotAllowed, Invalid, Busy."""
    require(acting, "settings.change")
    timezone = checked_timezone(timezone)
    if timezone == before:
        return
    async with reading(database) as connection, connection.transaction():
        await storage.set_timezone(connection, acting.program_id, timezone)
        await record(
            connection,
            acting,
            action="change time zone",
            subject="program",
            before=before,
            after=timezone,
            now=now,
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
        await storage.set_role(connection, program_id, person.staff_id, Role.OWNER, now)
        await storage.set_timezone(connection, program_id, timezone)
        await record(connection, acting, action="make program", subject="program", now=now)


# -- what is checked


def checked_email(text: str) -> str:
    """The e-mail, trimmed. Raises Invalid for what can't be one."""
    text = text.strip()
    if len(text) > 320 or not re.fullmatch(
        r"[^\s@<>\x00-\x1f]+@[^\s@<>\x00-\x1f]+\.[^\s@<>\x00-\x1f.]+", text
    ):
        raise Invalid("email", "is not an e-mail address")
    return text


def checked_name(text: str) -> str:
    """The name, with single blanks. Raises Invalid for none, or one that is too long."""
    text = " ".join(text.split())
    if not text or len(text) > 100 or "\x00" in text:
        raise Invalid("name", "must be a text of 1 to 100 characters")
    return text


def checked_role(text: str) -> Role:
    """Raises Invalid for a role that there is not."""
    try:
        return Role(text)
    except ValueError:
        raise Invalid("role", f"must be one of {', '.join(Role)}") from None


def checked_locale(text: str) -> str:
    """Raises Invalid for a language that there is not."""
    if text not in LOCALES:
        raise Invalid("locale", f"must be one of {', '.join(LOCALES)}")
    return text


def checked_timezone(text: str) -> str:
    """Raises Invalid for a time zone that nobody knows."""
    if text not in available_timezones():
        raise Invalid("timezone", "must be a time zone such as Europe/London")
    return ZoneInfo(text).key


async def _find_or_add(
    connection: Connection,
    *,
    email: str,
    name: str,
    keeps_house: bool,
    locale: str = "en-GB",
    now: datetime,
) -> Person:
    person = await storage.by_email(connection, email_key(email))
    if person is not None:
        if keeps_house and not person.keeps_house:
            await storage.let_keep_house(connection, person.staff_id)
        return person
    staff_id = await storage.add(
        connection,
        email=email,
        email_key=email_key(email),
        name=name,
        locale=locale,
        keeps_house=keeps_house,
        at=now,
    )
    found = await storage.get(connection, staff_id) if staff_id is not None else None
    if found is None:  # somebody was quicker
        found = await storage.by_email(connection, email_key(email))
    assert found is not None
    return found


async def _new_link(
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
    await storage.add_link(
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


async def _record_own(
    connection: Connection, person: Person, action: str, now: datetime, *, by: str | None = None
) -> None:
    """Writes what concerns a person alone into the log of every program that they work for."""
    for place in await storage.places(connection, person.staff_id):
        await record_as(
            connection,
            place.program_id,
            actor=by or f"staff:{person.staff_id}",
            name=by or person.name,
            action=action,
            subject=person.email,
            now=now,
        )
