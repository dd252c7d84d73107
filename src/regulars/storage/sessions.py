"""Sessions of staff, the browsers that are known, and what was tried in vain."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from regulars.storage.database import Connection


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in, or that still owes the second factor."""

    session_id: int
    staff_id: int
    second_factor_due: bool
    ip: str
    user_agent: str
    flash: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime


async def begin(
    connection: Connection,
    session_hash: bytes,
    *,
    staff_id: int,
    second_factor_due: bool,
    ip: str,
    user_agent: str,
    at: datetime,
    ends_at: datetime,
) -> None:
    await connection.execute(
        """
        insert into staff_sessions (session_hash, staff_id, second_factor_due, ip, user_agent, began_at,
                                    seen_at, ends_at)
        values ($1, $2, $3, $4, $5, $6, $6, $7)
        """,
        session_hash,
        staff_id,
        second_factor_due,
        ip,
        user_agent,
        at,
        ends_at,
    )


async def find(connection: Connection, session_hash: bytes, now: datetime, idle: timedelta) -> Session | None:
    """The session, if it has not ended and was seen within `idle`."""
    row = await connection.fetchrow(
        "select * from staff_sessions where session_hash = $1 and ends_at > $2 and seen_at > $3",
        session_hash,
        now,
        now - idle,
    )
    return _session(row) if row is not None else None


async def seen(connection: Connection, session_id: int, at: datetime) -> None:
    await connection.execute("update staff_sessions set seen_at = $2 where session_id = $1", session_id, at)


async def set_flash(connection: Connection, session_id: int, flash: str) -> None:
    """What the session's next page says; empty: nothing."""
    await connection.execute("update staff_sessions set flash = $2 where session_id = $1", session_id, flash)


async def of_staff(connection: Connection, staff_id: int, now: datetime, idle: timedelta) -> list[Session]:
    """The sessions of a person that are open, the last seen first."""
    rows = await connection.fetch(
        """
        select * from staff_sessions
         where staff_id = $1 and ends_at > $2 and seen_at > $3 and not second_factor_due order by seen_at desc
        """,
        staff_id,
        now,
        now - idle,
    )
    return [_session(row) for row in rows]


async def end(connection: Connection, session_hash: bytes) -> None:
    await connection.execute("delete from staff_sessions where session_hash = $1", session_hash)


async def end_one(connection: Connection, staff_id: int, session_id: int) -> bool:
    """Ends one session of a person; False when there was none."""
    answer = await connection.execute(
        "delete from staff_sessions where staff_id = $1 and session_id = $2", staff_id, session_id
    )
    return answer.endswith(" 1")


async def end_all(connection: Connection, staff_id: int, *, but: int | None = None) -> None:
    """Ends a person's sessions, all `but` one if it is given."""
    await connection.execute(
        "delete from staff_sessions where staff_id = $1 and session_id is distinct from $2", staff_id, but
    )


async def clear(connection: Connection, now: datetime, idle: timedelta) -> None:
    """Deletes what has ended: sessions, and tries that were longer ago than a day."""
    await connection.execute(
        "delete from staff_sessions where ends_at <= $1 or seen_at <= $2", now, now - idle
    )
    await connection.execute("delete from sign_in_tries where last_at < $1", now - timedelta(days=1))


# -- browsers that are known


async def is_known(connection: Connection, staff_id: int, device_hash: bytes) -> bool:
    known: bool = await connection.fetchval(
        "select exists (select from staff_devices where staff_id = $1 and device_hash = $2)",
        staff_id,
        device_hash,
    )
    return known


async def know(connection: Connection, staff_id: int, device_hash: bytes, at: datetime) -> None:
    """Remembers a browser; of many, the twenty that were used last."""
    await connection.execute(
        """
        insert into staff_devices (staff_id, device_hash, used_at) values ($1, $2, $3)
        on conflict (staff_id, device_hash) do update set used_at = excluded.used_at
        """,
        staff_id,
        device_hash,
        at,
    )
    await connection.execute(
        """
        delete from staff_devices where staff_id = $1 and device_hash not in
               (select device_hash from staff_devices where staff_id = $1 order by used_at desc limit 20)
        """,
        staff_id,
    )


async def forget_devices(connection: Connection, staff_id: int) -> None:
    await connection.execute("delete from staff_devices where staff_id = $1", staff_id)


# -- tries


async def lock_tries(
    connection: Connection, tried: Sequence[bytes], at: datetime
) -> Mapping[bytes, tuple[int, datetime, datetime]]:
    """(tries, the last, free again at) of each, locked in the order of the hashes: none waits in a ring.

    What was never tried gets a row first: without one, many first tries at once would all count as the first.
    """
    ordered = sorted(tried)
    await connection.execute(
        """
        insert into sign_in_tries (tried_hash, tries, last_at, free_at)
        select hash, 0, $2, $2 from unnest($1::bytea[]) as hash on conflict do nothing
        """,
        ordered,
        at,
    )
    rows = await connection.fetch(
        """
        select tried_hash, tries, last_at, free_at from sign_in_tries where tried_hash = any($1::bytea[])
         order by tried_hash for update
        """,
        ordered,
    )
    return {row["tried_hash"]: (row["tries"], row["last_at"], row["free_at"]) for row in rows}


async def count_try(
    connection: Connection, tried_hash: bytes, *, tries: int, at: datetime, free_at: datetime
) -> None:
    """Sets what `lock_tries` has locked."""
    await connection.execute(
        "update sign_in_tries set tries = $2, last_at = $3, free_at = $4 where tried_hash = $1",
        tried_hash,
        tries,
        at,
        free_at,
    )


async def forget_tries(connection: Connection, tried: Sequence[bytes]) -> None:
    await connection.execute("delete from sign_in_tries where tried_hash = any($1::bytea[])", list(tried))


def _session(row: Record) -> Session:
    return Session(**{name: row[name] for name in Session.__struct_fields__})
