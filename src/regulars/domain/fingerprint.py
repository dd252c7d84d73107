"""What makes an order's first report the same as a repeat of it, and the names of what differs."""

import hashlib

import msgspec

from regulars.domain.commands import PaymentStatus, RecordOrder
from regulars.domain.customers import Customer, email_key
from regulars.domain.orders import Order

_MONEY = ("total_minor", "goods_minor", "shipping_minor", "tax_minor", "discounts_minor", "currency")


def order_fingerprint(command: RecordOrder) -> bytes:
    """16 bytes of SHA-256 over what the shop said: its customer, money, payment, codes, date and details.

    What the shop says of the customer besides who it is (names, birthday) may change between two sends.
    """
    said = (
        command.customer.merchant_id,
        email_key(command.customer.email),
        command.customer.guest,
        command.merchant_number,
        *(getattr(command, name) for name in _MONEY),
        None if command.first_wins else (command.payment_status, _paid_minor(command)),
        command.placed_at,
        command.details,
    )
    return hashlib.sha256(msgspec.json.encode(said)).digest()[:16]


def _paid_minor(command: RecordOrder) -> int | None:
    """What is paid, said or not: leaving out what is understood anyway is no other content."""
    if command.paid_minor is None and command.payment_status is not PaymentStatus.PARTIALLY_PAID:
        return command.total_minor if command.payment_status is PaymentStatus.PAID else 0
    return command.paid_minor


def differences(
    known: Order, customer: Customer, command: RecordOrder, *, by_merged: bool = False
) -> tuple[str, ...]:
    """The command's names of what differs from the order that is known; payment is compared by fingerprint
    alone. `by_merged`: it names its customer by a record that was merged into them."""
    fields = [name for name in _MONEY if getattr(known, name) != getattr(command, name)]
    said = command.customer
    if by_merged:
        pass
    elif said.merchant_id is not None and said.merchant_id != customer.merchant_id:
        fields.append("customer_id")
    elif said.email is not None and email_key(said.email) != email_key(customer.email):
        fields.append("customer_email")
    if command.merchant_number != known.merchant_number:
        fields.append("merchant_number")
    if min(command.placed_at or known.created_at, known.created_at) != known.placed_at:
        fields.append("placed_at")
    fields.extend(
        name
        for name in known.details.__struct_fields__
        if getattr(known.details, name) != getattr(command.details, name)
    )
    return tuple(fields)
