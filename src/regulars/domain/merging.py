"""Two records that are one person: all that the one has goes to the other, point by point as it stands.

No movement is made: lots, debts, orders and claimed rewards change their owner with their own terms, and the
book's chain keeps what went over. See docs/decisions/0018.
"""

import msgspec

from regulars.domain.book import Account, Merge
from regulars.domain.case import Case
from regulars.domain.commands import MergeCustomers
from regulars.domain.customers import Customer
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Invalid, UnknownCustomer
from regulars.domain.posting import Posting


def merge_customers(case: Case, command: MergeCustomers) -> Outcome:
    """Makes one customer of two. Raises UnknownCustomer; Invalid for two that can't be, or not this way."""
    gone, stays = _record(case, command.customer_id), _record(case, command.into_id)
    case.use_customer(stays)
    if gone.merged_into is not None and gone.merged_into == stays.id:
        return Outcome.UNCHANGED
    if (problem := obstacle(gone, stays)) is not None:
        raise problem
    for field, record in (("customer", gone), ("into", stays)):
        if record.id in case.page.erased:
            raise Invalid(field, "was erased: there is nobody to be merged")
    case.actor = command.actor
    both = case.page.accounts[gone.id], case.page.accounts[stays.id]
    case.merge = _merge(case, gone, stays, both[0])
    case.say(
        "merged",
        customer=gone.id,
        into=stays.id,
        available=case.merge.available,
        pending=case.merge.pending,
        actor=command.actor,
        reason=command.reason,
    )
    if gone.blocked != stays.blocked:
        case.say("merged: blocked")
    case.use_customer(msgspec.structs.replace(united(gone, stays), updated_at=case.now), changed=True)
    case.posting = Posting(_together(case, *both), case.ids, case.decision_id, case.now)
    case.posting.pay_debts()
    case.settle()
    case.announce("customer.merged", customer=stays.merchant_id, merged=gone.merchant_id, merged_id=gone.id)
    return Outcome.DONE


def obstacle(gone: Customer, stays: Customer) -> Invalid | None:
    """Why this one can't be merged into that one, if anything stands in the way.

    The one who stays has to be known to the shop at least as well as the other: whoever was a member, or had
    an id, must be found as one.
    """
    if gone.id == stays.id:
        return Invalid("into", "must be another customer")
    for field, record in (("customer", gone), ("into", stays)):
        if record.merged_into is not None:
            return Invalid(field, f"was merged into customer {record.merged_into} before")
    if gone.is_member and not stays.is_member:
        return Invalid("into", "is a guest and the other a member: the member has to stay")
    if gone.merchant_id is not None and stays.merchant_id is None:
        return Invalid("into", "has no id of the shop and the other has one: the other has to stay")
    return None


def united(gone: Customer, stays: Customer) -> Customer:
    """The one who stays, with what was known of the other alone; blocked if either was."""
    named = stays if stays.first_name or stays.last_name else gone
    return msgspec.structs.replace(
        stays,
        email=stays.email or gone.email,
        first_name=named.first_name,
        last_name=named.last_name,
        birthday=stays.birthday or gone.birthday,
        properties=gone.properties | stays.properties,
        blocked=gone.blocked or stays.blocked,
    )


def _record(case: Case, customer_id: int) -> Customer:
    record = case.page.customers.get(customer_id)
    if record is None:
        raise UnknownCustomer(customer=customer_id)
    return record


def _merge(case: Case, gone: Customer, stays: Customer, account: Account) -> Merge:
    return Merge(
        decision_id=case.decision_id,
        customer_id=gone.id,
        into_id=stays.id,
        movement_id=case.ids.movement,
        pending=account.pending,
        available=account.available,
        spent=account.spent,
        recorded_at=case.now,
    )


def _together(case: Case, gone: Account, stays: Account) -> Account:
    """Both accounts as one, before what is available pays for what is owed."""
    assert gone.loaded and stays.loaded, "a merge takes points, so all lots are on the page"
    into = stays.customer_id
    return Account(
        customer_id=into,
        pending=stays.pending + gone.pending,
        available=stays.available + gone.available,
        spent=stays.spent + gone.spent,
        updated_at=case.now,
        lots=(*stays.lots, *(msgspec.structs.replace(lot, customer_id=into) for lot in gone.lots)),
        deficits=(
            *stays.deficits,
            *(msgspec.structs.replace(hole, customer_id=into) for hole in gone.deficits),
        ),
        loaded=True,
    )
