"""The demo shop shows the whole circle, through real doors: buy, earn, redeem, use the code, refund."""

import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from regulars import asgi
from regulars.app.house import House
from regulars.app.rewards import stocks
from regulars.app.vault import Vault
from regulars.app.verify import lines, verify
from regulars.demo import coffeehouse
from regulars.demo.memory import Remembered, program_for
from regulars.demo.rewards import POOL_CODES, REWARDS, furnish
from regulars.doors.demo_shop.basket import fill
from regulars.doors.demo_shop.catalogue import (
    BY_ITEM,
    CURRENCY,
    FREE_SHIPPING_MINOR,
    PRODUCTS,
    SHIPPING_MINOR,
    price_text,
)
from regulars.doors.demo_shop.pictures import picture
from regulars.doors.demo_shop.visit import Visit, set_cookie, visit_of
from tests import make
from tests.clock import Clock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SHOP = "http://127.0.0.1:8080"


class Visitor:
    """Somebody with a browser in the shop."""

    def __init__(self, app: Any, *, base_url: str = SHOP, **headers: str) -> None:
        transport = httpx.ASGITransport(app)
        self.browser = httpx.AsyncClient(
            transport=transport, base_url=base_url, headers=headers, follow_redirects=True
        )

    async def look(self, path: str = "") -> httpx.Response:
        return await self.browser.get(f"/demo-shop/{path}")

    async def submit(self, path: str, **fields: str) -> httpx.Response:
        """The page that a form leads to."""
        answer = await self.browser.post(f"/demo-shop/{path}", data=fields, headers={"origin": SHOP})
        assert answer.status_code == 200, answer.text
        return answer

    async def session(self) -> tuple[str, dict[str, Any]]:
        """What the widget gets for the snippet of the page."""
        snippet = snippet_of((await self.look()).text)
        body = {
            "key": snippet["data-api-key"],
            "shop_domain": snippet["data-shop-domain"],
            "shop_id": snippet["data-shop-id"],
            "customer_id": snippet["data-customer-id"],
            "customer_signature": snippet["data-customer-signature"],
        }
        answer = await self.browser.post("/storefront/v1/session", json=body, headers={"origin": SHOP})
        assert answer.status_code == 200, answer.text
        return answer.json()["session"], answer.json()["me"]


