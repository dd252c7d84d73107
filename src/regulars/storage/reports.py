"""What reports read besides the figures by day: open lots by their age, and claimed rewards by what became of
them."""

from datetime import datetime
from typing import Final

import msgspec

from regulars.storage.database import Connection
from regulars.storage.listings.window import Key, first_id

_CLAIMED: Final = Key("claimed_rewards", "claim_id", "claimed_at")

AGES: Final = (0, 31, 91, 181, 366)
"""The youngest lots of each row, in whole days; the last row has no end."""

_SUM_AGES: Final = """
    with summed as (
        select width_bucket(greatest(extract(epoch from $2 - opened_at), 0)::float8 / 86400, $3::float8[])
               as place,
               count(*) as lots, coalesce(sum(remaining) filter (where state = 'pending'), 0) as pending,
               coalesce(sum(remaining) filter (where state = 'available'), 0) as available
          from lots where program_id = $1 and remaining > 0 group by 1
    )
    insert into lot_ages (program_id, youngest_days, as_of, lots, pending, available)
    select $1, age.youngest::int, $2, coalesce(lots, 0), coalesce(pending, 0), coalesce(available, 0)
      from unnest($3::float8[]) with ordinality as age (youngest, place) left join summed using (place)
        on conflict (program_id, youngest_days) do update
       set as_of = excluded.as_of, lots = excluded.lots, pending = excluded.pending,
           available = excluded.available
"""
_REWARDS: Final = """
    select reward_id, count(*) as claimed, count(*) filter (where state = 'used') as used,
           count(*) filter (where state = 'cancelled') as cancelled,
           count(*) filter (where state = 'expired') as expired,
           coalesce(sum(cost) filter (where returned_id is null), 0)::bigint as points,
           coalesce(sum(amount_minor) filter (where state = 'used'), 0)::bigint as value_minor
      from claimed_rewards where program_id = $1 and claim_id >= $2 and claim_id < $3
     group by reward_id order by reward_id
"""


class LotAge(msgspec.Struct, frozen=True, kw_only=True):
    """What open lots of an age from so many days on hold, as of a moment."""

    youngest_days: int
    as_of: datetime
    lots: int
    pending: int
    available: int


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reward's claims. `points`: spent on them and not given back; `value_minor`: of those
    used whose value is an amount."""

    reward_id: int
    claimed: int
    used: int
    cancelled: int
    expired: int
    points: int
    value_minor: int


async def ages(connection: Connection, program_id: int) -> list[LotAge]:
    """Open lots by age as they were summed last, the youngest first; none before that."""
    rows = await connection.fetch(
        "select youngest_days, as_of, lots, pending, available from lot_ages where program_id = $1 "
        "order by youngest_days",
        program_id,
    )
    return [LotAge(**dict(row)) for row in rows]


async def sum_ages(connection: Connection, program_id: int, at: datetime) -> None:
    """Sums the open lots by their age at program time `at`: reads them all."""
    await connection.execute(_SUM_AGES, program_id, at, [float(days) for days in AGES])


async def lots_ever(connection: Connection, program_id: int) -> int:
    """How many lots were ever opened."""
    number: int = await connection.fetchval("select lot from heads where program_id = $1", program_id)
    return number


async def owed(connection: Connection, program_id: int) -> int:
    """Points that customers owe: taken from them beyond what they had."""
    points: int = await connection.fetchval(
        "select coalesce(sum(points), 0)::bigint from deficits where program_id = $1", program_id
    )
    return points


async def claimed(
    connection: Connection, program_id: int, *, since: datetime, before: datetime
) -> list[Claimed]:
    """By reward, what was claimed within these moments and what became of it by now."""
    low = await first_id(connection, program_id, _CLAIMED, since)
    high = await first_id(connection, program_id, _CLAIMED, before)
    rows = await connection.fetch(_REWARDS, program_id, low, high)
    return [Claimed(**dict(row)) for row in rows]
