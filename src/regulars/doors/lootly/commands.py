"""What each hook's body asks for, as a command. Source: the contract, §1 and §2."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from regulars.domain.account import MAX_ADJUSTMENT
from regulars.domain.commands import (
    AdjustPoints,
    CancelOrder,
    Command,
    CustomerRef,
    DiscountCode,
    Identity,
    OrderDetails,
    PaymentStatus,
    RecordOrder,
    RecordRefund,
    RedeemReward,
    RefundPart,
    SaveCustomer,
)
from regulars.domain.errors import Invalid
from regulars.domain.money import MAX_UNITS, exponent
from regulars.doors.lootly import fields
from regulars.doors.lootly.signature import SignedBody, expected_text

MOST_CODES: Final = 100
MOST_LINES: Final = 1000
MOST_TRANSACTIONS: Final = 1000
LONGEST_KEY: Final = 255


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A hook's call whose signature is good. `now`: real time; `idempotency_key`: the header's, if any."""

    integration: str
    hook: str
    body: SignedBody
    credential_id: int
    site_id: int | None
    currency: str
    now: datetime
    window_seconds: int
    idempotency_key: str | None = None


Reader: TypeAlias = Callable[[Call], Command]


def read(call: Call) -> Command:
    """The command that this call of one of `READERS` asks for. Raises Invalid, naming the wire's field."""
    return READERS[call.hook](call)


def subject(body: SignedBody) -> str | None:
    """The id that the body is about, whatever it is, for the log."""
    for name in ("id", "customer_id", "customer_email"):
        value = body.members.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return None


def _order(status: str) -> Reader:
    """An order in that status. Gross goods and shipping are worked out from the sums (§2)."""

    def reader(call: Call) -> RecordOrder:
        body, currency = call.body, call.currency
        total = fields.money(body, "total_price", currency)
        subtotal = fields.money(body, "subtotal_price", currency)
        tax = fields.money(body, "total_tax", currency)
        discounts = fields.money(body, "total_discounts", currency)
        if max(total, subtotal) + discounts > MAX_UNITS * 10 ** exponent(currency):
            raise Invalid("total_discounts", f"must not come to more than {MAX_UNITS} with the total")
        included = fields.flag(body.members.get("taxes_included"), "taxes_included")
        goods = max(subtotal + discounts - (tax if included else 0), 0)
        return RecordOrder(
            identity=_named_identity(call),
            door=call.integration,
            site_id=call.site_id,
            merchant_id=fields.required_identifier(body.members.get("id"), "id"),
            customer=_customer_of_order(body.members.get("customer"), call.now),
            currency=currency,
            total_minor=total + discounts,
            goods_minor=goods,
            shipping_minor=max(total + discounts - goods - tax, 0),
            tax_minor=tax,
            discounts_minor=discounts,
            payment_status=PaymentStatus.PAID,
            paid_minor=total,
            status=status,
            details=_details(body),
            first_wins=True,
        )

    return reader


def _customer_of_order(value: object, now: datetime) -> CustomerRef:
    if value is None:
        raise Invalid("customer", "is required")
    customer = fields.mapping(value, "customer")
    ref = _customer(customer, now, prefix="customer.")
    if ref.merchant_id is None and ref.email is None:
        raise Invalid("customer", "needs an id or an email")
    return ref


def _customer(said: Mapping[str, object], now: datetime, *, prefix: str = "") -> CustomerRef:
    address = fields.mapping(said.get("default_address"), f"{prefix}default_address")
    properties: dict[str, str] = {}
    for name in ("zip", "country"):
        if (value := fields.identifier(address.get(name), f"{prefix}default_address.{name}")) is not None:
            properties[name] = value
    return CustomerRef(
        merchant_id=fields.customer_identifier(said.get("id"), f"{prefix}id"),
        email=fields.email(said.get("email"), f"{prefix}email"),
        match_email=True,
        first_name=fields.text(said.get("first_name"), f"{prefix}first_name"),
        last_name=fields.text(said.get("last_name"), f"{prefix}last_name"),
        birthday=fields.birthday(said.get("birthday"), f"{prefix}birthday", now),
        properties=properties or None,
    )


def _details(body: SignedBody) -> OrderDetails:
    codes = fields.mappings(body.members.get("discount_codes"), "discount_codes", MOST_CODES)
    lines = fields.mappings(body.members.get("products"), "products", MOST_LINES)
    found = (fields.identifier(code.get("code"), "discount_codes") for code in codes)
    return OrderDetails(
        codes=tuple(DiscountCode(code) for code in found if code is not None),
        lines=tuple(_line(line) for line in lines),
        ip_address=fields.text(body.members.get("ip_address"), "ip_address"),
    )


def _line(product: Mapping[str, object]) -> dict[str, object]:
    """What product and category rules need; what can't be read of it must not cost the order its points."""
    line: dict[str, object] = _short(product, ("product_id", "product_name", "product_price", "quantity"))
    categories = product.get("categories")
    if isinstance(categories, list):
        line["categories"] = [
            _short(category, ("category_id", "category_name"))
            for category in categories[:MOST_CODES]
            if isinstance(category, dict)
        ]
    return line


