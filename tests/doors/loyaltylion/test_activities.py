"""Activities: sign-ups as shops report them, and the list, in which purchases and adjustments appear too."""

from datetime import datetime
from typing import Any

import pytest

from regulars.app.programs import change_rules
from regulars.domain.program import JoinRule
from tests.doors.loyaltylion.conftest import Shop


async def joining_gives(shop: Shop, points: int) -> None:
    await change_rules(
        shop.house.database, shop.program_id, join=lambda _: JoinRule(points=points), now=shop.house.clock()
    )


@pytest.mark.parametrize("name", ["$signup", "signup"])
async def test_signing_up_enrols_and_gives_the_join_points_once(shop: Shop, name: str) -> None:
    await joining_gives(shop, 100)
    for _ in range(2):
        await shop.join("alice", name=name)
    assert await shop.points("alice") == (100, 0)
    assert (await shop.customer("alice"))["enrolled"] is True


async def test_a_sign_up_by_a_guest_enrols_nobody(shop: Shop) -> None:
    await joining_gives(shop, 100)
    await shop.join("alice", guest=True)
    customer = await shop.customer("alice")
    assert (customer["guest"], customer["enrolled"], customer["points_approved"]) == (True, False, 0)
    await shop.join("alice", guest=False)
    customer = await shop.customer("alice")
    assert (customer["guest"], customer["enrolled"], customer["points_approved"]) == (False, True, 100)


async def test_a_sign_up_takes_everything_that_is_documented(shop: Shop) -> None:
    await shop.join(
        "7",
        customer_id=7,
        customer_email="seven@example.com",
        merchant_id="signup-7",
        properties={"url": "https://tea.example/join", "step": 3, "beta": True, "none": None},
        ip_address="203.0.113.7",
        user_agent="Mozilla/5.0",
        date="2026-03-01T12:00:00+01:00",
        referral_id="ref",
        tracking_id=None,
        state="pending",
    )
    (activity,) = (await shop.get("/v2/activities")).json()["activities"]
    created_at = datetime.fromisoformat(activity.pop("created_at"))
    assert created_at.year == 2026
    assert activity == {
        "id": 1,
        "merchant_id": "signup-7",
        "value": 0,
        "state": "approved",
        "customer": {
            "id": 1,
            "merchant_id": "7",
            "email": "seven@example.com",
            "points_pending": 0,
            "points_approved": 0,
            "points_spent": 0,
        },
        "rule": {"id": 2, "name": "$signup", "title": "Sign up"},
        "resource": None,
    }
    assert (await shop.customer("7"))["enrolled_at"] == "2026-03-01T11:00:00.000Z"


async def test_an_activity_that_nobody_knows_is_refused_by_name(shop: Shop) -> None:
    answer = await shop.post(
        "/v2/activities", {"name": "$review", "customer_id": "alice", "customer_email": "alice@example.com"}
    )
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["name"])
    assert (await shop.get("/v2/customers")).json()["customers"] == []


async def states(shop: Shop) -> list[tuple[Any, ...]]:
    listed = (await shop.get("/v2/activities?since_id=0")).json()["activities"]
    return [(a["rule"]["name"], a["merchant_id"], a["value"], a["state"]) for a in listed]


async def test_a_purchase_is_pending_then_approved_or_declined_or_void(slow_shop: Shop) -> None:
    for number in ("declined", "void", "approved"):
        await slow_shop.order(number)
    await slow_shop.put("/v2/orders/declined/refunded")
    assert await states(slow_shop) == [
        ("$purchase", "declined", 20, "declined"),
        ("$purchase", "void", 20, "pending"),
        ("$purchase", "approved", 20, "pending"),
    ]
    slow_shop.clock.forward(days=15)
    await slow_shop.put("/v2/orders/void/cancelled")
    assert await states(slow_shop) == [
        ("$purchase", "declined", 20, "declined"),
        ("$purchase", "void", 20, "void"),
        ("$purchase", "approved", 20, "approved"),
    ]


async def test_purchases_sign_ups_and_adjustments_are_one_list(shop: Shop) -> None:
    await joining_gives(shop, 100)
    await shop.order("1001")
    await shop.post("/v2/customers/alice/points", {"points": 5, "reason": "sorry"})
    await shop.post("/v2/customers/alice/remove_points", {"points": 3, "reason": "oops"})
    await shop.order("unpaid", payment_status="not_paid")
    listed = (await shop.get("/v2/activities?since_id=0")).json()["activities"]
    assert [(a["id"], a["rule"]["name"], a["value"], a["resource"]) for a in listed] == [
        (1, "$signup", 100, None),
        (2, "$purchase", 20, "order"),
        (3, None, 5, None),
        (4, None, -3, None),
    ]
    assert listed[2]["rule"] == {"id": None, "name": None, "title": None}


async def test_the_list_is_bounded_by_time(shop: Shop) -> None:
    moments = []
    for number in ("1", "2", "3", "4"):
        await shop.order(number, customer_id=number)
        moments.append(shop.clock.now.isoformat().replace("+00:00", "Z"))
        await shop.post(f"/v2/customers/{number}/points", {"points": int(number)})

    async def found(query: str) -> list[int]:
        listed = (await shop.get(f"/v2/activities?since_id=0&{query}")).json()["activities"]
        return [a["value"] for a in listed]

    everything = [20, 1, 20, 2, 20, 3, 20, 4]
    assert await found("") == everything
    assert await found(f"created_at_min={moments[1]}") == everything[2:]
    assert await found(f"created_at_min={moments[1]}&created_at_max={moments[3]}") == everything[2:6]
    assert await found(f"created_at_max={moments[0]}") == []
    assert await found("created_at_min=2031-01-01T00:00:00Z") == []
