"""Two records turn out to be one person: every point, order and reward belongs to the one who stays."""

import pytest

from regulars.domain.book import Account
from regulars.domain.commands import (
    CancelClaim,
    CustomerRef,
    EraseCustomer,
    Identity,
    MergeCustomers,
    PatchCustomer,
    SaveCustomer,
    Settle,
)
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Invalid, LimitReached, UnknownClaim, UnknownCustomer
from regulars.domain.rewards import ClaimState
from tests import make
from tests.domain.story import Story

BOB = CustomerRef(merchant_id="bob", email="bob@example.com")


def merge(story: Story, gone: str = "bob", into: str = "alice") -> Decision:
    return story.do(command(story, gone, into))


def command(story: Story, gone: str, into: str, **changes: object) -> MergeCustomers:
    records = story.page.record(gone), story.page.record(into)
    assert records[0] is not None and records[1] is not None
    return MergeCustomers(
        customer_id=records[0].id, into_id=records[1].id, actor="Eve", reason="one person", **changes
    )


def two(*, approval_days: int = 0, **program: object) -> Story:
    """Alice and Bob, each with an order of 39 points, Bob's a day later."""
    story = Story(make.rule(approval_days=approval_days), **program)
    story.do(make.order("A1"))
    story.later(1)
    story.do(make.order("B1", customer=BOB))
    return story


def test_the_points_of_both_are_the_one_s_who_stays() -> None:
    story = two()
    decision = merge(story)
    assert decision.outcome is Outcome.DONE and not decision.movements
    assert story.balance("alice") == (0, 78)
    assert story.lots("alice") == [39, 39]
    (said,) = story.why()
    assert said == (
        "Eve merged customer 2 into customer 1: 39 points available and 0 points pending came along, with "
        "all orders and rewards. It can't be undone. Reason: one person"
    )


def test_what_is_left_is_a_shell_that_names_who_stays() -> None:
    story = two()
    merge(story)
    shell = story.page.record("bob")
    assert shell is not None and shell.merged_into == story.customer("alice").id
    account = story.page.accounts[shell.id]
    assert account == Account(customer_id=shell.id, updated_at=story.now, loaded=True)


def test_pending_points_keep_their_own_dates() -> None:
    story = two(approval_days=14)
    dates = {lot.id: lot.approves_at for name in ("alice", "bob") for lot in story.account(name).lots}
    merge(story)
    assert {lot.id: lot.approves_at for lot in story.account("alice").lots} == dates
    story.later(13)
    story.settle("alice")
    assert story.balance("alice") == (39, 39)
    story.later(1)
    story.settle("alice")
    assert story.balance("alice") == (0, 78)


def test_what_is_due_is_approved_with_the_merge_for_the_one_who_stays() -> None:
    story = two(approval_days=14)
    story.later(20)
    decision = merge(story)
    assert {movement.customer_id for movement in decision.movements} == {story.customer("alice").id}
    assert story.balance("alice") == (0, 78)


def test_an_old_id_earns_for_the_one_who_stays() -> None:
    story = two()
    merge(story)
    story.do(make.order("B2", customer=BOB))
    assert story.order("B2").customer_id == story.customer("alice").id
    assert story.balance("alice") == (0, 117)


def test_a_refund_of_an_old_order_takes_from_the_one_who_stays() -> None:
    story = two()
    merge(story)
    story.do(make.refund("B1", 4999))
    assert story.balance("alice") == (0, 39)
    assert story.lots("alice") == [39, 0], "its own lot pays first"


def test_what_was_taken_before_is_put_back_where_it_came_from() -> None:
    story = two()
    story.cancel("B1")
    merge(story)
    story.do(make.update("B1", paid=4999))
    assert story.balance("alice") == (0, 78)
    assert story.lots("alice") == [39, 39]


def test_an_old_id_spends_the_points_of_the_one_who_stays() -> None:
    story = two(rewards=(make.reward(cost=70),))
    merge(story)
    claim = story.redeem("bob")
    assert claim.customer_id == story.customer("alice").id
    assert story.balance("alice") == (0, 8)


def test_points_spent_before_come_back_to_the_one_who_stays() -> None:
    story = two(rewards=(make.reward(),))
    claim = story.redeem("bob")
    merge(story)
    assert story.balance("alice") == (0, 58)
    assert story.account("alice").spent == 20
    story.do(CancelClaim(claim_id=claim.id, merchant_id="bob", actor="Bob"))
    assert story.balance("alice") == (0, 78)
    assert story.claim(claim).customer_id == story.customer("alice").id
    assert story.claim(claim).state is ClaimState.CANCELLED


def test_a_claim_is_still_nobody_else_s() -> None:
    story = two(rewards=(make.reward(),))
    story.do(make.order("C1", customer=CustomerRef(merchant_id="carol", email="carol@example.com")))
    claim = story.redeem("carol")
    merge(story)
    with pytest.raises(UnknownClaim):
        story.do(CancelClaim(claim_id=claim.id, merchant_id="bob", actor="Bob"))


