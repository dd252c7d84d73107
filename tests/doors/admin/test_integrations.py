"""A developer connects a shop with the admin alone: keys, code to paste, the log, and signatures by hand."""

import httpx

from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.app.verify import verify
from regulars.asgi import build as build_all
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import sign
from tests.doors.admin.conftest import HOST, Browser, hire, signed_in, text_of


def whole(house: House, browser: Browser) -> Browser:
    """The same browser at the whole server: its webhooks' door does things for staff."""
    cookies = browser.client.cookies
    transport = httpx.ASGITransport(build_all(house), client=("203.0.113.5", 40_000))
    browser.client = httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies)
    return browser


async def send(browser: Browser, shop: Created, hook: str, said: dict[str, object], secret: str = "") -> None:
    signed = {"key": shop.lootly_api_key} | said
    body = signed | {"hmac": sign(signed, secret or shop.lootly_api_secret)}
    await browser.client.post(f"/integrations/webhooks/common/{hook}", content=json_text(body).encode())


def order(total: str = "39.99", subtotal: str = "29.99") -> dict[str, object]:
    return {
        "id": "1001",
        "total_price": total,
        "subtotal_price": subtotal,
        "total_tax": "0.00",
        "total_discounts": "10.00",
        "taxes_included": "0",
        "customer": {"id": "alice", "email": "alice@example.com"},
    }


async def test_a_connected_site_shows_code_with_its_own_values(owner: Browser) -> None:
    answer = await owner.post("/integrations", {"site": "1", "name": "The shop"})
    assert answer.status_code == 303
    page = await owner.client.get(answer.headers["location"])
    assert page.status_code == 200
    said = text_of(page)
    assert f'src="{HOST}/js/integrations/common/script.js"' in said
    for words in ("hash_hmac('sha256'", "hmac.digest(SECRET", "createHmac", "openssl dgst"):
        assert words in said
    for sample in ("your key", "your secret", "points.example"):
        assert sample not in said


async def test_a_form_without_a_site_or_name_says_so(owner: Browser) -> None:
    answer = await owner.post("/integrations", {"site": "x", "name": "The shop"})
    assert answer.status_code == 422
    answer = await owner.post("/integrations", {"site": "1", "name": " "})
    assert answer.status_code == 422


async def test_settings_are_kept_and_a_wrong_one_changes_nothing(owner: Browser, house: House) -> None:
    page = "/integrations/settings"
    assert (await owner.post(page, {"window_minutes": "5", "md5": "1"})).status_code == 303
    assert 'value="5"' in (await owner.get("/integrations")).text
    assert (await owner.post(page, {"window_minutes": "1e3"})).status_code == 422
    assert 'value="5"' in (await owner.get("/integrations")).text


async def test_support_sees_no_secret(owner: Browser, house: House, shop: Created) -> None:
    staff_id = await hire(house, shop.program_id, Role.SUPPORT, email=f"s{shop.program_id}@tea.example")
    support = await signed_in(house, staff_id, shop.program_id)
    listed = await owner.get("/integrations")
    number = listed.text.partition("/integrations/")[2].partition('"')[0]
    seen, hidden = [await who.get(f"/integrations/{number}") for who in (owner, support)]
    assert shop.lootly_api_secret in seen.text
    assert shop.lootly_api_secret not in hidden.text


async def test_a_renewed_pair_stands_beside_the_old_one_until_that_is_revoked(owner: Browser) -> None:
    first = (await owner.post("/integrations", {"site": "1", "name": "Shop"})).headers["location"]
    second = (await owner.client.post(f"{first}/renew", data={"csrf": await owner.csrf()})).headers[
        "location"
    ]
    assert first != second
    assert (await owner.client.post(f"{first}/revoke", data={"csrf": await owner.csrf()})).status_code == 303
    assert (await owner.client.get(first)).status_code == 404
    assert (await owner.client.get(second)).status_code == 200


async def test_a_key_is_shown_once(owner: Browser) -> None:
    answer = await owner.post("/keys", {"name": "till", "scopes": "read_customers", "days": "30"})
    key = answer.text.partition("pat_")[2].partition("<")[0]
    assert len(key) == 40
    again = await owner.get("/keys")
    assert "till" in again.text
    assert key not in again.text
    assert (await owner.post("/keys", {"name": "till"})).status_code == 422


async def test_a_differing_order_is_applied_from_the_log(owner: Browser, house: House, shop: Created) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order())
    await send(browser, shop, "orders-completed", order("59.99", "49.99"))
    log = await browser.get("/deliveries", params={"q": "1001"})
    address = log.text.partition('data-href="')[2].partition('"')[0]
    page = await browser.client.get(address)
    assert "Does this content count?" in text_of(page)
    said: dict[str, str] = {"csrf": await browser.csrf()}
    assert (await browser.client.post(f"{address}/apply", data=said)).status_code == 422
    said["reason"] = "The till was right."
    answers = [await browser.client.post(f"{address}/apply", data=said) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    shown = text_of(await browser.client.get(address))
    assert "applied" in shown
    assert "Does this content count?" not in shown
    program = await house.programs.get(shop.program_id)
    found = await house.balances.find(program, ["alice"], house.clock())
    assert found["alice"].available == 49
    report = await verify(house.database, now=house.clock())
    assert [one for one in report.violations if one.program_id == shop.program_id] == []


async def test_a_failed_signature_shows_the_text_to_be_signed(
    owner: Browser, house: House, shop: Created
) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order(), secret="wrong")
    log = await browser.get("/deliveries", params={"problems": "1"})
    address = log.text.partition('data-href="')[2].partition('"')[0]
    said = text_of(await browser.client.get(address))
    assert "Why the signature failed" in said
    assert '"subtotal_price":"29.99"' in said


async def test_a_signature_is_checked_by_hand(owner: Browser, house: House, shop: Created) -> None:
    browser = whole(house, owner)
    page = await browser.get("/signatures")
    number = page.text.partition('<option value="')[2].partition('"')[0]
    signed = {"key": shop.lootly_api_key, "id": "7"}
    body = json_text(signed | {"hmac": sign(signed, shop.lootly_api_secret)})
    answer = await browser.post("/signatures", {"integration": number, "body": body})
    assert "The signature is good" in text_of(answer)
    wrong = json_text(signed | {"hmac": "AAAA"})
    answer = await browser.post("/signatures", {"integration": number, "body": wrong, "signed": "{}"})
    assert "not that of this body" in text_of(answer)
    assert "<mark>" in answer.text
    answer = await browser.post("/signatures", {"integration": number, "body": "{"})
    assert answer.status_code == 422
    answer = await browser.post("/signatures/page", {"for_page": number, "customer": "001"})
    assert "data-customer-signature" in text_of(answer)
