"""An order as the book knows it, and the arithmetic of what it gives and what refunds take."""

from datetime import datetime

import msgspec

from regulars.domain.commands import OrderDetails, PaymentStatus, RefundStatus


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Money is frozen when the order is recorded; statuses and totals paid and refunded follow the shop."""

    id: int
    site_id: int
    merchant_id: str
    merchant_number: str | None
    customer_id: int
    door: str
    currency: str
    total_minor: int
    goods_minor: int
    shipping_minor: int
    tax_minor: int
    discounts_minor: int
    rewardable_minor: int
    rule_version: int
    """The program's version whose purchase rule this order was recorded under."""
    fingerprint: bytes
    """Of the content as first reported, to tell a repeat from another content."""
    payment_status: PaymentStatus
    paid_minor: int
    refund_status: RefundStatus
    refunded_minor: int
    cancelled: bool
    status: str | None
    """The shop's own word for where the order stands, if it reports one."""
    rewarded_status: bool
    """Such a word that the rule rewards was seen, or none is needed."""
    placed_at: datetime
    paid_at: datetime | None
    """When it was first paid in full in a rewarded status: approval counts from then."""
    earned_at: datetime | None
    lot_id: int | None
    activity_id: int | None
    given: int
    taken: int
    """Points given for it, and points taken back of them by now."""
    created_at: datetime
    updated_at: datetime
    amended_id: int | None = None
    """The last movement made before its content was amended: what it gave and lost until then is settled."""
    details: OrderDetails

    @property
    def payable_minor(self) -> int:
        return max(self.total_minor - self.discounts_minor, 0)

    @property
    def wholly_refunded(self) -> bool:
        return self.refund_status is RefundStatus.REFUNDED

    @property
    def qualifies(self) -> bool:
        """Paid in full, in a rewarded status, and standing."""
        return (
            self.payment_status is PaymentStatus.PAID
            and self.rewarded_status
            and not self.cancelled
            and not self.wholly_refunded
        )


def taken_back(given: int, refunded_minor: int, payable_minor: int) -> int:
    """Points that refunds of `refunded_minor` in all take from `given`, rounded in the customer's favour.

    Cumulative: however a refund is split, and in whatever order the parts arrive, the sum is the same.
    """
    if refunded_minor == 0:
        return 0
    if refunded_minor >= payable_minor:
        return given
    return given * refunded_minor // payable_minor


def taken_target(order: Order) -> int:
    """Points that should stand taken back of what the order gave, by its state alone."""
    if order.cancelled or order.wholly_refunded or order.payment_status is not PaymentStatus.PAID:
        return order.given
    return taken_back(order.given, order.refunded_minor, order.payable_minor)