class _Snippet(HTMLParser):
    found: dict[str, str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if said.get("id") == "lootly-widget":
            self.found = said


def snippet_of(page: str) -> dict[str, str]:
    parser = _Snippet()
    parser.feed(page)
    return parser.found


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    house = await House.open(make.settings(tmp_path), database, clock=Clock())
    yield house
    await house.close()


@pytest.fixture
async def demo(house: House) -> Remembered:
    made = await program_for(
        house, "coffeehouse", name="Kaffeehaus", currency="EUR", approval_days=14, domain=SHOP, now=NOON
    )
    await furnish(house, made.keys.program_id, now=NOON)
    return made


@pytest.fixture
def visitor(house: House, demo: Remembered) -> Visitor:
    return Visitor(asgi.build(house))


async def test_the_whole_circle(house: House, demo: Remembered, visitor: Visitor) -> None:
    # somebody new buys, and earns
    welcome = await visitor.submit("sign-up", name="Lena", email="lena@mail.example")
    assert "Welcome, Lena" in welcome.text
    for _ in range(3):
        await visitor.submit("basket/add", item="MILL-1")
    bought = await visitor.submit("basket/order")
    assert "Gave 267 points." in bought.text and "€267.00 paid" in bought.text
    # two weeks later the points can be spent
    house.clock.now += timedelta(days=15)  # type: ignore[attr-defined]
    session, me = await visitor.session()
    assert (me["points"]["available"], me["customer"]["first_name"]) == (267, "Lena")
    redeemed = await visitor.browser.post(
        "/storefront/v1/redeem",
        json={"reward_id": 1},
        headers={"authorization": f"Bearer {session}", "idempotency-key": "1", "origin": SHOP},
    )
    code = redeemed.json()["claim"]["code"]
    assert code.startswith("KAFFEE-")
    # the code takes its five euros off, once
    await visitor.submit("basket/add", item="HB-250")
    basket = await visitor.submit("basket/code", code=f" {code.lower()} ")
    assert "−€5.00" in basket.text and "Pay €8.80" in basket.text
    paid = await visitor.submit("basket/order")
    assert "€8.80 paid, €5.00 saved" in paid.text and "Gave 3 points." in paid.text
    _, me = await visitor.session()
    order = me["claims"][0]["order"]
    assert me["claims"][0]["state"] == "used" and order.startswith("DS-")
    await visitor.submit("basket/add", item="HB-250")
    assert "not known here, was used" in (await visitor.submit("basket/code", code=code)).text
    # money goes back, and the points with it
    part = await visitor.submit("orders/refund", order=order, amount="4.40")
    assert "€4.40 of order" in part.text and "Gave 3 points, of which 1 went back." in part.text
    rest = await visitor.submit("orders/refund", order=order, amount="999")
    assert "of which 3 went back" in rest.text and "refunded" in rest.text
    report = await verify(house.database, now=house.clock())
    assert report.is_clean, lines(report)
    async with house.database.acquire() as connection:
        problems = await connection.fetchval("select count(*) from deliveries where problem")
    assert problems == 0


async def test_the_snippet_is_the_guides_to_the_letter(demo: Remembered, visitor: Visitor) -> None:
    page = (await visitor.look()).text
    head, body = page.split("</head>")
    assert f'<script type="text/javascript" src="{SHOP}/js/integrations/common/script.js"></script>' in head
    snippet = re.search(r'<div id="lootly-widget".*?</div>', body, re.DOTALL)
    assert snippet is not None
    assert re.sub(r'"[^"]*"', '""', snippet[0]) == (
        '<div id="" class="" style=""\ndata-provider=""\ndata-api-key=""\ndata-shop-domain=""\n'
        'data-shop-id=""\ndata-customer-id=""\ndata-customer-signature="">\n</div>'
    )
    assert snippet_of(page)["data-customer-id"] == "" == snippet_of(page)["data-customer-signature"]
    assert body.rstrip().endswith("</div>\n</body>\n</html>")


async def test_nothing_on_the_pages_is_inline_but_the_guides_own_style(visitor: Visitor) -> None:
    await visitor.submit("basket/add", item="CUP-1")
    for path in ("", "basket", "orders", "points", "log-in", "product/CUP-1"):
        answer = await visitor.look(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "unsafe-inline" not in policy
        text = answer.text.replace('class="lootly-init" style="display: none"', "")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), path


async def test_its_files_are_there_and_kept(visitor: Visitor) -> None:
    page = (await visitor.look()).text
    addresses = set(re.findall(r'(?:src|href)="(/demo-shop/[^"]+\?[0-9a-f]{10})"', page))
    assert len(addresses) > len(PRODUCTS)
    for address in addresses:
        answer = await visitor.browser.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.item)
def test_each_product_is_drawn_and_is_the_coffeehouses(product: Any) -> None:
    drawn = ET.fromstring(picture(product))
    assert drawn.tag.endswith("svg") and len(drawn) > 4
    (same,) = [one for one in coffeehouse.PRODUCTS if one.item == product.item]
    assert (same.name, same.price_minor) == (product.name, product.price_minor)


def test_shop_and_history_agree_on_money() -> None:
    assert (coffeehouse.CURRENCY, coffeehouse.SHIPPING_MINOR) == (CURRENCY, SHIPPING_MINOR)
    assert coffeehouse.FREE_SHIPPING_MINOR == FREE_SHIPPING_MINOR
    assert [price_text(minor) for minor in (0, 5, 890, -500, 123456)] == [
        "€0.00", "€0.05", "€8.90", "−€5.00", "€1234.56",
    ]  # fmt: skip
    free = [reward.product for reward in REWARDS if reward.product]
    assert free == ["CUP-1"] and "CUP-1" in BY_ITEM


async def test_a_guest_buys_and_earns_nothing(visitor: Visitor) -> None:
    await visitor.submit("basket/add", item="HB-250")
    assert "Please say where" in (await visitor.submit("basket/order", email="nowhere")).text
    bought = await visitor.submit("basket/order", email="guest@mail.example")
    assert "Gave no points." in bought.text
    order = re.search(r"DS-\w{6}", bought.text)
    assert order is not None
    assert "refunded" in (await visitor.submit("orders/refund", order=order[0], amount="13.80")).text


