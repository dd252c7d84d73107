"""Identities are remembered for good, but those of signed bodies: they count within a window alone."""

from datetime import datetime, timedelta
from typing import Final

from regulars.app.integrations import LONGEST_WINDOW_SECONDS
from regulars.storage import identities, programs
from regulars.storage.database import Database

BODY_SCOPE: Final = "body:"
"""How the scopes of signed bodies begin."""
FORGOTTEN_AT_ONCE: Final = 5000


async def forget_bodies(database: Database, *, now: datetime) -> int:
    """Deletes the identities of bodies older than the longest window; answers how many."""
    before = now - timedelta(seconds=LONGEST_WINDOW_SECONDS)
    forgotten = 0
    async with database.acquire() as connection:
        for program_id in await programs.ids(connection):
            while True:
                deleted = await identities.forget(
                    connection, program_id, scope=BODY_SCOPE, before=before, most=FORGOTTEN_AT_ONCE
                )
                forgotten += deleted
                if deleted < FORGOTTEN_AT_ONCE:
                    break
    return forgotten
