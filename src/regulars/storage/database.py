"""The connections to PostgreSQL, and whether that PostgreSQL can be trusted with points."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg

from regulars.deadline import deadline
from regulars.domain.errors import Busy, Unsure

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

LEAST_VERSION = 15

GONE = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a connection that ended under our hands raises, besides the server's own errors. The internal error
comes when the server's last word is read at the very moment in which we ask for something."""

AWAY = ("08", "53", "57")
"""SQLSTATE classes of a server that can't answer now: connection lost, out of resources, being stopped."""

READ_ONLY, NO_LONGER_IDLE = "25006", "25P03"
"""It takes no writes at present; it ended a transaction in which nobody had asked for anything for long."""

REFUSED = ("53", "25")
"""Classes after which it is certain that nothing was committed."""

REFUSES_WRITES = {
    "53100": "has no room left: nothing can be saved",
    "58030": "can't write to its disk: nothing can be saved",
    READ_ONLY: "is read-only: nothing can be saved",
}
"""What is said of a server whose last save failed like that."""

TRY_SECONDS = 60.0
"""Where it can't be tried out whether there is room again, a failed save is forgotten after that."""

_TRY = """
    begin; set local lock_timeout = '500ms';
    create temporary table regulars_room (filler text) on commit drop;
    insert into regulars_room select repeat('.', 1900) from generate_series(1, 512);
    rollback
"""
"""A megabyte, written and taken back: short rows, as long ones would be compressed to nothing."""


def is_away(error: BaseException) -> bool:
    """Whether it says that the database can't answer now; not that something was wrong with a question."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in AWAY or state in (READ_ONLY, NO_LONGER_IDLE)
    return isinstance(error, GONE)


class Session(asyncpg.Connection):
    """A connection that counts its batches, so that statements are planned anew while tables grow."""

    __slots__ = ("batches",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batches = 0

    def plans_are_old(self) -> bool:
        """True at batch 1, 2, 4, 8 …: a plan made while a table was small may read all of it later."""
        self.batches += 1
        return self.batches & (self.batches - 1) == 0

    def get_reset_query(self) -> str:
        """Nothing: what we set is local to its transaction, so the next user finds a connection as new.

        Asking for a reset would cost each batch a round trip, and could fail or hang when its COMMIT has been
        answered already.
        """
        return ""


class NotDurable(RuntimeError):
    """The server may lose what it has acknowledged; `settings` are those that are off."""

    def __init__(self, settings: list[str]) -> None:
        self.settings = settings
        named = " and ".join(settings)
        super().__init__(
            f"PostgreSQL runs with {named} off: a power cut would destroy the book of points. Turn it on "
            "(in postgresql.conf, or with ALTER SYSTEM) and restart the server."
        )


class TooOld(RuntimeError):
    """The server's version is below what we need."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(f"PostgreSQL {version} is too old: Regulars needs {LEAST_VERSION} or newer.")


