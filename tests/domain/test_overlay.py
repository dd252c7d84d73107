"""A page that is brought up to date knows no less than it must: what it does not know is a fresh read's."""

from regulars.domain.commands import Command, CustomerRef, SaveCustomer
from regulars.domain.decide import decide
from regulars.domain.overlay import bring_up_to_date, can_be_followed, can_follow
from regulars.domain.page import Page, needs
from tests import make

TREATED = {
    "program", "ids", "rules", "customers", "accounts", "orders", "identities", "activities",
    "_by_merchant_id", "_guests", "_members",
}  # fmt: skip
"""What `bring_up_to_date` carries over."""
REFUSED = {
    "takings", "early", "refund_amounts", "stocks", "free_codes", "claims", "claims_by_code", "claim_times",
    "redemptions", "erased",
}  # fmt: skip
"""What is never carried over: whatever would need it is decided on a fresh read."""


def test_whatever_is_new_on_a_page_has_to_be_thought_of_here() -> None:
    assert set(vars(make.page())) == TREATED | REFUSED


def test_commands_that_nobody_thought_of_are_not_decided_ahead() -> None:
    assert can_follow([make.order("A1"), make.update("A1", paid=0)])
    assert not can_follow([make.order("A1"), make.redeem()])


def test_a_page_with_claimed_rewards_is_not_followed() -> None:
    page: Page = make.page()
    assert can_be_followed(page, [])
    page.claims[1] = object()  # type: ignore[assignment]
    assert not can_be_followed(page, [])


def test_a_page_is_handed_on_without_whom_nobody_asks_for() -> None:
    """A thousand batches may follow one another: the last one's page is no larger than the first's."""
    before = decided(
        [make.order(f"A{number}", customer=make.alice(merchant_id=f"c{number}")) for number in range(3)]
    )
    wanted = [make.order("B1", customer=make.alice(merchant_id="c1"))]
    page = make.page()
    assert bring_up_to_date(page, needs(page.program, wanted), before, make.NOON)
    assert [customer.merchant_id for customer in page.customers.values()] == ["c1"]
    assert page.accounts.keys() == page.customers.keys()


def test_whoever_is_wanted_in_any_way_is_handed_on() -> None:
    before = decided(
        [
            make.order("A1", customer=make.alice(merchant_id="c1")),
            make.order("A2", customer=make.guest(email="guest@mail.example")),
            SaveCustomer(customer=make.alice(merchant_id="c3", email="member@mail.example")),
        ]
    )
    page = make.page()
    by_order = make.update("A1", paid=0)
    by_email = make.order("B2", customer=make.guest(email="guest@mail.example"))
    by_match = make.order(
        "B3", customer=CustomerRef(merchant_id=None, email="member@mail.example", match_email=True)
    )
    wanted = needs(page.program, [by_email, by_match])
    wanted.orders |= needs(page.program, [by_order]).orders
    assert bring_up_to_date(page, wanted, before, make.NOON)
    assert page.customers == before.customers


def decided(commands: list[Command]) -> Page:
    page = make.page()
    for command in commands:
        page.apply(decide(page, command, make.NOON))
    return page