def test_limits_count_what_both_have_claimed() -> None:
    story = two(rewards=(make.reward(cost=10, limit_count=2),))
    story.redeem("alice")
    story.redeem("bob")
    merge(story)
    assert isinstance(story.refused(make.redeem("alice")), LimitReached)
    assert isinstance(story.refused(make.redeem("bob")), LimitReached)


def test_what_one_owes_the_points_of_the_other_pay() -> None:
    story = two(rewards=(make.reward(cost=30),))
    story.redeem("bob")
    story.cancel("B1")
    assert story.balance("bob") == (0, -30)
    merge(story)
    assert story.balance("alice") == (0, 9)
    assert story.lots("alice") == [9, 0] and story.debts("alice") == []


def test_two_who_owe_owe_together() -> None:
    story = two(rewards=(make.reward(cost=30),))
    for name, number in (("alice", "A1"), ("bob", "B1")):
        story.redeem(name)
        story.cancel(number)
    merge(story)
    assert story.balance("alice") == (0, -60)
    assert story.debts("alice") == [30, 30]
    story.do(make.order("A2"))
    assert story.balance("alice") == (0, -21)
    assert story.debts("alice") == [21], "the oldest hole is filled first"


def test_a_debt_that_was_paid_by_the_other_s_points_is_forgiven_into_them() -> None:
    """The taking that made the debt is undone: what paid it comes back to the lot that it came from."""
    story = two(rewards=(make.reward(cost=30),))
    story.redeem("bob")
    story.cancel("B1")
    merge(story)
    story.do(make.update("B1", paid=4999))
    assert story.balance("alice") == (0, 48)
    assert story.lots("alice") == [39, 9]


def test_joining_points_given_twice_stay_given_and_are_not_given_again() -> None:
    story = two(join=5)
    merge(story)
    assert story.balance("alice") == (0, 88)
    story.do(SaveCustomer(customer=BOB))
    assert story.balance("alice") == (0, 88)


def test_a_chain_ends_with_the_last() -> None:
    story = two()
    story.do(make.order("C1", customer=CustomerRef(merchant_id="carol", email="carol@example.com")))
    merge(story, "bob", "alice")
    merge(story, "alice", "carol")
    assert story.customer("bob") is story.customer("alice") is story.customer("carol")
    assert story.balance("carol") == (0, 117)
    assert story.page.record("bob").merged_into == story.customer("carol").id  # type: ignore[union-attr]
    story.do(make.refund("B1", 4999))
    assert story.balance("bob") == (0, 78)


def test_one_who_was_merged_can_t_be_merged_elsewhere_or_merged_into() -> None:
    story = two()
    story.do(make.order("C1", customer=CustomerRef(merchant_id="carol", email="carol@example.com")))
    merge(story)
    assert refusal(story, "bob", "carol") == ("customer", "was merged into customer 1 before")
    assert refusal(story, "carol", "bob") == ("into", "was merged into customer 1 before")
    assert merge(story).outcome is Outcome.UNCHANGED


def test_the_same_call_twice_is_answered_as_the_first_time() -> None:
    story = two()
    identity = Identity("audit", "7", b"x" * 16, story.now)
    wanted = command(story, "bob", "alice", identity=identity)
    first = story.do(wanted)
    second = story.do(wanted)
    assert (second.outcome, second.repeats) == (Outcome.REPEATED, first.id)
    assert story.balance("alice") == (0, 78)


def test_nobody_is_merged_into_themselves_or_with_nobody() -> None:
    story = two()
    assert refusal(story, "bob", "bob") == ("into", "must be another customer")
    unknown = MergeCustomers(customer_id=99, into_id=1, actor="Eve")
    assert isinstance(story.refused(unknown), UnknownCustomer)


def test_a_member_stays_rather_than_a_guest_and_an_id_rather_than_none() -> None:
    story = two()
    story.do(make.order("G1", customer=make.guest()))
    story.do(make.order("G2", customer=CustomerRef(merchant_id="gus", email="gus@example.com", guest=True)))
    for gone, into, problem in (
        ("bob", "gus", "is a guest and the other a member: the member has to stay"),
        ("gus", None, "has no id of the shop and the other has one: the other has to stay"),
    ):
        stays = story.page.record(into) if into else story.page.guest_record("guest@example.com")
        goes = story.page.record(gone)
        assert stays is not None and goes is not None
        refused = story.refused(MergeCustomers(customer_id=goes.id, into_id=stays.id, actor="Eve"))
        assert isinstance(refused, Invalid) and refused.problem == problem


def test_one_who_was_erased_is_not_merged() -> None:
    story = two()
    bob = story.customer("bob")
    story.do(EraseCustomer(customer_id=bob.id, replacement="erased-1", actor="Eve"))
    story.page.erased = {bob.id}
    refused = story.refused(MergeCustomers(customer_id=bob.id, into_id=1, actor="Eve"))
    assert isinstance(refused, Invalid) and refused.field == "customer"


