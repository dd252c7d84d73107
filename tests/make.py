"""Small builders with honest defaults: a shop in London that gives one point a pound, and its customers."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from regulars.app.access import Author
from regulars.domain.book import Counters
from regulars.domain.commands import (
    CustomerRef,
    MergeCustomers,
    PaymentStatus,
    RecordOrder,
    RecordRefund,
    RedeemReward,
    RefundPart,
    RefundStatus,
    UpdateOrder,
)
from regulars.domain.page import Page
from regulars.domain.program import JoinRule, Program, PurchaseRule, Site
from regulars.domain.rewards import CodeSource, Reward, RewardKind
from regulars.settings import Settings

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday in March: the present of most stories."""

_numbers = itertools.count(1)


SUE = Author("Sue", "Sue")
"""Who sets the shop up, where it does not matter who."""


def days(number: float) -> timedelta:
    return timedelta(days=number)


def rule(points_per_unit: tuple[int, int] = (1, 1), **changes: Any) -> PurchaseRule:
    return PurchaseRule(rate_numerator=points_per_unit[0], rate_denominator=points_per_unit[1], **changes)


def program(
    purchase: PurchaseRule | None = None, *, join: int = 0, currency: str = "GBP", **changes: Any
) -> Program:
    """The tea shop's program: one site, one point a pound, nothing for joining."""
    site = Site(id=1, name="Tea & Leaves", domain="https://tea.example", currency=currency)
    values: dict[str, Any] = {
        "id": 1,
        "version": 1,
        "name": "Tea Circle",
        "currency": currency,
        "sites": (site,),
    }
    return Program(**(values | changes), purchase=purchase or PurchaseRule(), join=JoinRule(points=join))


def page(purchase: PurchaseRule | None = None, **changes: Any) -> Page:
    """An empty page of a program's book."""
    return Page(program(purchase, **changes), Counters())


def alice(**changes: Any) -> CustomerRef:
    return CustomerRef(**({"merchant_id": "alice", "email": "alice@example.com"} | changes))


def guest(**changes: Any) -> CustomerRef:
    return CustomerRef(**({"email": "guest@example.com", "guest": True} | changes))


def order(
    merchant_id: str | None = None, *, total: int = 4999, shipping: int = 1000, **changes: Any
) -> RecordOrder:
    """An order of 39.99 and 10.00 shipping, paid, by Alice. Money in minor units."""
    tax = changes.get("tax_minor", 0)
    values: dict[str, Any] = {
        "door": "loyaltylion",
        "site_id": 1,
        "merchant_id": merchant_id or f"order-{next(_numbers)}",
        "customer": alice(),
        "currency": "GBP",
        "total_minor": total,
        "goods_minor": total - shipping - tax,
        "shipping_minor": shipping,
        "tax_minor": 0,
        "discounts_minor": 0,
        "payment_status": PaymentStatus.PAID,
    }
    return RecordOrder(**(values | changes))


def worked_example(merchant_id: str = "100001", **changes: Any) -> RecordOrder:
    """DESIGN's example: goods 39.99, discount 10.00, shipping 10.00; payable 39.99, 29 points."""
    return order(merchant_id, total=4999, shipping=1000, discounts_minor=1000, **changes)


def update(merchant_id: str, *, paid: int, refunded: int = 0, **changes: Any) -> UpdateOrder:
    """The whole state of an order that is paid and stands, but for what is given."""
    values: dict[str, Any] = {
        "site_id": 1,
        "merchant_id": merchant_id,
        "payment_status": PaymentStatus.PAID if paid else PaymentStatus.NOT_PAID,
        "refund_status": RefundStatus.PARTIALLY_REFUNDED if refunded else RefundStatus.NOT_REFUNDED,
        "cancelled": False,
        "paid_minor": paid,
        "refunded_minor": refunded,
    }
    return UpdateOrder(**(values | changes))


def refund(merchant_id: str, amount: int, *, reference: str | None = None, **changes: Any) -> RecordRefund:
    values: dict[str, Any] = {"site_id": 1, "merchant_id": merchant_id, "currency": "GBP"}
    return RecordRefund(**(values | changes), parts=(RefundPart(amount, reference),))


def settings(tmp_path: Any, **changes: Any) -> Settings:
    """Settings of a house under `tmp_path`, with a key of its own."""
    return Settings(home=tmp_path, **({"secret_key": bytes(range(32))} | changes))


def reward(**changes: Any) -> Reward:
    """Five pounds off for 20 points, with codes made by us."""
    values: dict[str, Any] = {
        "id": 1,
        "kind": RewardKind.FIXED_AMOUNT,
        "title": "Five pounds off",
        "cost": 20,
        "amount_minor": 500,
        "codes": CodeSource.GENERATED,
    }
    return Reward(**(values | changes))


def redeem(merchant_id: str = "alice", reward_id: int = 1, **changes: Any) -> RedeemReward:
    values: dict[str, Any] = {"spare_code": f"SPARE-{next(_numbers):06}"}
    return RedeemReward(merchant_id=merchant_id, reward_id=reward_id, **(values | changes))


def merge(customer_id: int, into_id: int, *, reason: str | None = "one person") -> MergeCustomers:
    return MergeCustomers(customer_id=customer_id, into_id=into_id, actor="Eve", reason=reason)
