"""What staff change about themselves: how they read, their password, their second factor, their sessions."""

from datetime import datetime
from typing import Final

import pyotp

from regulars.app import passwords
from regulars.app.audit import record_as
from regulars.app.sessions import (
    IDLE,
    TOTP_SECONDS,
    From,
    SignedIn,
    Visitor,
    WrongCode,
    WrongPassword,
    begin,
    matching_step,
)
from regulars.app.staff.people import THEMES, checked_locale, checked_name
from regulars.app.vault import Vault
from regulars.domain.errors import Invalid
from regulars.storage import links, sessions
from regulars.storage import staff as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading
from regulars.storage.sessions import Session

ISSUER: Final = "Regulars"


async def change_preferences(
    database: Database, visitor: Visitor, *, name: str, locale: str, theme: str
) -> None:
    """Their name, language and colours. Raises Invalid, Busy."""
    if theme not in THEMES:
        raise Invalid("theme", f"must be one of {', '.join(THEMES)}")
    async with reading(database) as connection:
        await storage.set_preferences(
            connection,
            visitor.person.staff_id,
            name=checked_name(name),
            locale=checked_locale(locale),
            theme=theme,
        )


async def change_password(
    database: Database, visitor: Visitor, *, old: str, new: str, token: str, by: From, now: datetime
) -> SignedIn:
    """Sets a new password, ends all other sessions, and begins this one anew.

    Who has come in by a link and has no password yet needs no old one. Raises WrongPassword, Invalid, Busy.
    """
    person = visitor.person
    if person.password_hash is not None and not await passwords.verify(old, person.password_hash):
        raise WrongPassword
    await passwords.check_new(new, email=person.email, name=person.name)
    password_hash = await passwords.make_hash(new)
    async with reading(database) as connection, connection.transaction():
        await storage.set_password(connection, person.staff_id, password_hash, now)
        await links.end(connection, ["reset", "sign_in"], staff_id=person.staff_id)
        await sessions.end_all(connection, person.staff_id)
        await _record(connection, visitor, "change password", now)
        return await begin(
            connection, person.staff_id, by=by, old_session=token, second_factor_due=False, now=now
        )


async def begin_second_factor(database: Database, vault: Vault, visitor: Visitor) -> tuple[str, str]:
    """A new secret and its otpauth address, for an app that makes codes; not asked for until it is confirmed.

    Raises Invalid when one is in use, Busy.
    """
    if visitor.person.totp_at is not None:
        raise Invalid("code", "a second factor is in use already: take it away first")
    secret = pyotp.random_base32()
    async with reading(database) as connection:
        await storage.set_totp(connection, visitor.person.staff_id, secret=vault.close(secret), at=None)
    return secret, address_of(secret, visitor)


def pending_second_factor(vault: Vault, visitor: Visitor) -> tuple[str, str] | None:
    """The secret that waits to be confirmed, and its otpauth address; None when there is none."""
    person = visitor.person
    if person.totp_secret is None or person.totp_at is not None:
        return None
    secret = vault.open(person.totp_secret)
    return secret, address_of(secret, visitor)


def address_of(secret: str, visitor: Visitor) -> str:
    """What an app that makes codes reads."""
    totp = pyotp.TOTP(secret, name=visitor.person.email, issuer=ISSUER, interval=TOTP_SECONDS)
    return totp.provisioning_uri()


async def confirm_second_factor(
    database: Database, vault: Vault, visitor: Visitor, *, code: str, now: datetime
) -> None:
    """From now on codes are asked for: the app makes the right ones. Raises WrongCode, Busy."""
    person = visitor.person
    step = matching_step(vault, person, code, now)
    if step is None or person.totp_at is not None:
        raise WrongCode
    async with reading(database) as connection, connection.transaction():
        await storage.set_totp(connection, person.staff_id, secret=person.totp_secret, at=now, step=step)
        await sessions.end_all(connection, person.staff_id, but=visitor.session.session_id)
        await _record(connection, visitor, "add second factor", now)


async def remove_second_factor(database: Database, visitor: Visitor, *, password: str, now: datetime) -> None:
    """No more codes are asked for. Raises WrongPassword, Busy."""
    person = visitor.person
    if not await passwords.verify(password, person.password_hash):
        raise WrongPassword
    async with reading(database) as connection, connection.transaction():
        await storage.set_totp(connection, person.staff_id, secret=None, at=None)
        await _record(connection, visitor, "remove second factor", now)


async def list_sessions(database: Database, visitor: Visitor, *, now: datetime) -> list[Session]:
    """Where they are signed in, the last seen first. Raises Busy."""
    async with reading(database) as connection:
        return await sessions.of_staff(connection, visitor.person.staff_id, now, IDLE)


async def end_sessions(database: Database, visitor: Visitor, *, session_id: int | None = None) -> None:
    """Ends one of their sessions, or with None all but this one. Raises Busy."""
    async with reading(database) as connection:
        if session_id is None:
            await sessions.end_all(connection, visitor.person.staff_id, but=visitor.session.session_id)
        else:
            await sessions.end_one(connection, visitor.person.staff_id, session_id)


async def _record(connection: Connection, visitor: Visitor, action: str, now: datetime) -> None:
    person = visitor.person
    for place in visitor.places:
        await record_as(
            connection,
            place.program_id,
            actor=f"staff:{person.staff_id}",
            name=person.name,
            action=action,
            subject=person.email,
            now=now,
        )
