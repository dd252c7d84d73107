"""A file of codes goes into a pool as a whole, or not at all, while orders go on."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from regulars.app import audit
from regulars.app.access import Who
from regulars.app.codes.decision import decided, head_of, program_of
from regulars.app.codes.files import CodeFile, Problem, Warned, read_file, read_list, warnings
from regulars.deadline import allow
from regulars.domain.commands import Identity
from regulars.domain.errors import IdentityReused, Invalid, Refused
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, Reward, Stock
from regulars.storage import codes as storage
from regulars.storage.database import Connection, Database

AT_ONCE: Final = 5_000
"""Codes in one statement: in between, this process does what else there is to do."""
UPLOAD_SECONDS: Final = 60.0
"""For storing one file, another one's before it included."""
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


async def import_codes(
    database: Database,
    program_id: int,
    reward_id: int,
    file: bytes | Sequence[str],
    *,
    by: Who,
    now: datetime,
    identity: Identity | None = None,
    tell: Tell | None = None,
) -> Imported:
    """Takes all codes of a CSV file, or of a list, into a reward's pool, or none.

    Orders go on meanwhile: the head is locked for the last moment alone, the file is read beside this thread.
    Raises CodesRejected, Invalid, UnknownReward, UnknownProgram, IdentityReused; Busy, Unsure.
    """
    allow(UPLOAD_SECONDS)
    upload = await asyncio.to_thread(_read, file)
    async with storage.writing(database, patience_seconds=UPLOAD_SECONDS, long=True) as connection:
        program = await program_of(connection, program_id)
        _pool(program, reward_id)
        await storage.queue_up(connection, program_id)
        if identity is not None and await _is_repeat(connection, program_id, identity):
            stock = await storage.stock(connection, program_id, reward_id)
            return _imported(upload, stock)
        await _check(connection, program_id, reward_id, upload.file)
        await _store(connection, program_id, reward_id, upload.rows, program.time(now), tell)
        head = await head_of(connection, program_id)
        if identity is not None and await _is_repeat(connection, program_id, identity):
            raise IdentityReused(key=identity.key)  # by a call that came while the codes were stored
        if head.version != program.version:
            _pool(await program_of(connection, program_id), reward_id)
        before = await storage.stock(connection, program_id, reward_id)
        taken = len(upload.rows)
        stock = msgspec.structs.replace(
            before, codes_imported=before.codes_imported + taken, codes_free=before.codes_free + taken
        )
        events = [("codes.imported", {"reward": reward_id, "codes": taken, "free": stock.codes_free})]
        decision = decided("ImportCodes", head, program.time(now), by.actor, events)
        decision.identity = identity
        await storage.save(connection, program_id, head, decision, stock)
        await audit.note(
            connection,
            program_id,
            by,
            action="upload codes",
            subject=f"reward {reward_id}",
            before={"available": before.codes_free},
            after={"available": stock.codes_free, "codes": taken, "decision": decision.id},
            now=now,
        )
    return _imported(upload, stock)


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
