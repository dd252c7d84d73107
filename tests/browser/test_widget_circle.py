"""The whole circle with the real server: earn, see it, redeem, get a code of one's own, use it."""

import asyncio
import hashlib
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn

from regulars import asgi
from regulars.app.codes.uploads import import_codes
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.app.rewards import create_reward
from regulars.app.storefront.switches import change_switches
from regulars.app.storefront.widgets import change_widget
from regulars.domain.rewards import CodeSource, Reward, RewardKind
from regulars.doors.limits import Limits, guarded
from tests import make
from tests.browser.storefront_mock import BUILT, Servers, running
from tests.browser.test_front_page import CHROMIUM
from tests.browser.test_widget import LOGGED_OUT, Shopper
from tests.browser.waits import PATIENCE_SECONDS, becomes, expect
from tests.conftest import fresh_database
from tests.tokens import make_token

T = TypeVar("T")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not (BUILT / "loader.js").is_file(), reason="the front end is not built"),
]


class RealHouse:
    """Everything behind one real server, in a thread with a loop of its own."""

    def __init__(self, dsn: str, home: Path, shop: str) -> None:
        self.shop = shop
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.house, self.keys = self.run(self._open(dsn, home))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self, dsn: str, home: Path) -> tuple[House, Created]:
        house = await House.open(make.settings(home, public_url=self.address), dsn)
        keys = await create_program(
            house.database,
            house.vault,
            name="Tea Circle",
            domain=self.shop,
            currency="GBP",
            points_per_unit="1.5",
            now=datetime.now(UTC),
        )
        config = uvicorn.Config(
            asgi.build(house), http=guarded(Limits()), ws="none", lifespan="off", log_config=None
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._server.serve(sockets=[self._sock]))
        return house, keys

    def close(self) -> None:
        async def end() -> None:
            self._server.should_exit = True
            await self._serving
            await self.house.close()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def tell(self, path: str, body: dict[str, Any]) -> None:
        """What the shop's server reports."""
        headers = {"authorization": f"Bearer {self.keys.api_token}"}
        answer = httpx.post(self.address + path, json=body, headers=headers, timeout=60)
        assert answer.status_code in (200, 201), answer.text

    def order(self, merchant_id: str, total: str, who: str, **fields: Any) -> None:
        body = {
            "merchant_id": merchant_id,
            "customer_id": who,
            "customer_email": f"{who}@example.com",
            "total": total,
            "total_shipping": "0.00",
            "payment_status": "paid",
        }
        self.tell("/v2/orders", body | fields)

    def add_reward(self, codes: list[str] | None = None, **changes: Any) -> Reward:
        values: dict[str, Any] = {
            "id": 0,
            "kind": RewardKind.FIXED_AMOUNT,
            "title": "£5 off",
            "cost": 500,
            "amount_minor": 500,
            "codes": CodeSource.GENERATED if codes is None else CodeSource.POOL,
        }
        program_id = self.keys.program_id

        async def add() -> Reward:
            now = datetime.now(UTC)
            made = await create_reward(self.house.database, program_id, Reward(**(values | changes)), now=now)
            if codes:
                await import_codes(self.house.database, program_id, made.id, codes, by=make.SUE, now=now)
            self.house.programs.forget()
            return made

        return self.run(add())

    def shows(self, name: str, value: Any) -> None:
        """Waits until the widget's public settings say so, which is within a second."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            query = {"key": self.keys.lootly_api_key}
            said = httpx.get(f"{self.address}/storefront/v1/program", params=query, timeout=60).json()
            if said["widget"][name] == value:
                return
            self.run(asyncio.sleep(0.1))
        raise AssertionError(f"{name} is still {said['widget'][name]!r}")

    # -- what the shop's pages carry

    def page(self, who: str = "", **changes: str) -> dict[str, str]:
        """The guide's attributes, with its md5 signatures."""
        secret = self.keys.lootly_api_secret
        said = {
            "data_api_key": self.keys.lootly_api_key,
            "data_shop_domain": self.shop,
            "data_shop_id": hashlib.md5((self.shop + secret).encode()).hexdigest(),
            "data_customer_id": who,
            "data_customer_signature": hashlib.md5((who + secret).encode()).hexdigest() if who else "",
        }
        return said | changes

    def token(self, who: str, jti: str) -> str:
        return make_token(
            self.keys.lootly_api_key,
            self.keys.lootly_api_secret,
            shop=self.shop,
            customer_id=who,
            jti=jti,
            now=datetime.now(UTC),
        )


