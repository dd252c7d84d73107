"""Who is meant, who is a guest, who joins and when; and what staff may do."""

from datetime import date

import pytest

from regulars.domain.account import MAX_ADJUSTMENT
from regulars.domain.commands import (
    Activity,
    AdjustPoints,
    PatchCustomer,
    PaymentStatus,
    SaveCustomer,
    Settle,
)
from regulars.domain.customers import email_key
from regulars.domain.decisions import Outcome
from regulars.domain.errors import (
    CustomerBlocked,
    Invalid,
    NotAMember,
    NotEnoughPoints,
    UnknownCustomer,
)
from tests import make
from tests.domain.story import Story


def signup(**changes: object) -> SaveCustomer:
    return SaveCustomer(customer=make.alice(**changes), activity=Activity(name="$signup", merchant_id="s-1"))


def by_email(email: str = "alice@example.com") -> object:
    return make.guest(email=email, guest=False, match_email=True)


def test_a_customer_with_an_id_is_enrolled_by_its_first_order() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    assert story.customer().is_member and story.balance() == (0, 29)
    assert story.do(make.worked_example("A2")).customer_is_new is False


def test_joining_gives_its_points_once_ever() -> None:
    story = Story(join=100)
    story.do(signup())
    assert story.balance() == (0, 100)
    assert story.why() == [
        "The customer became a member as of 2026-03-02 12:00 UTC.",
        "Gave 100 points for joining.",
    ]
    assert story.do(signup()).outcome is Outcome.REPEATED
    again = SaveCustomer(customer=make.alice(), activity=Activity(name="$signup", merchant_id="s-2"))
    assert story.do(again).outcome is Outcome.UNCHANGED
    story.do(make.worked_example("A1"))
    assert story.balance() == (0, 129)


def test_an_order_that_enrols_gives_the_points_for_joining_too() -> None:
    story = Story(join=100)
    story.do(make.worked_example("A1"))
    assert story.balance() == (0, 129)
    assert [activity.name for activity in story.decisions[-1].activities] == ["$signup"]


def test_a_sign_up_of_the_past_counts_from_then_and_one_of_the_future_from_now() -> None:
    for at, since in ((-30, -30), (5, 0)):
        story = Story()
        activity = Activity(name="$signup", at=make.NOON + make.days(at))
        story.do(SaveCustomer(customer=make.alice(), activity=activity))
        assert story.customer().member_since == make.NOON + make.days(since)


def test_what_the_shop_says_of_a_customer_is_kept_and_what_it_leaves_out_stays() -> None:
    story = Story()
    ref = make.alice(first_name="Alice", birthday=date(1990, 5, 1), properties={"zip": "N1", "country": "GB"})
    story.do(SaveCustomer(customer=ref))
    story.later(1)
    changed = story.do(SaveCustomer(customer=make.alice(last_name="Moss", properties={"zip": "E2"})))
    customer = story.customer()
    assert changed.outcome is Outcome.DONE and customer.updated_at == story.now
    assert (customer.first_name, customer.last_name, customer.birthday) == ("Alice", "Moss", date(1990, 5, 1))
    assert customer.properties == {"zip": "E2", "country": "GB"}
    assert story.do(SaveCustomer(customer=make.alice(last_name="Moss"))).outcome is Outcome.UNCHANGED


# -- guests


def test_a_guest_earns_nothing_and_is_known_by_e_mail() -> None:
    story = Story(join=100)
    first = story.do(make.worked_example("A1", customer=make.guest()))
    second = story.do(make.worked_example("A2", customer=make.guest(email=" Guest@Example.COM ")))
    assert first.customer is not None and second.customer is not None
    assert first.customer.id == second.customer.id and not first.customer.is_member
    assert story.order("A1").given == 0
    assert story.why()[-1] == "Gave nothing: the customer was a guest, not a member, when the order was paid."


def test_a_customer_without_an_id_or_an_e_mail_is_refused() -> None:
    story = Story()
    for ref in (make.guest(email=None), make.guest(email="  "), make.alice(merchant_id=None, email=None)):
        refusal = story.refused(make.worked_example("A1", customer=ref))
        assert isinstance(refusal, Invalid) and refusal.field == "customer"


