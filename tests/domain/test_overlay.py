"""A page that is brought up to date knows no less than it must: what it does not know is a fresh read's."""

from regulars.domain.overlay import can_be_followed, can_follow
from regulars.domain.page import Page
from tests import make

TREATED = {
    "program", "ids", "rules", "customers", "accounts", "orders", "identities", "activities",
    "_by_merchant_id", "_guests", "_members",
}  # fmt: skip
"""What `bring_up_to_date` carries over."""
REFUSED = {
    "takings", "early", "refund_amounts", "stocks", "free_codes", "claims", "claims_by_code", "claim_times",
    "redemptions",
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
