"""Points become a code: once however often it is asked for, and never without a reason when it isn't."""

import asyncio
from typing import Any

import httpx
import pytest

from regulars.app.storefront.keys import make_key
from regulars.app.storefront.switches import change_switches
from regulars.app.verify import lines, verify
from regulars.domain.rewards import CodeSource, LimitPeriod, RewardKind
from tests.doors.storefront.conftest import Shop


async def redeem(shop: Shop, session: str, key: str = "k-1", **body: Any) -> httpx.Response:
    return await shop.post("redeem", {"reward_id": 1} | body, session, idempotency_key=key)


def error(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    del found["message"]
    return found


async def test_alice_gets_a_code_for_her_points(shop: Shop) -> None:
    await shop.add_reward(valid_days=90)
    await shop.order("1001", "620.00")
    session = await shop.log_in()
    answer = await redeem(shop, session)
    assert answer.status_code == 201
    claim = answer.json()["claim"]
    assert (claim["title"], claim["cost"], claim["amount_minor"], claim["state"]) == (
        "£5 off",
        500,
        500,
        "claimed",
    )
    assert len(claim["code"]) >= 15
    assert claim["expires_at"] == "2026-05-31T12:00:00Z"
    assert answer.json()["points"]["available"] == 120
    me = (await shop.get("me", session)).json()
    assert me["claims"] == [claim]
    assert me["points"]["spent"] == 500
    line = me["history"]["lines"][0]
    assert (line["kind"], line["points"], line["sentence"]) == (
        "redemption",
        -500,
        "Spent 500 points on “£5 off”.",
    )
    report = await verify(shop.house.database, now=shop.clock.now)
    assert report.is_clean, lines(report)


async def test_a_code_that_was_used_says_on_which_order(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(600)
    session = await shop.log_in()
    code = (await redeem(shop, session)).json()["claim"]["code"]
    await shop.order("1002", discount_codes=[{"code": code.lower(), "amount": "5.00"}])
    (claim,) = (await shop.get("me", session)).json()["claims"]
    assert (claim["state"], claim["order"]) == ("used", "1002")


async def test_the_same_key_again_is_the_same_claim(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(2000)
    session = await shop.log_in()
    first, second = await redeem(shop, session), await redeem(shop, session)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    third = await redeem(shop, session, "k-2")
    assert third.json()["claim"]["code"] != first.json()["claim"]["code"]
    assert third.json()["points"]["available"] == 1000


async def test_a_key_is_one_customers_own(shop: Shop) -> None:
    await shop.add_reward()
    for who in ("alice", "bob"):
        await shop.give_member(500, who)
    codes = {(await redeem(shop, await shop.log_in(who))).json()["claim"]["code"] for who in ("alice", "bob")}
    assert len(codes) == 2


async def test_a_key_for_another_wish_is_refused(shop: Shop) -> None:
    await shop.add_reward()
    await shop.add_reward(cost=100)
    await shop.give_member(2000)
    session = await shop.log_in()
    await redeem(shop, session)
    assert error(await redeem(shop, session, reward_id=2)) == {"code": "key_reused"}


async def test_of_sixteen_at_once_one_gets_the_last_points(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(999)
    sessions = [await shop.log_in() for _ in range(4)]
    answers = await asyncio.gather(
        *(redeem(shop, sessions[number % 4], f"k-{number}") for number in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 11


async def test_every_refusal_says_what_is_in_the_way(shop: Shop) -> None:
    await shop.add_reward()
    await shop.add_reward(cost=10, limit_count=1, limit_period=LimitPeriod.WEEK)
    await shop.add_reward(cost=10, codes=CodeSource.POOL)
    await shop.add_reward(cost=10, enabled=False)
    await shop.add_reward(cost=10, tiers=("gold",))
    await shop.add_reward(cost=10, kind=RewardKind.CUSTOM, amount_minor=None, codes=CodeSource.NONE, stock=0)
    session = await shop.log_in()
    assert error(await redeem(shop, session, "0")) == {"code": "not_a_member"}
    await shop.give_member(340)
    assert error(await redeem(shop, session, "1")) == {"code": "not_enough_points", "missing": 160}
    assert (await redeem(shop, session, "2", reward_id=2)).status_code == 201
    assert error(await redeem(shop, session, "3", reward_id=2)) == {
        "code": "limit_reached",
        "until": "2026-03-09T12:00:00+00:00",
        "limit": 1,
    }
    assert error(await redeem(shop, session, "4", reward_id=3)) == {"code": "out_of_stock"}
    assert error(await redeem(shop, session, "5", reward_id=4)) == {"code": "unavailable", "why": "disabled"}
    assert error(await redeem(shop, session, "6", reward_id=5)) == {
        "code": "tier_required",
        "tiers": ["gold"],
    }
    assert error(await redeem(shop, session, "7", reward_id=6)) == {"code": "out_of_stock"}
    unknown = await redeem(shop, session, "8", reward_id=99)
    assert (unknown.status_code, error(unknown)) == (404, {"code": "unknown_reward"})
    standings = {r["id"]: r["standing"] for r in (await shop.get("me", session)).json()["rewards"]}
    assert standings[2]["why"] == "limit_reached" and standings[2]["until"].startswith("2026-03-09")
    assert standings[3] == {"can": False, "why": "out_of_stock"}
    assert 4 not in standings


async def test_a_blocked_customer_is_told_so(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(600)
    headers = {"authorization": f"Bearer {shop.keys.api_token}"}
    body = {"customer": {"blocked": True}}
    assert (await shop.till.patch("/v2/customers/alice", json=body, headers=headers)).status_code == 200
    session = await shop.log_in()
    assert error(await redeem(shop, session)) == {"code": "blocked"}
    assert (await shop.get("me", session)).json()["customer"]["blocked"] is True


@pytest.mark.parametrize(
    "body",
    [{"reward_id": None}, {"reward_id": "1"}, {"reward_id": 1.5}, {"reward_id": True}, {"reward_id": 0},
     {"reward_id": -1}, {"reward_id": 2**63}, {"points": "5"}, {"points": 0}, {"points": 7}, {"cost": 1},
     {"free": True}],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_wished_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    await shop.add_reward()
    await shop.give_member(600)
    answer = await redeem(shop, await shop.log_in(), **body)
    assert (answer.status_code, error(answer)["code"]) == (422, "invalid")


async def test_without_a_key_nothing_is_redeemed(shop: Shop) -> None:
    session = await shop.log_in()
    for key in ("none", "", "x" * 256, "é"):
        answer = await redeem(shop, session, key)
        assert error(answer)["field"] == "Idempotency-Key"


# -- a shop that demands a token for redeeming


async def test_a_shop_can_demand_a_token(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(5000)
    await change_switches(shop.house.database, shop.keys.program_id, token_to_redeem=True, now=shop.clock.now)
    shop.house.credentials.forget()
    session = await shop.log_in()
    assert (await redeem(shop, session)).status_code == 401
    md5 = {name: value for name, value in shop.md5("alice").items() if name != "key"}
    assert (await redeem(shop, session, proof=md5)).status_code == 401
    token = shop.token()
    assert (await redeem(shop, session, proof={"token": token})).status_code == 201


async def test_a_token_redeems_once(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(5000)
    session = await shop.log_in()
    token = shop.v2()
    assert (await redeem(shop, session, "k-1", proof=token)).status_code == 201
    replayed = await redeem(shop, session, "k-2", proof=token)
    assert (replayed.status_code, error(replayed)) == (401, {"code": "unauthenticated"})
    again = await redeem(shop, session, "k-1", proof=token)
    assert again.status_code == 201  # the answer may have been lost: the same wish is no replay
    assert (await shop.get("me", session)).json()["points"]["available"] == 4500


async def test_of_many_that_show_one_token_at_once_one_redeems(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(9000)
    session, token = await shop.log_in(), shop.v2()
    answers = await asyncio.gather(
        *(redeem(shop, session, f"k-{number}", proof=token) for number in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 9


async def test_a_proof_must_be_of_the_same_shopper_and_shop(shop: Shop, other: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(5000)
    session = await shop.log_in()
    site = {
        "site": shop.keys.site_token,
        "token": shop.token(kid=shop.keys.site_token, secret=shop.keys.site_secret),
    }
    for proof in (
        shop.v2("bob"), other.v2("alice"), shop.md5("bob"), other.md5("alice"), site, {}, [], "x", 1,
        {"token": "v2.x.y.z"}, shop.sha1("alice"), shop.v2() | {"key": "x"},
    ):  # fmt: skip
        assert (await redeem(shop, session, proof=proof)).status_code == 401, proof
    assert (await redeem(shop, session, proof=shop.md5("alice"))).status_code == 201


async def test_a_session_by_token_does_not_spare_the_token(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(5000)
    await change_switches(shop.house.database, shop.keys.program_id, token_to_redeem=True, now=shop.clock.now)
    shop.house.credentials.forget()
    body = shop.v2()
    session = (await shop.post("session", body)).json()["session"]
    assert (await redeem(shop, session)).status_code == 401
    assert (await redeem(shop, session, proof=body)).status_code == 201


# -- keys for tokens


async def test_two_keys_live_for_a_day_and_the_third_ends_the_first(shop: Shop) -> None:
    async with shop.house.database.acquire() as connection:
        number = await connection.fetchval("select credential_id from credentials where kind = 'lootly'")

    async def new_key() -> dict[str, str]:
        made = await make_key(
            shop.house.database, shop.house.vault, shop.keys.program_id, number, now=shop.clock.now
        )
        shop.house.credentials.forget()
        return {"kid": made.kid, "secret": made.secret}

    async def counts(**key: str) -> bool:
        return (await shop.post("session", shop.v2(**key))).status_code == 200

    first = await new_key()
    assert await counts() and await counts(**first)
    assert not await counts(kid=first["kid"])
    shop.clock.forward(hours=23, minutes=59)
    assert await counts()
    shop.clock.forward(minutes=1)
    assert not await counts() and await counts(**first)
    second = await new_key()
    assert await counts(**first) and await counts(**second)
    third = await new_key()
    assert not await counts(**first) and await counts(**second) and await counts(**third)
    shop.clock.forward(days=1)
    assert not await counts(**second) and await counts(**third)
    assert (await shop.post("session", shop.md5("alice"))).status_code == 200  # md5 has its own switch
