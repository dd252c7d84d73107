"""Rewards and spending through our own API."""

import pytest

from tests.doors.api.conftest import Shop, a_reward, error


async def test_a_reward_is_made_read_changed_and_switched(shop: Shop) -> None:
    made = await shop.post("/rewards", a_reward(prefix="TEA", valid_days=30))
    assert made.status_code == 201
    reward = made.json()["reward"]
    assert (reward["id"], reward["enabled"], reward["out_of_stock"]) == (1, True, False)
    assert reward["counts"]["claimed"] == 0
    assert (await shop.get("/rewards/1")).json()["reward"] == reward
    changed = (await shop.patch("/rewards/1", {"cost": 30, "valid_days": None})).json()["reward"]
    assert changed == reward | {"cost": 30, "valid_days": None}
    assert (await shop.post("/rewards/1/disable")).json()["reward"]["enabled"] is False
    assert (await shop.post("/rewards/1/disable")).json()["reward"]["enabled"] is False
    assert (await shop.post("/rewards/1/enable")).json()["reward"]["enabled"] is True
    assert (await shop.get("/rewards")).json() == {"rewards": [changed]}


async def test_a_pool_begins_out_of_stock(shop: Shop) -> None:
    made = await shop.post("/rewards", a_reward(codes="pool"))
    assert made.json()["reward"]["out_of_stock"] is True


async def test_the_same_key_makes_one_reward(shop: Shop) -> None:
    first = await shop.post("/rewards", a_reward(), idempotency_key="K1")
    again = await shop.post("/rewards", a_reward(), idempotency_key="K1")
    assert (again.status_code, again.json()) == (201, first.json())
    other = await shop.post("/rewards", a_reward(cost=21), idempotency_key="K1")
    assert error(other)[:2] == (422, "idempotency_key_reused")
    redeem = await shop.post("/customers/alice/claims", {"reward_id": 1}, idempotency_key="K1")
    assert error(redeem)[:2] == (422, "idempotency_key_reused")
    assert len((await shop.get("/rewards")).json()["rewards"]) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_minor": ...}, "amount_minor"),
        ({"title": ...}, "title"),
        ({"title": " "}, "title"),
        ({"kind": "bribe"}, "kind"),
        ({"colour": "red"}, "colour"),
        ({"percent": 10}, "percent"),
        ({"cost": "20"}, "cost"),
        ({"cost": 0}, "cost"),
        ({"cost": 10**30}, "cost"),
        ({"codes": "none"}, "codes"),
        ({"sites": [99]}, "sites"),
        ({"tiers": [""]}, "tiers[0]"),
        ({"starts_at": "2026-03-02T12:00:00"}, "starts_at"),
        ({"title": "a\u0000b"}, "title"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_fields_name(
    shop: Shop, changes: dict[str, object], field: str
) -> None:
    status, code, details = error(await shop.post("/rewards", a_reward(**changes)))
    assert (status, code, list(details["fields"])) == (422, "invalid", [field])
    assert (await shop.get("/rewards")).json() == {"rewards": []}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (422, "invalid", {"fields": {"body": "says nothing to change"}})),
        ({"kind": "custom"}, (422, "invalid", {"fields": {"kind": "is not known"}})),
        ({"amount_minor": None}, (422, "invalid", None)),
        (b"{", (400, "malformed", {})),
        (b"[]", (422, "invalid", {"fields": {"body": "expected `object`, got `array`"}})),
        (b"\xff\xfe", (400, "malformed", {})),
    ],
)
async def test_a_change_that_cannot_be_is_refused(
    shop: Shop, body: object, expected: tuple[object, ...]
) -> None:
    await shop.reward()
    found = error(await shop.patch("/rewards/1", body))
    assert found[:2] == expected[:2]
    assert expected[2] in (None, found[2])


async def test_an_unknown_reward_is_404(shop: Shop) -> None:
    for method, path in (("GET", ""), ("POST", "/enable"), ("GET", "/codes"), ("GET", "/codes.csv")):
        assert error(await shop.send(method, f"/rewards/7{path}")) == (404, "unknown_reward", {"reward": 7})
    assert error(await shop.patch("/rewards/7", {"cost": 1}))[:2] == (404, "unknown_reward")
    assert error(await shop.get("/rewards/x"))[:2] == (404, "not_found")
    assert error(await shop.get(f"/rewards/{'9' * 16}"))[:2] == (404, "not_found")


async def test_spending_is_read_and_changed(shop: Shop) -> None:
    usual = {"refund_returns": "nothing", "expired_returns_points": False}
    assert (await shop.get("/spending")).json() == {"spending": usual}
    changed = usual | {"refund_returns": "points"}
    assert (await shop.patch("/spending", {"refund_returns": "points"})).json() == {"spending": changed}
    assert (await shop.get("/spending")).json() == {"spending": changed}
    assert error(await shop.patch("/spending", {"refund_returns": "all"}))[:2] == (422, "invalid")


# -- who may


async def test_without_a_key_that_counts_nothing_is_shown(shop: Shop) -> None:
    for auth in ("", "Bearer nonsense", "Basic YTpi", "Bearer", f"Bearer {shop.created.site_token}"):
        answer = await shop.get("/rewards", auth=auth)
        assert error(answer) == (401, "unauthenticated", {})
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_does_what_its_scopes_allow(shop: Shop) -> None:
    reader, writer = await shop.key("read_customers"), await shop.key("write_customers")
    settings = await shop.key("write_configuration")
    await shop.reward()
    await shop.earn()
    for key in (reader, writer, settings):
        assert (await shop.get("/rewards", auth=key)).status_code == 200
    for key in (reader, writer):
        answer = await shop.post("/rewards", a_reward(), auth=key)
        assert error(answer) == (403, "forbidden", {"scopes": ["write_configuration"]})
        assert error(await shop.get("/rewards/1/codes", auth=key))[0] == 403
    redemption = {"reward_id": 1}
    assert error(await shop.post("/customers/alice/claims", redemption, auth=reader))[0] == 403
    assert error(await shop.post("/customers/alice/claims", redemption, auth=settings))[0] == 403
    assert error(await shop.get("/customers/alice", auth=settings))[0] == 403
    assert (await shop.post("/customers/alice/claims", redemption, auth=writer)).status_code == 201


async def test_what_is_not_there_says_so(shop: Shop) -> None:
    assert error(await shop.get("/nothing"))[:2] == (404, "not_found")
    answer = await shop.send("DELETE", "/rewards")
    assert error(answer)[:2] == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    head = await shop.send("HEAD", "/rewards")
    assert (head.status_code, head.content) == (200, b"")
