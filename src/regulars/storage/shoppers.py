"""One customer's history and prospects, as that customer reads them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from regulars.domain.book import Bucket, Cause
from regulars.domain.decisions import Trace
from regulars.domain.orders import Order
from regulars.domain.rewards import Claim, code_key
from regulars.storage import merging
from regulars.storage.claims import claim_from
from regulars.storage.database import Connection
from regulars.storage.pages import order_from


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A movement with what was decided. `lot_state`: where the points of the lot that it opened are now, and
    `lot_left`: how many."""

    movement_id: int
    decision_id: int
    from_bucket: Bucket
    to_bucket: Bucket
    points: int
    cause: Cause
    order: str | None
    lot_state: Bucket | None
    lot_left: int | None
    trace: tuple[Trace, ...]
    at: datetime


class Approval(msgspec.Struct, frozen=True):
    """Points that can be spent from a moment on."""

    points: int
    at: datetime


# An approval is no line of its own: the earning's says where its points are.
_STEPS = """
    select m.movement_id, m.decision_id, m.from_bucket, m.to_bucket, m.points, m.cause, m.effective_at as at,
           o.merchant_id as "order", l.state as lot_state, l.remaining as lot_left,
           l.approves_at, d.trace
      from unnest($2::bigint[]) as own (customer_id) cross join lateral (
            select * from movements
             where program_id = $1 and customer_id = own.customer_id and cause <> 'approval'
               and ($3::bigint is null or movement_id < $3)
             order by movement_id desc limit $4) m
      join decisions d on d.program_id = m.program_id and d.decision_id = m.decision_id
      left join orders o on o.program_id = m.program_id and o.order_id = m.order_id
      left join lots l on l.program_id = m.program_id and l.lot_id = m.lot_id
     order by m.movement_id desc limit $4
"""
_NEXT_APPROVAL = """
    select sum(remaining)::bigint as points, approves_at as at from lots
     where program_id = $1 and customer_id = $2 and remaining > 0 and state = 'pending' and approves_at > $3
     group by approves_at order by approves_at limit 1
"""


async def steps(
    connection: Connection,
    program_id: int,
    customer_id: int,
    *,
    before: int | None,
    most: int,
    now: datetime,
) -> list[Step]:
    """What moved the customer's points, latest first, approvals apart; `before`: smaller movement ids alone.

    A lot whose approval is due at program time `now` counts as approved.
    """
    found = []
    own = await merging.own_ids(connection, program_id, customer_id)
    for row in await connection.fetch(_STEPS, program_id, own, before, most):
        values = dict(row)
        approves_at, state = values.pop("approves_at"), values.pop("lot_state")
        is_due = approves_at is not None and approves_at <= now
        found.append(
            Step(
                from_bucket=Bucket(values.pop("from_bucket")),
                to_bucket=Bucket(values.pop("to_bucket")),
                cause=Cause(values.pop("cause")),
                lot_state=None if state is None else Bucket.AVAILABLE if is_due else Bucket(state),
                trace=msgspec.json.decode(values.pop("trace"), type=tuple[Trace, ...]),
                **values,
            )
        )
    return found


async def next_approval(
    connection: Connection, program_id: int, customer_id: int, now: datetime
) -> Approval | None:
    """The pending points that are approved next, after program time `now`."""
    row = await connection.fetchrow(_NEXT_APPROVAL, program_id, customer_id, now)
    return None if row is None else Approval(row["points"], row["at"])


async def merchant_ids_of(
    connection: Connection, program_id: int, customer_id: int, order_ids: Iterable[int]
) -> dict[int, str]:
    """The shop's own ids of those of these orders that are this customer's."""
    rows = await connection.fetch(
        """
        select order_id, merchant_id from orders
         where program_id = $1 and order_id = any($2::bigint[]) and customer_id = $3
        """,
        program_id,
        list(set(order_ids)),
        customer_id,
    )
    return {row["order_id"]: row["merchant_id"] for row in rows}


async def orders_of(connection: Connection, program_id: int, customer_id: int, *, most: int) -> list[Order]:
    """The customer's orders, latest first."""
    rows = await connection.fetch(
        "select * from orders where program_id = $1 and customer_id = $2 order by order_id desc limit $3",
        program_id,
        customer_id,
        most,
    )
    return [order_from(row) for row in rows]


async def claim_by_code(connection: Connection, program_id: int, code: str) -> Claim | None:
    """The claimed reward that this code was handed out for."""
    row = await connection.fetchrow(
        "select * from claimed_rewards where program_id = $1 and code_key = $2", program_id, code_key(code)
    )
    return None if row is None else claim_from(row)


async def richest(connection: Connection, program_id: int, *, most: int) -> list[str]:
    """The ids of the members with the most points to spend, of the whole program: for small ones."""
    rows: Sequence[str] = [
        row["merchant_id"]
        for row in await connection.fetch(
            """
            select c.merchant_id from accounts a join customers c using (program_id, customer_id)
             where a.program_id = $1 and c.merchant_id is not null and c.member_since is not null
               and not c.blocked and c.merged_into is null
             order by a.available desc, a.customer_id limit $2
            """,
            program_id,
            most,
        )
    ]
    return list(rows)
