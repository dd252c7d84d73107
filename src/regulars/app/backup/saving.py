"""Saves a database while it is at work: dump and manifest are of the same moment."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from regulars import __version__
from regulars.app.backup.archive import write_archive
from regulars.app.backup.manifest import FORMAT, Manifest
from regulars.outside.postgres import Embedded
from regulars.outside.postgres_dump import dumped
from regulars.storage.contents import Contents, contents, shared_snapshot
from regulars.storage.database import Database


async def save_backup(
    database: Database,
    server: Embedded,
    path: Path,
    *,
    secret_key: str | None,
    now: datetime,
    progress: Callable[[int], None],
) -> tuple[Manifest, int]:
    """Writes the backup; answers what it says of itself, and its size in bytes.

    `progress` is told the bytes written, from a thread. Raises PostgresFailed, FileExistsError, OSError.
    """
    async with shared_snapshot(database) as (connection, snapshot):
        found: Contents = await contents(connection)
        manifest = Manifest(
            format=FORMAT, made_at=now, regulars=__version__, secret_key=secret_key, contents=found
        )
        size = await asyncio.to_thread(write_archive, path, dumped(server, snapshot), manifest, progress)
    return manifest, size
