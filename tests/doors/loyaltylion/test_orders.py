"""Orders through the LoyaltyLion door, from their first report to their refund."""

from typing import Any

import pytest

from tests.doors.loyaltylion.conftest import Shop, an_order, an_update

WORKED = {
    "merchant_id": "100001",
    "total": "49.99",
    "total_shipping": "10.00",
    "discount_codes": [{"code": "TEA10", "amount": "10.00"}],
}
"""Goods 39.99, discount 10.00, shipping 10.00: payable 39.99, rewardable 29.99."""


async def test_an_order_is_answered_by_201_with_nothing_in_it(shop: Shop) -> None:
    answer = await shop.post("/v2/orders", an_order("1001"))
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["content-length"] == "0"


async def test_an_order_gives_a_point_a_pound_of_its_goods(shop: Shop) -> None:
    await shop.order("1001", total="25.90", total_shipping="5.00")
    assert await shop.points("alice") == (20, 0)


async def test_the_worked_example_of_the_design(shop: Shop) -> None:
    await shop.order(**WORKED)
    assert await shop.points("alice") == (29, 0)
    await shop.update(
        "100001", total_paid="39.99", refund_status="partially_refunded", total_refunded="15.99"
    )
    assert await shop.points("alice") == (18, 0)
    await shop.update(
        "100001", total_paid="39.99", refund_status="partially_refunded", total_refunded="39.99"
    )
    assert await shop.points("alice") == (0, 0)


async def test_the_worked_example_by_single_refunds(shop: Shop) -> None:
    await shop.order(**WORKED, total_paid="39.99")
    for amount, left in (("15.99", 18), ("24.00", 0)):
        answer = await shop.post("/v2/orders/100001/refunds", {"amount": amount})
        assert (answer.status_code, answer.text) == (201, "")
        assert await shop.points("alice") == (left, 0)


async def test_posting_as_paid_and_updating_to_paid_later_give_the_same(shop: Shop) -> None:
    await shop.order("now", customer_id="now", total="31.00", total_shipping="1.50")
    await shop.order(
        "later", customer_id="later", total="31.00", total_shipping="1.50", payment_status="not_paid"
    )
    assert await shop.points("later") == (0, 0)
    await shop.update("later", total_paid="31.00")
    assert await shop.points("now") == await shop.points("later") == (29, 0)


async def test_a_partly_paid_order_earns_with_its_last_payment(shop: Shop) -> None:
    await shop.order("1001", payment_status="partially_paid", total_paid="5")
    assert await shop.points("alice") == (0, 0)
    await shop.post("/v2/orders/1001/payments", {"amount": "14.99"})
    assert await shop.points("alice") == (0, 0)
    await shop.post("/v2/orders/1001/payments", {"amount": 0.01})
    assert await shop.points("alice") == (20, 0)
    one = (await shop.get("/v2/orders/1001")).json()
    assert [payment["amount"] for payment in one["payments"]] == ["14.99", "0.01"]
    assert (one["total_paid"], one["payment_status"]) == ("20.00", "paid")


async def test_total_tax_does_not_earn(shop: Shop) -> None:
    await shop.order("1001", total="24.00", total_tax="4.00")
    assert await shop.points("alice") == (20, 0)


async def test_points_wait_for_their_approval_and_are_there_when_it_is_due(slow_shop: Shop) -> None:
    await slow_shop.order("1001")
    assert await slow_shop.points("alice") == (0, 20)
    slow_shop.clock.forward(days=14)
    assert await slow_shop.points("alice") == (20, 0)


async def test_an_order_of_the_past_counts_its_approval_from_its_date(slow_shop: Shop) -> None:
    await slow_shop.order("old", date="2026-02-01T12:00:00Z")
    await slow_shop.order("recent", date="2026-03-01T13:00:00+01:00")
    assert await slow_shop.points("alice") == (20, 20)


async def test_the_list_shows_every_documented_field(shop: Shop) -> None:
    await shop.order(
        "6253e03b",
        merchant_number="1001",
        customer_id=100,
        total="99.95",
        total_shipping="5.00",
        total_tax="0.5",
        payment_status="not_paid",
        date="2018-01-25T01:25:27+01:00",
        discount_codes=[{"code": "AUEX-8Q7L", "amount": "5.00"}],
    )
    answer = await shop.get("/v2/orders")
    assert answer.headers["content-type"] == "application/json"
    (order,) = answer.json()["orders"]
    created_at = order.pop("created_at")
    assert created_at.startswith("2026-03-02T12:00:") and created_at.endswith("Z") and len(created_at) == 24
    assert order.pop("updated_at") == created_at
    assert order == {
        "id": 1,
        "merchant_id": "6253e03b",
        "merchant_number": "1001",
        "total": "99.95",
        "total_tax": "0.50",
        "total_shipping": "5.00",
        "total_discounts": "5.00",
        "total_paid": "0.00",
        "total_refunded": "0.00",
        "payment_status": "not_paid",
        "fulfillment_status": "not_fulfilled",
        "refund_status": "not_refunded",
        "cancellation_status": "not_cancelled",
        "customer": {
            "id": 1,
            "merchant_id": "100",
            "email": "alice@example.com",
            "points_pending": 0,
            "points_approved": 0,
            "points_spent": 0,
        },
        "metadata": {},
    }


