"""Rewards through the signed hooks: the list of them, and redeeming one. Source: the contract, §1."""

from typing import Any, Final

from regulars.app import claims
from regulars.app.credentials import Credential
from regulars.app.deliveries import Delivery, describe_refusal
from regulars.app.house import House
from regulars.app.rewards import stocks
from regulars.domain.commands import RedeemReward
from regulars.domain.errors import (
    CustomerBlocked,
    IdentityReused,
    Invalid,
    LimitReached,
    NotAMember,
    NotEnoughPoints,
    OutOfStock,
    Refused,
    RewardUnavailable,
    TierRequired,
    UnknownCustomer,
    UnknownReward,
)
from regulars.domain.money import format_amount
from regulars.domain.rewards import Claim, Reward, RewardKind, cost_of, is_out_of_stock, why_unavailable
from regulars.doors.lootly.answers import Answer, json_answer

REDEEM: Final = "redeem-reward"

CODES: Final[dict[type[Refused], str]] = {
    Invalid: "invalid",
    UnknownReward: "unknown_reward",
    UnknownCustomer: "unknown_customer",
    RewardUnavailable: "unavailable",
    NotAMember: "not_a_member",
    CustomerBlocked: "blocked",
    TierRequired: "tier_required",
    LimitReached: "limit_reached",
    OutOfStock: "out_of_stock",
    NotEnoughPoints: "not_enough_points",
    IdentityReused: "identity_reused",
}
"""The `code` of each refusal; any other is `refused`."""


async def rewards_list(house: House, credential: Credential, *_: object) -> tuple[Answer, str]:
    """`{"data": [...]}`: what can be claimed at this integration's site now, if one has the points."""
    program = await house.programs.get(credential.program_id)
    now, left = program.time(house.clock()), await stocks(house.database, program)
    shown = [
        _reward(reward, program.currency) | {"out_of_stock": is_out_of_stock(reward, left[reward.id])}
        for reward in program.rewards
        if why_unavailable(reward, site_id=credential.site_id, now=now) is None and not reward.tiers
    ]
    return json_answer({"data": shown}), f"Told {len(shown)} rewards."


async def redeem(house: House, program_id: int, command: RedeemReward, delivery: Delivery) -> Answer:
    """`{"data": {"data": {"coupon_code", ...}}}`, doubled as the vendor's module reads it.

    Raises what `app.claims.redeem` does, the call then being in the delivery log but for Rejected.
    """
    claim = await claims.redeem(
        house.database,
        house.engine,
        program_id,
        command.reward_id,
        merchant_id=command.merchant_id,
        email=command.email,
        points=command.points,
        site_id=command.site_id,
        identity=command.identity,
        delivery=delivery,
    )
    return json_answer({"data": {"data": _claim(claim)}})


def refusal(refused: Refused, status: int) -> Answer:
    """`{"error": {"code", "message"}}` without `data`, by which the vendor's module knows it."""
    message = describe_refusal(refused)
    return json_answer({"error": {"code": CODES.get(type(refused), "refused"), "message": message}}, status)


def _reward(reward: Reward, currency: str) -> dict[str, Any]:
    return {
        "reward_id": reward.id,
        "reward_name": reward.title,
        "reward_type": reward.kind,
        "description": reward.text,
        "points_required": cost_of(reward),
        "minimum_order_amount": format_amount(reward.minimum_order_minor, currency),
        "amount": _amount(reward.amount_minor, currency),
        "percentage": reward.percent,
        "maximum_shipping_amount": _amount(reward.max_shipping_minor, currency),
        "product_id": reward.product,
        "valid_days": reward.valid_days,
        "variable": _variable(reward, currency),
    }


def _variable(reward: Reward, currency: str) -> dict[str, Any] | None:
    """So much money for so many points, and how many may be chosen."""
    if reward.kind is not RewardKind.VARIABLE_AMOUNT:
        return None
    return {
        "points": reward.per_points,
        "amount": _amount(reward.per_minor, currency),
        "minimum_points": reward.minimum_points,
        "maximum_points": reward.maximum_points,
        "step_points": reward.step_points,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    """A custom reward has no code: what the customer is to do instead stands in `instructions`."""
    return {
        "coupon_code": claim.code,
        "claimed_reward_id": claim.id,
        "reward_id": claim.reward_id,
        "reward_name": claim.title,
        "reward_type": claim.kind,
        "points_spent": claim.cost,
        "amount": _amount(claim.amount_minor, claim.currency),
        "percentage": claim.percent,
        "minimum_order_amount": format_amount(claim.minimum_order_minor, claim.currency),
        "expires_at": claim.expires_at,
        "instructions": claim.instructions,
    }


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_amount(minor, currency)
