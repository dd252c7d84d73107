"""`regulars explain`: everything that happened to an order and its points, and why, for a support agent."""

from datetime import datetime
from typing import Final

import msgspec

from regulars.domain.book import Bucket, Lot
from regulars.domain.commands import PaymentStatus
from regulars.domain.decisions import Trace
from regulars.domain.errors import Invalid, UnknownOrder
from regulars.domain.money import format_amount
from regulars.domain.trace import sentence
from regulars.storage import histories
from regulars.storage.database import Database
from regulars.storage.histories import History, Money, Place

KINDS: Final = {
    "RecordOrder": "the shop reported the order",
    "UpdateOrder": "the shop reported its state",
    "RecordPayment": "the shop reported a payment",
    "RecordRefund": "the shop reported a refund",
    "CancelOrder": "the shop reported that it is cancelled",
    "SaveCustomer": "the shop reported its customer",
    "PatchCustomer": "its customer was changed",
    "EraseCustomer": "its customer was erased",
    "MergeCustomers": "another record of its customer was merged into this one",
    "AdjustPoints": "staff adjusted its customer's points",
    "Settle": "what was due was done",
    "AmendOrder": "staff applied its later content",
    "RedeemReward": "its customer redeemed a reward",
    "CancelClaim": "a claimed reward of its customer was cancelled",
    "FulfilClaim": "a claimed reward of its customer was fulfilled",
    "ExpireClaim": "a claimed reward of its customer expired",
}
"""What each kind of command means for an order."""


