"""What the panel in the admin shows: the program as shops' pages read it, and a customer who is made up, with
a balance that reaches for some rewards and not for others."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from regulars.app.storefront.panel import Shown
from regulars.app.storefront.switches import Switches
from regulars.app.storefront.widgets import Widget
from regulars.domain.money import exponent, format_amount
from regulars.domain.program import Program
from regulars.domain.rewards import Reward, RewardKind, Stock
from regulars.doors.admin.words import _
from regulars.doors.widget_shapes import earn_shape, moment, program_shape, reward_shape

UNITS: Final = 48
"""What the made-up order came to, in whole units of the currency."""
ORDER: Final = "#1042"


def sample(program: Program, widget: Widget, shown: Sequence[Shown], *, now: datetime) -> dict[str, Any]:
    """{"program": …, "me": …}, as the widget's shapes.ts has them. Without rewards there are two examples."""
    offered = list(shown) or [Shown(reward=one, stock=Stock(reward_id=one.id)) for one in _examples(program)]
    costs = sorted({least_cost(one.reward) for one in offered})
    available = sum(costs[:2]) // 2 if len(costs) > 1 else costs[0] * 3 // 2
    return {
        "program": program_shape(program, widget, Switches(), offered),
        "me": _customer(program, [_offer(one, available) for one in offered], available, now),
    }


def least_cost(reward: Reward) -> int:
    """The points that it takes to have any of it."""
    if reward.kind is RewardKind.VARIABLE_AMOUNT:
        return reward.minimum_points or reward.step_points or 1
    return reward.cost


def _examples(program: Program) -> list[Reward]:
    minor = 5 * 10 ** exponent(program.currency)
    title = _("%(amount)s off", amount=f"{format_amount(minor, program.currency)} {program.currency}")
    return [
        Reward(id=1, kind=RewardKind.FIXED_AMOUNT, title=title, cost=250, amount_minor=minor, valid_days=90),
        Reward(id=2, kind=RewardKind.FREE_SHIPPING, title=_("Free shipping"), cost=450, valid_days=90),
    ]


def _offer(one: Shown, available: int) -> dict[str, Any]:
    shape = reward_shape(one.reward, one.stock)
    missing = least_cost(one.reward) - available
    if shape["out_of_stock"]:
        return shape | {"standing": {"can": False, "why": "out_of_stock"}}
    if missing > 0:
        return shape | {"standing": {"can": False, "why": "not_enough_points", "missing": missing}}
    return shape | {"standing": {"can": True}}


def _customer(
    program: Program, offers: list[dict[str, Any]], available: int, now: datetime
) -> dict[str, Any]:
    """Somebody who joined, ordered once, and redeemed a reward; the lines of their history add up."""
    ways = earn_shape(program)
    ordered, lines = _order(program, ways, now)
    is_pending = ordered > 0 and program.purchase.approval_days > 0
    first = offers[0]
    claims = [] if first["variable"] else [_claim(first, now)]
    spent = sum(claim["cost"] for claim in claims)
    for claim in claims:
        reason = {"code": "redeemed", "title": claim["title"]}
        lines.append(_line(now - timedelta(days=9), -claim["cost"], "redemption", reason))
    joined = program.join.points
    gift = available + spent - joined - (0 if is_pending else ordered)
    if gift:
        code = "gift" if gift > 0 else "deducted"
        lines.append(_line(now - timedelta(days=20), gift, "adjustment", {"code": code, "points": abs(gift)}))
    if joined:
        lines.append(_line(now - timedelta(days=60), joined, "join", {"code": "join", "points": joined}))
    approves = moment(now + timedelta(days=program.purchase.approval_days))
    return {
        "customer": {
            "merchant_id": "1",
            "first_name": "Robin",
            "name": "Robin",
            "member": True,
            "blocked": False,
            "birthday": None,
        },
        "points": {
            "available": available,
            "pending": ordered if is_pending else 0,
            "spent": spent,
            "next_approval": {"points": ordered, "at": approves} if is_pending else None,
        },
        "earn": [way | {"done": way["kind"] == "join"} for way in ways],
        "rewards": offers,
        "claims": claims,
        "history": {"lines": lines, "next": None},
    }


def _order(program: Program, ways: list[dict[str, Any]], now: datetime) -> tuple[int, list[dict[str, Any]]]:
    """The points of the made-up order by the program's rule, and its line; none where orders give none."""
    for way in ways:
        money = UNITS * 10 ** exponent(program.currency)
        if way["kind"] != "purchase" or money < way["minimum_minor"]:
            continue
        points = UNITS * way["rate"][0] // way["rate"][1]
        reason = {
            "code": "purchase",
            "points": points,
            "money": money,
            "currency": program.currency,
            "exponent": exponent(program.currency),
            "rate": way["rate"],
            "per_minor": way["per_minor"],
        }
        bucket = "pending" if program.purchase.approval_days else "available"
        return points, [_line(now, points, "purchase", reason) | {"order": ORDER, "bucket": bucket}]
    return 0, []


def _line(at: datetime, points: int, kind: str, reason: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": moment(at),
        "points": points,
        "kind": kind,
        "bucket": "available",
        "sentence": "",
        "reasons": [reason],
        "order": None,
    }


def _claim(offer: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The reward as it was handed out, with a code that no shop takes."""
    days = offer["valid_days"]
    at = now - timedelta(days=9)
    return {
        "id": 1,
        "reward_id": offer["id"],
        "title": offer["title"],
        "kind": offer["kind"],
        "amount_minor": offer["amount_minor"],
        "percent": offer["percent"],
        "cost": offer["cost"],
        "code": None if offer["kind"] == RewardKind.CUSTOM else "SAMPLE-2W8F-H6RT",
        "state": "claimed",
        "claimed_at": moment(at),
        "expires_at": moment(now + timedelta(days=days)) if days else None,
        "used_at": None,
        "order": None,
        "fulfilled_at": None,
        "instructions": "",
    }
