"""What a database holds, at one moment: to be written into a backup, and compared after a restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from regulars.storage.database import Connection, Database

_TABLES = """
    select tablename from pg_tables where schemaname = 'public' order by tablename
"""
_CHAINS = "select program_id, movement, encode(chain, 'hex') as chain from heads order by program_id"


class Chain(msgspec.Struct, frozen=True):
    """A program's book in two words: how many movements it has, and the hash of the last, in hex."""

    program_id: int
    movements: int
    chain: str


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """`migration`: the number of the last one. `rows` of each table. `postgres`: its major version."""

    postgres: int
    migration: int
    rows: dict[str, int]
    chains: list[Chain]


@asynccontextmanager
async def shared_snapshot(database: Database) -> AsyncIterator[tuple[Connection, str]]:
    """A connection that sees one moment, for a block, and the name by which others see the same."""
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(
            "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
        )
        yield connection, await connection.fetchval("select pg_export_snapshot()")


async def contents(connection: Connection) -> Contents:
    """Counts everything that is there, as the connection's transaction sees it."""
    number = int(await connection.fetchval("show server_version_num"))
    tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
    rows = {table: await connection.fetchval(f'select count(*) from "{table}"') for table in tables}
    return Contents(
        postgres=number // 10_000,
        migration=await connection.fetchval("select max(number) from schema_migrations") or 0,
        rows=rows,
        chains=[Chain(*row) for row in await connection.fetch(_CHAINS)],
    )


async def gather_statistics(connection: Connection) -> None:
    """Tells the planner how large the tables are, which a restore does not."""
    await connection.execute("analyze")
