"""V27: who was merged has nothing any more, gets nothing again, and stays with whom their merge names."""

from typing import Final

from regulars.storage.audit.checks import Check

# Whom a record stays with is whom its merge names, or into whom that one was merged in turn.
_STAYS: Final = """
    with recursive went as (
        select customer_id, into_id, decision_id from merges where program_id = $1
    ), way as (
        select customer_id, into_id, decision_id from went
        union
        select way.customer_id, went.into_id, went.decision_id
          from way join went on went.customer_id = way.into_id and went.decision_id > way.decision_id
    ), ends as (
        select distinct on (customer_id) customer_id, into_id from way order by customer_id, decision_id desc
    ), marked as (
        select customer_id, merged_into from customers where program_id = $1 and merged_into is not null
    )
    select format('customer %s', coalesce(m.customer_id, e.customer_id)) as subject,
           case when m.merged_into is null then 'not merged'
                else format('merged into customer %s', m.merged_into) end as saw,
           case when e.into_id is null then 'not merged: no merge names them'
                else format('merged into customer %s', e.into_id) end as expected
      from marked m full join ends e on e.customer_id = m.customer_id
     where m.merged_into is distinct from e.into_id
    union all
    select format('customer %s', m.customer_id), format('merged into customer %s', m.merged_into),
           'somebody who was not merged'
      from marked m join marked other on other.customer_id = m.merged_into
"""

_EMPTY: Final = """
    with gone as (
        select customer_id, merged_into from customers where program_id = $1 and merged_into is not null
    ), left_over as (
        select customer_id, 'lots' as what, count(*) as rows from lots
         where program_id = $1 group by customer_id
        union all
        select customer_id, 'orders', count(*) from orders where program_id = $1 group by customer_id
        union all
        select customer_id, 'claimed rewards', count(*) from claimed_rewards
         where program_id = $1 group by customer_id
        union all
        select customer_id, 'deficits', count(*) from deficits where program_id = $1 group by customer_id
        union all
        select customer_id, 'activities', count(*) from activities where program_id = $1 group by customer_id
    )
    select format('customer %s', gone.customer_id) as subject, format('%s %s', rows, what) as saw,
           format('none: they belong to customer %s', gone.merged_into) as expected
      from gone join left_over using (customer_id)
"""

_SILENT: Final = """
    select format('movement %s', m.movement_id) as subject, format('of customer %s', m.customer_id) as saw,
           format('of customer %s, into whom that one was merged after movement %s', g.into_id, g.movement_id)
               as expected
      from movements m join merges g on g.program_id = $1 and g.customer_id = m.customer_id
     where m.program_id = $1 and m.movement_id > g.movement_id
"""

_DECIDED: Final = """
    select format('merge of customer %s', g.customer_id) as subject,
           format('decision %s, %s about customer %s at %s', d.decision_id, d.kind, d.customer_id,
               d.recorded_at) as saw,
           format('a merge into customer %s at %s', g.into_id, g.recorded_at) as expected
      from merges g join decisions d on d.program_id = $1 and d.decision_id = g.decision_id
     where g.program_id = $1
       and (d.kind <> 'MergeCustomers' or d.customer_id is distinct from g.into_id
         or d.recorded_at <> g.recorded_at)
"""

CHECKS: Final = (
    Check("V27", _STAYS),
    Check("V27", _EMPTY),
    Check("V27", _SILENT),
    Check("V27", _DECIDED),
)