class AmbiguousOrder(Invalid):
    """More than one shop knows an order of this id; `places` are the (program id, site id) of each."""

    def __init__(self, order: str, places: list[Place]) -> None:
        named = "; ".join(
            f"program {place.program_id} ({place.program_name}), site {place.site_id} ({place.domain})"
            for place in places
        )
        super().__init__(
            "order", f"{order!r} is known to {len(places)} shops, so say which is meant: {named}"
        )
        self.places = [(place.program_id, place.site_id) for place in places]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An order, where it is known, and its history."""

    place: Place
    history: History


async def explain(
    database: Database, *, merchant_id: str, program_id: int | None = None, site_id: int | None = None
) -> Explanation:
    """The order's history, looked for in the program and site given, else in all.

    Raises UnknownOrder (`waiting`: reports that wait for it) and AmbiguousOrder.
    """
    async with database.acquire() as connection:
        where = {"program_id": program_id, "site_id": site_id}
        places = await histories.places(connection, merchant_id, **where)
        if len(places) > 1:
            raise AmbiguousOrder(merchant_id, places)
        history = await histories.load(connection, places[0], merchant_id) if places else None
        if history is None:
            raise UnknownOrder(
                order=merchant_id, waiting=await histories.waiting(connection, merchant_id, **where)
            )
    return Explanation(place=places[0], history=history)


def lines(explanation: Explanation) -> list[str]:
    """The explanation as plain text for a person."""
    history = explanation.history
    return [
        *_heading(explanation),
        "",
        *_money(history),
        *_points(history),
        "",
        "What was decided",
        *_decisions(history),
        *_movements(history),
        *_reported("Refunds reported", history.refunds, history.order.currency),
        *_reported("Payments reported", history.payments, history.order.currency),
        *_waits(history),
    ]


def _heading(explanation: Explanation) -> list[str]:
    order, customer, place = explanation.history.order, explanation.history.customer, explanation.place
    called = customer.merchant_id or customer.email or f"number {customer.id}"
    who = f"member since {_time(customer.member_since)}" if customer.member_since else "a guest, not a member"
    number = f" (number {order.merchant_number})" if order.merchant_number else ""
    at = f"{place.domain}: {place.program_name}, program {place.program_id}, site {place.site_id}"
    return [
        f"Order {order.merchant_id}{number} at {at}",
        f"Placed {_time(order.placed_at)}, first reported {_time(order.created_at)} ({order.door})",
        f"Customer {called}, {who}{', blocked' if customer.blocked else ''}",
    ]


def _money(history: History) -> list[str]:
    order = history.order

    def amount(minor: int) -> str:
        return format_amount(minor, order.currency)

    total = (
        f"Money   total {amount(order.total_minor)} {order.currency}, of it "
        f"goods {amount(order.goods_minor)}, "
        f"shipping {amount(order.shipping_minor)}, tax {amount(order.tax_minor)}; "
        f"discounts {amount(order.discounts_minor)}"
    )
    paid = (
        f"        to pay {amount(order.payable_minor)}, paid {amount(order.paid_minor)}, "
        f"refunded {amount(order.refunded_minor)}; {amount(order.rewardable_minor)} earn "
        f"(rules of version {order.rule_version})"
    )
    state = [order.payment_status.replace("_", " "), order.refund_status.replace("_", " ")]
    state += ["cancelled"] if order.cancelled else []
    state += [f"status “{order.status}”"] if order.status else []
    return [total, paid, f"State   {', '.join(state)}"]


def _points(history: History) -> list[str]:
    order = history.order
    text = f"Points  {order.given} given, {order.taken} taken back, so {order.given - order.taken} stand"
    if history.deficit:
        text += f"; {history.deficit} of those taken had been spent, and the customer still owes them"
    return [text]


def _decisions(history: History) -> list[str]:
    said = []
    for decision in history.decisions:
        kind = KINDS.get(decision.kind, decision.kind)
        by = f" ({decision.actor})" if decision.actor else ""
        outcome = "" if decision.outcome == "done" else f", {decision.outcome}"
        said.append(f"  {_time(decision.at)}  decision {decision.id}: {kind}{by}{outcome}")
        said += [f"    {in_words(entry)}" for entry in decision.trace]
    return said


def in_words(entry: Trace) -> str:
    """The line of a trace as a sentence; as its bare facts where another version wrote it."""
    try:
        return sentence(entry)
    except (KeyError, ValueError):
        return f"{entry.code} {entry.facts}"  # of a later or much earlier version


def _movements(history: History) -> list[str]:
    if not history.movements:
        return []
    rows = [
        (
            _time(movement.effective_at),
            f"{movement.points:,}",
            f"{movement.from_bucket} → {movement.to_bucket}",
            f"{movement.cause}, movement {movement.id} of decision {movement.decision_id}"
            + (f", undoes {movement.undoes_id}" if movement.undoes_id else "")
            + (f", claimed reward {movement.claim_id}" if movement.claim_id else ""),
        )
        for movement in history.movements
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "",
        "What it moved in the book",
        *(f"  {at}  {points:>{widths[1]}}  {way:<{widths[2]}}  {why}" for at, points, way, why in rows),
    ]


def _reported(title: str, amounts: tuple[Money, ...], currency: str) -> list[str]:
    if not amounts:
        return []
    return [
        "",
        title,
        *(
            f"  {_time(item.at)}  {format_amount(item.amount_minor, currency)} {currency}"
            + (f", {item.reference}" if item.reference else "")
            for item in amounts
        ),
    ]


def _waits(history: History) -> list[str]:
    """What is still to come: a payment, or points that wait to be approved."""
    order = history.order
    said = []
    if order.payment_status is not PaymentStatus.PAID and not order.cancelled:
        left = format_amount(max(order.payable_minor - order.paid_minor, 0), order.currency)
        said.append(f"  {left} {order.currency} are to be paid before it earns")
    elif not order.rewarded_status and not order.cancelled:
        said.append("  a status that the program rewards")
    if history.lot is not None and _is_waiting(history.lot):
        assert history.lot.approves_at is not None
        since = _time(history.lot.approves_at)
        said.append(f"  {history.lot.remaining} points are pending; they can be spent from {since}")
    return ["", "What it waits for", *said] if said else []


def _is_waiting(lot: Lot) -> bool:
    return lot.state is Bucket.PENDING and lot.remaining > 0


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
