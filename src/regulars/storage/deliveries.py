"""The delivery log: what came in at the Lootly door, what was done and why. Kept for some days."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from regulars.storage.database import Connection
from regulars.storage.rows import Table, Together


class StoredDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it is kept. Its fields stand in the order of `_DELIVERIES`' columns."""

    credential_id: int
    integration: str
    hook: str
    body: bytes
    status: int
    outcome: str
    problem: bool
    subject: str | None
    message: str | None
    details: str
    decision_id: int | None
    received_at: datetime


class LoggedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it is read again, without its body."""

    program_id: int
    delivery_id: int
    received_at: datetime
    integration: str
    hook: str
    subject: str | None
    outcome: str
    status: int
    problem: bool
    message: str | None
    details: str


class KeptDelivery(StoredDelivery, frozen=True, kw_only=True):
    """One call as it is kept, with its number and the site of the integration that it came by."""

    delivery_id: int
    site_id: int | None


_DELIVERIES = Table(
    "deliveries",
    {
        "credential_id": "bigint",
        "integration": "text",
        "hook": "text",
        "body": "bytea",
        "status": "smallint",
        "outcome": "text",
        "problem": "boolean",
        "subject": "text",
        "message": "text",
        "details": "text",
        "decision_id": "bigint",
        "received_at": "timestamptz",
    },
)

_LATEST = """
    select program_id, delivery_id, received_at, integration, hook, subject, outcome, status, problem,
           message, details
      from deliveries
     where program_id = $1 and ($2::text is null or integration = $2) and (problem or not $3)
     order by received_at desc, delivery_id desc
     limit $4
"""

_PAGE = """
    select program_id, delivery_id, received_at, integration, hook, subject, outcome, status, problem,
           message, details
      from deliveries
     where program_id = $1 and delivery_id < $2 {wanted}
     order by delivery_id desc
     limit $3
"""

_FIND = """
    select exists (select from deliveries
                    where program_id = $1 and received_at = $2 and credential_id = $3 and hook = $4
                      and status = $5 and body = $6)
"""

_PRUNE = """
    delete from deliveries
     where program_id = $1 and delivery_id in (
        select delivery_id from deliveries
         where program_id = $1 and received_at < $2 order by received_at limit $3)
"""


async def insert(connection: Connection, program_id: int, rows: Sequence[StoredDelivery]) -> None:
    """Writes the rows by one statement; does nothing without rows."""
    await _DELIVERIES.insert(connection, program_id, [msgspec.structs.astuple(row) for row in rows])


def put(together: Together, rows: Sequence[StoredDelivery]) -> None:
    """Adds the rows to what is written by one statement."""
    together.insert(_DELIVERIES, [msgspec.structs.astuple(row) for row in rows])


async def is_stored(connection: Connection, program_id: int, row: StoredDelivery) -> bool:
    """Whether this very call is in the log."""
    found: bool = await connection.fetchval(
        _FIND, program_id, row.received_at, row.credential_id, row.hook, row.status, row.body
    )
    return found


async def latest(
    connection: Connection, program_id: int, *, integration: str | None, problems_only: bool, most: int
) -> list[LoggedDelivery]:
    """A program's last calls, the newest first, at most `most`."""
    rows = await connection.fetch(_LATEST, program_id, integration, problems_only, most)
    return [LoggedDelivery(**dict(row)) for row in rows]


async def page(
    connection: Connection,
    program_id: int,
    *,
    before: int | None,
    credential_id: int | None,
    hook: str | None,
    subject: str | None,
    problems_only: bool,
    most: int,
) -> list[LoggedDelivery]:
    """Calls in the order of their numbers, the newest first, from `before` on down."""
    asked = {"credential_id": credential_id, "hook": hook, "subject": subject}
    given = {name: value for name, value in asked.items() if value is not None}
    wanted = "".join(f" and {name} = ${place}" for place, name in enumerate(given, 4))
    wanted += " and problem" if problems_only else ""
    statement = _PAGE.format(wanted=wanted)
    async with connection.transaction(readonly=True):
        # Which index serves a hook depends on the hook: see deliveries_rare.
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        rows = await connection.fetch(statement, program_id, before or 2**62, most, *given.values())
    return [LoggedDelivery(**dict(row)) for row in rows]


async def find(connection: Connection, program_id: int, delivery_id: int) -> KeptDelivery | None:
    """The call of that number."""
    row = await connection.fetchrow(
        """
        select d.delivery_id, d.credential_id, c.site_id, d.integration, d.hook, d.body, d.status, d.outcome,
               d.problem, d.subject, d.message, d.details, d.decision_id, d.received_at
          from deliveries d left join credentials c using (program_id, credential_id)
         where d.program_id = $1 and d.delivery_id = $2
        """,
        program_id,
        delivery_id,
    )
    return None if row is None else KeptDelivery(**dict(row))


async def set_outcome(
    connection: Connection,
    program_id: int,
    delivery_id: int,
    *,
    outcome: str,
    message: str,
    details: str,
    decision_id: int | None,
) -> None:
    """What became of the call later; it is no problem any more."""
    await connection.execute(
        "update deliveries set outcome = $3, message = $4, details = $5, problem = false, "
        "decision_id = coalesce($6, decision_id) where program_id = $1 and delivery_id = $2",
        program_id,
        delivery_id,
        outcome,
        message,
        details,
        decision_id,
    )


async def prune(connection: Connection, program_id: int, *, before: datetime, most: int) -> int:
    """Deletes calls that came before then, the oldest first, at most `most`. Answers how many."""
    answer = await connection.execute(_PRUNE, program_id, before, most)
    return int(answer.split()[-1])
