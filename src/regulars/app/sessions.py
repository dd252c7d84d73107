"""Signing in: password, second factor, sessions that the server keeps, and guesses that become slow.

A session is a random text in a cookie; its hash is stored. It is a new one at every step that gives more:
after the password, after the second factor, after a change of password.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pyotp
import structlog

from regulars.app import passwords
from regulars.app.vault import Vault
from regulars.domain.errors import Refused
from regulars.storage import roles
from regulars.storage import sessions as storage
from regulars.storage import staff as people
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading
from regulars.storage.roles import Place
from regulars.storage.sessions import Session
from regulars.storage.staff import Person

log = structlog.get_logger(__name__)

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)
SECOND_FACTOR_WITHIN: Final = timedelta(minutes=10)
TOTP_SECONDS: Final = 30


class WrongPassword(Refused):
    """The e-mail is nobody's, or the password is not theirs: which of them is not said."""


class WrongCode(Refused):
    """The second factor's code is not right, or was used before."""


class SlowDown(Refused):
    """`seconds`: for how long nothing is looked at, whether it is right or wrong."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)
        self.seconds = seconds


class From(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from. `device`: the token of a browser that was used before, if it shows one."""

    ip: str
    user_agent: str
    device: str | None = None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps: the session's token, and one that says it was here before."""

    session: str
    device: str
    second_factor_due: bool


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who a session is: the person, their programs, and the session itself."""

    session: Session
    person: Person
    places: list[Place]


class Pace(msgspec.Struct, frozen=True):
    """How guesses at one thing become slow: `free` at once, then twice as long each time, at most so long."""

    free: int
    most_seconds: int

    def delay(self, tries: int) -> timedelta:
        """How long to wait after so many tries."""
        if tries < self.free:
            return timedelta(0)
        return timedelta(seconds=min(2 ** min(tries - self.free, 30), self.most_seconds))


FROM_ONE_ADDRESS: Final = Pace(5, 900)
AT_ONE_ACCOUNT: Final = Pace(10, 300)
"""From anywhere: ten at once, then a dozen an hour. A browser known to the account is not counted in here,
so that guessing strangers keep nobody out."""


async def sign_in(
    database: Database, *, email: str, password: str, by: From, old_session: str | None, now: datetime
) -> SignedIn:
    """A new session for the right password; any old one of this browser is over.

    Raises WrongPassword, alike for those whom nobody knows; SlowDown before anything is looked at; Busy.
    """
    key = email_key(email)
    async with reading(database) as connection:
        person = await people.by_email(connection, key)
        device = hashed(by.device or "")
        known = await storage.is_known(connection, person.staff_id if person else 0, device)
    if known:
        paces = {_tried("device", key, device.hex()): FROM_ONE_ADDRESS}
    else:
        paces = {_tried("address", key, by.ip): FROM_ONE_ADDRESS, _tried("account", key): AT_ONE_ACCOUNT}
    await _take_a_try(database, paces, now)
    if not await passwords.verify(password, person.password_hash if person else None) or person is None:
        log.info("sign-in refused", ip=by.ip)
        raise WrongPassword
    due = person.totp_at is not None
    async with reading(database) as connection, connection.transaction():
        await storage.forget_tries(connection, list(paces))
        await storage.clear(connection, now, IDLE)
        signed_in = await begin(
            connection, person.staff_id, by=by, old_session=old_session, second_factor_due=due, now=now
        )
    log.info("signed in", staff=person.staff_id, ip=by.ip, second_factor_due=due)
    return signed_in


async def confirm(
    database: Database, vault: Vault, visitor: Visitor, *, code: str, token: str, by: From, now: datetime
) -> SignedIn:
    """A new session that opens everything, for the right code. Raises WrongCode, SlowDown, Busy."""
    person = visitor.person
    paces = {_tried("code", str(person.staff_id)): AT_ONE_ACCOUNT}
    await _take_a_try(database, paces, now)
    step = matching_step(vault, person, code, now)
    async with reading(database) as connection, connection.transaction():
        if step is None or not await people.use_totp_step(connection, person.staff_id, step):
            raise WrongCode
        await storage.forget_tries(connection, list(paces))
        return await begin(
            connection, person.staff_id, by=by, old_session=token, second_factor_due=False, now=now
        )


def matching_step(vault: Vault, person: Person, code: str, now: datetime) -> int | None:
    """The time step whose code this is: the present one or a neighbour, as clocks differ. None: of none."""
    digits = "".join(code.split())
    if person.totp_secret is None or len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    totp = pyotp.TOTP(vault.open(person.totp_secret), interval=TOTP_SECONDS)
    present = int(now.timestamp()) // TOTP_SECONDS
    for step in (present, present - 1, present + 1):
        if secrets.compare_digest(totp.generate_otp(step), digits):
            return step
    return None


async def begin(
    connection: Connection,
    staff_id: int,
    *,
    by: From,
    old_session: str | None = None,
    second_factor_due: bool,
    now: datetime,
) -> SignedIn:
    """Begins a session in the caller's transaction, and ends this browser's old one."""
    if old_session is not None:
        await storage.end(connection, hashed(old_session))
    session, device = secrets.token_urlsafe(32), by.device or secrets.token_urlsafe(32)
    await storage.begin(
        connection,
        hashed(session),
        staff_id=staff_id,
        second_factor_due=second_factor_due,
        ip=by.ip[:64],
        user_agent=by.user_agent[:300],
        at=now,
        ends_at=now + (SECOND_FACTOR_WITHIN if second_factor_due else ABSOLUTE),
    )
    if not second_factor_due:
        await storage.know(connection, staff_id, hashed(device), now)
    return SignedIn(session=session, device=device, second_factor_due=second_factor_due)


async def who_is(database: Database, token: str, now: datetime) -> Visitor | None:
    """Who shows this session's token; None when it has ended, after half an idle hour or twelve in all.

    Raises Busy.
    """
    async with reading(database) as connection:
        session = await storage.find(connection, hashed(token), now, IDLE)
        if session is None:
            return None
        person = await people.get(connection, session.staff_id)
        assert person is not None, "a foreign key holds them"
        places = await roles.places(connection, session.staff_id)
        if now - session.seen_at > SEEN_EVERY:
            await storage.seen(connection, session.session_id, now)
    return Visitor(session=session, person=person, places=places)


async def sign_out(database: Database, token: str) -> None:
    """Ends the session. Raises Busy."""
    async with reading(database) as connection:
        await storage.end(connection, hashed(token))


async def say_next(database: Database, session_id: int, flash: str) -> None:
    """Keeps what the session's next page is to say; empty: it has been said."""
    async with reading(database) as connection:
        await storage.set_flash(connection, session_id, flash)


async def _take_a_try(database: Database, paces: dict[bytes, Pace], now: datetime) -> None:
    """Counts a try before it is looked at, so that many at once are counted too. Raises SlowDown."""
    async with reading(database) as connection, connection.transaction():
        known = await storage.lock_tries(connection, list(paces), now)
        wait = max((free_at - now).total_seconds() for _, _, free_at in known.values())
        if wait > 0:
            raise SlowDown(int(wait) + 1)
        for tried, pace in paces.items():
            tries, last_at, _ = known[tried]
            tries = 1 if now - last_at > timedelta(days=1) else tries + 1
            await storage.count_try(connection, tried, tries=tries, at=now, free_at=now + pace.delay(tries))


def _tried(*what: str) -> bytes:
    return hashlib.sha256("\n".join(what).encode()).digest()


def hashed(token: str) -> bytes:
    """What is stored of a token: it is long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def email_key(email: str) -> str:
    """By what an e-mail is found: without blanks around it, whatever its capitals."""
    return email.strip().casefold()[:320].replace("\x00", "")
