"""Claimed rewards: redeemed, given, cancelled."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from regulars.domain.rewards import ClaimState, RewardKind
from regulars.doors.api.shapes.customers import Balance
from regulars.doors.api.shapes.fields import Closed, Id, Limit, Multiplier, Open, Points, Reason


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
