"""Decisions on orders: record, update, pay, refund, cancel. The points follow the order's state, whatever
the path."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from regulars.domain.account import identify, names_merged
from regulars.domain.book import Cause
from regulars.domain.case import Case
from regulars.domain.commands import (
    AmendOrder,
    CancelOrder,
    PaymentStatus,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RefundPart,
    RefundStatus,
    UpdateOrder,
)
from regulars.domain.decisions import Early, Outcome, Payment, Refund
from regulars.domain.earning import earn, rewardable, say_why_not
from regulars.domain.errors import Invalid, OrderDiffers, RefundDiffers, UnknownOrder
from regulars.domain.fingerprint import differences, order_fingerprint
from regulars.domain.money import MAX_UNITS, exponent
from regulars.domain.orders import Order, taken_target
from regulars.domain.program import Site
from regulars.domain.redeeming import follow_codes

_EARNING_MONEY = ("goods_minor", "shipping_minor", "tax_minor", "discounts_minor")

FUTURE_ALLOWED = timedelta(days=1)
"""How far ahead of program time an order's date may be: shops' clocks and zones differ."""


def record_order(case: Case, command: RecordOrder) -> Outcome:
    """Records an order that is new; a known one is a repeat, or differs."""
    site = case.program.site(command.site_id)
    known = case.page.orders.get((site.id, command.merchant_id))
    if known is not None:
        return _repeated(case, command, known)
    if command.currency != site.currency:
        raise Invalid("currency", f"must be the site's, {site.currency}")
    _check_sums(command)
    placed_at = command.placed_at or case.now
    if placed_at > case.now + FUTURE_ALLOWED:
        raise Invalid("placed_at", "lies in the future")
    placed_at = min(placed_at, case.now)
    identify(case, command.customer, at=placed_at)
    assert case.customer is not None
    rule = case.program.purchase
    order = Order(
        id=case.ids.next("order"),
        site_id=site.id,
        merchant_id=command.merchant_id,
        merchant_number=command.merchant_number,
        customer_id=case.customer.id,
        door=command.door,
        currency=command.currency,
        total_minor=command.total_minor,
        goods_minor=command.goods_minor,
        shipping_minor=command.shipping_minor,
        tax_minor=command.tax_minor,
        discounts_minor=command.discounts_minor,
        rewardable_minor=rewardable(
            rule,
            goods_minor=command.goods_minor,
            shipping_minor=command.shipping_minor,
            tax_minor=command.tax_minor,
            discounts_minor=command.discounts_minor,
        ),
        rule_version=case.program.version,
        fingerprint=order_fingerprint(command),
        payment_status=PaymentStatus.NOT_PAID,
        paid_minor=0,
        refund_status=RefundStatus.NOT_REFUNDED,
        refunded_minor=0,
        cancelled=False,
        status=command.status,
        rewarded_status=_is_rewarded(case, case.program.version, command.status),
        placed_at=placed_at,
        paid_at=None,
        earned_at=None,
        lot_id=None,
        activity_id=None,
        given=0,
        taken=0,
        created_at=case.now,
        updated_at=case.now,
        details=command.details,
    )
    order = _paid(order, command.payment_status, command.paid_minor)
    order = _apply_early(case, order)
    _follow(case, None, order, paid_at=placed_at)
    case.announce("order.recorded", order=order.merchant_id, payment_status=order.payment_status)
    return Outcome.DONE


def amend_order(case: Case, command: AmendOrder) -> Outcome:
    """Brings a known order to other content: what it gave is taken back whole, then given by the new money.

    Its customer, its rule, its date and its status stay. Raises UnknownOrder, Invalid.
    """
    said = command.order
    order = _known(case, said.site_id, said.merchant_id)
    if said.currency != order.currency:
        raise Invalid("currency", f"must be the order's, {order.currency}")
    _check_sums(said)
    if order.fingerprint == order_fingerprint(said):
        return Outcome.UNCHANGED
    case.actor = command.actor
    assert case.customer is not None
    case.say("amended", actor=command.actor, fields=list(_differences(case, order, said)))
    if order.given > order.taken:
        case.points().take_back(
            order.given - order.taken, Cause.AMENDED, order_id=order.id, lot_id=order.lot_id
        )
    rule = case.page.rules[order.rule_version]
    money = {name: getattr(said, name) for name in ("total_minor", *_EARNING_MONEY)}
    after = msgspec.structs.replace(
        order,
        **money,
        rewardable_minor=rewardable(rule, **{name: money[name] for name in _EARNING_MONEY}),
        merchant_number=said.merchant_number,
        fingerprint=order_fingerprint(said),
        details=said.details,
        refund_status=RefundStatus.NOT_REFUNDED,
        refunded_minor=0,
        lot_id=None,
        given=0,
        taken=0,
        amended_id=case.ids.movement,
        updated_at=case.now,
    )
    after = _paid(after, said.payment_status, said.paid_minor)
    if order.refund_status is not RefundStatus.NOT_REFUNDED:
        after = _refunded(after, order.refund_status, min(order.refunded_minor, after.paid_minor))
    _follow(case, None, after, paid_at=order.paid_at or case.now)
    case.announce("order.amended", order=order.merchant_id)
    return Outcome.DONE


def update_order(case: Case, command: UpdateOrder) -> Outcome:
    """Brings the order to the whole state that the shop reports."""
    order = _known(case, command.site_id, command.merchant_id)
    after = _paid(order, command.payment_status, command.paid_minor)
    after = _refunded(after, command.refund_status, command.refunded_minor)
    after = msgspec.structs.replace(after, cancelled=command.cancelled)
    return _change(case, order, after)


def record_payment(case: Case, command: RecordPayment) -> Outcome:
    """Adds a payment; from the payable amount on the order is paid in full."""
    order = _known(case, command.site_id, command.merchant_id)
    if command.amount_minor is None:
        if order.payment_status is PaymentStatus.PAID:
            return Outcome.UNCHANGED
        amount = max(order.payable_minor - order.paid_minor, 0)
    else:
        amount = command.amount_minor
    paid_minor = order.paid_minor + amount
    if paid_minor > order.total_minor:
        raise Invalid("amount", "is more than is still to be paid")
    full = command.amount_minor is None or paid_minor >= order.payable_minor
    if not amount and not full:
        return Outcome.UNCHANGED
    status = PaymentStatus.PAID if full else PaymentStatus.PARTIALLY_PAID
    if amount:
        case.payments.append(Payment(order_id=order.id, amount_minor=amount))
    return _change(case, order, msgspec.structs.replace(order, payment_status=status, paid_minor=paid_minor))


def record_refund(case: Case, command: RecordRefund) -> Outcome:
    """Adds refunds; one that is known by its id counts once. Without parts, all that was paid."""
    site = case.program.site(command.site_id)
    order = case.page.orders.get((site.id, command.merchant_id))
    if order is None:
        if not command.lenient:
            raise UnknownOrder(order=command.merchant_id)
        return _wait(case, command, site)
    _use_order(case, order)
    if command.currency != order.currency:
        raise Invalid("currency", f"must be the order's, {order.currency}")
    if command.at is not None and command.at > case.now + FUTURE_ALLOWED:
        raise Invalid("at", "lies in the future")
    if not command.parts:
        return _change(case, order, _refunded(order, RefundStatus.REFUNDED, order.paid_minor), at=command.at)
    told = case.page.refund_amounts
    ids = [part.id for part in command.parts if part.id is not None]
    fresh = _fresh_parts(command, {id_: told[order.id, id_] for id_ in ids if (order.id, id_) in told})
    if not fresh:
        return Outcome.REPEATED
    refunded_minor = order.refunded_minor + sum(part.amount_minor for part in fresh)
    most = order.payable_minor if command.lenient else order.paid_minor
    if refunded_minor > most:
        if not command.lenient:
            raise Invalid("amount", "is more than was paid and not refunded yet")
        case.say("refund capped", told=refunded_minor, counted=most, currency=order.currency)
    case.refunds.extend(
        Refund(
            id=case.ids.next("refund"),
            order_id=order.id,
            reference=part.id,
            amount_minor=part.amount_minor,
            currency=order.currency,
        )
        for part in fresh
    )
    refunded_minor = max(order.refunded_minor, min(refunded_minor, most, order.paid_minor))
    if refunded_minor == order.refunded_minor:
        return Outcome.UNCHANGED  # the refund is kept all the same: its id may come again
    # What is wholly refunded stays so, whatever sums were told.
    status = order.refund_status if order.wholly_refunded else RefundStatus.PARTIALLY_REFUNDED
    return _change(case, order, _refunded(order, status, refunded_minor), at=command.at)


def cancel_order(case: Case, command: CancelOrder) -> Outcome:
    """Cancels: all that is left of the order's points goes, once."""
    site = case.program.site(command.site_id)
    order = case.page.orders.get((site.id, command.merchant_id))
    if order is None:
        if not command.waits:
            raise UnknownOrder(order=command.merchant_id)
        if any(
            early.amount_minor is None for early in case.page.early.get((site.id, command.merchant_id), ())
        ):
            return Outcome.REPEATED
        case.early.append(
            Early(
                id=case.ids.next("early"),
                site_id=site.id,
                order_merchant_id=command.merchant_id,
                reference=None,
                amount_minor=None,
                currency=None,
            )
        )
        case.say("waits for its order", order=command.merchant_id)
        return Outcome.WAITING
    _use_order(case, order)
    return _change(case, order, msgspec.structs.replace(order, cancelled=True))


