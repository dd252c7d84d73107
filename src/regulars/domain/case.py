"""One command while it is being decided: what it reads from the page, and the records it makes.

Nothing on the page changes here; `decision()` is the whole result.
"""

from datetime import datetime
from typing import Any

import msgspec

from regulars.domain.book import Account, Bucket, Cause, Counters, Lot, Merge, Movement
from regulars.domain.commands import Command
from regulars.domain.customers import Customer
from regulars.domain.decisions import Decision, DoneActivity, Early, Event, Outcome, Payment, Refund, Trace
from regulars.domain.orders import Order
from regulars.domain.page import Page
from regulars.domain.posting import Posting
from regulars.domain.rewards import Claim, Code, CodeState, Stock

_POINTS_EVENTS = {
    Bucket.ISSUED: "points.earned",
    Bucket.PENDING: "points.approved",
    Bucket.REVERSED: "points.restored",
    Bucket.REDEEMED: "points.returned",
}


class Case:
    """Collects one decision. `ids` are taken from a copy, so that a refused command uses none up."""

    def __init__(self, page: Page, command: Command, now: datetime) -> None:
        self.page = page
        self.program = page.program
        self.command = command
        self.now = now
        self.ids: Counters = msgspec.structs.replace(page.ids)
        self.decision_id = self.ids.next("decision")
        self.trace: list[Trace] = []
        self.customer: Customer | None = None
        self.customer_is_new = False
        self.customer_changed = False
        self.order: Order | None = None
        self.order_before: Order | None = None
        self.posting: Posting | None = None
        self.actor: str | None = None
        self.payments: list[Payment] = []
        self.refunds: list[Refund] = []
        self.early: list[Early] = []
        self.early_done: list[int] = []
        self.activities: list[DoneActivity] = []
        self.claims: dict[int, Claim] = {}
        self.codes: list[Code] = []
        self.code_states: dict[str, CodeState] = {}
        self.stocks: dict[int, Stock] = {}
        self.merge: Merge | None = None
        self._events: list[tuple[str, dict[str, Any]]] = []

    def say(self, code: str, **facts: Any) -> None:
        """Adds a line to the trace."""
        self.trace.append(Trace(code, facts))

    def announce(self, kind: str, **payload: Any) -> None:
        """Adds an event about the customer or order of this case; movements announce themselves."""
        self._events.append((kind, payload))

    def points(self) -> Posting:
        """The posting on this customer's account; what is due on it is settled first, so late jobs change
        nothing."""
        if self.posting is None:
            assert self.customer is not None
            account = self.page.accounts.get(self.customer.id) or Account(
                customer_id=self.customer.id, loaded=True
            )
            self.posting = Posting(account, self.ids, self.decision_id, self.now)
            self.settle()
        return self.posting

    def settle(self) -> None:
        """Approves what is due by now."""
        assert self.posting is not None
        for lot in self.posting.approve_due(self.now):
            self.say("approved", points=lot.remaining, lot=lot.id, due=lot.approves_at)

    def grant(self, points: int, cause: Cause, **terms: Any) -> Lot:
        """Gives points; those whose approval is already due (history) are available at once."""
        lot = self.points().grant(points, cause, **terms)
        if lot.approves_at is not None and lot.approves_at <= self.now:
            self.settle()
        return lot

    def use_customer(self, customer: Customer, *, is_new: bool = False, changed: bool = False) -> None:
        self.customer = customer
        self.customer_is_new = self.customer_is_new or is_new
        self.customer_changed = self.customer_changed or is_new or changed

    def put_claim(self, claim: Claim) -> None:
        """A claimed reward as it is from now on."""
        self.claims[claim.id] = claim

    def decision(self, outcome: Outcome) -> Decision:
        """Everything that this case made. With nothing made, a decision that has nothing to store."""
        posting = self.posting
        order_changed = self.order is not None and self.order is not self.order_before
        if not (
            order_changed
            or self.customer_changed
            or self.activities
            or self.early
            or self.refunds
            or self.claims
            or (posting and posting.movements)
        ):
            return Decision(
                id=0,
                kind=type(self.command).__name__,
                outcome=outcome,
                at=self.now,
                trace=tuple(self.trace),
                customer=self.customer,
                order=self.order,
            )
        if self.customer_is_new:
            self.points()  # an empty account is an account, too
        account = self.posting.account() if self.posting is not None else None
        decision = Decision(
            id=self.decision_id,
            kind=type(self.command).__name__,
            outcome=outcome,
            at=self.now,
            trace=tuple(self.trace),
            actor=self.actor,
            customer=self.customer,
            customer_is_new=self.customer_is_new,
            customer_changed=self.customer_changed,
            order=self.order,
            order_is_new=order_changed and self.order_before is None,
            order_changed=order_changed,
            account=account,
            payments=self.payments,
            refunds=self.refunds,
            early=self.early,
            early_done=self.early_done,
            activities=self.activities,
            claims=list(self.claims.values()),
            codes=self.codes,
            code_states=self.code_states,
            stocks=list(self.stocks.values()),
            merge=self.merge,
            ids=self.ids,
        )
        if self.posting is not None:
            self._take_over(self.posting, decision)
        decision.events = self._make_events(decision)
        return decision

    def _take_over(self, posting: Posting, decision: Decision) -> None:
        assert self.customer is not None
        before = self.page.accounts.get(self.customer.id)
        decision.account_changed = decision.account != before
        decision.deficits_changed = bool(posting.deficits) or bool(before and before.deficits)
        decision.movements = posting.movements
        decision.uses = posting.uses
        decision.lots = list(posting.touched.values())

    def _make_events(self, decision: Decision) -> list[Event]:
        customer, order = decision.customer, decision.order
        events = [
            Event(
                id=self.ids.next("event"),
                kind=kind,
                customer_id=customer.id if customer else None,
                order_id=order.id if order else None,
                movement_id=None,
                payload=payload,
            )
            for kind, payload in self._events
        ]
        events.extend(self._movement_event(movement) for movement in decision.movements)
        return events

    def _movement_event(self, movement: Movement) -> Event:
        if movement.to_bucket is Bucket.REDEEMED:
            kind = "points.spent"
        elif movement.from_bucket is Bucket.AVAILABLE or movement.to_bucket is Bucket.REVERSED:
            kind = "points.removed" if movement.cause is Cause.ADJUSTMENT else "points.taken"
        elif movement.from_bucket is Bucket.ISSUED and movement.cause is Cause.ADJUSTMENT:
            kind = "points.given"
        else:
            kind = _POINTS_EVENTS[movement.from_bucket]
        return Event(
            id=self.ids.next("event"),
            kind=kind,
            customer_id=movement.customer_id,
            order_id=movement.order_id,
            movement_id=movement.id,
            payload={
                "points": movement.points,
                "from": movement.from_bucket,
                "to": movement.to_bucket,
                "cause": movement.cause,
                "customer": self.customer.merchant_id if self.customer else None,
                "order": self.order.merchant_id if self.order else None,
            },
        )
