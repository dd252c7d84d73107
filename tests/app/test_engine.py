"""The engine on a real database: one lane, many callers, one exact book."""

import asyncio
from typing import Any

import pytest

from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.domain.commands import AdjustPoints, CancelOrder, Identity
from regulars.domain.decisions import Outcome
from regulars.domain.errors import IdentityReused, NotEnoughPoints, OrderDiffers
from tests import make
from tests.app.conftest import balance


async def open_shop(house: House, **changes: Any) -> int:
    created = await create_program(
        house.database,
        house.vault,
        **(
            {"name": "Tea Circle", "domain": "https://tea.example", "currency": "GBP", "now": make.NOON}
            | changes
        ),
    )
    return created.program_id


async def test_an_order_becomes_points_and_its_refunds_take_them(house: House) -> None:
    shop = await open_shop(house)
    decision = await house.engine.submit(shop, make.worked_example("A1"))
    assert decision.outcome is Outcome.DONE
    assert await balance(house) == (0, 29)
    await house.engine.submit(shop, make.refund("A1", 1599))
    assert await balance(house) == (0, 18)
    await house.engine.submit(shop, make.update("A1", paid=3999))
    assert await balance(house) == (0, 29)
    await house.engine.submit(shop, make.refund("A1", 1599))
    await house.engine.submit(shop, make.refund("A1", 2400))
    assert await balance(house) == (0, 0)


async def test_two_hundred_orders_at_once_share_few_commits_and_all_count(house: House) -> None:
    shop = await open_shop(house)
    orders = [make.order(f"N{number}", total=1000, shipping=0) for number in range(200)]
    decisions = await asyncio.gather(*(house.engine.submit(shop, order) for order in orders))
    assert {decision.outcome for decision in decisions} == {Outcome.DONE}
    assert await balance(house) == (0, 2000)
    async with house.database.acquire() as connection:
        assert await connection.fetchval("select count(distinct xmin::text) from orders") <= 3


async def test_an_order_its_refund_and_its_cancel_in_one_batch_follow_each_other(house: House) -> None:
    shop = await open_shop(house)
    answers = await asyncio.gather(
        house.engine.submit(shop, make.worked_example("B1")),
        house.engine.submit(shop, make.refund("B1", 1599, reference="R1")),
        house.engine.submit(shop, make.refund("B1", 1599, reference="R1")),
        house.engine.submit(shop, CancelOrder(site_id=1, merchant_id="B1")),
        house.engine.submit(shop, make.update("B1", paid=3999, refunded=1599)),
    )
    assert [answer.outcome for answer in answers] == ["done", "done", "repeated", "done", "done"]
    assert await balance(house) == (0, 18)


async def test_the_same_order_again_changes_nothing_and_another_content_is_refused(house: House) -> None:
    shop = await open_shop(house)
    await house.engine.submit(shop, make.order("C1"))
    assert (await house.engine.submit(shop, make.order("C1"))).outcome is Outcome.REPEATED
    with pytest.raises(OrderDiffers) as refusal:
        await house.engine.submit(shop, make.order("C1", total=5000))
    assert set(refusal.value.data["fields"]) == {"total_minor", "goods_minor"}
    assert await balance(house) == (0, 39)


async def test_a_refusal_does_not_spoil_its_neighbours(house: House) -> None:
    shop = await open_shop(house)
    await house.engine.submit(shop, make.order("D1"))
    too_many = AdjustPoints(merchant_id="alice", points=-40, reason=None, actor="Bob")
    fits = AdjustPoints(merchant_id="alice", points=-39, reason="spent in the shop", actor="Bob")
    refused, done = await asyncio.gather(
        house.engine.submit(shop, too_many), house.engine.submit(shop, fits), return_exceptions=True
    )
    assert isinstance(refused, NotEnoughPoints) and refused.data == {"asked": 40, "left": 39}
    assert not isinstance(done, BaseException) and await balance(house) == (0, 0)


async def test_an_idempotency_key_is_answered_as_the_first_time(house: House) -> None:
    shop = await open_shop(house)
    await house.engine.submit(shop, make.order("E1"))

    def give(points: int, fingerprint: bytes = b"f" * 16) -> AdjustPoints:
        identity = Identity(scope="idem:1", key="gift-7", fingerprint=fingerprint, at=make.NOON)
        return AdjustPoints(merchant_id="alice", points=points, reason="gift", actor="Bob", identity=identity)

    assert (await house.engine.submit(shop, give(10))).outcome is Outcome.DONE
    assert (await house.engine.submit(shop, give(10))).outcome is Outcome.REPEATED
    with pytest.raises(IdentityReused):
        await house.engine.submit(shop, give(11, b"g" * 16))
    assert await balance(house) == (0, 49)


async def test_a_refund_that_comes_first_waits_for_its_order(house: House) -> None:
    shop = await open_shop(house)
    early = make.refund("F1", 1599, lenient=True)
    assert (await house.engine.submit(shop, early)).outcome is Outcome.WAITING
    await house.engine.submit(shop, make.worked_example("F1"))
    assert await balance(house) == (0, 18)


async def test_points_beyond_all_lots_are_owed_and_later_ones_pay_the_debt_first(house: House) -> None:
    shop = await open_shop(house)
    await house.engine.submit(shop, make.worked_example("G1"))
    await house.engine.submit(shop, AdjustPoints(merchant_id="alice", points=-20, reason=None, actor="Bob"))
    await house.engine.submit(shop, CancelOrder(site_id=1, merchant_id="G1"))
    assert await balance(house) == (0, -20)
    await house.engine.submit(shop, make.order("G2", total=1500, shipping=0))
    assert await balance(house) == (0, -5)
    await house.engine.submit(shop, make.update("G1", paid=3999))
    assert await balance(house) == (0, 24)


async def test_pending_points_are_approved_when_their_day_has_come(house: House) -> None:
    shop = await open_shop(house, approval_days=14)
    await house.engine.submit(shop, make.worked_example("H1", placed_at=make.NOON - make.days(15)))
    assert await balance(house) == (0, 29), "history is approved as of then"
    await house.engine.submit(shop, make.worked_example("H2"))
    assert await balance(house) == (29, 29)
