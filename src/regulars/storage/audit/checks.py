"""A check is one statement that finds what violates an invariant: who, what was seen, what had to be.

Each takes the program as $1 and answers rows of (subject, saw, expected), none when all is well.
"""

from typing import Any

import msgspec

from regulars.storage.database import Connection


class Check(msgspec.Struct, frozen=True):
    """One statement for one invariant; `arguments` follow the program's id."""

    invariant: str
    sql: str
    arguments: tuple[Any, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """One violation, in words."""

    subject: str
    saw: str
    expected: str


async def find(
    connection: Connection, check: Check, program_id: int, *, most: int
) -> tuple[int, list[Finding]]:
    """How many violations the check finds in the program, and the first `most` of them."""
    rows = await connection.fetch(
        f"select subject, saw, expected, count(*) over () as total from ({check.sql}) f limit {most:d}",
        program_id,
        *check.arguments,
    )
    found = [Finding(row["subject"], row["saw"] or "nothing", row["expected"]) for row in rows]
    return (rows[0]["total"] if rows else 0), found
