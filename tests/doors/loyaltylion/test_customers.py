"""Customers, their points, and what staff do to them."""

from typing import Any

import pytest

from regulars.domain.errors import Busy
from regulars.doors.loyaltylion import customers
from tests.doors.loyaltylion.conftest import Shop


async def test_the_list_shows_every_documented_field(shop: Shop) -> None:
    await shop.join("alice", date="2026-03-01T10:00:00Z")
    await shop.order("1001")
    (customer,) = (await shop.get("/v2/customers")).json()["customers"]
    assert customer.pop("created_at") < customer.pop("updated_at")
    assert customer == {
        "id": 1,
        "merchant_id": "alice",
        "email": "alice@example.com",
        "points_approved": 20,
        "points_pending": 0,
        "points_spent": 0,
        "rewards_claimed": 0,
        "rewards_used": 0,
        "properties": {"name": None, "first_name": None, "last_name": None},
        "metadata": {},
        "birthday": None,
        "blocked": False,
        "guest": False,
        "enrolled": True,
        "enrolled_at": "2026-03-01T10:00:00.000Z",
        "referral_id": None,
        "referred_by": None,
        "referral_url": None,
        "insights_segment": None,
        "loyalty_tier_membership": None,
        "tier_eligibility": None,
        "linked_merchant_ids": [],
        "loyalty_pass_url": None,
    }


async def test_the_email_filter_finds_parts_in_any_letter_case(shop: Shop) -> None:
    for name in ("Ann_Lee", "annxlee", "bob"):
        await shop.join(name, customer_email=f"{name}@Example.com")
    found = {}
    for part in ("ANN", "nn_l", "bob@example.com", "%", "example", "\\"):
        answer = await shop.client.get(
            "/v2/customers", params={"email": part}, headers={"authorization": shop.auth}
        )
        found[part] = sorted(customer["merchant_id"] for customer in answer.json()["customers"])
    assert found == {
        "ANN": ["Ann_Lee", "annxlee"],
        "nn_l": ["Ann_Lee"],
        "bob@example.com": ["bob"],
        "%": [],
        "example": ["Ann_Lee", "annxlee", "bob"],
        "\\": [],
    }


async def test_sorting_by_the_last_change(shop: Shop) -> None:
    for name in ("alice", "bob", "carol"):
        await shop.join(name)
    await shop.post("/v2/customers/alice/points", {"points": 5})
    for direction, expected in (("desc", ["alice", "carol", "bob"]), ("asc", ["bob", "carol", "alice"])):
        answer = await shop.get(f"/v2/customers?sort_field=updated_at&sort_direction={direction}")
        assert [customer["merchant_id"] for customer in answer.json()["customers"]] == expected
    newest = await shop.get("/v2/customers?sort_field=id&sort_direction=asc")
    assert [customer["id"] for customer in newest.json()["customers"]] == [1, 2, 3]


async def test_filters_by_time_include_their_start_and_exclude_their_end(shop: Shop) -> None:
    moments = []
    for name in ("alice", "bob", "carol"):
        await shop.join(name)
        moments.append(shop.clock.now.isoformat().replace("+00:00", "Z"))
    await shop.post("/v2/customers/alice/points", {"points": 5})

    async def found(query: str) -> list[str]:
        listed = (await shop.get(f"/v2/customers?since_id=0&{query}")).json()["customers"]
        return [customer["merchant_id"] for customer in listed]

    assert await found(f"created_at_min={moments[1]}") == ["bob", "carol"]
    assert await found(f"created_at_max={moments[1]}") == ["alice"]
    assert await found(f"created_at_min={moments[0]}&created_at_max={moments[2]}") == ["alice", "bob"]
    assert await found(f"updated_at_min={moments[2]}") == ["alice", "carol"]
    assert await found(f"updated_at_max={moments[2]}") == ["bob"]
    assert await found("created_at_min=2030-01-01T00:00:00%2B01:00") == []
    assert await found("created_at_min=2020-01-01T00:00:00+01:00") == ["alice", "bob", "carol"]


