"""V20: how often a reward was claimed, against what its definition says."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from regulars.domain.rewards import PERIODS, Reward
from regulars.storage.audit.checks import Check
from regulars.storage.database import Connection

# A claim counts from its moment until it was cancelled or, for a limit with a period, its period is over: so
# a sum that runs along these moments is what each claim saw. Of two at one moment, what ends goes first, then
# in the order of the decisions. Whoever somebody was merged into has claimed what they had, from then on.
_LIMITS: Final = """
    with recursive terms as (
        select * from unnest($2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::interval[],
            $7::timestamptz[], $8::timestamptz[], $9::boolean[])
            as terms (reward_id, since, stock, most, period, starts_at, ends_at, enabled)
    ), counted as (
        select c.claim_id, c.decision_id, c.reward_id, d.customer_id, c.claimed_at, terms.since, terms.stock,
               terms.most,
               case when c.state = 'cancelled' then c.updated_at else 'infinity' end as ends,
               c.claimed_at + terms.period as forgotten
          from claimed_rewards c join terms on terms.reward_id = c.reward_id
          join decisions d on d.program_id = $1 and d.decision_id = c.decision_id
         where c.program_id = $1 and (terms.stock is not null or terms.most is not null)
    ), held as (
        select claim_id, decision_id, reward_id, customer_id, since, stock, most, claimed_at as at,
               least(ends, forgotten) as until
          from counted
        union all
        select h.claim_id, m.decision_id, h.reward_id, m.into_id, h.since, h.stock, h.most, m.recorded_at,
               h.until
          from held h join merges m
            on m.program_id = $1 and m.customer_id = h.customer_id and m.decision_id > h.decision_id
         where m.recorded_at < h.until
    ), moments as (
        select claim_id, decision_id, reward_id, customer_id, since, stock, most, claimed_at as at, 1 as step,
               1 as own
          from counted
        union all
        select null, h.decision_id, h.reward_id, h.customer_id, h.since, h.stock, h.most, h.at, 0, 1
          from held h join counted c on c.claim_id = h.claim_id where h.decision_id <> c.decision_id
        union all
        select null, 0, reward_id, customer_id, since, stock, most, ends, -1, 0
          from counted where ends <> 'infinity'
        union all
        select null, 0, reward_id, customer_id, since, stock, most, until, 0, -1
          from held where until <> 'infinity'
    ), running as (
        select *,
               sum(step) over (partition by reward_id
                               order by at, decision_id, step, own, claim_id) as in_all,
               sum(own) over (partition by reward_id, customer_id
                              order by at, decision_id, step, own, claim_id) as his
          from moments
    )
    select format('claim %s', claim_id) as subject,
           format('number %s of reward %s, and number %s of customer %s', in_all, reward_id, his, customer_id)
               as saw,
           format('at most %s in all, %s of a customer', coalesce(stock::text, 'any number'),
               coalesce(most::text, 'any number')) as expected
      from running
     where claim_id is not null and at > since and (in_all > stock or his > most)
    union all
    select format('claim %s', c.claim_id), format('claimed %s', c.claimed_at),
           case when not terms.enabled then format('nothing: reward %s is disabled', c.reward_id)
                else format('from %s to %s', coalesce(starts_at::text, 'the first day'),
                    coalesce(ends_at::text, 'the last'))
           end
      from claimed_rewards c join terms on terms.reward_id = c.reward_id
     where c.program_id = $1 and c.claimed_at > terms.since
       and (not terms.enabled or c.claimed_at < starts_at or c.claimed_at >= ends_at)
"""


class Definition(msgspec.Struct, frozen=True):
    """A reward as it is, and since when. `reward` None: it cannot be read."""

    reward_id: int
    reward: Reward | None
    changed_at: datetime


async def definitions(connection: Connection, program_id: int) -> list[Definition]:
    """Every reward of the program in its present definition."""
    rows = await connection.fetch(
        "select reward_id, definition, updated_at from rewards where program_id = $1 order by reward_id",
        program_id,
    )
    return [Definition(row["reward_id"], _reward(row["definition"]), row["updated_at"]) for row in rows]


def _reward(text: str) -> Reward | None:
    try:
        return msgspec.json.decode(text, type=Reward)
    except (msgspec.DecodeError, ValueError):
        return None


def check(definitions: Iterable[Definition], *, clocks_differ: timedelta) -> Check:
    """Holds what was claimed since a reward was last changed against what it says since then."""
    rows = [
        (
            reward.id,
            definition.changed_at + clocks_differ,
            reward.stock,
            reward.limit_count,
            PERIODS[reward.limit_period] if reward.limit_period is not None else None,
            reward.starts_at,
            reward.ends_at,
            reward.enabled,
        )
        for definition in definitions
        if (reward := definition.reward) is not None
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * 8
    return Check("V20", _LIMITS, tuple(list(column) for column in columns))