class Database:
    """A pool of connections. Times come and go as aware datetimes, as asyncpg does by itself."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", dsn: str) -> None:
        self.pool = pool
        self.dsn = dsn
        self.long_reads = asyncio.Semaphore(max(1, pool.get_max_size() * 2 // 3))
        """The rest is for batches, for looking up who calls, and for health."""
        self._failed: tuple[str, float] | None = None
        """What kept the last save from the disk, and when."""

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        most: int = 10,
        statement_cache: int = 100,
        patience_seconds: float = 10.0,
    ) -> Self:
        """A pool of up to `most` connections to a server that is new enough. Raises TooOld or asyncpg's.

        `statement_cache`: 0 behind a PgBouncer that doesn't know prepared statements. `patience_seconds`: how
        long one connection may take.
        """
        pool = await asyncpg.create_pool(
            dsn,
            min_size=min(2, most),
            max_size=most,
            connection_class=Session,
            statement_cache_size=statement_cache,
            timeout=patience_seconds,
            # Our statements are short: compiling them costs more than it saves. A PgBouncer, which a DSN over
            # TCP may lead to, refuses a connection that asks for such a thing.
            server_settings={"jit": "off"} if is_local_socket(dsn) else {},
        )
        database = cls(pool, dsn)
        try:
            await database.check_version()
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def has_room(self) -> bool:
        """Whether most connections are free, so that one may be taken for what could also be done later."""
        in_use = self.pool.get_size() - self.pool.get_idle_size()
        return in_use * 2 < self.pool.get_max_size()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection for the length of a block, until the deadline of the request that asks for it.

        Then, and when the database is away, it raises Busy before the block has begun, Unsure after: whether
        something was committed is known to the database alone. Without a deadline it raises what comes.
        """
        until = deadline()
        if until is None:
            async with self.pool.acquire() as connection:
                yield connection
            return
        has_begun = False
        try:
            async with self.acquire_until(until) as connection:
                has_begun = True
                yield connection
        except (asyncpg.PostgresError, *GONE) as error:
            if not is_away(error):
                raise
            refused = isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in REFUSED
            raise (Unsure() if has_begun and not refused else Busy()) from error

    @asynccontextmanager
    async def acquire_until(self, until: float) -> AsyncIterator[Connection]:
        """A connection for the length of a block; at `until`, by the loop's clock, it is cut.

        A frozen server heeds no timeout of its own, and cancelling is not enough: the block's transaction
        would wait for its rollback. Raises TimeoutError when none is free in time.
        """
        async with asyncio.timeout_at(until):
            connection: Connection = await self.pool.acquire()
        cut = asyncio.get_running_loop().call_at(until, connection.terminate)
        try:
            yield connection
        except asyncpg.PostgresError as error:
            self.note_failure(error)
            raise
        except asyncio.CancelledError:
            connection.terminate()
            raise
        finally:
            cut.cancel()
            await self.pool.release(connection)

    async def close(self, *, patience_seconds: float = 5.0) -> None:
        """Closes all connections: in order while they are returned in time, at once after that."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    def note_failure(self, error: BaseException) -> None:
        """Remembers a save that failed because the server takes no writes."""
        words = REFUSES_WRITES.get(getattr(error, "sqlstate", None) or "")
        if words is not None:
            self._failed = words, time.monotonic()

    def note_saved(self) -> None:
        """The server does take writes."""
        self._failed = None

    async def why_no_writes(self) -> str | None:
        """What keeps the server from saving, as the end of a sentence; None: nothing that is known. Raises
        whatever keeps it from answering.

        After a save has failed it is tried out whether there is room: the next save may be long in coming.
        """
        async with self.acquire() as connection:
            try:
                if await connection.fetchval("select current_setting('transaction_read_only') = 'on'"):
                    return REFUSES_WRITES[READ_ONLY]
                if self._failed is not None and await _can_write(connection, since=self._failed[1]):
                    self._failed = None
            except BaseException:
                connection.terminate()
                raise
        return None if self._failed is None else self._failed[0]

    async def check_version(self) -> None:
        """Raises TooOld for a server that lacks what our statements use."""
        async with self.acquire() as connection:
            number = int(await connection.fetchval("show server_version_num"))
            if number < LEAST_VERSION * 10_000:
                raise TooOld(await connection.fetchval("show server_version"))

    async def check_durability(self) -> list[str]:
        """Warnings for a person: what makes the server answer before its disk has it. Raises NotDurable.

        Without fsync or full_page_writes a power cut damages the database; without synchronous_commit it
        loses the last moments, which some set-ups accept: that is shown, not refused.
        """
        names = ("fsync", "full_page_writes", "synchronous_commit")
        async with self.acquire() as connection:
            shown = {name: await connection.fetchval(f"show {name}") for name in names}
        if off := [name for name in names[:2] if shown[name] == "off"]:
            raise NotDurable(off)
        if shown["synchronous_commit"] == "off":
            return ["synchronous_commit is off: a crash loses the points acknowledged just before it"]
        return []


async def _can_write(connection: Connection, *, since: float) -> bool:
    try:
        await connection.execute(_TRY)
    except asyncpg.PostgresError as error:
        await connection.execute("rollback")
        return error.sqlstate not in REFUSES_WRITES and time.monotonic() - since > TRY_SECONDS
    return True


def is_local_socket(dsn: str) -> bool:
    """Whether the DSN leads to a unix socket by `?host=/...`, as the bundled server's does."""
    return parse_qs(urlsplit(dsn).query).get("host", [""])[0].startswith("/")
