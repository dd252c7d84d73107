"""What refunds, cancels and un-paying take, from where, and how it comes back."""

import itertools
from typing import Any

import pytest

from regulars.domain.commands import CancelOrder, PaymentStatus, RecordRefund, RefundPart, RefundStatus
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Invalid, RefundDiffers, UnknownOrder
from tests import make
from tests.domain.story import Story


def told() -> Story:
    """The worked example has come: 39.99 payable, 29 points."""
    story = Story()
    story.do(make.worked_example("A1"))
    return story


def lenient(amount: int, *, reference: str | None = None, merchant_id: str = "A1") -> RecordRefund:
    return make.refund(merchant_id, amount, reference=reference, lenient=True)


def test_the_worked_example_takes_11_and_then_the_other_18() -> None:
    story = told()
    story.do(make.refund("A1", 1599))
    assert story.balance() == (0, 18)
    assert story.why() == ["Took 11 points back for the refund: 11 of the 29 given are now taken."]
    story.do(make.refund("A1", 2400))
    assert story.balance() == (0, 0)
    assert story.order("A1").refund_status is RefundStatus.REFUNDED


def test_a_refund_of_shipping_is_money_like_any_other() -> None:
    story = told()
    story.do(make.refund("A1", 1000))
    assert story.order("A1").taken == 7  # 29 × 10.00 / 39.99 = 7.25


