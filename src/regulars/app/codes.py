"""Coupon codes of a pool: brought in from a file, all or nothing; looked at, made void, taken out again."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from regulars.app.code_files import CodeFile, Problem, Warned, read_file, read_list, shown, warnings
from regulars.app.programs import UnknownProgram
from regulars.app.spreadsheets import Cell, stream
from regulars.domain.commands import Identity
from regulars.domain.decisions import Decision, Event, Outcome
from regulars.domain.errors import IdentityReused, Invalid, Refused
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, CodeState, Reward, Stock, code_key
from regulars.storage import codes as storage
from regulars.storage import programs
from regulars.storage.codes import StoredCode
from regulars.storage.database import Connection, Database
from regulars.storage.heads import Head
from regulars.storage.reading import reading

AT_ONCE: Final = 5_000
"""Codes in one statement: in between, this process does what else there is to do."""
VOID_AT_ONCE: Final = 2_000
"""Codes made void under one lock of the head: orders wait for that long."""
UPLOAD_SECONDS: Final = 60.0
"""For storing one file, another one's before it included."""
MOST_NAMED: Final = 1_000
FIRST_PROBLEMS: Final = 100
"""Of a refused file, so many are told in an answer."""

Tell = Callable[[int, int], None]
"""Hears how many codes of how many are stored."""


class CodesRejected(Refused):
    """`problems`: every line at fault, in the file's order. Nothing of the file was taken."""

    def __init__(self, reward_id: int, problems: Sequence[Problem]) -> None:
        super().__init__(reward=reward_id, rejected=len(problems))
        self.problems = tuple(problems)


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: all of it was taken. `free`: how many codes can be handed out now."""

    reward_id: int
    taken: int
    free: int
    header: str | None
    warnings: tuple[Warned, ...]


class Voided(msgspec.Struct, frozen=True, kw_only=True):
    """`voided` so many; `skipped`: what was not free, and why, in the order in which it was named."""

    reward_id: int
    voided: int
    free: int
    skipped: tuple[Problem, ...] = ()


async def import_codes(
    database: Database,
    program_id: int,
    reward_id: int,
    file: bytes | Sequence[str],
    *,
    actor: str,
    now: datetime,
    identity: Identity | None = None,
    tell: Tell | None = None,
) -> Imported:
    """Takes all codes of a CSV file, or of a list, into a reward's pool, or none.

    Orders go on meanwhile: the head is locked for the last moment alone, the file is read beside this thread.
    Raises CodesRejected, Invalid, UnknownReward, UnknownProgram, IdentityReused; Busy, Unsure.
    """
    upload = await asyncio.to_thread(_read, file)
    async with storage.writing(database, patience_seconds=UPLOAD_SECONDS, long=True) as connection:
        program = await _program(connection, program_id)
        _pool(program, reward_id)
        await storage.queue_up(connection, program_id)
        if identity is not None and await _is_repeat(connection, program_id, identity):
            stock = await storage.stock(connection, program_id, reward_id)
            return _imported(upload, stock)
        await _check(connection, program_id, reward_id, upload.file)
        await _store(connection, program_id, reward_id, upload.rows, program.time(now), tell)
        head = await _head(connection, program_id)
        if identity is not None and await _is_repeat(connection, program_id, identity):
            raise IdentityReused(key=identity.key)  # by a call that came while the codes were stored
        if head.version != program.version:
            _pool(await _program(connection, program_id), reward_id)
        before = await storage.stock(connection, program_id, reward_id)
        taken = len(upload.rows)
        stock = msgspec.structs.replace(
            before, codes_imported=before.codes_imported + taken, codes_free=before.codes_free + taken
        )
        events = [("codes.imported", {"reward": reward_id, "codes": taken, "free": stock.codes_free})]
        decision = _decision("ImportCodes", head, program.time(now), actor, events)
        decision.identity = identity
        await storage.save(connection, program_id, head, decision, stock)
    return _imported(upload, stock)


async def void_codes(
    database: Database, program_id: int, reward_id: int, codes: Sequence[str], *, actor: str, now: datetime
) -> Voided:
    """Makes those of these codes void that are free; they are never handed out. Others are named with why.

    Raises Invalid for none or too many, UnknownReward, UnknownProgram; Busy, Unsure.
    """
    if not 0 < len(codes) <= MOST_NAMED:
        raise Invalid("codes", f"must be 1 to {MOST_NAMED} codes")
    keys = [code_key(code) for code in codes]
    async with storage.writing(database) as connection:
        head = await _head(connection, program_id)
        program = await _program(connection, program_id)
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
            before = await _note_void(connection, program, reward, head, before, len(chosen), actor, now)
    return Voided(reward_id=reward_id, voided=len(chosen), free=before.codes_free, skipped=tuple(skipped))


async def void_all(
    database: Database, program_id: int, reward_id: int, *, actor: str, now: datetime
) -> Voided:
    """Makes all free codes of a reward void, some thousands at a time, so that orders pass in between.

    Raises UnknownReward, UnknownProgram; Busy, Unsure, with what came before already done.
    """
    voided = 0
    while True:
        async with storage.writing(database) as connection:
            head = await _head(connection, program_id)
            program = await _program(connection, program_id)
            reward = program.reward(reward_id)
            stock = await storage.stock(connection, program_id, reward_id)
            count = await storage.make_some_void(connection, program_id, reward_id, VOID_AT_ONCE)
            if count:
                stock = await _note_void(connection, program, reward, head, stock, count, actor, now)
        voided += count
        if count < VOID_AT_ONCE:
            return Voided(reward_id=reward_id, voided=voided, free=stock.codes_free)


async def list_codes(
    database: Database,
    program_id: int,
    reward_id: int,
    *,
    state: CodeState | None = None,
    after: str = "",
    most: int = 100,
) -> list[StoredCode]:
    """A reward's codes by key, from the one after the key `after` on. Raises Busy."""
    async with reading(database, long=True) as connection:
        return await storage.listed(connection, program_id, reward_id, state=state, after=after, most=most)