def _short(said: Mapping[str, object], names: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: str(value)[: fields.LONGEST_TEXT]
        for name in names
        if type(value := said.get(name)) in (str, int, float)  # and no bool
    }


def _refund(call: Call) -> RecordRefund:
    """The parts that were given back. Unless each has an id, the body itself is the refund's identity."""
    source = call.body.source("transactions")
    sent = fields.mappings(
        None if source is None else fields.with_source_numbers(source), "transactions", MOST_TRANSACTIONS
    )
    if not sent:
        raise Invalid("transactions", "is required: a list of objects with an amount")
    parts: dict[object, RefundPart] = {}
    for place, transaction in enumerate(sent):
        part = RefundPart(
            amount_minor=fields.amount(transaction.get("amount"), "transactions.amount", call.currency),
            id=fields.identifier(transaction.get("id"), "transactions.id"),
        )
        known = parts.setdefault(part.id or place, part)
        if known != part:
            raise Invalid("transactions.id", f"{part.id} comes twice, with different amounts")
    unnamed = any(part.id is None for part in parts.values())
    return RecordRefund(
        identity=_body_identity(call) if unnamed else _named_identity(call),
        site_id=call.site_id,
        merchant_id=fields.required_identifier(call.body.members.get("id"), "id"),
        currency=call.currency,
        parts=tuple(parts.values()),
        lenient=True,
    )


def _cancel(call: Call) -> CancelOrder:
    return CancelOrder(
        identity=_named_identity(call),
        site_id=call.site_id,
        merchant_id=fields.required_identifier(call.body.members.get("id"), "id"),
        closed=call.hook == "orders-closed",
        waits=True,
    )


def _save_customer(call: Call) -> SaveCustomer:
    ref = _customer(call.body.members, call.now)
    for name, value in (("id", ref.merchant_id), ("email", ref.email)):
        if value is None:
            raise Invalid(name, "is required")
    return SaveCustomer(identity=_named_identity(call), customer=ref)


def _adjustment(sign: int) -> Reader:
    def reader(call: Call) -> AdjustPoints:
        members = call.body.members
        return AdjustPoints(
            identity=_body_identity(call),
            merchant_id=fields.required_customer_identifier(members.get("customer_id"), "customer_id"),
            points=sign * _points(members.get("point_value"), "point_value"),
            reason=fields.text(members.get("reason"), "reason"),
            actor=f"Integration {call.integration}",
        )

    return reader


def _redeem(call: Call) -> RedeemReward:
    """Who is named by e-mail, as the vendor's module does; an id is accepted too, and wins."""
    members = call.body.members
    merchant_id = fields.customer_identifier(members.get("customer_id"), "customer_id")
    email = fields.email(members.get("customer_email"), "customer_email")
    if merchant_id is None and email is None:
        raise Invalid("customer_email", "is required")
    reward_id = fields.required_identifier(members.get("reward_id"), "reward_id")
    if not (reward_id.isascii() and reward_id.isdigit() and len(reward_id) <= 18):
        raise Invalid("reward_id", "must be a whole number")
    points = members.get("points")
    return RedeemReward(
        identity=_body_identity(call),
        merchant_id=merchant_id,
        email=email,
        reward_id=int(reward_id),
        points=None if points is None else _points(points, "points"),
        site_id=call.site_id,
        spare_code="",  # whoever carries this out makes one
    )


def _points(value: object, field: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 13:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_ADJUSTMENT:
        raise Invalid(field, f"must be a whole number from 1 to {MAX_ADJUSTMENT}")
    return value


def _named_identity(call: Call) -> Identity | None:
    """The identity that the caller chose by an Idempotency-Key, if there is one."""
    key = call.idempotency_key
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid("Idempotency-Key", f"must have 1 to {LONGEST_KEY} printable characters")
    return Identity(
        scope=f"idem:{call.credential_id}", key=key, fingerprint=_digest(call).digest()[:16], at=call.now
    )


def _body_identity(call: Call) -> Identity | None:
    """For a call without an id of its own: the same body again, for a while, is a re-delivery."""
    if (named := _named_identity(call)) is not None:
        return named
    if call.window_seconds <= 0:
        return None
    digest = _digest(call)
    return Identity(
        scope=f"body:{call.credential_id}",
        key=digest.hexdigest(),
        fingerprint=digest.digest()[:16],
        at=call.now,
        window_seconds=call.window_seconds,
    )


def _digest(call: Call) -> "hashlib._Hash":
    return hashlib.sha256(f"{call.hook}\n{expected_text(call.body)}".encode())


READERS: Final[dict[str, Reader]] = {
    "orders-completed": _order("completed"),
    "orders-processing": _order("processing"),
    "orders-paid": _order("paid"),
    "orders-fulfilled": _order("fulfilled"),
    "orders-cancelled": _cancel,
    "orders-closed": _cancel,
    "refunds-create": _refund,
    "customers-create": _save_customer,
    "points-add": _adjustment(+1),
    "points-subtract": _adjustment(-1),
    "redeem-reward": _redeem,
}
"""The hooks that ask for a command."""
