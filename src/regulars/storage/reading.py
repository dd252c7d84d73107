"""Reads outside a batch: a deadline of our own, and one error for a database that can't answer now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

import asyncpg

from regulars.domain.errors import Busy
from regulars.storage.database import GONE, Connection, Database, is_away

PATIENCE_SECONDS: Final = 2.0


@asynccontextmanager
async def reading(
    database: Database, *, patience_seconds: float = PATIENCE_SECONDS, long: bool = False
) -> AsyncIterator[Connection]:
    """A connection for reads done within `patience_seconds`. Raises Busy when the database can't answer now.

    A frozen server heeds no timeout of its own, so the clock is ours, and its connection is dropped. Reads
    that may be `long` never hold all connections: whoever waits for a locked table keeps nobody else waiting.
    """
    place = database.long_reads if long else nullcontext()
    try:
        async with asyncio.timeout(patience_seconds), place, database.acquire() as connection:
            try:
                yield connection
            except asyncio.CancelledError:
                connection.terminate()
                raise
    except (asyncpg.PostgresError, *GONE) as error:
        if is_away(error):
            raise Busy from error
        raise