@pytest.mark.parametrize("parts", list(itertools.permutations((1599, 700, 1000, 700))))
def test_neither_the_split_nor_the_order_of_refunds_makes_a_difference(parts: tuple[int, ...]) -> None:
    story = told()
    sums = [29 * part // 3999 for part in itertools.accumulate(parts)]
    for part, taken in zip(parts, sums[:-1], strict=False):
        story.do(make.refund("A1", part))
        assert story.order("A1").taken == taken
    story.do(make.refund("A1", parts[-1]))
    assert story.order("A1").taken == 29


def test_all_parts_of_one_call_count_together() -> None:
    story = told()
    parts = (RefundPart(1599), RefundPart(2400))
    story.do(RecordRefund(site_id=1, merchant_id="A1", currency="GBP", parts=parts))
    assert story.balance() == (0, 0)


def test_refunded_by_word_takes_all_whatever_the_sum_says() -> None:
    story = told()
    story.do(make.update("A1", paid=4999, refund_status=RefundStatus.REFUNDED, refunded=0))
    assert story.balance() == (0, 0)
    story = told()
    story.do(RecordRefund(site_id=1, merchant_id="A1", currency="GBP"))
    assert (story.balance(), story.order("A1").refunded_minor) == ((0, 0), 4999)


def test_what_is_wholly_refunded_stays_so_when_another_sum_is_told() -> None:
    story = told()
    story.do(make.update("A1", paid=4999, refund_status=RefundStatus.REFUNDED, refunded=0))
    story.do(make.refund("A1", 500))
    assert story.balance() == (0, 0)
    assert story.order("A1").refund_status is RefundStatus.REFUNDED


def test_all_the_money_refunded_in_parts_is_a_full_refund() -> None:
    story = told()
    story.do(make.update("A1", paid=3999, refunded=3999))
    assert story.order("A1").refund_status is RefundStatus.REFUNDED and story.balance() == (0, 0)


@pytest.mark.parametrize(
    ("status", "refunded", "paid"),
    [(RefundStatus.NOT_REFUNDED, 1, 3999), (RefundStatus.PARTIALLY_REFUNDED, 4000, 3999)],
)
def test_a_refund_status_that_its_money_contradicts_is_refused(
    status: RefundStatus, refunded: int, paid: int
) -> None:
    story = told()
    refusal = story.refused(make.update("A1", paid=paid, refunded=refunded, refund_status=status))
    assert isinstance(refusal, Invalid) and refusal.field == "total_refunded"


def test_more_than_was_paid_is_refused_or_where_the_door_is_lenient_counted_up_to_the_order() -> None:
    story = told()
    refusal = story.refused(make.refund("A1", 5000))
    assert isinstance(refusal, Invalid) and refusal.field == "amount"
    story.do(lenient(5000))
    assert (story.balance(), story.order("A1").refunded_minor) == ((0, 0), 3999)
    assert story.why()[0] == "Refunds of 50.00 GBP were reported; they count up to 39.99 GBP."


def test_a_refund_in_another_currency_is_refused() -> None:
    story = told()
    refusal = story.refused(make.refund("A1", 1599, currency="EUR"))
    assert isinstance(refusal, Invalid) and refusal.field == "currency"
    early = story.refused(make.refund("B1", 1599, currency="EUR", lenient=True))
    assert isinstance(early, Invalid) and early.field == "currency"


# -- refunds with an id


def test_a_refund_with_an_id_counts_once() -> None:
    story = told()
    assert story.do(make.refund("A1", 1599, reference="R1")).outcome is Outcome.DONE
    assert story.do(make.refund("A1", 1599, reference="R1")).outcome is Outcome.REPEATED
    assert story.balance() == (0, 18)
    story.do(make.refund("A1", 1599, reference="R2"))
    assert story.order("A1").taken == 29 * 3198 // 3999


def test_the_same_id_with_another_amount_is_refused() -> None:
    story = told()
    story.do(make.refund("A1", 1599, reference="R1"))
    assert isinstance(story.refused(make.refund("A1", 1600, reference="R1")), RefundDiffers)
    assert story.balance() == (0, 18)


def test_an_id_that_comes_twice_in_one_call_counts_once() -> None:
    story = told()
    parts = (RefundPart(1599, "R1"), RefundPart(1599, "R1"))
    decision = story.do(RecordRefund(site_id=1, merchant_id="A1", currency="GBP", parts=parts))
    assert len(decision.refunds) == 1 and story.balance() == (0, 18)
    parts = (RefundPart(100, "R2"), RefundPart(200, "R2"))
    refusal = story.refused(RecordRefund(site_id=1, merchant_id="A1", currency="GBP", parts=parts))
    assert isinstance(refusal, RefundDiffers)


def test_of_a_known_and_a_new_refund_in_one_call_the_new_one_counts() -> None:
    story = told()
    story.do(make.refund("A1", 1599, reference="R1"))
    parts = (RefundPart(1599, "R1"), RefundPart(2400, "R2"))
    story.do(RecordRefund(site_id=1, merchant_id="A1", currency="GBP", parts=parts))
    assert story.balance() == (0, 0)


def test_refunds_without_an_id_each_count() -> None:
    story = told()
    story.do(make.refund("A1", 1000))
    story.do(make.refund("A1", 1000))
    assert story.order("A1").refunded_minor == 2000


def test_a_refund_that_counts_for_nothing_is_remembered_by_its_id_all_the_same() -> None:
    story = told()
    story.do(lenient(3999))
    extra = story.do(lenient(500, reference="R9"))
    assert extra.outcome is Outcome.UNCHANGED and extra.id and not extra.events
    story.do(make.update("A1", paid=4999))
    assert story.do(lenient(500, reference="R9")).outcome is Outcome.REPEATED
    assert story.balance() == (0, 29)


def test_what_a_refund_of_the_past_takes_is_effective_since_then() -> None:
    story = told()
    story.later(30)
    [taking] = story.do(make.refund("A1", 1599, at=make.NOON + make.days(10))).movements
    assert taking.effective_at == make.NOON + make.days(10)
    assert taking.recorded_at == story.now
    assert story.balance() == (0, 18)


@pytest.mark.parametrize(("said", "counts"), [(-5, 0), (30.5, 30)])
def test_a_refund_is_effective_neither_before_its_order_was_paid_nor_in_the_future(
    said: float, counts: float
) -> None:
    story = told()
    story.later(30)
    [taking] = story.do(make.refund("A1", 1599, at=make.NOON + make.days(said))).movements
    assert taking.effective_at == make.NOON + make.days(counts)


def test_a_refund_from_the_future_is_refused() -> None:
    story = told()
    refusal = story.refused(make.refund("A1", 1599, at=make.NOON + make.days(2)))
    assert isinstance(refusal, Invalid) and refusal.field == "at"


def test_a_refund_of_the_past_takes_the_orders_pending_points_as_of_then() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.later(10)
    [taking] = story.do(make.refund("A1", 1599, at=make.NOON + make.days(3))).movements
    assert (taking.from_bucket, taking.effective_at) == ("pending", make.NOON + make.days(3))


# -- refunds and cancels that come before their order


def test_an_early_refund_waits_for_its_order() -> None:
    story = Story()
    assert story.do(lenient(1599)).outcome is Outcome.WAITING
    assert story.why() == ["The order A1 is not known yet; this waits for it."]
    decision = story.do(make.worked_example("A1"))
    assert story.balance() == (0, 18)
    assert decision.early_done == [1] and [refund.amount_minor for refund in decision.refunds] == [1599]
    assert "A refund of 15.99 GBP had come before the order itself." in story.why()
    assert not story.page.early


def test_early_and_late_refunds_come_to_the_same() -> None:
    early, late = Story(), told()
    for part in ((700, "R1"), (899, "R2"), (700, "R1")):
        early.do(lenient(part[0], reference=part[1]))
        late.do(lenient(part[0], reference=part[1]))
    early.do(make.worked_example("A1"))
    early.do(lenient(700, reference="R1"))
    assert early.balance() == late.balance() == (0, 18)


def test_an_early_refund_of_the_same_id_and_another_amount_is_refused() -> None:
    story = Story()
    story.do(lenient(1599, reference="R1"))
    assert story.do(lenient(1599, reference="R1")).outcome is Outcome.REPEATED
    assert isinstance(story.refused(lenient(1600, reference="R1")), RefundDiffers)


def test_an_early_cancel_waits_too_and_the_order_gives_nothing() -> None:
    story = Story()
    cancel = CancelOrder(site_id=1, merchant_id="A1", waits=True)
    assert story.do(cancel).outcome is Outcome.WAITING
    assert story.do(cancel).outcome is Outcome.REPEATED
    story.do(make.worked_example("A1"))
    assert story.balance() == (0, 0) and story.order("A1").cancelled
    assert story.why() == [
        "The customer became a member as of 2026-03-02 12:00 UTC.",
        "Its cancellation had come before the order itself.",
        "Gives nothing: the order is cancelled.",
    ]


def test_where_plugins_rely_on_it_an_early_one_is_an_unknown_order() -> None:
    story = Story()
    assert isinstance(story.refused(make.refund("A1", 1)), UnknownOrder)
    assert isinstance(story.refused(CancelOrder(site_id=1, merchant_id="A1")), UnknownOrder)


def test_early_refunds_of_pending_points_leave_the_rest_pending() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(lenient(1599))
    story.do(make.worked_example("A1"))
    assert story.balance() == (18, 0)


# -- cancelling, un-paying, and back


def test_cancelling_takes_what_is_left_once() -> None:
    story = told()
    story.do(make.refund("A1", 1599))
    story.cancel("A1")
    assert story.balance() == (0, 0)
    assert story.why() == [
        "Took 18 points back because the order was cancelled: 29 of the 29 given are now taken."
    ]
    assert story.cancel("A1").outcome is Outcome.UNCHANGED
    story.do(make.refund("A1", 2400))
    assert story.balance() == (0, 0)


def test_closed_after_its_refund_does_not_take_twice() -> None:
    story = told()
    story.do(lenient(3999))
    story.do(CancelOrder(site_id=1, merchant_id="A1", closed=True, waits=True))
    assert story.balance() == (0, 0) and story.order("A1").taken == 29


def test_un_cancelling_gives_back_all_but_what_was_refunded() -> None:
    story = told()
    story.do(make.refund("A1", 1599))
    story.cancel("A1")
    story.do(make.update("A1", paid=4999, refunded=1599))
    assert story.balance() == (0, 18)
    assert story.why() == ["Put 18 points back: 11 of the 29 given are now taken."]
    story.do(make.update("A1", paid=4999))
    assert story.balance() == (0, 29)


def test_paid_no_longer_is_reversed_and_paid_again_restored() -> None:
    story = told()
    unpaid: dict[str, Any] = {"payment_status": PaymentStatus.PARTIALLY_PAID}
    story.do(make.update("A1", paid=2000, **unpaid))
    assert story.balance() == (0, 0)
    assert story.why() == [
        "Took 29 points back because the order is no longer paid in full: 29 of the 29 given are now taken."
    ]
    story.do(make.update("A1", paid=3999))
    assert story.balance() == (0, 29) and story.lots() == [29]
    assert [lot.opened_at for lot in story.account().lots] == [make.NOON], "no second lot"


def test_un_paying_while_pending_keeps_the_first_approval_date() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.do(make.update("A1", paid=0))
    assert story.balance() == (0, 0) and story.account().next_due_at is None
    story.later(3)
    story.do(make.update("A1", paid=3999))
    assert story.balance() == (29, 0) and story.account().next_due_at == make.NOON + make.days(14)


def test_paid_again_after_the_approval_date_is_available_at_once() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.do(make.update("A1", paid=0))
    story.later(20)
    story.do(make.update("A1", paid=3999))
    assert story.balance() == (0, 29) and story.account().next_due_at is None


def test_restored_in_parts_around_the_approval_date() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.do(make.update("A1", paid=3999, refunded=3999))
    story.do(make.update("A1", paid=3999, refunded=1599))
    assert story.balance() == (18, 0)
    story.later(14)
    story.do(make.update("A1", paid=3999))
    assert story.balance() == (0, 29) and story.lots() == [29]


def test_an_order_that_gave_nothing_when_it_was_refunded_earns_once_the_refund_is_undone() -> None:
    story = Story()
    story.do(make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID))
    story.do(make.update("A1", paid=3999, refunded=3999))
    assert (story.balance(), story.order("A1").given) == ((0, 0), 0)
    story.do(make.update("A1", paid=3999))
    assert (story.balance(), story.order("A1").given) == ((0, 29), 29)


