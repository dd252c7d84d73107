"""Rewards as staff set them up; each change raises the program's version, and what was claimed keeps its
terms."""

from datetime import datetime
from typing import Any

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.app.programs import locked, raise_version
from regulars.domain.commands import Identity
from regulars.domain.errors import Invalid
from regulars.domain.program import Program
from regulars.domain.rewards import Reward, Stock, checked
from regulars.storage import identities
from regulars.storage import rewards as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading

MOST_REWARDS = 500
"""In one program: all are read with it."""


async def create_reward(
    database: Database,
    program_id: int,
    reward: Reward,
    *,
    by: Who = BY_US,
    now: datetime,
    identity: Identity | None = None,
) -> Reward:
    """Adds a reward, whatever id it comes with, and answers it with its own; a repeat of the same `identity`
    is answered with the reward as it is now. Raises Invalid, IdentityReused, UnknownProgram."""
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, program_id)
        if identity is not None and (known := await identities.made(connection, program_id, identity)):
            return program.reward(known)
        if len(program.rewards) >= MOST_REWARDS:
            raise Invalid("reward", f"a program has at most {MOST_REWARDS} rewards")
        reward_id = await storage.next_id(connection, program_id)
        reward = _checked(program, msgspec.structs.replace(reward, id=reward_id))
        await storage.add(connection, program_id, reward, now)
        if identity is not None:
            await identities.keep(connection, program_id, identity, made=reward_id)
        await raise_version(connection, program, now)
        subject = f"reward {reward_id}"
        await audit.note(
            connection, program_id, by, action="make reward", subject=subject, after=reward, now=now
        )
    return reward


async def change_reward(
    database: Database,
    program_id: int,
    reward_id: int,
    changes: dict[str, Any],
    *,
    by: Who = BY_US,
    now: datetime,
) -> Reward:
    """Changes these fields of a reward, but never its kind; answers it. Raises Invalid, UnknownReward."""
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, program_id)
        before = program.reward(reward_id)
        if changes.get("kind", before.kind) != before.kind or changes.get("id", reward_id) != reward_id:
            raise Invalid("kind", "stays what it was; make a new reward instead")
        reward = _checked(program, msgspec.structs.replace(before, **changes))
        if reward != before:
            await storage.change(connection, program_id, reward, now)
            await raise_version(connection, program, now)
            await _note_change(connection, program_id, by, before, reward, now)
    return reward


async def set_enabled(
    database: Database, program_id: int, reward_id: int, *, enabled: bool, by: Who = BY_US, now: datetime
) -> bool:
    """Whether that changed anything. Raises UnknownReward."""
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, program_id)
        before = program.reward(reward_id)
        if before.enabled == enabled:
            return False
        after = msgspec.structs.replace(before, enabled=enabled)
        await storage.change(connection, program_id, after, now)
        await raise_version(connection, program, now)
        await _note_change(connection, program_id, by, before, after, now)
    return True


async def _note_change(
    connection: Connection, program_id: int, by: Who, before: Reward, after: Reward, now: datetime
) -> None:
    subject = f"reward {after.id}"
    await audit.note(
        connection,
        program_id,
        by,
        action="change reward",
        subject=subject,
        before=before,
        after=after,
        now=now,
    )


async def stocks(database: Database, program: Program) -> dict[int, Stock]:
    """The stock of each of the program's rewards, by its id. Raises Busy."""
    async with reading(database) as connection:
        found = await storage.stocks(connection, program.id)
    return {reward.id: found.get(reward.id, Stock(reward_id=reward.id)) for reward in program.rewards}


def _checked(program: Program, reward: Reward) -> Reward:
    return checked(reward, currency=program.currency, sites=[site.id for site in program.sites])
