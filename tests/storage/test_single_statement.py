"""A batch goes into a single statement only where that statement writes all that was decided."""

from tests import make

from regulars.domain.book import Bucket, Lot
from regulars.domain.decisions import Decision, Outcome
from regulars.storage.decisions import is_one_statement

WRITTEN_BY_IT = {
    *("id", "kind", "outcome", "at", "trace", "actor", "refusal", "identity", "ids", "repeats", "events"),
    *("customer", "customer_is_new", "customer_changed", "order", "order_is_new", "order_changed"),
    *("account", "account_changed", "movements"),
}
"""New lots are, too, and changed customers whose account was changed with them."""
NOT_WRITTEN_BY_IT = {
    *("deficits_changed", "uses", "payments", "refunds", "early", "early_done", "activities", "claims"),
    *("lots", "merge"),
}
WITH_A_CLAIM = {"codes", "code_states", "stocks"}


def test_every_part_of_a_decision_was_thought_of() -> None:
    """Whoever adds one says here who writes it; what a statement forgot would follow after its commit."""
    assert set(Decision.__struct_fields__) == WRITTEN_BY_IT | NOT_WRITTEN_BY_IT | WITH_A_CLAIM


def test_what_other_statements_write_keeps_a_batch_out() -> None:
    for name in NOT_WRITTEN_BY_IT - {"lots", "merge", "deficits_changed"}:
        decision = Decision(id=1, kind="RecordOrder", outcome=Outcome.DONE, at=make.NOON)
        assert is_one_statement([decision])
        setattr(decision, name, [object()])
        assert not is_one_statement([decision]), name
    for name in ("deficits_changed", "customer_changed", "merge"):
        decision = Decision(id=1, kind="RecordOrder", outcome=Outcome.DONE, at=make.NOON)
        setattr(decision, name, True)
        assert not is_one_statement([decision]), name
    settled = Decision(id=1, kind="Settle", outcome=Outcome.DONE, at=make.NOON, lots=[make_lot()])
    assert not is_one_statement([settled]), "it opened no lot: this one was there before"


def make_lot() -> Lot:
    return Lot(
        id=7,
        customer_id=1,
        movement_id=1,
        order_id=None,
        size=5,
        remaining=5,
        state=Bucket.AVAILABLE,
        opened_at=make.NOON,
        approves_at=None,
    )
