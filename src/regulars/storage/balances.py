"""Balances by the shop's own customer ids, right even when an approval is late."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from regulars.storage.database import Connection


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's points at one moment, and who it is, by the id that was asked for."""

    merchant_id: str
    available: int
    pending: int
    email: str | None
    first_name: str | None
    last_name: str | None


# An id whose record was merged has the points of whom it was merged into. The lots are looked at only for an
# account on which something has fallen due.
_BALANCES = """
    select c.merchant_id, c.email, c.first_name, c.last_name,
           coalesce(a.available, 0) + coalesce(due.points, 0) as available,
           coalesce(a.pending, 0) - coalesce(due.points, 0) as pending
      from customers c
      left join accounts a
        on a.program_id = c.program_id and a.customer_id = coalesce(c.merged_into, c.customer_id)
      left join lateral (
        select sum(l.remaining)::bigint as points
          from lots l
         where a.next_due_at <= $3 and l.program_id = a.program_id and l.customer_id = a.customer_id
           and l.remaining > 0 and l.state = 'pending' and l.approves_at <= $3
      ) due on a.next_due_at <= $3
     where c.program_id = $1 and c.merchant_id = any($2::text[])
"""


async def find(
    connection: Connection, program_id: int, merchant_ids: Sequence[str], now: datetime
) -> list[Balance]:
    """The balances at program time `now` of those customers that are known, in no order."""
    rows = await connection.fetch(_BALANCES, program_id, list(merchant_ids), now)
    return [Balance(**dict(row)) for row in rows]
