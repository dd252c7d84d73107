"""Where one person's texts are kept besides the customer's own row, and how each is taken out.

Each step goes by key a part at a time and finds nothing to do when it is done again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from regulars.domain.customers import Customer
from regulars.domain.decisions import Trace
from regulars.storage import merging
from regulars.storage.database import Connection
from regulars.storage.listings.window import Key, first_id
from regulars.storage.pages import customer_from

T = TypeVar("T")

AT_ONCE: Final = 500
SCANNED_AT_ONCE: Final = 2000
_EVENTS: Final = Key("events", "event_id", "decision_id")

_WANT: Final = """
    insert into erasures (program_id, customer_id, replacement, actor, wanted_at, looked_for)
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing
"""
_ERASURE: Final = """
    select customer_id, replacement, actor, wanted_at, looked_for, done_at
      from erasures where program_id = $1 and customer_id = $2
"""
# What ties a code to its order stays, as a number: a refund may give the code back.
_ORDERS: Final = """
    update orders o set details = kept.details
      from (select order_id, case when ids is null then '{}' else
                   jsonb_build_object('claimed_reward_ids', ids)::text end as details
              from (select t.order_id, (
                           select jsonb_agg(r.claim_id order by r.claim_id) from claimed_rewards r
                            where r.program_id = $1 and r.order_id = t.order_id) as ids
                      from orders t where t.program_id = $1 and t.customer_id = $2) as with_ids) as kept
     where o.program_id = $1 and o.order_id = kept.order_id and o.details <> kept.details
"""
_DECISIONS: Final = """
    select decision_id, trace from decisions
     where program_id = $1 and customer_id = $2 and decision_id > $3 order by decision_id limit $4
"""
_SET_TRACES: Final = """
    update decisions d set trace = u.trace from unnest($2::bigint[], $3::text[]) as u (decision_id, trace)
     where d.program_id = $1 and d.decision_id = u.decision_id
"""
_ACTIVITIES: Final = """
    update activities
       set note = null, properties = '{}',
           merchant_id = case when merchant_id is null then null else 'erased-' || activity_id end
     where program_id = $1 and decision_id = any($2::bigint[])
       and (note is not null or properties <> '{}'
         or merchant_id <> 'erased-' || activity_id)
"""
_EVENT_ROWS: Final = """
    select event_id, payload from events where program_id = $1 and event_id >= $2 and event_id < $3
"""
_SET_PAYLOADS: Final = """
    update events e set payload = u.payload from unnest($2::bigint[], $3::text[]) as u (event_id, payload)
     where e.program_id = $1 and e.event_id = u.event_id
"""
_EMPTY: Final = "body = '', subject = null, message = null, details = '{}'"
_DELIVERIES: Final = f"""
    update deliveries set {_EMPTY}
     where program_id = $1 and decision_id = any($2::bigint[]) and body <> ''
"""
_SCAN_DELIVERIES: Final = f"""
    with part as (
        select delivery_id from deliveries
         where program_id = $1 and delivery_id > $2 order by delivery_id limit {SCANNED_AT_ONCE}
    ), emptied as (
        update deliveries d set {_EMPTY} from part
         where d.program_id = $1 and d.delivery_id = part.delivery_id and d.body <> ''
           and (d.subject = any($3::text[])
             or exists (select from unnest($4::bytea[]) as text (bytes) where position(bytes in d.body) > 0)
             or exists (
                select from unnest($5::text[]) as text (words)
                 where position(words in lower(concat(d.subject, ' ', d.message, ' ', d.details))) > 0))
    )
    select max(delivery_id) from part
"""
_SCAN_IDENTITIES: Final = f"""
    with part as (
        select scope, key from identities
         where program_id = $1 and (scope, key) > ($2, $3) order by scope, key limit {SCANNED_AT_ONCE}
    ), forgotten as (
        update identities i set key = 'erased-' || md5(random()::text || i.key), refusal = case
               when i.decision_id is null then '{{"kind":"Rejected","data":{{}}}}' end
          from part
         where i.program_id = $1 and i.scope = part.scope and i.key = part.key
           and i.scope <> 'audit' and i.key not like 'erased-%'
           and (i.decision_id in (
                select decision_id from decisions where program_id = $1 and customer_id = $4)
             or exists (select from unnest($5::text[]) as text (words)
                         where position(words in lower(concat(i.key, ' ', i.refusal))) > 0))
    )
    select scope, key from part order by scope desc, key desc limit 1
