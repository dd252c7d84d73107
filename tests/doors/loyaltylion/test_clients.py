"""What the official plugins and clients send, and what they need of the answers. loyaltylion.md §7."""

from typing import Any

import pytest

from tests.doors.loyaltylion.conftest import Shop, an_order

MAGENTO = {
    "merchant_id": 17,
    "customer_id": 4,
    "customer_email": "alice@example.com",
    "total": "59.9500",
    "total_shipping": "5.0000",
    "number": "000000017",
    "guest": False,
    "ip_address": "203.0.113.9",
    "user_agent": "Mozilla/5.0 " + "x" * 5000,
    "referral_id": None,
    "tracking_id": "",
    "discount_codes": {"code": "TEA", "amount": "4.9500"},
    "payment_status": "not_paid",
    "total_paid": 0,
    "$magento_payload": {"items": [{"sku": "x" * 100, "deep": [[1.5e3]]}] * 500},
    "$magento_version": "2.4.7",
    "$magento_edition": None,
    "$module_version": 1.2,
}


async def test_a_magento_order_and_its_updates(shop: Shop) -> None:
    assert (await shop.post("/v2/orders", MAGENTO)).status_code == 201
    update = {
        "payment_status": "paid",
        "cancellation_status": "not_cancelled",
        "refund_status": "not_refunded",
        "total_paid": "59.9500",
        "total_refunded": 0,
        "number": "000000017",
        "$magento_payload": {"status": "processing"},
    }
    for _ in range(3):
        assert (await shop.put("/v2/orders/17", update)).status_code == 204
    assert await shop.points("4") == (50, 0)
    (order,) = (await shop.get("/v2/orders")).json()["orders"]
    assert (order["merchant_number"], order["total"], order["total_discounts"]) == (
        "000000017",
        "59.95",
        "4.95",
    )


@pytest.mark.parametrize(
    "codes", [[], None, {}, ..., {"code": "TEA", "amount": 5}, [{"code": 123, "amount": "5"}]]
)
async def test_discount_codes_come_in_many_shapes(shop: Shop, codes: Any) -> None:
    await shop.order("1001", discount_codes=codes)
    (order,) = (await shop.get("/v2/orders")).json()["orders"]
    assert order["total_discounts"] == ("5.00" if codes and codes is not ... else "0.00")


@pytest.mark.parametrize(
    ("total", "kept"),
    [
        (19.95, "19.95"), ("19.95", "19.95"), (59.95, "59.95"), ("59.9500", "59.95"), (20, "20.00"),
        ("20", "20.00"), (0, "0.00"), ("0.005", "0.01"), ("0.0049", "0.00"), ("000012.30", "12.30"),
        (1e3, "1000.00"),
    ],
)  # fmt: skip
async def test_money_comes_as_text_or_number(shop: Shop, total: Any, kept: str) -> None:
    await shop.order("1001", total=total)
    assert (await shop.get("/v2/orders/1001")).json()["total"] == kept


async def test_ids_come_as_numbers_and_are_texts_from_then_on(shop: Shop) -> None:
    await shop.order(1001, customer_id=100)
    await shop.order("1002", customer_id="100")
    assert (await shop.customer("100"))["points_approved"] == 40
    assert (await shop.put("/v2/orders/1001/refunded")).status_code == 204


async def test_no_content_type_is_needed_and_a_wrong_one_does_no_harm(shop: Shop) -> None:
    for number, content_type in enumerate(
        ("", "text/plain", "application/x-www-form-urlencoded", "application/json")
    ):
        answer = await shop.post(
            "/v2/orders", an_order(str(number)), content_type=content_type, accept="text/html"
        )
        assert answer.status_code == 201


async def test_a_magento_guest_has_no_id(shop: Shop) -> None:
    answer = await shop.post("/v2/orders", MAGENTO | {"customer_id": None, "guest": True})
    assert answer.status_code == 201
    (customer,) = (await shop.get("/v2/customers")).json()["customers"]
    assert (customer["merchant_id"], customer["guest"]) == (None, True)


async def test_the_calls_of_the_php_client(shop: Shop) -> None:
    await shop.order("1001", total="300.00", payment_status="not_paid")
    statuses = [
        (await shop.post("/v2/orders/1001/payments", {"amount": "200.00"})).status_code,
        (await shop.put("/v2/orders/1001/paid")).status_code,
        (await shop.post("/v2/orders/1001/refunds", {"amount": "100.00"})).status_code,
        (await shop.put("/v2/orders/1001/cancelled", b"[]")).status_code,
        (await shop.put("/v2/orders/1001/refunded", b"[]")).status_code,
    ]
    assert all(200 <= status <= 204 for status in statuses), statuses


async def test_rewards_and_referrals_that_came_with_an_order_are_kept(shop: Shop) -> None:
    await shop.order(
        "1001",
        claimed_reward_ids=[12, "13"],
        referral_id="ref-1",
        tracking_id=77,
        ip_address="2001:db8::1",
        user_agent="Mozilla/5.0",
    )
    async with shop.house.database.acquire() as connection:
        details = await connection.fetchval(
            "select details from orders where program_id = $1", shop.program_id
        )
    for kept in (
        '"claimed_reward_ids":[12,13]',
        '"referral_id":"ref-1"',
        '"tracking_id":"77"',
        "2001:db8::1",
    ):
        assert kept in details


async def test_texts_of_any_script_come_back_as_they_went_in(shop: Shop) -> None:
    await shop.order("№ 5/ä 🍵", customer_id="日本-𝒶", customer_email="mädchen@bücher.example")
    customer = await shop.customer("日本-𝒶")
    assert customer["email"] == "mädchen@bücher.example"
    answer = await shop.get("/v2/orders/%E2%84%96%205%2F%C3%A4%20%F0%9F%8D%B5")
    assert answer.json()["merchant_id"] == "№ 5/ä 🍵"
