"""What becomes of claimed rewards afterwards."""

from typing import Literal

from msgspec import UNSET, UnsetType

from regulars.doors.api.shapes.fields import Closed, Open


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
