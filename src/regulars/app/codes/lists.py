"""A pool's codes as staff read them, page by page or as a file."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from regulars.app import audit
from regulars.app.access import Who
from regulars.app.spreadsheets import Cell, stream
from regulars.domain.rewards import CodeState
from regulars.storage import codes as storage
from regulars.storage.codes import StoredCode
from regulars.storage.database import Database
from regulars.storage.reading import reading

AT_ONCE: Final = 5_000
"""Codes in one part of an export."""


async def list_codes(
    database: Database,
    program_id: int,
    reward_id: int,
    *,
    state: CodeState | None = None,
    after: str = "",
    most: int = 100,
) -> list[StoredCode]:
    """A reward's codes by key, from the one after the key `after` on. Raises Busy."""
    async with reading(database, long=True) as connection:
        return await storage.listed(connection, program_id, reward_id, state=state, after=after, most=most)


async def export_codes(
    database: Database,
    program_id: int,
    reward_id: int,
    *,
    state: CodeState | None = None,
    by: Who,
    now: datetime,
) -> AsyncIterator[bytes]:
    """The codes as parts of a CSV file that no spreadsheet executes; the audit log says first who took them
    out. Raises Busy, as it goes, too."""
    async with database.acquire() as connection, connection.transaction():
        await audit.record_as(
            connection,
            program_id,
            actor=by.actor,
            name=by.name,
            action="export codes",
            subject=f"reward {reward_id}",
            after={} if state is None else {"state": state},
            now=now,
        )
    headings = ("code", "state", "source", "claimed_reward", "created_at")
    return stream(headings, _export_pages(database, program_id, reward_id, state))


async def _export_pages(
    database: Database, program_id: int, reward_id: int, state: CodeState | None
) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    after = ""
    while True:
        found = await list_codes(database, program_id, reward_id, state=state, after=after, most=AT_ONCE)
        yield [(one.code, one.state, one.source, one.claim_id, one.created_at) for one in found]
        if len(found) < AT_ONCE:
            return
        after = found[-1].key
