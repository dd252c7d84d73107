"""Rewards through the signed hooks: the list, redeeming, and what the delivery log says of it."""

import asyncio
import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from regulars.app import claims, rewards
from regulars.app.house import House
from regulars.app.integrations import change_settings
from regulars.domain.errors import Late, Rejected
from regulars.domain.rewards import ClaimState, CodeSource, LimitPeriod, Reward, RewardKind
from tests import make
from tests.clock import Clock
from tests.doors.lootly.conftest import Shop, client_of, customer, make_program, order, refund

REDEEM = "redeem-reward"
CUSTOM: dict[str, Any] = {
    "kind": RewardKind.CUSTOM,
    "title": "A tea tasting",
    "amount_minor": None,
    "codes": CodeSource.NONE,
    "instructions": "Ask at the counter.",
}
VARIABLE: dict[str, Any] = {
    "kind": RewardKind.VARIABLE_AMOUNT,
    "title": "Money off",
    "cost": 0,
    "amount_minor": None,
    "per_points": 10,
    "per_minor": 100,
    "minimum_points": 10,
    "maximum_points": 60,
    "step_points": 5,
}


async def offer(shop: Shop, **changes: Any) -> Reward:
    """A reward of the shop's; five pounds off for 20 points, unless told otherwise."""
    made = await rewards.create_reward(
        shop.house.database, shop.keys.program_id, make.reward(**changes), now=shop.clock()
    )
    shop.house.programs.forget()
    return made


async def redeem(shop: Shop, reward_id: Any = 1, **changes: Any) -> httpx.Response:
    """Alice redeems as the vendor's module for Magento does; a member given as `...` is left out."""
    said = {"customer_email": "alice@example.com", "reward_id": reward_id, "t": 1_700_000_000} | changes
    return await shop.call(REDEEM, {name: value for name, value in said.items() if value is not ...})


async def code_of(shop: Shop, **changes: Any) -> str:
    answer = await redeem(shop, **changes)
    assert answer.status_code == 200, answer.text
    code = answer.json()["data"]["data"]["coupon_code"]
    assert isinstance(code, str)
    return code


# -- the list


async def test_the_list_has_what_can_be_claimed_now(shop: Shop) -> None:
    await offer(shop, minimum_order_minor=2500, text="On any tea", valid_days=90)
    await offer(shop, title="Off", enabled=False)
    await offer(shop, title="Early", starts_at=datetime(2026, 4, 1, tzinfo=UTC))
    await offer(shop, title="Over", ends_at=datetime(2026, 3, 1, tzinfo=UTC))
    await offer(shop, title="Gold", tiers=("gold",))
    await offer(shop, title="Empty", codes=CodeSource.POOL)
    answer = await shop.call("rewards-list", {"t": 1})
    assert answer.status_code == 200
    first, second = answer.json()["data"]
    assert first == {
        "reward_id": 1,
        "reward_name": "Five pounds off",
        "reward_type": "fixed_amount",
        "description": "On any tea",
        "points_required": 20,
        "minimum_order_amount": "25.00",
        "amount": "5.00",
        "percentage": None,
        "maximum_shipping_amount": None,
        "product_id": None,
        "valid_days": 90,
        "variable": None,
        "out_of_stock": False,
    }
    assert (second["reward_name"], second["out_of_stock"]) == ("Empty", True)
    assert (await shop.last()).message == "Told 2 rewards."


async def test_each_kind_of_reward_says_what_it_is_worth(shop: Shop) -> None:
    await offer(shop, kind=RewardKind.PERCENTAGE, amount_minor=None, percent=10)
    await offer(shop, **VARIABLE)
    await offer(shop, kind=RewardKind.FREE_SHIPPING, amount_minor=None, max_shipping_minor=350)
    await offer(shop, kind=RewardKind.FREE_PRODUCT, amount_minor=None, product="tin-7")
    listed = (await shop.call("rewards-list", {})).json()["data"]
    assert listed[0]["percentage"] == 10
    assert listed[1]["points_required"] == 10
    assert listed[1]["variable"] == {
        "points": 10,
        "amount": "1.00",
        "minimum_points": 10,
        "maximum_points": 60,
        "step_points": 5,
    }
    assert listed[2]["maximum_shipping_amount"] == "3.50"
    assert listed[3]["product_id"] == "tin-7"


