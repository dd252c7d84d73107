"""The connections to PostgreSQL, and whether that PostgreSQL can be trusted with points."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

LEAST_VERSION = 15

GONE = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a connection that ended under our hands raises, besides the server's own errors. The internal error
comes when the server's last word is read at the very moment in which we ask for something."""

AWAY = ("08", "53", "57")
"""SQLSTATE classes of a server that can't answer now: connection lost, out of resources, being stopped."""


def is_away(error: BaseException) -> bool:
    """Whether it says that the database can't answer now; not that something was wrong with a question."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in AWAY
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
    async def acquire(self, *, patience_seconds: float | None = None) -> AsyncIterator[Connection]:
        """A connection for the length of a block. Raises TimeoutError when none is free in time."""
        async with self.pool.acquire(timeout=patience_seconds) as connection:
            yield connection

    async def close(self, *, patience_seconds: float = 5.0) -> None:
        """Closes all connections: in order while they are returned in time, at once after that."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    async def ping(self) -> None:
        """Asks the server for a sign of life; raises whatever keeps it from answering."""
        async with self.acquire() as connection:
            try:
                await connection.fetchval("select 1")
            except BaseException:
                connection.terminate()
                raise

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


def is_local_socket(dsn: str) -> bool:
    """Whether the DSN leads to a unix socket by `?host=/...`, as the bundled server's does."""
    return parse_qs(urlsplit(dsn).query).get("host", [""])[0].startswith("/")
