"""Free codes made void: they are never handed out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from regulars.app import audit
from regulars.app.access import Who
from regulars.app.codes.decision import decided, head_of, program_of
from regulars.app.codes.files import Problem, shown
from regulars.deadline import allow
from regulars.domain.errors import Invalid
from regulars.domain.program import Program
from regulars.domain.rewards import CodeState, Reward, Stock, code_key
from regulars.storage import codes as storage
from regulars.storage.codes import StoredCode
from regulars.storage.database import Connection, Database
from regulars.storage.heads import Head

VOID_AT_ONCE: Final = 2_000
"""Codes made void under one lock of the head: orders wait for that long."""
VOID_SECONDS: Final = 60.0
MOST_NAMED: Final = 1_000


class Voided(msgspec.Struct, frozen=True, kw_only=True):
    """`voided` so many; `skipped`: what was not free, and why, in the order in which it was named."""

    reward_id: int
    voided: int
    free: int
    skipped: tuple[Problem, ...] = ()


async def void_codes(
    database: Database, program_id: int, reward_id: int, codes: Sequence[str], *, by: Who, now: datetime
) -> Voided:
    """Makes those of these codes void that are free; they are never handed out. Others are named with why.

    Raises Invalid for none or too many, UnknownReward, UnknownProgram; Busy, Unsure.
    """
    if not 0 < len(codes) <= MOST_NAMED:
        raise Invalid("codes", f"must be 1 to {MOST_NAMED} codes")
    keys = [code_key(code) for code in codes]
    async with storage.writing(database) as connection:
        head = await head_of(connection, program_id)
        program = await program_of(connection, program_id)
        reward = program.reward(reward_id)
        known = await storage.known(connection, program_id, [key for key in keys if _is_text(key)])
        skipped, chosen = [], {}
        for line, (key, code) in enumerate(zip(keys, codes, strict=True), start=1):
            reason = _why_not_void(known.get(key), reward_id, again=key in chosen)
            if reason is None:
                chosen[key] = code
            else:
                skipped.append(Problem(line, shown(code), reason))
        before = await storage.stock(connection, program_id, reward_id)
        if chosen:
            await storage.make_void(connection, program_id, list(chosen))
            left = before.codes_free - len(chosen)
            before = await _note_void(
                connection, program, reward, head, before, len(chosen), by, now, in_the_end=left
            )
    return Voided(reward_id=reward_id, voided=len(chosen), free=before.codes_free, skipped=tuple(skipped))


async def void_all(database: Database, program_id: int, reward_id: int, *, by: Who, now: datetime) -> Voided:
    """Makes all free codes of a reward void, some thousands at a time, so that orders pass in between.

    Raises UnknownReward, UnknownProgram; Busy, Unsure, with what came before already done.
    """
    allow(VOID_SECONDS)
    voided = 0
    while True:
        async with storage.writing(database) as connection:
            head = await head_of(connection, program_id)
            program = await program_of(connection, program_id)
            reward = program.reward(reward_id)
            stock = await storage.stock(connection, program_id, reward_id)
            count = await storage.make_some_void(connection, program_id, reward_id, VOID_AT_ONCE)
            if count:
                # The first part's entry speaks of all of them: what follows may be cut short, never silent.
                end = None if voided else 0
                stock = await _note_void(
                    connection, program, reward, head, stock, count, by, now, in_the_end=end
                )
        voided += count
        if count < VOID_AT_ONCE:
            return Voided(reward_id=reward_id, voided=voided, free=stock.codes_free)


async def _note_void(
    connection: Connection,
    program: Program,
    reward: Reward,
    head: Head,
    before: Stock,
    count: int,
    by: Who,
    now: datetime,
    *,
    in_the_end: int | None,
) -> Stock:
    """Writes the stock and the events that this many codes became void. Answers the stock as it is now.

    `in_the_end`: how many will be free when all is done, for the audit log; None: it was said before.
    """
    left = before.codes_free - count
    stock = msgspec.structs.replace(before, codes_free=left, codes_void=before.codes_void + count)
    events: list[tuple[str, dict[str, Any]]] = [
        ("codes.voided", {"reward": reward.id, "codes": count, "free": left})
    ]
    if left == 0:
        events.append(("codes.out", {"reward": reward.id, "title": reward.title}))
    elif left <= reward.low_stock < before.codes_free:
        events.append(("codes.low", {"reward": reward.id, "title": reward.title, "left": left}))
    decision = decided("VoidCodes", head, program.time(now), by.actor, events)
    await storage.save(connection, program.id, head, decision, stock)
    if in_the_end is not None:
        said = {"available": in_the_end, "codes": before.codes_free - in_the_end, "decision": decision.id}
        await audit.note(
            connection,
            program.id,
            by,
            action="void codes",
            subject=f"reward {reward.id}",
            before={"available": before.codes_free},
            after=said,
            now=now,
        )
    return stock


def _why_not_void(there: StoredCode | None, reward_id: int, *, again: bool) -> str | None:
    if again:
        return "is named twice"
    if there is None or there.reward_id != reward_id:
        return "is no code of this reward"
    if there.state is not CodeState.FREE:
        return (
            "is void already"
            if there.state is CodeState.VOID
            else "was handed out: cancel its claimed reward"
        )
    return None


def _is_text(key: str) -> bool:
    """Whether the database could hold it at all."""
    return "\x00" not in key and key.isprintable()
