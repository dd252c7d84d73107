"""Programs, their versions and their sites."""

from datetime import datetime

import msgspec
from asyncpg import Record

from regulars.domain.book import GENESIS
from regulars.domain.program import JoinRule, Program, PurchaseRule, Site
from regulars.domain.rewards import Reward, SpendingRule
from regulars.storage.database import Connection


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a version of a program freezes, as it is stored."""

    purchase: PurchaseRule = PurchaseRule()
    join: JoinRule = JoinRule()
    spending: SpendingRule = SpendingRule()


async def load(connection: Connection, program_id: int) -> Program | None:
    """The program in its current version; None when there is none of that id."""
    row = await connection.fetchrow(
        """
        select p.name, p.currency, p.test_mode, h.version, h.clock_offset_seconds, v.rules
          from programs p join heads h using (program_id)
          join program_versions v on v.program_id = p.program_id and v.version = h.version
         where p.program_id = $1
        """,
        program_id,
    )
    if row is None:
        return None
    sites = await connection.fetch(
        "select site_id, name, domain, currency from sites where program_id = $1 order by site_id", program_id
    )
    rewards = await connection.fetch(
        "select definition from rewards where program_id = $1 order by reward_id", program_id
    )
    rules = msgspec.json.decode(row["rules"], type=Rules)
    return Program(
        id=program_id,
        version=row["version"],
        name=row["name"],
        currency=row["currency"],
        sites=tuple(_site(site) for site in sites),
        purchase=rules.purchase,
        join=rules.join,
        spending=rules.spending,
        rewards=tuple(msgspec.json.decode(reward["definition"], type=Reward) for reward in rewards),
        test_mode=row["test_mode"],
        clock_offset_seconds=row["clock_offset_seconds"],
    )


def _site(row: Record) -> Site:
    return Site(id=row["site_id"], name=row["name"], domain=row["domain"], currency=row["currency"])


async def load_rules(connection: Connection, program_id: int, versions: list[int]) -> dict[int, PurchaseRule]:
    """The purchase rules of these versions of a program."""
    rows = await connection.fetch(
        "select version, rules from program_versions where program_id = $1 and version = any($2)",
        program_id,
        versions,
    )
    return {row["version"]: msgspec.json.decode(row["rules"], type=Rules).purchase for row in rows}


async def ids(connection: Connection) -> list[int]:
    """The ids of all programs, oldest first."""
    return [row[0] for row in await connection.fetch("select program_id from programs order by program_id")]


async def create(
    connection: Connection, *, name: str, currency: str, test_mode: bool, rules: Rules, at: datetime
) -> int:
    """Makes a program with its head and first version. Answers its id."""
    program_id: int = await connection.fetchval(
        "insert into programs (name, currency, test_mode, created_at) values ($1, $2, $3, $4) "
        "returning program_id",
        name,
        currency,
        test_mode,
        at,
    )
    await connection.execute(
        "insert into heads (program_id, version, last_at, chain) values ($1, 1, $2, $3)",
        program_id,
        at,
        GENESIS,
    )
    await save_version(connection, program_id, 1, rules, at)
    return program_id


async def save_version(
    connection: Connection, program_id: int, version: int, rules: Rules, at: datetime
) -> None:
    """Keeps a version's rules for good."""
    await connection.execute(
        "insert into program_versions (program_id, version, rules, recorded_at) values ($1, $2, $3, $4)",
        program_id,
        version,
        msgspec.json.encode(rules).decode(),
        at,
    )


async def set_head(
    connection: Connection, program_id: int, *, version: int, clock_offset_seconds: int
) -> None:
    """Moves the head to a version and clock; the caller holds its lock."""
    await connection.execute(
        "update heads set version = $2, clock_offset_seconds = $3 where program_id = $1",
        program_id,
        version,
        clock_offset_seconds,
    )


async def rename(connection: Connection, program_id: int, name: str) -> None:
    """Gives the program another name; the caller holds the head's lock."""
    await connection.execute("update programs set name = $2 where program_id = $1", program_id, name)


async def set_timezone(connection: Connection, program_id: int, timezone: str) -> None:
    """Where the program's days begin, as an IANA name."""
    await connection.execute("update programs set timezone = $2 where program_id = $1", program_id, timezone)


async def add_site(
    connection: Connection, program_id: int, *, name: str, domain: str, currency: str, at: datetime
) -> int:
    """Adds a site; the caller holds the head's lock. Answers its id, counted per program."""
    site_id: int = await connection.fetchval(
        """
        insert into sites (program_id, site_id, name, domain, currency, created_at, updated_at)
        select $1, coalesce(max(site_id), 0) + 1, $2, $3, $4, $5, $5 from sites where program_id = $1
        returning site_id
        """,
        program_id,
        name,
        domain,
        currency,
        at,
    )
    return site_id


async def change_site(
    connection: Connection, program_id: int, site_id: int, *, name: str, language: str, at: datetime
) -> None:
    """Changes what a site is called and its language; the caller holds the head's lock."""
    await connection.execute(
        "update sites set name = $3, language = $4, updated_at = $5 where program_id = $1 and site_id = $2",
        program_id,
        site_id,
        name,
        language,
        at,
    )