async def test_a_customer_is_changed_and_shown_whole(shop: Shop) -> None:
    await shop.join("alice")
    answer = await shop.send("PATCH", "/v2/customers/alice", {"customer": {"birthday": "1990-02-28"}})
    assert answer.status_code == 200
    assert answer.json()["customer"] == await shop.customer("alice")
    assert answer.json()["customer"]["birthday"] == "1990-02-28"
    answer = await shop.send("PATCH", "/v2/customers/alice", {"customer": {"blocked": True}})
    assert (answer.json()["customer"]["blocked"], answer.json()["customer"]["birthday"]) == (
        True,
        "1990-02-28",
    )
    await shop.order("1001")
    assert await shop.points("alice") == (0, 0)


async def test_a_change_that_stands_is_not_called_undone_because_it_cannot_be_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.join("alice")

    async def is_away(*_: Any, **__: Any) -> Any:
        raise Busy(reading="customers")

    with monkeypatch.context() as while_away:
        while_away.setattr(customers, "show_customer", is_away)
        answer = await shop.send("PATCH", "/v2/customers/alice", {"customer": {"birthday": "1990-02-28"}})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "may have happened" in answer.text
    assert (await shop.customer("alice"))["birthday"] == "1990-02-28"


async def test_patching_nobody_is_a_404(shop: Shop) -> None:
    answer = await shop.send("PATCH", "/v2/customers/nobody", {"customer": {"blocked": True}})
    assert (answer.status_code, answer.json()) == (404, {"error": {"message": "Customer not found"}})


@pytest.mark.parametrize(
    "day", ["1990-02-30", "1899-12-31", "2026-03-03", "28/02/1990", "", 19900228, "1990-2-8"]
)
async def test_a_birthday_that_is_none_is_refused(shop: Shop, day: Any) -> None:
    await shop.join("alice")
    answer = await shop.send("PATCH", "/v2/customers/alice", {"customer": {"birthday": day}})
    assert answer.status_code in (400, 422)
    assert list(answer.json()["error"]["details"]) == ["customer.birthday"]
    assert (await shop.customer("alice"))["birthday"] is None


async def test_points_are_given_and_taken_at_once(slow_shop: Shop) -> None:
    await slow_shop.join("alice")
    given = await slow_shop.post(
        "/v2/customers/alice/points", {"points": 100, "reason": "Sorry for the wait"}
    )
    assert (given.status_code, given.text) == (201, "")
    taken = await slow_shop.post("/v2/customers/alice/remove_points", {"points": 30, "reason": None})
    assert (taken.status_code, taken.content) == (204, b"")
    assert await slow_shop.points("alice") == (70, 0)


async def test_points_are_taken_down_to_zero_and_not_beyond(shop: Shop) -> None:
    await shop.join("alice")
    await shop.post("/v2/customers/alice/points", {"points": 10})
    answer = await shop.post("/v2/customers/alice/remove_points", {"points": 11})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == {"points": "11 were asked for, 10 are available"}
    assert (await shop.post("/v2/customers/alice/remove_points", {"points": 10})).status_code == 204
    assert await shop.points("alice") == (0, 0)


async def test_a_guest_or_a_blocked_customer_is_given_nothing(shop: Shop) -> None:
    await shop.order("1001", customer_id="guest", guest=True)
    await shop.join("bad")
    await shop.send("PATCH", "/v2/customers/bad", {"customer": {"blocked": True}})
    for who, message in (
        ("guest", "Customer is not enrolled in the program"),
        ("bad", "Customer is blocked"),
    ):
        answer = await shop.post(f"/v2/customers/{who}/points", {"points": 5})
        assert (answer.status_code, answer.json()["error"]["message"]) == (422, message)


async def test_an_adjustment_is_signed_with_the_keys_name(shop: Shop) -> None:
    await shop.join("alice")
    await shop.post("/v2/customers/alice/points", {"points": 5})
    await shop.post("/v2/customers/alice/points", {"points": 5}, auth=shop.basic)
    async with shop.house.database.acquire() as connection:
        rows = await connection.fetch(
            "select actor from decisions where program_id = $1 and actor is not null order by decision_id",
            shop.program_id,
        )
    assert [row["actor"] for row in rows] == ["api key First API key", "site https://tea.example"]
