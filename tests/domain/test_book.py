"""The book: what may move where, and a chain that shows every change."""

import hashlib
from datetime import timedelta, timezone

import msgspec
import pytest

from regulars.domain.book import GENESIS, PAIRS, Account, Bucket, Cause, Counters, Movement, chain
from regulars.domain.posting import Posting
from tests import make

GIVEN = Movement(
    id=1,
    customer_id=1,
    decision_id=1,
    from_bucket=Bucket.ISSUED,
    to_bucket=Bucket.AVAILABLE,
    points=29,
    cause=Cause.PURCHASE,
    order_id=1,
    lot_id=1,
    undoes_id=None,
    recorded_at=make.NOON,
    effective_at=make.NOON,
)


@pytest.mark.parametrize(
    "change",
    [
        {"id": 2},
        {"customer_id": 2},
        {"decision_id": 2},
        {"from_bucket": Bucket.PENDING},
        {"to_bucket": Bucket.PENDING},
        {"points": 30},
        {"cause": Cause.JOIN},
        {"order_id": None},
        {"order_id": 11},
        {"lot_id": None},
        {"undoes_id": 1},
        {"recorded_at": make.NOON + timedelta(microseconds=1)},
        {"effective_at": make.NOON - timedelta(microseconds=1)},
    ],
)
def test_no_field_of_a_movement_can_be_changed_without_breaking_the_chain(change: dict[str, object]) -> None:
    assert chain(GENESIS, msgspec.structs.replace(GIVEN, **change)) != chain(GENESIS, GIVEN)


def test_the_chain_depends_on_all_that_came_before() -> None:
    second = msgspec.structs.replace(GIVEN, id=2)
    straight = chain(chain(GENESIS, GIVEN), second)
    assert straight != chain(chain(GENESIS, second), GIVEN) and straight != chain(GENESIS, second)
    assert len(straight) == len(GENESIS) == 32


def test_the_chain_is_the_same_in_every_zone() -> None:
    abroad = make.NOON.astimezone(timezone(timedelta(hours=9)))
    assert chain(GENESIS, msgspec.structs.replace(GIVEN, recorded_at=abroad)) == chain(GENESIS, GIVEN)


def test_the_hash_is_fixed_for_good() -> None:
    """Books are kept for years: whoever changes what is hashed breaks every chain there is."""
    microseconds = int(make.NOON.timestamp()) * 1_000_000
    text = f"1|1|1|issued|available|29|purchase|1|1|None|{microseconds}|{microseconds}"
    assert chain(GENESIS, GIVEN) == hashlib.sha256(bytes(32) + text.encode()).digest()


def test_points_only_move_along_the_pairs() -> None:
    posting = Posting(Account(customer_id=1, loaded=True), Counters(), 1, make.NOON)
    for source in Bucket:
        for target in Bucket:
            if (source, target) not in PAIRS:
                with pytest.raises(AssertionError):
                    posting._move(source, target, 1, Cause.ADJUSTMENT)
    assert not posting.movements


@pytest.mark.parametrize("points", [0, -1])
def test_a_movement_moves_something(points: int) -> None:
    posting = Posting(Account(customer_id=1, loaded=True), Counters(), 1, make.NOON)
    with pytest.raises(AssertionError):
        posting.grant(points, Cause.ADJUSTMENT)


def test_ids_count_up_each_by_itself() -> None:
    ids = Counters()
    assert [ids.next("lot"), ids.next("lot"), ids.next("order")] == [1, 2, 1]
