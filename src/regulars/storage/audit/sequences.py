"""V09, V11: ids and times that only run forward and are all there, and one event for each change."""

from datetime import datetime
from typing import Final

from regulars.storage.audit.checks import Check

_COUNTED: Final = {
    "customer": "select customer_id from customers",
    "order": "select order_id from orders",
    "decision": "select decision_id from decisions",
    "movement": "select movement_id from movements",
    "lot": "select lot_id from lots",
    "lot_use": "select lot_use_id from lot_uses",
    "event": "select event_id from events",
    "refund": "select refund_id from refunds",
    "early": "select early_id from early_reports",
    "reward": "select reward_id from rewards",
    "claim": "select claim_id from claimed_rewards",
}
_ACTIVITIES = """
    select activity_id from activities where program_id = $1
    union all select activity_id from orders where program_id = $1 and activity_id is not null
"""


def _counted(counter: str, ids: str) -> str:
    """Ids are given out inside the batch that stores their rows: none is missing, none ahead of the head."""
    return f"""
    select '{counter} ids' as subject, format('%s rows, the last is %s', counted.rows, counted.last) as saw,
           format('%s of each, as in the head', head."{counter}") as expected
      from (select count(*) as rows, coalesce(max(id), 0) as last from ({ids}) as all_ids (id)) as counted,
           heads as head
     where head.program_id = $1 and (counted.rows <> head."{counter}" or counted.last <> head."{counter}")
    """


def _forward(table: str, id_column: str, *columns: str) -> str:
    """Rows, in the order of their ids, in which one of `columns` is less than in the row before."""
    lags = ", ".join(f"lag({column}) over in_order as before_{column}" for column in columns)
    saw = ", ' and ', ".join(f"'{column} ', {column}" for column in columns)
    expected = ", ' and ', ".join(f"'{column} from ', before_{column}, ' on'" for column in columns)
    return f"""
    select concat('{id_column} ', {id_column}) as subject, concat({saw}) as saw,
           concat({expected}) as expected
      from (select {id_column}, {", ".join(columns)}, {lags} from {table} where program_id = $1
            window in_order as (order by {id_column})) as running
     where {" or ".join(f"{column} < before_{column}" for column in columns)}
    """


def _when_decided(table: str, id_column: str) -> str:
    return f"""
    select concat('{id_column} ', r.{id_column}) as subject, format('recorded at %s', r.recorded_at) as saw,
           format('recorded at %s, as its decision %s', d.recorded_at, d.decision_id) as expected
      from {table} r join decisions d on d.program_id = $1 and d.decision_id = r.decision_id
     where r.program_id = $1 and r.recorded_at <> d.recorded_at
    """


_FUTURE = """
    select 'the head' as subject, format('last time %s', head.last_at) as saw,
           format('from %s, the latest decision, to %s, now', latest.at, $2::timestamptz) as expected
      from heads as head, (select max(recorded_at) as at from decisions where program_id = $1) as latest
     where head.program_id = $1 and (head.last_at < latest.at or head.last_at > $2)
    union all
    select format('decision %s', decision_id), format('recorded at %s', recorded_at),
           format('%s, now, at the latest', $2::timestamptz)
      from decisions where program_id = $1 and recorded_at > $2
"""

_MOVEMENT_EVENTS = """
    select format('movement %s', coalesce(m.movement_id, e.movement_id)) as subject,
           case when m.movement_id is null then format('event %s, of a movement that is not known', e.first)
                when e.times is null then 'no event'
                else format('%s events, of decision %s, customer %s, order %s', e.times, e.decision_id,
                    e.customer_id, coalesce(e.order_id::text, 'none'))
           end as saw,
           case when m.movement_id is null then 'no event' else
               format('1 event, of decision %s, customer %s, order %s', m.decision_id, m.customer_id,
                   coalesce(m.order_id::text, 'none'))
           end as expected
      from (select * from movements where program_id = $1) as m
      full join (
            select movement_id, count(*) as times, min(event_id) as first, min(decision_id) as decision_id,
                   min(customer_id) as customer_id, min(order_id) as order_id
              from events where program_id = $1 and movement_id is not null group by movement_id) as e
        on e.movement_id = m.movement_id
     where m.movement_id is null
        or e.times is distinct from 1
        or e.decision_id <> m.decision_id
        or e.customer_id is distinct from m.customer_id
        or e.order_id is distinct from m.order_id
"""


def _announced(table: str, id_column: str, kind: str, condition: str = "true") -> str:
    """Each of these rows was announced by exactly one event of this kind, and nothing else was."""
    return f"""
    select concat('{id_column} ', coalesce(t.{id_column}, e.{id_column})) as subject,
           concat(coalesce(e.times, 0), ' events {kind}') as saw,
           case when t.{id_column} is null then 'none' else 'one' end as expected
      from (select {id_column} from {table} where program_id = $1 and {condition}) as t
      full join (select {id_column}, count(*) as times from events
                  where program_id = $1 and kind = '{kind}' group by {id_column}) as e
        on e.{id_column} = t.{id_column}
     where t.{id_column} is null or e.times is distinct from 1
    """


_SILENT = """
    select format('decision %s', d.decision_id) as subject, 'no event' as saw,
           format('events of what it did (%s)', d.kind) as expected
      from decisions d
      left join (select distinct decision_id from events where program_id = $1) as e using (decision_id)
     where d.program_id = $1 and d.outcome = 'done' and e.decision_id is null
"""

_SAME_EVENT = """
    select format('event %s', event_id) as subject, format('%s rows', count(*)) as saw, '1 row' as expected
      from events where program_id = $1 group by event_id having count(*) > 1
    union all
    select format('event %s', event_id), format('%s without a movement', kind), 'a movement'
      from events where program_id = $1 and kind like 'points.%' and movement_id is null
"""


def checks(latest: datetime) -> tuple[Check, ...]:
    """`latest`: the program's time now, and what clocks may differ by: nothing may be recorded after it."""
    return (
        *(Check("V09", _counted(name, f"{ids} where program_id = $1")) for name, ids in _COUNTED.items()),
        Check("V09", _counted("activity", _ACTIVITIES)),
        Check("V09", _forward("decisions", "decision_id", "recorded_at")),
        Check("V09", _forward("movements", "movement_id", "decision_id", "recorded_at")),
        Check("V09", _forward("events", "event_id", "decision_id", "recorded_at")),
        Check("V09", _when_decided("movements", "movement_id")),
        Check("V09", _when_decided("events", "event_id")),
        Check("V09", _FUTURE, (latest,)),
        Check("V11", _MOVEMENT_EVENTS),
        Check("V11", _announced("orders", "order_id", "order.recorded")),
        Check("V11", _announced("customers", "customer_id", "customer.created")),
        Check("V11", _announced("customers", "customer_id", "customer.enrolled", "member_since is not null")),
        Check("V11", _SILENT),
        Check("V11", _SAME_EVENT),
    )