def test_a_guest_order_under_a_members_id_is_kept_apart_from_the_member() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    apart = story.do(make.worked_example("A2", customer=make.alice(guest=True)))
    assert apart.customer is not None and apart.customer.merchant_id is None
    assert story.order("A2").customer_id != story.order("A1").customer_id
    assert story.balance() == (0, 29) and story.order("A2").given == 0
    refusal = story.refused(make.worked_example("A3", customer=make.alice(email=None, guest=True)))
    assert isinstance(refusal, Invalid)


def test_a_guest_with_an_id_of_its_own_joins_when_it_is_a_guest_no_longer() -> None:
    story = Story(join=100)
    story.do(make.worked_example("A1", customer=make.alice(guest=True)))
    assert not story.customer().is_member and story.customer().merchant_id == "alice"
    story.do(make.worked_example("A2"))
    assert story.customer().is_member and story.balance() == (0, 129)
    assert story.order("A1").customer_id == story.order("A2").customer_id


def test_the_guest_of_an_e_mail_is_adopted_by_the_id_that_comes_with_it() -> None:
    story = Story()
    guest = story.do(make.worked_example("A1", customer=make.guest(email="ALICE@example.com"))).customer
    joined = story.do(signup()).customer
    assert guest is not None and joined is not None
    assert (joined.id, joined.merchant_id) == (guest.id, "alice") and joined.is_member
    assert story.page.guest("alice@example.com") is None
    new_guest = story.do(make.worked_example("A2", customer=make.guest(email="alice@example.com"))).customer
    assert new_guest is not None and new_guest.id != joined.id


def test_an_order_of_a_guest_who_joins_before_it_is_paid_earns_and_one_paid_before_does_not() -> None:
    story = Story()
    story.do(make.worked_example("A1", customer=make.guest(email="alice@example.com")))
    unpaid = {"payment_status": PaymentStatus.NOT_PAID}
    story.do(make.worked_example("A2", customer=make.guest(email="alice@example.com"), **unpaid))
    story.do(signup())
    story.do(make.update("A2", paid=3999))
    assert (story.order("A1").given, story.order("A2").given) == (0, 29)


def test_a_sign_up_that_says_guest_enrols_nobody() -> None:
    story = Story(join=100)
    story.do(signup(guest=True))
    assert not story.customer().is_member and story.balance() == (0, 0)
    assert story.why() == ["The sign-up says that the customer is a guest, so nobody was enrolled."]


def test_without_an_id_the_oldest_member_of_that_e_mail_is_meant() -> None:
    story = Story()
    story.do(make.worked_example("G1", customer=by_email()))
    story.do(SaveCustomer(customer=make.alice(merchant_id="first", email="Alice@Example.com")))
    story.do(SaveCustomer(customer=make.alice(merchant_id="second")))
    story.do(make.worked_example("A1", customer=by_email()))
    assert story.order("A1").customer_id == story.customer("first").id
    assert story.balance("first") == (0, 29)


def test_when_the_oldest_members_e_mail_changes_the_next_oldest_is_meant() -> None:
    story = Story()
    story.do(SaveCustomer(customer=make.alice(merchant_id="first")))
    story.do(SaveCustomer(customer=make.alice(merchant_id="second")))
    story.do(SaveCustomer(customer=make.alice(merchant_id="first", email="new@example.com")))
    story.do(make.worked_example("A1", customer=by_email()))
    assert story.balance("second") == (0, 29)
    story.do(make.worked_example("A2", customer=by_email("new@example.com")))
    assert story.balance("first") == (0, 29)


def test_a_guest_checkout_with_a_members_e_mail_does_not_rename_the_member() -> None:
    story = Story()
    story.do(SaveCustomer(customer=make.alice(first_name="Alice", last_name="Ames")))
    stranger = make.alice(merchant_id=None, first_name="Mallory", match_email=True)
    story.do(make.worked_example("A1", customer=stranger))
    assert story.customer().first_name == "Alice"
    assert story.order("A1").given == 29


def test_without_an_id_or_a_member_it_is_a_guest() -> None:
    story = Story()
    story.do(make.worked_example("A1", customer=by_email()))
    assert story.order("A1").given == 0 and story.page.guest("alice@example.com") is not None


@pytest.mark.parametrize(
    ("text", "key"), [("A@B.c", "a@b.c"), ("  a@b.c\n", "a@b.c"), ("", None), ("  ", None), (None, None)]
)
def test_e_mails_are_compared_without_blanks_around_and_letter_case(
    text: str | None, key: str | None
) -> None:
    assert email_key(text) == key


# -- staff


