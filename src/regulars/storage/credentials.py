"""What callers show: found by one look-up text over all programs, kept with its program."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from regulars.storage.database import Connection


async def find(connection: Connection, lookup: str, now: datetime) -> Record | None:
    """The credential of this look-up text, if it is neither revoked nor at its end."""
    return await connection.fetchrow(
        """
        select program_id, credential_id, kind, name, site_id, scopes, secret, settings, created_at
          from credentials
         where lookup = $1 and revoked_at is null and (expires_at is null or expires_at > $2)
        """,
        lookup,
        now,
    )


async def note_used(connection: Connection, credential_ids: Sequence[int], at: datetime) -> None:
    """Remembers that these were used, each in its program."""
    await connection.execute(
        "update credentials set last_used_at = $2 where credential_id = any($1::bigint[])",
        list(credential_ids),
        at,
    )


async def add(
    connection: Connection,
    program_id: int,
    *,
    lookup: str,
    kind: str,
    name: str,
    site_id: int | None,
    scopes: Sequence[str],
    secret: bytes | None,
    at: datetime,
    expires_at: datetime | None = None,
    settings: str = "{}",
) -> int:
    """Stores a credential. Answers its id."""
    credential_id: int = await connection.fetchval(
        """
        insert into credentials
               (lookup, program_id, kind, name, site_id, scopes, secret, created_at, expires_at, settings)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning credential_id
        """,
        lookup,
        program_id,
        kind,
        name,
        site_id,
        list(scopes),
        secret,
        at,
        expires_at,
        settings,
    )
    return credential_id


async def of_program(connection: Connection, program_id: int) -> list[Record]:
    """All credentials of a program, revoked ones too, oldest first."""
    rows: list[Record] = await connection.fetch(
        "select * from credentials where program_id = $1 order by credential_id", program_id
    )
    return rows


async def revoke(connection: Connection, program_id: int, credential_id: int, at: datetime) -> bool:
    """Ends a credential, once. False when there is none, or it had ended."""
    status = await connection.execute(
        "update credentials set revoked_at = $3 "
        "where program_id = $1 and credential_id = $2 and revoked_at is null",
        program_id,
        credential_id,
        at,
    )
    return bool(status.endswith(" 1"))
