"""Reads outside a batch: a deadline of our own, and one error for a database that can't answer now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from regulars.domain.errors import Busy
from regulars.storage.database import Connection, Database

PATIENCE_SECONDS: Final = 2.0
AWAY: Final = ("08", "53", "57")
"""SQLSTATE classes of a server that can't answer now: connection lost, out of resources, being stopped."""


@asynccontextmanager
async def reading(
    database: Database, *, patience_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[Connection]:
    """A connection for reads done within `patience_seconds`. Raises Busy when the database can't answer now.

    A frozen server heeds no timeout of its own, so the clock is ours, and its connection is dropped.
    """
    try:
        async with asyncio.timeout(patience_seconds), database.acquire() as connection:
            try:
                yield connection
            except asyncio.CancelledError:
                connection.terminate()
                raise
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "")[:2] in AWAY:
            raise Busy from error
        raise
    except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise Busy from error
