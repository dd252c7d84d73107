"""How an order becomes points: money, rules, statuses, payment and approval."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from regulars.domain.commands import (
    DiscountCode,
    OrderDetails,
    PaymentStatus,
    RecordOrder,
    RecordPayment,
    UpdateOrder,
)
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Invalid, OrderDiffers, UnknownOrder, UnknownSite
from regulars.domain.program import PurchaseRule
from tests import make
from tests.domain.story import Story


def lootly(merchant_id: str = "100001", *, status: str = "completed", **changes: Any) -> RecordOrder:
    """The worked example as Lootly's door maps it: total 39.99, subtotal 29.99, discounts 10.00."""
    values: dict[str, Any] = {"door": "lootly", "status": status, "first_wins": True}
    values |= {"discounts_minor": 1000, "paid_minor": 3999}
    return make.order(merchant_id, **(values | changes))


def points_of(rule: PurchaseRule, **order: Any) -> int:
    story = Story(rule, currency=order.get("currency", "GBP"))
    return story.do(make.order("A1", **order)).order.given  # type: ignore[union-attr]


def test_the_worked_example_gives_29_points_on_loyaltylions_mapping() -> None:
    story = Story()
    order = story.do(make.worked_example("A1")).order
    assert order is not None
    assert (order.payable_minor, order.rewardable_minor, order.given) == (3999, 2999, 29)
    assert story.balance() == (0, 29)


def test_the_worked_example_gives_29_points_on_lootlys_mapping() -> None:
    story = Story()
    order = story.do(lootly("A1")).order
    assert order is not None
    assert (order.payable_minor, order.rewardable_minor, order.paid_minor) == (3999, 2999, 3999)
    assert story.balance() == (0, 29)


@pytest.mark.parametrize(
    ("counts", "points"),
    [
        ({}, 29),
        ({"counts_shipping": True}, 39),
        ({"counts_tax": True}, 34),
        ({"counts_discounts": True}, 39),
        ({"counts_shipping": True, "counts_tax": True, "counts_discounts": True}, 54),
    ],
)
def test_shipping_tax_and_discounts_earn_only_where_the_rule_counts_them(
    counts: dict[str, bool], points: int
) -> None:
    # goods 39.99, shipping 10.00, tax 5.00, a discount of 10.00
    assert points_of(PurchaseRule(**counts), total=5499, tax_minor=500, discounts_minor=1000) == points


def test_what_earns_is_never_below_zero() -> None:
    assert points_of(make.rule(), total=1500, shipping=1000, discounts_minor=1000) == 0


@pytest.mark.parametrize(
    ("rate", "total", "points"),
    [
        ((1, 2), 3999, 19),
        ((1, 2), 4000, 20),
        ((5, 4), 3999, 49),
        ((5, 4), 79, 0),
        ((5, 4), 80, 1),
        ((1, 3), 299, 0),
        ((1, 3), 300, 1),
        ((1_000_000, 1), 1, 10_000),
        ((0, 1), 100_000, 0),
    ],
)
def test_fractions_are_exact_and_rounded_down_once_at_the_end(
    rate: tuple[int, int], total: int, points: int
) -> None:
    assert points_of(make.rule(rate), total=total, shipping=0) == points


@pytest.mark.parametrize(
    ("currency", "rate", "total", "points"),
    [
        ("JPY", (1, 100), 1250, 12),
        ("JPY", (1, 1), 1250, 1250),
        ("KWD", (1, 1), 12_999, 12),
        ("KWD", (5, 4), 12_800, 16),
        ("CLF", (1, 1), 12_345, 1),
    ],
)
def test_a_unit_is_a_unit_of_the_currency_whatever_its_digits(
    currency: str, rate: tuple[int, int], total: int, points: int
) -> None:
    assert points_of(make.rule(rate), total=total, shipping=0, currency=currency) == points


def test_a_setting_counts_whole_currency_units_only() -> None:
    assert points_of(make.rule((5, 4)), total=3999, shipping=0) == 49
    assert points_of(make.rule((5, 4), whole_units_only=True), total=3999, shipping=0) == 48


def test_a_minimum_is_of_what_is_payable() -> None:
    rule = make.rule(minimum_minor=4000)
    assert points_of(rule, total=4999, discounts_minor=1000) == 0
    assert points_of(rule, total=4999, discounts_minor=999) == 30


def test_a_rule_that_is_off_gives_nothing() -> None:
    assert points_of(make.rule(enabled=False)) == 0