def export_codes(
    database: Database, program_id: int, reward_id: int, *, state: CodeState | None = None
) -> AsyncIterator[bytes]:
    """The codes as parts of a CSV file that no spreadsheet executes. Raises Busy as it goes."""
    headings = ("code", "state", "source", "claimed_reward", "created_at")
    return stream(headings, _export_pages(database, program_id, reward_id, state))


async def _export_pages(
    database: Database, program_id: int, reward_id: int, state: CodeState | None
) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    after = ""
    while True:
        found = await list_codes(database, program_id, reward_id, state=state, after=after, most=AT_ONCE)
        yield [(one.code, one.state, one.source, one.claim_id, one.created_at) for one in found]
        if len(found) < AT_ONCE:
            return
        after = found[-1].key


async def _program(connection: Connection, program_id: int) -> Program:
    program = await programs.load(connection, program_id)
    if program is None:
        raise UnknownProgram(program=program_id)
    return program


async def _head(connection: Connection, program_id: int) -> Head:
    head = await storage.lock(connection, program_id)
    if head is None:
        raise UnknownProgram(program=program_id)
    return head


def _pool(program: Program, reward_id: int) -> Reward:
    reward = program.reward(reward_id)
    if reward.codes is not CodeSource.POOL:
        raise Invalid("reward", f"has no pool: its codes are {reward.codes}")
    return reward


async def _is_repeat(connection: Connection, program_id: int, identity: Identity) -> bool:
    fingerprint = await storage.remembered(connection, program_id, identity)
    if fingerprint is not None and fingerprint != identity.fingerprint:
        raise IdentityReused(key=identity.key)
    return fingerprint is not None


async def _check(connection: Connection, program_id: int, reward_id: int, file: CodeFile) -> None:
    """Raises CodesRejected unless each line is a code that is new to the program, Invalid without any."""
    problems = list(file.problems)
    keys = list(file.codes)
    for start in range(0, len(keys), AT_ONCE):
        known = await storage.known(connection, program_id, keys[start : start + AT_ONCE])
        for key, there in known.items():
            line, code = file.codes[key]
            whose = "in this pool" if there.reward_id == reward_id else f"of the reward {there.reward_id}"
            problems.append(Problem(line, code, f"is there already, {whose}"))
    if problems:
        raise CodesRejected(reward_id, sorted(problems, key=lambda problem: problem.line))
    if not file.codes:
        raise Invalid("codes", "must not be empty")


async def _store(
    connection: Connection,
    program_id: int,
    reward_id: int,
    rows: Sequence[tuple[str, str, float]],
    at: datetime,
    tell: Tell | None,
) -> None:
    for start in range(0, len(rows), AT_ONCE):
        await storage.add(connection, program_id, reward_id, rows[start : start + AT_ONCE], at)
        if tell is not None:
            tell(min(start + AT_ONCE, len(rows)), len(rows))


async def _note_void(
    connection: Connection,
    program: Program,
    reward: Reward,
    head: Head,
    before: Stock,
    count: int,
    actor: str,
    now: datetime,
) -> Stock:
    """Writes the stock and the events that this many codes became void. Answers the stock as it is now."""
    left = before.codes_free - count
    stock = msgspec.structs.replace(before, codes_free=left, codes_void=before.codes_void + count)
    events: list[tuple[str, dict[str, Any]]] = [
        ("codes.voided", {"reward": reward.id, "codes": count, "free": left})
    ]
    if left == 0:
        events.append(("codes.out", {"reward": reward.id, "title": reward.title}))
    elif left <= reward.low_stock < before.codes_free:
        events.append(("codes.low", {"reward": reward.id, "title": reward.title, "left": left}))
    decision = _decision("VoidCodes", head, program.time(now), actor, events)
    await storage.save(connection, program.id, head, decision, stock)
    return stock


def _decision(
    kind: str, head: Head, at: datetime, actor: str, events: Sequence[tuple[str, dict[str, Any]]]
) -> Decision:
    """A decision that was taken outside the engine, under the same lock and with the same counters."""
    ids = head.ids
    return Decision(
        id=ids.next("decision"),
        kind=kind,
        outcome=Outcome.DONE,
        at=max(at, head.last_at),
        actor=actor,
        ids=ids,
        events=[
            Event(
                id=ids.next("event"),
                kind=name,
                customer_id=None,
                order_id=None,
                movement_id=None,
                payload=payload,
            )
            for name, payload in events
        ],
    )


class _Upload(msgspec.Struct, frozen=True):
    """A file that was read, its codes as rows to be stored: key, text, slot."""

    file: CodeFile
    rows: list[tuple[str, str, float]]
    warnings: tuple[Warned, ...]


def _read(file: bytes | Sequence[str]) -> _Upload:
    """The rows are in the order that the index likes best; handed out they are by chance all the same."""
    found = read_file(file) if isinstance(file, bytes) else read_list(file)
    rows = sorted((key, code, random.random()) for key, (_, code) in found.codes.items())  # noqa: S311
    return _Upload(found, rows, warnings(found) if not found.problems else ())


def _imported(upload: _Upload, stock: Stock) -> Imported:
    return Imported(
        reward_id=stock.reward_id,
        taken=len(upload.rows),
        free=stock.codes_free,
        header=upload.file.header,
        warnings=upload.warnings,
    )


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
