"""Rewards through the LoyaltyLion door: what can be claimed, claiming, giving back, switching on and off."""

import asyncio
import csv
import io
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from regulars.app import claims, rewards
from regulars.app.house import House
from regulars.app.programs import change_rules
from regulars.domain.rewards import ClaimState, CodeSource, LimitPeriod, Reward, RewardKind
from tests import make
from tests.clock import Clock
from tests.doors.loyaltylion.conftest import Shop, open_shop

AVAILABLE = "/v2/customers/alice/available_rewards"
CLAIMS = "/v2/customers/alice/claimed_rewards"

FIVE_OFF = {
    "id": 1,
    "title": "Five pounds off",
    "description": "",
    "sort_key": 0,
    "content": {},
    "kind": "cart_discount_voucher",
    "point_cost": 20,
    "method": "voucher",
    "discount_type": "flat",
    "discount_amount": "5.00",
    "minimum_spend": None,
    "usage_limit": 1,
    "min_redemption_amount": None,
    "max_redemption_amount": None,
    "max_free_shipping": None,
    "site_id": None,
    "target_site": None,
    "order_type": "all",
    "target_type": "all",
    "target_collections": [],
    "target_products": [],
    "session_options": None,
    "auto_refund_seconds": None,
    "expiry_options": {"kind": "does_not_expire", "seconds": None},
    "redeemable_expiry_options": {"kind": "does_not_expire", "seconds": None},
    "supported_channels": ["web"],
    "recurring_cycle_limit": None,
}
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
    "minimum_points": 20,
    "maximum_points": 60,
    "step_points": 10,
}


async def offer(shop: Shop, **changes: Any) -> Reward:
    """A reward of the shop's; five pounds off for 20 points, unless told otherwise."""
    made = await rewards.create_reward(
        shop.house.database, shop.program_id, make.reward(**changes), now=shop.clock()
    )
    shop.house.programs.forget()
    return made


async def change(shop: Shop, reward_id: int, **changes: Any) -> None:
    await rewards.change_reward(shop.house.database, shop.program_id, reward_id, changes, now=shop.clock())
    shop.house.programs.forget()


async def spend_by(shop: Shop, **changes: Any) -> None:
    """Changes the program's rule for what becomes of claimed rewards."""
    await change_rules(
        shop.house.database,
        shop.program_id,
        spending=lambda rule: msgspec.structs.replace(rule, **changes),
        now=shop.clock(),
    )
    shop.house.programs.forget()


async def add_site(shop: Shop, domain: str) -> int:
    async with shop.house.database.acquire() as connection:
        site_id: int = await connection.fetchval(
            "insert into sites (program_id, site_id, name, domain, currency, created_at, updated_at) "
            "values ($1, 2, $2, $2, 'GBP', $3, $3) returning site_id",
            shop.program_id,
            domain,
            shop.clock(),
        )
        await connection.execute(
            "update heads set version = version + 1 where program_id = $1", shop.program_id
        )
        await connection.execute(
            "insert into program_versions (program_id, version, rules, recorded_at) "
            "select program_id, version + 1, rules, recorded_at from program_versions where program_id = $1",
            shop.program_id,
        )
    shop.house.programs.forget()
    return site_id


async def listed(shop: Shop, query: str = "", **options: Any) -> list[str]:
    """The titles of what Alice can claim."""
    answer = await shop.get(f"{AVAILABLE}{query}", **options)
    assert answer.status_code == 200, answer.text
    return [reward["title"] for reward in answer.json()["rewards"]]


async def claim(shop: Shop, reward_id: int = 1, **more: Any) -> dict[str, Any]:
    """Alice claims a reward. The door must let her."""
    answer = await shop.post(CLAIMS, {"reward_id": reward_id} | more)
    assert answer.status_code == 201, answer.text
    (name,) = answer.json()
    assert name == "claimed_reward"
    shown: dict[str, Any] = answer.json()[name]
    return shown


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["message"]


# -- what can be claimed


