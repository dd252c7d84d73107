"""A tea shop with the widget on its pages: a real database, the real engine, requests over ASGI."""

import hashlib
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.app.rewards import create_reward
from regulars.domain.rewards import CodeSource, Reward, RewardKind
from regulars.doors.loyaltylion import app as loyaltylion
from regulars.doors.storefront.app import build
from regulars.doors.storefront.guard import Guard
from tests import make
from tests.clock import Clock
from tests.conftest import fresh_database
from tests.tokens import make_token

SHOP = "https://tea.example"
OURS = "https://points.example"

_numbers = itertools.count(1)


class Shop:
    """A shop's developer, who makes the pages, and the shopper's browser, which calls from them."""

    def __init__(self, house: House, clock: Clock, keys: Created) -> None:
        self.house = house
        self.clock = clock
        self.keys = keys
        self.seconds = 0.0
        door = build(house, guard=Guard(lambda: self.seconds))
        self.browser = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=OURS)
        self.till = httpx.AsyncClient(transport=httpx.ASGITransport(loyaltylion.build(house)), base_url=OURS)

    # -- what the shop's page carries

    def md5(self, customer_id: str, *, domain: str = SHOP, secret: str | None = None) -> dict[str, Any]:
        """The body that the guide's snippet leads to."""
        secret = secret or self.keys.lootly_api_secret
        return {
            "key": self.keys.lootly_api_key,
            "shop_domain": domain,
            "shop_id": hashlib.md5((domain + secret).encode()).hexdigest(),
            "customer_id": customer_id,
            "customer_signature": hashlib.md5((customer_id + secret).encode()).hexdigest(),
        }

    def token(self, customer_id: str = "alice", **changes: Any) -> str:
        """A v2 token of now."""
        values = {
            "kid": self.keys.lootly_api_key,
            "secret": self.keys.lootly_api_secret,
            "shop": SHOP,
            "customer_id": customer_id,
            "jti": f"jti-number-{next(_numbers)}",
            "now": self.clock.now,
        } | changes
        return make_token(values.pop("kid"), values.pop("secret"), **values)

    def v2(self, customer_id: str = "alice", **changes: Any) -> dict[str, Any]:
        return {"key": self.keys.lootly_api_key, "token": self.token(customer_id, **changes)}

    def sha1(self, customer_id: str, *, email: str = "", date: str | None = None) -> dict[str, Any]:
        """What LoyaltyLion's SDK is given."""
        date = self.clock.now.isoformat() if date is None else date
        text = customer_id + date + email + self.keys.site_secret
        return {
            "site": self.keys.site_token,
            "customer": {"id": customer_id, "email": email},
            "auth": {"date": date, "token": hashlib.sha1(text.encode()).hexdigest()},
        }

    # -- what the browser does

    async def get(self, path: str, session: str | None = None, **headers: str) -> httpx.Response:
        return await self.browser.get(f"/storefront/v1/{path}", headers=_headers(session, headers))

    async def post(self, path: str, body: Any, session: str | None = None, **headers: str) -> httpx.Response:
        """A call from the shop's page; `body` is sent as it is when it is bytes, else as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.browser.post(
            f"/storefront/v1/{path}", content=content, headers=_headers(session, headers)
        )

    async def log_in(self, customer_id: str = "alice") -> str:
        """The session of a customer whom the page names as the guide does."""
        answer = await self.post("session", self.md5(customer_id))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["session"])

    # -- what happens in the shop

    async def order(self, merchant_id: str, total: str = "20.00", **fields: Any) -> None:
        """Alice orders, paid, unless told otherwise."""
        body = {
            "merchant_id": merchant_id,
            "customer_id": "alice",
            "customer_email": "alice@example.com",
            "total": total,
            "total_shipping": "0.00",
            "payment_status": "paid",
        } | fields
        await self._tell("/v2/orders", body)

    async def give(self, points: int, who: str = "alice", reason: str = "Sorry for the wait") -> None:
        await self._tell(f"/v2/customers/{who}/points", {"points": points, "reason": reason})

    async def join(self, who: str = "alice", **fields: Any) -> None:
        body = {"name": "$signup", "customer_id": who, "customer_email": f"{who}@example.com"}
        await self._tell("/v2/activities", body | fields)

    async def give_member(self, points: int, who: str = "alice") -> None:
        """A member with so many points."""
        await self.join(who)
        await self.give(points, who)

    async def _tell(self, path: str, body: dict[str, Any]) -> None:
        headers = {"authorization": f"Bearer {self.keys.api_token}"}
        answer = await self.till.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text

    async def add_reward(self, **changes: Any) -> Reward:
        """Five pounds off for 500 points, with a code made for each."""
        values: dict[str, Any] = {
            "id": 0,
            "kind": RewardKind.FIXED_AMOUNT,
            "title": "£5 off",
            "cost": 500,
            "amount_minor": 500,
            "codes": CodeSource.GENERATED,
        }
        made = await create_reward(
            self.house.database, self.keys.program_id, Reward(**(values | changes)), now=self.clock.now
        )
        self.house.programs.forget()
        return made


def _headers(session: str | None, more: dict[str, str]) -> dict[str, bytes]:
    said = {"origin": SHOP} | ({"authorization": f"Bearer {session}"} if session is not None else {})
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    return {name: value.encode("utf-8") for name, value in said.items() if value != "none"}


@pytest.fixture
def database(server: str, template: str) -> Iterator[str]:
    yield from fresh_database(server, template)


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    house = await House.open(make.settings(tmp_path, public_url=OURS), database, clock=clock)
    yield house
    await house.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shop(house: House, clock: Clock) -> Shop:
    return await open_shop(house, clock)


@pytest.fixture
async def other(house: House, clock: Clock) -> Shop:
    """Another program's shop in the same house."""
    return await open_shop(house, clock, name="Bean Circle", domain="https://beans.example")


async def open_shop(house: House, clock: Clock, **changes: Any) -> Shop:
    terms = {"name": "Tea Circle", "domain": SHOP, "currency": "GBP"} | changes
    keys = await create_program(house.database, house.vault, **terms, now=clock.now)
    return Shop(house, clock, keys)
