"""What no honest page sends, on every call of the widget: refused at once, no 5xx, and the book stays."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from regulars.doors.storefront.app import ROUTES
from tests.doors.storefront.conftest import Shop
from tests.hostile import bodies
from tests.hostile.world import listening

SLOWEST_SECONDS = 5.0

REDEEM = {"reward_id": 1, "points": 500, "proof": {"token": "x"}}
FIELDS: dict[str, list[tuple[str, ...]]] = {
    "session": [
        ("key",), ("shop_domain",), ("shop_id",), ("customer_id",), ("customer_signature",),
    ],
    "redeem": [("reward_id",), ("points",), ("proof",), ("proof", "token")],
    "birthday": [("birthday",)],
}  # fmt: skip


def good_body(shop: Shop, call: str) -> dict[str, Any]:
    return {"session": shop.md5("alice"), "redeem": REDEEM, "birthday": {"birthday": "1990-05-01"}}[call]


def posts(shop: Shop) -> Iterator[tuple[str, bytes]]:
    """Every call that takes a body, with every body of the corpus, and every value in each of its places."""
    for call, paths in FIELDS.items():
        good = good_body(shop, call)
        for _, body, _ in bodies.whole(json.dumps(good).encode()):
            yield call, body if isinstance(body, bytes) else body()
        for path, value in itertools.product(paths, bodies.VALUES.values()):
            yield call, bodies.replaced(good, path, value).encode("utf-8", "surrogatepass")
    sha1, token = shop.sha1("alice"), shop.v2()
    for path, value in itertools.product(
        [("site",), ("customer",), ("customer", "id"), ("customer", "email"), ("auth",), ("auth", "date"),
         ("auth", "token")], bodies.VALUES.values(),
    ):  # fmt: skip
        yield "session", bodies.replaced(sha1, path, value).encode("utf-8", "surrogatepass")
    for value in bodies.VALUES.values():
        yield "session", bodies.replaced(token, ("token",), value).encode("utf-8", "surrogatepass")


def test_every_call_is_tried() -> None:
    assert set(FIELDS) == {call for call, method in ROUTES.items() if method == "POST"}


async def test_no_body_breaks_anything(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.add_reward()
    session = await shop.log_in()
    before = await head(shop)
    statuses: dict[int, int] = {}
    with listening(monkeypatch) as errors:
        for number, (call, body) in enumerate(posts(shop)):
            shop.seconds += 60
            if number % 100 == 0:
                shop.clock.forward(seconds=1)
                session = await shop.log_in()
            answer = await shop.post(call, body, session, idempotency_key=f"k-{number}")
            assert answer.status_code in (200, 401, 422, 409, 404), (call, body[:200], answer.text)
            assert answer.elapsed.total_seconds() < SLOWEST_SECONDS
            assert answer.json()
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    assert errors == []
    assert sum(statuses.values()) > 1000 and statuses[401] > 400 and statuses[422] > 200, statuses
    assert await head(shop) == before


async def head(shop: Shop) -> tuple[int, ...]:
    """What moves when the book does; decisions that were refused under a key are none of it."""
    async with shop.house.database.acquire() as connection:
        row = await connection.fetchrow("select customer, movement, claim, activity, lot from heads")
        assert row is not None
        return tuple(row.values())


async def test_no_query_header_or_address_breaks_anything(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await shop.log_in()
    asked: list[tuple[str, dict[str, str]]] = [
        *((f"{call}?{name}={value}", {})
          for call, name in (("program", "key"), ("program", "site"), ("history", "before"))
          for value in bodies.QUERY_VALUES),
        *((f"{call}?{query}", {}) for call in ("program", "history", "me") for query in bodies.QUERIES),
        *(("me", {"authorization": text}) for text in bodies.AUTHORIZATIONS),
        *(("me", {"origin": text}) for text in bodies.AUTHORIZATIONS),
        *(("program?key=x", {"if-none-match": text}) for text in bodies.AUTHORIZATIONS),
    ]  # fmt: skip
    with listening(monkeypatch) as errors:
        for target, headers in asked:
            shop.seconds += 60
            shown = {name: value.encode("latin-1", "replace") for name, value in headers.items()}
            answer = await shop.browser.get(
                f"/storefront/v1/{target}", headers={"authorization": f"Bearer {session}".encode()} | shown
            )
            assert answer.status_code < 500, (target[:100], headers)
            assert answer.status_code != 500
        for text in bodies.IDEMPOTENCY_KEYS:
            shop.seconds += 60
            answer = await shop.browser.post(
                "/storefront/v1/redeem",
                json={"reward_id": 1},
                headers={
                    "authorization": f"Bearer {session}".encode(),
                    "idempotency-key": text if isinstance(text, bytes) else text.encode("latin-1", "replace"),
                },
            )
            assert answer.status_code in (401, 404, 422)
    assert errors == []
    assert len(asked) > 150
