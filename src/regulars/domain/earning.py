"""What an order gives: the rule that is frozen with it, applied to the money that is frozen with it."""

from datetime import datetime, timedelta

import msgspec

from regulars.domain.book import Cause
from regulars.domain.case import Case
from regulars.domain.commands import PaymentStatus
from regulars.domain.money import exponent
from regulars.domain.orders import Order
from regulars.domain.program import PurchaseRule


def rewardable(
    rule: PurchaseRule, *, goods_minor: int, shipping_minor: int, tax_minor: int, discounts_minor: int
) -> int:
    """The part of an order's money that earns, in minor units, never below zero. Source: DESIGN, lootly.md
    §2."""
    amount = goods_minor
    if rule.counts_shipping:
        amount += shipping_minor
    if rule.counts_tax:
        amount += tax_minor
    if not rule.counts_discounts:
        amount -= discounts_minor
    return max(amount, 0)


def points_for(rule: PurchaseRule, rewardable_minor: int, currency: str) -> int:
    """Points for a rewardable amount: exact fractions, one floor at the end."""
    unit: int = 10 ** exponent(currency)
    if rule.whole_units_only:
        rewardable_minor -= rewardable_minor % unit
    return rewardable_minor * rule.rate_numerator // (unit * rule.rate_denominator)


def approval_due(rule: PurchaseRule, paid_at: datetime) -> datetime | None:
    """When points of an order paid at `paid_at` become available; None: at once."""
    return paid_at + timedelta(days=rule.approval_days) if rule.approval_days else None


def say_why_not(case: Case, order: Order) -> None:
    if order.cancelled:
        case.say("purchase: cancelled")
    elif order.wholly_refunded:
        case.say("purchase: refunded")
    elif order.payment_status is not PaymentStatus.PAID:
        case.say(
            "purchase: not paid", paid=order.paid_minor, payable=order.payable_minor, currency=order.currency
        )
    elif not order.rewarded_status:
        case.say("purchase: status", status=order.status)


def earn(case: Case, order: Order) -> Order:
    """Applies the rule that is frozen with the order. Says what it gave, or why it gave nothing."""
    rule = case.page.rules[order.rule_version]
    customer = case.customer
    assert customer is not None and order.paid_at is not None
    points = points_for(rule, order.rewardable_minor, order.currency)
    if not rule.enabled:
        case.say("purchase: off")
    elif not customer.is_member:
        case.say("purchase: guest")
    elif customer.blocked:
        case.say("purchase: blocked")
    elif order.payable_minor < rule.minimum_minor:
        case.say(
            "purchase: below minimum",
            payable=order.payable_minor,
            minimum=rule.minimum_minor,
            currency=order.currency,
        )
    elif points == 0:
        case.say("purchase: too little", rewardable=order.rewardable_minor, currency=order.currency)
    else:
        approves_at = approval_due(rule, order.paid_at)
        case.say(
            "purchase: given",
            points=points,
            rewardable=order.rewardable_minor,
            currency=order.currency,
            rate=f"{rule.rate_numerator}/{rule.rate_denominator}",
            approves=approves_at,
        )
        lot = case.grant(
            points, Cause.PURCHASE, order_id=order.id, effective_at=order.paid_at, approves_at=approves_at
        )
        return msgspec.structs.replace(
            order,
            lot_id=lot.id,
            given=points,
            earned_at=order.earned_at or case.now,
            activity_id=order.activity_id or case.ids.next("activity"),
        )
    return order
