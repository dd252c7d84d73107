"""The page that a batch leaves behind, for the next batch, before anything of it is stored.

What the next batch needs is read as it stood when the batch began, and brought up to date from the page of
that batch. Where that is not certain to give what a fresh read would, it says so, and the caller reads anew.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from regulars.domain.book import Account
from regulars.domain.commands import (
    AdjustPoints,
    CancelOrder,
    Command,
    PatchCustomer,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    SaveCustomer,
    Settle,
    UpdateOrder,
)
from regulars.domain.customers import Customer, email_key
from regulars.domain.decisions import Decision
from regulars.domain.page import Needs, Page

FOLLOWED: Final = frozenset(
    {
        AdjustPoints,
        CancelOrder,
        PatchCustomer,
        RecordOrder,
        RecordPayment,
        RecordRefund,
        SaveCustomer,
        Settle,
        UpdateOrder,
    }
)
"""The commands of which it is known what they read and change. Any other is decided on a fresh read."""
_FOLLOWED_NAMES: Final = frozenset(kind.__name__ for kind in FOLLOWED)


def wants_lots(account: Account, now: datetime) -> bool:
    """Whether whatever is decided on this account needs its lots: some are due, or it is below zero."""
    return account.available < 0 or (account.next_due_at is not None and account.next_due_at <= now)


def can_follow(commands: Iterable[Command]) -> bool:
    """Whether these commands may be decided on a page that was brought up to date."""
    return all(type(command) in FOLLOWED for command in commands)


def can_be_followed(page: Page, decisions: Iterable[Decision]) -> bool:
    """Whether the next batch may be decided on what these decisions left on their page.

    Not where a known customer was changed, as the next in line for an e-mail address may be on no page; nor
    where reports wait for their order, or claimed rewards are concerned.
    """
    return not page.claims and all(
        decision.kind in _FOLLOWED_NAMES
        and (not decision.customer_changed or decision.customer_is_new)
        and not (decision.early or decision.early_done or decision.claims)
        for decision in decisions
    )


def bring_up_to_date(page: Page, wanted: Needs, before: Page, now: datetime) -> bool:
    """Makes of a page that was read when the batch of `before` began what a read after it would give.

    `before` is that batch's page, all its decisions applied. False: it can't, and the page is of no use.
    """
    if page.claims:
        return False
    if wanted.takes_points:
        # Taking points needs every lot and earlier taking of an account, which `before` may not know.
        return _is_apart(page, wanted, before)
    for key in wanted.orders & before.orders.keys():
        page.orders[key] = before.orders[key]
    for customer in _wanted_customers(page, wanted, before):
        if customer.id not in page.customers:
            page.add_customer(customer)
    for customer_id in page.customers.keys() & before.accounts.keys():
        account = before.accounts[customer_id]
        if not wants_lots(account, now):
            page.accounts[customer_id] = msgspec.structs.replace(account, lots=(), deficits=(), loaded=False)
        elif account.loaded:
            still_open = tuple(lot for lot in account.lots if lot.remaining)
            page.accounts[customer_id] = msgspec.structs.replace(account, lots=still_open)
        else:
            return False
    _remember(page, wanted, before)
    return True


def _wanted_customers(page: Page, wanted: Needs, before: Page) -> Iterator[Customer]:
    """Of the customers whom `before` knows, those who are wanted. To take all would be right, too, but each
    page would hand on what it was handed, and grow for as long as there is always a next batch."""
    ids = wanted.customer_ids | {order.customer_id for order in page.orders.values()}
    yield from (before.customers[known] for known in ids & before.customers.keys())
    found = [before.customer(merchant_id) for merchant_id in wanted.merchant_ids]
    found += [before.guest(key) for key in wanted.guest_keys]
    found += [before.guest(key) for _, key in wanted.guests]
    yield from (customer for customer in found if customer is not None)
    if wanted.member_keys:
        for customer in before.customers.values():
            if customer.is_member and email_key(customer.email) in wanted.member_keys:
                yield customer


def _is_apart(page: Page, wanted: Needs, before: Page) -> bool:
    """Whether the earlier batch had nothing to do with anything that is wanted; then only ids went on."""
    page.ids = before.ids
    return (
        page.accounts.keys().isdisjoint(before.accounts)
        and wanted.orders.isdisjoint(before.orders)
        and wanted.customer_ids.isdisjoint(before.customers)
        and wanted.identities.isdisjoint(before.identities)
        and wanted.activities.isdisjoint(before.activities)
        and all(before.customer(merchant_id) is None for merchant_id in wanted.merchant_ids)
        and all(before.oldest_member(key) is None for key in wanted.member_keys)
        and all(before.guest(key) is None for key in wanted.guest_keys | {key for _, key in wanted.guests})
    )


def _remember(page: Page, wanted: Needs, before: Page) -> None:
    page.ids = before.ids
    for identity in wanted.identities & before.identities.keys():
        page.identities[identity] = before.identities[identity]
    for activity in wanted.activities & before.activities.keys():
        page.activities[activity] = before.activities[activity]