def test_a_later_change_of_the_rule_never_changes_a_past_order() -> None:
    story = Story(make.rule((1, 1)))
    story.do(make.order("A1", payment_status=PaymentStatus.NOT_PAID))
    story.do(make.worked_example("A2"))
    story.change(make.rule((10, 1), approval_days=30, counts_shipping=True))
    story.do(make.update("A1", paid=4999))
    assert story.order("A1").given == 39 and story.balance() == (0, 68)
    story.do(make.refund("A2", 1599))
    assert story.order("A2").taken == 11


def test_nothing_is_given_before_the_order_is_paid_in_full() -> None:
    story = Story()
    story.do(make.worked_example("A1", payment_status=PaymentStatus.PARTIALLY_PAID, paid_minor=1000))
    assert story.balance() == (0, 0)
    assert story.why()[-1] == "Gives nothing yet: 10.00 GBP of 39.99 GBP are paid."
    story.do(RecordPayment(site_id=1, merchant_id="A1", amount_minor=2998))
    assert story.balance() == (0, 0)
    story.do(RecordPayment(site_id=1, merchant_id="A1", amount_minor=1))
    assert story.balance() == (0, 29)
    assert story.order("A1").payment_status is PaymentStatus.PAID


def test_whatever_is_still_to_be_paid_can_be_paid_at_once() -> None:
    story = Story()
    story.do(make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID))
    rest = RecordPayment(site_id=1, merchant_id="A1", amount_minor=None)
    decision = story.do(rest)
    assert [payment.amount_minor for payment in decision.payments] == [3999]
    assert story.balance() == (0, 29)
    assert story.do(rest).outcome is Outcome.UNCHANGED


def test_a_payment_of_nothing_changes_nothing() -> None:
    story = Story()
    story.do(make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID))
    assert story.do(RecordPayment(site_id=1, merchant_id="A1", amount_minor=0)).id == 0
    assert story.order("A1").payment_status is PaymentStatus.NOT_PAID


def test_no_more_can_be_paid_than_the_total() -> None:
    story = Story()
    story.do(make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID))
    refusal = story.refused(RecordPayment(site_id=1, merchant_id="A1", amount_minor=5000))
    assert isinstance(refusal, Invalid) and refusal.field == "amount"


def test_partly_paid_from_the_payable_amount_on_is_paid() -> None:
    story = Story()
    story.do(make.worked_example("A1", payment_status=PaymentStatus.PARTIALLY_PAID, paid_minor=3999))
    assert story.order("A1").payment_status is PaymentStatus.PAID and story.balance() == (0, 29)


@pytest.mark.parametrize("paid", [4999, 3999])
def test_paid_means_the_total_or_the_total_less_its_discounts(paid: int) -> None:
    story = Story()
    story.do(make.worked_example("A1", paid_minor=paid))
    assert story.balance() == (0, 29)


@pytest.mark.parametrize(
    "said",
    [
        {"payment_status": PaymentStatus.PAID, "paid_minor": 4000},
        {"payment_status": PaymentStatus.PAID, "paid_minor": 0},
        {"payment_status": PaymentStatus.NOT_PAID, "paid_minor": 1},
        {"payment_status": PaymentStatus.PARTIALLY_PAID, "paid_minor": 5000},
    ],
)
def test_a_payment_status_that_its_money_contradicts_is_refused(said: dict[str, Any]) -> None:
    story = Story()
    refusal = story.refused(make.worked_example("A1", **said))
    assert isinstance(refusal, Invalid) and refusal.field == "total_paid"
    assert not story.page.orders and not story.page.customers, "and nothing is half done"
    story.do(make.worked_example("A1"))
    refusal = story.refused(UpdateOrder(**_update(said)))
    assert isinstance(refusal, Invalid) and refusal.field == "total_paid"
    assert story.balance() == (0, 29)


def test_partly_paid_needs_its_sum() -> None:
    refusal = Story().refused(make.order("A1", payment_status=PaymentStatus.PARTIALLY_PAID))
    assert isinstance(refusal, Invalid) and refusal.field == "total_paid"


def _update(said: dict[str, Any]) -> dict[str, Any]:
    command = make.update("A1", paid=3999)
    return {name: said.get(name, getattr(command, name)) for name in command.__struct_fields__}


SUMS = ("total_minor", "goods_minor", "shipping_minor", "tax_minor", "discounts_minor")