async def test_a_program_without_rewards_has_an_empty_list(shop: Shop) -> None:
    assert (await shop.call("rewards-list", {"t": 1})).json() == {"data": []}


# -- redeeming


async def test_points_become_a_code_that_an_order_uses(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop, prefix="TEA", valid_days=30)
    answer = await redeem(shop)
    assert answer.status_code == 200
    got = answer.json()["data"]["data"]
    code = got.pop("coupon_code")
    assert code.startswith("TEA-")
    assert got == {
        "claimed_reward_id": 1,
        "reward_id": 1,
        "reward_name": "Five pounds off",
        "reward_type": "fixed_amount",
        "points_spent": 20,
        "amount": "5.00",
        "percentage": None,
        "minimum_order_amount": "0.00",
        "expires_at": "2026-04-01T12:00:00Z",
        "instructions": "",
    }
    assert await shop.points("alice") == 9
    told = (await shop.call("customer", {"customer_id": "alice"})).json()["data"]
    assert (told["points"], told["pending"]) == (9, 0)
    assert (await shop.ask("customer/alice/point-balance", {})).json() == {"point_value": 9}

    await shop.call("orders-completed", order("100002", discount_codes=[{"code": f" {code.lower()} "}]))
    used = await claims.claim(shop.house.database, shop.keys.program_id, 1)
    assert used.state is ClaimState.USED
    assert "was used on this order" in str((await shop.last()).message)


async def test_the_log_says_what_was_done(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop)
    await redeem(shop)
    last = await shop.last()
    assert (last.hook, last.outcome, last.status, last.problem) == (REDEEM, "done", 200, False)
    assert last.subject == "alice@example.com"
    assert "Spent 20 points on “Five pounds off”." in str(last.message)


