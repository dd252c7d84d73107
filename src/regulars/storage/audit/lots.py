"""V07, V08: each lot's way from its opening to its end, and what was drawn from it."""

from typing import Final

from regulars.storage.audit.checks import Check

_OPENED = """
    select format('lot %s', l.lot_id) as subject,
           case when m.movement_id is null then 'no grant opened it' else
               format('movement %s: %s points to %s as lot %s of customer %s, order %s, at %s', m.movement_id,
                   m.points, m.to_bucket, m.lot_id, coalesce(c.merged_into, m.customer_id),
                   coalesce(m.order_id::text, 'none'),
                   m.effective_at)
           end as saw,
           format('movement %s: %s points to %s as lot %s of customer %s, order %s, at %s', l.movement_id,
               l.size, case when l.approves_at is null then 'available' else 'pending' end, l.lot_id,
               l.customer_id, coalesce(l.order_id::text, 'none'), l.opened_at) as expected
      from lots l
      left join movements m
        on m.program_id = $1 and m.movement_id = l.movement_id and m.from_bucket = 'issued'
      left join customers c on c.program_id = $1 and c.customer_id = m.customer_id
     where l.program_id = $1
       and (m.movement_id is null
         or m.lot_id is distinct from l.lot_id
         or m.order_id is distinct from l.order_id
         or m.points <> l.size
         or coalesce(c.merged_into, m.customer_id) <> l.customer_id
         or m.effective_at <> l.opened_at
         or (m.to_bucket = 'pending') <> (l.approves_at is not null))
"""

_GRANTS = """
    select format('movement %s', m.movement_id) as subject,
           format('lot %s, opened by movement %s', coalesce(m.lot_id::text, 'none'),
               coalesce(l.movement_id::text, 'none')) as saw,
           'a lot of its own' as expected
      from movements m left join lots l on l.program_id = $1 and l.lot_id = m.lot_id
     where m.program_id = $1 and m.from_bucket = 'issued' and l.movement_id is distinct from m.movement_id
"""

_APPROVED = """
    with approvals as (
        select lot_id, count(*) as times, min(recorded_at) as recorded_at, min(effective_at) as effective_at
          from movements where program_id = $1 and from_bucket = 'pending' and to_bucket = 'available'
         group by lot_id
    )
    select format('lot %s', coalesce(approvals.lot_id::text, 'none')) as subject,
           format('approved %s times, recorded %s, as of %s, now %s', times, recorded_at, effective_at,
               coalesce(l.state, 'unknown')) as saw,
           format('approved once, as of %s, now available', coalesce(l.approves_at::text, 'never'))
               as expected
      from approvals left join lots l on l.program_id = $1 and l.lot_id = approvals.lot_id
     where times > 1
        or l.approves_at is null
        or recorded_at < l.approves_at
        or effective_at <> l.approves_at
        or l.state <> 'available'
"""

# What is taken of an order's pending points is taken of its one lot (of that time: an amended order has had
# others). Points taken while pending and put back after their time are available at once: such a lot became
# available without an approval.
_WAITED = """
    with drawn as (
        select movement_id, min(lot_id) as lot_id from lot_uses where program_id = $1 group by movement_id
    ), taken as (
        select drawn.lot_id,
               sum(case m.to_bucket when 'reversed' then m.points when 'pending' then -m.points else 0 end)
                   as points,
               count(*) filter (where m.to_bucket = 'available') as freed
          from movements m
          left join movements undone on undone.program_id = $1 and undone.movement_id = m.undoes_id
          join drawn on drawn.movement_id = coalesce(m.undoes_id, m.movement_id)
         where m.program_id = $1
           and ((m.from_bucket = 'pending' and m.to_bucket = 'reversed')
             or (m.from_bucket = 'reversed' and undone.from_bucket = 'pending'))
         group by drawn.lot_id
    ), approved as (
        select lot_id, sum(points) as points from movements
         where program_id = $1 and from_bucket = 'pending' and to_bucket = 'available' group by lot_id
    ), waited as (
        select l.lot_id, l.state, l.remaining, approved.points as approved, coalesce(taken.freed, 0) as freed,
               l.size - coalesce(taken.points, 0) - coalesce(approved.points, 0) as waiting
          from lots l
          left join taken on taken.lot_id = l.lot_id
          left join approved on approved.lot_id = l.lot_id
         where l.program_id = $1 and l.approves_at is not null
    )
    select format('lot %s', lot_id) as subject,
           format('%s, %s left of it', state, remaining) as saw,
           format('%s by its movements, %s of it pending',
               case when approved is not null or freed > 0 then 'available' else 'pending' end, waiting)
               as expected
      from waited
     where (state = 'available') <> (approved is not null or freed > 0)
        or waiting <> case state when 'pending' then remaining else 0 end
"""

_NEXT_DUE = """
    with due as (
        select customer_id, min(approves_at) as at from lots
         where program_id = $1 and state = 'pending' and remaining > 0 group by customer_id
    )
    select format('customer %s', a.customer_id) as subject,
           format('next due at %s', coalesce(a.next_due_at::text, 'no time')) as saw,
           format('next due at %s', coalesce(due.at::text, 'no time')) as expected
      from accounts a left join due using (customer_id)
     where a.program_id = $1 and a.next_due_at is distinct from due.at
"""

