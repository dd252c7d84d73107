"""One batch as one transaction: begin and lock, load, save, commit, or all at once; what its failures mean.

An error before a COMMIT was sent means that nothing happened. After that, only the database can say
(`Unknown`).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Self, cast

import asyncpg

from regulars.domain.book import Counters
from regulars.domain.decisions import Decision
from regulars.domain.page import Needs, Page
from regulars.domain.program import Program, PurchaseRule
from regulars.storage import decisions as saving
from regulars.storage import deliveries, heads, pages, programs
from regulars.storage.database import GONE, Connection, Database, Session
from regulars.storage.deliveries import StoredDelivery
from regulars.storage.heads import Head

HEAD_PATIENCE = "500ms"
"""For the head row of a batch in doubt: then it is asked for anew, and no server is filled with who wait."""

# A batch finds every row by a key. Its statements are planned for keeps, maybe while the tables are still
# empty and reading them whole looks cheap: so only plans that look up key by key are left to choose from.
_BEGIN = """
    begin isolation level read committed;
    set local jit = off; set local plan_cache_mode = force_generic_plan;
    set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off
"""


class Conflict(Exception):
    """Deadlock or serialisation failure: nothing happened; the batch can be repeated as it is."""


class BadContent(Exception):
    """Some command's content was refused by the database (class 22 or 23): nothing happened."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class Lost(Exception):
    """The database went away before COMMIT was sent, or refused it: nothing happened."""


class Unknown(Exception):
    """The database went away after COMMIT was sent. `happened` finds out what became of it."""


class _Attempt:
    """One transaction's connection, and whether its COMMIT was sent."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_committing = False


class Batch:
    """An open transaction that holds a program's head row."""

    def __init__(self, attempt: _Attempt, program_id: int, head: Head) -> None:
        self._attempt = attempt
        self._connection = attempt.connection
        self._program_id = program_id
        self.head = head

    @classmethod
    async def begin(cls, attempt: _Attempt, program_id: int) -> Self:
        await _begin(attempt.connection)
        head = await heads.lock(attempt.connection, program_id)
        if head is None:
            raise LookupError(f"there is no program {program_id}")
        return cls(attempt, program_id, head)

    async def load_program(self) -> Program:
        program = await programs.load(self._connection, self._program_id)
        assert program is not None
        return program

    async def load(
        self, program: Program, wanted: Needs, *, rules: dict[int, PurchaseRule], now: datetime
    ) -> Page:
        """The page that these commands need, with this batch's counters."""
        return await pages.load(self._connection, program, self.head.ids, wanted, rules=rules, now=now)

    async def save(
        self, page: Page, decisions: Sequence[Decision], received: Sequence[StoredDelivery], *, at: datetime
    ) -> Head:
        """Writes what was decided, what was received, and the head. Answers the head row after it."""
        if any(decision.id or decision.identity is not None for decision in decisions):
            leaves = await saving.save(
                self._connection, self._program_id, decisions, received, self.head, ids=page.ids, at=at
            )
            assert leaves is not None, "the row is locked"
            return leaves
        await deliveries.insert(self._connection, self._program_id, received)
        return self.head

    async def commit(self) -> None:
        self._attempt.is_committing = True
        await self._connection.execute("commit")

    async def roll_back(self) -> None:
        """Ends a batch that wrote nothing."""
        await self._connection.execute("rollback")


class SingleStatement:
    """A transaction that saves a batch which is decided already, and `is_one_statement`."""

    def __init__(self, attempt: _Attempt, program_id: int) -> None:
        self._attempt = attempt
        self._program_id = program_id

    async def save(
        self,
        page: Page,
        decisions: Sequence[Decision],
        received: Sequence[StoredDelivery],
        head: Head,
        *,
        at: datetime,
    ) -> Head | None:
        """Locks the head row, and writes and commits if that row is still `head`. Answers the row after it;
        None: somebody was faster, and nothing happened."""
        self._attempt.is_committing = True
        connection = self._attempt.connection
        return await saving.save(connection, self._program_id, decisions, received, head, ids=page.ids, at=at)


async def _begin(connection: Connection) -> None:
    old = cast(Session, connection).plans_are_old()
    await connection.execute(f"{_BEGIN}; discard plans" if old else _BEGIN)


