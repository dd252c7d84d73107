"""V26: no secret in clear; an erased person leaves no text behind, and loses no movement."""

from datetime import datetime, timedelta
from typing import Final

from regulars.storage.audit.checks import Check

PATIENCE: Final = timedelta(hours=1)
"""Within which an erasure that was asked for has to be done everywhere."""

# What the vault encrypts begins so: a version's byte and a time of this century, in base 64.
_CLOSED: Final = "'^gAAAAA[A-Za-z0-9_=-]{60,}$'"

_SECRETS: Final = f"""
    select format('credential %s', credential_id) as subject, 'a secret that is not encrypted' as saw,
           'an encrypted one' as expected
      from credentials where program_id = $1 and secret is not null and encode(secret, 'escape') !~ {_CLOSED}
    union all
    select format('credential %s', credential_id), 'an API key that is not hashed', 'its SHA-256'
      from credentials where program_id = $1 and kind = 'api_key' and lookup !~ '^api_key:[0-9a-f]{{64}}$'
    union all
    select format('token key %s', kid), 'a secret that is not encrypted', 'an encrypted one'
      from token_keys where program_id = $1 and encode(secret, 'escape') !~ {_CLOSED}
    union all
    select format('staff %s', s.staff_id), 'a password or second factor in clear',
           'a hash by Argon2id, and an encrypted one'
      from staff s join staff_roles r using (staff_id)
     where r.program_id = $1
       and (s.password_hash !~ '^[$]argon2id[$]' or encode(s.totp_secret, 'escape') !~ {_CLOSED})
    union all
    select format('erasure of customer %s', customer_id), 'texts that are not encrypted', 'encrypted ones'
      from erasures where program_id = $1 and encode(looked_for, 'escape') !~ {_CLOSED}
"""

_ERASED: Final = """
    with erased as (
        select customer_id, replacement, movements from erasures where program_id = $1 and done_at is not null
    ), decided as (
        select d.decision_id, d.customer_id, d.trace, e.replacement
          from decisions d join erased e on e.customer_id = d.customer_id where d.program_id = $1
    )
"""

_PEOPLE: Final = f"""{_ERASED}
    select format('customer %s', c.customer_id) as subject,
           'a name, e-mail, id, birthday or property' as saw, 'none: the person was erased' as expected
      from customers c join erased e on e.customer_id = c.customer_id
     where c.program_id = $1
       and (c.merchant_id is distinct from e.replacement or c.properties <> '{{}}' or not c.blocked
         or coalesce(c.email, c.email_key, c.first_name, c.last_name, c.birthday::text) is not null)
    union all
    select format('order %s', o.order_id), 'details', 'none: the person was erased'
      from orders o join erased e on e.customer_id = o.customer_id
     where o.program_id = $1 and o.details !~ '^[{{]("claimed_reward_ids": ?[[][0-9, ]*[]])?[}}]$'
    union all
    select format('decision %s', decision_id), 'a reason that staff typed', 'none: the person was erased'
      from decided where trace like '%"reason":"%'
    union all
    select format('activity %s', a.activity_id), 'a note, an id of the shop or properties',
           'none: the person was erased'
      from activities a join decided d on d.decision_id = a.decision_id
     where a.program_id = $1
       and (a.note is not null or a.properties <> '{{}}' or a.merchant_id <> 'erased-' || a.activity_id)
    union all
    select format('event %s', v.event_id), 'another name for the customer, or a reason', d.replacement
      from events v join decided d on d.decision_id = v.decision_id
     where v.program_id = $1
       and (v.payload::jsonb ->> 'customer' <> d.replacement or v.payload::jsonb ? 'reason')
    union all
    select format('delivery %s', l.delivery_id), 'what the shop sent', 'nothing: the person was erased'
      from deliveries l join decided d on d.decision_id = l.decision_id
     where l.program_id = $1
       and (l.body <> '' or l.details <> '{{}}' or coalesce(l.subject, l.message) is not null)
    union all
    select format('identity of decision %s', i.decision_id), 'its key', 'one that says nothing'
      from identities i join decided d on d.decision_id = i.decision_id
     where i.program_id = $1 and i.scope <> 'audit' and i.key !~ '^erased-[0-9a-f]{{32}}$'
"""

_MOVEMENTS: Final = f"""{_ERASED}
    , counted as (
        select customer_id, count(*) as movements from movements where program_id = $1 group by customer_id
    )
    select format('customer %s', e.customer_id) as subject,
           format('%s movements', coalesce(c.movements, 0)) as saw,
           format('%s or more, as when the person was erased', e.movements) as expected
      from erased e left join counted c using (customer_id)
     where coalesce(c.movements, 0) < e.movements
"""

_LATE: Final = """
    select format('customer %s', customer_id) as subject, format('to be erased since %s', wanted_at) as saw,
           'done within an hour' as expected
      from erasures where program_id = $1 and done_at is null and wanted_at < $2
"""


def checks(latest: datetime) -> tuple[Check, ...]:
    """`latest`: whoever was to be erased before it has to be."""
    return (
        Check("V26", _SECRETS),
        Check("V26", _PEOPLE),
        Check("V26", _MOVEMENTS),
        Check("V26", _LATE, (latest,)),
    )
