"""Rewards: what can be bought with points, what it costs, and what stands in a customer's way."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from regulars.domain.customers import Customer
from regulars.domain.errors import (
    CustomerBlocked,
    Invalid,
    LimitReached,
    NotAMember,
    NotEnoughPoints,
    OutOfStock,
    Refused,
    RewardUnavailable,
    TierRequired,
)
from regulars.domain.money import EXPONENTS, MAX_UNITS, exponent

MAX_COST: Final = 1_000_000_000
MAX_COUNT: Final = 1_000_000_000
MAX_VALID_DAYS: Final = 3650
MAX_MULTIPLIER: Final = 1_000_000
MAX_AMOUNT: Final = MAX_UNITS * 10 ** max(EXPONENTS.values())
"""In minor units: no claim is worth more, whatever its currency."""
MAX_CODE: Final = 64
"""Characters of a code."""


class RewardKind(StrEnum):
    FIXED_AMOUNT = "fixed_amount"
    PERCENTAGE = "percentage"
    VARIABLE_AMOUNT = "variable_amount"
    FREE_SHIPPING = "free_shipping"
    FREE_PRODUCT = "free_product"
    GIFT_CARD = "gift_card"
    CUSTOM = "custom"
    """Fulfilled by the merchant, by hand; it has no code."""


class CodeSource(StrEnum):
    """Where a reward's codes come from: uploaded by the merchant, or made by us. NONE is for CUSTOM alone."""

    POOL = "pool"
    GENERATED = "generated"
    NONE = "none"


