"""Pages of the program's own shops may read the answers, and no others: not even those that look alike."""

import pytest

from tests.doors.storefront.conftest import OURS, SHOP, Shop

FOREIGN = [
    "null",
    "https://evil.example",
    "https://tea.example.evil.example",
    "https://eviltea.example",
    "https://www.tea.example",
    "https://tea.example:8443",
    "http://tea.example",
    "https://TEA.example",
    "https://tea.example/",
    "https://tea.example,https://evil.example",
    "https://tea.example\thttps://evil.example",
    "https://téa.example",
    "tea.example",
    "file://",
    "*",
    "",
]
CALLS = [("GET", "program"), ("POST", "session"), ("GET", "me"), ("GET", "history"), ("POST", "redeem"),
         ("POST", "birthday")]  # fmt: skip
ALLOW = "access-control-allow-origin"


@pytest.mark.parametrize(("method", "call"), CALLS)
async def test_a_page_of_the_shop_may_ask_and_read(shop: Shop, method: str, call: str) -> None:
    session = await shop.log_in()
    asked = await shop.browser.options(
        f"/storefront/v1/{call}",
        headers={
            "origin": SHOP,
            "access-control-request-method": method,
            "access-control-request-headers": "authorization,content-type,idempotency-key",
        },
    )
    assert asked.status_code == 204
    assert asked.headers[ALLOW] == SHOP
    assert method in asked.headers["access-control-allow-methods"]
    assert "idempotency-key" in asked.headers["access-control-allow-headers"]
    bodies = {"session": shop.md5("alice"), "redeem": {"reward_id": 1}, "birthday": {}}
    target = f"program?key={shop.keys.lootly_api_key}" if call == "program" else call
    if method == "GET":
        answer = await shop.get(target, session)
    else:
        answer = await shop.post(target, bodies[call], session, idempotency_key="k")
    assert answer.status_code < 500
    assert answer.headers[ALLOW] == SHOP
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", FOREIGN)
async def test_any_other_page_may_not(shop: Shop, origin: str) -> None:
    session = await shop.log_in()
    shown = origin.encode().decode("latin-1")
    asked = await shop.browser.options(
        "/storefront/v1/me",
        headers={"origin": shown.encode("latin-1"), "access-control-request-method": "GET"},
    )
    answers = [
        asked,
        await shop.get(f"program?key={shop.keys.lootly_api_key}", origin=origin),
        await shop.get("program?key=unknown", origin=origin),
        await shop.get("me", session, origin=origin),
        await shop.get("me", "1.x", origin=origin),
        await shop.post("session", shop.md5("alice"), origin=origin),
        await shop.post("session", b"{}", origin=origin),
        await shop.post("redeem", {"reward_id": 1}, session, origin=origin, idempotency_key="k"),
        await shop.get("nothing-here", origin=origin),
    ]
    assert [answer.headers.get(ALLOW) for answer in answers] == [None] * len(answers)
    assert [answer.status_code // 100 for answer in answers] == [2] + [4] * (len(answers) - 1)


async def test_another_programs_shop_is_foreign_too(shop: Shop, other: Shop) -> None:
    beans = "https://beans.example"
    for answer, status in (
        (await shop.get(f"program?key={shop.keys.lootly_api_key}", origin=beans), 403),
        (await shop.post("session", shop.md5("alice"), origin=beans), 403),
        (await shop.get("me", await shop.log_in(), origin=beans), 401),
    ):
        assert answer.status_code == status
        assert ALLOW not in answer.headers
    allowed = await shop.get(f"program?key={other.keys.lootly_api_key}", origin=beans)
    assert allowed.headers[ALLOW] == beans


async def test_a_refusal_can_be_read_by_the_shops_page(shop: Shop) -> None:
    for answer in (
        await shop.get("me", "1.x"),
        await shop.post("session", b"{}"),
        await shop.get("program?key=unknown"),
    ):
        assert answer.status_code in (401, 404)
        assert answer.headers[ALLOW] == SHOP


async def test_a_page_of_this_very_server_needs_no_permission(shop: Shop) -> None:
    answer = await shop.post("session", shop.md5("alice"), origin=OURS)
    assert answer.status_code == 200
    assert ALLOW not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/storefront/v1/program", "GET"),
        ("GET", "/storefront/v1/session", "POST"),
        ("DELETE", "/storefront/v1/me", "GET"),
        ("PUT", "/storefront/v1/redeem", "POST"),
        ("POST", "/js/integrations/common/script.js", "GET"),
    ],
)
async def test_each_call_has_its_method(shop: Shop, method: str, path: str, allowed: str) -> None:
    answer = await shop.browser.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    ["/storefront", "/storefront/", "/storefront/v1", "/storefront/v1/", "/storefront/v1/me/",
     "/storefront/v2/me", "/storefront/../etc/passwd", "/storefront/v1/%2e%2e",
     "/js/integrations/common/other.js",
     "/storefront/panel-..js", "/storefront/app.py"],
)  # fmt: skip
async def test_there_is_nothing_beside_them(shop: Shop, path: str) -> None:
    answer = await shop.browser.get(path)
    assert answer.status_code == 404