async def test_a_reward_is_shown_with_every_documented_field(shop: Shop) -> None:
    await shop.join("alice")
    await offer(shop)
    assert (await shop.get(AVAILABLE)).json() == {"rewards": [FIVE_OFF]}


async def test_each_kind_of_reward_says_what_it_is_worth(shop: Shop) -> None:
    await shop.join("alice")
    await offer(shop, kind=RewardKind.PERCENTAGE, amount_minor=None, percent=10, minimum_order_minor=2500)
    await offer(shop, **VARIABLE)
    await offer(shop, kind=RewardKind.FREE_SHIPPING, amount_minor=None, max_shipping_minor=350)
    await offer(shop, kind=RewardKind.FREE_PRODUCT, amount_minor=None, product="tin-7")
    await offer(shop, kind=RewardKind.GIFT_CARD, amount_minor=1000, valid_days=2)
    await offer(shop, **CUSTOM)
    shown = (await shop.get(AVAILABLE)).json()["rewards"]
    assert [(r["kind"], r["method"], r["discount_type"], r["discount_amount"]) for r in shown] == [
        ("cart_discount_voucher", "voucher", "percentage", "10"),
        ("cart_variable_discount_voucher", "voucher", "flat", "1.00"),
        ("free_shipping_voucher", "voucher", None, None),
        ("product_discount_voucher", "voucher", None, None),
        ("gift_card", "voucher", "flat", "10.00"),
        ("custom", "manual", None, None),
    ]
    assert [r["sort_key"] for r in shown] == [0, 1, 2, 3, 4, 5]
    assert [r["point_cost"] for r in shown] == [20, 10, 20, 20, 20, 20]
    assert [r["usage_limit"] for r in shown] == [1, 1, 1, 1, 1, None]
    assert shown[0]["minimum_spend"] == "25.00"
    assert (shown[1]["min_redemption_amount"], shown[1]["max_redemption_amount"]) == ("2.00", "6.00")
    assert shown[2]["max_free_shipping"] == "3.50"
    assert (shown[3]["target_type"], shown[3]["target_products"][0]["id"]) == ("products", "tin-7")
    two_days = {"kind": "expires_after", "seconds": 172_800}
    assert (shown[4]["expiry_options"], shown[4]["redeemable_expiry_options"]) == (two_days, two_days)
    assert all(set(reward) == set(FIVE_OFF) for reward in shown)


async def test_what_cannot_be_afforded_is_listed_and_what_is_off_or_out_of_its_dates_is_not(
    shop: Shop,
) -> None:
    await shop.join("alice")
    await offer(shop, title="Dear", cost=1_000_000)
    await offer(shop, title="Off", enabled=False)
    await offer(shop, title="Early", starts_at=datetime(2026, 4, 1, tzinfo=UTC))
    await offer(shop, title="Over", ends_at=datetime(2026, 3, 1, tzinfo=UTC))
    await offer(shop, title="Gold", tiers=("gold",))
    await offer(shop, title="Empty", codes=CodeSource.POOL)
    assert await listed(shop) == ["Dear", "Empty"]
    shop.clock.forward(days=40)
    assert await listed(shop) == ["Dear", "Early", "Empty"]


async def test_a_reward_for_one_site_is_listed_there_alone(shop: Shop) -> None:
    await shop.join("alice")
    second = await add_site(shop, "https://coffee.example")
    await offer(shop, title="Everywhere")
    await offer(shop, title="Coffee", sites=(second,))
    assert await listed(shop) == ["Everywhere", "Coffee"]
    assert await listed(shop, "?site_id=1") == ["Everywhere"]
    assert await listed(shop, f"?site_id={second}") == ["Everywhere", "Coffee"]
    assert await listed(shop, auth=shop.basic) == ["Everywhere"]
    shown = (await shop.get(AVAILABLE)).json()["rewards"][1]
    assert shown["site_id"] == second
    assert shown["target_site"] == {
        "id": second,
        "name": "https://coffee.example",
        "url": "https://coffee.example",
    }
    assert (await shop.get(f"{AVAILABLE}?site_id=3")).status_code == 404
    assert (await shop.get(f"{AVAILABLE}?site_id=x")).status_code == 400
    elsewhere = await shop.post(f"{CLAIMS}?site_id=1", {"reward_id": 2})
    assert said(elsewhere) == (422, "This reward is not available in this shop")


