"""V16 to V19: claimed rewards against their movements, their codes and their orders."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from regulars.domain.commands import OrderDetails
from regulars.storage.audit.checks import Check
from regulars.storage.audit.snapshot import PAGE
from regulars.storage.database import Connection

# -- V16: what a claim cost was taken once, and was there

_PAID_ONCE = """
    with taken as (
        select m.claim_id, count(*) as times, min(m.movement_id) as movement_id, min(m.points) as points,
               min(coalesce(c.merged_into, m.customer_id)) as customer_id, min(m.decision_id) as decision_id
          from movements m left join customers c on c.program_id = $1 and c.customer_id = m.customer_id
         where m.program_id = $1 and m.cause = 'redemption' group by m.claim_id
    ), claims as (
        select * from claimed_rewards where program_id = $1
    )
    select format('claim %s', coalesce(c.claim_id::text, t.claim_id::text, 'none')) as subject,
           case when t.times is null then 'no redemption' else
               format('%s redemptions, movement %s of %s points, customer %s, decision %s', t.times,
                   t.movement_id, t.points, t.customer_id, t.decision_id)
           end as saw,
           case when c.claim_id is null then 'no such claim, so no redemption'
                when c.cost = 0 then 'none: it cost nothing'
                else format('1 redemption, movement %s of %s points, customer %s, decision %s', c.movement_id,
                   c.cost, c.customer_id, c.decision_id)
           end as expected
      from claims c full join taken t on t.claim_id = c.claim_id
     where c.claim_id is null
        or coalesce(t.times, 0) <> case when c.cost > 0 then 1 else 0 end
        or t.movement_id is distinct from c.movement_id
        or t.points <> c.cost
        or t.customer_id <> c.customer_id
        or t.decision_id <> c.decision_id
"""

# A deficit comes from what a refund takes, never from a redemption: so the balance right after it counts.
# What a merge brought counts from then on.
_COVERED = """
    with moved as (
        select movement_id, 0 as merged_by, customer_id, cause, points,
               case 'available' when to_bucket then points when from_bucket then -points else 0 end as change
          from movements where program_id = $1
        union all
        select movement_id, decision_id, into_id, 'merge', available, available
          from merges where program_id = $1
    ), running as (
        select movement_id, customer_id, cause, points,
               sum(change) over (partition by customer_id order by movement_id, merged_by) as available
          from moved
         where customer_id in (
               select customer_id from movements where program_id = $1 and cause = 'redemption')
    )
    select format('movement %s', movement_id) as subject,
           format('%s points redeemed, which left customer %s with %s', points, customer_id, available)
               as saw,
           '0 points or more' as expected
      from running where cause = 'redemption' and available < 0
    union all
    select format('movement %s', m.movement_id), format('%s points redeemed that no lot has', d.points),
           'none'
      from deficits d join movements m on m.program_id = $1 and m.movement_id = d.movement_id
     where d.program_id = $1 and m.cause = 'redemption'
"""

# -- V17: claims and codes belong to each other, one to one

_OWN_CODE = """
    with claims as (
        select claim_id, reward_id, code, code_key from claimed_rewards
         where program_id = $1 and code_key is not null
    ), given as (
        select code_key, code, reward_id, claim_id from codes where program_id = $1 and claim_id is not null
    )
    select case when c.claim_id is null then format('code of claim %s', g.claim_id)
                else format('claim %s', c.claim_id) end as subject,
           case when g.claim_id is null then 'a code that is handed out to nobody'
                when c.claim_id is null then 'a claim without it'
                else format('a code handed out to claim %s, of reward %s', g.claim_id, g.reward_id)
           end as saw,
           case when c.claim_id is null then 'a claim that has it'
                else format('its own, of reward %s, letter for letter', c.reward_id) end as expected
      from claims c full join given g on g.code_key = c.code_key
     where c.claim_id is distinct from g.claim_id
        or c.reward_id <> g.reward_id
        or c.code <> g.code
"""

_NEEDED_CODE = """
    select format('claim %s', claim_id) as subject,
           case when code_key is null then 'no code' else 'a code' end as saw,
           case when kind = 'custom' then 'none: it is fulfilled by hand' else 'a code' end as expected
      from claimed_rewards where program_id = $1 and (kind = 'custom') <> (code_key is null)
"""

_CODE_TWICE = """
    select format('claims %s', string_agg(claim_id::text, ' and ' order by claim_id)) as subject,
           'the same code' as saw, 'a code each' as expected
      from claimed_rewards where program_id = $1 and code_key is not null
     group by code_key having count(*) > 1
    union all
    select format('claim %s', claim_id), format('%s codes', count(*)), 'one'
      from codes where program_id = $1 and claim_id is not null group by claim_id having count(*) > 1
