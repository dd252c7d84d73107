"""The JSON that the widget reads of a shopper. Points and money are whole numbers, times ISO 8601 in UTC."""

from datetime import datetime
from typing import Any

import msgspec

from regulars.app.claims import Offer
from regulars.app.listings import Standing
from regulars.app.storefront.history import Line, Lines
from regulars.app.storefront.panel import Mine
from regulars.app.storefront.reasons import Reason
from regulars.domain.customers import Customer
from regulars.domain.rewards import Claim, ClaimState
from regulars.doors.storefront.answers import facts_of, why
from regulars.doors.widget_shapes import earn_shape, moment, reward_shape
from regulars.storage.shoppers import Approval


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