async def test_a_customer_may_be_named_by_id(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("customers-create", customer("older", email="bob@example.com"))
    await offer(shop)
    await code_of(shop, customer_id="alice", customer_email="bob@example.com")
    assert await shop.points("alice") == 9


async def test_the_oldest_member_with_the_e_mail_is_meant(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("customers-create", customer("younger"))
    await offer(shop)
    await code_of(shop, customer_email=" Alice@Example.com ")
    assert (await shop.points("alice"), await shop.points("younger")) == (9, 0)


async def test_points_are_chosen_for_a_variable_amount(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop, **VARIABLE)
    chosen = (await redeem(shop, points="15")).json()["data"]["data"]
    assert (chosen["points_spent"], chosen["amount"]) == (15, "1.50")
    least = (await redeem(shop)).json()["data"]["data"]
    assert (least["points_spent"], least["amount"]) == (10, "1.00")
    assert (await redeem(shop, points=12)).json()["error"]["code"] == "invalid"
    assert await shop.points("alice") == 4


async def test_a_custom_reward_has_instructions_and_no_code(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop, **CUSTOM)
    got = (await redeem(shop)).json()["data"]["data"]
    assert (got["coupon_code"], got["instructions"]) == (None, "Ask at the counter.")


# -- refusals


async def test_every_refusal_has_its_code_and_no_data_and_costs_nothing(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("customers-create", customer("bad", email="bad@example.com"))
    async with shop.house.database.acquire() as connection:
        await connection.execute(
            "update customers set blocked = true where program_id = $1 and merchant_id = 'bad'",
            shop.keys.program_id,
        )
    await shop.call("orders-completed", order("100002", customer=customer(None, email="guest@example.com")))
    await offer(shop)
    await offer(shop, title="Dear", cost=30)
    await offer(shop, title="Off", enabled=False)
    await offer(shop, title="Early", starts_at=datetime(2026, 4, 1, tzinfo=UTC))
    await offer(shop, title="Gold", tiers=("gold",))
    await offer(shop, title="Empty", codes=CodeSource.POOL)
    bad, guest = {"customer_email": "bad@example.com"}, {"customer_email": "guest@example.com"}
    nobody = {"customer_email": "nobody@example.com"}
    for reward_id, who, code, message in (
        (2, {}, "not_enough_points", "Asked for 30 points, but only 29 are left."),
        (3, {}, "unavailable", "The reward 3 is switched off."),
        (4, {}, "unavailable", "The reward 4 can't be claimed yet."),
        (5, {}, "tier_required", "The reward 5 is for members of another tier."),
        (6, {}, "out_of_stock", "The reward 6 is out of stock."),
        (99, {}, "unknown_reward", "No reward with the id 99 is known."),
        (1, bad, "blocked", "The customer bad is blocked."),
        (1, guest, "unknown_customer", "No customer with the id guest@example.com is known."),
        (1, nobody, "unknown_customer", "No customer with the id nobody@example.com is known."),
    ):
        answer = await redeem(shop, reward_id, **who)
        assert (answer.status_code, answer.json()) == (200, {"error": {"code": code, "message": message}})
        last = await shop.last()
        assert (last.outcome, last.status, last.problem, last.message) == ("refused", 200, True, message)
    assert await shop.points("alice") == 29
    assert await shop.count("claimed_rewards") == 0


async def test_a_limit_says_until_when(shop: Shop) -> None:
    await shop.call("orders-completed", order(total_price="99.99", subtotal_price="89.99"))
    await offer(shop, limit_count=1, limit_period=LimitPeriod.DAY)
    await code_of(shop)
    answer = await redeem(shop, t=2)
    assert answer.json()["error"] == {
        "code": "limit_reached",
        "message": "The customer has claimed the reward 1 as often as allowed until "
        "2026-03-03T12:00:00+00:00.",
    }
    shop.clock.forward(days=1)
    await code_of(shop, t=3)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("reward_id", {"reward_id": ...}),
    *(
        ("reward_id", {"reward_id": value})
        for value in (None, "", "one", "1.5", 1.5, True, [1], {"$ne": None}, "٣", -1, 10**18, "9" * 300)
    ),
    ("customer_email", {"customer_email": ...}),
    *(("customer_email", {"customer_email": value}) for value in ("", None, "alice", 5, [], "a\x00@b.c")),
    *(("customer_id", {"customer_id": value}) for value in ([], True, "x" * 300)),
    *(
        ("points", {"points": value})
        for value in ("", 0, -5, 1.5, True, [], "1e3", "9" * 20, 10**15, {"a": 1})
    ),
]


@pytest.mark.parametrize(("field", "changes"), BAD, ids=lambda value: str(value)[:50])
async def test_bad_content_is_refused_by_the_name_of_its_field(
    shop: Shop, field: str, changes: dict[str, Any]
) -> None:
    await shop.call("orders-completed", order())
    await offer(shop)
    answer = await redeem(shop, **changes)
    assert answer.status_code == 200
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert error["message"].startswith(f"{field} ")
    assert "data" not in answer.json()
    last = await shop.last()
    assert (last.outcome, last.problem) == ("refused", True)
    assert await shop.points("alice") == 29


async def test_strict_answers_refuse_with_422_and_the_same_body(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await change_settings(
        shop.house.database, shop.keys.program_id, strict_answers=True, now=shop.house.clock()
    )
    shop.house.credentials.forget()
    await offer(shop, cost=30)
    for answer, code in (
        (await redeem(shop), "not_enough_points"),
        (await redeem(shop, "one"), "invalid"),
    ):
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == code
        assert (await shop.last()).status == 422


async def test_what_the_database_refuses_is_in_the_log_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await offer(shop)

    async def refuses(*_: object, **__: object) -> None:
        raise Rejected(sqlstate="22000")

    monkeypatch.setattr(shop.house.engine, "submit", refuses)
    answer = await redeem(shop)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, "refused")
    assert (await shop.last()).outcome == "refused"


async def test_not_now_is_a_503_and_not_a_refusal(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await offer(shop)

    async def is_late(*_: object, **__: object) -> None:
        raise Late

    monkeypatch.setattr(shop.house.engine, "submit", is_late)
    answer = await redeem(shop)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    await shop.house.deliveries.close()
    assert (await shop.last()).outcome == "not now"


# -- the same again


async def test_the_same_body_within_the_window_is_the_same_redemption(shop: Shop) -> None:
    await shop.call("orders-completed", order(total_price="99.99", subtotal_price="89.99"))
    await offer(shop)
    together = await asyncio.gather(*(redeem(shop) for _ in range(4)))
    assert len({answer.text for answer in together}) == 1
    assert await shop.points("alice") == 69
    assert (await shop.last()).outcome == "repeated"
    shop.clock.forward(hours=2)
    later = await redeem(shop)
    assert later.text != together[0].text
    assert await shop.points("alice") == 49


async def test_another_t_is_another_redemption(shop: Shop) -> None:
    await shop.call("orders-completed", order(total_price="99.99", subtotal_price="89.99"))
    await offer(shop)
    assert await code_of(shop, t=1) != await code_of(shop, t=2)
    assert await shop.points("alice") == 49


async def test_an_idempotency_key_holds_for_good(shop: Shop) -> None:
    await shop.call("orders-completed", order(total_price="99.99", subtotal_price="89.99"))
    await offer(shop)
    said = {"customer_email": "alice@example.com", "reward_id": 1}
    first = await shop.call(REDEEM, said, idempotency_key="K")
    shop.clock.now += timedelta(days=30)
    assert (await shop.call(REDEEM, said, idempotency_key="K")).text == first.text
    other = await shop.call(REDEEM, said | {"t": 1}, idempotency_key="K")
    assert other.json()["error"]["code"] == "identity_reused"
    assert await shop.points("alice") == 69


async def test_a_redemption_that_was_refused_may_succeed_with_another_body(shop: Shop) -> None:
    await shop.call("customers-create", customer())
    await offer(shop)
    assert (await redeem(shop, t=1)).json()["error"]["code"] == "not_enough_points"
    await shop.call("orders-completed", order())
    await code_of(shop, t=2)


# -- who may


async def test_a_redemption_that_nobody_signed_is_a_401(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop)
    said = {"customer_email": "alice@example.com", "reward_id": 1, "t": 1}
    for body in (shop.body(said, secret="wrong"), json.dumps(said).encode()):
        assert (await shop.send(REDEEM, body)).status_code == 401
    signed = json.loads(shop.body(said))
    changed = json.dumps(signed | {"reward_id": 2}).encode()
    assert (await shop.send(REDEEM, changed)).status_code == 401
    assert (await shop.send("rewards-list", shop.body({"t": 1}, secret="wrong"))).status_code == 401
    assert await shop.points("alice") == 29


async def test_another_programs_rewards_and_customers_are_not_there(
    house: House, clock: Clock, shop: Shop
) -> None:
    await shop.call("orders-completed", order())
    await offer(shop)
    keys = await make_program(house, clock, name="Stranger", domain="https://stranger.example")
    async with client_of(house) as client:
        stranger = Shop(house, keys, client, clock)
        assert (await stranger.call("rewards-list", {"t": 1})).json() == {"data": []}
        assert (await redeem(stranger)).json()["error"]["code"] == "unknown_reward"
        await offer(stranger)
        assert (await redeem(stranger)).json()["error"]["code"] == "unknown_customer"
    assert await shop.points("alice") == 29


async def test_a_reward_of_another_site_is_refused(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    async with shop.house.database.acquire() as connection:
        await connection.execute(
            "insert into sites (program_id, site_id, name, domain, currency, created_at, updated_at) "
            "values ($1, 2, 'Coffee', 'https://coffee.example', 'GBP', $2, $2)",
            shop.keys.program_id,
            shop.clock(),
        )
    await offer(shop, sites=(2,))
    assert (await shop.call("rewards-list", {})).json() == {"data": []}
    assert (await redeem(shop)).json()["error"]["message"] == "The reward 1 is not for this site."


async def test_numbers_and_members_that_the_shop_adds_are_signed_as_they_stand(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop)
    key = json.dumps(shop.keys.lootly_api_key)
    text = f'{{"a":1e2,"customer_email":"alice@example.com","key":{key},"reward_id":"1"}}'
    digest = hmac.digest(shop.keys.lootly_api_secret.encode(), text.encode(), hashlib.sha256)
    body = f'{text[:-1]},"hmac":"{b64encode(digest).decode()}"}}'.encode()
    assert (await shop.send(REDEEM, body)).json()["data"]["data"]["reward_id"] == 1


async def test_a_refund_of_the_order_leaves_the_code_used(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await offer(shop)
    code = await code_of(shop)
    await shop.call("orders-completed", order("100002", discount_codes=[{"code": code}]))
    await shop.call("refunds-create", refund("39.99", "100002"))
    used = await claims.claim(shop.house.database, shop.keys.program_id, 1)
    assert used.state is ClaimState.USED