def test_a_whole_state_put_twice_is_put_once() -> None:
    story = told()
    put = make.update("A1", paid=3999, refunded=1599)
    assert story.do(put).outcome is Outcome.DONE
    again = story.do(put)
    assert (again.outcome, again.id) == (Outcome.UNCHANGED, 0)


# -- from where points are taken


def test_first_this_orders_pending_points() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.do(make.order("A2", total=2000, shipping=0))
    story.adjust(5)
    story.do(make.refund("A1", 1599))
    assert story.balance() == (38, 5) and story.lots() == [18, 20, 5]


def test_then_what_is_left_of_its_own_lot_and_the_others_by_age() -> None:
    story = Story()
    story.do(make.order("A1", total=1000, shipping=0))
    story.later(1)
    story.do(make.order("A2", total=2000, shipping=0))
    story.later(1)
    story.do(make.order("A3", total=3000, shipping=0))
    assert story.lots() == [10, 20, 30]
    story.do(make.refund("A2", 1500))
    assert story.lots() == [10, 5, 30], "its own lot first"
    story.adjust(-12)
    assert story.lots() == [0, 3, 30], "staff take the oldest first"
    story.cancel("A2")
    assert story.lots() == [0, 0, 28], "its own rest, then others"


def test_a_lot_of_history_is_older_than_one_recorded_before_it() -> None:
    story = Story()
    story.do(make.order("A1", total=1000, shipping=0))
    story.do(make.order("A2", total=2000, shipping=0, placed_at=make.NOON - make.days(30)))
    story.adjust(-15)
    assert story.lots() == [10, 5]


