"""What callers show: found by one look-up text over all programs, kept with its program."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from regulars.storage.database import Connection


async def find(connection: Connection, lookups: Sequence[str]) -> list[Record]:
    """The credentials of these look-up texts that are not revoked."""
    rows: list[Record] = await connection.fetch(
        """
        select lookup, program_id, credential_id, kind, name, site_id, scopes, secret, settings, created_at
          from credentials where lookup = any($1::text[]) and revoked_at is null
        """,
        list(lookups),
    )
    return rows


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
) -> int:
    """Stores a credential. Answers its id."""
    credential_id: int = await connection.fetchval(
        """
        insert into credentials (lookup, program_id, kind, name, site_id, scopes, secret, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) returning credential_id
        """,
        lookup,
        program_id,
        kind,
        name,
        site_id,
        list(scopes),
        secret,
        at,
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


async def set_settings(connection: Connection, program_id: int, credential_id: int, settings: str) -> None:
    """Replaces a credential's settings (JSON text)."""
    await connection.execute(
        "update credentials set settings = $3 where program_id = $1 and credential_id = $2",
        program_id,
        credential_id,
        settings,
    )