async def test_nobodys_rewards_are_a_404(shop: Shop) -> None:
    await offer(shop)
    answer = await shop.get("/v2/customers/nobody/available_rewards")
    assert said(answer) == (404, "Customer not found")
    answer = await shop.post("/v2/customers/nobody/claimed_rewards", {"reward_id": 1})
    assert said(answer) == (404, "Customer not found")


# -- claiming


async def test_a_claim_takes_the_points_and_brings_the_code(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop, prefix="TEA", valid_days=30)
    shown = await claim(shop)
    code = shown["redeemable"].pop("code")
    assert code.startswith("TEA-")
    assert len(code) > len("TEA-") + 12
    assert shown.pop("claimed_at") < shown.pop("expires_at")
    month = {"kind": "expires_after", "seconds": 2_592_000}
    assert shown == {
        "id": 1,
        "point_cost": 20,
        "redeemable": {
            "redeemable_type": "voucher",
            "discount_amount": "5.00",
            "usage_count": 0,
            "usage_limit": 1,
        },
        "reward": FIVE_OFF | {"expiry_options": month, "redeemable_expiry_options": month},
        "state": "approved",
        "session": None,
        "auto_refund_at": None,
    }
    alice = await shop.customer("alice")
    assert (alice["points_approved"], alice["points_spent"]) == (0, 20)
    assert (alice["rewards_claimed"], alice["rewards_used"]) == (1, 0)


async def test_the_multiplier_says_how_many_steps_of_a_variable_reward(shop: Shop) -> None:
    await shop.order("1001", total="100.00")
    await offer(shop, **VARIABLE)
    least, four = await claim(shop), await claim(shop, multiplier=4)
    assert (least["point_cost"], least["redeemable"]["discount_amount"]) == (20, "2.00")
    assert (four["point_cost"], four["redeemable"]["discount_amount"]) == (40, "4.00")
    for wrong in (1, 7):
        answer = await shop.post(CLAIMS, {"reward_id": 1, "multiplier": wrong})
        assert answer.status_code == 422
        assert answer.json()["error"]["details"] == {"multiplier": "is wrong: points must be from 20 to 60"}


async def test_a_custom_reward_is_fulfilled_by_the_merchant(shop: Shop) -> None:
    await shop.order("1001", total="100.00")
    await offer(shop, **CUSTOM, valid_days=3)
    shown = await claim(shop, multiplier=3)
    assert shown["point_cost"] == 60
    assert shown["redeemable"] == {
        "redeemable_type": "fulfilment",
        "fulfilled": False,
        "fulfilled_at": None,
        "expires_on": "2026-03-05",
        "fulfilment_explanation": "Ask at the counter.",
    }
    await claims.fulfil(shop.house.database, shop.house.engine, shop.program_id, 1, actor="Bob")
    refused = await shop.post(f"{CLAIMS}/1/refund")
    assert said(refused) == (422, "This claimed reward has been fulfilled")
    (newest, *_) = (await shop.get("/v2/transactions")).json()["transactions"]
    assert newest["claimed_reward"]["redeemable"]["fulfilled"] is True


async def test_only_what_can_be_multiplied_is(shop: Shop) -> None:
    await shop.order("1001", total="100.00")
    await offer(shop)
    answer = await shop.post(CLAIMS, {"reward_id": 1, "multiplier": 2})
    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]) == ["multiplier"]
    assert (await claim(shop, multiplier=1))["point_cost"] == 20


async def test_a_reward_that_was_just_made_can_be_claimed(shop: Shop) -> None:
    """Another process made it: this one has read the program half a second ago."""
    await shop.order("1001")
    await shop.get(AVAILABLE)
    await rewards.create_reward(shop.house.database, shop.program_id, make.reward(), now=shop.clock())
    assert shop.house.programs.cached(shop.program_id) is not None
    assert (await claim(shop))["reward"] == FIVE_OFF


