"""Changes to what earns, as staff say them: checked, and made into the rules that orders freeze."""

import re
from typing import Any, Final

import msgspec

from regulars.domain.errors import Invalid
from regulars.domain.money import parse_amount
from regulars.domain.program import JoinRule, PurchaseRule, parse_rate

MOST_APPROVAL_DAYS: Final = 3650
MOST_JOIN_POINTS: Final = 1_000_000
MOST_STATUSES: Final = 20

_SWITCHES: Final = ("enabled", "counts_shipping", "counts_tax", "counts_discounts", "whole_units_only")


class RuleChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; None leaves it as it is.

    `points_per_unit`: "1.25". `minimum`: the least payable amount that earns, "20.00". `statuses`: the order
    statuses that earn where the shop reports one; empty: any. `join_points`: 0 is off.
    """

    enabled: bool | None = None
    points_per_unit: str | None = None
    approval_days: int | None = None
    minimum: str | None = None
    statuses: tuple[str, ...] | None = None
    counts_shipping: bool | None = None
    counts_tax: bool | None = None
    counts_discounts: bool | None = None
    whole_units_only: bool | None = None
    join_points: int | None = None


def purchase_rule(base: PurchaseRule, said: RuleChanges, currency: str) -> PurchaseRule:
    """`base` with what is said changed. Raises Invalid, naming the field."""
    changes: dict[str, Any] = {
        name: getattr(said, name) for name in _SWITCHES if getattr(said, name) is not None
    }
    if said.points_per_unit is not None:
        changes["rate_numerator"], changes["rate_denominator"] = parse_rate(said.points_per_unit)
    if said.approval_days is not None:
        if not 0 <= said.approval_days <= MOST_APPROVAL_DAYS:
            raise Invalid("approval_days", f"must be from 0 to {MOST_APPROVAL_DAYS}")
        changes["approval_days"] = said.approval_days
    if said.minimum is not None:
        changes["minimum_minor"] = parse_amount(said.minimum, currency, "minimum")
    if said.statuses is not None:
        changes["statuses"] = _statuses(said.statuses)
    return msgspec.structs.replace(base, **changes)


def join_rule(base: JoinRule, said: RuleChanges) -> JoinRule:
    """`base` with what is said changed. Raises Invalid."""
    if said.join_points is None:
        return base
    if not 0 <= said.join_points <= MOST_JOIN_POINTS:
        raise Invalid("join_points", f"must be from 0 to {MOST_JOIN_POINTS}")
    return JoinRule(points=said.join_points)


def _statuses(said: tuple[str, ...]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(status.strip().lower() for status in said if status.strip()))
    if len(named) > MOST_STATUSES or not all(re.fullmatch(r"[a-z_-]{1,40}", status) for status in named):
        raise Invalid("statuses", f"must be at most {MOST_STATUSES} words such as completed or fulfilled")
    return named
