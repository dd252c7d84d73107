"""Merging two records that are one person: what each has, who can stay, and doing it, with an entry that says
why. It can't be undone, so nobody should have to guess before."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from regulars.app import audit, people
from regulars.app.access import Acting, Who
from regulars.app.people import Profile
from regulars.domain.book import Account
from regulars.domain.commands import Identity, MergeCustomers
from regulars.domain.customers import Customer, email_key
from regulars.domain.decisions import Decision
from regulars.domain.errors import Invalid, Refused, UnknownCustomer
from regulars.domain.merging import obstacle, united
from regulars.storage import merging as storage
from regulars.storage import profiles
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading

if TYPE_CHECKING:
    from regulars.app.house import House

ACTION = "merge customers"


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would be if `gone` were merged into `stays`.

    `customer` and `account`: of the one who stays, afterwards. `joined_twice`: points for joining, where both
    were given some; they stay given. `problem`: why it can't be done. `can_turn`: whether the other may stay.
    """

    gone: Profile
    stays: Profile
    customer: Customer
    account: Account
    joined_twice: int
    problem: Invalid | None
    can_turn: bool


async def preview(
    database: Database, program_id: int, customer_id: int, into_id: int, *, now: datetime
) -> Preview:
    """Both as they are at `now` (program time), and what would become of them.

    Raises UnknownCustomer, Busy.
    """
    gone = await people.profile(database, program_id, customer_id, now=now)
    stays = await people.profile(database, program_id, into_id, now=now)
    async with reading(database) as connection:
        joined = [
            await storage.given_for_joining(connection, program_id, one) for one in (customer_id, into_id)
        ]
    accounts = gone.standing.account, stays.standing.account
    return Preview(
        gone=gone,
        stays=stays,
        customer=united(gone.standing.customer, stays.standing.customer),
        account=Account(
            customer_id=into_id,
            pending=sum(account.pending for account in accounts),
            available=sum(account.available for account in accounts),
            spent=sum(account.spent for account in accounts),
        ),
        joined_twice=sum(joined) if all(joined) else 0,
        problem=_problem(gone, stays),
        can_turn=_problem(stays, gone) is None,
    )


async def who_stays(database: Database, program_id: int, ids: Sequence[int]) -> int:
    """Which of two should stay, where nobody has said: the one the shop knows better, else the older.

    Raises UnknownCustomer, Busy.
    """
    async with reading(database) as connection:
        found = [await _customer(connection, program_id, one) for one in ids]
    return min(found, key=_rank).id


def _rank(customer: Customer) -> tuple[bool, bool, int]:
    return not customer.is_member, customer.merchant_id is None, customer.id


async def merge(
    house: "House",
    acting: Acting,
    customer_id: int,
    into_id: int,
    *,
    reason: str,
    now: datetime,
    form_key: str | None = None,
) -> Decision:
    """Merges the one into the other, in the name of staff.

    A form sent twice counts once. Raises NotAllowed, Invalid, UnknownCustomer; Busy, Late, Unsure.
    """
    command = MergeCustomers(customer_id=customer_id, into_id=into_id, actor=acting.actor, reason=reason)
    return await audit.act(
        house.database,
        house.engine,
        acting,
        command,
        permission="customers.merge",
        action=ACTION,
        subject=_subject(customer_id, into_id),
        reason=reason,
        form_key=form_key,
        now=now,
    )


async def merge_as(
    house: "House",
    program_id: int,
    by: Who,
    customer_id: int,
    into_id: int,
    *,
    actor: str,
    reason: str,
    identity: Identity | None,
    now: datetime,
) -> Decision:
    """The same for an API key, which the book knows as `actor`. The entry goes first; of the same two there
    is one. Raises as `merge` does."""
    reason = audit.needed_reason(reason)
    command = MergeCustomers(
        customer_id=customer_id, into_id=into_id, actor=actor, reason=reason, identity=identity
    )
    subject = _subject(customer_id, into_id)
    said = {"customer_id": customer_id, "into_id": into_id, "reason": reason}
    await _write(house.database, program_id, by, ACTION, subject, said, reason, now)
    try:
        return await house.engine.submit(program_id, command)
    except Refused as refused:
        why = type(refused).__name__
        await _write(house.database, program_id, by, f"{ACTION}: refused", subject, why, reason, now)
        raise


async def _write(
    database: Database,
    program_id: int,
    by: Who,
    action: str,
    subject: str,
    after: object,
    reason: str,
    now: datetime,
) -> None:
    async with reading(database) as connection, connection.transaction():
        await audit.record_as(
            connection,
            program_id,
            actor=by.actor,
            name=by.name,
            action=action,
            subject=subject,
            after=after,
            reason=reason,
            form_key=f"{action} {subject} by {by.actor}",
            now=now,
        )


async def record_named(
    database: Database, program_id: int, *, merchant_id: str | None = None, guest_email: str | None = None
) -> int:
    """Our id of the very record of this id or, without one, of the guest of this e-mail; merged or not.

    Raises UnknownCustomer, Busy.
    """
    async with reading(database) as connection:
        if merchant_id is not None:
            found = await storage.record_of(connection, program_id, merchant_id)
        else:
            found = await storage.guest_of(connection, program_id, email_key(guest_email) or "")
    if found is None:
        raise UnknownCustomer(customer=merchant_id or guest_email)
    return found


async def _customer(connection: Connection, program_id: int, customer_id: int) -> Customer:
    customer = await profiles.customer(connection, program_id, customer_id)
    if customer is None:
        raise UnknownCustomer(customer=customer_id)
    return customer


def _problem(gone: Profile, stays: Profile) -> Invalid | None:
    for field, one in (("customer", gone), ("into", stays)):
        if one.erased_at is not None:
            return Invalid(field, "was erased: there is nobody to be merged")
    return obstacle(gone.standing.customer, stays.standing.customer)


def _subject(customer_id: int, into_id: int) -> str:
    return f"customer {customer_id} into customer {into_id}"
