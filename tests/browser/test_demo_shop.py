"""The demo shop in a real browser: the whole circle by hand, a quiet console, nothing off the screen."""

import asyncio
import importlib.util
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from regulars import asgi
from regulars.app.house import House
from regulars.demo.memory import program_for
from regulars.demo.rewards import furnish
from regulars.doors.limits import Limits, guarded
from regulars.doors.storefront.files import BUILT
from tests import make
from tests.browser.test_front_page import CHROMIUM, FLAGS
from tests.browser.waits import expect, patient

AXE = importlib.util.find_spec("axe_playwright_python")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not (BUILT / "loader.js").is_file(), reason="the widget is not built: make setup"),
]


class Shop(threading.Thread):
    """The server on a free port with a demo program, in a thread of its own."""

    def __init__(self, dsn: str, home: Path) -> None:
        super().__init__(daemon=True)
        self._dsn = dsn
        self._home = home
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
        self.ready = threading.Event()
        self.server: uvicorn.Server | None = None
        self.api_token = ""

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        house = await House.open(make.settings(self._home, public_url=self.url), self._dsn)
        now = house.clock()
        made = await program_for(
            house, "coffeehouse", name="Kaffeehaus Regulars", currency="EUR", approval_days=14,
            domain=self.url, now=now,
        )  # fmt: skip
        await furnish(house, made.keys.program_id, now=now)
        self.api_token = made.keys.api_token
        app = asgi.build(house)
        config = uvicorn.Config(app, http=guarded(Limits()), ws="none", lifespan="off", log_config=None)
        self.server = uvicorn.Server(config)
        self.ready.set()
        await self.server.serve(sockets=[self._sock])
        await house.close()

    def give(self, who: str, points: int) -> None:
        """Points at once, as staff give them."""
        given = httpx.post(
            f"{self.url}/v2/customers/{who}/points",
            json={"points": points},
            headers={"authorization": f"Bearer {self.api_token}"},
            timeout=60,
        )
        given.raise_for_status()

    def stop(self) -> None:
        assert self.server is not None
        self.server.should_exit = True
        self.join(60)


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(database, tmp_path)
    shop.start()
    assert shop.ready.wait(60)
    yield shop
    shop.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def open_page(browser: Any, shop: Shop, *, width: int = 1280, scheme: str = "light") -> tuple[Any, list[str]]:
    """A page, and what its console says, with every request that failed or left for elsewhere."""
    page = patient(browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.extend([asked.url] * (not asked.url.startswith(shop.url))))
    page.on("response", lambda got: complaints.extend([f"{got.status} {got.url}"] * (got.status >= 400)))
    return page, complaints


def sign_up(page: Any, shop: Shop, *, points: int) -> None:
    """Greta comes in for the first time, and is given points."""
    page.goto(f"{shop.url}/demo-shop")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("First name").fill("Greta")
    page.get_by_label("E-mail").fill("greta@mail.example")
    page.get_by_role("button", name="Sign up").click()
    page.get_by_text("Welcome, Greta.").wait_for()
    shop.give(page.locator("#lootly-widget").get_attribute("data-customer-id"), points)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_whole_circle_by_hand(browser: Any, shop: Shop, width: int) -> None:
    page, complaints = open_page(browser, shop, width=width)
    sign_up(page, shop, points=600)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").click()
    page.get_by_role("button", name="Greta").click()
    page.get_by_text("Welcome back, Greta.").wait_for()
    page.wait_for_load_state()
    # redeem, in the widget
    page.get_by_role("button", name="Spend my points").click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("button", name="Redeem").first.click()
    panel.get_by_role("button", name="Redeem").last.click()
    panel.get_by_text("KAFFEE-").first.wait_for()
    page.get_by_text("waits in the basket").wait_for(state="attached")
    page.keyboard.press("Escape")
    # buy, with the code that the page was told of
    page.goto(f"{shop.url}/demo-shop/product/ET-250")
    page.get_by_role("button", name="Into the basket").click()
    page.get_by_text("this code is yours").wait_for()
    expect(page.locator("#code")).to_have_value(re.compile("^KAFFEE-"))
    page.get_by_role("button", name="Pay €11.80").click()
    page.get_by_text("Thank you!").wait_for()
    page.get_by_text("Gave 6 points.").wait_for()
    page.wait_for_load_state()
    # the widget shows the code as used, and the points
    page.evaluate("openLootlyWidget('my-codes')")
    panel.get_by_text("KAFFEE-").first.wait_for()
    page.keyboard.press("Escape")
    # refund
    page.get_by_role("button", name="Refund order").click()
    page.get_by_text("of which 6 went back").wait_for()
    assert complaints == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_every_page_fits_the_screen_and_axe_finds_nothing(
    browser: Any, shop: Shop, width: int, scheme: str
) -> None:
    page, complaints = open_page(browser, shop, width=width, scheme=scheme)
    sign_up(page, shop, points=600)
    page.goto(f"{shop.url}/demo-shop/product/CUP-1")
    with page.expect_navigation():
        page.get_by_role("button", name="Into the basket").click()
    for path in ("", "basket", "orders", "points", "log-in", "product/CUP-1"):
        page.goto(f"{shop.url}/demo-shop/{path}")
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        if AXE is not None and width != 320:
            assert faults(page) == [], path
    assert complaints == []
    page.close()


def faults(page: Any) -> list[str]:
    """What axe has to say of the page and its widget."""
    assert AXE is not None and AXE.submodule_search_locations is not None
    page.evaluate(next(Path(AXE.submodule_search_locations[0]).rglob("axe.min.js")).read_text())
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    return [f"{item['id']}: {item['nodes'][0]['html'][:150]}" for item in found["violations"]]


def test_it_works_by_keyboard_and_without_scripts(browser: Any, shop: Shop) -> None:
    context = patient(browser.new_context(java_script_enabled=False))
    page = context.new_page()
    page.goto(f"{shop.url}/demo-shop/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("To the goods")
    page.get_by_role("button", name="Put House blend, 250 g into the basket").press("Enter")
    page.get_by_label("E-mail").fill("guest@mail.example")
    page.get_by_role("button", name="Pay €13.80").press("Enter")
    page.get_by_text("Thank you!").wait_for()
    context.close()
