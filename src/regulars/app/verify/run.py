"""Verifies program after program: one snapshot each for what is compared, then the book from end to end."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from regulars.app.programs import UnknownProgram
from regulars.app.verify.book import check_book
from regulars.app.verify.claims import check_claims
from regulars.app.verify.orders import check_order, check_reasons
from regulars.app.verify.report import SHOWN, Checked, Report, Tally
from regulars.app.verify.staff import check_log
from regulars.storage import programs
from regulars.storage.audit import (
    balances,
    book,
    claims,
    identities,
    lots,
    merged,
    privacy,
    references,
    sequences,
    snapshot,
    staff,
)
from regulars.storage.audit.checks import find
from regulars.storage.database import Connection, Database

CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""How far the clock of a server that wrote may be ahead of this one's."""

_CHECKS = (
    *balances.CHECKS,
    *book.CHECKS,
    *lots.CHECKS,
    *references.CHECKS,
    *identities.CHECKS,
    *claims.CHECKS,
    *merged.CHECKS,
    *staff.CHECKS,
)


async def verify(
    database: Database,
    *,
    program_id: int | None = None,
    now: datetime,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Checks every invariant in one program, or in all. Changes nothing; a server may work on meanwhile.

    `now`: real time. `progress` is told, in a sentence, what is being checked. Raises UnknownProgram.
    """
    started = time.monotonic()
    tally = Tally()
    checked: list[Checked] = []
    async with snapshot.snapshot(database) as connection:
        wanted = [program_id] if program_id is not None else await programs.ids(connection)
        if program_id is None:
            for stray, finding in await references.without_program(connection):
                tally.add("V12", stray, finding.subject, finding.saw, finding.expected)
    for number, wanted_id in enumerate(wanted, start=1):
        if progress is not None:
            progress(f"Checking program {wanted_id} ({number} of {len(wanted)})")
        # What is recorded while we work is not from the future.
        passed = timedelta(seconds=time.monotonic() - started)
        checked.append(await _verify_program(database, wanted_id, now + passed, tally))
    return Report(
        checked_at=now,
        took_seconds=round(time.monotonic() - started, 3),
        programs=checked,
        violated=dict(sorted(tally.violated.items())),
        violations=sorted(tally.violations, key=lambda item: (item.invariant, item.program_id)),
    )


async def _verify_program(database: Database, program_id: int, now: datetime, tally: Tally) -> Checked:
    async with snapshot.snapshot(database) as connection:
        head = await snapshot.head(connection, program_id)
        if head is None:
            raise UnknownProgram(program=program_id)
        program_now = now + timedelta(seconds=head.clock_offset_seconds)
        limits = await check_claims(connection, head, tally, clocks_differ=CLOCKS_DIFFER)
        people = privacy.checks(now - privacy.PATIENCE)
        for check in (*_CHECKS, *limits, *people, *sequences.checks(program_now + CLOCKS_DIFFER)):
            total, findings = await find(connection, check, program_id, most=SHOWN)
            tally.count(check.invariant, total)
            for item in findings:
                tally.keep(check.invariant, program_id, item.subject, item.saw, item.expected)
        await _check_orders(connection, program_id, tally)
        await check_log(connection, program_id, tally)
        merges = await snapshot.merges(connection, program_id)
    movements = await check_book(database, head, merges, tally)
    return Checked(
        program_id=program_id,
        name=head.name,
        movements=movements,
        orders=head.orders,
        customers=head.customers,
        chain=head.chain.hex(),
    )


async def _check_orders(connection: Connection, program_id: int, tally: Tally) -> None:
    rules = await snapshot.rules(connection, program_id)
    async for seen in snapshot.orders(connection, program_id):
        rule = rules.get(seen.order.rule_version) if seen.order is not None else None
        for invariant, saw, expected in check_order(seen, rule):
            tally.add(invariant, program_id, f"order {seen.order_id}", saw, expected)
    async for order_id, codes in snapshot.reasons(connection, program_id):
        for invariant, saw, expected in check_reasons(codes):
            tally.add(invariant, program_id, f"order {order_id}", saw, expected)
