"""A change of a pool is no engine command, but a decision like one, under the head row's lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from regulars.app.programs import UnknownProgram
from regulars.domain.decisions import Decision, Event, Outcome
from regulars.domain.program import Program
from regulars.storage import codes as storage
from regulars.storage import programs
from regulars.storage.database import Connection
from regulars.storage.heads import Head


async def head_of(connection: Connection, program_id: int) -> Head:
    """The program's head row, locked. Raises UnknownProgram, Busy."""
    head = await storage.lock(connection, program_id)
    if head is None:
        raise UnknownProgram(program=program_id)
    return head


async def program_of(connection: Connection, program_id: int) -> Program:
    """The program as it is stored now. Raises UnknownProgram."""
    program = await programs.load(connection, program_id)
    if program is None:
        raise UnknownProgram(program=program_id)
    return program


def decided(
    kind: str, head: Head, at: datetime, actor: str, events: Sequence[tuple[str, dict[str, Any]]]
) -> Decision:
    """A decision that was taken outside the engine, under the same lock and with the same counters."""
    ids = head.ids
    return Decision(
        id=ids.next("decision"),
        kind=kind,
        outcome=Outcome.DONE,
        at=max(at, head.last_at),
        actor=actor,
        ids=ids,
        events=[
            Event(
                id=ids.next("event"),
                kind=name,
                customer_id=None,
                order_id=None,
                movement_id=None,
                payload=payload,
            )
            for name, payload in events
        ],
    )