def test_staff_give_and_take() -> None:
    story = Story()
    story.do(signup())
    story.adjust(40)
    assert story.why() == ["Bob gave 40 points: a gift"]
    taken = story.adjust(-1)
    assert story.why() == ["Bob took 1 point: a gift"]
    assert story.balance() == (0, 39) and taken.actor == "Bob"
    assert [activity.points for activity in taken.activities] == [-1]


def test_staff_take_at_most_what_is_available() -> None:
    story = Story(make.rule(approval_days=14))
    story.do(make.worked_example("A1"))
    story.adjust(10)
    for asked in (11, 39):
        refusal = story.refused(AdjustPoints(merchant_id="alice", points=-asked, reason=None, actor="Bob"))
        assert isinstance(refusal, NotEnoughPoints) and refusal.data == {"asked": asked, "left": 10}
    story.adjust(-10)
    assert story.balance() == (29, 0)


def test_in_debt_nothing_is_left_to_take() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    story.adjust(-29)
    story.cancel("A1")
    refusal = story.refused(AdjustPoints(merchant_id="alice", points=-1, reason=None, actor="Bob"))
    assert isinstance(refusal, NotEnoughPoints) and refusal.data == {"asked": 1, "left": 0}


@pytest.mark.parametrize("points", [0, MAX_ADJUSTMENT + 1, -MAX_ADJUSTMENT - 1])
def test_an_adjustment_has_limits(points: int) -> None:
    story = Story()
    story.do(signup())
    refusal = story.refused(AdjustPoints(merchant_id="alice", points=points, reason=None, actor="Bob"))
    assert isinstance(refusal, Invalid) and refusal.field == "points"


def test_an_account_has_a_limit_far_above_any_shop() -> None:
    story = Story(make.rule((1_000_000, 1)))
    huge = 10**14
    refusal = story.refused(make.order("A1", total=huge, shipping=0))
    assert isinstance(refusal, Invalid) and refusal.field == "points"
    assert not story.page.orders


def test_guests_unknown_and_blocked_customers_are_given_nothing() -> None:
    story = Story()
    story.do(signup(guest=True))
    for merchant_id, expected in (("alice", NotAMember), ("bob", UnknownCustomer)):
        refusal = story.refused(AdjustPoints(merchant_id=merchant_id, points=5, reason=None, actor="Bob"))
        assert isinstance(refusal, expected)
    assert isinstance(story.refused(Settle(customer_id=99)), UnknownCustomer)
    assert isinstance(story.refused(PatchCustomer(merchant_id="bob", blocked=True)), UnknownCustomer)


def test_who_is_blocked_earns_nothing_and_keeps_what_there_is() -> None:
    story = Story()
    story.do(make.worked_example("A1"))
    story.do(PatchCustomer(merchant_id="alice", blocked=True))
    assert story.why() == ["The customer was blocked: nothing is earned from now on."]
    story.do(make.worked_example("A2"))
    assert story.why()[-1] == "Gave nothing: the customer was blocked when the order was paid."
    refusal = story.refused(AdjustPoints(merchant_id="alice", points=5, reason=None, actor="Bob"))
    assert isinstance(refusal, CustomerBlocked) and story.balance() == (0, 29)
    story.adjust(-9)
    story.do(make.update("A1", paid=3999, cancelled=True))
    story.do(make.update("A1", paid=3999))
    assert story.balance() == (0, 20)
    story.do(PatchCustomer(merchant_id="alice", blocked=False))
    story.do(make.worked_example("A3"))
    assert story.balance() == (0, 49) and story.order("A2").given == 0


def test_a_blocked_guest_who_joins_is_given_nothing_for_it() -> None:
    story = Story(join=100)
    story.do(signup(guest=True))
    story.do(PatchCustomer(merchant_id="alice", blocked=True))
    story.do(SaveCustomer(customer=make.alice()))
    assert story.customer().is_member and story.balance() == (0, 0)
    assert story.why()[-1] == "Gave nothing for joining: the customer is blocked."


def test_a_patch_that_changes_nothing_is_nothing() -> None:
    story = Story()
    story.do(signup())
    birthday = PatchCustomer(merchant_id="alice", birthday=date(1990, 5, 1))
    assert story.do(birthday).outcome is Outcome.DONE
    assert story.do(birthday).outcome is Outcome.UNCHANGED
    assert story.do(PatchCustomer(merchant_id="alice", blocked=False)).outcome is Outcome.UNCHANGED
