"""Brings a backup back into a home that has no database, and holds what is there against what was saved."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from regulars.app import verify as verifying
from regulars.app.backup.archive import BadBackup, open_archive
from regulars.app.backup.manifest import Manifest
from regulars.outside.postgres import Embedded
from regulars.outside.postgres_dump import restore_dump
from regulars.storage.contents import Contents, contents, gather_statistics
from regulars.storage.database import Database
from regulars.storage.migrate import SCHEMA, read_migrations


class Target(msgspec.Struct, frozen=True):
    """Where a backup goes: a started server with an empty database, and how to bring that up to date."""

    server: Embedded
    bring_up_to_date: Callable[[str], Awaitable[None]]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """`differences`: where the database is not what the backup says, in sentences. `report`: of `verify`."""

    manifest: Manifest
    differences: list[str]
    report: verifying.Report

    @property
    def is_clean(self) -> bool:
        return not self.differences and self.report.is_clean


@contextmanager
def check_backup(path: Path, *, postgres: int) -> Iterator[tuple[Manifest, IO[bytes]]]:
    """The manifest and dump of a file that is whole and not newer than we are. Raises BadBackup, OSError.

    `postgres`: the major version of the server that it goes to.
    """
    with open_archive(path) as (manifest, dump):
        newest = read_migrations(SCHEMA)[-1].number
        if manifest.contents.migration > newest:
            raise BadBackup(
                f"{path} was made by Regulars {manifest.regulars}, whose tables are newer than ours "
                f"(migration {manifest.contents.migration}, here {newest}): install that version, or later."
            )
        if manifest.contents.postgres > postgres:
            raise BadBackup(
                f"{path} was made with PostgreSQL {manifest.contents.postgres}, and this version of Regulars "
                f"brings {postgres}. Install Regulars {manifest.regulars} or a newer one."
            )
        yield manifest, dump


async def restore(
    manifest: Manifest, dump: IO[bytes], target: Target, *, now: datetime, progress: Callable[[str], None]
) -> Restored:
    """Restores, compares, brings up to date and verifies. Raises PostgresFailed, with nothing restored."""
    progress("Restoring")
    await asyncio.to_thread(restore_dump, target.server, dump)
    database = await Database.connect(target.server.dsn, most=4)
    try:
        progress("Comparing")
        async with database.acquire() as connection:
            await gather_statistics(connection)
            found = await contents(connection)
        await target.bring_up_to_date(target.server.dsn)
        report = await verifying.verify(database, now=now, progress=progress)
    finally:
        await database.close()
    differences = list(_differences(manifest.contents, found))
    return Restored(manifest=manifest, differences=differences, report=report)


def _differences(saved: Contents, found: Contents) -> Iterator[str]:
    for table in sorted(saved.rows.keys() | found.rows.keys()):
        before, now = saved.rows.get(table), found.rows.get(table)
        if before != now:
            yield f"{table}: {now} rows, where there were {before}"
    chains = {chain.program_id: chain for chain in found.chains}
    for chain in saved.chains:
        there = chains.get(chain.program_id)
        if there != chain:
            seen = "is not there" if there is None else f"ends in {there.chain[:16]}… ({there.movements:,})"
            wanted = f"{chain.chain[:16]}… ({chain.movements:,})"
            yield f"program {chain.program_id}: its book {seen}, where it ended in {wanted}"