"""

# -- V18: no code comes from nowhere or is lost

_STOCKS = """
    with claimed as (
        select reward_id, count(*) filter (where state <> 'cancelled') as claimed
          from claimed_rewards where program_id = $1 group by reward_id
    ), coded as (
        select reward_id, count(*) filter (where source = 'pool') as imported,
               count(*) filter (where source = 'generated') as generated,
               count(*) filter (where state = 'free') as free,
               count(*) filter (where state = 'handed') as handed,
               count(*) filter (where state = 'void') as void
          from codes where program_id = $1 group by reward_id
    ), stored as (
        select * from reward_stocks where program_id = $1
    ), known as (
        select reward_id from rewards where program_id = $1
    ), side_by_side as (
        select reward_id, stored.reward_id is null as is_missing,
               format('%s claimed; codes: %s imported, %s generated, %s free, %s handed out, %s void',
                   stored.claimed, codes_imported, codes_generated, codes_free, codes_handed, codes_void)
                   as saw,
               format('%s claimed; codes: %s imported, %s generated, %s free, %s handed out, %s void',
                   coalesce(claimed.claimed, 0), coalesce(imported, 0), coalesce(generated, 0),
                   coalesce(free, 0), coalesce(handed, 0), coalesce(void, 0)) as expected
          from known full join stored using (reward_id) full join claimed using (reward_id)
               full join coded using (reward_id)
    )
    select format('reward %s', reward_id) as subject,
           case when is_missing then 'no stock' else saw end as saw, expected
      from side_by_side where is_missing or saw <> expected
"""

_CODE_KEYS = """
    select format('codes of reward %s', min(reward_id)) as subject,
           format('%s with the same key', count(*)) as saw, 'one' as expected
      from codes where program_id = $1 group by code_key having count(*) > 1
    union all
    select format('a %s code of reward %s', state, reward_id),
           case when claim_id is null then 'no claim' else format('claim %s', claim_id) end,
           case state when 'free' then 'no claim' else 'a claim' end
      from codes
     where program_id = $1
       and (case state when 'free' then claim_id is not null when 'handed' then claim_id is null end
         or (source = 'generated' and claim_id is null))
"""

# -- V19: what became of claims

_RETURNED_ONCE = """
    with returned as (
        select m.claim_id, count(*) as times, min(m.movement_id) as movement_id, min(m.points) as points,
               min(m.undoes_id) as undoes_id, min(m.cause) as cause,
               min(coalesce(c.merged_into, m.customer_id)) as customer_id
          from movements m left join customers c on c.program_id = $1 and c.customer_id = m.customer_id
         where m.program_id = $1 and m.cause in ('claim_cancelled', 'claim_expired')
         group by m.claim_id
    ), claims as (
        select claim_id, customer_id, cost, state, movement_id, returned_id, 'claim_' || state as cause,
               cost > 0 and (state = 'cancelled' or returned_id is not null) as is_due
          from claimed_rewards where program_id = $1
    )
    select format('claim %s', coalesce(c.claim_id::text, r.claim_id::text, 'none')) as subject,
           case when r.times is null then format('nothing came back; it names movement %s', returned_id)
                else format('%s times came back, movement %s: %s points of movement %s, %s', r.times,
                   r.movement_id, r.points, r.undoes_id, r.cause) end as saw,
           case when c.claim_id is null then 'no such claim'
                when not is_due then format('nothing: it is %s and cost %s', c.state, c.cost)
                else format('once, movement %s: %s points of movement %s, %s', c.returned_id, c.cost,
                   c.movement_id, c.cause) end as expected
      from claims c full join returned r on r.claim_id = c.claim_id
     where c.claim_id is null
        or coalesce(r.times, 0) <> case when is_due then 1 else 0 end
        or r.movement_id is distinct from c.returned_id
        or r.undoes_id <> c.movement_id
        or r.points <> c.cost
        or r.cause <> c.cause
        or r.customer_id <> c.customer_id
"""

_CODE_STATES = """
    select format('claim %s', c.claim_id) as subject, format('%s, its code %s', c.state, k.state) as saw,
           case when c.state in ('claimed', 'used') then 'its code handed out' else 'its code void' end
               as expected
      from claimed_rewards c join codes k on k.program_id = $1 and k.code_key = c.code_key
     where c.program_id = $1
       and k.state <> case when c.state in ('claimed', 'used') then 'handed' else 'void' end
"""

_TIMES = """
    select format('claim %s', c.claim_id) as subject,
           format('%s, claimed %s, used %s, expires %s, changed %s, decided %s', c.state, c.claimed_at,
               coalesce(c.used_at::text, 'never'), coalesce(c.expires_at::text, 'never'), c.updated_at,
               d.recorded_at) as saw,
           'claimed when it was decided, used after that, expired not before its time' as expected
      from claimed_rewards c
      left join decisions d on d.program_id = $1 and d.decision_id = c.decision_id
     where c.program_id = $1
       and (c.claimed_at <> d.recorded_at
         or (c.state = 'used') <> (c.used_at is not null)
         or (c.state = 'used') <> (c.order_id is not null)
         or c.used_at < c.claimed_at
         or c.expires_at <= c.claimed_at
         or c.updated_at < c.claimed_at
         or (c.state = 'expired' and (c.expires_at is null or c.updated_at < c.expires_at)))
