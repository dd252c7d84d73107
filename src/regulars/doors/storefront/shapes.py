"""The JSON that the widget reads. Points and money are whole numbers, times ISO 8601 in UTC."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import msgspec

from regulars.app.claims import Offer
from regulars.app.listings import Standing
from regulars.app.storefront.history import Line, Lines
from regulars.app.storefront.panel import Mine, Shown
from regulars.app.storefront.reasons import Reason
from regulars.app.storefront.switches import Switches
from regulars.app.storefront.widgets import TEXTS, Widget
from regulars.domain.customers import Customer
from regulars.domain.money import exponent
from regulars.domain.program import Program
from regulars.domain.rewards import Claim, ClaimState, Reward, RewardKind, Stock, is_out_of_stock
from regulars.doors.storefront.answers import facts_of, why
from regulars.storage.shoppers import Approval


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


def me_shape(mine: Mine) -> dict[str, Any]:
    """All that a shopper sees of their own."""
    customer = mine.standing.customer if mine.standing is not None else None
    done = {"purchase": False, "join": mine.is_member}
    return {
        "customer": customer_shape(mine.merchant_id, customer),
        "points": points_shape(mine.standing, mine.next_approval),
        "earn": [way | {"done": done[way["kind"]]} for way in earn_shape(mine.program)],
        "rewards": [offer_shape(offer) for offer in mine.offers],
        "claims": [claim_shape(claim, mine.orders, mine.now) for claim in mine.claims],
        "history": lines_shape(mine.lines),
    }


def customer_shape(merchant_id: str, customer: Customer | None) -> dict[str, Any]:
    """Who is logged in; somebody whom the program doesn't know is no member yet."""
    if customer is None:
        return {
            "merchant_id": merchant_id,
            "first_name": None,
            "name": None,
            "member": False,
            "blocked": False,
            "birthday": None,
        }
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return {
        "merchant_id": merchant_id,
        "first_name": customer.first_name,
        "name": name or None,
        "member": customer.is_member,
        "blocked": customer.blocked,
        "birthday": customer.birthday.isoformat() if customer.birthday else None,
    }


def points_shape(standing: Standing | None, approval: Approval | None) -> dict[str, Any]:
    """What can be spent, what can't yet, what was."""
    account = standing.account if standing is not None else None
    return {
        "available": account.available if account else 0,
        "pending": account.pending if account else 0,
        "spent": account.spent if account else 0,
        "next_approval": {"points": approval.points, "at": moment(approval.at)} if approval else None,
    }


def offer_shape(offer: Offer) -> dict[str, Any]:
    """A reward, and whether this shopper can have it now."""
    standing: dict[str, Any] = {"can": True}
    if offer.refusal is not None:
        standing = {"can": False, "why": why(offer.refusal), **facts_of(offer.refusal)}
        if "why" in facts_of(offer.refusal):
            standing |= {"why": why(offer.refusal), "because": facts_of(offer.refusal)["why"]}
    return reward_shape(offer.reward, offer.stock) | {"standing": standing}


def claim_shape(claim: Claim, orders: dict[int, str], now: datetime) -> dict[str, Any]:
    """A claimed reward at program time `now`; one whose time is over is expired, noted or not."""
    return {
        "id": claim.id,
        "reward_id": claim.reward_id,
        "title": claim.title,
        "kind": claim.kind,
        "amount_minor": claim.amount_minor,
        "percent": claim.percent,
        "cost": claim.cost,
        "code": claim.code,
        "state": ClaimState.EXPIRED if claim.has_expired(now) else claim.state,
        "claimed_at": moment(claim.claimed_at),
        "expires_at": moment(claim.expires_at),
        "used_at": moment(claim.used_at),
        "order": orders.get(claim.order_id) if claim.order_id is not None else None,
        "fulfilled_at": moment(claim.fulfilled_at),
        "instructions": claim.instructions,
    }


def lines_shape(lines: Lines) -> dict[str, Any]:
    """A page of the history; `next` is what the next page is asked for with."""
    return {
        "lines": [_line(line) for line in lines.lines],
        "next": None if lines.next is None else str(lines.next),
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "at": moment(line.at),
        "points": line.points,
        "kind": line.kind,
        "bucket": line.bucket,
        "sentence": line.sentence,
        "reasons": [reason_shape(reason) for reason in line.reasons],
        "order": line.order,
    }


def reason_shape(reason: Reason) -> dict[str, Any]:
    """A code, with those facts that its sentence needs."""
    facts = {name: value for name, value in msgspec.structs.asdict(reason).items() if value is not None}
    return facts | ({"at": moment(reason.at)} if reason.at else {})
