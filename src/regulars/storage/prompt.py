"""A connection for what a caller waits on: when the database is away, frozen or too slow, they hear of it in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from regulars.domain.errors import Late
from regulars.storage.database import Connection, Database

SECONDS = 2.0


@asynccontextmanager
async def prompt(database: Database, *, seconds: float = SECONDS) -> AsyncIterator[Connection]:
    """A connection for one short question or one statement. Raises Late when its answer doesn't come in `seconds`.

    A connection whose answer never came is dropped: giving it back would mean waiting for it once more.
    """
    try:
        async with asyncio.timeout(seconds), database.acquire() as connection:
            try:
                yield connection
            except asyncpg.PostgresError:
                raise
            except BaseException:
                connection.terminate()
                raise
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "")[:2] in ("22", "23", "42"):
            raise
        raise Late(waited_for="the database") from error
    except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise Late(waited_for="the database") from error
