"""A shop re-sends an order with other content, and staff apply it: the points follow, to the last one."""

import pytest

from regulars.domain.commands import AmendOrder, RecordOrder
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Invalid, UnknownOrder
from tests import make
from tests.domain.story import Story


def amended(order: RecordOrder) -> AmendOrder:
    return AmendOrder(order=order, actor="Bob")


def test_the_points_are_those_of_the_new_money() -> None:
    story = Story()
    story.do(make.order("A", total=3000, shipping=0))
    assert story.balance() == (0, 30)
    story.do(amended(make.order("A", total=4500, shipping=500)))
    assert story.balance() == (0, 40)
    story.do(amended(make.order("A", total=1000, shipping=0)))
    assert story.balance() == (0, 10)
    assert story.ask(amended(make.order("A", total=1000, shipping=0))).outcome is Outcome.UNCHANGED


def test_refunds_count_on_in_the_new_money_and_can_be_undone() -> None:
    story = Story()
    story.do(make.order("A", total=3000, shipping=0))
    story.do(make.refund("A", 1000))
    assert story.balance() == (0, 20)
    story.do(amended(make.order("A", total=4000, shipping=0)))
    assert story.balance() == (0, 30)
    story.do(make.update("A", paid=4000))
    assert story.balance() == (0, 40)
    story.cancel("A")
    assert story.balance() == (0, 0)
    story.do(make.update("A", paid=4000))
    assert story.balance() == (0, 40)


def test_a_cancelled_order_stays_cancelled_and_gives_the_new_points_when_it_is_revived() -> None:
    story = Story()
    story.do(make.order("A", total=3000, shipping=0))
    story.cancel("A")
    story.do(amended(make.order("A", total=5000, shipping=0)))
    assert story.balance() == (0, 0)
    story.do(make.update("A", paid=5000))
    assert story.balance() == (0, 50)


def test_points_that_were_spent_leave_a_debt_that_the_new_points_pay() -> None:
    story = Story()
    story.do(make.order("A", total=3000, shipping=0))
    story.adjust(-30)
    story.do(amended(make.order("A", total=1000, shipping=0)))
    assert story.balance() == (0, -20)


def test_an_unknown_order_and_another_currency_are_refused() -> None:
    story = Story()
    assert isinstance(story.refused(amended(make.order("A"))), UnknownOrder)
    story.do(make.order("A"))
    with pytest.raises(Invalid):
        story.do(amended(make.order("A", currency="EUR")))
