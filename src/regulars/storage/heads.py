"""The head row of a program: the one lock, and what every batch begins with."""

from datetime import datetime
from typing import Any, Final

import msgspec

from regulars.domain.book import Counters
from regulars.storage.database import Connection

_COUNTERS = Counters.__struct_fields__
_COLUMNS = ", ".join(f'"{name}"' for name in _COUNTERS)
_CHANGES = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(_COUNTERS, start=5))

SILENCE_SECONDS: Final = 2
"""Who holds a head row and asks for nothing for so long has been stopped, or hangs: nobody at work is silent
for as long, as a lane gives its batch up before. The server ends the transaction, and others go on."""

_LOCK = f"""
    select set_config('idle_in_transaction_session_timeout', '{SILENCE_SECONDS}s', true),
           xmin::text::bigint as stamp, version, clock_offset_seconds, last_at, chain, {_COLUMNS}
      from heads where program_id = $1 for update
"""
SAVE: Final = f"""
    update heads set last_at = $3, chain = $4, {_CHANGES}
     where program_id = $1 and xmin::text::bigint = $2
 returning program_id, xmin::text::bigint as stamp
"""
"""Writes counters, time and chain hash as a batch leaves them, if the row's stamp is $2; answers the new
one."""


class Head(msgspec.Struct):
    """What the head row says. `stamp`: the transaction that wrote it last."""

    stamp: int
    version: int
    clock_offset_seconds: int
    last_at: datetime
    chain: bytes
    ids: Counters


async def lock(connection: Connection, program_id: int) -> Head | None:
    """Locks a program for the length of the transaction. None when there is no such program."""
    row = await connection.fetchrow(_LOCK, program_id)
    if row is None:
        return None
    return Head(
        stamp=row["stamp"],
        version=row["version"],
        clock_offset_seconds=row["clock_offset_seconds"],
        last_at=row["last_at"],
        chain=row["chain"],
        ids=Counters(**{name: row[name] for name in _COUNTERS}),
    )


async def renew(connection: Connection, program_id: int) -> None:
    """Gives the row a new stamp, and leaves it as it is."""
    await connection.execute("update heads set last_at = last_at where program_id = $1", program_id)


def values(stamp: int, *, at: datetime, chain: bytes, ids: Counters) -> tuple[Any, ...]:
    """What goes into `SAVE` after the program's id."""
    return (stamp, at, chain, *(getattr(ids, name) for name in _COUNTERS))
