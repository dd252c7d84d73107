"""Programs: making them, changing their rules, moving a test program's clock; each change raises the
version."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.app.credentials import SCOPES, api_key_lookup, lootly_lookup, site_lookup
from regulars.app.rules import RuleChanges, join_rule, purchase_rule
from regulars.app.vault import Vault, random_text
from regulars.deadline import lay_aside
from regulars.domain.errors import Invalid, Refused
from regulars.domain.money import exponent
from regulars.domain.program import JoinRule, Program, PurchaseRule
from regulars.domain.rewards import SpendingRule
from regulars.storage import credentials, heads
from regulars.storage import programs as storage
from regulars.storage.database import Connection, Database
from regulars.storage.programs import Rules
from regulars.storage.reading import reading, shared

FRESH_SECONDS = 0.8
MOST_CLOCK_DAYS = 36_500


class UnknownProgram(Refused):
    """No program of that id."""


class NotInTestMode(Refused):
    """Only a program made in test mode has a clock that can be moved."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A new program with its first site and every credential in clear, shown this once."""

    program_id: int
    site_id: int
    site_domain: str
    site_token: str
    site_secret: str
    api_token: str
    lootly_api_key: str
    lootly_api_secret: str


class Programs:
    """Programs as a door needs them, to read currencies and sites; remembered for at most a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: dict[int, tuple[float, Program]] = {}
        self._asking: dict[int, asyncio.Task[Program]] = {}

    async def get(self, program_id: int) -> Program:
        """The program; callers at once share a question to the database. Raises UnknownProgram, Busy."""
        if (known := self.cached(program_id)) is not None:
            return known
        task = self._asking.get(program_id)
        if task is None:
            task = self._asking[program_id] = asyncio.create_task(self._ask(program_id))
            task.add_done_callback(lambda _: self._asking.pop(program_id, None))
        return await shared(task)

    async def _ask(self, program_id: int) -> Program:
        lay_aside()  # others may wait for it too
        async with reading(self._database) as connection:
            program = await storage.load(connection, program_id)
        if program is None:
            raise UnknownProgram(program=program_id)
        self._found[program_id] = (time.monotonic() + FRESH_SECONDS, program)
        return program

    def forget(self) -> None:
        """Forgets everything, so that a change made here shows at once."""
        self._found.clear()

    def cached(self, program_id: int) -> Program | None:
        """The program if it was read within the last second, without asking the database; else None."""
        known = self._found.get(program_id)
        return known[1] if known is not None and known[0] > time.monotonic() else None


async def create_program(
    database: Database,
    vault: Vault,
    *,
    name: str,
    domain: str,
    currency: str,
    points_per_unit: str = "1",
    approval_days: int = 0,
    test_mode: bool = False,
    by: Who = BY_US,
    now: datetime,
) -> Created:
    """Makes a program with one site, an API key that may do everything, and a Lootly integration.

    `domain` is an origin, `https://shop.example`; port and plain http are allowed. Raises Invalid, naming
    the field.
    """
    if not name.strip() or len(name) > 255 or "\x00" in name:
        raise Invalid("name", "must be a text of 1 to 255 characters")
    origin = parse_origin(domain)
    exponent(currency)
    terms = RuleChanges(points_per_unit=points_per_unit, approval_days=approval_days)
    rules = Rules(purchase=purchase_rule(PurchaseRule(), terms, currency))
    site_token, site_secret = random_text(32).lower(), random_text(60)
    api_token, lootly_key, lootly_secret = f"pat_{random_text(40)}", random_text(60), random_text(60)
    async with database.acquire() as connection, connection.transaction():
        program_id = await storage.create(
            connection, name=name.strip(), currency=currency, test_mode=test_mode, rules=rules, at=now
        )
        site_id = await storage.add_site(
            connection, program_id, name=name.strip(), domain=origin, currency=currency, at=now
        )
        for kind, lookup, title, secret in (
            ("api_key", api_key_lookup(api_token), "First API key", None),
            ("site", site_lookup(site_token), origin, site_secret),
            ("lootly", lootly_lookup(lootly_key), origin, lootly_secret),
        ):
            await credentials.add(
                connection,
                program_id,
                lookup=lookup,
                kind=kind,
                name=title,
                site_id=None if secret is None else site_id,
                scopes=SCOPES if secret is None else (),
                secret=None if secret is None else vault.close(secret),
                at=now,
            )
        said = {"name": name.strip(), "domain": origin, "currency": currency, "test_mode": test_mode}
        earns = {"points_per_unit": points_per_unit, "approval_days": approval_days}
        await audit.note(
            connection, program_id, by, action="make program", subject="program", after=said | earns, now=now
        )
    return Created(
        program_id=program_id,
        site_id=site_id,
        site_domain=origin,
        site_token=site_token,
        site_secret=site_secret,
        api_token=api_token,
        lootly_api_key=lootly_key,
        lootly_api_secret=lootly_secret,
    )


def parse_origin(text: str) -> str:
    """`https://shop.example` in lower case, without a slash at its end. Raises Invalid for anything but an
    origin."""
    parts = urlsplit(text.strip())
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    if (
        parts.scheme not in ("http", "https")
        or not re.fullmatch(r"[^\s/@\x00]{1,253}", parts.netloc)
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise Invalid("domain", f"{text!r} is not an origin such as https://shop.example")
    return origin


async def change_rules(
    database: Database,
    program_id: int,
    *,
    purchase: Callable[[PurchaseRule], PurchaseRule] = lambda rule: rule,
    join: Callable[[JoinRule], JoinRule] = lambda rule: rule,
    spending: Callable[[SpendingRule], SpendingRule] = lambda rule: rule,
    by: Who = BY_US,
    now: datetime,
) -> Program:
    """Changes what earns from the next order on; orders already recorded keep their rule. Raises
    UnknownProgram."""
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, program_id)
        rules = Rules(
            purchase=purchase(program.purchase), join=join(program.join), spending=spending(program.spending)
        )
        await raise_version(connection, program, now, rules=rules)
        await _note_rules(connection, program, rules, by, now)
        return await locked(connection, program_id)


async def _note_rules(connection: Connection, program: Program, rules: Rules, by: Who, now: datetime) -> None:
    was, is_ = (
        msgspec.structs.asdict(one.purchase) | {"join_points": one.join.points} for one in (program, rules)
    )
    for action, subject, before, after in (
        ("change rules", "earning rules", was, is_),
        ("change spending", "codes and refunds", program.spending, rules.spending),
    ):
        await audit.note(
            connection, program.id, by, action=action, subject=subject, before=before, after=after, now=now
        )


async def apply_changes(
    database: Database, program_id: int, said: RuleChanges, *, by: Who = BY_US, now: datetime
) -> Program:
    """Changes the rules as staff say. Answers the program as it is now. Raises UnknownProgram, Invalid."""
    program = await Programs(database).get(program_id)
    return await change_rules(
        database,
        program_id,
        purchase=lambda rule: purchase_rule(rule, said, program.currency),
        join=lambda rule: join_rule(rule, said),
        by=by,
        now=now,
    )


async def move_clock(
    database: Database, program_id: int, *, forward: timedelta, by: Who = BY_US, now: datetime
) -> datetime:
    """Moves a test program's time forward and answers it. Raises UnknownProgram, NotInTestMode, Invalid."""
    if not timedelta(0) < forward <= timedelta(days=MOST_CLOCK_DAYS):
        raise Invalid("forward", "a program's clock only moves forward, by at most a hundred years")
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, program_id)
        if not program.test_mode:
            raise NotInTestMode(program=program_id)
        offset = program.clock_offset_seconds + int(forward.total_seconds())
        if offset > timedelta(days=MOST_CLOCK_DAYS).total_seconds():
            raise Invalid("forward", "a program's clock can be at most a hundred years ahead")
        await raise_version(connection, program, now, clock_offset_seconds=offset)
        await audit.note(
            connection,
            program_id,
            by,
            action="move clock",
            subject="program",
            before={"seconds_ahead": program.clock_offset_seconds},
            after={"seconds_ahead": offset},
            now=now,
        )
        return now + timedelta(seconds=offset)


async def locked(connection: Connection, program_id: int) -> Program:
    """The program, its head locked for the length of the transaction. Raises UnknownProgram."""
    await heads.lock(connection, program_id)
    program = await storage.load(connection, program_id)
    if program is None:
        raise UnknownProgram(program=program_id)
    return program


async def raise_version(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    rules: Rules | None = None,
    clock_offset_seconds: int | None = None,
) -> None:
    """Makes every lane read this program anew; what is not given stays as it is. The head is locked."""
    version = program.version + 1
    if rules is None:
        rules = Rules(purchase=program.purchase, join=program.join, spending=program.spending)
    if clock_offset_seconds is None:
        clock_offset_seconds = program.clock_offset_seconds
    await storage.save_version(connection, program.id, version, rules, now)
    await storage.set_head(connection, program.id, version=version, clock_offset_seconds=clock_offset_seconds)