async def test_a_single_order_is_not_wrapped_and_has_fields_of_its_own(shop: Shop) -> None:
    await shop.order("1001", date="2026-03-01T13:00:00+01:00")
    await shop.post("/v2/orders/1001/refunds", {"amount": "5", "id": 77})
    answer = await shop.get("/v2/orders/1001")
    assert answer.status_code == 200
    order = answer.json()
    assert order.pop("merchant_updated_at") == order["refunds"][0].pop("created_at")
    assert order == {
        "merchant_id": "1001",
        "total": "20.00",
        "total_shipping": "0.00",
        "total_paid": "20.00",
        "payment_status": "paid",
        "refund_status": "partially_refunded",
        "cancellation_status": "not_cancelled",
        "payments": [],
        "refunds": [{"amount": "5.00"}],
        "merchant_created_at": "2026-03-01T12:00:00.000Z",
    }


async def test_an_update_is_idempotent(shop: Shop) -> None:
    await shop.order("1001")
    change = {"refund_status": "partially_refunded", "total_refunded": "5.00"}
    await shop.update("1001", **change)
    before = await shop.book()
    for _ in range(3):
        await shop.update("1001", **change)
    assert await shop.book() == before
    assert await shop.points("alice") == (15, 0)


async def test_cancelling_and_uncancelling_by_full_updates(shop: Shop) -> None:
    await shop.order("1001")
    await shop.update("1001", cancellation_status="cancelled")
    assert await shop.points("alice") == (0, 0)
    assert (await shop.get("/v2/orders/1001")).json()["cancellation_status"] == "cancelled"
    await shop.update("1001")
    assert await shop.points("alice") == (20, 0)


async def test_a_refund_after_the_points_were_taken_leaves_a_deficit(shop: Shop) -> None:
    await shop.order("1001")
    await shop.post("/v2/customers/alice/remove_points", {"points": 15, "reason": "spent in the shop"})
    await shop.put("/v2/orders/1001/refunded")
    assert await shop.points("alice") == (-15, 0)


@pytest.mark.parametrize("body", [None, b"", b"[]", b"{}", b"not json"])
async def test_the_short_calls_need_no_body(shop: Shop, body: bytes | None) -> None:
    await shop.order("1001", payment_status="not_paid")
    for call, points in (("paid", 20), ("cancelled", 0)):
        answer = await shop.put(f"/v2/orders/1001/{call}", body)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await shop.points("alice") == (points, 0)
    await shop.order("1002")
    assert (await shop.put("/v2/orders/1002/refunded", body)).status_code == 204
    assert await shop.points("alice") == (0, 0)


async def test_a_refund_with_an_id_counts_once(shop: Shop) -> None:
    await shop.order("1001")
    for _ in range(2):
        assert (await shop.post("/v2/orders/1001/refunds", {"amount": "5", "id": "r1"})).status_code == 201
    assert await shop.points("alice") == (15, 0)
    answer = await shop.post("/v2/orders/1001/refunds", {"amount": "6", "id": "r1"})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == {"id": "was reported before with another amount"}


async def test_refunds_without_an_id_count_each_time_unless_a_key_says_otherwise(shop: Shop) -> None:
    await shop.order("1001")
    for _ in range(2):
        await shop.post("/v2/orders/1001/refunds", {"amount": "5"})
    assert await shop.points("alice") == (10, 0)
    for _ in range(3):
        answer = await shop.post("/v2/orders/1001/refunds", {"amount": "2"}, idempotency_key="refund-7")
        assert answer.status_code == 201
    assert await shop.points("alice") == (8, 0)


async def test_the_same_order_again_is_201_and_changes_nothing(shop: Shop) -> None:
    await shop.order("1001", date="2026-03-01T13:00:00+01:00")
    before = await shop.book()
    await shop.order("1001", date="2026-03-01T12:00:00Z", total=20)
    assert await shop.book() == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"total": "21.00"}, "total"),
        ({"total_shipping": "1.00"}, "total_shipping"),
        ({"discount_codes": [{"code": "X", "amount": "1"}]}, "discount_codes"),
        ({"customer_id": "bob"}, "customer_id"),
        ({"merchant_number": "7"}, "merchant_number"),
        ({"date": "2026-01-01T00:00:00Z"}, "date"),
        ({"payment_status": "not_paid"}, "payment_status"),
    ],
)
async def test_the_same_order_with_other_content_is_refused_and_says_what_differs(
    shop: Shop, change: dict[str, Any], named: str
) -> None:
    await shop.order("1001")
    before = await shop.book()
    answer = await shop.post("/v2/orders", an_order("1001", **change))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert named in error["details"] and named in error["message"]
    assert await shop.book() == before


