"""V03, V04, V06: whose each movement is, that joining gave once, that no purchase points lack their order."""

from typing import Final

from regulars.storage.audit.checks import Check

_V03 = """
    select format('movement %s', m.movement_id) as subject,
           case when c.customer_id is null then format('customer %s, who is not known', m.customer_id)
                when d.decision_id is null then format('decision %s, which is not known', m.decision_id)
                when d.customer_id is distinct from m.customer_id
                    then format('a decision about customer %s', coalesce(d.customer_id::text, 'nobody'))
                else format('an order of customer %s', o.customer_id)
           end as saw,
           case when c.customer_id is null then 'a customer'
                when d.decision_id is null then 'a decision'
                else format('customer %s', coalesce(c.merged_into, m.customer_id))
           end as expected
      from movements m
      left join customers c on c.program_id = $1 and c.customer_id = m.customer_id
      left join decisions d on d.program_id = $1 and d.decision_id = m.decision_id
      left join orders o on o.program_id = $1 and o.order_id = m.order_id
     where m.program_id = $1
       and (c.customer_id is null
         or d.customer_id is distinct from m.customer_id
         or o.customer_id <> coalesce(c.merged_into, c.customer_id))
"""

_JOINED_TWICE = """
    select format('customer %s', customer_id) as subject,
           format('given for joining %s times', count(*)) as saw, 'at most once' as expected
      from movements where program_id = $1 and cause = 'join'
     group by customer_id having count(*) > 1
"""

_WITHOUT_ORDER = """
    select format('movement %s', m.movement_id) as subject,
           case when m.order_id is null then 'no order'
                when o.order_id is null then format('order %s, which is not known', m.order_id)
                else format('order %s, whose lot is %s', m.order_id, coalesce(o.lot_id::text, 'none'))
           end as saw,
           format('an order whose lot is %s', m.lot_id) as expected
      from movements m left join orders o on o.program_id = $1 and o.order_id = m.order_id
     where m.program_id = $1 and m.cause = 'purchase' and m.movement_id > coalesce(o.amended_id, 0)
       and (o.lot_id is null or o.lot_id is distinct from m.lot_id)
"""

CHECKS: Final = (Check("V03", _V03), Check("V04", _JOINED_TWICE), Check("V06", _WITHOUT_ORDER))
