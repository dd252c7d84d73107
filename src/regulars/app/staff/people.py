"""Who is on the staff of any program: how they are found, added, and what may be said of them."""

import re
from datetime import datetime
from typing import Final

from regulars.app.access import Role
from regulars.app.audit import record_as
from regulars.app.sessions import email_key
from regulars.domain.errors import Invalid, Refused
from regulars.storage import roles
from regulars.storage import staff as storage
from regulars.storage.database import Connection
from regulars.storage.staff import Person

LOCALES: Final = {
    "en-GB": "English (United Kingdom)",
    "en-US": "English (United States)",
    "de-DE": "Deutsch (Deutschland)",
    "de-AT": "Deutsch (Österreich)",
    "de-CH": "Deutsch (Schweiz)",
}
"""How somebody reads words, numbers and dates."""
THEMES: Final = ("system", "light", "dark")


class UnknownStaff(Refused):
    """Nobody of that e-mail or number, or nobody in this program."""


async def find_or_add(
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


async def record_own(
    connection: Connection, person: Person, action: str, now: datetime, *, by: str | None = None
) -> None:
    """Writes what concerns a person alone into the log of every program that they work for."""
    for place in await roles.places(connection, person.staff_id):
        await record_as(
            connection,
            place.program_id,
            actor=by or f"staff:{person.staff_id}",
            name=by or person.name,
            action=action,
            subject=person.email,
            now=now,
        )


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
