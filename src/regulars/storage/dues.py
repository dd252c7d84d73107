"""Accounts on which something has fallen due."""

from datetime import datetime

from regulars.storage.database import Connection


async def due_customers(connection: Connection, program_id: int, now: datetime, *, most: int) -> list[int]:
    """Customers with something due by program time `now`, longest due first."""
    rows = await connection.fetch(
        "select customer_id from accounts where program_id = $1 and next_due_at <= $2 "
        "order by next_due_at limit $3",
        program_id,
        now,
        most,
    )
    return [row["customer_id"] for row in rows]


async def programs_with_clocks(connection: Connection) -> list[tuple[int, int]]:
    """(program id, how many seconds its time is ahead of real time) of every program."""
    rows = await connection.fetch("select program_id, clock_offset_seconds from heads order by program_id")
    return [(row["program_id"], row["clock_offset_seconds"]) for row in rows]