def test_a_blocked_one_leaves_the_one_who_stays_blocked() -> None:
    story = two()
    story.do(PatchCustomer(merchant_id="bob", blocked=True))
    merge(story)
    assert story.customer("alice").blocked
    assert story.why()[-1] == "One of the two was blocked, so the one who stays is."
    story.do(make.order("B2", customer=BOB))
    assert story.balance("alice") == (0, 78)


def test_what_was_known_of_the_other_alone_fills_the_gaps() -> None:
    story = two()
    story.do(SaveCustomer(customer=make.alice(properties={"shoe": "38"})))
    story.do(SaveCustomer(customer=CustomerRef(merchant_id="bob", first_name="Alice", last_name="Doe",
                                               properties={"shoe": "40", "tea": "green"})))  # fmt: skip
    merge(story)
    alice = story.customer("alice")
    assert (alice.email, alice.first_name, alice.last_name) == ("alice@example.com", "Alice", "Doe")
    assert alice.properties == {"shoe": "38", "tea": "green"}


def test_what_the_shop_still_says_of_the_other_changes_nothing_of_the_one_who_stays() -> None:
    story = two()
    merge(story)
    story.do(SaveCustomer(customer=CustomerRef(merchant_id="bob", email="new@example.com", first_name="Bob")))
    assert story.customer("alice").email == "alice@example.com"
    assert story.customer("alice").first_name is None


def test_a_guest_s_later_orders_earn_for_the_member() -> None:
    story = Story()
    story.do(make.order("A1"))
    story.do(make.order("G1", customer=make.guest()))
    guest = story.page.guest_record("guest@example.com")
    assert guest is not None and story.order("G1").given == 0
    story.do(MergeCustomers(customer_id=guest.id, into_id=story.customer().id, actor="Eve"))
    story.do(make.order("G2", customer=make.guest()))
    assert story.order("G2").customer_id == story.customer().id
    assert story.balance() == (0, 78), "the guest's first order gave nothing, and still does not"


def test_a_new_id_with_the_e_mail_of_a_merged_guest_is_somebody_new() -> None:
    story = Story()
    story.do(make.order("A1"))
    story.do(make.order("G1", customer=make.guest()))
    guest = story.page.guest_record("guest@example.com")
    assert guest is not None
    story.do(MergeCustomers(customer_id=guest.id, into_id=story.customer().id, actor="Eve"))
    story.do(make.order("N1", customer=CustomerRef(merchant_id="new", email="guest@example.com")))
    assert story.customer("new") is not story.customer("alice")
    assert story.balance("new") == (0, 39)


def test_two_guests_in_one_become_known_by_the_id_that_either_e_mail_brings() -> None:
    story = Story()
    story.do(make.order("G1", customer=make.guest()))
    story.do(make.order("G2", customer=make.guest(email="other@example.com")))
    gone, stays = (story.page.guest_record(f"{name}@example.com") for name in ("guest", "other"))
    assert gone is not None and stays is not None
    story.do(MergeCustomers(customer_id=gone.id, into_id=stays.id, actor="Eve"))
    story.do(make.order("N1", customer=CustomerRef(merchant_id="new", email="guest@example.com")))
    assert story.customer("new").id == stays.id
    assert story.customer("new").email == "other@example.com"


def test_a_guest_order_under_a_merged_guest_s_id_is_the_one_s_who_stays() -> None:
    story = two()
    gus = CustomerRef(merchant_id="gus", email="gus@example.com", guest=True)
    story.do(make.order("G1", customer=gus))
    merge(story, "gus", "alice")
    story.do(make.order("G2", customer=gus))
    assert story.order("G2").customer_id == story.customer("alice").id


def test_an_order_told_again_by_the_old_id_is_a_repeat() -> None:
    story = two()
    order = make.order("B2", customer=BOB, first_wins=True)
    story.do(order)
    merge(story)
    assert story.do(order).outcome is Outcome.REPEATED
    story.do(make.order("B2", customer=BOB, first_wins=True, merchant_number="7"))
    assert story.decisions[-1].trace[0].facts["fields"] == ["merchant_number"]


def test_settling_a_shell_does_nothing() -> None:
    story = two(approval_days=14)
    merge(story)
    story.later(30)
    shell = story.page.record("bob")
    assert shell is not None
    assert story.do(Settle(customer_id=shell.id)).outcome is Outcome.UNCHANGED
    assert story.balance("alice") == (78, 0)


def test_an_erased_shell_still_names_who_stays() -> None:
    story = two()
    merge(story)
    shell = story.page.record("bob")
    assert shell is not None
    story.do(EraseCustomer(customer_id=shell.id, replacement="erased-1", actor="Eve"))
    assert story.page.record("bob") is None
    erased = story.page.customers[shell.id]
    assert erased.merged_into == story.customer("alice").id and erased.email is None


def refusal(story: Story, gone: str, into: str) -> tuple[str, str]:
    refused = story.refused(command(story, gone, into))
    assert isinstance(refused, Invalid)
    return refused.field, refused.problem
