"""Identities that have served their time."""

from datetime import datetime

from regulars.storage.database import Connection


async def forget(connection: Connection, program_id: int, *, scope: str, before: datetime, most: int) -> int:
    """Deletes a program's identities whose scope begins with `scope` and that are older; answers how many."""
    answer = await connection.execute(
        """
        delete from identities where program_id = $1 and (scope, key) in (
            select scope, key from identities
             where program_id = $1 and starts_with(scope, $2) and at < $3 limit $4)
        """,
        program_id,
        scope,
        before,
        most,
    )
    return int(answer.split()[-1])
