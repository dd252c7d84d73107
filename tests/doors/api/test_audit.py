"""What is changed through this API is written down: configuration in the audit log, points in the book."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from regulars.app.audit import Entry
from regulars.app.verify import verify
from regulars.doors.api.routes import CONFIGURE, ROUTES, Route
from regulars.storage import audit_entries
from tests.doors.api.conftest import Shop

POOL = {"codes": "pool"}
CODE = "A1B2C3D4E5F6G7H8"


async def entries(shop: Shop) -> list[Entry]:
    async with shop.house.database.acquire() as connection:
        return await audit_entries.after(connection, shop.program_id, 0, 1_000)


async def decisions(shop: Shop) -> list[Any]:
    async with shop.house.database.acquire() as connection:
        return await connection.fetch(
            "select decision_id, kind, actor from decisions where program_id = $1 order by decision_id",
            shop.program_id,
        )


async def make(shop: Shop) -> Any:
    return await shop.post("/rewards", {"kind": "custom", "title": "Tour", "cost": 5, "codes": "none"})


async def change(shop: Shop) -> Any:
    reward_id = await shop.reward()
    return await shop.patch(f"/rewards/{reward_id}", {"cost": 30})


async def enable(shop: Shop) -> Any:
    reward_id = await shop.reward(enabled=False)
    return await shop.post(f"/rewards/{reward_id}/enable")


async def disable(shop: Shop) -> Any:
    reward_id = await shop.reward()
    return await shop.post(f"/rewards/{reward_id}/disable")


async def upload(shop: Shop) -> Any:
    return await shop.upload(await shop.reward(**POOL), CODE.encode())


async def void(shop: Shop) -> Any:
    reward_id = await shop.reward(**POOL)
    await shop.upload(reward_id, CODE.encode())
    return await shop.post(f"/rewards/{reward_id}/codes/void", {"codes": [CODE]})


async def spend(shop: Shop) -> Any:
    return await shop.patch("/spending", {"refund_returns": "points"})


CONFIGURING: dict[str, tuple[Callable[[Shop], Awaitable[Any]], str]] = {
    "create_reward": (make, "make reward"),
    "change_reward": (change, "change reward"),
    "enable_reward": (enable, "change reward"),
    "disable_reward": (disable, "change reward"),
    "upload_codes": (upload, "upload codes"),
    "void_codes": (void, "void codes"),
    "change_spending": (spend, "change spending"),
}


def changing(route: Route) -> bool:
    return route.method != "GET"


def test_every_route_that_configures_is_tried_here() -> None:
    assert {route.name for route in ROUTES if changing(route) and route.scopes == CONFIGURE} == set(
        CONFIGURING
    )


@pytest.mark.parametrize("name", CONFIGURING)
async def test_configuration_is_changed_under_the_keys_name(shop: Shop, name: str) -> None:
    send, action = CONFIGURING[name]
    answer = await send(shop)
    assert answer.status_code in (200, 201), answer.text
    entry = (await entries(shop))[-1]
    assert (entry.action, entry.name, entry.at) == (action, "First API key", shop.clock.now)
    assert entry.actor.startswith("api key ") and entry.actor.removeprefix("api key ").isdigit()
    assert entry.before != entry.after
    assert (await verify(shop.house.database, program_id=shop.program_id, now=shop.clock.now)).is_clean


async def test_what_is_refused_or_changes_nothing_is_not_written_down(shop: Shop) -> None:
    reward_id = await shop.reward()
    known = len(await entries(shop))
    assert (await shop.post(f"/rewards/{reward_id}/enable")).status_code == 200
    assert (await shop.patch(f"/rewards/{reward_id}", {"cost": -1})).status_code == 422
    assert (await shop.patch(f"/rewards/{reward_id}", {"cost": 20})).status_code == 200
    assert len(await entries(shop)) == known


async def test_what_customers_claim_stands_in_the_book_with_who_did_it(shop: Shop) -> None:
    """Points are moved by decisions, which the hash chain keeps, and which name their actor: an entry of the
    log would say the same a second time, and a shop's own server redeems a thousand times a day."""
    await shop.earn()
    reward_id = await shop.reward()
    custom = await shop.reward(kind="custom", amount_minor=..., codes="none")

    async def claim(path: str, **body: Any) -> int:
        answer = await shop.post(f"/customers/alice/{path}", body)
        assert answer.status_code in (200, 201), answer.text
        claim_id: int = answer.json()["claim"]["id"]
        return claim_id

    before, log = len(await decisions(shop)), len(await entries(shop))
    first = await claim("claims", reward_id=reward_id)
    await claim("gifts", reward_id=reward_id, reason="for the broken cup")
    await claim(f"claims/{first}/cancel")
    await claim(f"claims/{await claim('claims', reward_id=custom)}/fulfil")
    found = [(row["kind"], row["actor"]) for row in (await decisions(shop))[before:]]
    key = "api key First API key"
    assert found == [
        ("RedeemReward", None),  # the customer's own doing
        ("RedeemReward", key),
        ("CancelClaim", key),
        ("RedeemReward", None),
        ("FulfilClaim", key),
    ]
    assert len(await entries(shop)) == log


def test_every_other_route_that_changes_is_one_of_the_books() -> None:
    others = {route.name for route in ROUTES if changing(route) and route.scopes != CONFIGURE}
    assert others == {"redeem", "give", "cancel", "fulfil", "merge_customer"}
