"""V18 to V20 as far as they are recomputed: codes' keys, codes on orders, settings as they were."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from regulars.app.verify.report import Tally
from regulars.domain.rewards import code_key
from regulars.storage.audit import claims, limits, snapshot
from regulars.storage.audit.checks import Check
from regulars.storage.audit.claims import CodeSeen, ExpiredSeen, UsedSeen
from regulars.storage.audit.snapshot import Version
from regulars.storage.database import Connection

Found = tuple[str, str, str]
"""Invariant, what was seen, what had to be."""

EVER = timedelta(days=365_000)


async def check_claims(
    connection: Connection, head: snapshot.Head, tally: Tally, *, clocks_differ: timedelta
) -> list[Check]:
    """Recomputes what no statement can say, and answers the statements that need what was read for it.

    Times of settings are real ones, times of claims the program's: where its clock was ever moved, they can't
    be held against each other. Then any setting that there ever was may have been the one, and no limit is
    checked.
    """
    program_id, is_moved = head.program_id, head.clock_offset_seconds != 0
    async for code in claims.codes(connection, program_id):
        for invariant, saw, expected in check_code(code):
            tally.add(invariant, program_id, f"a code of reward {code.reward_id}", saw, expected)
    async for used in claims.used(connection, program_id):
        for invariant, saw, expected in check_used(used):
            tally.add(invariant, program_id, f"claim {used.claim_id}", saw, expected)
    versions = await snapshot.versions(connection, program_id)
    async for expired in claims.expired(connection, program_id):
        around = EVER if is_moved else clocks_differ
        for invariant, saw, expected in check_expired(expired, versions, around=around):
            tally.add(invariant, program_id, f"claim {expired.claim_id}", saw, expected)
    definitions = await limits.definitions(connection, program_id)
    for definition in definitions:
        if definition.reward is None:
            subject = f"reward {definition.reward_id}"
            tally.add("V20", program_id, subject, "a definition that cannot be read", "a reward")
    return [] if is_moved else [limits.check(definitions, clocks_differ=clocks_differ)]


def check_code(seen: CodeSeen) -> Iterator[Found]:
    """Codes are unique by their keys, so each key must be its code's own."""
    if seen.key != code_key(seen.code):
        yield "V18", "a key that is not its code's", "the code without blanks, in upper case"


def check_used(seen: UsedSeen) -> Iterator[Found]:
    """The order names it. Only staff may have applied a content without it since."""
    if seen.details is None or seen.is_amended:
        return
    keys = {code_key(used.code) for used in seen.details.codes}
    if seen.code_key not in keys and seen.claim_id not in seen.details.claimed_reward_ids:
        yield "V19", f"used on order {seen.order_id}, which does not name it", "an order that names it"


def check_expired(seen: ExpiredSeen, versions: Sequence[Version], *, around: timedelta) -> Iterator[Found]:
    """Its points came back, or did not, as the program said then, give or take the time `around`."""
    said = {version.spending for version in _in_force(versions, seen.at, around)}
    if None not in said and seen.is_returned not in {
        spending.expired_returns_points for spending in said if spending is not None
    }:
        saw = "its points came back" if seen.is_returned else "its points did not come back"
        yield "V19", f"expired, and {saw}", "what the program's setting said at that time"


def _in_force(versions: Sequence[Version], at: datetime, around: timedelta) -> Iterator[Version]:
    """The versions that held at some moment from `around` before to `around` after."""
    for version, following in zip(versions, [*versions[1:], None], strict=True):
        has_begun = version.recorded_at - around <= at
        has_ended = following is not None and following.recorded_at + around < at
        if has_begun and not has_ended:
            yield version
