"""Calls through the LoyaltyLion door that name a record which was merged: they mean the one who stayed."""

from regulars.app.merging import record_named
from regulars.app.rewards import create_reward
from regulars.app.verify import verify
from tests import make
from tests.doors.loyaltylion.conftest import Shop


async def merge_bob_into_alice(shop: Shop) -> None:
    """Each has ordered for 20.00."""
    await shop.order("A1")
    await shop.order("B1", customer_id="bob", customer_email="bob@example.com")
    ids = [
        await record_named(shop.house.database, shop.program_id, merchant_id=name)
        for name in ("bob", "alice")
    ]
    await shop.house.engine.submit(shop.program_id, make.merge(*ids))
    assert await shop.points("alice") == (40, 0)


async def test_an_old_id_is_shown_as_the_one_who_stayed_and_lists_leave_it_out(shop: Shop) -> None:
    await merge_bob_into_alice(shop)
    answer = await shop.send("PATCH", "/v2/customers/bob", {"customer": {"birthday": "1990-02-28"}})
    shown = answer.json()["customer"]
    assert (shown["merchant_id"], shown["points_approved"]) == ("alice", 40)
    listed = (await shop.get("/v2/customers")).json()["customers"]
    assert [one["merchant_id"] for one in listed] == ["alice"]
    orders = (await shop.get("/v2/orders")).json()["orders"]
    assert {one["customer"]["merchant_id"] for one in orders} == {"alice"}
    moved = (await shop.get("/v2/customers/bob/transactions")).json()["transactions"]
    assert sum(one["points_approved"] for one in moved) == 40
    done = (await shop.get("/v2/activities")).json()["activities"]
    assert {one["customer"]["merchant_id"] for one in done} == {"alice"}


async def test_orders_points_and_rewards_by_an_old_id_are_those_of_the_one_who_stayed(shop: Shop) -> None:
    await merge_bob_into_alice(shop)
    await shop.order("B2", customer_id="bob", customer_email="bob@example.com")
    await shop.post("/v2/customers/bob/points", {"points": 5, "reason": "a gift"})
    assert await shop.points("alice") == (65, 0)
    await create_reward(shop.house.database, shop.program_id, make.reward(), now=shop.clock())
    shop.house.programs.forget()
    answer = await shop.post("/v2/customers/bob/claimed_rewards", {"reward_id": 1, "multiplier": 1})
    assert answer.status_code == 201, answer.text
    assert await shop.points("alice") == (45, 0)
    await shop.update("B1", refund_status="refunded", total_refunded="20.00")
    assert await shop.points("alice") == (25, 0)
    assert (await verify(shop.house.database, now=shop.clock())).violations == []


async def test_a_guest_who_was_merged_earns_for_the_member(shop: Shop) -> None:
    await shop.order("A1")
    said = {"customer_id": None, "guest": True, "customer_email": "al@example.com"}
    await shop.order("G1", **said)
    ids = [
        await record_named(shop.house.database, shop.program_id, guest_email="al@example.com"),
        await record_named(shop.house.database, shop.program_id, merchant_id="alice"),
    ]
    await shop.house.engine.submit(shop.program_id, make.merge(*ids))
    await shop.order("G2", **said)
    assert await shop.points("alice") == (40, 0)