"""
_REFERENCES: Final = """
    update refunds r set reference = 'erased-' || r.refund_id from orders o
     where r.program_id = $1 and o.program_id = $1 and o.customer_id = $2 and r.order_id = o.order_id
       and exists (select from unnest($3::text[]) as text (words)
                    where position(words in lower(r.reference)) > 0)
"""
_EARLY: Final = """
    update early_reports e set reference = null from orders o
     where e.program_id = $1 and o.program_id = $1 and o.customer_id = $2 and e.site_id = o.site_id
       and e.order_merchant_id = o.merchant_id and e.reference is not null
"""
_VIEWS: Final = """
    delete from customer_views v where program_id = $1 and exists (
        select from unnest($2::text[]) as text (words)
         where position(words in lower(concat(v.name, ' ', v.filter))) > 0)
"""
_DONE: Final = """
    update erasures set done_at = $3, looked_for = null, movements = (
           select count(*) from movements where program_id = $1 and customer_id = $2)
     where program_id = $1 and customer_id = $2
"""

_EXPORTED: Final = {
    "customer": "customers t where program_id = $1 and customer_id = any($2::bigint[])",
    "account": "accounts t where program_id = $1 and customer_id = any($2::bigint[])",
    "orders": "orders t where program_id = $1 and customer_id = any($2::bigint[]) order by order_id",
    "payments": "payments t where program_id = $1 and order_id in (select order_id from orders "
    "where program_id = $1 and customer_id = any($2::bigint[])) order by decision_id",
    "refunds": "refunds t where program_id = $1 and order_id in (select order_id from orders "
    "where program_id = $1 and customer_id = any($2::bigint[])) order by refund_id",
    "points": "movements t where program_id = $1 and customer_id = any($2::bigint[]) order by movement_id",
    "lots": "lots t where program_id = $1 and customer_id = any($2::bigint[]) and remaining > 0 "
    "order by lot_id",
    "claimed_rewards": "claimed_rewards t where program_id = $1 and customer_id = any($2::bigint[]) "
    "order by claim_id",
    "activities": "activities t where program_id = $1 and decision_id in (select decision_id from decisions "
    "where program_id = $1 and customer_id = any($2::bigint[])) order by activity_id",
    "decisions": "decisions t where program_id = $1 and customer_id = any($2::bigint[]) order by decision_id",
    "deliveries": "deliveries t where program_id = $1 and decision_id in (select decision_id from decisions "
    "where program_id = $1 and customer_id = any($2::bigint[])) order by delivery_id",
    "merges": "merges t where program_id = $1 and customer_id = any($2::bigint[]) order by decision_id",
}
_LEFT_OUT: Final = frozenset({"program_id", "hash", "fingerprint", "email_key", "code_key"})
_JSON: Final = frozenset({"properties", "details", "trace"})


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure that was asked for. `looked_for`: the person's texts, encrypted, until it is done."""

    customer_id: int
    replacement: str
    actor: str
    wanted_at: datetime
    looked_for: bytes | None
    done_at: datetime | None


async def customer(connection: Connection, program_id: int, customer_id: int) -> Customer | None:
    """The customer as they stand now."""
    row = await connection.fetchrow(
        "select * from customers where program_id = $1 and customer_id = $2", program_id, customer_id
    )
    return None if row is None else customer_from(row)


async def want(
    connection: Connection,
    program_id: int,
    customer_id: int,
    *,
    replacement: str,
    actor: str,
    looked_for: bytes,
    at: datetime,
) -> Erasure:
    """Notes that this person is to be erased, unless it was noted before; answers what was."""
    await connection.execute(_WANT, program_id, customer_id, replacement, actor, at, looked_for)
    found = await erasure(connection, program_id, customer_id)
    assert found is not None
    return found


async def erasure(connection: Connection, program_id: int, customer_id: int) -> Erasure | None:
    """What was asked for about this person."""
    row = await connection.fetchrow(_ERASURE, program_id, customer_id)
    return None if row is None else Erasure(**dict(row))


async def unfinished(connection: Connection) -> list[tuple[int, int]]:
    """(program id, customer id) of those who are not erased everywhere yet."""
    rows = await connection.fetch(
        "select program_id, customer_id from erasures where done_at is null order by program_id, customer_id"
    )
    return [(row["program_id"], row["customer_id"]) for row in rows]


