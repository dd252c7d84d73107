"""The JSON that the widget reads of a program: the storefront's door gives it to shops' pages, and the admin
to its preview of the panel. Points and money are whole numbers, times ISO 8601 in UTC."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from regulars.app.storefront.panel import Shown
from regulars.app.storefront.switches import Switches
from regulars.app.storefront.widgets import TEXTS, Widget
from regulars.domain.money import exponent
from regulars.domain.program import Program
from regulars.domain.rewards import Reward, RewardKind, Stock, is_out_of_stock


def moment(at: datetime | None) -> str | None:
    """A time to the second, `2026-03-02T12:00:00Z`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def program_shape(program: Program, widget: Widget, switches: Switches, shown: list[Shown]) -> dict[str, Any]:
    """What anybody may read of a program."""
    return {
        "program": {
            "name": program.name,
            "currency": program.currency,
            "exponent": exponent(program.currency),
            "points": {"one": "point", "many": "points"},
        },
        "widget": {
            "enabled": widget.enabled,
            "color": widget.color,
            "on_color": widget.on_color,
            "side": widget.side,
            "language": widget.language,
            "texts": {name: widget.texts.get(name) for name in TEXTS},
            "login_url": widget.login_url,
            "signup_url": widget.signup_url,
            "needs_token_to_redeem": switches.token_to_redeem,
        },
        "earn": earn_shape(program),
        "rewards": [reward_shape(one.reward, one.stock) for one in shown],
    }


def earn_shape(program: Program) -> list[dict[str, Any]]:
    """The ways to earn. A purchase gives `rate` points (a fraction) for every `per_minor` of money."""
    ways: list[dict[str, Any]] = []
    rule = program.purchase
    if rule.enabled:
        rate = Fraction(rule.rate_numerator, rule.rate_denominator)
        ways.append(
            {
                "kind": "purchase",
                "points": f"{float(rate):.4f}".rstrip("0").rstrip("."),
                "per_minor": 10 ** exponent(program.currency),
                "rate": [rate.numerator, rate.denominator],
                "whole_units_only": rule.whole_units_only,
                "minimum_minor": rule.minimum_minor,
            }
        )
    if program.join.points:
        ways.append({"kind": "join", "points": program.join.points})
    return ways


def reward_shape(reward: Reward, stock: Stock) -> dict[str, Any]:
    """A reward, with nothing of who may have it."""
    return {
        "id": reward.id,
        "kind": reward.kind,
        "title": reward.title,
        "text": reward.text,
        "icon": reward.icon,
        "cost": reward.cost,
        "amount_minor": reward.amount_minor,
        "percent": reward.percent,
        "variable": _variable(reward),
        "max_shipping_minor": reward.max_shipping_minor,
        "minimum_order_minor": reward.minimum_order_minor,
        "valid_days": reward.valid_days,
        "out_of_stock": is_out_of_stock(reward, stock),
    }


def _variable(reward: Reward) -> dict[str, Any] | None:
    if reward.kind is not RewardKind.VARIABLE_AMOUNT:
        return None
    return {
        "per_points": reward.per_points,
        "per_minor": reward.per_minor,
        "minimum": reward.minimum_points,
        "maximum": reward.maximum_points,
        "step": reward.step_points,
    }