@pytest.fixture(scope="module")
def shops() -> Iterator[Servers]:
    """The shop's pages; the storefront beside them is not used here."""
    with running() as servers:
        yield servers


@pytest.fixture(scope="module")
def real(
    shops: Servers, server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealHouse]:
    databases = fresh_database(server, template)
    house = RealHouse(next(databases), tmp_path_factory.mktemp("home"), shops.shop)
    shops.provider = house.address
    yield house
    house.close()
    next(databases, None)


@pytest.fixture(scope="module")
def rewards(real: RealHouse) -> dict[str, Reward]:
    return {
        "pool": real.add_reward(["SPRING-AAAA-7Q4K", "SPRING-BBBB-M2XW"], title="£1 off", cost=100),
        "variable": real.add_reward(
            kind=RewardKind.VARIABLE_AMOUNT,
            title="Money off",
            cost=0,
            amount_minor=None,
            per_points=100,
            per_minor=100,
            minimum_points=100,
            maximum_points=1000,
            step_points=50,
        ),
        "far": real.add_reward(title="£50 off", cost=5000, amount_minor=5000),
    }


@pytest.fixture
def anna(browser: Any, shops: Servers, rewards: dict[str, Reward]) -> Iterator[Shopper]:
    """Somebody on the shop's page."""
    shopper = Shopper(browser, shops)
    yield shopper
    shopper.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_whole_circle(anna: Shopper, real: RealHouse, width: int) -> None:
    who = f"anna-{width}"
    anna.page.set_viewport_size({"width": width, "height": 844})
    anna.open(**real.page(), body='<p id="gives" data-regulars-product-points="39.99"></p>')
    expect(anna.page.locator("#gives")).to_have_text("59")
    anna.says("£50 off")
    anna.tab("Earn")
    anna.says("3 points for every £2 you spend")

    real.order(f"{who}-1", "280.00", who)
    anna.open(**real.page(who))
    anna.says("420 points", "4,580 points to go until “£50 off”")
    anna.tab("History")
    anna.says(f"Order {who}-1", "+420")

    anna.tab("Rewards")
    anna.page.get_by_role("button", name="£1 off").click()
    anna.page.get_by_role("button", name="Yes, redeem for 100 points").click()
    anna.page.get_by_role("heading", name="It’s yours!").wait_for()
    code = anna.dialog.locator("code").inner_text()
    assert code.startswith("SPRING-")
    anna.page.get_by_role("button", name="Done").click()
    anna.says("320 points")

    real.order(f"{who}-2", "20.00", who, discount_codes=[{"code": code.lower(), "amount": "1.00"}])
    anna.open(**real.page(who))
    anna.tab("My codes")
    ticket = anna.dialog.locator(".ticket", has_text=code)
    expect(ticket).to_contain_text(f"Used on order {who}-2")
    assert anna.complaints == []


def test_when_the_pool_is_empty_nobody_loses_a_point(anna: Shopper, real: RealHouse) -> None:
    """The two codes went to the two shoppers of the circle."""
    real.add_reward(["ONLY-ONE-7Q4K-M2XW"], title="The last one", cost=10)
    for who in ("bea", "cleo"):
        real.order(f"{who}-1", "100.00", who)
    anna.open(**real.page("bea"))
    anna.page.get_by_role("button", name="The last one").click()
    real.run(_claim_over_http(real, "cleo", "The last one"))
    anna.page.get_by_role("button", name="Yes, redeem").click()
    expect(anna.page.get_by_role("alert")).to_have_text("Out of stock at the moment")
    anna.page.get_by_role("button", name="Back").click()
    anna.says("150 points")


