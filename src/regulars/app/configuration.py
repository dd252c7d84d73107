"""A program's configuration as staff change it: each change is permitted, written down, then made."""

from datetime import datetime
from typing import Any, Final

import msgspec

from regulars.app import audit, rewards
from regulars.app.access import Acting, require
from regulars.app.programs import (
    Programs,
    apply_changes,
    change_rules,
    locked,
    parse_origin,
    raise_version,
)
from regulars.app.rules import RuleChanges
from regulars.app.storefront.widgets import Widget, change_widget
from regulars.domain.errors import Invalid, UnknownSite
from regulars.domain.program import Program
from regulars.domain.rewards import REFUND_RETURNS, Reward
from regulars.storage import programs
from regulars.storage.database import Database
from regulars.storage.listings import sites
from regulars.storage.listings.sites import ListedSite
from regulars.storage.reading import reading

MOST_SITES: Final = 50
_TAGS: Final = """
    ar bg bn ca cs da de el en es et eu fa fi fr ga gl he hi hr hu id is it ja ko lt lv ms nb nl nn pl pt
    ro ru sk sl sr sv th tr uk vi zh
"""
LANGUAGES: Final = tuple(_TAGS.split())
"""What a shop's pages may be written in, as ISO 639-1 names it."""


async def rename_program(database: Database, acting: Acting, *, name: str, now: datetime) -> None:
    """Gives the program another name. Raises NotAllowed, Invalid."""
    require(acting, "settings.change")
    name = _checked_name(name)
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, acting.program_id)
        if program.name == name:
            return
        await programs.rename(connection, program.id, name)
        await raise_version(connection, program, now)
        await audit.record(
            connection,
            acting,
            action="rename program",
            subject="program",
            before=program.name,
            after=name,
            now=now,
        )


async def add_site(database: Database, acting: Acting, *, name: str, domain: str, now: datetime) -> int:
    """One more shop of the program, in its currency; answers its number. `domain`: its origin.

    Raises NotAllowed, Invalid for an origin that is none, or is there already.
    """
    require(acting, "settings.change")
    name, origin = _checked_name(name), parse_origin(domain)
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, acting.program_id)
        if any(site.domain == origin for site in program.sites):
            raise Invalid("domain", "is there already")
        if len(program.sites) >= MOST_SITES:
            raise Invalid("domain", f"a program has at most {MOST_SITES} shops")
        site_id = await programs.add_site(
            connection, program.id, name=name, domain=origin, currency=program.currency, at=now
        )
        await raise_version(connection, program, now)
        await audit.record(
            connection,
            acting,
            action="add shop",
            subject=f"shop {site_id}",
            after={"name": name, "domain": origin},
            now=now,
        )
    return site_id


async def change_site(
    database: Database, acting: Acting, site_id: int, *, name: str, language: str, now: datetime
) -> None:
    """Gives a shop another name, and says in which language its pages are.

    Raises NotAllowed, UnknownSite, Invalid.
    """
    require(acting, "settings.change")
    name = _checked_name(name)
    if language not in LANGUAGES:
        raise Invalid("language", f"must be one of {', '.join(LANGUAGES)}")
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, acting.program_id)
        before = next(
            (one for one in await sites.listed(connection, program.id) if one.site_id == site_id), None
        )
        if before is None:
            raise UnknownSite(site=site_id)
        if (before.name, before.language) == (name, language):
            return
        await programs.change_site(connection, program.id, site_id, name=name, language=language, at=now)
        await raise_version(connection, program, now)
        await audit.note(
            connection,
            program.id,
            acting,
            action="change shop",
            subject=f"shop {site_id}",
            before={"name": before.name, "language": before.language},
            after={"name": name, "language": language},
            now=now,
        )


async def list_sites(database: Database, program_id: int) -> list[ListedSite]:
    """The program's shops with their languages, oldest first. Raises Busy."""
    async with reading(database) as connection:
        return (await sites.listed(connection, program_id))[::-1]


def _checked_name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 255 or not name.isprintable():
        raise Invalid("name", "must be a text of 1 to 255 characters")
    return name


async def save_rules(database: Database, acting: Acting, said: RuleChanges, *, now: datetime) -> Program:
    """Changes what earns from the next order on. Raises NotAllowed, Invalid (nothing is changed), Busy."""
    require(acting, "rules.change")
    return await apply_changes(database, acting.program_id, said, by=acting, now=now)


async def save_spending(
    database: Database, acting: Acting, *, refund_returns: str, expired_returns_points: bool, now: datetime
) -> None:
    """What becomes of codes on undone orders, and of codes that expire. Raises NotAllowed, Invalid, Busy."""
    require(acting, "rules.change")
    if refund_returns not in REFUND_RETURNS:
        raise Invalid("refund_returns", f"must be one of {', '.join(REFUND_RETURNS)}")
    before = (await Programs(database).get(acting.program_id)).spending
    after = msgspec.structs.replace(
        before, refund_returns=refund_returns, expired_returns_points=expired_returns_points
    )
    if before != after:
        await change_rules(database, acting.program_id, spending=lambda _: after, by=acting, now=now)


async def save_reward(database: Database, acting: Acting, reward: Reward, *, now: datetime) -> Reward:
    """Adds a reward, when its id is 0, or replaces it. Raises NotAllowed, Invalid, UnknownReward, Busy."""
    require(acting, "rewards.change")
    if reward.id == 0:
        return await rewards.create_reward(database, acting.program_id, reward, by=acting, now=now)
    return await rewards.change_reward(
        database, acting.program_id, reward.id, msgspec.structs.asdict(reward), by=acting, now=now
    )


async def set_reward_enabled(
    database: Database, acting: Acting, reward_id: int, *, enabled: bool, now: datetime
) -> None:
    """Lets customers claim it, or no longer. Raises NotAllowed, UnknownReward, Busy."""
    require(acting, "rewards.change")
    await rewards.set_enabled(database, acting.program_id, reward_id, enabled=enabled, by=acting, now=now)


async def save_widget(database: Database, acting: Acting, *, now: datetime, **changes: Any) -> Widget:
    """Changes how the widget looks. Raises NotAllowed, Invalid, Busy."""
    require(acting, "appearance.change")
    return await change_widget(database, acting.program_id, by=acting, now=now, **changes)