def _known(case: Case, site_id: int | None, merchant_id: str) -> Order:
    order = case.page.orders.get((case.program.site(site_id).id, merchant_id))
    if order is None:
        raise UnknownOrder(order=merchant_id)
    _use_order(case, order)
    return order


def _use_order(case: Case, order: Order) -> None:
    case.order = case.order_before = order
    case.use_customer(case.page.customers[order.customer_id])


def _check_sums(command: RecordOrder) -> None:
    """Raises Invalid for what is too much in all: doors bound each amount that they read, and add some up."""
    most = MAX_UNITS * 10 ** exponent(command.currency)
    for field in ("total_minor", "goods_minor", "shipping_minor", "tax_minor", "discounts_minor"):
        if getattr(command, field) > most:
            raise Invalid(field, f"must not be more than {MAX_UNITS} in all")


def _repeated(case: Case, command: RecordOrder, known: Order) -> Outcome:
    """The order is known: its first content stays, only a new status of the shop's is taken over (Lootly's
    hooks)."""
    _use_order(case, known)
    fields: tuple[str, ...] = ()
    if known.fingerprint != order_fingerprint(command):
        fields = _differences(case, known, command)
        if not command.first_wins:
            raise OrderDiffers(fields=fields or ("payment_status",), order=known.merchant_id)
    if fields:
        case.say("differs", fields=list(fields))
    if command.status is not None and command.status != known.status and not known.rewarded_status:
        rewarded = _is_rewarded(case, known.rule_version, command.status)
        after = msgspec.structs.replace(known, status=command.status, rewarded_status=rewarded)
        _change(case, known, after)
        return Outcome.DIFFERS if fields else Outcome.DONE
    return Outcome.DIFFERS if fields else Outcome.REPEATED