async def test_an_update_that_beats_the_create_is_a_404(shop: Shop) -> None:
    """Plugins rely on it."""
    answer = await shop.put("/v2/orders/1001", an_update())
    assert answer.status_code == 404
    assert answer.json() == {"error": {"message": "Order not found"}}


async def test_paid_means_the_total_or_the_total_less_its_discounts(shop: Shop) -> None:
    await shop.order(**WORKED, payment_status="not_paid")
    answer = await shop.put("/v2/orders/100001", an_update(total_paid="45.00"))
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["total_paid"])
    await shop.update("100001", total_paid="39.99")
    await shop.update("100001", total_paid="49.99")
    assert await shop.points("alice") == (29, 0)


async def test_refunded_means_wholly_whatever_the_amount(shop: Shop) -> None:
    await shop.order("1001")
    await shop.update("1001", refund_status="refunded", total_refunded="1.00")
    assert await shop.points("alice") == (0, 0)


async def test_not_refunded_with_money_refunded_is_refused(shop: Shop) -> None:
    await shop.order("1001")
    answer = await shop.put("/v2/orders/1001", an_update(total_refunded="1.00"))
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["total_refunded"])


async def test_a_guest_order_without_an_id_is_kept_by_its_email(shop: Shop) -> None:
    await shop.order("1001", customer_id=None, customer_email="Guest@Example.com", guest=True)
    await shop.order("1002", customer_id=None, customer_email="guest@example.com ")
    (customer,) = (await shop.get("/v2/customers")).json()["customers"]
    assert (customer["merchant_id"], customer["guest"], customer["enrolled"]) == (None, True, False)
    assert (customer["points_approved"], customer["enrolled_at"]) == (0, None)


async def test_a_guest_with_an_id_earns_nothing_until_enrolled(shop: Shop) -> None:
    await shop.order("1001", guest=True)
    assert await shop.points("alice") == (0, 0)
    await shop.order("1002")
    assert await shop.points("alice") == (20, 0)
    assert (await shop.customer("alice"))["enrolled"] is True


async def test_a_merchant_id_with_a_slash_is_found(shop: Shop) -> None:
    await shop.order("gid://shopify/Order/1")
    answer = await shop.get("/v2/orders/gid%3A%2F%2Fshopify%2FOrder%2F1")
    assert answer.json()["merchant_id"] == "gid://shopify/Order/1"
    assert (await shop.put("/v2/orders/gid%3A%2F%2Fshopify%2FOrder%2F1/cancelled")).status_code == 204


async def test_an_idempotency_key_answers_a_repeat_as_the_first_time(shop: Shop) -> None:
    points = {"points": 50, "reason": "sorry"}
    await shop.join("alice")
    for _ in range(3):
        answer = await shop.post("/v2/customers/alice/points", points, idempotency_key="k1")
        assert answer.status_code == 201
    assert await shop.points("alice") == (50, 0)
    other = await shop.post("/v2/customers/alice/points", points | {"points": 51}, idempotency_key="k1")
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["error"]["message"]
    assert await shop.points("alice") == (50, 0)


async def test_a_refusal_is_remembered_under_a_key(shop: Shop) -> None:
    await shop.join("alice")
    first = await shop.post("/v2/customers/alice/remove_points", {"points": 5}, idempotency_key="k")
    await shop.post("/v2/customers/alice/points", {"points": 10})
    again = await shop.post("/v2/customers/alice/remove_points", {"points": 5}, idempotency_key="k")
    assert (first.status_code, again.status_code) == (422, 422)
    assert first.json() == again.json()
    assert await shop.points("alice") == (10, 0)


async def test_two_sites_of_a_program_have_their_own_orders(shop: Shop) -> None:
    async with shop.house.database.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into sites (program_id, site_id, name, domain, currency, created_at, updated_at) "
            "values ($1, 2, 'Outlet', 'https://outlet.example', 'JPY', now(), now())",
            shop.program_id,
        )
        await connection.execute(
            "update heads set version = version + 1 where program_id = $1", shop.program_id
        )
        await connection.execute(
            "insert into program_versions select program_id, 2, rules, recorded_at from program_versions "
            "where program_id = $1",
            shop.program_id,
        )
    shop.house.programs.forget()
    answer = await shop.post("/v2/orders", an_order("1001"))
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["site_id"])
    assert (await shop.post("/v2/orders?site_id=1", an_order("1001"))).status_code == 201
    assert (await shop.post("/v2/orders?site_id=2", an_order("1001", total="500"))).status_code == 201
    assert (await shop.get("/v2/orders/1001?site_id=1")).json()["total"] == "20.00"
    assert (await shop.get("/v2/orders/1001?site_id=2")).json()["total"] == "500"
    assert (await shop.get("/v2/orders/1001", auth=shop.basic)).json()["total"] == "20.00"
    assert (await shop.get("/v2/orders/1001?site_id=2", auth=shop.basic)).status_code == 404
    assert (await shop.get("/v2/orders/1001?site_id=3")).json()["error"]["message"] == "Site not found"
