"""The pool, and what it refuses to trust."""

import asyncio

import asyncpg
import pytest

from regulars.storage.database import Database, NotDurable, TooOld, is_local_socket


async def test_a_pool_lends_connections_and_closes(database: str) -> None:
    pool = await Database.connect(database, most=2)
    async with pool.acquire() as connection:
        assert await connection.fetchval("select now() at time zone 'utc' is not null")
        assert await connection.fetchval("show jit") == "off"
    await pool.close()
    with pytest.raises(asyncpg.InterfaceError):
        async with pool.acquire():
            pass


async def test_waiting_for_a_connection_has_an_end(database: str) -> None:
    pool = await Database.connect(database, most=1)
    async with pool.acquire():
        with pytest.raises(TimeoutError):
            async with pool.acquire_until(asyncio.get_running_loop().time() + 0.05):
                pass
    await pool.close()


async def test_closing_doesnt_wait_for_ever_for_a_borrower(database: str) -> None:
    pool = await Database.connect(database, most=2)
    async with pool.acquire():
        await asyncio.wait_for(pool.close(patience_seconds=0.1), 60)


async def test_the_statement_cache_can_be_turned_off(database: str) -> None:
    for size in (0, 100):
        pool = await Database.connect(database, most=1, statement_cache=size)
        async with pool.acquire() as connection:
            await connection.fetchval("select $1::int", 1)
            prepared = await connection.fetchval("select count(*) from pg_prepared_statements")
            assert (prepared > 0) is (size > 0)
        await pool.close()


async def test_the_bundled_server_is_durable(database: str) -> None:
    pool = await Database.connect(database)
    assert await pool.check_durability() == []
    await pool.close()


async def test_a_server_without_fsync_is_refused(postgres_15: str) -> None:
    pool = await Database.connect(postgres_15)
    with pytest.raises(NotDurable, match="fsync"):
        await pool.check_durability()
    await pool.close()


async def test_asynchronous_commit_is_a_warning(database: str) -> None:
    connection = await asyncpg.connect(database)
    name = await connection.fetchval("select current_database()")
    await connection.execute(f'alter database "{name}" set synchronous_commit = off')
    await connection.close()
    pool = await Database.connect(database)
    [warning] = await pool.check_durability()
    assert warning.startswith("synchronous_commit is off")
    await pool.close()


async def test_a_server_that_is_too_old_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.storage.database.LEAST_VERSION", 99)
    with pytest.raises(TooOld, match="99 or newer"):
        await Database.connect(database)


@pytest.mark.parametrize(
    ("dsn", "local"),
    [
        ("postgresql://regulars@/regulars?host=/home/x/db", True),
        ("postgresql://regulars@/regulars?host=%2Fhome%2Fx", True),
        ("postgresql://regulars:pw@db.example:6432/regulars", False),
        ("postgresql://db.example/regulars?host=other.example", False),
    ],
)
def test_a_socket_is_told_from_a_host(dsn: str, local: bool) -> None:
    assert is_local_socket(dsn) is local
