"""What can be asked of a program's book. Doors and jobs make commands; `decide` answers them.

Money is in minor units of `currency`, times are aware UTC. `field` names in errors are the commands' own;
a door renames them to its wire's.
"""

from datetime import date, datetime
from enum import StrEnum

import msgspec


class PaymentStatus(StrEnum):
    NOT_PAID = "not_paid"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"


class RefundStatus(StrEnum):
    NOT_REFUNDED = "not_refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class Identity(msgspec.Struct, frozen=True):
    """What makes a repeat of this call recognisable: the same `key` in `scope` is answered as the first time.

    `fingerprint` tells whether the content is the same too. With `window_seconds` the memory ends that
    long after `at` (real time) and the same content is then executed again.
    """

    scope: str
    key: str
    fingerprint: bytes
    at: datetime
    window_seconds: int | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    identity: Identity | None = None


class CustomerRef(msgspec.Struct, frozen=True, kw_only=True):
    """Who the shop says a customer is, and what it says of them. None means not said.

    `guest`: must be kept apart from members. `match_email`: without an id, the oldest member with that
    e-mail is meant.
    """

    merchant_id: str | None = None
    email: str | None = None
    guest: bool = False
    match_email: bool = False
    first_name: str | None = None
    last_name: str | None = None
    birthday: date | None = None
    properties: dict[str, str] | None = None


class DiscountCode(msgspec.Struct, frozen=True):
    """A code used on an order; `amount_minor` is None where the wire gives no amount per code."""

    code: str
    amount_minor: int | None = None


class OrderDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept with an order besides its money, as the shop said it."""

    codes: tuple[DiscountCode, ...] = ()
    claimed_reward_ids: tuple[int, ...] = ()
    lines: tuple[dict[str, object], ...] = ()
    ip_address: str | None = None
    user_agent: str | None = None
    referral_id: str | None = None
    tracking_id: str | None = None


class RecordOrder(Command, frozen=True, kw_only=True):
    """An order as the shop first reports it.

    `total_minor` is after shipping and tax, before discounts; `goods_minor` is what is left without
    shipping and tax.
    `paid_minor` None: all of it when paid, else nothing. `status` is the shop's own word (Lootly's hooks),
    if it has one.
    `first_wins`: a repeat with other content is not an error, the first content stays (Lootly), else
    OrderDiffers.
    """

    door: str
    site_id: int | None
    merchant_id: str
    merchant_number: str | None = None
    customer: CustomerRef
    currency: str
    total_minor: int
    goods_minor: int
    shipping_minor: int
    tax_minor: int
    discounts_minor: int
    payment_status: PaymentStatus
    paid_minor: int | None = None
    status: str | None = None
    placed_at: datetime | None = None
    details: OrderDetails = OrderDetails()
    first_wins: bool = False


class AmendOrder(Command, frozen=True, kw_only=True):
    """Staff apply an order's other content, which a shop re-sent after the first: the whole of `order` but
    its customer."""

    order: RecordOrder
    actor: str


class UpdateOrder(Command, frozen=True, kw_only=True):
    """An order's whole payment, refund and cancellation state; the last one wins."""

    site_id: int | None
    merchant_id: str
    payment_status: PaymentStatus
    refund_status: RefundStatus
    cancelled: bool
    paid_minor: int
    refunded_minor: int


class RecordPayment(Command, frozen=True, kw_only=True):
    """One more payment; `amount_minor` None: whatever is still to be paid."""

    site_id: int | None
    merchant_id: str
    amount_minor: int | None


class RefundPart(msgspec.Struct, frozen=True):
    """`id`: the shop's id of this refund, if it has one; the same id on the same order counts once."""

    amount_minor: int
    id: str | None = None


class RecordRefund(Command, frozen=True, kw_only=True):
    """Money given back, in one or more parts; no parts: all that was paid.

    `lenient` (Lootly): money beyond the order's counts only up to it, and a refund that comes first waits
    for its order; else such a refund is Invalid and an unknown order UnknownOrder. `at`: when the money was
    given back; what that takes is effective since then, but not before the order was paid. None: now.
    """

    site_id: int | None
    merchant_id: str
    currency: str
    parts: tuple[RefundPart, ...] = ()
    lenient: bool = False
    at: datetime | None = None


class CancelOrder(Command, frozen=True, kw_only=True):
    """Takes all that is left of the order, once. `closed`: reported as closed rather than cancelled (Lootly).

    `waits`: when it comes before its order it waits for it, else UnknownOrder.
    """

    site_id: int | None
    merchant_id: str
    closed: bool = False
    waits: bool = False


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Something a customer did, as the shop reports it. `merchant_id`: the shop's id for it, its identity."""

    name: str
    merchant_id: str | None = None
    at: datetime | None = None
    properties: dict[str, str] = {}


class SaveCustomer(Command, frozen=True, kw_only=True):
    """Creates or updates a customer; enrols unless `customer.guest`. `activity`: the sign-up that says so,
    if one does."""

    customer: CustomerRef
    activity: Activity | None = None


class PatchCustomer(Command, frozen=True, kw_only=True):
    """Changes what is given of a known customer."""

    merchant_id: str
    birthday: date | None = None
    blocked: bool | None = None


class AdjustPoints(Command, frozen=True, kw_only=True):
    """Staff give (`points` > 0) or take (< 0, at most what is available). `actor` is who; the reason is
    shown."""

    merchant_id: str
    points: int
    reason: str | None
    actor: str


class RedeemReward(Command, frozen=True, kw_only=True):
    """A customer claims a reward; the customer is named by id or, where the door knows no more, by e-mail.

    `points` (chosen for a variable amount) and `multiplier` as `rewards.cost_of` says. `spare_code`: a code
    made by chance, used if the reward's are generated. `given_by`: staff give it, for no points.
    """

    merchant_id: str | None
    email: str | None = None
    reward_id: int
    points: int | None = None
    multiplier: int | None = None
    site_id: int | None = None
    spare_code: str
    given_by: str | None = None
    reason: str | None = None


class CancelClaim(Command, frozen=True, kw_only=True):
    """Undoes a claimed reward that was not used: points back, code void. `merchant_id`: whose it must be, if
    the door says so."""

    claim_id: int
    merchant_id: str | None = None
    actor: str
    reason: str | None = None


class FulfilClaim(Command, frozen=True, kw_only=True):
    """The merchant has done what a custom reward promised."""

    claim_id: int
    actor: str


class ExpireClaim(Command, frozen=True, kw_only=True):
    """Does what is due on a claimed reward whose time is over. Jobs send it."""

    claim_id: int


class EraseCustomer(Command, frozen=True, kw_only=True):
    """Forgets who a customer is. `replacement` takes the place of the merchant id, and names nobody.

    What the book says stays, with the points that are left; nothing more is earned.
    """

    customer_id: int
    replacement: str
    actor: str


class MergeCustomers(Command, frozen=True, kw_only=True):
    """Two records are one person: everything of `customer_id` belongs to `into_id` from now on, for good."""

    customer_id: int
    into_id: int
    actor: str
    reason: str | None = None


class Settle(Command, frozen=True, kw_only=True):
    """Does what is due on one account by now: approvals. Jobs send it; every other command settles first
    anyway."""

    customer_id: int
