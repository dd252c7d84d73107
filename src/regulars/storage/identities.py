"""Identities of what is configured rather than decided; and those that have served their time."""

from datetime import datetime

from regulars.domain.commands import Identity
from regulars.domain.errors import IdentityReused
from regulars.storage.database import Connection


async def made(connection: Connection, program_id: int, identity: Identity) -> int | None:
    """The id of what was made under this identity; None when it is new. Raises IdentityReused."""
    stored: bytes | None = await connection.fetchval(
        "select fingerprint from identities where program_id = $1 and scope = $2 and key = $3",
        program_id,
        identity.scope,
        identity.key,
    )
    if stored is None:
        return None
    if not stored.startswith(identity.fingerprint) or len(stored) != len(identity.fingerprint) + 8:
        raise IdentityReused(key=identity.key)
    return int.from_bytes(stored[-8:])


async def keep(connection: Connection, program_id: int, identity: Identity, *, made: int) -> None:
    """Remembers what was made under an identity: its id stands behind the fingerprint."""
    await connection.execute(
        "insert into identities (program_id, scope, key, fingerprint, at) values ($1, $2, $3, $4, $5)",
        program_id,
        identity.scope,
        identity.key,
        identity.fingerprint + made.to_bytes(8),
        identity.at,
    )


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
