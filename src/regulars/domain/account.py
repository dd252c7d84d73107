"""Decisions on customers and their accounts: who is meant, joining, adjusting, settling."""

from datetime import datetime

import msgspec

from regulars.domain.book import Cause
from regulars.domain.case import Case
from regulars.domain.commands import (
    Activity,
    AdjustPoints,
    CustomerRef,
    EraseCustomer,
    PatchCustomer,
    SaveCustomer,
    Settle,
)
from regulars.domain.customers import Customer, email_key, with_profile
from regulars.domain.decisions import DoneActivity, Outcome
from regulars.domain.errors import CustomerBlocked, Invalid, NotAMember, NotEnoughPoints, UnknownCustomer

MAX_ADJUSTMENT = 1_000_000_000_000


def settle(case: Case, command: Settle) -> Outcome:
    """Does what is due on the account."""
    customer = case.page.customers.get(command.customer_id)
    if customer is None:
        raise UnknownCustomer(customer=command.customer_id)
    case.use_customer(customer)
    return Outcome.DONE if case.points().movements else Outcome.UNCHANGED


def adjust_points(case: Case, command: AdjustPoints) -> Outcome:
    """Gives to a member who is not blocked, or takes what is available, at most down to zero."""
    customer = _known(case, command.merchant_id)
    if not 0 < abs(command.points) <= MAX_ADJUSTMENT:
        raise Invalid("points", f"must be from 1 to {MAX_ADJUSTMENT}")
    case.actor = command.actor
    points = case.points()
    lot_id = None
    if command.points > 0:
        if not customer.is_member:
            raise NotAMember(customer=command.merchant_id)
        if customer.blocked:
            raise CustomerBlocked(customer=command.merchant_id)
        lot_id = case.grant(command.points, Cause.ADJUSTMENT).id
    else:
        if -command.points > points.available:
            raise NotEnoughPoints(asked=-command.points, left=max(points.available, 0))
        points.remove(-command.points, Cause.ADJUSTMENT)
    case.say("adjusted", points=command.points, reason=command.reason, actor=command.actor)
    case.activities.append(
        DoneActivity(
            id=case.ids.next("activity"),
            customer_id=customer.id,
            name="$adjustment",
            merchant_id=None,
            points=command.points,
            lot_id=lot_id,
            note=command.reason,
            properties={},
            happened_at=case.now,
        )
    )
    return Outcome.DONE


def patch_customer(case: Case, command: PatchCustomer) -> Outcome:
    """Changes the birthday, or blocks or unblocks."""
    customer = _known(case, command.merchant_id)
    changed = customer
    if command.birthday is not None and command.birthday != customer.birthday:
        changed = msgspec.structs.replace(changed, birthday=command.birthday)
        case.say("birthday set")
    if command.blocked is not None and command.blocked != customer.blocked:
        changed = msgspec.structs.replace(changed, blocked=command.blocked)
        case.say("blocked" if command.blocked else "unblocked")
    if changed is customer:
        return Outcome.UNCHANGED
    case.use_customer(msgspec.structs.replace(changed, updated_at=case.now), changed=True)
    case.announce("customer.updated", customer=customer.merchant_id, blocked=changed.blocked)
    return Outcome.DONE


def erase_customer(case: Case, command: EraseCustomer) -> Outcome:
    """Leaves nothing of the person but that somebody was there, and blocks what is left."""
    customer = case.page.customers.get(command.customer_id)
    if customer is None:
        raise UnknownCustomer(customer=command.customer_id)
    if customer.merchant_id == command.replacement:
        return Outcome.UNCHANGED
    case.actor = command.actor
    nobody = Customer(
        id=customer.id,
        merchant_id=command.replacement,
        email=None,
        member_since=customer.member_since,
        blocked=True,
        created_at=customer.created_at,
        updated_at=case.now,
        merged_into=customer.merged_into,
    )
    case.use_customer(nobody, changed=True)
    case.say("erased", actor=command.actor)
    case.announce("customer.erased", customer=command.replacement)
    return Outcome.DONE


def save_customer(case: Case, command: SaveCustomer) -> Outcome:
    """Creates or updates the customer and enrols unless said to be a guest; a known activity is a repeat."""
    activity = command.activity
    if activity is not None and (activity.name, activity.merchant_id) in case.page.activities:
        return Outcome.REPEATED
    at = min(activity.at, case.now) if activity is not None and activity.at is not None else case.now
    joined = identify(case, command.customer, at=at, activity=activity)
    if activity is not None and not joined:
        case.say("already a member" if not command.customer.guest else "kept as a guest")
    return Outcome.DONE if case.customer_changed else Outcome.UNCHANGED