async def test_the_reward_id_may_come_as_a_text(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    answer = await shop.post(CLAIMS, {"reward_id": "1", "multiplier": None})
    assert answer.status_code == 201


# -- refusals


async def test_every_refusal_says_why_and_changes_nothing(shop: Shop) -> None:
    await shop.order("1001", total="50.00")
    await shop.join("bad", customer_email="bad@example.com")
    await shop.post("/v2/customers/bad/points", {"points": 50})
    await shop.send("PATCH", "/v2/customers/bad", {"customer": {"blocked": True}})
    await shop.order("1002", customer_id="guest", guest=True)
    await offer(shop)
    await offer(shop, title="Dear", cost=51)
    await offer(shop, title="Off", enabled=False)
    await offer(shop, title="Early", starts_at=datetime(2026, 4, 1, tzinfo=UTC))
    await offer(shop, title="Over", ends_at=datetime(2026, 3, 1, tzinfo=UTC))
    await offer(shop, title="Gold", tiers=("gold",))
    await offer(shop, title="Empty", codes=CodeSource.POOL)
    await offer(shop, title="Gone", stock=0)
    before = await shop.book()
    for who, reward_id, status, message in (
        ("alice", 2, 422, "Customer does not have enough points: points"),
        ("alice", 3, 422, "This reward is not available"),
        ("alice", 4, 422, "This reward is not available yet"),
        ("alice", 5, 422, "This reward is not available any more"),
        ("alice", 6, 422, "This reward is for members of another tier"),
        ("alice", 7, 422, "This reward is out of stock"),
        ("alice", 8, 422, "This reward is out of stock"),
        ("alice", 99, 404, "Reward not found"),
        ("bad", 1, 422, "Customer is blocked"),
        ("guest", 1, 422, "Customer is not enrolled in the program"),
    ):
        answer = await shop.post(f"/v2/customers/{who}/claimed_rewards", {"reward_id": reward_id})
        assert said(answer) == (status, message), (who, reward_id)
    dear = await shop.post(CLAIMS, {"reward_id": 2})
    assert dear.json()["error"]["details"] == {"points": "51 were asked for, 50 are available"}
    assert await shop.book() == before


async def test_a_limit_says_when_it_can_be_claimed_again(shop: Shop) -> None:
    await shop.order("1001", total="100.00")
    await offer(shop, limit_count=1, limit_period=LimitPeriod.WEEK)
    await offer(shop, limit_count=1)
    first = await claim(shop)
    again = first["claimed_at"].replace("2026-03-02", "2026-03-09")
    assert said(await shop.post(CLAIMS, {"reward_id": 1})) == (
        422,
        f"Customer has claimed this reward as often as allowed, and can claim it again from {again}",
    )
    await claim(shop, 2)
    for_ever = await shop.post(CLAIMS, {"reward_id": 2})
    assert said(for_ever) == (422, "Customer has claimed this reward as often as allowed")
    shop.clock.forward(days=7)
    await claim(shop)


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({}, "reward_id"),
        ({"reward_id": None}, "reward_id"),
        ({"reward_id": ""}, "reward_id"),
        ({"reward_id": "one"}, "reward_id"),
        ({"reward_id": "٣"}, "reward_id"),
        ({"reward_id": -1}, "reward_id"),
        ({"reward_id": 1.5}, "reward_id"),
        ({"reward_id": True}, "reward_id"),
        ({"reward_id": [1]}, "reward_id"),
        ({"reward_id": 10**18}, "reward_id"),
        ({"reward_id": "1\x00"}, "reward_id"),
        ({"reward_id": 1, "multiplier": 0}, "multiplier"),
        ({"reward_id": 1, "multiplier": -1}, "multiplier"),
        ({"reward_id": 1, "multiplier": 1.0}, "multiplier"),
        ({"reward_id": 1, "multiplier": "2"}, "multiplier"),
        ({"reward_id": 1, "multiplier": 1_000_001}, "multiplier"),
        ({"reward_id": 1, "multiplier": []}, "multiplier"),
    ],
)
async def test_a_body_that_cannot_be_used_names_its_field(
    shop: Shop, body: dict[str, Any], at_fault: str
) -> None:
    await shop.order("1001")
    await offer(shop)
    before = await shop.book()
    answer = await shop.post(CLAIMS, body)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [at_fault]
    assert await shop.book() == before


