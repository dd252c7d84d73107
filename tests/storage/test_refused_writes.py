"""What is known of a server that takes no writes, and what becomes of who holds a head row in silence."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests import make
from tests.conftest import fresh_database, in_thread

from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.app.vault import Vault
from regulars.domain.errors import Busy, Late
from regulars.storage import heads
from regulars.storage.database import Database, is_away
from regulars.storage.migrate import migrate


@pytest.fixture(params=["bundled", "15"])
def either(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database of the bundled server, and of the oldest that we work with."""
    if request.param == "bundled":
        yield request.getfixturevalue("database")
        return
    for dsn in fresh_database(request.getfixturevalue("postgres_15"), "template0"):
        in_thread(migrate(dsn))
        yield dsn


async def a_program(database: Database, house: House) -> int:
    made = await create_program(
        database, house.vault, name="Tea", domain="https://tea.example", currency="GBP", now=make.NOON
    )
    return made.program_id


async def test_health_says_that_the_database_is_read_only_for_as_long_as_it_is(
    database: str, tmp_path: Path
) -> None:
    house = await House.open(make.settings(tmp_path, deadline_seconds=1), database)
    shop = await a_program(house.database, house)
    assert (await house.health()).status == "ok"

    await read_only(database, "on")
    with pytest.raises(Late):
        await house.engine.submit(shop, make.order())
    health = await house.health()
    assert health.status == "degraded"
    assert health.checks["saving"] == "the database is read-only: nothing can be saved"
    assert health.checks["database"] == "answers"

    await read_only(database, "off")
    assert (await house.health()).status == "ok"
    await house.engine.submit(shop, make.order())
    await house.close()


async def read_only(dsn: str, state: str) -> None:
    """For whoever comes from now on; who was there has to come again."""
    connection = await asyncpg.connect(dsn)
    name = await connection.fetchval("select current_database()")
    await connection.execute("set default_transaction_read_only = off")
    await connection.execute(f'alter database "{name}" set default_transaction_read_only = {state}')
    await connection.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_who_holds_a_head_row_in_silence_loses_it_and_others_go_on(either: str, tmp_path: Path) -> None:
    database = await Database.connect(either)
    house = House(make.settings(tmp_path), database, Vault(bytes(32)), lambda: make.NOON, [])
    shop = await a_program(database, house)
    silent = await asyncpg.connect(either)
    await silent.execute("begin")
    assert await heads.lock(silent, shop) is not None  # type: ignore[arg-type]
    answered = asyncio.create_task(taken(house, shop))
    async with asyncio.timeout(heads.SILENCE_SECONDS + 3):
        await answered
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as lost:
        await silent.execute("commit")
    assert is_away(lost.value)
    await silent.close()
    await house.close()


async def test_who_holds_a_head_row_and_goes_on_asking_keeps_it(either: str, tmp_path: Path) -> None:
    database = await Database.connect(either)
    house = House(make.settings(tmp_path), database, Vault(bytes(32)), lambda: make.NOON, [])
    shop = await a_program(database, house)
    async with database.acquire() as busy, busy.transaction():
        assert await heads.lock(busy, shop) is not None
        await busy.execute(f"select pg_sleep({heads.SILENCE_SECONDS + 0.5})")
    async with database.acquire() as next_one:
        shown = await next_one.fetchval("show idle_in_transaction_session_timeout")
        assert shown == "0"  # it was for that transaction alone
    await house.close()


async def taken(house: House, shop: int) -> None:
    """Sends an order until it is taken."""
    order = make.order()
    while True:
        try:
            await house.engine.submit(shop, order)
        except (Busy, Late):
            continue
        return
