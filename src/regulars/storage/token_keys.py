"""Keys that sign shoppers' tokens, and the tokens that were used up."""

from datetime import datetime

import msgspec

from regulars.storage.database import Connection


class TokenKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key by its public `kid`; `secret` is encrypted. It counts until `retires_at`."""

    kid: str
    secret: bytes
    created_at: datetime
    retires_at: datetime | None


async def of_credential(connection: Connection, program_id: int, credential_id: int) -> list[TokenKey]:
    """The credential's keys, newest first, those that have retired too."""
    rows = await connection.fetch(
        "select kid, secret, created_at, retires_at from token_keys "
        "where program_id = $1 and credential_id = $2 order by created_at desc, kid",
        program_id,
        credential_id,
    )
    return [TokenKey(**dict(row)) for row in rows]


async def lock(connection: Connection, program_id: int, credential_id: int) -> str | None:
    """The settings (JSON text) of a credential, which nobody else changes until the transaction ends."""
    settings: str | None = await connection.fetchval(
        "select settings from credentials where program_id = $1 and credential_id = $2 for update",
        program_id,
        credential_id,
    )
    return settings


async def add(connection: Connection, program_id: int, credential_id: int, key: TokenKey) -> None:
    """Keeps one more key."""
    await connection.execute(
        "insert into token_keys (program_id, kid, credential_id, secret, created_at, retires_at) "
        "values ($1, $2, $3, $4, $5, $6)",
        program_id,
        key.kid,
        credential_id,
        key.secret,
        key.created_at,
        key.retires_at,
    )


async def retire(connection: Connection, program_id: int, kid: str, at: datetime) -> None:
    """Lets a key count until then and no longer."""
    await connection.execute(
        "update token_keys set retires_at = $3 where program_id = $1 and kid = $2", program_id, kid, at
    )


async def use_up(
    connection: Connection,
    program_id: int,
    credential_id: int,
    jti: str,
    *,
    used_for: bytes,
    expires_at: datetime,
) -> bool:
    """Marks a token as used for one purpose. False when it was used for another before."""
    found: bytes = await connection.fetchval(
        """
        insert into used_tokens (program_id, credential_id, jti, used_for, expires_at)
        values ($1, $2, $3, $4, $5)
            on conflict (program_id, credential_id, jti) do update set used_for = used_tokens.used_for
        returning used_for
        """,
        program_id,
        credential_id,
        jti,
        used_for,
        expires_at,
    )
    return found == used_for


async def forget_used(connection: Connection, *, before: datetime, most: int) -> int:
    """Deletes used tokens that would have expired before; answers how many, at most `most`."""
    answer = await connection.execute(
        """
        delete from used_tokens where (program_id, credential_id, jti) in (
            select program_id, credential_id, jti from used_tokens where expires_at < $1 limit $2)
        """,
        before,
        most,
    )
    return int(answer.split()[-1])
