"""Redeeming, giving, cancelling and fulfilling through our own API."""

from typing import Any

import httpx

from regulars.app.verify.run import verify
from regulars.domain.commands import DiscountCode, OrderDetails
from tests import make
from tests.doors.api.conftest import Shop, error

CLAIMS = "/customers/alice/claims"


async def redeem(shop: Shop, reward_id: int = 1, **options: Any) -> httpx.Response:
    return await shop.post(CLAIMS, {"reward_id": reward_id} | options.pop("body", {}), **options)


async def test_points_become_a_code(shop: Shop) -> None:
    await shop.reward(valid_days=10)
    await shop.earn()
    answer = await redeem(shop)
    assert answer.status_code == 201
    claim = answer.json()["claim"]
    assert (claim["cost"], claim["amount_minor"], claim["state"]) == (20, 500, "claimed")
    assert answer.json()["points"] == {"available": 80, "pending": 0, "spent": 20}
    assert (await shop.get(f"{CLAIMS}/{claim['id']}")).json()["claim"] == claim
    details = OrderDetails(codes=(DiscountCode(claim["code"]),))
    await shop.house.engine.submit(shop.program_id, make.order("A-7", total=100, shipping=0, details=details))
    used = (await shop.get(CLAIMS)).json()["claims"][0]
    assert (used["state"], used["order"]) == ("used", "A-7")
    assert error(await shop.post(f"{CLAIMS}/1/cancel"))[2] == {"claim": 1, "state": "used"}
    assert (await verify(shop.house.database, now=shop.clock())).violations == []


