"""Applying a logged call after all: an order that was re-sent with other content, a refund or adjustment that
was taken for a re-delivery, or a call that was refused then. Staff decide that; the log says who."""

import hashlib
from typing import Final, NamedTuple

import msgspec

from regulars.app import audit, deliveries
from regulars.app.house import House
from regulars.domain.commands import AmendOrder, Command, Identity, RecordOrder
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Refused
from regulars.doors.lootly import commands
from regulars.doors.lootly.commands import Call
from regulars.doors.lootly.signature import expected_text, read_signed, sign, verify
from regulars.storage.deliveries import KeptDelivery

SCOPE: Final = "applied"
REPEATABLE: Final = frozenset({"refunds-create", "points-add", "points-subtract"})
"""Hooks without an identity of their own: two equal calls may both be meant."""


class NotApplicable(Refused):
    """`outcome`: what became of the call leaves nothing to apply."""


RETRIED: Final = frozenset({Outcome.REFUSED, "not now"})
"""Outcomes of calls that did nothing: what stood in their way may be gone."""


def is_applicable(hook: str, outcome: str) -> bool:
    """Whether the log offers to apply a call of this hook that came out like that."""
    if hook not in commands.READERS or hook == "redeem-reward":
        return False
    if outcome == Outcome.DIFFERS:
        return hook.startswith("orders-")
    return outcome in RETRIED or (outcome == Outcome.REPEATED and hook in REPEATABLE)


async def apply(
    house: House, program_id: int, delivery_id: int, *, actor: str, entry: int | None = None
) -> Decision:
    """What came of applying that call, once: a second time answers Outcome.REPEATED.

    `entry`: the number of the audit entry that says who does this and why, the same for the same call.

    Raises UnknownDelivery, NotApplicable; Invalid and whatever else its command is refused with; Busy, Late,
    Unsure.
    """
    kept = await deliveries.find_delivery(house.database, program_id, delivery_id)
    if not is_applicable(kept.hook, kept.outcome):
        raise NotApplicable(delivery=delivery_id, outcome=kept.outcome)
    scope, key = (SCOPE, str(kept.delivery_id)) if entry is None else (audit.SCOPE, str(entry))
    command = await _command(house, program_id, kept, actor, scope, key)
    decision = await house.engine.submit(program_id, command)
    await deliveries.note_applied(
        house.database, program_id, delivery_id, actor=actor, decision=decision, at=house.clock()
    )
    return decision


async def _command(
    house: House, program_id: int, kept: KeptDelivery, actor: str, scope: str, key: str
) -> Command:
    program = await house.programs.get(program_id)
    now = house.clock()
    identity = Identity(
        scope=scope,
        key=key,
        fingerprint=hashlib.sha256(kept.body).digest()[:16],
        at=now,
    )
    call = Call(
        integration=kept.integration,
        hook=kept.hook,
        body=read_signed(kept.body),
        credential_id=kept.credential_id,
        site_id=kept.site_id,
        currency=program.site(kept.site_id).currency,
        now=now,
        window_seconds=0,
    )
    command = commands.read(call)
    if isinstance(command, RecordOrder) and kept.outcome == Outcome.DIFFERS:
        return AmendOrder(order=command, actor=actor, identity=identity)
    return msgspec.structs.replace(command, identity=identity)


class Checked(NamedTuple):
    """A body looked at by hand: is its signature good, which came, the text to be signed, and its hmac."""

    is_good: bool
    key: str | None
    came: str | None
    text: str
    signature: str


def check_by_hand(secret: str, body: bytes) -> Checked:
    """What the door makes of a body with this secret. Raises Unreadable."""
    signed = read_signed(body)
    return Checked(
        is_good=verify(secret, signed),
        key=signed.key,
        came=signed.hmac,
        text=expected_text(signed),
        signature=sign(signed.members, secret),
    )
