"""What happened to a customer's points, line by line, each with the sentences that say why: also why nothing
was given."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from regulars.domain.book import Bucket
from regulars.domain.decisions import Trace
from regulars.domain.errors import UnknownCustomer
from regulars.domain.trace import sentence
from regulars.storage import timeline as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading
from regulars.storage.timeline import Moved, ShopOrder, Told

MOST: Final = 200
_ALL: Final = 2**62


class LineKind(StrEnum):
    """What a line is about, for its icon and for filters."""

    ORDER = "order"
    PAYMENT = "payment"
    REFUND = "refund"
    CANCEL = "cancel"
    ACTIVITY = "activity"
    ADJUSTMENT = "adjustment"
    APPROVAL = "approval"
    REWARD = "reward"
    """A reward was claimed."""
    CLAIM = "claim"
    """Something became of a claimed reward."""
    PROFILE = "profile"
    BLOCK = "block"
    ERASURE = "erasure"
    MERGE = "merge"


_KINDS: Final = {
    "RecordOrder": LineKind.ORDER,
    "UpdateOrder": LineKind.ORDER,
    "AmendOrder": LineKind.ORDER,
    "RecordPayment": LineKind.PAYMENT,
    "RecordRefund": LineKind.REFUND,
    "CancelOrder": LineKind.CANCEL,
    "SaveCustomer": LineKind.PROFILE,
    "PatchCustomer": LineKind.PROFILE,
    "AdjustPoints": LineKind.ADJUSTMENT,
    "Settle": LineKind.APPROVAL,
    "RedeemReward": LineKind.REWARD,
    "CancelClaim": LineKind.CLAIM,
    "FulfilClaim": LineKind.CLAIM,
    "ExpireClaim": LineKind.CLAIM,
    "EraseCustomer": LineKind.ERASURE,
    "MergeCustomers": LineKind.MERGE,
}
_BY_CODE: Final = {
    "joined": LineKind.ACTIVITY,
    "blocked": LineKind.BLOCK,
    "unblocked": LineKind.BLOCK,
}


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A movement that the line made."""

    id: int
    points: int
    from_bucket: Bucket
    to_bucket: Bucket
    cause: str
    claim_id: int | None


class ClaimLink(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed reward that the line is about."""

    id: int
    title: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. `pending`, `available`: by how many points it changed each. `sentences` may be empty:
    some things happen without a word. `deliveries`: the calls behind it that are still kept."""

    decision_id: int
    customer_id: int
    at: datetime
    kind: LineKind
    outcome: str
    actor: str | None
    sentences: tuple[str, ...]
    moves: tuple[Move, ...]
    pending: int
    available: int
    order: ShopOrder | None
    claims: tuple[ClaimLink, ...]
    deliveries: tuple[int, ...]
    trace: tuple[Trace, ...] = ()
    """What the sentences are made of, for whoever says them in another language."""


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, latest first. `next`: what to give as `before` for those that come after; None at the end."""

    lines: list[Line]
    next: int | None


async def timeline(
    database: Database, program_id: int, customer_id: int, *, before: int | None = None, most: int = 50
) -> Timeline:
    """A page of the customer's history. Raises UnknownCustomer, Busy."""
    most = min(most, MOST)
    async with reading(database, long=True) as connection:
        told = await storage.of_customer(
            connection, program_id, customer_id, before=_ALL if before is None else before, most=most + 1
        )
        if not told and not await storage.is_known(connection, program_id, customer_id):
            raise UnknownCustomer(customer=customer_id)
        shown = await lines(connection, program_id, told[:most])
    return Timeline(lines=shown, next=shown[-1].decision_id if len(told) > most else None)


async def lines(connection: Connection, program_id: int, told: Sequence[Told]) -> list[Line]:
    """These decisions as lines, with all that they link to."""
    numbers = [each.decision_id for each in told]
    moved = await storage.movements(connection, program_id, told)
    bought = await storage.orders(
        connection, program_id, (each.order_id for each in told if each.order_id is not None)
    )
    claim_ids = {move.claim_id for moves in moved.values() for move in moves if move.claim_id is not None}
    claims = await storage.claims(connection, program_id, ids=claim_ids, decision_ids=numbers)
    calls = await storage.deliveries(connection, program_id, numbers)
    found = []
    for each in told:
        moves = moved.get(each.decision_id, [])
        own = {move.claim_id for move in moves}
        about = [claim for claim in claims if claim.id in own or claim.decision_id == each.decision_id]
        found.append(
            Line(
                decision_id=each.decision_id,
                customer_id=each.customer_id,
                at=each.at,
                kind=_kind(each),
                outcome=each.outcome,
                actor=each.actor,
                sentences=tuple(in_words(entry) for entry in each.trace),
                moves=tuple(_move(move) for move in moves),
                pending=_net(moves, Bucket.PENDING),
                available=_net(moves, Bucket.AVAILABLE),
                order=bought.get(each.order_id) if each.order_id is not None else None,
                claims=tuple(ClaimLink(id=claim.id, title=claim.title) for claim in about),
                deliveries=calls.get(each.decision_id, ()),
                trace=each.trace,
            )
        )
    return found


def in_words(entry: Trace) -> str:
    """The line of a trace as a sentence; as it is, where another version wrote it."""
    try:
        return sentence(entry)
    except (KeyError, ValueError, TypeError):
        return f"{entry.code} {entry.facts}"


def _kind(told: Told) -> LineKind:
    kind = _KINDS.get(told.kind, LineKind.PROFILE)
    if kind is LineKind.PROFILE:
        for entry in told.trace:
            if entry.code in _BY_CODE:
                return _BY_CODE[entry.code]
    return kind


def _move(move: Moved) -> Move:
    return Move(
        id=move.movement_id,
        points=move.points,
        from_bucket=Bucket(move.from_bucket),
        to_bucket=Bucket(move.to_bucket),
        cause=move.cause,
        claim_id=move.claim_id,
    )


def _net(moves: Sequence[Moved], bucket: Bucket) -> int:
    return sum(move.points * ((move.to_bucket == bucket) - (move.from_bucket == bucket)) for move in moves)