def _differences(case: Case, known: Order, said: RecordOrder) -> tuple[str, ...]:
    assert case.customer is not None
    return differences(known, case.customer, said, by_merged=names_merged(case, said.customer))


def _is_rewarded(case: Case, rule_version: int, status: str | None) -> bool:
    statuses = case.page.rules[rule_version].statuses
    return not statuses or status is None or status in statuses


def _paid(order: Order, status: PaymentStatus, paid_minor: int | None) -> Order:
    """The order with this payment state. Raises Invalid where status and money contradict each other."""
    if status is PaymentStatus.PAID:
        paid_minor = order.total_minor if paid_minor is None else paid_minor
        if paid_minor not in (order.total_minor, order.payable_minor):
            raise Invalid(
                "total_paid", "must equal the order's total, or its total less its discounts, when paid"
            )
    elif status is PaymentStatus.NOT_PAID:
        if paid_minor:
            raise Invalid("total_paid", "must be 0 when the payment status is not_paid")
        paid_minor = 0
    else:
        if paid_minor is None:
            raise Invalid("total_paid", "is required when the payment status is partially_paid")
        if paid_minor > order.total_minor:
            raise Invalid("total_paid", "must not be more than the order's total")
        if paid_minor >= order.payable_minor > 0:
            status = PaymentStatus.PAID
    return msgspec.structs.replace(order, payment_status=status, paid_minor=paid_minor)


def _refunded(order: Order, status: RefundStatus, refunded_minor: int) -> Order:
    """The order with this refund state. Raises Invalid where status and money contradict each other."""
    if status is RefundStatus.NOT_REFUNDED:
        if refunded_minor:
            raise Invalid("total_refunded", "must be 0 when the refund status is not_refunded")
    elif status is RefundStatus.PARTIALLY_REFUNDED:
        if refunded_minor > order.paid_minor:
            raise Invalid("total_refunded", "must not be more than was paid")
        if refunded_minor and refunded_minor >= order.payable_minor:
            status = RefundStatus.REFUNDED
    else:
        refunded_minor = min(refunded_minor, order.paid_minor)
    return msgspec.structs.replace(order, refund_status=status, refunded_minor=refunded_minor)


