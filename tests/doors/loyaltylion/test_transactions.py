"""Transactions: every change of a customer's points, as JSON and as CSV."""

import csv
import io

from tests.doors.loyaltylion.conftest import Shop


async def a_story(shop: Shop) -> None:
    """Alice buys, gets some back, waits for her approval, is given points; Bob buys."""
    await shop.order("1001")
    await shop.post("/v2/orders/1001/refunds", {"amount": "5"})
    shop.clock.forward(days=15)
    await shop.post("/v2/customers/alice/points", {"points": 7, "reason": "=HYPERLINK(sorry)"})
    await shop.post("/v2/customers/alice/remove_points", {"points": 2})
    await shop.order("1002", customer_id="@bob", customer_email="-bob@example.com")


async def test_each_movement_is_one_transaction(slow_shop: Shop) -> None:
    await a_story(slow_shop)
    listed = (await slow_shop.get("/v2/transactions?since_id=0")).json()["transactions"]
    assert [
        (t["id"], t["customer"]["merchant_id"], t["points_approved"], t["points_pending"], t["resource"])
        for t in listed
    ] == [
        (1, "alice", 0, 20, "activity"),
        (2, "alice", 0, -5, "activity"),
        (3, "alice", 15, -15, "activity"),
        (4, "alice", 7, 0, "adjustment"),
        (5, "alice", -2, 0, "adjustment"),
        (6, "@bob", 0, 20, "activity"),
    ]
    assert all(t[t["resource"]] is not None for t in listed)
    assert [t["customer"]["points_approved"] for t in listed] == [20, 20, 20, 20, 20, 0]


async def test_a_transaction_says_what_it_is_about(slow_shop: Shop) -> None:
    await a_story(slow_shop)
    listed = (await slow_shop.get("/v2/transactions?since_id=0")).json()["transactions"]
    (order,) = (await slow_shop.get("/v2/orders?since_id=0&limit=1")).json()["orders"]
    (activity,) = (await slow_shop.get("/v2/activities?since_id=0&limit=1")).json()["activities"]
    for transaction in listed[:3]:
        assert transaction["activity"] == activity | {"order": order}
        assert set(transaction) == {
            "id",
            "customer",
            "points_approved",
            "points_pending",
            "created_at",
            "resource",
            "activity",
        }
    assert listed[3]["adjustment"] == {"note": "=HYPERLINK(sorry)"}
    assert listed[4]["adjustment"] == {"note": None}


async def test_one_customers_transactions(slow_shop: Shop) -> None:
    await a_story(slow_shop)
    alices = (await slow_shop.get("/v2/customers/alice/transactions")).json()["transactions"]
    assert [t["id"] for t in alices] == [5, 4, 3, 2, 1]
    bobs = (await slow_shop.get("/v2/customers/%40bob/transactions")).json()["transactions"]
    assert [t["id"] for t in bobs] == [6]
    by_id = (await slow_shop.get("/v2/transactions?customer_id=2")).json()["transactions"]
    assert by_id == bobs
    assert (await slow_shop.get("/v2/customers/nobody/transactions")).status_code == 404
    assert (await slow_shop.get("/v2/transactions?customer_id=99")).json()["transactions"] == []


async def test_transactions_are_bounded_by_time(slow_shop: Shop) -> None:
    await a_story(slow_shop)
    listed = (await slow_shop.get("/v2/transactions?since_id=0")).json()["transactions"]
    since, until = listed[2]["created_at"], listed[5]["created_at"]
    between = await slow_shop.get(
        f"/v2/transactions?since_id=0&created_at_min={since}&created_at_max={until}"
    )
    assert [t["id"] for t in between.json()["transactions"]] == [3, 4, 5]
    alices = await slow_shop.get(f"/v2/customers/alice/transactions?created_at_max={since}")
    assert [t["id"] for t in alices.json()["transactions"]] == [2, 1]


async def test_the_csv_has_every_column_and_no_formula(slow_shop: Shop) -> None:
    await a_story(slow_shop)
    answer = await slow_shop.get("/v2/transactions?type=csv&since_id=0")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    first, given, bobs = rows[0], rows[3], rows[5]
    assert first == {
        "id": "1",
        "created_at": first["created_at"],
        "customer_id": "1",
        "customer_merchant_id": "alice",
        "customer_email": "alice@example.com",
        "points_approved": "0",
        "points_pending": "20",
        "resource": "activity",
        "activity_id": "1",
        "rule_name": "$purchase",
        "order_merchant_id": "1001",
        "note": "",
        "claimed_reward_id": "",
    }
    assert (given["note"], given["resource"], given["rule_name"]) == ("'=HYPERLINK(sorry)", "adjustment", "")
    assert (bobs["customer_merchant_id"], bobs["customer_email"]) == ("'@bob", "'-bob@example.com")
    assert rows[4]["points_approved"] == "-2"


async def test_the_csv_is_paged_by_its_link(slow_shop: Shop) -> None:
    await a_story(slow_shop)
    seen: list[str] = []
    path = "/v2/transactions?type=csv&limit=4"
    for _ in range(3):
        answer = await slow_shop.get(path)
        seen += [row["id"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))]
        if "next" not in answer.links:
            break
        path = answer.links["next"]["url"]
    assert seen == ["6", "5", "4", "3", "2", "1"]


async def test_a_program_without_movements_has_an_empty_list(shop: Shop) -> None:
    answer = await shop.get("/v2/transactions")
    assert answer.json() == {"transactions": [], "cursor": {"prev": None, "next": None}}
    assert answer.headers["link"] == ""