async def test_the_same_key_redeems_once(shop: Shop) -> None:
    await shop.reward()
    await shop.earn()
    first = await redeem(shop, idempotency_key="R1")
    again = await redeem(shop, idempotency_key="R1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert error(await redeem(shop, idempotency_key="R1", body={"points": 20}))[1] == "idempotency_key_reused"
    assert error(await redeem(shop, idempotency_key=""))[:2] == (400, "malformed")


async def test_every_refusal_says_what_is_in_the_way_and_offers_say_it_before(shop: Shop) -> None:
    await shop.earn(points=10)
    limited = await shop.reward(cost=1, limit_count=1, limit_period="day")
    cases = {
        await shop.reward(): ("not_enough_points", {"asked": 20, "available": 9, "missing": 11}),
        await shop.reward(codes="pool", cost=1): ("out_of_stock", {"reward": 3}),
        await shop.reward(starts_at="2027-01-01T00:00:00Z"): (
            "unavailable",
            {"reward": 4, "why": "not started"},
        ),
        limited: (
            "limit_reached",
            {"reward": 1, "limit": 1, "period": "day", "until": "2026-03-03T12:00:00+00:00"},
        ),
    }
    assert (await redeem(shop, limited)).status_code == 201
    offers = (await shop.get("/customers/alice/rewards")).json()["offers"]
    standing = {offer["reward"]["id"]: offer for offer in offers}
    for reward_id, (code, details) in cases.items():
        assert error(await redeem(shop, reward_id)) == (422, code, details)
        obstacle = standing[reward_id]["obstacle"]
        assert (obstacle["code"], obstacle["details"]) == (code, details)
        assert standing[reward_id]["can"] is False
    open_to_all = await shop.reward(cost=1)
    offers = (await shop.get("/customers/alice/rewards?site_id=1")).json()["offers"]
    assert [(one["can"], one["obstacle"]) for one in offers if one["reward"]["id"] == open_to_all] == [
        (True, None)
    ]
    assert error(await redeem(shop, 99))[:2] == (404, "unknown_reward")
    assert error(await shop.get("/customers/alice/rewards?site_id=9"))[:2] == (422, "unknown_site")


async def test_a_variable_amount_is_chosen(shop: Shop) -> None:
    await shop.earn(points=500)
    variable = {"per_points": 100, "per_minor": 50, "minimum_points": 100, "step_points": 100}
    reward = await shop.reward(kind="variable_amount", cost=..., amount_minor=..., **variable)
    claim = (await redeem(shop, reward, body={"points": 300})).json()["claim"]
    assert (claim["cost"], claim["amount_minor"]) == (300, 150)
    assert error(await redeem(shop, reward, body={"points": 150}))[:2] == (422, "invalid")


async def test_staff_give_and_cancel_in_the_keys_name(shop: Shop) -> None:
    await shop.reward()
    await shop.earn(points=1)
    auth = await shop.key("write_customers")
    body = {"reward_id": 1, "reason": "A broken cup"}
    given = await shop.post("/customers/alice/gifts", body, auth=auth)
    assert (given.status_code, given.json()["claim"]["cost"]) == (201, 0)
    cancelled = await shop.post(f"{CLAIMS}/1/cancel", {"reason": "Mistake"}, auth=auth)
    assert cancelled.json()["claim"]["state"] == "cancelled"
    async with shop.house.database.acquire() as connection:
        rows = await connection.fetch(
            "select kind, actor from decisions where program_id = $1 and actor is not null order by 1",
            shop.program_id,
        )
    assert [tuple(row) for row in rows] == [("CancelClaim", "api key till"), ("RedeemReward", "api key till")]


async def test_a_cancelled_claim_gives_its_points_back(shop: Shop) -> None:
    await shop.reward()
    await shop.earn()
    await redeem(shop)
    assert error(await shop.post("/customers/bob/claims/1/cancel"))[:2] == (404, "unknown_claim")
    cancelled = await shop.post(f"{CLAIMS}/1/cancel")
    assert cancelled.json()["points"]["available"] == 100
    assert error(await shop.post(f"{CLAIMS}/1/cancel"))[:2] == (422, "claim_closed")


async def test_a_custom_reward_is_fulfilled(shop: Shop) -> None:
    await shop.reward(kind="custom", codes="none", amount_minor=..., instructions="Ask at the till")
    await shop.earn()
    await shop.earn("bob")
    assert (await redeem(shop)).json()["claim"]["instructions"] == "Ask at the till"
    assert error(await shop.post("/customers/bob/claims/1/fulfil"))[:2] == (404, "unknown_claim")
    done = (await shop.post(f"{CLAIMS}/1/fulfil")).json()["claim"]
    assert done["fulfilled_at"] is not None
    assert (await shop.post(f"{CLAIMS}/1/fulfil")).json()["claim"] == done


async def test_claims_are_listed_latest_first_page_by_page(shop: Shop) -> None:
    await shop.reward(cost=1)
    await shop.earn()
    for _ in range(5):
        await redeem(shop)
    first = (await shop.get(f"{CLAIMS}?limit=3")).json()
    rest = (await shop.get(f"{CLAIMS}?limit=3&before={first['next']}")).json()
    assert [claim["id"] for claim in first["claims"] + rest["claims"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None


async def test_a_claim_whose_time_is_over_shows_as_expired_before_any_job(shop: Shop) -> None:
    await shop.reward(valid_days=1)
    await shop.earn()
    await redeem(shop)
    shop.clock.forward(days=1)
    assert (await shop.get(CLAIMS)).json()["claims"][0]["state"] == "expired"


async def test_a_customer_is_read_whatever_its_id(shop: Shop) -> None:
    await shop.earn("gid://shop/7")
    found = (await shop.get("/customers/gid%3A%2F%2Fshop%2F7")).json()["customer"]
    assert (found["merchant_id"], found["member"], found["points"]["available"]) == (
        "gid://shop/7",
        True,
        100,
    )
    assert error(await shop.get("/customers/nobody")) == (404, "unknown_customer", {})
    assert error(await shop.get("/customers/nobody/claims"))[:2] == (404, "unknown_customer")
    assert error(await shop.get("/customers/a%00b"))[:2] == (404, "not_found")
