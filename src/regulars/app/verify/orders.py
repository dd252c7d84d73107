"""V04 to V07 as far as an order goes: recomputed by the same functions that gave and took its points."""

from collections.abc import Iterator

from regulars.domain.earning import approval_due, points_for, rewardable
from regulars.domain.errors import Invalid
from regulars.domain.orders import Order, taken_target
from regulars.domain.program import PurchaseRule
from regulars.storage.audit.snapshot import OrderSeen

Found = tuple[str, object, object]
"""Invariant, what was seen, what had to be."""

REASONS = frozenset(
    {
        "purchase: off",
        "purchase: guest",
        "purchase: blocked",
        "purchase: below minimum",
        "purchase: too little",
    }
)
"""The trace's codes that say why an order that qualified got nothing."""


def check_order(seen: OrderSeen, rule: PurchaseRule | None) -> Iterator[Found]:
    """What is wrong with an order; `rule` is the one that is frozen with it, None when it cannot be read."""
    order = seen.order
    if order is None:
        yield "V13", f"a row that cannot be read: {seen.problem}", "an order"
        return
    yield from _given(seen, order, rule)
    yield from _taken(seen, order)
    if order.given and (order.earned_at is None or order.paid_at is None or order.activity_id is None):
        yield "V06", f"{order.given} points given at no time", "paid at, earned at, and its activity"
    if order.qualifies and order.paid_at is None:
        yield "V06", "paid in a rewarded status at no time", "when it was paid"


def _given(seen: OrderSeen, order: Order, rule: PurchaseRule | None) -> Iterator[Found]:
    if rule is None:
        yield "V04", f"version {order.rule_version} of the rules, which cannot be read", "its frozen rule"
        return
    amount = rewardable(
        rule,
        goods_minor=order.goods_minor,
        shipping_minor=order.shipping_minor,
        tax_minor=order.tax_minor,
        discounts_minor=order.discounts_minor,
    )
    if amount != order.rewardable_minor:
        yield "V04", f"rewardable {order.rewardable_minor}", f"{amount} by its rule and money"
    if (seen.grants, seen.granted) != (int(order.given > 0), order.given):
        saw = f"{seen.granted} points given in {seen.grants} movements"
        yield "V04", saw, f"{order.given} in {int(order.given > 0)}"
    if not order.given:
        return
    points = _points(rule, order)
    if points is not None and order.given != points:
        yield "V04", f"{order.given} points given", f"{points} by its rule and rewardable amount"
    if not rule.enabled or order.payable_minor < rule.minimum_minor:
        yield "V04", f"{order.given} points given", "none: its rule was off or its minimum not reached"
    lot = (seen.lot_size, seen.lot_order_id, seen.lot_customer_id)
    if lot != (order.given, order.id, order.customer_id):
        saw = f"lot {order.lot_id}: size {lot[0]}, order {lot[1]}, customer {lot[2]}"
        yield "V04", saw, f"size {order.given}, order {order.id}, customer {order.customer_id}"
    if order.paid_at is not None and seen.approves_at != (due := approval_due(rule, order.paid_at)):
        yield "V07", f"approved at {seen.approves_at or 'once'}", f"{due or 'once'}, by its rule and payment"


def _taken(seen: OrderSeen, order: Order) -> Iterator[Found]:
    target = taken_target(order)
    if order.taken != target:
        yield "V05", f"{order.taken} of {order.given} points taken", f"{target} by its state"
    if seen.net_taken != order.taken:
        yield "V05", f"{seen.net_taken} points taken by its movements", f"{order.taken}"
    if seen.past_left:
        yield "V05", f"{seen.past_left} points left of what it gave before it was amended", "0"
    if not 0 <= order.taken <= order.given:
        yield "V05", f"{order.taken} points taken", f"from 0 to the {order.given} given"
    if not 0 <= order.refunded_minor <= order.paid_minor:
        yield "V05", f"refunded {order.refunded_minor}", f"from 0 to the {order.paid_minor} paid"


def check_reasons(codes: frozenset[str]) -> Iterator[Found]:
    """An order that qualifies and has no points: does a trace say why?"""
    if not codes & REASONS:
        yield "V06", "no points, and no trace says why", "points, or a reason"


def _points(rule: PurchaseRule, order: Order) -> int | None:
    try:
        return points_for(rule, order.rewardable_minor, order.currency)
    except Invalid:
        return None  # an unknown currency, which V13 reports
