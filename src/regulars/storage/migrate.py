"""Brings a database to this version's tables: SQL files, in order, each once, each in its transaction.

Files are `schema/NNNN_name.sql`; their first line is a comment that says why. An applied file never changes.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SCHEMA = Path(__file__).with_name("schema")

# Any number that nobody else takes: two starts at once migrate one after the other.
LOCK_KEY = 7_346_911_208

LOCK_PATIENCE = "4s"
TRIES = 5

PAUSE_SECONDS = 1.0

_BOOK = """
    create table if not exists schema_migrations (
        number int primary key,
        name text not null,
        sha256 text not null,
        applied_at timestamptz not null default now()
    )
"""


class MigrationRefused(RuntimeError):
    """The database and this version of Regulars don't fit together; the message says how, and what to do."""


class Migration(NamedTuple):
    """One file: its number, its name without number and ending, and its text."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(dsn: str, *, folder: Path = SCHEMA) -> list[str]:
    """Applies what is missing; the names of what was applied, `[]` when nothing was.

    No lock is waited for longer than 4 s at a time, so that running traffic is never held up behind a waiting
    migration; it is tried again some times. Raises MigrationRefused, or asyncpg's error of the statement that
    failed.
    """
    migrations = read_migrations(folder)
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        return [
            f"{migration.number:04d}_{migration.name}"
            for migration in migrations
            if await _apply_patiently(connection, migration, migrations)
        ]
    finally:
        await connection.close()


def read_migrations(folder: Path) -> list[Migration]:
    """The files of `folder` in order. Raises MigrationRefused for a wrong name, gap or missing reason."""
    migrations = [_read(path) for path in sorted(folder.glob("*.sql"))]
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationRefused(
            f"The migrations in {folder} must be numbered 0001, 0002, … without gaps or doubles"
        )
    return migrations


def _read(path: Path) -> Migration:
    match = re.fullmatch(r"([0-9]{4})_([a-z0-9_]+)\.sql", path.name)
    if match is None:
        raise MigrationRefused(f"{path.name}: a migration is called NNNN_name.sql")
    sql = path.read_text(encoding="utf-8")
    if not re.match(r"-- \S", sql):
        raise MigrationRefused(f"{path.name}: its first line must be a comment that says why it is there")
    return Migration(int(match[1]), match[2], sql)


async def _apply_patiently(connection: Connection, migration: Migration, known: Sequence[Migration]) -> bool:
    for tries_left in reversed(range(TRIES)):
        try:
            return await _apply(connection, migration, known)
        except asyncpg.LockNotAvailableError:
            if not tries_left:
                raise
            await asyncio.sleep(PAUSE_SECONDS)  # lets whoever queued up behind us go first
    raise AssertionError


async def _apply(connection: Connection, migration: Migration, known: Sequence[Migration]) -> bool:
    """Applies one file unless it is applied already, which is looked up under the lock."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK_KEY)
        await connection.execute(_BOOK)
        rows = await connection.fetch("select number, name, sha256 from schema_migrations order by number")
        _check([Applied(*row) for row in rows], known)
        if any(row["number"] == migration.number for row in rows):
            return False
        await connection.execute(f"set local lock_timeout = '{LOCK_PATIENCE}'")
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into schema_migrations (number, name, sha256) values ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.sha256,
        )
        return True


class Applied(NamedTuple):
    """A row of schema_migrations."""

    number: int
    name: str
    sha256: str


def _check(applied: Sequence[Applied], known: Sequence[Migration]) -> None:
    ours = {migration.number: migration for migration in known}
    for row in applied:
        migration = ours.get(row.number)
        label = f"{row.number:04d}_{row.name}"
        if migration is None:
            raise MigrationRefused(
                f"The database is newer than this version of Regulars: it has had {label}, which is unknown "
                "here. Install the version that was used last, or a newer one."
            )
        if migration.sha256 != row.sha256:
            raise MigrationRefused(
                f"{label} is not the file that this database was made with. An applied migration never "
                "changes: put the old file back, and add a new one instead."
            )
