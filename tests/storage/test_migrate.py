"""Migrations: each file once, in order, never changed afterwards, never the cause of a standstill."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.conftest import fresh_database

from regulars.storage import migrate as module
from regulars.storage.migrate import SCHEMA, MigrationRefused, migrate, read_migrations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_shops.sql").write_text("-- Shops come first.\ncreate table shop (id int);\n")
    (tmp_path / "0002_visits.sql").write_text(
        "-- Who came.\ncreate table visit (shop_id int);\ninsert into shop values (7);\n"
    )
    return tmp_path


async def test_each_file_is_applied_once_in_order(empty_database: str, folder: Path) -> None:
    assert await migrate(empty_database, folder=folder) == ["0001_shops", "0002_visits"]
    assert await migrate(empty_database, folder=folder) == []
    assert await fetchval(empty_database, "select count(*) from shop") == 1
    (folder / "0003_more.sql").write_text("-- More.\nalter table shop add name text;\n")
    assert await migrate(empty_database, folder=folder) == ["0003_more"]


async def test_a_folder_without_files_is_fine(empty_database: str, tmp_path: Path) -> None:
    assert await migrate(empty_database, folder=tmp_path) == []


async def test_a_file_that_fails_leaves_nothing_of_itself_behind(empty_database: str, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text("-- Bad.\ncreate table half (id int);\nselect 1 / 0;\n")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database, folder=folder)
    assert await fetchval(empty_database, "select to_regclass('half')") is None
    assert await fetchval(empty_database, "select max(number) from schema_migrations") == 2


async def test_many_that_start_at_once_apply_each_file_once(empty_database: str, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate(empty_database, folder=folder) for _ in range(6)))
    assert sorted(name for names in applied for name in names) == ["0001_shops", "0002_visits"]
    assert await fetchval(empty_database, "select count(*) from shop") == 1


async def test_a_changed_file_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder=folder)
    (folder / "0001_shops.sql").write_text("-- Shops come first.\ncreate table shop (id bigint);\n")
    with pytest.raises(MigrationRefused, match="0001_shops is not the file"):
        await migrate(empty_database, folder=folder)


async def test_a_database_from_a_newer_version_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder=folder)
    (folder / "0002_visits.sql").unlink()
    with pytest.raises(MigrationRefused, match="newer than this version"):
        await migrate(empty_database, folder=folder)


async def test_a_lock_that_somebody_holds_for_a_moment_is_waited_for(
    empty_database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty_database, folder=folder)
    (folder / "0003_more.sql").write_text("-- More.\nalter table shop add name text;\n")
    monkeypatch.setattr(module, "LOCK_PATIENCE", "100ms")
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.1)
    holder = await asyncpg.connect(empty_database)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("insert into shop values (8)")
    migrating = asyncio.create_task(migrate(empty_database, folder=folder))
    while await holder.fetchval("select count(*) from pg_locks where not granted") == 0:
        await asyncio.sleep(0)
    while await holder.fetchval("select count(*) from pg_locks where not granted") > 0:
        await asyncio.sleep(0)  # it gave up its place in the queue, so that others get on
    await transaction.commit()
    assert await migrating == ["0003_more"]
    await holder.close()


async def test_a_lock_that_is_never_given_up_ends_the_waiting(
    empty_database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty_database, folder=folder)
    (folder / "0003_more.sql").write_text("-- More.\nalter table shop add name text;\n")
    monkeypatch.setattr(module, "LOCK_PATIENCE", "50ms")
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    holder = await asyncpg.connect(empty_database)
    async with holder.transaction():
        await holder.execute("lock table shop in access share mode")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await migrate(empty_database, folder=folder)
    await holder.close()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("3_more.sql", "-- Why.\n", "NNNN_name"),
        ("0003_More.sql", "-- Why.\n", "NNNN_name"),
        ("0003_more.sql", "create table more (id int);\n", "says why"),
        ("0003_more.sql", "--\n", "says why"),
        ("0004_more.sql", "-- Why.\n", "without gaps"),
        ("0002_more.sql", "-- Why.\n", "without gaps"),
    ],
)
def test_files_keep_to_their_form(folder: Path, name: str, content: str, complaint: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(MigrationRefused, match=complaint):
        read_migrations(folder)


def test_our_own_files_keep_to_their_form() -> None:
    assert read_migrations(SCHEMA)


@pytest.fixture
def old(postgres_15: str) -> Iterator[str]:
    """The DSN of an empty database on PostgreSQL 15."""
    yield from fresh_database(postgres_15, "template0")


async def test_our_own_files_make_the_same_tables_on_postgresql_15(old: str, database: str) -> None:
    assert await fetchval(old, "select current_setting('server_version_num')::int / 10000") == 15
    names = [f"{migration.number:04d}_{migration.name}" for migration in read_migrations(SCHEMA)]
    assert await migrate(old) == names
    assert await columns(old) == await columns(database)


async def fetchval(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def columns(dsn: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "select table_name, column_name, data_type, is_nullable, column_default "
            "from information_schema.columns where table_schema = 'public' "
            "order by table_name, ordinal_position"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()