async def _claim_over_http(real: RealHouse, who: str, title: str) -> None:
    said = {name.removeprefix("data_"): value for name, value in real.page(who).items()}
    body = {"key": said.pop("api_key"), **said}
    from_the_shop = {"origin": real.shop}
    async with httpx.AsyncClient(base_url=real.address, headers=from_the_shop, timeout=60) as client:
        session = (await client.post("/storefront/v1/session", json=body)).json()
        (reward,) = [one for one in session["me"]["rewards"] if one["title"] == title]
        headers = {"authorization": f"Bearer {session['session']}", "idempotency-key": f"{who} takes it"}
        wish = {"reward_id": reward["id"]}
        answer = await client.post("/storefront/v1/redeem", json=wish, headers=headers)
        assert answer.status_code == 201, answer.text


def test_a_variable_amount_gives_a_code_of_that_worth(anna: Shopper, real: RealHouse) -> None:
    real.order("dora-1", "300.00", "dora")
    anna.open(**real.page("dora"))
    anna.page.get_by_role("button", name="Money off").click()
    anna.page.get_by_role("spinbutton").fill("250")
    anna.says("£2.50 off")
    anna.page.get_by_role("button", name="Yes, redeem for 250 points").click()
    anna.page.get_by_role("heading", name="It’s yours!").wait_for()
    anna.page.get_by_role("button", name="Done").click()
    anna.says("200 points")
    assert anna.complaints == []


def test_the_birthday_reaches_the_server(anna: Shopper, real: RealHouse) -> None:
    real.order("eve-1", "10.00", "eve")
    anna.open(**real.page("eve"))
    anna.tab("Earn")
    anna.page.get_by_label("Your birthday").fill("1990-05-01")
    anna.page.get_by_role("button", name="Save").click()
    anna.page.get_by_text("1 May 1990").wait_for()
    anna.open(**real.page("eve"))
    anna.tab("Earn")
    anna.says("1 May 1990")


def test_a_forged_signature_sees_nothing_of_anybody(anna: Shopper, real: RealHouse) -> None:
    real.order("fay-1", "10.00", "fay")
    anna.open(**real.page("fay", data_customer_id="anna-1280"))
    anna.page.locator(".welcome").wait_for()
    expect(anna.page.locator(".balance")).to_have_count(0)


def test_a_token_logs_in_and_redeems_where_the_shop_asks_for_one(anna: Shopper, real: RealHouse) -> None:
    real.order("gwen-1", "300.00", "gwen")
    program_id, database = real.keys.program_id, real.house.database
    real.run(change_switches(database, program_id, token_to_redeem=True, now=datetime.now(UTC)))
    real.house.programs.forget()
    try:
        page = real.page() | LOGGED_OUT
        real.shows("needs_token_to_redeem", True)
        anna.open(**page, data_token=real.token("gwen", "first-of-gwens-tokens"))
        anna.page.get_by_role("button", name="Money off").click()
        anna.page.get_by_role("button", name="Yes, redeem for 100 points").click()
        anna.page.get_by_role("heading", name="It’s yours!").wait_for()
        assert anna.complaints == []
    finally:
        real.run(change_switches(database, program_id, token_to_redeem=False, now=datetime.now(UTC)))


def test_the_merchants_looks_arrive(anna: Shopper, real: RealHouse) -> None:
    changes = {"color": "#7a1f5c", "side": "left", "language": "de", "texts": {"title": "Teekreis"}}
    real.run(change_widget(real.house.database, real.keys.program_id, now=datetime.now(UTC), **changes))
    dialog = anna.page.get_by_role("dialog", name="Teekreis")
    real.shows("language", "de")
    anna.open(**real.page())
    assert dialog.bounding_box()["x"] == 20
    anna.says("Jede Bestellung")


def test_another_origin_is_not_answered(browser: Any, real: RealHouse, rewards: dict[str, Reward]) -> None:
    with running() as elsewhere:
        elsewhere.provider = real.address
        mallory = Shopper(browser, elsewhere).visit(**real.page("anna-1280"))
        becomes(mallory.page, lambda: any("CORS" in text for text in mallory.complaints), True)
        mallory.page.wait_for_load_state("networkidle")
        expect(mallory.page.locator("#regulars-widget")).to_have_count(0)
        mallory.context.close()
