"""Commands at random: few orders, few customers and round sums, so that everything meets everything."""

from datetime import datetime, timedelta
from random import Random

from regulars.domain.commands import (
    AdjustPoints,
    CancelOrder,
    Command,
    CustomerRef,
    PatchCustomer,
    PaymentStatus,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RefundPart,
    RefundStatus,
    UpdateOrder,
)

CUSTOMERS = ("alice", "bob")
ORDERS = ("A1", "A2", "A3", "A4", "A5")
STATUSES = ("processing", "completed")
_SUMS = (100, 333, 1000, 1599, 2400, 3999)


def order(random: Random, now: datetime) -> RecordOrder:
    """An order as either door tells it: paid, partly or not at all, now or in the past."""
    shipping, discounts = random.choice((0, 0, 500)), random.choice((0, 0, 0, 1000))
    total = random.choice(_SUMS) + shipping
    lenient = random.random() < 0.4
    status = PaymentStatus.PAID if lenient else random.choice(list(PaymentStatus))
    paid = random.randint(0, total) if status is PaymentStatus.PARTIALLY_PAID else None
    return RecordOrder(
        door="lootly" if lenient else "loyaltylion",
        site_id=1,
        merchant_id=random.choice(ORDERS),
        customer=_customer(random),
        currency="GBP",
        total_minor=total,
        goods_minor=total - shipping,
        shipping_minor=shipping,
        tax_minor=0,
        discounts_minor=discounts,
        payment_status=status,
        paid_minor=max(total - discounts, 0) if lenient else paid,
        status=random.choice(STATUSES) if lenient else None,
        placed_at=random.choice((None, None, now - timedelta(days=random.randint(0, 20)))),
        first_wins=lenient,
    )


def _customer(random: Random) -> CustomerRef:
    if random.random() < 0.1:
        return CustomerRef(email="guest@example.com", guest=True)
    return CustomerRef(merchant_id=random.choice(CUSTOMERS))


def update(random: Random, now: datetime) -> UpdateOrder:
    """A whole state, not always one that an order can have."""
    status = random.choice((PaymentStatus.PAID, PaymentStatus.PAID, *PaymentStatus))
    paid = 0 if status is PaymentStatus.NOT_PAID else random.choice(_SUMS) + random.choice((0, 500, -1000))
    paid = max(paid, 0)
    refund = random.choice(list(RefundStatus))
    refunded = 0 if refund is RefundStatus.NOT_REFUNDED else random.randint(0, paid)
    return UpdateOrder(
        site_id=1,
        merchant_id=random.choice(ORDERS),
        payment_status=status,
        refund_status=refund,
        cancelled=random.random() < 0.2,
        paid_minor=paid,
        refunded_minor=refunded,
    )


def payment(random: Random, now: datetime) -> RecordPayment:
    amount = random.choice((None, *_SUMS))
    return RecordPayment(site_id=1, merchant_id=random.choice(ORDERS), amount_minor=amount)


def refund(random: Random, now: datetime) -> RecordRefund:
    """One to three parts, some with ids that came before, or all of it."""
    merchant_id = random.choice(ORDERS)
    if random.random() < 0.05:
        return RecordRefund(site_id=1, merchant_id=merchant_id, currency="GBP")
    parts = tuple(
        RefundPart(random.choice(_SUMS[:4]), random.choice((None, "R1", "R2", "R3")))
        for _ in range(random.choice((1, 1, 2, 3)))
    )
    lenient = random.random() < 0.6
    return RecordRefund(site_id=1, merchant_id=merchant_id, currency="GBP", parts=parts, lenient=lenient)


def cancel(random: Random, now: datetime) -> CancelOrder:
    return CancelOrder(site_id=1, merchant_id=random.choice(ORDERS), waits=random.random() < 0.5)


def adjustment(random: Random, now: datetime) -> AdjustPoints:
    points = random.choice((-30, -10, -5, -1, 1, 7, 20))
    return AdjustPoints(merchant_id=random.choice(CUSTOMERS), points=points, reason=None, actor="Bob")


def block(random: Random, now: datetime) -> PatchCustomer:
    return PatchCustomer(merchant_id=random.choice(CUSTOMERS), blocked=random.random() < 0.3)


KINDS = (order, order, order, update, update, payment, refund, refund, refund, cancel, adjustment, block)


def command(random: Random, now: datetime) -> Command:
    """One of them."""
    found: Command = random.choice(KINDS)(random, now)
    return found
