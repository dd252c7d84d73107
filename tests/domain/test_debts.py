"""Points that are owed: what a refund takes beyond all lots, and how later points pay it."""

from tests import make
from tests.domain.story import Story


def in_debt(points: int, *, story: Story | None = None) -> Story:
    """Alice spent all 29 points of her order A1, of which a refund then takes so many."""
    story = story or Story()
    story.do(make.worked_example("A1"))
    story.adjust(-29)
    story.do(make.refund("A1", -(-points * 3999 // 29)))
    assert story.balance() == (0, -points)
    return story


def test_what_is_taken_beyond_all_lots_is_owed() -> None:
    story = in_debt(11)
    assert story.lots() == [0] and story.debts() == [11]


def test_the_next_points_pay_the_debt_first() -> None:
    story = in_debt(11)
    story.do(make.order("A2", total=500, shipping=0))
    assert (story.balance(), story.lots(), story.debts()) == ((0, -6), [0, 0], [6])
    story.adjust(20)
    assert (story.balance(), story.lots(), story.debts()) == ((0, 14), [0, 0, 14], [])


def test_the_oldest_debt_is_paid_first() -> None:
    story = in_debt(11)
    story.do(make.refund("A1", 2399))
    assert story.debts() == [11, 17]
    story.adjust(15)
    assert story.debts() == [13]


def test_pending_points_pay_no_debt_before_they_are_approved() -> None:
    story = in_debt(11, story=Story(make.rule()))
    story.change(make.rule(approval_days=14))
    story.do(make.order("A2", total=2000, shipping=0))
    assert story.balance() == (20, -11)
    story.later(14)
    story.settle()
    assert (story.balance(), story.lots(), story.debts()) == ((0, 9), [0, 9], [])


def test_undoing_a_taking_forgives_what_is_still_owed_and_puts_back_what_was_paid() -> None:
    story = in_debt(29)
    story.adjust(10)
    assert (story.balance(), story.lots(), story.debts()) == ((0, -19), [0, 0], [19])
    story.do(make.update("A1", paid=3999))
    assert (story.balance(), story.lots(), story.debts()) == ((0, 10), [0, 10], [])


def test_points_that_pay_a_debt_and_are_put_back_in_the_same_decision_are_not_lost() -> None:
    story = in_debt(29)
    story.change(make.rule(approval_days=14))
    story.do(make.order("A2", total=2000, shipping=0))
    story.later(14)
    story.do(make.update("A1", paid=3999))  # settles A2 first, whose points pay A1's debt, and then undoes it
    assert (story.balance(), story.lots(), story.debts()) == ((0, 20), [0, 20], [])


def test_two_takings_undone_at_once_put_back_what_paid_for_each() -> None:
    story = Story()
    story.do(make.order("A1", total=3000, shipping=0))
    story.adjust(-30)
    story.do(make.refund("A1", 1000))
    story.adjust(25)
    story.do(make.refund("A1", 1500))
    assert (story.balance(), story.lots(), story.debts()) == ((0, 0), [0, 0], [])
    story.do(make.update("A1", paid=3000))
    assert (story.balance(), story.lots(), story.debts()) == ((0, 25), [0, 25], [])