@pytest.mark.parametrize("field", SUMS)
def test_no_sum_is_beyond_what_an_amount_may_be(field: str) -> None:
    """A door adds up what it was told: a total and its discounts, or a hundred discount codes."""
    most = 10**12 * 100
    zero = dict.fromkeys(SUMS, 0) | {"payment_status": PaymentStatus.NOT_PAID}
    Story().do(msgspec.structs.replace(make.order("A1"), **zero | {field: most}))
    refusal = Story().refused(msgspec.structs.replace(make.order("A1"), **zero | {field: most + 1}))
    assert isinstance(refusal, Invalid) and refusal.field == field


def test_a_free_order_that_is_paid_earns_what_the_rule_counts() -> None:
    rule = make.rule(counts_discounts=True)
    assert points_of(rule, total=2000, shipping=0, discounts_minor=2000) == 20
    assert points_of(make.rule(), total=2000, shipping=0, discounts_minor=2000) == 0


def test_created_as_paid_and_created_then_paid_give_the_same() -> None:
    at_once, later = Story(), Story()
    at_once.do(make.worked_example("A1"))
    later.do(make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID))
    later.do(make.update("A1", paid=4999))
    assert at_once.balance() == later.balance() == (0, 29)
    assert at_once.order("A1").rewardable_minor == later.order("A1").rewardable_minor


# -- approval


def test_points_are_pending_for_the_approval_days() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    assert story.balance() == (29, 0)
    assert story.why()[-1].endswith("They are pending until 2026-03-16 12:00 UTC.")
    story.later(14, seconds=-1)
    assert story.settle().outcome is Outcome.UNCHANGED and story.balance() == (29, 0)
    story.later(seconds=1)
    assert story.settle().outcome is Outcome.DONE and story.balance() == (0, 29)
    assert story.settle().outcome is Outcome.UNCHANGED


def test_approval_counts_from_the_payment_not_from_the_order() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID))
    story.later(3)
    story.do(make.update("A1", paid=3999))
    assert story.order("A1").paid_at == make.NOON + make.days(3)
    assert story.account().next_due_at == make.NOON + make.days(17)


def test_an_order_created_as_paid_was_paid_on_its_date() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1", placed_at=make.NOON - make.days(4)))
    assert story.account().next_due_at == make.NOON + make.days(10)


def test_history_is_approved_as_of_then() -> None:
    story = Story(make.rule(approval_days=14))
    decision = story.do(make.worked_example("A1", placed_at=make.NOON - make.days(100)))
    assert story.balance() == (0, 29)
    given, approved = decision.movements
    assert given.effective_at == make.NOON - make.days(100)
    assert approved.effective_at == make.NOON - make.days(86)
    assert given.recorded_at == approved.recorded_at == make.NOON
    assert story.customer().member_since == make.NOON - make.days(100)


def test_what_is_due_counts_at_once_even_when_no_job_came() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.later(14)
    story.adjust(-29)
    assert story.balance() == (0, 0)


def test_a_date_a_little_ahead_is_a_zone_or_a_clock_and_more_is_refused() -> None:
    story = Story(make.rule(approval_days=1))
    story.do(make.worked_example("A1", placed_at=make.NOON + timedelta(hours=14)))
    assert story.order("A1").placed_at == make.NOON
    refusal = story.refused(make.worked_example("A2", placed_at=make.NOON + timedelta(hours=25)))
    assert isinstance(refusal, Invalid) and refusal.field == "placed_at"


# -- the shop's own statuses


def test_an_order_earns_at_the_first_hook_whose_status_is_rewarded() -> None:
    story = Story(make.rule(statuses=("completed",), approval_days=14))
    story.do(lootly("A1", status="processing"))
    assert story.balance() == (0, 0)
    assert story.why()[-1] == (
        "Gives nothing yet: orders in the status “processing” do not earn in this program."
    )
    story.later(2)
    story.do(lootly("A1", status="paid"))
    assert story.balance() == (0, 0) and story.order("A1").status == "paid"
    story.later(2)
    story.do(lootly("A1", status="completed"))
    assert story.balance() == (29, 0)
    assert story.order("A1").paid_at == make.NOON + make.days(4), "paid at that moment"


def test_by_default_any_status_earns_and_later_hooks_repeat() -> None:
    story = Story()
    story.do(lootly("A1", status="processing"))
    assert story.balance() == (0, 29)
    assert story.do(lootly("A1", status="completed")).outcome is Outcome.REPEATED
    assert story.balance() == (0, 29)