async def read_ahead(
    database: Database,
    program: Program,
    ids: Counters,
    wanted: Needs,
    *,
    rules: dict[int, PurchaseRule],
    now: datetime,
) -> Page:
    """The page that these commands need as it is stored, read without the head row's lock."""
    async with database.acquire() as connection:
        try:
            await _begin(connection)
            page = await pages.load(connection, program, ids, wanted, rules=rules, now=now)
            await connection.execute("rollback")
        except BaseException:
            connection.terminate()
            raise
    return page


@asynccontextmanager
async def _attempt(database: Database) -> AsyncIterator[_Attempt]:
    """A connection for one transaction. Raises Conflict, BadContent, Lost or Unknown."""
    attempt: _Attempt | None = None
    try:
        async with database.acquire() as connection:
            attempt = _Attempt(connection)
            try:
                yield attempt
            except asyncpg.PostgresError as error:
                if error.sqlstate and error.sqlstate[:2] in ("22", "23", "40"):
                    await connection.execute("rollback")
                else:
                    connection.terminate()
                raise
            except BaseException:
                connection.terminate()
                raise
    except asyncpg.PostgresError as error:
        database.note_failure(error)
        raise _meaning(error, attempt) from error
    except GONE as error:
        raise _away(attempt) from error
    except asyncio.CancelledError:  # while returning the connection, the COMMIT may even have been answered
        if attempt is not None and attempt.is_committing:
            raise Unknown from None
        raise
    if attempt.is_committing:
        database.note_saved()


@asynccontextmanager
async def open_batch(database: Database, program_id: int) -> AsyncIterator[Batch]:
    """A batch for the length of a block; the block commits. Raises Conflict, BadContent, Lost or Unknown.

    Cancelling the block before its COMMIT was sent means that nothing happens, as the connection is
    dropped; a COMMIT that is cut short by it is Unknown.
    """
    async with _attempt(database) as attempt:
        yield await Batch.begin(attempt, program_id)


@asynccontextmanager
async def single_statement(database: Database, program_id: int) -> AsyncIterator[SingleStatement]:
    """A transaction of one statement for the length of a block. Raises what `open_batch` does; Unknown as
    soon as the statement is sent."""
    async with _attempt(database) as attempt:
        yield SingleStatement(attempt, program_id)


def _meaning(error: asyncpg.PostgresError, attempt: _Attempt | None) -> Exception:
    state = error.sqlstate or ""
    if state[:2] == "40":
        return Conflict(str(error))
    if state[:2] in ("22", "23"):
        return BadContent(state, str(error))
    if error.severity_en == "ERROR":  # the server goes on, and has undone all of it
        return Lost()
    return _away(attempt)


def _away(attempt: _Attempt | None) -> Exception:
    if attempt is not None and attempt.is_committing:
        return Unknown()
    return Lost()


async def happened(
    database: Database, program_id: int, decisions: Sequence[Decision], received: Sequence[StoredDelivery]
) -> bool:
    """Whether the batch that saved these, and whose COMMIT was not answered, happened; if it did not, it
    never will. Raises Lost while nobody can say.

    Whoever gets the head row knows that the batch's transaction has ended, or has not come to that row yet;
    then what it wrote last is there, or not. If not, the row gets a new stamp: a single statement that is
    still under way finds another row than the one it was meant for.

    `pg_xact_status` would not do: after a crash, the number of a transaction that left no trace is given to
    another one, whose fate would be taken for ours.
    """
    try:
        async with database.acquire() as connection:
            try:
                await connection.execute(f"begin; set local lock_timeout = '{HEAD_PATIENCE}'")
                await heads.lock(connection, program_id)
                found = await _is_there(connection, program_id, decisions, received)
                if not found:
                    await heads.renew(connection, program_id)
                await connection.execute("commit")
            except BaseException:
                connection.terminate()
                raise
    except (asyncpg.PostgresError, *GONE) as error:
        raise Lost from error
    return found


async def _is_there(
    connection: Connection, program_id: int, decisions: Sequence[Decision], received: Sequence[StoredDelivery]
) -> bool:
    """Looks for one row that this batch, and no other, has written."""
    for decision in reversed(decisions):
        if decision.id:
            return await saving.is_stored(connection, program_id, decision)
    for decision in reversed(decisions):
        if decision.identity is not None:
            return await saving.is_remembered(connection, program_id, decision)
    return await deliveries.is_stored(connection, program_id, received[-1])