_RESTORED = """
    with owned as (
        select m.*, coalesce(c.merged_into, m.customer_id) as owner_id
          from movements m left join customers c on c.program_id = $1 and c.customer_id = m.customer_id
         where m.program_id = $1
    ), undoings as (
        select undoes_id, sum(points) as points, min(movement_id) as first, min(order_id) as order_id,
               min(owner_id) as customer_id, min(from_bucket) as from_bucket,
               max(from_bucket) as also_from, bool_or(to_bucket = 'pending') as to_pending
          from owned
         where (undoes_id is not null or from_bucket in ('reversed', 'redeemed'))
         group by undoes_id
    )
    select format('movement %s', coalesce(u.undoes_id::text, 'none')) as subject,
           format('%s points of it put back, from %s, for customer %s, order %s', u.points, u.from_bucket,
               u.customer_id, coalesce(u.order_id::text, 'none')) as saw,
           format('at most %s points, from %s, for customer %s, order %s', coalesce(t.points, 0),
               coalesce(t.to_bucket, 'nowhere'), coalesce(t.owner_id::text, 'none'),
               coalesce(t.order_id::text, 'none')) as expected
      from undoings u left join owned t on t.movement_id = u.undoes_id
     where t.movement_id is null
        or u.from_bucket <> t.to_bucket
        or u.also_from <> t.to_bucket
        or u.points > t.points
        or u.first < t.movement_id
        or u.order_id is distinct from t.order_id
        or u.customer_id <> t.owner_id
        or (u.to_pending and t.from_bucket <> 'pending')
"""

_LEFT = """
    with used as (
        select lot_id, sum(points) as points from lot_uses where program_id = $1 group by lot_id
    )
    select format('lot %s', l.lot_id) as subject,
           format('%s of %s left after uses of %s', l.remaining, l.size, coalesce(used.points, 0)) as saw,
           format('%s left', l.size - coalesce(used.points, 0)) as expected
      from lots l left join used using (lot_id)
     where l.program_id = $1 and l.remaining <> l.size - coalesce(used.points, 0)
"""

_BEYOND = """
    select format('lot %s', lot_id) as subject, format('%s used after use %s', so_far, lot_use_id) as saw,
           format('from 0 to %s', size) as expected
      from (select u.lot_id, u.lot_use_id, l.size,
                   sum(u.points) over (partition by u.lot_id order by u.lot_use_id) as so_far
              from lot_uses u join lots l on l.program_id = $1 and l.lot_id = u.lot_id
             where u.program_id = $1) as running
     where so_far not between 0 and size
"""

_PAID = """
    with used as (
        select movement_id, sum(points) as points from lot_uses where program_id = $1 group by movement_id
    ), missing as (
        select movement_id, points from deficits where program_id = $1
    ), undone as (
        select undoes_id as movement_id, sum(points) as points from movements
         where program_id = $1 and undoes_id is not null group by undoes_id
    ), side_by_side as (
        select m.movement_id, coalesce(used.points, 0) as used, coalesce(missing.points, 0) as deficit,
               case when m.to_bucket in ('reversed', 'redeemed', 'expired', 'adjusted')
                   then m.points - coalesce(undone.points, 0) else 0 end as taken
          from movements m
          left join used using (movement_id)
          left join missing using (movement_id)
          left join undone using (movement_id)
         where m.program_id = $1
    )
    select format('movement %s', movement_id) as subject,
           format('%s drawn from lots and a deficit of %s', used, deficit) as saw,
           format('%s in all', taken) as expected
      from side_by_side
     where used + deficit <> taken
"""

_OWN = """
    with owned as (
        select m.movement_id, m.from_bucket, m.order_id, coalesce(c.merged_into, m.customer_id) as customer_id
          from movements m left join customers c on c.program_id = $1 and c.customer_id = m.customer_id
         where m.program_id = $1
    )
    select format('use %s', u.lot_use_id) as subject,
           format('lot %s of customer %s, order %s', l.lot_id, l.customer_id,
               coalesce(l.order_id::text, 'none')) as saw,
           format('a lot of customer %s%s', m.customer_id,
               case m.from_bucket when 'pending' then format(', order %s', m.order_id) end) as expected
      from lot_uses u
      join lots l on l.program_id = $1 and l.lot_id = u.lot_id
      join owned m on m.movement_id = u.movement_id
     where u.program_id = $1
       and (l.customer_id <> m.customer_id
         or (m.from_bucket = 'pending' and l.order_id is distinct from m.order_id))
    union all
    select format('deficit of movement %s', m.movement_id), format('customer %s', hole.customer_id),
           format('customer %s', m.customer_id)
      from deficits hole join owned m on m.movement_id = hole.movement_id
     where hole.program_id = $1 and hole.customer_id <> m.customer_id
"""

CHECKS: Final = (
    Check("V07", _OPENED),
    Check("V07", _GRANTS),
    Check("V07", _APPROVED),
    Check("V07", _WAITED),
    Check("V07", _NEXT_DUE),
    Check("V07", _RESTORED),
    Check("V08", _LEFT),
    Check("V08", _BEYOND),
    Check("V08", _PAID),
    Check("V08", _OWN),
)