async def test_one_visitor_cannot_refund_anothers_order(house: House, visitor: Visitor) -> None:
    await visitor.submit("basket/add", item="HB-250")
    bought = await visitor.submit("basket/order", email="guest@mail.example")
    order = re.search(r"DS-\w{6}", bought.text)
    assert order is not None
    stranger = Visitor(asgi.build(house))
    answer = await stranger.submit("orders/refund", order=order[0], amount="1.00")
    assert "not to be found" in answer.text
    assert "given back" not in (await visitor.look("orders")).text


@pytest.mark.parametrize("amount", ["", "x", "-5", "1e3", "１", "1,50", "9" * 30])
async def test_an_amount_that_is_none_moves_nothing(visitor: Visitor, amount: str) -> None:
    await visitor.submit("basket/add", item="HB-250")
    bought = await visitor.submit("basket/order", email="guest@mail.example")
    order = re.search(r"DS-\w{6}", bought.text)
    assert order is not None
    assert "like 12.50" in (await visitor.submit("orders/refund", order=order[0], amount=amount)).text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("basket/add", {"item": "nothing"}),
        ("basket/add", {}),
        ("basket/change", {"item": "HB-250", "quantity": "-1"}),
        ("basket/change", {"item": "HB-250", "quantity": "1e9"}),
        ("basket/change", {"item": "<script>", "quantity": "1"}),
        ("basket/code", {"code": "x" * 500}),
        ("basket/code", {"code": "<b>\x00"}),
        ("basket/order", {}),
        ("log-in", {"customer": "nobody"}),
        ("log-in", {"customer": ""}),
        ("log-in", {"customer": "\x00"}),
        ("sign-up", {"name": "", "email": "a@b.example"}),
        ("sign-up", {"name": "x" * 61, "email": "a@b.example"}),
        ("sign-up", {"name": "Lena", "email": "no"}),
        ("orders/refund", {"order": "KR-1", "amount": "1"}),
    ],
)
async def test_nonsense_leads_back_to_a_page(visitor: Visitor, path: str, fields: dict[str, str]) -> None:
    page = await visitor.submit(path, **fields)
    assert "<script>" not in page.text.replace("<script src", "") and "<b>\x00" not in page.text


async def test_text_of_a_visitor_is_only_text(visitor: Visitor) -> None:
    page = await visitor.submit("sign-up", name="<img src=x onerror=alert(1)>", email="a@b.example")
    assert "<img src=x" not in page.text and "&lt;img src=x" in page.text


async def test_a_form_of_another_page_is_refused(visitor: Visitor) -> None:
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = await visitor.browser.post("/demo-shop/basket/add", data={"item": "HB-250"}, headers=headers)
        assert answer.status_code == 403
    assert "HB-250" not in (await visitor.look("basket")).text


@pytest.mark.parametrize("body", [b"\xff" * 20, b"a=1&" * 5000, b"item=HB-250&" * 30, b"%", b""])
async def test_a_form_that_cannot_be_read_does_nothing(visitor: Visitor, body: bytes) -> None:
    answer = await visitor.browser.post(
        "/demo-shop/basket/add", content=body, headers={"origin": SHOP}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo-shop/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "product/nothing", 404),
        ("GET", "product/%2e%2e%2fbasket", 404),
        ("GET", "basket/add", 405),
        ("POST", "orders", 405),
        ("DELETE", "", 405),
        ("PUT", "basket/order", 405),
        ("HEAD", "", 200),
        ("GET", "templates/base.html", 404),
    ],
)
async def test_every_address_has_an_answer(visitor: Visitor, method: str, path: str, status: int) -> None:
    answer = await visitor.browser.request(method, f"/demo-shop/{path}")
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_without_the_demo_program_there_is_no_shop(house: House) -> None:
    answer = await Visitor(asgi.build(house)).look()
    assert answer.status_code == 404 and "regulars run" in answer.text


async def test_the_demo_is_furnished_once(house: House, demo: Remembered) -> None:
    before = await house.programs.get(demo.keys.program_id)
    await furnish(house, demo.keys.program_id, now=NOON)
    house.programs.forget()
    after = await house.programs.get(demo.keys.program_id)
    assert [reward.title for reward in after.rewards] == [reward.title for reward in REWARDS]
    assert after.version == before.version
    (pool,) = [stock for stock in (await stocks(house.database, after)).values() if stock.codes_imported]
    assert pool.codes_imported == pool.codes_free == POOL_CODES


