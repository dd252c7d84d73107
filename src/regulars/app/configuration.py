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
from regulars.app.storefront.widgets import Widget, change_widget, load_widget
from regulars.domain.errors import Invalid
from regulars.domain.program import Program
from regulars.domain.rewards import REFUND_RETURNS, Reward
from regulars.storage import programs
from regulars.storage.database import Database

MOST_SITES: Final = 50


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


def _checked_name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 255 or not name.isprintable():
        raise Invalid("name", "must be a text of 1 to 255 characters")
    return name


async def save_rules(database: Database, acting: Acting, said: RuleChanges, *, now: datetime) -> Program:
    """Changes what earns from the next order on. Raises NotAllowed, Invalid (nothing is changed), Busy."""
    require(acting, "rules.change")
    before = await Programs(database).get(acting.program_id)
    after = await apply_changes(database, acting.program_id, said, now=now)
    if (before.purchase, before.join) != (after.purchase, after.join):
        await _note(
            database,
            acting,
            "rules.change",
            "change rules",
            "earning rules",
            {"purchase": before.purchase, "join": before.join},
            {"purchase": after.purchase, "join": after.join},
            now,
        )
    return after


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
    if before == after:
        return
    await _note(database, acting, "rules.change", "change spending", "codes and refunds", before, after, now)
    await change_rules(database, acting.program_id, spending=lambda _: after, now=now)


async def save_reward(database: Database, acting: Acting, reward: Reward, *, now: datetime) -> Reward:
    """Adds a reward, when its id is 0, or replaces it. Raises NotAllowed, Invalid, UnknownReward, Busy."""
    require(acting, "rewards.change")
    if reward.id == 0:
        saved = await rewards.create_reward(database, acting.program_id, reward, now=now)
        before, action = None, "make reward"
    else:
        before = (await Programs(database).get(acting.program_id)).reward(reward.id)
        saved = await rewards.change_reward(
            database, acting.program_id, reward.id, msgspec.structs.asdict(reward), now=now
        )
        action = "change reward"
    if saved != before:
        await _note(database, acting, "rewards.change", action, f"reward {saved.id}", before, saved, now)
    return saved


async def set_reward_enabled(
    database: Database, acting: Acting, reward_id: int, *, enabled: bool, now: datetime
) -> None:
    """Lets customers claim it, or no longer. Raises NotAllowed, UnknownReward, Busy."""
    require(acting, "rewards.change")
    if await rewards.set_enabled(database, acting.program_id, reward_id, enabled=enabled, now=now):
        was, is_ = {"enabled": not enabled}, {"enabled": enabled}
        subject = f"reward {reward_id}"
        await _note(database, acting, "rewards.change", "change reward", subject, was, is_, now)


async def save_widget(database: Database, acting: Acting, *, now: datetime, **changes: Any) -> Widget:
    """Changes how the widget looks. Raises NotAllowed, Invalid, Busy."""
    require(acting, "appearance.change")
    before = await load_widget(database, acting.program_id)
    after = await change_widget(database, acting.program_id, now=now, **changes)
    if before != after:
        await _note(
            database, acting, "appearance.change", "change widget", "storefront widget", before, after, now
        )
    return after


async def _note(
    database: Database,
    acting: Acting,
    permission: str,
    action: str,
    subject: str,
    before: Any,
    after: Any,
    now: datetime,
) -> None:
    """Writes down what differs between the two."""
    was, is_ = (msgspec.to_builtins(one) or {} for one in (before, after))
    names = [name for name in {**was, **is_} if was.get(name) != is_.get(name)]
    await audit.write(
        database,
        acting,
        permission=permission,
        action=action,
        subject=subject,
        before={name: was[name] for name in names if name in was} or None,
        after={name: is_[name] for name in names if name in is_} or None,
        now=now,
    )
