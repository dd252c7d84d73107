"""V25: what staff did to the book stands in the audit log, with who and why."""

from typing import Final

from regulars.storage.audit.checks import Check

# A decision of staff was sent under the identity of its entry. The identity of somebody who was erased has no
# key any more; that there was an entry is then all that can be said. Codes have entries of another kind.
_UNWRITTEN: Final = """
    select format('decision %s', d.decision_id) as subject,
           case when e.entry_id is null then format('%s by %s, and no entry', d.kind, d.actor)
                when e.actor <> d.actor then format('entry %s by %s', e.entry_id, e.actor)
                else format('entry %s without a reason', e.entry_id) end as saw,
           'an entry in the audit log by who did it, with a reason' as expected
      from decisions d
      left join identities i on i.program_id = $1 and i.decision_id = d.decision_id and i.scope = 'audit'
      left join audit_entries e on e.program_id = $1 and e.entry_id::text = i.key
     where d.program_id = $1 and d.actor like 'staff:%' and d.outcome = 'done'
       and d.kind not in ('ImportCodes', 'VoidCodes')
       and not (coalesce(i.key, '') like 'erased-%'
            and exists (select from erasures x where x.program_id = $1 and x.customer_id = d.customer_id))
       and (e.entry_id is null or e.actor <> d.actor or (e.reason = '' and e.forgotten_at is null))
"""

# Codes are brought in and made void outside the engine: the entry says which decision was the first that it
# is about. Making all of them void takes several.
_CODES: Final = """
    select format('decision %s', d.decision_id) as subject,
           format('%s by %s, and no entry', d.kind, d.actor) as saw,
           'an entry in the audit log by who did it' as expected
      from decisions d
     where d.program_id = $1 and d.actor like 'staff:%' and d.kind in ('ImportCodes', 'VoidCodes')
       and not exists (
           select from audit_entries e
            where e.program_id = $1 and e.actor = d.actor
              and e.action = case d.kind when 'ImportCodes' then 'upload codes' else 'void codes' end
              and (e.forgotten_at is not null or (e.after::jsonb ->> 'decision')::bigint <= d.decision_id))
"""

# Who acted has to be somebody, and nothing but a person who was forgotten empties what an entry says.
_UNKNOWN: Final = """
    select format('audit entry %s', e.entry_id) as subject, e.actor as saw,
           'somebody who is or was staff' as expected
      from audit_entries e
     where e.program_id = $1 and e.actor like 'staff:%'
       and not exists (select from staff s where format('staff:%s', s.staff_id) = e.actor)
"""

CHECKS: Final = (Check("V25", _UNWRITTEN), Check("V25", _CODES), Check("V25", _UNKNOWN))