# -- the cookie


def test_a_visit_is_kept_encrypted_and_nobody_elses_word_counts() -> None:
    vault, other = Vault(bytes(range(32))), Vault(bytes(32))
    visit = Visit(customer="1001", basket={"HB-250": 2}, said="Hello")
    cookie = set_cookie(visit, vault, is_https=False).partition(";")[0]
    assert msgspec.structs.replace(visit_of(cookie, vault, is_https=False), purpose="") == visit
    assert "1001" not in cookie
    assert visit_of(cookie, other, is_https=False) == Visit()
    assert visit_of(cookie[:-2] + "xx", vault, is_https=False) == Visit()
    foreign = vault.close('{"customer":"1001"}').decode()
    assert visit_of(f"demo-shop={foreign}", vault, is_https=False) == Visit()
    for nonsense in ("", "demo-shop=", "demo-shop=é", ";;;", "demo-shop=" + "x" * 9000, '"'):
        assert visit_of(nonsense, vault, is_https=False) == Visit()


def test_its_cookie_is_bound_to_the_host_on_https_alone() -> None:
    vault = Vault(bytes(range(32)))
    secure = set_cookie(Visit(), vault, is_https=True)
    assert secure.startswith("__Host-demo-shop=") and "Path=/;" in secure and "; Secure" in secure
    plain = set_cookie(Visit(), vault, is_https=False)
    assert plain.startswith("demo-shop=") and "Secure" not in plain and "Path=/demo-shop" in plain
    for cookie in (secure, plain):
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_a_visit_too_long_for_a_cookie_begins_anew() -> None:
    vault = Vault(bytes(range(32)))
    cookie = set_cookie(Visit(said="x" * 5000), vault, is_https=True).partition(";")[0]
    assert len(cookie) < 4000
    assert visit_of(cookie, vault, is_https=True) == Visit(purpose="demo-shop")


# -- the basket


@pytest.mark.parametrize(
    ("items", "goods", "shipping"),
    [
        ({}, 0, 0),
        ({"HB-250": 1}, 890, 490),
        ({"HB-250": 5}, 4450, 490),
        ({"HB-250": 6}, 5340, 0),
        ({"gone": 3}, 0, 0),
    ],
)
def test_a_basket_adds_up(items: dict[str, int], goods: int, shipping: int) -> None:
    basket = fill(items, None)
    assert (basket.goods_minor, basket.shipping_minor, basket.total_minor) == (
        goods,
        shipping,
        goods + shipping,
    )


@pytest.mark.parametrize(
    ("reward_id", "items", "off", "shipping", "helps"),
    [
        (1, {"HB-250": 1}, 500, 490, True),
        (2, {"HB-250": 1}, 500, 490, True),
        (3, {"HB-250": 1}, 0, 0, True),
        (4, {"MILL-1": 1}, 890, 0, True),
        (4, {"HB-250": 1}, 0, 490, False),
        (5, {"CUP-1": 2}, 1650, 490, True),
        (5, {"HB-250": 1}, 0, 490, False),
    ],
)
async def test_each_kind_of_code_takes_its_own_off(
    visitor: Visitor, house: House, demo: Remembered, reward_id: int, items: dict[str, int], off: int,
    shipping: int, helps: bool,
) -> None:  # fmt: skip
    await visitor.submit("sign-up", name="Lena", email="lena@mail.example")
    session, me = await visitor.session()
    await visitor.browser.post(
        f"/v2/customers/{me['customer']['merchant_id']}/points",
        json={"points": 5000},
        headers={"authorization": f"Bearer {demo.keys.api_token}"},
    )
    redeemed = await visitor.browser.post(
        "/storefront/v1/redeem",
        json={"reward_id": reward_id} | ({"points": 250} if reward_id == 2 else {}),
        headers={"authorization": f"Bearer {session}", "idempotency-key": "1", "origin": SHOP},
    )
    assert redeemed.status_code == 201, redeemed.text
    for item, number in items.items():
        for _ in range(number):
            await visitor.submit("basket/add", item=item)
    page = await visitor.submit("basket/code", code=redeemed.json()["claim"]["code"])
    goods = sum(BY_ITEM[item].price_minor * number for item, number in items.items())
    assert f"Pay {price_text(goods - off + shipping)}" in page.text
    assert ("this code is yours" in page.text) is helps
