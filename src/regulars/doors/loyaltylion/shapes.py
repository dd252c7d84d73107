"""This API's resources: every field is there, null where nothing is known. Source: loyaltylion.md §1."""

from datetime import datetime
from typing import Any, Final

from regulars.app.listings import (
    ListedActivity,
    ListedCustomer,
    ListedOrder,
    ListedSite,
    ListedTransaction,
    OneOrder,
    Part,
    Standing,
)
from regulars.domain.book import Bucket, Movement
from regulars.domain.money import format_amount
from regulars.domain.orders import Order
from regulars.domain.program import Program
from regulars.doors.loyaltylion.answers import moment, moment_or_none
from regulars.doors.loyaltylion.reward_shapes import shown_claim

ADJUSTMENT: Final = "$adjustment"

RULES: Final[dict[str, dict[str, Any]]] = {
    "$purchase": {"id": 1, "name": "$purchase", "title": "Purchase"},
    "$signup": {"id": 2, "name": "$signup", "title": "Sign up"},
}
NO_RULE: Final[dict[str, Any]] = {"id": None, "name": None, "title": None}


def brief_customer(standing: Standing) -> dict[str, Any]:
    """A customer as it stands within other resources."""
    customer, account = standing.customer, standing.account
    return {
        "id": customer.id,
        "merchant_id": customer.merchant_id,
        "email": customer.email,
        "points_pending": account.pending,
        "points_approved": account.available,
        "points_spent": account.spent,
    }


def full_customer(listed: ListedCustomer) -> dict[str, Any]:
    standing = listed.by
    customer, account = standing.customer, standing.account
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part) or None
    return brief_customer(standing) | {
        "rewards_claimed": listed.claimed,
        "rewards_used": listed.used,
        "properties": {"name": name, "first_name": customer.first_name, "last_name": customer.last_name}
        | customer.properties,
        "metadata": {},
        "birthday": customer.birthday.isoformat() if customer.birthday is not None else None,
        "blocked": customer.blocked,
        "guest": not customer.is_member,
        "enrolled": customer.is_member,
        "enrolled_at": moment_or_none(customer.member_since),
        "referral_id": None,
        "referred_by": None,
        "referral_url": None,
        "insights_segment": None,
        "loyalty_tier_membership": None,
        "tier_eligibility": None,
        "linked_merchant_ids": [],
        "loyalty_pass_url": None,
        "created_at": moment(customer.created_at),
        "updated_at": moment(account.updated_at or customer.updated_at),
    }


def listed_order(listed: ListedOrder) -> dict[str, Any]:
    return _order(listed.order, listed.by)


def _order(order: Order, by: Standing) -> dict[str, Any]:
    """An order as lists show it. Money is text; times are ours, in UTC."""
    return {
        "id": order.id,
        "merchant_id": order.merchant_id,
        "merchant_number": order.merchant_number,
        "total": format_amount(order.total_minor, order.currency),
        "total_tax": format_amount(order.tax_minor, order.currency),
        "total_shipping": format_amount(order.shipping_minor, order.currency),
        "total_discounts": format_amount(order.discounts_minor, order.currency),
        "total_paid": format_amount(order.paid_minor, order.currency),
        "total_refunded": format_amount(order.refunded_minor, order.currency),
        "payment_status": order.payment_status,
        "fulfillment_status": "fulfilled" if order.status == "fulfilled" else "not_fulfilled",
        "refund_status": order.refund_status,
        "cancellation_status": "cancelled" if order.cancelled else "not_cancelled",
        "customer": brief_customer(by),
        "metadata": {},
        "created_at": moment(order.created_at),
        "updated_at": moment(order.updated_at),
    }


def one_order(one: OneOrder) -> dict[str, Any]:
    """A single order: another set of fields, and not wrapped. Source: seed, GET /v2/orders/:merchant_id."""
    order = one.order
    return {
        "merchant_id": order.merchant_id,
        "total": format_amount(order.total_minor, order.currency),
        "total_shipping": format_amount(order.shipping_minor, order.currency),
        "total_paid": format_amount(order.paid_minor, order.currency),
        "payment_status": order.payment_status,
        "refund_status": order.refund_status,
        "cancellation_status": "cancelled" if order.cancelled else "not_cancelled",
        "payments": [{"gateway": None} | _part(part, order.currency) for part in one.payments],
        "refunds": [_part(part, order.currency) for part in one.refunds],
        "merchant_created_at": moment(order.placed_at),
        "merchant_updated_at": moment(order.updated_at),
    }


def _part(part: Part, currency: str) -> dict[str, Any]:
    return {"created_at": moment(part.at), "amount": format_amount(part.amount_minor, currency)}


def activity(listed: ListedActivity) -> dict[str, Any]:
    """An activity; `rule` is all null for what no rule gave, such as an adjustment."""
    order, done = listed.order, listed.done
    name = "$purchase" if done is None else done.name
    merchant_id = order.merchant_id if order is not None else done.merchant_id if done is not None else None
    return {
        "id": listed.id,
        "merchant_id": merchant_id,
        "value": listed.points,
        "state": listed.state,
        "customer": brief_customer(listed.by),
        "created_at": moment(listed.created_at),
        "rule": RULES.get(name, NO_RULE),
        "resource": "order" if order is not None else None,
    }


def transaction(listed: ListedTransaction, program: Program, now: datetime) -> dict[str, Any]:
    """What one movement did to the customer's points and, under its resource's name, what it was about."""
    movement, about = listed.movement, listed.activity
    shape: dict[str, Any] = {
        "id": movement.id,
        "customer": brief_customer(listed.by),
        "points_approved": change(movement, Bucket.AVAILABLE),
        "points_pending": change(movement, Bucket.PENDING),
        "created_at": moment(movement.recorded_at),
    }
    if listed.claim is not None:
        return shape | {
            "resource": "claimed_reward",
            "claimed_reward": shown_claim(listed.claim, program, now),
        }
    if is_adjustment(listed):
        note = about.done.note if about is not None and about.done is not None else None
        return shape | {"resource": "adjustment", "adjustment": {"note": note}}
    described = activity(about) if about is not None else None
    if described is not None and about is not None and about.order is not None:
        described["order"] = _order(about.order, about.by)
    return shape | {"resource": "activity", "activity": described}


def is_adjustment(listed: ListedTransaction) -> bool:
    return (
        listed.activity is not None
        and listed.activity.done is not None
        and listed.activity.done.name == ADJUSTMENT
    )


def resource_of(listed: ListedTransaction) -> str:
    """The word for what the transaction was about."""
    if listed.claim is not None:
        return "claimed_reward"
    return "adjustment" if is_adjustment(listed) else "activity"


def change(movement: Movement, bucket: Bucket) -> int:
    """By how many points this movement changed what is in `bucket`."""
    return movement.points * ((movement.to_bucket is bucket) - (movement.from_bucket is bucket))


def site(listed: ListedSite, program_id: int) -> dict[str, Any]:
    """A site. There are no accounts above programs here: `account_id` is the program's."""
    return {
        "id": listed.site_id,
        "program_id": program_id,
        "account_id": program_id,
        "name": listed.name,
        "url": listed.domain,
        "platform": listed.platform,
        "currencies": [listed.currency],
        "languages": [listed.language],
        "created_at": moment(listed.created_at),
        "updated_at": moment(listed.updated_at),
    }
