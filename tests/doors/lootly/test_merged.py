"""Calls through the Lootly door that still name a record which was merged: they mean the one who stayed."""

from regulars.app.merging import record_named
from regulars.app.rewards import create_reward
from regulars.app.verify import verify
from tests import make
from tests.doors.lootly.conftest import Shop, customer, order, refund


async def merge_bob_into_alice(shop: Shop) -> None:
    """Each has had the guide's order: 29 points."""
    await shop.call("orders-completed", order())
    await shop.call("orders-completed", order("B1", customer=customer("bob", email="bob@example.com")))
    program_id = shop.keys.program_id
    ids = [await record_named(shop.house.database, program_id, merchant_id=name) for name in ("bob", "alice")]
    await shop.house.engine.submit(program_id, make.merge(*ids))
    assert await shop.points("alice") == await shop.points("bob") == 58


async def test_orders_refunds_and_points_by_an_old_id_are_those_of_the_one_who_stayed(shop: Shop) -> None:
    await merge_bob_into_alice(shop)
    await shop.call("orders-completed", order("B2", customer=customer("bob", email="bob@example.com")))
    assert await shop.points("alice") == 87
    assert (await shop.call("refunds-create", refund("39.99", "B1"))).status_code == 200
    assert await shop.points("alice") == 58
    answer = await shop.ask("customers/point-balance", {"customer_ids": "alice,bob"})
    assert answer.json() == [{"alice": 58}, {"bob": 58}]
    assert (await verify(shop.house.database, now=shop.clock())).violations == []


async def test_an_old_id_or_e_mail_spends_the_points_of_the_one_who_stayed(shop: Shop) -> None:
    await merge_bob_into_alice(shop)
    reward = make.reward(cost=40)
    await create_reward(shop.house.database, shop.keys.program_id, reward, now=shop.clock())
    shop.house.programs.forget()
    answer = await shop.call("redeem-reward", {"customer_email": "bob@example.com", "reward_id": 1})
    assert answer.status_code == 200, answer.text
    assert await shop.points("alice") == 18
    said = {"customer_id": "bob", "customer_email": "bob@example.com", "reward_id": 1, "t": 2}
    assert "error" in (await shop.call("redeem-reward", said)).json()
    assert await shop.points("bob") == 18
    assert (await verify(shop.house.database, now=shop.clock())).violations == []


async def test_an_order_that_names_the_old_e_mail_alone_earns_for_the_one_who_stayed(shop: Shop) -> None:
    await merge_bob_into_alice(shop)
    await shop.call("orders-completed", order("G1", customer=customer(None, email="bob@example.com")))
    assert await shop.points("alice") == 87
    assert await shop.count("customers") == 2
