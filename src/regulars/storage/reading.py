"""Reads outside a batch: a deadline of our own, and one error for a database that can't answer now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final, TypeVar

import asyncpg

from regulars.deadline import deadline, soonest
from regulars.domain.errors import Busy
from regulars.storage.database import GONE, Connection, Database, is_away

T = TypeVar("T")

PATIENCE_SECONDS: Final = 2.0


@asynccontextmanager
async def reading(
    database: Database, *, patience_seconds: float = PATIENCE_SECONDS, long: bool = False
) -> AsyncIterator[Connection]:
    """A connection for reads done within `patience_seconds`, and by the request's deadline. Raises Busy when
    the database can't answer now.

    A frozen server heeds no timeout of its own, so the clock is ours, and its connection is dropped. Reads
    that may be `long` never hold all connections: whoever waits for a locked table keeps nobody else waiting.
    """
    place = database.long_reads if long else nullcontext()
    until = soonest(patience_seconds)
    try:
        async with asyncio.timeout_at(until), place, database.acquire_until(until) as connection:
            yield connection
    except (asyncpg.PostgresError, *GONE) as error:
        if is_away(error):
            raise Busy from error
        raise


async def shared(task: "asyncio.Task[T]") -> T:
    """What the task brings, for which others may wait as well. Raises Busy at the request's deadline."""
    try:
        async with asyncio.timeout_at(deadline()):
            return await asyncio.shield(task)
    except TimeoutError:
        raise Busy from None
