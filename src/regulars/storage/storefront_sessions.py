"""Shoppers' sessions, by the hash of what they show, and the count of how they were opened."""

from datetime import datetime

import msgspec

from regulars.storage.database import Connection


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it was opened. `method`: how the shopper was proved, md5, sha1, v2 or jwt."""

    credential_id: int
    site_id: int
    merchant_id: str
    origin: str
    method: str
    started_at: datetime
    expires_at: datetime


class FoundSession(msgspec.Struct, frozen=True):
    """A session, what its credential is looked up by, and that one's settings (JSON text) as they are now."""

    session: StoredSession
    lookup: str
    settings: str


_OPEN = """
    with opened as (
        insert into storefront_sessions (program_id, session_hash, credential_id, site_id, merchant_id,
                                         origin, method, started_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    )
    insert into signature_uses (program_id, credential_id, method, day, uses)
    values ($1, $3, $7, ($8 at time zone 'UTC')::date, 1)
        on conflict (program_id, credential_id, method, day) do update set uses = signature_uses.uses + 1
"""
_FIND = """
    select s.credential_id, s.site_id, s.merchant_id, s.origin, s.method, s.started_at, s.expires_at,
           c.lookup, c.settings
      from storefront_sessions s
      join credentials c on c.program_id = s.program_id and c.credential_id = s.credential_id
     where s.program_id = $1 and s.session_hash = $2 and s.expires_at > $3 and c.revoked_at is null
"""
_FORGET = """
    delete from storefront_sessions where (program_id, session_hash) in (
        select program_id, session_hash from storefront_sessions where expires_at < $1 limit $2)
"""


async def open_session(
    connection: Connection, program_id: int, session_hash: bytes, session: StoredSession
) -> None:
    """Keeps the session, and counts how it was opened."""
    await connection.execute(
        _OPEN,
        program_id,
        session_hash,
        session.credential_id,
        session.site_id,
        session.merchant_id,
        session.origin,
        session.method,
        session.started_at,
        session.expires_at,
    )


async def find(
    connection: Connection, program_id: int, session_hash: bytes, now: datetime
) -> FoundSession | None:
    """The session of this hash that lives at real time `now`, and whose credential is not revoked."""
    row = await connection.fetchrow(_FIND, program_id, session_hash, now)
    if row is None:
        return None
    values = dict(row)
    lookup, settings = values.pop("lookup"), values.pop("settings")
    return FoundSession(StoredSession(**values), lookup, settings)


async def forget(connection: Connection, *, before: datetime, most: int) -> int:
    """Deletes sessions that ended before; answers how many, at most `most`."""
    return int((await connection.execute(_FORGET, before, most)).split()[-1])


async def uses(connection: Connection, program_id: int, *, since: datetime) -> dict[tuple[int, str], int]:
    """How many sessions each (credential id, method) has opened since that day."""
    rows = await connection.fetch(
        """
        select credential_id, method, sum(uses)::bigint as uses from signature_uses
         where program_id = $1 and day >= ($2 at time zone 'UTC')::date group by credential_id, method
        """,
        program_id,
        since,
    )
    return {(row["credential_id"], row["method"]): row["uses"] for row in rows}
