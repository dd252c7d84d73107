"""What this API takes and answers, as the structs that parse and write it; the document is made of them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars.domain.rewards import (
    MAX_COST,
    MAX_COUNT,
    MAX_MULTIPLIER,
    MAX_VALID_DAYS,
    ClaimState,
    CodeSource,
    CodeState,
    LimitPeriod,
    RewardKind,
)

MOST_MONEY = 10**15
"""Minor units, beyond any currency's own bound."""

Points: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_COST)]
Minor: TypeAlias = Annotated[int, Meta(ge=1, le=MOST_MONEY)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=120)]
Reason: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1000)]
Id: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]
Icon: TypeAlias = Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")]
Prefix: TypeAlias = Annotated[str, Meta(pattern="^[A-Za-z0-9-]{0,20}$")]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=500)]
Text: TypeAlias = Annotated[str, Meta(max_length=2000)]
Cost: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_COST)]
Percent: TypeAlias = Annotated[int, Meta(ge=1, le=100)]
Product: TypeAlias = Annotated[str, Meta(max_length=191)]
Instructions: TypeAlias = Annotated[str, Meta(max_length=4000)]
MinorOrNothing: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_MONEY)]
Days: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_VALID_DAYS)]
Times: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Multiplier: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_MULTIPLIER)]
Tier: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Tiers: TypeAlias = Annotated[tuple[Tier, ...], Meta(max_length=50)]
Sites: TypeAlias = Annotated[tuple[Id, ...], Meta(max_length=100)]


# In a query `null` is a text like any other: what may be left out there is UNSET, not None.


class Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers send: a field that is not known is an error, never overlooked."""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """What we answer: fields may be added to it."""


# -- rewards


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


# -- codes


class NewCodes(Closed, frozen=True, kw_only=True):
    """Codes for a pool; all are taken or none."""

    codes: Annotated[list[str], Meta(min_length=1, max_length=500_000)]


class CodeWarning(Open, frozen=True, kw_only=True):
    """What makes so many of the codes easy to guess. `kind`: short or sequence."""

    kind: str
    codes: int
    message: str


class TakenCodes(Open, frozen=True, kw_only=True):
    """The file was taken as a whole. `free`: how many codes can be handed out now; `header`: the first line
    where it was a heading."""

    taken: int
    rejected: int
    free: int
    header: str | None
    warnings: list[CodeWarning]


class Code(Open, frozen=True, kw_only=True):
    """`claim_id`: the claimed reward that it was handed out to."""

    code: str
    state: CodeState
    source: CodeSource
    claim_id: int | None
    created_at: datetime


class CodeList(Open, frozen=True, kw_only=True):
    """A page of codes; `next` goes into `after` for the next page, null on the last one."""

    codes: list[Code]
    next: str | None


class CodeQuery(Closed, frozen=True, kw_only=True):
    state: CodeState | UnsetType = UNSET
    after: Annotated[str, Meta(max_length=255)] = ""
    limit: Limit = 100


class ExportQuery(Closed, frozen=True, kw_only=True):
    state: CodeState | UnsetType = UNSET


class VoidCodes(Closed, frozen=True, kw_only=True):
    """Either some `codes` by name, or `all` that are free."""

    codes: Annotated[list[str], Meta(min_length=1, max_length=1000)] | None = None
    all: Literal[True] | None = None


class Skipped(Open, frozen=True, kw_only=True):
    code: str
    reason: str


class VoidedCodes(Open, frozen=True, kw_only=True):
    """So many became void; `skipped` were not free."""

    voided: int
    free: int
    skipped: list[Skipped]


# -- customers


class Balance(Open, frozen=True, kw_only=True):
    """Points as of now: approvals that are due count. `available` may be below zero after a refund."""

    available: int
    pending: int
    spent: int


class Customer(Open, frozen=True, kw_only=True):
    """`merchant_id`: the shop's own id."""

    merchant_id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    birthday: date | None
    member: bool
    member_since: datetime | None
    blocked: bool
    points: Balance


class OneCustomer(Open, frozen=True, kw_only=True):
    customer: Customer


class Obstacle(Open, frozen=True, kw_only=True):
    """What stands in the way: the code and details that redeeming would be refused with."""

    code: str
    message: str
    details: dict[str, Any]


class Offer(Open, frozen=True, kw_only=True):
    """A reward as it stands to one customer. `cost`: the least that it takes; `obstacle`: null if it `can` be
    had now."""

    reward: Reward
    cost: int
    can: bool
    obstacle: Obstacle | None


class OfferList(Open, frozen=True, kw_only=True):
    offers: list[Offer]
    points: Balance


class OffersQuery(Closed, frozen=True, kw_only=True):
    """`site_id`: for rewards that are for some sites only."""

    site_id: Id | UnsetType = UNSET


class Claim(Open, frozen=True, kw_only=True):
    """A claimed reward, with the terms of the moment it was claimed. `cost` 0: staff gave it. `order`: the
    shop's id of the order on which its code was used."""

    id: int
    reward_id: int
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
    state: ClaimState
    claimed_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    order: str | None
    fulfilled_at: datetime | None


class OneClaim(Open, frozen=True, kw_only=True):
    """The claimed reward, and the customer's points after it."""

    claim: Claim
    points: Balance


class ClaimList(Open, frozen=True, kw_only=True):
    """Latest first; `next` goes into `before` for the next page, null on the last one."""

    claims: list[Claim]
    next: int | None


class ClaimQuery(Closed, frozen=True, kw_only=True):
    before: Id | UnsetType = UNSET
    limit: Limit = 100


class Redemption(Closed, frozen=True, kw_only=True):
    """`points`: how many, for a reward of a variable amount. `multiplier`: so many steps of it, or so many of
    a custom reward. `site_id`: where, for rewards that are for some sites only."""

    reward_id: Id
    points: Points | None = None
    multiplier: Multiplier | None = None
    site_id: Id | None = None


class Gift(Closed, frozen=True, kw_only=True):
    """A reward that staff give, for no points. The reason is kept and shown."""

    reward_id: Id
    reason: Reason | None = None
    points: Points | None = None
    multiplier: Multiplier | None = None
    site_id: Id | None = None


class Cancelling(Closed, frozen=True, kw_only=True):
    reason: Reason | None = None


# -- spending


class Spending(Open, frozen=True, kw_only=True):
    """What becomes of claimed rewards afterwards. `refund_returns`: what a customer gets back when the order
    on which a code was used is cancelled or wholly refunded. `expired_returns_points`: whether a code that
    expires unused gives its points back."""

    refund_returns: Literal["nothing", "code", "points"]
    expired_returns_points: bool


class SpendingChanges(Closed, frozen=True, kw_only=True):
    """What is not sent stays."""

    refund_returns: Literal["nothing", "code", "points"] | UnsetType = UNSET
    expired_returns_points: bool | UnsetType = UNSET


class OneSpending(Open, frozen=True, kw_only=True):
    spending: Spending


# -- errors


class Error(Open, frozen=True, kw_only=True):
    """`code` is for programs and stays; `message` is for people, and may change; `details` go by `code`."""

    code: str
    message: str
    details: dict[str, Any]


class Failure(Open, frozen=True, kw_only=True):
    error: Error
