"""What a shop says of its orders, before any door has put it into its own words."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

import msgspec


class Door(StrEnum):
    """The door that a report is sent to."""

    LOOTLY = "lootly"
    LOYALTYLION = "loyaltylion"


class Shopper(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as the shop knows it; without `merchant_id` a guest."""

    merchant_id: str | None
    email: str
    first_name: str | None = None
    last_name: str | None = None
    birthday: date | None = None
    zip: str | None = None
    country: str | None = None


class Line(msgspec.Struct, frozen=True):
    """One line of an order. `price` is the price of one, a plain decimal in the order's currency."""

    item: str
    name: str
    quantity: int
    price: str


class Discount(msgspec.Struct, frozen=True):
    code: str
    amount_minor: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is when it happened at the shop, in UTC. One shopper's reports are sent in their order."""

    kind: ClassVar[str]
    """What many of them are called, to say how many there were."""

    at: datetime
    door: Door
    shopper: Shopper


class OrderReport(Report, frozen=True, kw_only=True):
    """`total_minor` is after shipping, before discounts, in minor units of `currency`."""

    kind: ClassVar[str] = "orders"
    order_id: str
    currency: str
    total_minor: int
    shipping_minor: int = 0
    discounts: tuple[Discount, ...] = ()
    paid: bool = True
    lines: tuple[Line, ...] = ()

    @property
    def payable_minor(self) -> int:
        return self.total_minor - sum(discount.amount_minor for discount in self.discounts)


class ProfileReport(Report, frozen=True, kw_only=True):
    """What the shop knows of a customer who has an id."""

    kind: ClassVar[str] = "profiles"


class PaymentReport(Report, frozen=True, kw_only=True):
    """The rest of the order's money came in."""

    kind: ClassVar[str] = "payments"
    order_id: str


class RefundReport(Report, frozen=True, kw_only=True):
    """`amount_minor` of the order's money was given back; the same `refund_id` on an order counts once."""

    kind: ClassVar[str] = "refunds"
    order_id: str
    refund_id: str
    currency: str
    amount_minor: int


class CancelReport(Report, frozen=True, kw_only=True):
    kind: ClassVar[str] = "cancels"
    order_id: str


class PointsReport(Report, frozen=True, kw_only=True):
    """Staff gave (or, below zero, took) points; `key` makes a repeat recognisable."""

    kind: ClassVar[str] = "adjustments"
    points: int
    reason: str
    key: str
