"""A tea shop that speaks to the LoyaltyLion door: a real database, the real engine, requests over ASGI."""

import base64
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from regulars.app.credentials import create_api_key
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.doors.loyaltylion.app import build
from regulars.settings import Settings
from tests.clock import Clock
from tests.conftest import fresh_database

START = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
HOST = "https://loyalty.tea.example"


class Ticking(Clock):
    """A second passes between one look and the next."""

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Shop:
    """What a shop's developer has: a key, and an HTTP client."""

    def __init__(self, house: House, clock: Clock, created: Created) -> None:
        self.house = house
        self.clock = clock
        self.created = created
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(build(house), raise_app_exceptions=True), base_url=HOST
        )
        self.auth = f"Bearer {created.api_token}"

    @property
    def program_id(self) -> int:
        return self.created.program_id

    @property
    def basic(self) -> str:
        pair = f"{self.created.site_token}:{self.created.site_secret}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def send(
        self, method: str, path: str, body: Any = None, *, auth: str | None = "own", **headers: str
    ) -> httpx.Response:
        """A request; `body` is sent as it is when it is bytes, else as JSON."""
        if auth is not None:
            headers["authorization"] = self.auth if auth == "own" else auth
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, content=content, headers=named)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.send("POST", path, body, **options)

    async def put(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.send("PUT", path, body, **options)

    async def order(self, merchant_id: str, **fields: Any) -> None:
        """Alice orders for 20.00, paid, unless told otherwise. The door must take it."""
        answer = await self.post("/v2/orders", an_order(merchant_id, **fields))
        assert (answer.status_code, answer.text) == (201, "")

    async def update(self, merchant_id: str, **fields: Any) -> None:
        answer = await self.put(f"/v2/orders/{merchant_id}", an_update(**fields))
        assert (answer.status_code, answer.text) == (204, "")

    async def join(self, who: str, **fields: Any) -> None:
        """The customer signs up."""
        body = {"name": "$signup", "customer_id": who, "customer_email": f"{who}@example.com"}
        answer = await self.post("/v2/activities", body | fields)
        assert (answer.status_code, answer.text) == (201, "")

    async def customer(self, merchant_id: str) -> dict[str, Any]:
        """The customer as the list shows it."""
        listed = (await self.get("/v2/customers?limit=500")).json()["customers"]
        return next(customer for customer in listed if customer["merchant_id"] == merchant_id)

    async def points(self, merchant_id: str) -> tuple[int, int]:
        """Approved and pending."""
        customer = await self.customer(merchant_id)
        return customer["points_approved"], customer["points_pending"]

    async def book(self) -> dict[str, int]:
        """How many rows each table of the book has: what must not change when a request is refused."""
        counts = {}
        async with self.house.database.acquire() as connection:
            for table in (
                "customers",
                "accounts",
                "orders",
                "decisions",
                "movements",
                "lots",
                "activities",
                "payments",
                "refunds",
                "early_reports",
                "identities",
                "events",
            ):
                counts[table] = await connection.fetchval(f"select count(*) from {table}")
            balances = await connection.fetch("select * from accounts order by program_id, customer_id")
            counts["chains"] = hash(tuple(await connection.fetchval("select array_agg(chain) from heads")))
            counts["balances"] = hash(tuple(tuple(row.values()) for row in balances))
        return counts

    async def key(self, *scopes: str) -> str:
        """The Authorization of a new key with these scopes."""
        made = await create_api_key(
            self.house.database,
            program_id=self.program_id,
            name="of a test",
            scopes=scopes,
            now=self.house.clock(),
        )
        return f"Bearer {made}"


def an_order(merchant_id: str = "1001", **fields: Any) -> dict[str, Any]:
    """The body of POST /v2/orders; a field given as `...` is left out."""
    body = {
        "merchant_id": merchant_id,
        "customer_id": "alice",
        "customer_email": "alice@example.com",
        "total": "20.00",
        "total_shipping": "0.00",
        "payment_status": "paid",
    }
    return {name: value for name, value in (body | fields).items() if value is not ...}


def an_update(**fields: Any) -> dict[str, Any]:
    """The body of PUT /v2/orders/{merchant_id}; a field given as `...` is left out."""
    body = {
        "payment_status": "paid",
        "cancellation_status": "not_cancelled",
        "refund_status": "not_refunded",
        "total_paid": "20.00",
        "total_refunded": "0",
    }
    return {name: value for name, value in (body | fields).items() if value is not ...}


@pytest.fixture(scope="module")
def database(server: str, template: str) -> Iterator[str]:
    """One database a module: every test makes a program of its own; the other tests' are strangers."""
    yield from fresh_database(server, template)


@pytest.fixture
def clock() -> Clock:
    return Ticking(START)


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    house = await House.open(Settings(home=tmp_path, secret_key=bytes(range(32))), database, clock=clock)
    yield house
    await house.close()


async def open_shop(house: House, clock: Clock, **changes: Any) -> Shop:
    """A new program with one site."""
    terms: dict[str, Any] = {"name": "Tea & Leaves", "domain": "https://tea.example", "currency": "GBP"}
    created = await create_program(house.database, house.vault, **(terms | changes), now=clock())
    return Shop(house, clock, created)


@pytest.fixture
async def shop(house: House, clock: Clock) -> AsyncIterator[Shop]:
    """One point a pound, approved at once."""
    shop = await open_shop(house, clock)
    yield shop
    await shop.client.aclose()


@pytest.fixture
async def slow_shop(house: House, clock: Clock) -> AsyncIterator[Shop]:
    """One point a pound, approved after 14 days."""
    shop = await open_shop(house, clock, approval_days=14)
    yield shop
    await shop.client.aclose()
