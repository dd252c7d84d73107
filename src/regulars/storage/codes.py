"""Coupon codes as staff bring them in, look at them and make them void; what batches do to them is in claims.

Codes are stored before the head row is locked: while a long upload is at work, orders pass it by.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec
from asyncpg import Record

from regulars.deadline import soonest
from regulars.domain.commands import Identity
from regulars.domain.decisions import Decision
from regulars.domain.errors import Busy, Rejected, Unsure
from regulars.domain.rewards import CodeSource, CodeState, Stock
from regulars.storage import decisions as saving
from regulars.storage import heads
from regulars.storage.claims import stock_from
from regulars.storage.database import GONE, Connection, Database, is_away
from regulars.storage.heads import Head
from regulars.storage.tables import CODES, STOCKS

UPLOADS: Final = 1_919_251_315
"""The class of the advisory locks under which uploads of one program follow each other."""
PATIENCE: Final = "10s"
"""For another upload's end, and for the head row."""

_REPLACE_STOCK = STOCKS.replacing("reward_id")
_VOID = "update codes set state = 'void' where program_id = $1 and code_key = any($2::text[])"
_VOID_SOME = """
    update codes set state = 'void' where program_id = $1 and code_key in (
        select code_key from codes where program_id = $1 and reward_id = $2 and state = 'free'
         order by slot limit $3)
"""
_LISTED = """
    select * from codes where program_id = $1 and reward_id = $2 and code_key > $3 {wanted}
     order by code_key limit $4
"""


class StoredCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it is listed. `claim_id`: the claimed reward that it was handed out to."""

    key: str
    code: str
    reward_id: int
    source: CodeSource
    state: CodeState
    claim_id: int | None
    created_at: datetime


@asynccontextmanager
async def writing(
    database: Database, *, patience_seconds: float = 10.0, long: bool = False
) -> AsyncIterator[Connection]:
    """A transaction of its own within `patience_seconds`, and by the request's deadline, committed at the end
    of the block. What may be `long` never holds all connections.

    Raises Busy when nothing happened for lack of an answer or a lock, Unsure when COMMIT was not answered,
    Rejected for content that the database refuses.
    """
    is_committing = False
    place = database.long_reads if long else nullcontext()
    until = soonest(patience_seconds)
    try:
        async with asyncio.timeout_at(until), place, database.acquire_until(until) as connection:
            try:
                await connection.execute(
                    f"begin isolation level read committed; set local lock_timeout = '{PATIENCE}'"
                )
                yield connection
                is_committing = True
                await connection.execute("commit")
            except Exception as error:
                if is_committing or is_away(error):
                    connection.terminate()
                else:
                    await connection.execute("rollback")
                raise
            except BaseException:
                connection.terminate()
                raise
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        if state[:2] in ("22", "23"):
            raise Rejected(sqlstate=state) from error
        if state[:2] in ("40", "55") or is_away(error):
            raise (Unsure() if is_committing and is_away(error) else Busy()) from error
        raise
    except GONE as error:
        raise (Unsure() if is_committing else Busy()) from error


async def queue_up(connection: Connection, program_id: int) -> None:
    """Waits until no other upload of this program is at work, and keeps others waiting."""
    await connection.execute("select pg_advisory_xact_lock($1, $2)", UPLOADS, program_id % 2**31)


async def known(connection: Connection, program_id: int, keys: Sequence[str]) -> dict[str, StoredCode]:
    """Those of these codes that the program has, by key, whichever reward's they are."""
    rows = await connection.fetch(
        "select * from codes where program_id = $1 and code_key = any($2::text[])", program_id, list(keys)
    )
    return {row["code_key"]: _stored(row) for row in rows}


async def add(
    connection: Connection,
    program_id: int,
    reward_id: int,
    codes: Sequence[tuple[str, str, float]],
    at: datetime,
) -> None:
    """Stores free codes of a pool: key, text and slot of each. The unique key refuses what is there."""
    rows = [(key, code, reward_id, "pool", "free", slot, None, at) for key, code, slot in codes]
    await CODES.insert(connection, program_id, rows)


async def lock(connection: Connection, program_id: int) -> Head | None:
    """The program's head, locked until the end. What follows must be short: orders wait."""
    return await heads.lock(connection, program_id)


async def stock(connection: Connection, program_id: int, reward_id: int) -> Stock:
    """The stock of a reward; the caller holds the head's lock."""
    row = await connection.fetchrow(
        "select * from reward_stocks where program_id = $1 and reward_id = $2", program_id, reward_id
    )
    return stock_from(row) if row is not None else Stock(reward_id=reward_id)


async def make_void(connection: Connection, program_id: int, keys: Sequence[str]) -> None:
    """Makes these codes void; the caller holds the head's lock and knows that they are free."""
    await connection.execute(_VOID, program_id, list(keys))


async def make_some_void(connection: Connection, program_id: int, reward_id: int, most: int) -> int:
    """Makes up to `most` of a reward's free codes void and answers how many; the head is locked."""
    answer = await connection.execute(_VOID_SOME, program_id, reward_id, most)
    return int(answer.split()[-1])


async def save(
    connection: Connection, program_id: int, head: Head, decision: Decision, counted: Stock
) -> None:
    """Writes the stock as it is now, with the decision, its events and its identity, and the head."""
    assert decision.ids is not None
    row: Any = msgspec.structs.astuple(counted)
    await STOCKS.insert(connection, program_id, [row], end=_REPLACE_STOCK)
    await saving.save(connection, program_id, [decision], (), head, ids=decision.ids, at=decision.at)


async def remembered(connection: Connection, program_id: int, identity: Identity) -> bytes | None:
    """The fingerprint that is known under this identity; None when it is new."""
    found: bytes | None = await connection.fetchval(
        "select fingerprint from identities where program_id = $1 and scope = $2 and key = $3",
        program_id,
        identity.scope,
        identity.key,
    )
    return found


async def listed(
    connection: Connection,
    program_id: int,
    reward_id: int,
    *,
    state: CodeState | None,
    after: str,
    most: int,
) -> list[StoredCode]:
    """A reward's codes in the order of their keys, from the one after `after` on; of one state, or all."""
    # As a literal, which the indexes of some states ask for.
    wanted = "" if state is None else f"and state = '{state.value}'"
    rows = await connection.fetch(_LISTED.format(wanted=wanted), program_id, reward_id, after, most)
    return [_stored(row) for row in rows]


def _stored(row: Record) -> StoredCode:
    return StoredCode(
        key=row["code_key"],
        code=row["code"],
        reward_id=row["reward_id"],
        source=CodeSource(row["source"]),
        state=CodeState(row["state"]),
        claim_id=row["claim_id"],
        created_at=row["created_at"],
    )