def test_the_statuses_that_count_are_those_of_the_rule_that_was_frozen() -> None:
    story = Story(make.rule(statuses=("completed",)))
    story.do(lootly("A1", status="processing"))
    story.change(make.rule(statuses=("fulfilled",)))
    story.do(lootly("A1", status="fulfilled"))
    assert story.balance() == (0, 0)
    story.do(lootly("A1", status="completed"))
    assert story.balance() == (0, 29)


# -- the same order again


def test_the_same_content_again_is_answered_as_the_first_time() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    story.later(5)
    again = story.do(make.worked_example("A1"))
    assert (again.outcome, again.id) == (Outcome.REPEATED, 0)


def test_saying_what_is_understood_anyway_is_the_same_content() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    assert story.do(make.worked_example("A1", paid_minor=4999)).outcome is Outcome.REPEATED
    story.do(make.worked_example("A2", payment_status=PaymentStatus.NOT_PAID))
    again = make.worked_example("A2", payment_status=PaymentStatus.NOT_PAID, paid_minor=0)
    assert story.do(again).outcome is Outcome.REPEATED


def test_the_first_report_again_is_a_repeat_even_when_the_order_has_moved_on() -> None:
    story = Story()
    first = make.worked_example("A1", payment_status=PaymentStatus.NOT_PAID)
    story.do(first)
    story.do(make.update("A1", paid=3999))
    assert story.do(first).outcome is Outcome.REPEATED
    assert story.order("A1").payment_status is PaymentStatus.PAID


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"total": 5000}, {"total_minor", "goods_minor"}),
        ({"customer": make.alice(merchant_id="bob")}, {"customer_id"}),
        ({"customer": make.alice(email="new@example.com")}, {"customer_email"}),
        ({"merchant_number": "#7"}, {"merchant_number"}),
        ({"placed_at": make.NOON - make.days(1)}, {"placed_at"}),
        ({"payment_status": PaymentStatus.NOT_PAID}, {"payment_status"}),
        ({"details": OrderDetails(codes=(DiscountCode("TEA10", 1000),))}, {"codes"}),
    ],
)
def test_another_content_is_refused_and_what_differs_is_named(
    changes: dict[str, Any], fields: set[str]
) -> None:
    story = Story()
    story.do(make.order("A1"))
    refusal = story.refused(make.order("A1", **changes))
    assert isinstance(refusal, OrderDiffers) and set(refusal.data["fields"]) == fields
    assert story.balance() == (0, 39)


def test_a_date_that_is_no_longer_said_is_named() -> None:
    story = Story()
    story.do(make.order("A1", placed_at=make.NOON - make.days(1)))
    refusal = story.refused(make.order("A1"))
    assert isinstance(refusal, OrderDiffers) and refusal.data["fields"] == ("placed_at",)


def test_where_the_first_wins_a_differing_body_is_said_and_changes_no_money() -> None:
    story = Story()
    story.do(lootly("A1"))
    differing = story.do(lootly("A1", discounts_minor=0, paid_minor=4999))
    assert differing.outcome is Outcome.DIFFERS
    assert story.why() == ["The order was known with other content (discounts); its first content stays."]
    assert story.balance() == (0, 29)


def test_a_differing_body_still_brings_its_status_and_earns_by_the_first_money() -> None:
    story = Story(make.rule(statuses=("completed",)))
    story.do(lootly("A1", status="processing"))
    differing = story.do(lootly("A1", discounts_minor=0, paid_minor=4999, status="completed"))
    assert differing.outcome is Outcome.DIFFERS and story.balance() == (0, 29)


def test_sending_it_again_never_revives_a_cancelled_order() -> None:
    story = Story(make.rule(statuses=("completed",)))
    story.do(lootly("A1", status="processing"))
    story.cancel("A1")
    story.do(lootly("A1", status="completed"))
    assert story.balance() == (0, 0) and story.order("A1").cancelled


# -- what is not there


def test_what_concerns_an_unknown_order_or_site_is_refused() -> None:
    story = Story()
    for command in (
        make.update("A1", paid=1),
        make.refund("A1", 1),
        RecordPayment(site_id=1, merchant_id="A1", amount_minor=None),
    ):
        assert isinstance(story.refused(command), UnknownOrder)
    assert isinstance(story.refused(make.order("A1", site_id=2)), UnknownSite)
    refusal = story.refused(make.order("A1", currency="EUR"))
    assert isinstance(refusal, Invalid) and refusal.field == "currency"
