"""The book of points: movements between buckets, lots and what was used of them.

A movement takes points from one bucket to another, so the book cannot be out of balance. A lot is one grant
and what is left of it; a deficit is what a movement took beyond all lots.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

GENESIS: Final = bytes(32)
"""What the first movement of a program is chained to."""

MAX_POINTS: Final = 10**17
"""The most points that one account may hold in any bucket; keeps every sum within 64 bits."""


class Bucket(StrEnum):
    ISSUED = "issued"
    PENDING = "pending"
    AVAILABLE = "available"
    REVERSED = "reversed"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"


PAIRS: Final = frozenset(
    {
        (Bucket.ISSUED, Bucket.PENDING),
        (Bucket.ISSUED, Bucket.AVAILABLE),
        (Bucket.PENDING, Bucket.AVAILABLE),
        (Bucket.PENDING, Bucket.REVERSED),
        (Bucket.AVAILABLE, Bucket.REVERSED),
        (Bucket.REVERSED, Bucket.PENDING),
        (Bucket.REVERSED, Bucket.AVAILABLE),
        (Bucket.AVAILABLE, Bucket.REDEEMED),
        (Bucket.REDEEMED, Bucket.AVAILABLE),
        (Bucket.AVAILABLE, Bucket.EXPIRED),
        (Bucket.AVAILABLE, Bucket.ADJUSTED),
    }
)
"""From and to: the only movements there are."""


class Cause(StrEnum):
    PURCHASE = "purchase"
    JOIN = "join"
    APPROVAL = "approval"
    ADJUSTMENT = "adjustment"
    REFUND = "refund"
    CANCEL = "cancel"
    UNPAID = "unpaid"
    RESTORED = "restored"
    REDEMPTION = "redemption"
    CLAIM_CANCELLED = "claim_cancelled"
    CLAIM_EXPIRED = "claim_expired"
    AMENDED = "amended"


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the book, never edited. `lot_id`: the lot that it opened or approved; `undoes_id`: what
    it restores; `claim_id`: the claimed reward that it paid for or gave back."""

    id: int
    customer_id: int
    decision_id: int
    from_bucket: Bucket
    to_bucket: Bucket
    points: int
    cause: Cause
    order_id: int | None
    lot_id: int | None
    undoes_id: int | None
    claim_id: int | None = None
    recorded_at: datetime
    effective_at: datetime


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """All points of a customer, as they stood after the movement `movement_id`, went to the account of
    another. It stands in the book's chain between two movements, and like them is never edited."""

    decision_id: int
    customer_id: int
    into_id: int
    movement_id: int
    pending: int
    available: int
    spent: int
    recorded_at: datetime


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """One grant of points. `state` is pending or available; `remaining` of `size` points are neither spent
    nor taken."""

    id: int
    customer_id: int
    movement_id: int
    order_id: int | None
    size: int
    remaining: int
    state: Bucket
    opened_at: datetime
    approves_at: datetime | None
    expires_at: datetime | None = None


class LotUse(msgspec.Struct, frozen=True, kw_only=True):
    """`points` of a lot paid for the movement; negative: they were put back when that movement was undone."""

    id: int
    lot_id: int
    movement_id: int
    points: int
    decision_id: int


class Deficit(msgspec.Struct, frozen=True, kw_only=True):
    """`points` that the movement took and that no lot has paid for yet."""

    movement_id: int
    customer_id: int
    points: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's points. When `loaded`, `lots` and `deficits` hold all that are open, else only this
    batch's own."""

    customer_id: int
    pending: int = 0
    available: int = 0
    spent: int = 0
    next_due_at: datetime | None = None
    updated_at: datetime | None = None
    lots: tuple[Lot, ...] = ()
    deficits: tuple[Deficit, ...] = ()
    loaded: bool = False


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """A movement that took points (an order's back, or for a claimed reward), the lots it drew from, and how
    much of it was undone since."""

    movement_id: int
    from_bucket: Bucket
    points: int
    undone: int
    uses: tuple[tuple[int, int], ...]
    """(lot id, points net of what was put back), in the order in which they were drawn."""


class Counters(msgspec.Struct):
    """The last ids given out in a program; its head row holds them."""

    customer: int = 0
    order: int = 0
    decision: int = 0
    movement: int = 0
    lot: int = 0
    lot_use: int = 0
    event: int = 0
    activity: int = 0
    refund: int = 0
    early: int = 0
    reward: int = 0
    claim: int = 0

    def next(self, name: str) -> int:
        value: int = getattr(self, name) + 1
        setattr(self, name, value)
        return value


def chain(previous: bytes, movement: Movement) -> bytes:
    """The hash of `movement` on top of `previous`: SHA-256 over both, so that no earlier row can be
    changed unseen."""
    text = (
        f"{movement.id}|{movement.customer_id}|{movement.decision_id}|{movement.from_bucket}|{movement.to_bucket}"
        f"|{movement.points}|{movement.cause}|{movement.order_id}|{movement.lot_id}|{movement.undoes_id}"
        f"|{_microseconds(movement.recorded_at)}|{_microseconds(movement.effective_at)}"
    )
    if movement.claim_id is not None:
        text += f"|{movement.claim_id}"
    return hashlib.sha256(previous + text.encode()).digest()


def chain_merge(previous: bytes, merge: Merge) -> bytes:
    """The hash of `merge` on top of `previous`, as `chain` makes that of a movement."""
    text = (
        f"merge|{merge.decision_id}|{merge.customer_id}|{merge.into_id}|{merge.movement_id}"
        f"|{merge.pending}|{merge.available}|{merge.spent}|{_microseconds(merge.recorded_at)}"
    )
    return hashlib.sha256(previous + text.encode()).digest()


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
