"""What a program's widget looks like, and which origins its shops have."""

from datetime import datetime
from typing import Final

from regulars.storage.database import Connection

CHANGES: Final = 1_919_251_316
"""The class of the advisory locks under which changes of one widget follow each other."""


async def load(connection: Connection, program_id: int) -> str | None:
    """The widget's settings (JSON text); None when nobody has changed any."""
    settings: str | None = await connection.fetchval(
        "select settings from widgets where program_id = $1", program_id
    )
    return settings


async def lock(connection: Connection, program_id: int) -> None:
    """Keeps others from changing this widget until the transaction ends, whether it is stored yet or not."""
    await connection.execute("select pg_advisory_xact_lock($1, $2)", CHANGES, program_id % 2**31)


async def save(connection: Connection, program_id: int, settings: str, at: datetime) -> None:
    """Keeps the widget's settings (JSON text) in place of what was there."""
    await connection.execute(
        """
        insert into widgets (program_id, settings, updated_at) values ($1, $2, $3)
            on conflict (program_id) do update
            set settings = excluded.settings, updated_at = excluded.updated_at
        """,
        program_id,
        settings,
        at,
    )


async def is_origin(connection: Connection, origin: str) -> bool:
    """Whether any program has a shop at this origin."""
    found: bool = await connection.fetchval("select exists (select from sites where domain = $1)", origin)
    return found
