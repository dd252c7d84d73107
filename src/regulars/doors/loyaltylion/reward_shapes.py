"""Rewards and claimed rewards as this API shows them: every field, null where we have nothing to say.

Source: loyaltylion.md §1.5.
"""

from datetime import datetime
from typing import Any, Final

from regulars.domain.money import format_amount
from regulars.domain.program import Program
from regulars.domain.rewards import Claim, ClaimState, CodeSource, Reward, RewardKind, amount_of
from regulars.doors.loyaltylion.answers import moment, moment_or_none

DAY_SECONDS: Final = 86_400

KINDS: Final[dict[RewardKind, tuple[str, str | None]]] = {
    RewardKind.FIXED_AMOUNT: ("cart_discount_voucher", "flat"),
    RewardKind.PERCENTAGE: ("cart_discount_voucher", "percentage"),
    RewardKind.VARIABLE_AMOUNT: ("cart_variable_discount_voucher", "flat"),
    RewardKind.FREE_SHIPPING: ("free_shipping_voucher", None),
    RewardKind.FREE_PRODUCT: ("product_discount_voucher", None),
    RewardKind.GIFT_CARD: ("gift_card", "flat"),
    RewardKind.CUSTOM: ("custom", None),
}
"""This API's `kind` and `discount_type` for ours."""


def shown_reward(reward: Reward, program: Program) -> dict[str, Any]:
    """A reward. A variable one shows a step: `multiplier` of a claim says how many of them are meant."""
    kind, discount_type = KINDS[reward.kind]
    site = program.site(reward.sites[0]) if len(reward.sites) == 1 else None
    expiry = _expiry(reward)
    return {
        "id": reward.id,
        "title": reward.title,
        "description": reward.text,
        "sort_key": program.rewards.index(reward),
        "content": {},
        "kind": kind,
        "point_cost": reward.cost or reward.step_points,
        "method": "manual" if reward.codes is CodeSource.NONE else "voucher",
        "discount_type": discount_type,
        "discount_amount": _discount(reward, program.currency),
        "minimum_spend": _amount(reward.minimum_order_minor or None, program.currency),
        "usage_limit": None if reward.codes is CodeSource.NONE else 1,
        "min_redemption_amount": _worth(reward, reward.minimum_points, program.currency),
        "max_redemption_amount": _worth(reward, reward.maximum_points, program.currency),
        "max_free_shipping": _amount(reward.max_shipping_minor, program.currency),
        "site_id": site.id if site is not None else None,
        "target_site": {"id": site.id, "name": site.name, "url": site.domain} if site is not None else None,
        "order_type": "all",
        "target_type": "products" if reward.product is not None else "all",
        "target_collections": [],
        "target_products": [_product(reward.product)] if reward.product is not None else [],
        "session_options": None,
        "auto_refund_seconds": expiry["seconds"] if program.spending.expired_returns_points else None,
        "expiry_options": expiry,
        "redeemable_expiry_options": expiry,
        "supported_channels": ["web"],
        "recurring_cycle_limit": None,
    }


def shown_claim(claim: Claim, program: Program, now: datetime) -> dict[str, Any]:
    """A claimed reward on its own terms, and its reward as it is at `now` (program time)."""
    is_open = claim.state is ClaimState.CLAIMED and not claim.has_expired(now)
    returns = is_open and claim.cost > 0 and program.spending.expired_returns_points
    return {
        "id": claim.id,
        "claimed_at": moment(claim.claimed_at),
        "point_cost": claim.cost,
        "redeemable": _fulfilment(claim) if claim.kind is RewardKind.CUSTOM else _voucher(claim),
        "reward": shown_reward(program.reward(claim.reward_id), program),
        "state": "approved" if is_open or claim.state is ClaimState.USED else "void",
        "session": None,
        "auto_refund_at": moment_or_none(claim.expires_at) if returns else None,
        "expires_at": moment_or_none(claim.expires_at),
    }


def _voucher(claim: Claim) -> dict[str, Any]:
    percent = None if claim.percent is None else str(claim.percent)
    return {
        "redeemable_type": "voucher",
        "code": claim.code,
        "discount_amount": percent or _amount(claim.amount_minor, claim.currency),
        "usage_count": int(claim.state is ClaimState.USED),
        "usage_limit": 1,
    }


def _fulfilment(claim: Claim) -> dict[str, Any]:
    return {
        "redeemable_type": "fulfilment",
        "fulfilled": claim.fulfilled_at is not None,
        "fulfilled_at": moment_or_none(claim.fulfilled_at),
        "expires_on": claim.expires_at.date().isoformat() if claim.expires_at is not None else None,
        "fulfilment_explanation": claim.instructions,
    }


def _product(product: str) -> dict[str, Any]:
    """A product, of which we know the shop's id and nothing else."""
    unknown = ("variant_id", "sku", "url", "image_url", "title", "handle", "inventory_count")
    return {"id": product, "sort_key": 0} | dict.fromkeys(unknown)


def _expiry(reward: Reward) -> dict[str, Any]:
    if reward.valid_days is None:
        return {"kind": "does_not_expire", "seconds": None}
    return {"kind": "expires_after", "seconds": reward.valid_days * DAY_SECONDS}


def _discount(reward: Reward, currency: str) -> str | None:
    if reward.percent is not None:
        return str(reward.percent)
    return _worth(reward, reward.step_points, currency) or _amount(reward.amount_minor, currency)


def _worth(reward: Reward, points: int | None, currency: str) -> str | None:
    """What so many points buy of a variable reward."""
    return None if points is None else _amount(amount_of(reward, points), currency)


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_amount(minor, currency)
