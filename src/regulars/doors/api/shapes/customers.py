"""Customers: their points, and what they can have for them."""

from datetime import date, datetime
from typing import Any

from msgspec import UNSET, UnsetType

from regulars.doors.api.shapes.fields import Closed, Id, Open
from regulars.doors.api.shapes.rewards import Reward


class Balance(Open, frozen=True, kw_only=True):
    """Points as of now: approvals that are due count. `available` may be below zero after a refund."""

    available: int
    pending: int
    spent: int


class Customer(Open, frozen=True, kw_only=True):
    """`merchant_id`: the shop's own id; another than was asked for where that record was merged."""

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
