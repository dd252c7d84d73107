"""Rewards: made, changed, and with what is left of them."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from regulars.domain.rewards import CodeSource, LimitPeriod, RewardKind
from regulars.doors.api.shapes.fields import (
    Closed,
    Cost,
    Count,
    Days,
    Icon,
    Instructions,
    Minor,
    MinorOrNothing,
    Moment,
    Open,
    Percent,
    Points,
    Prefix,
    Product,
    Sites,
    Text,
    Tiers,
    Times,
    Title,
)


class NewReward(Closed, frozen=True, kw_only=True):
    """A reward to be made. Money is in minor units of the program's currency (500 is 5.00), `cost` in points.

    Which fields a kind needs: `amount_minor` (fixed_amount, gift_card), `percent` (percentage), `per_points`,
    `per_minor`, `minimum_points` and `step_points` (variable_amount), `product` (free_product). `codes` is
    none for custom, else pool (uploaded) or generated. `limit_count` is per customer and `limit_period`.
    """

    kind: RewardKind
    title: Title
    text: Text = ""
    icon: Icon = "gift"
    cost: Cost = 0
    amount_minor: Minor | None = None
    percent: Percent | None = None
    per_points: Points | None = None
    per_minor: Minor | None = None
    minimum_points: Points | None = None
    maximum_points: Points | None = None
    step_points: Points | None = None
    max_shipping_minor: Minor | None = None
    product: Product | None = None
    instructions: Instructions = ""
    minimum_order_minor: MinorOrNothing = 0
    valid_days: Days | None = None
    limit_count: Times | None = None
    limit_period: LimitPeriod | None = None
    stock: Count | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    tiers: Tiers = ()
    sites: Sites = ()
    enabled: bool = True
    codes: CodeSource = CodeSource.POOL
    prefix: Prefix = ""
    low_stock: Count = 0


class RewardChanges(Closed, frozen=True, kw_only=True):
    """What to change of a reward; what is not sent stays. Its kind stays in any case, and so do the terms of
    what was claimed before."""

    title: Title | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    icon: Icon | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET
    amount_minor: Minor | UnsetType | None = UNSET
    percent: Percent | UnsetType | None = UNSET
    per_points: Points | UnsetType | None = UNSET
    per_minor: Minor | UnsetType | None = UNSET
    minimum_points: Points | UnsetType | None = UNSET
    maximum_points: Points | UnsetType | None = UNSET
    step_points: Points | UnsetType | None = UNSET
    max_shipping_minor: Minor | UnsetType | None = UNSET
    product: Product | UnsetType | None = UNSET
    instructions: Instructions | UnsetType = UNSET
    minimum_order_minor: MinorOrNothing | UnsetType = UNSET
    valid_days: Days | UnsetType | None = UNSET
    limit_count: Times | UnsetType | None = UNSET
    limit_period: LimitPeriod | UnsetType | None = UNSET
    stock: Count | UnsetType | None = UNSET
    starts_at: Moment | UnsetType | None = UNSET
    ends_at: Moment | UnsetType | None = UNSET
    tiers: Tiers | UnsetType = UNSET
    sites: Sites | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    codes: CodeSource | UnsetType = UNSET
    prefix: Prefix | UnsetType = UNSET
    low_stock: Count | UnsetType = UNSET


class Stock(Open, frozen=True, kw_only=True):
    """How many are claimed (cancelled ones apart), and where the codes are."""

    claimed: int
    codes_imported: int
    codes_generated: int
    codes_free: int
    codes_handed: int
    codes_void: int


class Reward(Open, frozen=True, kw_only=True):
    """What can be bought with points, and what is left of it."""

    id: int
    kind: RewardKind
    title: str
    text: str
    icon: str
    cost: int
    amount_minor: int | None
    percent: int | None
    per_points: int | None
    per_minor: int | None
    minimum_points: int | None
    maximum_points: int | None
    step_points: int | None
    max_shipping_minor: int | None
    product: str | None
    instructions: str
    minimum_order_minor: int
    valid_days: int | None
    limit_count: int | None
    limit_period: LimitPeriod | None
    stock: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    tiers: tuple[str, ...]
    sites: tuple[int, ...]
    enabled: bool
    codes: CodeSource
    prefix: str
    low_stock: int
    counts: Stock
    out_of_stock: bool


class OneReward(Open, frozen=True, kw_only=True):
    reward: Reward


class RewardList(Open, frozen=True, kw_only=True):
    """All rewards of the program, disabled ones too, in the order in which they were made."""

    rewards: list[Reward]
