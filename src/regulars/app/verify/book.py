"""V03, V10: each row of the book is a movement that the model allows, and the hash chain over all holds."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from regulars.app.verify.report import Tally
from regulars.domain.book import GENESIS, PAIRS, Bucket, Cause, Merge, Movement, chain, chain_merge
from regulars.storage.audit import snapshot
from regulars.storage.database import Database

_GIVEN = ((Bucket.ISSUED, Bucket.PENDING), (Bucket.ISSUED, Bucket.AVAILABLE))
_TAKEN = ((Bucket.PENDING, Bucket.REVERSED), (Bucket.AVAILABLE, Bucket.REVERSED))

CAUSES: Final[dict[Cause, tuple[tuple[Bucket, Bucket], ...]]] = {
    Cause.PURCHASE: _GIVEN,
    Cause.JOIN: ((Bucket.ISSUED, Bucket.AVAILABLE),),
    Cause.APPROVAL: ((Bucket.PENDING, Bucket.AVAILABLE),),
    Cause.ADJUSTMENT: ((Bucket.ISSUED, Bucket.AVAILABLE), (Bucket.AVAILABLE, Bucket.ADJUSTED)),
    Cause.REFUND: _TAKEN,
    Cause.CANCEL: _TAKEN,
    Cause.UNPAID: _TAKEN,
    Cause.RESTORED: ((Bucket.REVERSED, Bucket.PENDING), (Bucket.REVERSED, Bucket.AVAILABLE)),
    Cause.REDEMPTION: ((Bucket.AVAILABLE, Bucket.REDEEMED),),
    Cause.CLAIM_CANCELLED: ((Bucket.REDEEMED, Bucket.AVAILABLE),),
    Cause.CLAIM_EXPIRED: ((Bucket.REDEEMED, Bucket.AVAILABLE),),
    Cause.AMENDED: _TAKEN,
}
"""From and to of the movements that a cause may make."""

_OF_CLAIMS = (Cause.REDEMPTION, Cause.CLAIM_CANCELLED, Cause.CLAIM_EXPIRED)
_UNDOING = (Cause.RESTORED, Cause.CLAIM_CANCELLED, Cause.CLAIM_EXPIRED)
_OF_ORDERS = (
    Cause.PURCHASE,
    Cause.REFUND,
    Cause.CANCEL,
    Cause.UNPAID,
    Cause.RESTORED,
    Cause.AMENDED,
)

# What each movement has to name, by its (from, to, cause) as plain text: one look-up a row, as millions pass.
_REQUIRED: Final[dict[tuple[str, str, str], tuple[str, ...]]] = {
    (str(pair[0]), str(pair[1]), str(cause)): tuple(
        name
        for name, is_required in (
            ("order_id", cause in _OF_ORDERS),
            ("lot_id", pair[0] is Bucket.ISSUED or cause is Cause.APPROVAL),
            ("undoes_id", cause in _UNDOING),
            ("claim_id", cause in _OF_CLAIMS),
        )
        if is_required
    )
    for cause, pairs in CAUSES.items()
    for pair in pairs
    if pair in PAIRS
}


async def check_book(database: Database, head: snapshot.Head, merges: Sequence[Merge], tally: Tally) -> int:
    """Walks the whole book up to the head's last movement. Answers how many movements there are.

    `merges`, in their order, stand between the movements.
    """
    number, previous = 0, GENESIS
    waiting = deque(merges)
    async for page in snapshot.movements(database, head.program_id, up_to=head.movement):
        for movement, stored in page:
            _check_shape(movement, head.program_id, tally)
            while waiting and waiting[0].movement_id < movement.id:
                previous = chain_merge(previous, waiting.popleft())
            computed = chain(previous, movement)
            if computed != stored:
                subject = f"movement {movement.id}"
                expected = f"{_short(computed)} by its content"
                tally.add("V10", head.program_id, subject, _short(stored), expected)
            previous = stored
        number += len(page)
    while waiting:
        previous = chain_merge(previous, waiting.popleft())
    if previous != head.chain:
        expected = f"{_short(previous)}, as the last of {number} movements"
        tally.add("V10", head.program_id, "the head", _short(head.chain), expected)
    return number


def _check_shape(movement: Movement, program_id: int, tally: Tally) -> None:
    required = _REQUIRED.get((movement.from_bucket, movement.to_bucket, movement.cause))
    subject = f"movement {movement.id}"
    if required is None:
        saw = f"{movement.cause} from {movement.from_bucket} to {movement.to_bucket}"
        tally.add("V03", program_id, subject, saw, "a cause with buckets that go with it")
        return
    if movement.points <= 0:
        tally.add("V03", program_id, subject, f"{movement.points} points", "more than 0")
    for name in required:
        if getattr(movement, name) is None:
            tally.add("V03", program_id, subject, f"{movement.cause} without {name}", f"its {name}")


def _short(digest: bytes) -> str:
    return f"{digest.hex()[:16]}…"
