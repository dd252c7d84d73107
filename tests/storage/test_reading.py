"""Reads have a deadline of their own, and a database that can't answer is one error: Busy."""

import asyncpg
import pytest

from regulars.domain.errors import Busy
from regulars.storage.database import Database
from regulars.storage.reading import reading


async def test_a_read_that_takes_too_long_is_given_up_and_the_next_one_works(database: str) -> None:
    house = await Database.connect(database, most=1)
    with pytest.raises(Busy):
        async with reading(house, patience_seconds=0.2) as connection:
            await connection.execute("select pg_sleep(60)")
    async with reading(house) as connection:
        assert await connection.fetchval("select 1") == 1
    await house.close()


async def test_a_lost_connection_is_busy(database: str) -> None:
    house = await Database.connect(database, most=1)
    with pytest.raises(Busy):
        async with reading(house) as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    await house.close()


async def test_a_closed_pool_is_busy(database: str) -> None:
    house = await Database.connect(database, most=1)
    await house.close()
    with pytest.raises(Busy):
        async with reading(house):
            pass


async def test_a_mistake_of_ours_is_not_hidden(database: str) -> None:
    house = await Database.connect(database, most=1)
    with pytest.raises(asyncpg.UndefinedTableError):
        async with reading(house) as connection:
            await connection.fetch("select * from no_such_table")
    await house.close()


async def test_long_reads_never_hold_all_connections(database: str) -> None:
    house = await Database.connect(database, most=3)
    async with reading(house, long=True), reading(house, long=True):
        with pytest.raises(Busy):
            async with reading(house, long=True, patience_seconds=0.2):
                pass
        async with reading(house) as connection:
            assert await connection.fetchval("select 1") == 1
    async with reading(house, long=True) as connection:
        assert await connection.fetchval("select 1") == 1
    await house.close()
