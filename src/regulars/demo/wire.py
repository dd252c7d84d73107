"""Puts what a shop reports into each door's own words: the request that its plugin would send."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from regulars.app.programs import Created
from regulars.demo.reports import (
    CancelReport,
    Door,
    Line,
    OrderReport,
    PaymentReport,
    PointsReport,
    ProfileReport,
    RefundReport,
    Report,
    Shopper,
)
from regulars.domain.money import format_amount
from regulars.doors.lootly.signature import signed_json


class Request(msgspec.Struct, frozen=True):
    method: str
    path: str
    body: bytes
    headers: dict[str, str]


def request_for(report: Report, keys: Created) -> Request:
    """The request that tells `report` to its door. Raises TypeError where the door has no words for it."""
    words = _HOOKS if report.door is Door.LOOTLY else _CALLS
    if type(report) not in words:
        raise TypeError(f"{report.door} has no words for a {type(report).__name__}")
    if report.door is Door.LOOTLY:
        hook, payload = _HOOKS[type(report)](report)
        body = signed_json({**payload, "key": keys.lootly_api_key}, keys.lootly_api_secret)
        return Request("POST", f"/integrations/webhooks/common/{hook}", body.encode(), _JSON)
    method, path, members = _CALLS[type(report)](report)
    headers = {**_JSON, "authorization": f"Bearer {keys.api_token}"}
    if isinstance(report, PointsReport):
        headers["idempotency-key"] = report.key
    return Request(method, path, json.dumps(members).encode() if members else b"", headers)


_JSON = {"content-type": "application/json"}

Hook = Callable[[Any], tuple[str, dict[str, object]]]
"""Lootly's: the hook's name and its body."""
Call = Callable[[Any], tuple[str, str, dict[str, object]]]
"""LoyaltyLion's: method, path and body."""


def _order_hook(order: OrderReport) -> tuple[str, dict[str, object]]:
    """As lootly.md §2 has it: the total is after discounts, the subtotal goods after discounts."""

    def text(minor: int) -> str:
        return format_amount(minor, order.currency)

    return "orders-completed", {
        "id": order.order_id,
        "total_price": text(order.payable_minor),
        "total_tax": text(0),
        "total_discounts": text(order.total_minor - order.payable_minor),
        "subtotal_price": text(order.payable_minor - order.shipping_minor),
        "taxes_included": "0",
        "discount_codes": [{"code": discount.code} for discount in order.discounts],
        "customer": _customer(order.shopper),
        "products": [_product(line) for line in order.lines],
    }


def _product(line: Line) -> dict[str, object]:
    """A price is a number here, as the plugins send it."""
    return {
        "product_id": line.item,
        "product_name": line.name,
        "product_price": float(line.price),
        "quantity": line.quantity,
        "categories": [],
    }


def _customer(shopper: Shopper) -> dict[str, object]:
    """The customer as the plugins send it: without an id when it is a guest, and with all that is known."""
    birthday = shopper.birthday.isoformat() if shopper.birthday else ""
    known: dict[str, object] = {} if shopper.merchant_id is None else {"id": shopper.merchant_id}
    return known | {
        "email": shopper.email,
        "first_name": shopper.first_name or "",
        "last_name": shopper.last_name or "",
        "birthday": birthday,
        "default_address": {"zip": shopper.zip or "", "country": shopper.country or ""},
    }


def _refund_hook(refund: RefundReport) -> tuple[str, dict[str, object]]:
    amount = format_amount(refund.amount_minor, refund.currency)
    return "refunds-create", {
        "id": refund.order_id,
        "transactions": [{"amount": amount, "id": refund.refund_id}],
    }


def _order_call(order: OrderReport) -> tuple[str, str, dict[str, object]]:
    shopper = order.shopper
    members: dict[str, object] = {
        "merchant_id": order.order_id,
        "customer_id": shopper.merchant_id,
        "customer_email": shopper.email,
        "guest": shopper.merchant_id is None,
        "total": format_amount(order.total_minor, order.currency),
        "total_shipping": format_amount(order.shipping_minor, order.currency),
        "payment_status": "paid" if order.paid else "not_paid",
        "date": order.at.isoformat(),
        "discount_codes": [
            {"code": discount.code, "amount": format_amount(discount.amount_minor, order.currency)}
            for discount in order.discounts
        ],
    }
    return "POST", "/v2/orders", members


def _refund_call(refund: RefundReport) -> tuple[str, str, dict[str, object]]:
    amount = format_amount(refund.amount_minor, refund.currency)
    return "POST", f"{_path(refund.order_id)}/refunds", {"amount": amount, "id": refund.refund_id}


def _points_call(change: PointsReport) -> tuple[str, str, dict[str, object]]:
    verb = "points" if change.points > 0 else "remove_points"
    path = f"/v2/customers/{quote(change.shopper.merchant_id or '', safe='')}/{verb}"
    return "POST", path, {"points": abs(change.points), "reason": change.reason}


def _path(order_id: str) -> str:
    return f"/v2/orders/{quote(order_id, safe='')}"


_HOOKS: dict[type[Report], Hook] = {
    OrderReport: _order_hook,
    RefundReport: _refund_hook,
    CancelReport: lambda cancel: ("orders-cancelled", {"id": cancel.order_id}),
    ProfileReport: lambda profile: ("customers-create", _customer(profile.shopper)),
}

_CALLS: dict[type[Report], Call] = {
    OrderReport: _order_call,
    RefundReport: _refund_call,
    CancelReport: lambda cancel: ("PUT", f"{_path(cancel.order_id)}/cancelled", {}),
    PaymentReport: lambda payment: ("PUT", f"{_path(payment.order_id)}/paid", {}),
    PointsReport: _points_call,
}