def _fresh_parts(command: RecordRefund, known: Mapping[str | None, int]) -> list[RefundPart]:
    """The parts whose id was not told before, be it earlier in this very call. Raises RefundDiffers."""
    seen = dict(known)
    fresh = []
    for part in command.parts:
        before = seen.get(part.id) if part.id is not None else None
        if before is None:
            seen[part.id] = part.amount_minor
            fresh.append(part)
        elif before != part.amount_minor:
            raise RefundDiffers(refund=part.id, order=command.merchant_id)
    return fresh


def _wait(case: Case, command: RecordRefund, site: Site) -> Outcome:
    if command.currency != site.currency:
        raise Invalid("currency", f"must be the site's, {site.currency}")
    waiting = case.page.early.get((site.id, command.merchant_id), ())
    known = {early.reference: early.amount_minor for early in waiting if early.amount_minor is not None}
    for part in _fresh_parts(command, known):
        case.early.append(
            Early(
                id=case.ids.next("early"),
                site_id=site.id,
                order_merchant_id=command.merchant_id,
                reference=part.id,
                amount_minor=part.amount_minor,
                currency=command.currency,
            )
        )
    if not case.early:
        return Outcome.REPEATED
    case.say("waits for its order", order=command.merchant_id)
    return Outcome.WAITING


def _apply_early(case: Case, order: Order) -> Order:
    """What came before its order happens to it now."""
    waiting = case.page.early.get((order.site_id, order.merchant_id), ())
    refunded_minor = 0
    for early in waiting:
        case.early_done.append(early.id)
        if early.amount_minor is None:
            order = msgspec.structs.replace(order, cancelled=True)
            case.say("cancelled before it came")
            continue
        refunded_minor += early.amount_minor
        case.refunds.append(
            Refund(
                id=case.ids.next("refund"),
                order_id=order.id,
                reference=early.reference,
                amount_minor=early.amount_minor,
                currency=order.currency,
            )
        )
    if refunded_minor:
        case.say("refunded before it came", refunded=refunded_minor, currency=order.currency)
        counted = min(refunded_minor, order.payable_minor, order.paid_minor)
        order = _refunded(order, RefundStatus.PARTIALLY_REFUNDED, counted)
    return order


def _change(case: Case, before: Order, after: Order, *, at: datetime | None = None) -> Outcome:
    """Brings the order to `after`; what that takes is effective since `at`, now unless given."""
    if after == before:
        return Outcome.UNCHANGED
    after = msgspec.structs.replace(after, updated_at=case.now)
    _follow(case, before, after, paid_at=case.now, taken_at=at)
    case.announce(
        "order.updated",
        order=after.merchant_id,
        payment_status=after.payment_status,
        refund_status=after.refund_status,
        cancelled=after.cancelled,
    )
    return Outcome.DONE


def _follow(
    case: Case, before: Order | None, after: Order, *, paid_at: datetime, taken_at: datetime | None = None
) -> None:
    """Lets the points follow the order's new state: earn when it first qualifies, then take or restore the
    rest."""
    case.order = after
    paid = after.payment_status is PaymentStatus.PAID and after.rewarded_status
    if paid and after.paid_at is None:
        case.order = after = msgspec.structs.replace(after, paid_at=paid_at)
    elif not paid and after.lot_id is None and after.paid_at is not None:
        case.order = after = msgspec.structs.replace(after, paid_at=None)
    if after.lot_id is None and after.qualifies and not (before is not None and before.qualifies):
        after = earn(case, after)
    elif after.lot_id is None:
        say_why_not(case, after)
    target = taken_target(after)
    if target > after.taken:
        cause = _cause(after)
        if taken_at is not None:
            taken_at = max(min(taken_at, case.now), after.paid_at or case.now)
        case.points().take_back(
            target - after.taken, cause, order_id=after.id, lot_id=after.lot_id, effective_at=taken_at
        )
        case.say(f"taken: {cause}", points=target - after.taken, taken=target, given=after.given)
    elif target < after.taken:
        case.points().restore(after.taken - target, case.page.takings_of(after.id), order_id=after.id)
        case.say("restored", points=after.taken - target, taken=target, given=after.given)
    case.order = msgspec.structs.replace(after, taken=target) if target != after.taken else after
    follow_codes(case, before, case.order)


def _cause(after: Order) -> Cause:
    if after.cancelled:
        return Cause.CANCEL
    return Cause.UNPAID if after.payment_status is not PaymentStatus.PAID else Cause.REFUND
