"""Staff apply a logged call after all: once, with their name, and nothing that was done already."""

import pytest

from regulars.app.deliveries import UnknownDelivery
from regulars.domain.decisions import Outcome
from regulars.doors.lootly.applying import NotApplicable, apply
from tests.doors.lootly.conftest import Shop, order, refund


async def apply_last(shop: Shop) -> Outcome:
    delivery = await shop.last()
    decision = await apply(shop.house, shop.keys.program_id, delivery.delivery_id, actor="Bob")
    return decision.outcome


async def test_an_order_re_sent_with_other_money_counts_once_it_is_applied(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("orders-completed", order(total_price="59.99", subtotal_price="49.99"))
    assert (await shop.last()).outcome == Outcome.DIFFERS
    assert await shop.points("alice") == 29
    assert await apply_last(shop) is Outcome.DONE
    assert await shop.points("alice") == 49
    row = await shop.last()
    assert row.outcome == "applied"
    assert not row.problem
    assert row.message is not None
    assert row.message.startswith("Bob applied it after all. Bob applied the order's later content")


async def test_a_refund_taken_for_a_re_delivery_counts_once_it_is_applied(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("15.99"))
    await shop.call("refunds-create", refund("15.99"))
    assert (await shop.last()).outcome == Outcome.REPEATED
    assert await shop.points("alice") == 18
    delivery = await shop.last()
    assert await apply_last(shop) is Outcome.DONE
    assert await shop.points("alice") == 6
    with pytest.raises(NotApplicable):
        await apply(shop.house, shop.keys.program_id, delivery.delivery_id, actor="Bob")
    assert await shop.points("alice") == 6


async def test_a_refused_call_can_be_tried_again_when_nothing_stands_in_its_way(shop: Shop) -> None:
    await shop.call("points-subtract", {"customer_id": "alice", "point_value": 10})
    assert (await shop.last()).outcome == Outcome.REFUSED
    refused = await shop.last()
    await shop.call("orders-completed", order())
    await apply(shop.house, shop.keys.program_id, refused.delivery_id, actor="Bob")
    assert await shop.points("alice") == 19


async def test_what_was_done_or_is_unknown_cannot_be_applied(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    with pytest.raises(NotApplicable):
        await apply_last(shop)
    with pytest.raises(UnknownDelivery):
        await apply(shop.house, shop.keys.program_id, 4711, actor="Bob")
