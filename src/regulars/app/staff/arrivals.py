"""Coming in by a link: the first person of the house, a printed link, a forgotten password."""

from datetime import datetime

from regulars.app import passwords
from regulars.app.access import Role
from regulars.app.sessions import From, SignedIn, begin, hashed
from regulars.app.staff.links import LinkSpent, look_at_link
from regulars.app.staff.people import checked_email, checked_locale, checked_name, find_or_add, record_own
from regulars.storage import links, roles, sessions
from regulars.storage import staff as storage
from regulars.storage.database import Database
from regulars.storage.reading import reading


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
    await passwords.check_new(password, email=email, name=name)
    password_hash = await passwords.make_hash(password)
    async with reading(database) as connection, connection.transaction():
        if await links.use(connection, hashed(token), "setup", now) is None:
            raise LinkSpent
        person = await find_or_add(
            connection, email=email, name=name, keeps_house=True, locale=checked_locale(locale), now=now
        )
        await storage.set_password(connection, person.staff_id, password_hash, now)
        for program_id in await roles.without_owner(connection):
            await roles.give(connection, program_id, person.staff_id, Role.OWNER, now)
        await record_own(connection, person, "set the house up", now)
        return await begin(connection, person.staff_id, by=by, second_factor_due=False, now=now)


async def sign_in_by_link(database: Database, *, token: str, by: From, now: datetime) -> SignedIn:
    """Signs in by a link that was printed where the server runs. Raises LinkSpent, Busy."""
    async with reading(database) as connection, connection.transaction():
        link = await links.use(connection, hashed(token), "sign_in", now)
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
    await passwords.check_new(password, email=person.email, name=person.name)
    password_hash = await passwords.make_hash(password)
    async with reading(database) as connection, connection.transaction():
        if await links.use(connection, hashed(token), "reset", now) is None:
            raise LinkSpent
        await storage.set_password(connection, person.staff_id, password_hash, now)
        await links.end(connection, ["reset", "sign_in"], staff_id=person.staff_id)
        await sessions.end_all(connection, person.staff_id)
        await sessions.forget_devices(connection, person.staff_id)
        await record_own(connection, person, "choose a new password", now)
        due = person.totp_at is not None
        return await begin(connection, person.staff_id, by=by, second_factor_due=due, now=now)