async def test_ids_in_the_path_that_are_no_numbers_are_nobodys(shop: Shop) -> None:
    await shop.join("alice")
    for text in ("x", "-1", "1.5", "%D9%A3", "9" * 19, "0", "{claimed_reward_id}"):
        answer = await shop.post(f"{CLAIMS}/{text}/refund")
        assert said(answer) == (404, "Claimed reward not found")
        answer = await shop.post(f"/v2/rewards/{text}/disable")
        assert said(answer) == (404, "Reward not found")


# -- giving back


async def test_a_refund_gives_the_points_back_and_makes_the_code_void_once(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    shown = await claim(shop)
    answer = await shop.post(f"{CLAIMS}/{shown['id']}/refund")
    assert answer.status_code == 200
    assert answer.json() == {
        "claimed_reward": shown | {"state": "void"},
        "remote_resource_deleted": False,
    }
    assert await shop.points("alice") == (20, 0)
    again = await shop.post(f"{CLAIMS}/{shown['id']}/refund")
    assert said(again) == (422, "This claimed reward was given back before")
    assert await shop.points("alice") == (20, 0)
    alice = await shop.customer("alice")
    assert (alice["rewards_claimed"], alice["rewards_used"], alice["points_spent"]) == (0, 0, 0)
    # a code that is void is none: the order stands, and nothing becomes used
    await shop.order("1002", discount_codes=[{"code": shown["redeemable"]["code"], "amount": "5.00"}])
    assert (await claims.claim(shop.house.database, shop.program_id, 1)).state is ClaimState.CANCELLED


async def test_another_customers_claim_is_not_there(shop: Shop) -> None:
    await shop.order("1001")
    await shop.join("bob")
    await offer(shop)
    shown = await claim(shop)
    for who in ("bob", "nobody"):
        answer = await shop.post(f"/v2/customers/{who}/claimed_rewards/{shown['id']}/refund")
        assert said(answer) == (404, "Claimed reward not found")
    assert (await shop.post(f"{CLAIMS}/99/refund")).status_code == 404
    assert await shop.points("alice") == (0, 0)


async def test_an_expired_claim_is_void_before_any_job_has_seen_it(shop: Shop) -> None:
    await shop.order("1001")
    await spend_by(shop, expired_returns_points=True)
    await offer(shop, valid_days=1)
    shown = await claim(shop)
    assert shown["auto_refund_at"] == shown["expires_at"]
    assert shown["reward"]["auto_refund_seconds"] == 86_400
    shop.clock.forward(days=2)
    (newest, *_) = (await shop.get("/v2/transactions")).json()["transactions"]
    late = newest["claimed_reward"]
    assert (late["state"], late["auto_refund_at"]) == ("void", None)
    await claims.expire_due(shop.house.database, shop.house.engine, now=shop.clock())
    (newest, *_) = (await shop.get("/v2/transactions")).json()["transactions"]
    assert (newest["resource"], newest["points_approved"]) == ("claimed_reward", 20)
    assert said(await shop.post(f"{CLAIMS}/1/refund")) == (422, "This claimed reward has expired")


# -- the same again


async def test_the_same_key_claims_once_however_often_it_comes(shop: Shop) -> None:
    await shop.order("1001", total="100.00")
    await offer(shop)
    body = {"reward_id": 1}
    together = await asyncio.gather(*(shop.post(CLAIMS, body, idempotency_key="K") for _ in range(4)))
    assert {answer.status_code for answer in together} == {201}
    assert len({answer.text for answer in together}) == 1
    assert await shop.points("alice") == (80, 0)
    other = await shop.post(CLAIMS, body | {"multiplier": 1}, idempotency_key="K")
    assert said(other) == (422, "This Idempotency-Key was first used for another request")
    await shop.post(CLAIMS, body)
    assert await shop.points("alice") == (60, 0)


async def test_a_refusal_is_remembered_under_its_key(shop: Shop) -> None:
    await shop.join("alice")
    await offer(shop)
    first = await shop.post(CLAIMS, {"reward_id": 1}, idempotency_key="K")
    await shop.order("1001")
    second = await shop.post(CLAIMS, {"reward_id": 1}, idempotency_key="K")
    assert (first.status_code, second.status_code) == (422, 422)
    assert first.json() == second.json()
    await claim(shop)


async def test_the_same_refund_under_its_key_is_answered_as_the_first_time(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    await claim(shop)
    first, second = [await shop.post(f"{CLAIMS}/1/refund", idempotency_key="R") for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.status_code == 200
    assert await shop.points("alice") == (20, 0)


@pytest.mark.parametrize("key", ["", "x" * 256, "é".encode().decode("latin-1")])
async def test_a_key_that_cannot_be_one_is_refused(shop: Shop, key: str) -> None:
    await shop.order("1001")
    await offer(shop)
    for path in (CLAIMS, f"{CLAIMS}/1/refund", "/v2/rewards/1/disable"):
        answer = await shop.client.request(
            "POST",
            path,
            content=b'{"reward_id":1}',
            headers=[(b"authorization", shop.auth.encode()), (b"idempotency-key", key.encode("latin-1"))],
        )
        assert answer.status_code == 400
        assert list(answer.json()["error"]["details"]) == ["Idempotency-Key"]
    assert await listed(shop) == ["Five pounds off"]


# -- on orders


@pytest.mark.parametrize("by", ["discount_codes", "claimed_reward_ids"])
async def test_what_an_order_names_becomes_used_with_it(shop: Shop, by: str) -> None:
    await shop.order("1001")
    await offer(shop)
    shown = await claim(shop)
    code = shown["redeemable"]["code"].lower()
    named = {
        "discount_codes": [{"code": f" {code} ", "amount": "5.00"}, {"code": "SPRING", "amount": "1"}],
        "claimed_reward_ids": [shown["id"], 99],
    }
    await shop.order("1002", **{by: named[by]})
    alice = await shop.customer("alice")
    assert (alice["rewards_claimed"], alice["rewards_used"]) == (1, 1)
    listed = (await shop.get("/v2/customers/alice/transactions?since_id=1&limit=1")).json()["transactions"]
    used = listed[0]["claimed_reward"]
    assert (used["state"], used["redeemable"]["usage_count"]) == ("approved", 1)
    assert said(await shop.post(f"{CLAIMS}/1/refund")) == (422, "This claimed reward has been used")
    await shop.order("1003", **{by: named[by]})
    assert (await shop.customer("alice"))["rewards_used"] == 1


async def test_the_points_of_a_reward_come_back_with_its_orders_refund_where_the_program_says_so(
    shop: Shop,
) -> None:
    await shop.order("1001")
    await spend_by(shop, refund_returns="points")
    await offer(shop)
    shown = await claim(shop)
    # it earns nothing: what gives the points back is about the claimed reward, not about an activity
    await shop.order("1002", total="0.50", claimed_reward_ids=[shown["id"]])
    await shop.put("/v2/orders/1002/refunded")
    (newest, *_) = (await shop.get("/v2/transactions")).json()["transactions"]
    assert (newest["resource"], newest["points_approved"]) == ("claimed_reward", 20)
    assert newest["claimed_reward"]["state"] == "void"
    assert await shop.points("alice") == (20, 0)


# -- transactions and customers


async def test_transactions_of_a_claimed_reward_name_it(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    shown = await claim(shop)
    given_back = (await shop.post(f"{CLAIMS}/1/refund")).json()["claimed_reward"]
    transactions = (await shop.get("/v2/transactions?since_id=1")).json()["transactions"]
    assert [(t["points_approved"], t["points_pending"], t["resource"]) for t in transactions] == [
        (-20, 0, "claimed_reward"),
        (20, 0, "claimed_reward"),
    ]
    for transaction in transactions:
        assert transaction["claimed_reward"] == given_back
        assert set(transaction) == {
            "id", "customer", "points_approved", "points_pending", "created_at", "resource",
            "claimed_reward",
        }  # fmt: skip
        assert transaction["claimed_reward"]["id"] == shown["id"]
    answer = await shop.get("/v2/transactions?type=csv&since_id=0")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["resource"], row["activity_id"], row["claimed_reward_id"]) for row in rows] == [
        ("activity", "1", ""),
        ("claimed_reward", "", "1"),
        ("claimed_reward", "", "1"),
    ]


async def test_a_patched_customer_shows_its_rewards_too(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    await claim(shop)
    answer = await shop.send("PATCH", "/v2/customers/alice", {"customer": {"birthday": "1990-02-28"}})
    assert answer.json()["customer"] == await shop.customer("alice")
    assert answer.json()["customer"]["rewards_claimed"] == 1


# -- who may


async def test_a_reward_is_switched_off_and_on(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    off, again = [await shop.post("/v2/rewards/1/disable") for _ in range(2)]
    assert (off.status_code, off.json()) == (200, {"updated": True, "reward": {"id": 1}})
    assert (again.status_code, again.json()) == (200, {"updated": False, "reward": {"id": 1}})
    assert await listed(shop) == []
    assert said(await shop.post(CLAIMS, {"reward_id": 1})) == (422, "This reward is not available")
    on = await shop.post("/v2/rewards/1/enable")
    assert on.json() == {"updated": True, "reward": {"id": 1}}
    assert await listed(shop) == ["Five pounds off"]
    assert said(await shop.post("/v2/rewards/2/enable")) == (404, "Reward not found")


async def test_only_a_key_with_the_scope_switches_and_no_site(shop: Shop) -> None:
    await shop.join("alice")
    await offer(shop)
    for verb in ("enable", "disable"):
        path = f"/v2/rewards/1/{verb}"
        site = await shop.post(path, auth=shop.basic)
        assert said(site) == (401, "Authentication is required")
        other = await shop.post(path, auth=await shop.key("write_customers", "write_orders"))
        assert said(other) == (403, "This API key does not have the scope write_configuration")
        assert (await shop.post(path, auth=await shop.key("write_configuration"))).status_code == 200
    assert await listed(shop) == []


async def test_reading_customers_is_not_claiming_for_them(shop: Shop) -> None:
    await shop.order("1001")
    await offer(shop)
    reader = await shop.key("read_customers")
    assert (await shop.get(AVAILABLE, auth=reader)).status_code == 200
    for path in (CLAIMS, f"{CLAIMS}/1/refund"):
        answer = await shop.post(path, {"reward_id": 1}, auth=reader)
        assert said(answer) == (403, "This API key does not have the scope write_customers")
    by_site = await shop.post(CLAIMS, {"reward_id": 1}, auth=shop.basic)
    assert by_site.status_code == 201


async def test_another_programs_rewards_and_claims_are_not_there(
    house: House, clock: Clock, shop: Shop
) -> None:
    await shop.order("1001")
    await offer(shop)
    await claim(shop)
    stranger = await open_shop(house, clock, name="Stranger", domain="https://stranger.example")
    await stranger.join("alice")
    before = await shop.book()
    assert await listed(stranger) == []
    assert said(await stranger.post(CLAIMS, {"reward_id": 1})) == (404, "Reward not found")
    assert said(await stranger.post(f"{CLAIMS}/1/refund")) == (404, "Claimed reward not found")
    assert said(await stranger.post("/v2/rewards/1/disable")) == (404, "Reward not found")
    code = (await claims.claim(house.database, shop.program_id, 1)).code
    await stranger.order("1", discount_codes=[{"code": code, "amount": "1"}], claimed_reward_ids=[1])
    stands = await claims.claim(house.database, shop.program_id, 1)
    assert stands.state is ClaimState.CLAIMED
    assert (await shop.book())["chains"] != before["chains"]  # the stranger's own order
    assert await listed(shop) == ["Five pounds off"]