def identify(case: Case, ref: CustomerRef, *, at: datetime, activity: Activity | None = None) -> bool:
    """Finds or makes the customer that `ref` means, and enrols where it says so. Answers whether one joined.

    With an id: that customer, else the guest of that e-mail, who becomes known by the id; a guest is kept
    apart from the member of the same id. Without one: the oldest member of that e-mail where the door says
    so, else the guest of it. Raises Invalid when neither an id nor an e-mail is given.
    """
    record = _find(case, ref)
    if record is None:
        record = Customer(
            id=case.ids.next("customer"),
            merchant_id=None if _kept_apart(case, ref) else ref.merchant_id,
            email=None,
            created_at=case.now,
            updated_at=case.now,
        )
        customer = with_profile(record, ref)
        case.use_customer(customer, is_new=True)
        case.announce("customer.created", customer=customer.merchant_id)
    else:
        found = case.page.meant(record)
        # Whoever checks out with a member's e-mail, and nothing else, may not rename that member; nor does
        # what is still said of a record that was merged change the one who stays.
        known_by_email_alone = found.is_member and ref.merchant_id is None
        customer = found if known_by_email_alone or found is not record else with_profile(found, ref)
        if customer.merchant_id is None and ref.merchant_id is not None and not ref.guest:
            customer = msgspec.structs.replace(customer, merchant_id=ref.merchant_id)
        if customer is not found:
            customer = msgspec.structs.replace(customer, updated_at=case.now)
            case.announce("customer.updated", customer=customer.merchant_id)
        case.use_customer(customer, changed=customer is not found)
    if customer.is_member or ref.guest or ref.merchant_id is None:
        return False
    _join(case, customer, at, activity)
    return True


def _kept_apart(case: Case, ref: CustomerRef) -> bool:
    """A guest order under a member's id belongs to the guest of its e-mail, not to the member."""
    if not ref.guest or ref.merchant_id is None:
        return False
    known = case.page.record(ref.merchant_id)
    return known is not None and known.is_member


def _find(case: Case, ref: CustomerRef) -> Customer | None:
    """The very record that is named, which may have been merged."""
    page, key = case.page, email_key(ref.email)
    if ref.merchant_id is not None and not _kept_apart(case, ref):
        known = page.record(ref.merchant_id)
        if known is not None:
            return known
        guest = page.guest_record(key) if key is not None and not ref.guest else None
        # An id that is new does not name a guest who is known by another one since a merge.
        return guest if guest is not None and page.meant(guest).merchant_id is None else None
    if key is None:
        raise Invalid("customer", "has neither an id nor an e-mail")
    if ref.match_email and (member := page.member_record(key)) is not None:
        return member
    return page.guest_record(key)


def names_merged(case: Case, ref: CustomerRef) -> bool:
    """Whether the shop still names this customer by a record that was merged."""
    key = email_key(ref.email)
    if ref.merchant_id is not None:
        record = case.page.record(ref.merchant_id)
    else:
        record = case.page.guest_record(key) if key is not None else None
    return record is not None and record.merged_into is not None


def _join(case: Case, customer: Customer, at: datetime, activity: Activity | None) -> None:
    """Enrols, once ever; the join rule gives its points at that moment."""
    customer = msgspec.structs.replace(customer, member_since=at, updated_at=case.now)
    case.use_customer(customer, changed=True)
    case.say("joined", on=at)
    case.announce("customer.enrolled", customer=customer.merchant_id)
    points, lot_id = case.program.join.points, None
    if points and customer.blocked:
        case.say("join: blocked")
        points = 0
    if points:
        lot_id = case.grant(points, Cause.JOIN, effective_at=at).id
        case.say("join: given", points=points)
    if activity is None and not points:
        return
    case.activities.append(
        DoneActivity(
            id=case.ids.next("activity"),
            customer_id=customer.id,
            name=activity.name if activity is not None else "$signup",
            merchant_id=activity.merchant_id if activity is not None else None,
            points=points,
            lot_id=lot_id,
            note=None,
            properties=activity.properties if activity is not None else {},
            happened_at=at,
        )
    )


def _known(case: Case, merchant_id: str) -> Customer:
    customer = case.page.customer(merchant_id)
    if customer is None:
        raise UnknownCustomer(customer=merchant_id)
    case.use_customer(customer)
    return customer