def test_pending_points_of_other_orders_are_untouched_and_the_rest_is_owed() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    story.adjust(-29)
    story.change(make.rule(approval_days=14))
    story.do(make.order("A2", total=5000, shipping=0))
    story.cancel("A1")
    assert story.balance() == (50, -29) and story.debts() == [29]


def test_what_was_taken_from_several_lots_goes_back_into_them_last_first() -> None:
    story = Story()
    story.do(make.order("A1", total=1000, shipping=0))
    story.adjust(7)
    story.adjust(20)
    story.adjust(-6)
    assert story.lots() == [4, 7, 20]
    story.do(make.update("A1", paid=1000, refunded=900))
    assert story.lots() == [0, 2, 20]
    story.do(make.update("A1", paid=1000, refunded=600))
    assert story.lots() == [0, 5, 20], "three points go back to where the last came from"
    story.do(make.update("A1", paid=1000))
    assert story.lots() == [4, 7, 20]


def test_the_last_taking_is_undone_first() -> None:
    story = told()
    first = story.do(make.refund("A1", 1000)).movements[0]
    second = story.do(make.refund("A1", 1000)).movements[0]
    restored = story.do(make.update("A1", paid=4999, refunded=500)).movements
    assert [(m.undoes_id, m.points) for m in restored] == [(second.id, 7), (first.id, 4)]