class LimitPeriod(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


PERIODS: Final = {
    LimitPeriod.DAY: timedelta(days=1),
    LimitPeriod.WEEK: timedelta(days=7),
    LimitPeriod.MONTH: timedelta(days=30),
    LimitPeriod.YEAR: timedelta(days=365),
}
"""Limits look back from the moment of the claim, so no calendar or time zone changes them."""


class Reward(msgspec.Struct, frozen=True, kw_only=True):
    """What can be bought. Money is in minor units of the program's currency, `cost` in points.

    A VARIABLE_AMOUNT has no cost of its own: the customer chooses from `minimum_points` to `maximum_points`
    in steps, and gets `per_minor` of money for every `per_points`.
    """

    id: int
    kind: RewardKind
    title: str
    text: str = ""
    icon: str = "gift"
    cost: int = 0
    amount_minor: int | None = None
    """FIXED_AMOUNT and GIFT_CARD: what it is worth."""
    percent: int | None = None
    per_points: int | None = None
    per_minor: int | None = None
    minimum_points: int | None = None
    maximum_points: int | None = None
    step_points: int | None = None
    max_shipping_minor: int | None = None
    product: str | None = None
    """FREE_PRODUCT: the shop's id of it."""
    instructions: str = ""
    """CUSTOM: what the customer reads after claiming."""
    minimum_order_minor: int = 0
    valid_days: int | None = None
    """How long a code is valid after it was handed out; None: for ever."""
    limit_count: int | None = None
    limit_period: LimitPeriod | None = None
    """How often one customer may claim it in a period; a count without a period is for ever."""
    stock: int | None = None
    """How many may be claimed in all; None: any number."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    tiers: tuple[str, ...] = ()
    sites: tuple[int, ...] = ()
    enabled: bool = True
    codes: CodeSource = CodeSource.POOL
    prefix: str = ""
    low_stock: int = 0
    """An event is told when a pool has this many free codes left; 0: only when it is empty."""


REFUND_RETURNS: Final = ("nothing", "code", "points")


class SpendingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of claimed rewards afterwards. `refund_returns`: what a customer gets back when the order
    on which a code was used is cancelled or wholly refunded: nothing, the code, or the points."""

    refund_returns: str = "nothing"
    expired_returns_points: bool = False
    """Whether a code that expires unused gives its points back."""


class ClaimState(StrEnum):
    CLAIMED = "claimed"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed reward: one customer's instance, with the terms of the moment it was claimed.

    `cost` is in points, 0 when staff gave it. `code` is None for a CUSTOM reward. `movement_id` took the
    points, `returned_id` gave them back.
    """

    id: int
    reward_id: int
    customer_id: int
    site_id: int | None
    kind: RewardKind
    title: str
    cost: int
    currency: str
    amount_minor: int | None
    percent: int | None
    max_shipping_minor: int | None
    product: str | None
    minimum_order_minor: int
    instructions: str
    code: str | None
    code_key: str | None
    state: ClaimState
    claimed_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    order_id: int | None
    fulfilled_at: datetime | None
    movement_id: int | None
    returned_id: int | None
    decision_id: int
    updated_at: datetime

    def has_expired(self, now: datetime) -> bool:
        """Whether it can't be used any more at `now`, though no job may have noted it yet."""
        return self.state is ClaimState.EXPIRED or (
            self.state is ClaimState.CLAIMED
            and self.fulfilled_at is None
            and self.expires_at is not None
            and self.expires_at <= now
        )


class CodeState(StrEnum):
    FREE = "free"
    HANDED = "handed"
    VOID = "void"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One coupon code. `key` is what makes it unique and by what it is looked up."""

    key: str
    code: str
    reward_id: int
    source: CodeSource
    state: CodeState
    slot: float
    """Its place among the free ones, 0 to 1, by chance."""
    claim_id: int | None


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a reward are claimed (cancelled ones apart), and where its codes are."""

    reward_id: int
    claimed: int = 0
    codes_imported: int = 0
    codes_generated: int = 0
    codes_free: int = 0
    codes_handed: int = 0
    codes_void: int = 0


def code_key(code: str) -> str:
    """The text by which a code is looked up: blanks around it and letter case do not matter."""
    return code.strip().upper()


def is_out_of_stock(reward: Reward, stock: Stock) -> bool:
    """Whether nobody can claim it now, be it for its codes or for how many there are in all."""
    if reward.stock is not None and stock.claimed >= reward.stock:
        return True
    return reward.codes is CodeSource.POOL and stock.codes_free == 0


def cost_of(reward: Reward, *, points: int | None = None, multiplier: int | None = None) -> int:
    """The points that a claim takes. `points`: chosen for a VARIABLE_AMOUNT; `multiplier`: so many steps of
    it, or so many of a CUSTOM reward. Raises Invalid."""
    if multiplier is not None and not 1 <= multiplier <= MAX_MULTIPLIER:
        raise Invalid("multiplier", f"must be from 1 to {MAX_MULTIPLIER}")
    if reward.kind is not RewardKind.VARIABLE_AMOUNT:
        if points is not None and points != reward.cost:
            raise Invalid("points", f"must be {reward.cost}, what the reward costs")
        if multiplier not in (None, 1) and reward.kind is not RewardKind.CUSTOM:
            raise Invalid("multiplier", "is for rewards of a variable amount and custom ones")
        return reward.cost * (multiplier or 1)
    assert reward.minimum_points is not None and reward.step_points is not None
    if points is None:
        points = reward.step_points * multiplier if multiplier is not None else reward.minimum_points
    most = reward.maximum_points if reward.maximum_points is not None else MAX_COST
    if not reward.minimum_points <= points <= most:
        raise Invalid("points", f"must be from {reward.minimum_points} to {most}")
    if (points - reward.minimum_points) % reward.step_points:
        raise Invalid("points", f"must be in steps of {reward.step_points} from {reward.minimum_points}")
    if (amount_of(reward, points) or 0) > MAX_AMOUNT:
        raise Invalid("points", "come to a larger amount than can be kept")
    return points


def amount_of(reward: Reward, cost: int) -> int | None:
    """What a claim that cost so many points is worth, in minor units; None where it is no amount."""
    if reward.kind is not RewardKind.VARIABLE_AMOUNT:
        return reward.amount_minor
    assert reward.per_points is not None and reward.per_minor is not None
    return cost * reward.per_minor // reward.per_points


def refusal(
    reward: Reward,
    customer: Customer | None,
    stock: Stock,
    claimed_at: Sequence[datetime],
    *,
    cost: int,
    available: int,
    site_id: int | None,
    now: datetime,
) -> Refused | None:
    """What stands in the way of this customer claiming the reward now, if anything does.

    `claimed_at`: when this customer claimed it before, cancelled claims apart. `cost` 0: staff give it.
    """
    if (why := why_unavailable(reward, site_id=site_id, now=now)) is not None:
        return RewardUnavailable(reward=reward.id, why=why)
    if customer is None or not customer.is_member:
        return NotAMember(customer=customer.merchant_id if customer else None)
    if customer.blocked:
        return CustomerBlocked(customer=customer.merchant_id)
    if reward.tiers:
        return TierRequired(reward=reward.id, tiers=list(reward.tiers))  # nobody holds a tier yet
    if (limited := _limited(reward, claimed_at, now)) is not None:
        return limited
    if is_out_of_stock(reward, stock):
        return OutOfStock(reward=reward.id)
    if cost > max(available, 0):
        return NotEnoughPoints(asked=cost, left=max(available, 0))
    return None


def why_unavailable(reward: Reward, *, site_id: int | None, now: datetime) -> str | None:
    """Why nobody can claim the reward at this site now, whatever is left of it."""
    if not reward.enabled:
        return "disabled"
    if reward.starts_at is not None and now < reward.starts_at:
        return "not started"
    if reward.ends_at is not None and now >= reward.ends_at:
        return "ended"
    if reward.sites and site_id is not None and site_id not in reward.sites:
        return "site"
    return None


def _limited(reward: Reward, claimed_at: Sequence[datetime], now: datetime) -> LimitReached | None:
    if reward.limit_count is None:
        return None
    if reward.limit_period is None:
        reached, until = len(claimed_at) >= reward.limit_count, None
    else:
        period = PERIODS[reward.limit_period]
        within = sorted(at for at in claimed_at if at > now - period)
        reached = len(within) >= reward.limit_count
        until = (within[-reward.limit_count] + period).isoformat() if reached else None
    if not reached:
        return None
    return LimitReached(reward=reward.id, limit=reward.limit_count, period=reward.limit_period, until=until)


_WITHOUT = {
    RewardKind.FIXED_AMOUNT: ("amount_minor",),
    RewardKind.GIFT_CARD: ("amount_minor",),
    RewardKind.PERCENTAGE: ("percent",),
    RewardKind.VARIABLE_AMOUNT: ("per_points", "per_minor", "minimum_points", "step_points"),
    RewardKind.FREE_PRODUCT: ("product",),
}
"""What each kind cannot do without."""

_OF_KINDS = {
    "amount_minor": (RewardKind.FIXED_AMOUNT, RewardKind.GIFT_CARD),
    "percent": (RewardKind.PERCENTAGE,),
    "per_points": (RewardKind.VARIABLE_AMOUNT,),
    "per_minor": (RewardKind.VARIABLE_AMOUNT,),
    "minimum_points": (RewardKind.VARIABLE_AMOUNT,),
    "maximum_points": (RewardKind.VARIABLE_AMOUNT,),
    "step_points": (RewardKind.VARIABLE_AMOUNT,),
    "max_shipping_minor": (RewardKind.FREE_SHIPPING,),
    "product": (RewardKind.FREE_PRODUCT,),
}
"""What only these kinds have."""


def checked(reward: Reward, *, currency: str, sites: Sequence[int]) -> Reward:
    """The reward if it makes sense as a whole. Raises Invalid, naming the field."""
    for field in _WITHOUT.get(reward.kind, ()):
        if getattr(reward, field) is None:
            raise Invalid(field, f"is required for a reward of the kind {reward.kind}")
    for field, kinds in _OF_KINDS.items():
        if getattr(reward, field) is not None and reward.kind not in kinds:
            raise Invalid(field, f"is not for a reward of the kind {reward.kind}")
    if (reward.codes is CodeSource.NONE) != (reward.kind is RewardKind.CUSTOM):
        raise Invalid("codes", "must be none for a custom reward, and pool or generated for any other")
    _check_texts(reward)
    _check_numbers(reward, MAX_UNITS * 10 ** exponent(currency))
    if reward.limit_period is not None and reward.limit_count is None:
        raise Invalid("limit_count", "is required with a period")
    if reward.starts_at is not None and reward.ends_at is not None and reward.starts_at >= reward.ends_at:
        raise Invalid("ends_at", "must be after the start")
    if unknown := set(reward.sites) - set(sites):
        raise Invalid("sites", f"{min(unknown)} is not a site of this program")
    return reward


def _check_texts(reward: Reward) -> None:
    for field, most in (("title", 120), ("text", 2000), ("instructions", 4000), ("product", 191)):
        text = getattr(reward, field) or ""
        if len(text) > most or any(
            unicodedata.category(c) in ("Cc", "Cs") and c not in "\r\n\t" for c in text
        ):
            raise Invalid(field, f"must be at most {most} characters, without control characters")
    if not reward.title.strip():
        raise Invalid("title", "is required")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", reward.icon):
        raise Invalid("icon", "must be an icon's name in lower case")
    if not re.fullmatch(r"[A-Za-z0-9-]{0,20}", reward.prefix):
        raise Invalid("prefix", "must be at most 20 letters, digits or hyphens")
    if reward.prefix and reward.codes is not CodeSource.GENERATED:
        raise Invalid("prefix", "is for generated codes")


def _check_numbers(reward: Reward, most_money: int) -> None:
    is_variable = reward.kind is RewardKind.VARIABLE_AMOUNT
    bounds = (
        ("cost", 0 if is_variable else 1, 0 if is_variable else MAX_COST),
        ("amount_minor", 1, most_money),
        ("percent", 1, 100),
        ("per_points", 1, MAX_COST),
        ("per_minor", 1, most_money),
        ("minimum_points", 1, MAX_COST),
        ("maximum_points", reward.minimum_points or 1, MAX_COST),
        ("step_points", 1, MAX_COST),
        ("max_shipping_minor", 1, most_money),
        ("minimum_order_minor", 0, most_money),
        ("valid_days", 1, MAX_VALID_DAYS),
        ("limit_count", 1, MAX_COUNT),
        ("stock", 0, MAX_COUNT),
        ("low_stock", 0, MAX_COUNT),
    )
    for field, least, most in bounds:
        value = getattr(reward, field)
        if value is not None and not least <= value <= most:
            raise Invalid(field, f"must be from {least} to {most}")
    if is_variable and not amount_of(reward, reward.minimum_points or 0):
        raise Invalid("minimum_points", "must be worth something")
