"""V01, V02, V15: balances against the movements' sums, the lots, and the whole program's sum."""

from typing import Final

from regulars.storage.audit.checks import Check


def net(bucket: str) -> str:
    """The sum of what movements put into a bucket, less what they took out of it."""
    moved = f"case '{bucket}' when to_bucket then points when from_bucket then -points else 0 end"
    return f"coalesce(sum({moved}), 0)"


_V01 = f"""
    with moved as (
        select customer_id, {net("pending")} as pending, {net("available")} as available,
               {net("redeemed")} as spent
          from movements where program_id = $1 group by customer_id
        union all
        select into_id, pending, available, spent from merges where program_id = $1
        union all
        select customer_id, -pending, -available, -spent from merges where program_id = $1
    ), summed as (
        select customer_id, sum(pending) as pending, sum(available) as available, sum(spent) as spent
          from moved group by customer_id
    ), stored as (
        select customer_id, pending, available, spent from accounts where program_id = $1
    ), known as (
        select customer_id from customers where program_id = $1
    )
    select format('customer %s', customer_id) as subject,
           case when stored.pending is null then 'no balance' else
               format('pending %s, available %s, spent %s', stored.pending, stored.available, stored.spent)
           end as saw,
           format('pending %s, available %s, spent %s', coalesce(summed.pending, 0),
               coalesce(summed.available, 0), coalesce(summed.spent, 0)) as expected
      from known full join stored using (customer_id) full join summed using (customer_id)
     where stored.pending is null
        or stored.pending <> coalesce(summed.pending, 0)
        or stored.available <> coalesce(summed.available, 0)
        or stored.spent <> coalesce(summed.spent, 0)
"""

_V02 = """
    with lotted as (
        select customer_id,
               coalesce(sum(remaining) filter (where state = 'pending'), 0) as pending,
               coalesce(sum(remaining) filter (where state = 'available'), 0) as open
          from lots where program_id = $1 group by customer_id
    ), missing as (
        select customer_id, sum(points) as points from deficits where program_id = $1 group by customer_id
    ), stored as (
        select customer_id, pending, available from accounts where program_id = $1
    ), side_by_side as (
        select customer_id,
               coalesce(stored.pending, 0) as pending, coalesce(stored.available, 0) as available,
               coalesce(lotted.pending, 0) as in_pending_lots, coalesce(lotted.open, 0) as in_open_lots,
               coalesce(missing.points, 0) as deficit
          from stored full join lotted using (customer_id) full join missing using (customer_id)
    )
    select format('customer %s', customer_id) as subject,
           format('pending lots %s, open lots %s, deficit %s', in_pending_lots, in_open_lots, deficit) as saw,
           format('pending lots %s, open lots %s, deficit %s', pending, greatest(available, 0),
               greatest(-available, 0)) as expected
      from side_by_side
     where in_pending_lots <> pending
        or in_open_lots <> greatest(available, 0)
        or deficit <> greatest(-available, 0)
"""

_V15 = f"""
    with moved as (
        select -{net("issued")} as issued, {net("expired")} as expired, {net("reversed")} as reversed,
               {net("adjusted")} as adjusted
          from movements where program_id = $1
    ), stored as (
        select coalesce(sum(pending), 0) as pending, coalesce(sum(available), 0) as available,
               coalesce(sum(spent), 0) as redeemed
          from accounts where program_id = $1
    )
    select 'the program' as subject,
           format('%s = %s pending + %s available + %s redeemed + %s expired + %s reversed + %s adjusted',
               pending + available + redeemed + expired + reversed + adjusted,
               pending, available, redeemed, expired, reversed, adjusted) as saw,
           format('%s issued', issued) as expected
      from moved, stored
     where issued <> pending + available + redeemed + expired + reversed + adjusted
"""

CHECKS: Final = (Check("V01", _V01), Check("V02", _V02), Check("V15", _V15))