"""

# -- V11: each change of a claim was told

_TOLD = """
    with told as (
        select substring(payload from '"claim":([0-9]{1,18})')::bigint as claim_id,
               count(*) filter (where kind = 'reward.claimed') as claimed,
               count(*) filter (where kind = 'reward.used') as used,
               count(*) filter (where kind = 'reward.cancelled') as cancelled,
               count(*) filter (where kind = 'reward.expired') as expired,
               count(*) filter (where kind = 'reward.fulfilled') as fulfilled
          from events where program_id = $1 and kind like 'reward.%' group by 1
    ), claims as (
        select claim_id, state, fulfilled_at is not null as is_fulfilled
          from claimed_rewards where program_id = $1
    )
    select format('claim %s', coalesce(c.claim_id::text, t.claim_id::text, 'none')) as subject,
           format('events: %s claimed, %s used, %s cancelled, %s expired, %s fulfilled',
               coalesce(t.claimed, 0), coalesce(t.used, 0), coalesce(t.cancelled, 0), coalesce(t.expired, 0),
               coalesce(t.fulfilled, 0)) as saw,
           case when c.claim_id is null then 'none' else
               format('those of a claim that is %s%s', c.state,
                   case when c.is_fulfilled then ' and fulfilled' else '' end) end as expected
      from claims c full join told t on t.claim_id = c.claim_id
     where c.claim_id is null
        or coalesce(t.claimed, 0) <> 1
        or coalesce(t.cancelled, 0) <> case when c.state = 'cancelled' then 1 else 0 end
        or coalesce(t.fulfilled, 0) <> case when c.is_fulfilled then 1 else 0 end
        or (c.state = 'used' and coalesce(t.used, 0) = 0)
        or (c.state = 'expired' and coalesce(t.expired, 0) = 0)
"""

CHECKS: Final = (
    Check("V11", _TOLD),
    Check("V16", _PAID_ONCE),
    Check("V16", _COVERED),
    Check("V17", _OWN_CODE),
    Check("V17", _NEEDED_CODE),
    Check("V17", _CODE_TWICE),
    Check("V18", _STOCKS),
    Check("V18", _CODE_KEYS),
    Check("V19", _RETURNED_ONCE),
    Check("V19", _CODE_STATES),
    Check("V19", _TIMES),
)

# -- rows that are recomputed rather than compared

_CODES = "select reward_id, code, code_key from codes where program_id = $1 order by reward_id, code_key"
_USED = """
    select c.claim_id, c.code_key, o.order_id, o.details,
           o.amended_id is not null or e.customer_id is not null as is_amended
      from claimed_rewards c join orders o on o.program_id = $1 and o.order_id = c.order_id
      left join erasures e on e.program_id = $1 and e.customer_id = o.customer_id
     where c.program_id = $1 and c.state = 'used' order by c.claim_id
"""
_EXPIRED = """
    select claim_id, updated_at as at, returned_id is not null as is_returned from claimed_rewards
     where program_id = $1 and state = 'expired' and cost > 0 order by claim_id
"""


class CodeSeen(msgspec.Struct, frozen=True):
    reward_id: int
    code: str
    key: str


class UsedSeen(msgspec.Struct, frozen=True):
    """A used claim with the order that it is tied to. `details` None: unreadable. `is_amended`: staff
    replaced them since, or emptied them when they erased the customer."""

    claim_id: int
    code_key: str | None
    order_id: int
    details: OrderDetails | None
    is_amended: bool


class ExpiredSeen(msgspec.Struct, frozen=True):
    """A claim that cost something and expired `at`, with or without its points coming back."""

    claim_id: int
    at: datetime
    is_returned: bool


async def codes(connection: Connection, program_id: int) -> AsyncIterator[CodeSeen]:
    """Every code of the program, within the snapshot's transaction."""
    async for row in connection.cursor(_CODES, program_id, prefetch=PAGE):
        yield CodeSeen(row["reward_id"], row["code"], row["code_key"])


async def used(connection: Connection, program_id: int) -> AsyncIterator[UsedSeen]:
    """Every used claim whose order is there."""
    async for row in connection.cursor(_USED, program_id, prefetch=PAGE):
        details = None
        with suppress(msgspec.DecodeError, ValueError):
            details = msgspec.json.decode(row["details"], type=OrderDetails)
        yield UsedSeen(row["claim_id"], row["code_key"], row["order_id"], details, row["is_amended"])


async def expired(connection: Connection, program_id: int) -> AsyncIterator[ExpiredSeen]:
    """Every expired claim whose points could have come back."""
    async for row in connection.cursor(_EXPIRED, program_id, prefetch=PAGE):
        yield ExpiredSeen(row["claim_id"], row["at"], row["is_returned"])