async def by_key(
    connection: Connection,
    program_id: int,
    customer_id: int,
    *,
    words: Sequence[str],
    trace: Callable[[Trace], Trace],
    payload: Callable[[Any], Any],
) -> None:
    """Takes the texts out of all that names the customer. `trace` and `payload` say what is left of one of
    each.

    `words`, in lower case, are looked for in the shop's ids of refunds.
    """
    await connection.execute(_ORDERS, program_id, customer_id)
    last = 0
    while rows := await connection.fetch(_DECISIONS, program_id, customer_id, last, AT_ONCE):
        numbers = [row["decision_id"] for row in rows]
        last = numbers[-1]
        traces = {row["decision_id"]: _each(row["trace"], trace) for row in rows}
        changed = {row["decision_id"]: traces[row["decision_id"]] for row in rows if _differs(row, traces)}
        if changed:
            await connection.execute(_SET_TRACES, program_id, list(changed), list(changed.values()))
        await connection.execute(_ACTIVITIES, program_id, numbers)
        await connection.execute(_DELIVERIES, program_id, numbers)
        for number in numbers:
            await _events(connection, program_id, number, payload)
    await connection.execute(_REFERENCES, program_id, customer_id, list(words))
    await connection.execute(_EARLY, program_id, customer_id)


def _each(text: str, change: Callable[[Trace], Trace]) -> str:
    entries = msgspec.json.decode(text, type=list[Trace])
    return msgspec.json.encode([change(entry) for entry in entries]).decode()


def _differs(row: Any, traces: dict[int, str]) -> bool:
    return bool(row["trace"] != traces[row["decision_id"]])


async def _events(
    connection: Connection, program_id: int, decision_id: int, change: Callable[[Any], Any]
) -> None:
    """Events have no index by decision, but they stand in the order of their decisions."""
    low = await first_id(connection, program_id, _EVENTS, decision_id)
    high = await first_id(connection, program_id, _EVENTS, decision_id + 1)
    changed: dict[int, str] = {}
    for row in await connection.fetch(_EVENT_ROWS, program_id, low, high):
        payload = msgspec.json.encode(change(msgspec.json.decode(row["payload"]))).decode()
        if payload != row["payload"]:
            changed[row["event_id"]] = payload
    if changed:
        await connection.execute(_SET_PAYLOADS, program_id, list(changed), list(changed.values()))


async def by_content(
    connection: Connection,
    program_id: int,
    customer_id: int,
    *,
    merchant_id: str | None,
    words: Sequence[str],
    spellings: Sequence[bytes],
) -> None:
    """Looks through calls and identities that name nobody by key. `spellings`: how the words stand in
    bodies."""
    subjects = [merchant_id] if merchant_id is not None else []
    last = 0
    while (
        seen := await connection.fetchval(
            _SCAN_DELIVERIES, program_id, last, subjects, list(spellings), list(words)
        )
    ) is not None:
        last = seen
    scope, key = "", ""
    while (
        row := await connection.fetchrow(_SCAN_IDENTITIES, program_id, scope, key, customer_id, list(words))
    ) is not None:
        scope, key = row["scope"], row["key"]
    if merchant_id is not None:
        await connection.execute(
            "delete from storefront_sessions where program_id = $1 and merchant_id = $2",
            program_id,
            merchant_id,
        )
    await connection.execute(_VIEWS, program_id, list(words))


async def done(connection: Connection, program_id: int, customer_id: int, at: datetime) -> None:
    """Notes that nothing is left, forgets what was looked for, and remembers how many movements must stay."""
    await connection.execute(_DONE, program_id, customer_id, at)


async def everything(connection: Connection, program_id: int, customer_id: int) -> dict[str, list[Any]]:
    """All rows about a person, by what they are, as JSON has them; those of merged records among them."""
    found = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        own = await merging.person_ids(connection, program_id, customer_id)
        for name, source in _EXPORTED.items():
            rows = await connection.fetch(f"select to_jsonb(t)::text as row from {source}", program_id, own)
            found[name] = [_readable(msgspec.json.decode(row["row"])) for row in rows]
    return found


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Without what only the machine knows; JSON texts as what they say, bodies as text."""
    found = {name: value for name, value in row.items() if name not in _LEFT_OUT}
    for name in _JSON & found.keys():
        found[name] = msgspec.json.decode(found[name])
    if "body" in found:
        found["body"] = bytes.fromhex(found["body"].removeprefix("\\x")).decode("utf-8", "replace")
    return found
