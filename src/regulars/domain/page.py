"""The page of a program's book that a batch works on: what was loaded, kept up to date decision by decision.

A key that was asked for (`needs`) and is not on the page does not exist.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

import msgspec

from regulars.domain.book import Account, Bucket, Cause, Counters, Merge, Taking
from regulars.domain.commands import (
    AdjustPoints,
    AmendOrder,
    CancelClaim,
    CancelOrder,
    Command,
    CustomerRef,
    EraseCustomer,
    ExpireClaim,
    FulfilClaim,
    MergeCustomers,
    PatchCustomer,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RedeemReward,
    SaveCustomer,
    Settle,
    UpdateOrder,
)
from regulars.domain.customers import Customer, email_key
from regulars.domain.decisions import Decision, Early
from regulars.domain.errors import Refused, UnknownSite
from regulars.domain.orders import Order
from regulars.domain.program import Program, PurchaseRule
from regulars.domain.rewards import Claim, ClaimState, Code, Stock, code_key

OrderKey: TypeAlias = tuple[int, str]
"""(site id, the shop's order id)."""


class Remembered(msgspec.Struct, frozen=True):
    """A stored identity: what it was for, when, and the refusal that it was answered with, if any."""

    fingerprint: bytes
    at: datetime
    decision_id: int | None
    refusal: Refused | None


class Needs(msgspec.Struct):
    """What a batch has to load before it can decide."""

    orders: set[OrderKey] = msgspec.field(default_factory=set)
    merchant_ids: set[str] = msgspec.field(default_factory=set)
    guests: set[tuple[str | None, str]] = msgspec.field(default_factory=set)
    """(merchant id, e-mail key): the guest of that e-mail is needed unless the id is known."""
    guest_keys: set[str] = msgspec.field(default_factory=set)
    """E-mail keys whose guest is needed in any case."""
    member_keys: set[str] = msgspec.field(default_factory=set)
    """E-mail keys whose oldest members are needed."""
    customer_ids: set[int] = msgspec.field(default_factory=set)
    identities: set[tuple[str, str]] = msgspec.field(default_factory=set)
    activities: set[tuple[str, str]] = msgspec.field(default_factory=set)
    takes_points: bool = False
    """Some command may take or restore points, so the lots of every account concerned are needed."""
    refunds: bool = False
    redeems: dict[int, int] = msgspec.field(default_factory=dict)
    """Rewards to be claimed, and how often at most: that many free codes of each are needed."""
    claim_ids: set[int] = msgspec.field(default_factory=set)
    code_keys: set[str] = msgspec.field(default_factory=set)
    """Claimed rewards by id and by code."""
    merges: bool = False
    """Some command merges two customers: who was erased has to be known."""


def needs(program: Program, commands: Iterable[Command]) -> Needs:
    """What has to be on the page for these commands."""
    wanted = Needs()
    for command in commands:
        if command.identity is not None:
            wanted.identities.add((command.identity.scope, command.identity.key))
        match command:
            case RecordOrder():
                _order(wanted, program, command.site_id, command.merchant_id)
                _customer(wanted, command.customer)
                if command.details.codes or command.details.claimed_reward_ids:
                    wanted.code_keys.update(code_key(used.code) for used in command.details.codes)
                    wanted.claim_ids.update(command.details.claimed_reward_ids)
            case AmendOrder():
                _order(wanted, program, command.order.site_id, command.order.merchant_id)
                wanted.code_keys.update(code_key(used.code) for used in command.order.details.codes)
                wanted.claim_ids.update(command.order.details.claimed_reward_ids)
                if command.order.customer.merchant_id is not None:
                    wanted.merchant_ids.add(command.order.customer.merchant_id)
                wanted.takes_points = True
            case UpdateOrder() | RecordPayment() | CancelOrder() | RecordRefund():
                _order(wanted, program, command.site_id, command.merchant_id)
                wanted.takes_points = True
                wanted.refunds = wanted.refunds or isinstance(command, RecordRefund)
            case SaveCustomer():
                _customer(wanted, command.customer)
                if command.activity is not None and command.activity.merchant_id is not None:
                    wanted.activities.add((command.activity.name, command.activity.merchant_id))
            case PatchCustomer():
                wanted.merchant_ids.add(command.merchant_id)
            case AdjustPoints():
                wanted.merchant_ids.add(command.merchant_id)
                wanted.takes_points = wanted.takes_points or command.points < 0
            case Settle() | EraseCustomer():
                wanted.customer_ids.add(command.customer_id)
            case MergeCustomers():
                wanted.customer_ids.update((command.customer_id, command.into_id))
                wanted.takes_points = wanted.merges = True
            case RedeemReward():
                _redeem(wanted, command)
            case CancelClaim() | FulfilClaim() | ExpireClaim():
                wanted.claim_ids.add(command.claim_id)
                if isinstance(command, CancelClaim) and command.merchant_id is not None:
                    wanted.merchant_ids.add(command.merchant_id)
                wanted.takes_points = True
            case _:
                raise TypeError(f"no such command: {type(command).__name__}")
    return wanted


def _order(wanted: Needs, program: Program, site_id: int | None, merchant_id: str) -> None:
    try:
        wanted.orders.add((program.site(site_id).id, merchant_id))
    except UnknownSite:
        return  # decide refuses this command by the same look-up


def _customer(wanted: Needs, ref: CustomerRef) -> None:
    if ref.merchant_id is not None:
        wanted.merchant_ids.add(ref.merchant_id)
    if (key := email_key(ref.email)) is None:
        return
    if ref.guest:
        wanted.guest_keys.add(key)
    else:
        wanted.guests.add((ref.merchant_id, key))
    if ref.match_email and ref.merchant_id is None:
        wanted.member_keys.add(key)


def _redeem(wanted: Needs, command: RedeemReward) -> None:
    if command.merchant_id is not None:
        wanted.merchant_ids.add(command.merchant_id)
    elif (key := email_key(command.email)) is not None:
        wanted.member_keys.add(key)
    wanted.redeems[command.reward_id] = wanted.redeems.get(command.reward_id, 0) + 1
    wanted.takes_points = True


class Page:
    """What a batch knows. `apply` brings it to the state after a decision."""

    def __init__(self, program: Program, ids: Counters) -> None:
        self.program = program
        self.ids = ids
        self.rules: dict[int, PurchaseRule] = {program.version: program.purchase}
        self.customers: dict[int, Customer] = {}
        self.accounts: dict[int, Account] = {}
        self.orders: dict[OrderKey, Order] = {}
        self.takings: dict[int, dict[int, Taking]] = {}
        self.early: dict[OrderKey, list[Early]] = {}
        self.refund_amounts: dict[tuple[int, str], int] = {}
        self.identities: dict[tuple[str, str], Remembered] = {}
        self.activities: dict[tuple[str, str | None], int] = {}
        """(name, merchant id) of an activity: the customer who did it."""
        self.stocks: dict[int, Stock] = {}
        self.free_codes: dict[int, list[Code]] = {}
        """Free codes by reward, as many as the batch may hand out."""
        self.claims: dict[int, Claim] = {}
        self.claims_by_code: dict[str, int] = {}
        self.claim_times: dict[tuple[int, int], tuple[datetime, ...]] = {}
        """(customer id, reward id): when it was claimed, cancelled claims apart."""
        self.redemptions: dict[int, Taking] = {}
        """By claim: the movement that took its points, with the lots that it drew from."""
        self.erased: set[int] = set()
        """Of the customers to be merged, those who were erased, or are about to be."""
        self._by_merchant_id: dict[str, int] = {}
        self._guests: dict[str, int] = {}
        self._members: dict[str, int] = {}

    def add_customer(self, customer: Customer) -> None:
        """Puts a customer on the page, or replaces it."""
        before = self.customers.get(customer.id)
        if before is not None:
            self._forget_email(before)
            if before.merchant_id is not None and before.merchant_id != customer.merchant_id:
                del self._by_merchant_id[before.merchant_id]
        self.customers[customer.id] = customer
        if customer.merchant_id is not None:
            self._by_merchant_id[customer.merchant_id] = customer.id
        key = email_key(customer.email)
        if key is None:
            return
        if customer.is_member:
            self._members[key] = min(customer.id, self._members.get(key, customer.id))
        elif customer.merchant_id is None:
            self._guests[key] = customer.id

    def customer(self, merchant_id: str) -> Customer | None:
        """The customer who is meant by this id, be it one that was merged into them."""
        found = self._by_merchant_id.get(merchant_id)
        return None if found is None else self.meant(self.customers[found])

    def guest(self, key: str) -> Customer | None:
        """The guest without a merchant id that is kept under this e-mail key, or whom it was merged into."""
        found = self._guests.get(key)
        return None if found is None else self.meant(self.customers[found])

    def oldest_member(self, key: str) -> Customer | None:
        """The first customer of that e-mail key who is a member, or whom that one was merged into."""
        found = self._members.get(key)
        return None if found is None else self.meant(self.customers[found])

    def meant(self, record: Customer) -> Customer:
        """The customer who has everything of this record: itself unless it was merged."""
        return record if record.merged_into is None else self.customers[record.merged_into]

    def record(self, merchant_id: str) -> Customer | None:
        """The record of this very id, merged or not; `guest_record` and `member_record` likewise."""
        found = self._by_merchant_id.get(merchant_id)
        return None if found is None else self.customers[found]

    def guest_record(self, key: str) -> Customer | None:
        found = self._guests.get(key)
        return None if found is None else self.customers[found]

    def member_record(self, key: str) -> Customer | None:
        found = self._members.get(key)
        return None if found is None else self.customers[found]

    def add_taking(self, order_id: int, taking: Taking) -> None:
        self.takings.setdefault(order_id, {})[taking.movement_id] = taking

    def takings_of(self, order_id: int) -> tuple[Taking, ...]:
        return tuple(self.takings.get(order_id, {}).values())

    def apply(self, decision: Decision) -> None:
        """Brings the page to the state after `decision`."""
        if decision.identity is not None:
            key = (decision.identity.scope, decision.identity.key)
            self.identities[key] = Remembered(
                decision.identity.fingerprint, decision.identity.at, decision.id or None, decision.refusal
            )
        if decision.id == 0:
            return
        if decision.ids is not None:
            self.ids = decision.ids
        if decision.customer is not None and decision.customer_changed:
            self.add_customer(decision.customer)
        if decision.account is not None:
            self.accounts[decision.account.customer_id] = decision.account
        if decision.order is not None:
            key_of_order = (decision.order.site_id, decision.order.merchant_id)
            before = self.orders.get(key_of_order)
            if before is not None and before.amended_id != decision.order.amended_id:
                self.takings.pop(before.id, None)
            self.orders[key_of_order] = decision.order
            if decision.early_done:
                del self.early[key_of_order]
        for early in decision.early:
            self.early.setdefault((early.site_id, early.order_merchant_id), []).append(early)
        for refund in decision.refunds:
            if refund.reference is not None:
                self.refund_amounts[refund.order_id, refund.reference] = refund.amount_minor
        for activity in decision.activities:
            if activity.merchant_id is not None:
                self.activities[activity.name, activity.merchant_id] = activity.customer_id
        self._apply_takings(decision)
        if decision.merge is not None:
            self._apply_merge(decision.merge)
        if decision.claims:
            self._apply_claims(decision)

    def _apply_takings(self, decision: Decision) -> None:
        for movement in decision.movements:
            if movement.order_id is None or movement.cause is Cause.AMENDED:
                continue
            if movement.to_bucket is Bucket.REVERSED:
                self.add_taking(
                    movement.order_id,
                    Taking(
                        movement_id=movement.id,
                        from_bucket=movement.from_bucket,
                        points=movement.points,
                        undone=0,
                        uses=(),
                    ),
                )
            elif movement.undoes_id is not None:
                taking = self.takings[movement.order_id][movement.undoes_id]
                undone = taking.undone + movement.points
                self.add_taking(movement.order_id, msgspec.structs.replace(taking, undone=undone))
        for use in decision.uses if self.takings else ():
            for takings in self.takings.values():
                if use.movement_id in takings:
                    taking = takings[use.movement_id]
                    uses = dict(taking.uses)
                    uses[use.lot_id] = uses.get(use.lot_id, 0) + use.points
                    takings[use.movement_id] = msgspec.structs.replace(taking, uses=tuple(uses.items()))

    def _apply_merge(self, merge: Merge) -> None:
        """Whatever on the page belonged to the one who goes belongs to the one who stays."""
        gone, into = merge.customer_id, merge.into_id
        replace, at = msgspec.structs.replace, merge.recorded_at
        self.accounts[gone] = Account(customer_id=gone, updated_at=at, loaded=True)
        for customer in list(self.customers.values()):
            if gone in (customer.id, customer.merged_into):
                self.add_customer(replace(customer, merged_into=into, updated_at=at))
        for key, order in self.orders.items():
            if order.customer_id == gone:
                self.orders[key] = replace(order, customer_id=into, updated_at=at)
        for claim in self.claims.values():
            if claim.customer_id == gone:
                self.claims[claim.id] = replace(claim, customer_id=into)
        for customer_id, reward_id in [key for key in self.claim_times if key[0] == gone]:
            times = self.claim_times.pop((customer_id, reward_id))
            together = (*self.claim_times.get((into, reward_id), ()), *times)
            self.claim_times[into, reward_id] = tuple(sorted(together))

    def add_claim(self, claim: Claim) -> None:
        """Puts a claimed reward on the page, or replaces it."""
        self.claims[claim.id] = claim
        if claim.code_key is not None:
            self.claims_by_code[claim.code_key] = claim.id

    def _apply_claims(self, decision: Decision) -> None:
        for claim in decision.claims:
            before = self.claims.get(claim.id)
            self.add_claim(claim)
            key = (claim.customer_id, claim.reward_id)
            if before is None:
                self.claim_times[key] = (*self.claim_times.get(key, ()), claim.claimed_at)
                self._add_redemption(claim, decision)
            elif claim.state is ClaimState.CANCELLED:
                times = list(self.claim_times.get(key, ()))
                if claim.claimed_at in times:
                    times.remove(claim.claimed_at)
                    self.claim_times[key] = tuple(times)
        for stock in decision.stocks:
            self.stocks[stock.reward_id] = stock
        for code in decision.codes:
            free = self.free_codes.get(code.reward_id)
            if free and free[0].key == code.key:
                self.free_codes[code.reward_id] = free[1:]

    def _add_redemption(self, claim: Claim, decision: Decision) -> None:
        if claim.movement_id is None:
            return
        self.redemptions[claim.id] = Taking(
            movement_id=claim.movement_id,
            from_bucket=Bucket.AVAILABLE,
            points=claim.cost,
            undone=0,
            uses=tuple(
                (use.lot_id, use.points) for use in decision.uses if use.movement_id == claim.movement_id
            ),
        )

    def _forget_email(self, customer: Customer) -> None:
        key = email_key(customer.email)
        if key is not None:
            if self._guests.get(key) == customer.id:
                del self._guests[key]
            if self._members.get(key) == customer.id:
                del self._members[key]
                self._find_next_member(key, customer.id)

    def _find_next_member(self, key: str, without: int) -> None:
        others = [
            other.id
            for other in self.customers.values()
            if other.id != without and other.is_member and email_key(other.email) == key
        ]
        if others:
            self._members[key] = min(others)
