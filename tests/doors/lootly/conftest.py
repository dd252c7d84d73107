"""A tea shop in London that talks to the Lootly door, signs like PHP, and looks at its points and its log."""

import asyncio
import hashlib
import hmac
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from regulars.app.deliveries import list_deliveries
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.doors.lootly.app import build
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import sign
from regulars.storage.deliveries import LoggedDelivery
from tests.clock import Clock
from tests.make import settings


class Shop:
    """One shop's program, its keys, and a client that calls the door."""

    def __init__(self, house: House, keys: Created, client: httpx.AsyncClient, clock: Clock) -> None:
        self.house = house
        self.keys = keys
        self.client = client
        self.clock = clock

    def body(self, payload: dict[str, Any], *, secret: str | None = None) -> bytes:
        """The payload with this shop's key as a PHP shop sends it."""
        signed = {"key": self.keys.lootly_api_key} | payload
        signature = sign(signed, secret or self.keys.lootly_api_secret)
        return json_text(signed | {"hmac": signature}, keep_objects=True).encode()

    def raw_body(self, payload: dict[str, Any], **sources: str) -> bytes:
        """The payload with some members as these very JSON texts, signed over the source text (§4)."""
        texts = {name: json_text(value) for name, value in payload.items()} | sources
        texts["key"] = json_text(self.keys.lootly_api_key)
        signed = "{" + ",".join(f'"{name}":{texts[name]}' for name in sorted(texts)) + "}"
        secret = self.keys.lootly_api_secret.encode()
        signature = b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).decode()
        return f'{signed[:-1]},"hmac":"{signature}"}}'.encode()

    async def call(
        self, hook: str, payload: dict[str, Any], *, integration: str = "common", **headers: str
    ) -> httpx.Response:
        """Sends a signed body to a hook."""
        return await self.send(hook, self.body(payload), integration=integration, **headers)

    async def send(
        self, hook: str, body: bytes, *, integration: str = "common", **headers: str
    ) -> httpx.Response:
        """Sends these bytes to a hook."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(
            f"/integrations/webhooks/{integration}/{hook}", content=body, headers=named
        )

    async def ask(self, path: str, query: dict[str, str]) -> httpx.Response:
        """Reads balances with a signed query, as the vendor signs it."""
        signed = {"key": self.keys.lootly_api_key} | query
        signature = sign_read(signed, self.keys.lootly_api_secret)
        return await self.client.get(f"/api/custom/{path}", params=signed | {"hmac": signature})

    async def points(self, customer_id: str) -> int | None:
        """What the customer can spend; None for one that nobody knows."""
        found = await self.balance(customer_id)
        return None if found is None else found[0]

    async def balance(self, customer_id: str) -> tuple[int, int] | None:
        """Available and pending."""
        program = await self.house.programs.get(self.keys.program_id)
        found = await self.house.balances.find(program, [customer_id], self.clock())
        balance = found.get(customer_id)
        return None if balance is None else (balance.available, balance.pending)

    async def log(self) -> list[LoggedDelivery]:
        """The shop's calls, the latest last."""
        return (await list_deliveries(self.house.database, self.keys.program_id, last=10_000))[::-1]

    async def last(self) -> LoggedDelivery:
        return (await self.log())[-1]

    async def count(self, table: str) -> int:
        """How many rows this program has in a table."""
        async with self.house.database.acquire() as connection:
            number: int = await connection.fetchval(
                f"select count(*) from {table} where program_id = $1", self.keys.program_id
            )
            return number

    async def fetch(self, statement: str) -> list[dict[str, Any]]:
        async with self.house.database.acquire() as connection:
            return [dict(row) for row in await connection.fetch(statement, self.keys.program_id)]


def sign_read(query: dict[str, str], secret: str) -> str:
    """The hmac of a balance read: the JSON of its members in the order that they are sent."""
    return b64encode(hmac.digest(secret.encode(), json_text(query).encode(), hashlib.sha256)).decode()


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    opened = await House.open(settings(tmp_path), database, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def shop(house: House, clock: Clock) -> AsyncIterator[Shop]:
    """One point a pound, shipping and discounts left out, nothing pending."""
    keys = await make_program(house, clock)
    async with client_of(house) as client:
        yield Shop(house, keys, client, clock)


async def make_program(house: House, clock: Clock, **changes: Any) -> Created:
    values = {"name": "Tea Circle", "domain": "https://tea.example", "currency": "GBP"} | changes
    return await create_program(house.database, house.vault, **values, now=clock())


def client_of(house: House) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(build(house), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://points.example")


def order(order_id: str = "100001", **changes: Any) -> dict[str, Any]:
    """The worked example as the guide sends it: 39.99 to pay, 29.99 of it earn, 29 points."""
    said: dict[str, Any] = {
        "id": order_id,
        "total_price": "39.99",
        "total_tax": "0.00",
        "total_discounts": "10.00",
        "subtotal_price": "29.99",
        "taxes_included": "0",
        "discount_codes": [{"code": "SPRING"}],
        "customer": customer(),
    }
    return said | changes


def customer(customer_id: str | int | None = "alice", **changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": customer_id,
        "email": "alice@example.com",
        "first_name": "Alice",
        "last_name": "Liddell",
        "birthday": "1992-05-04",
        "default_address": {"zip": "OX1 1DP", "country": "GB"},
    }
    if customer_id is None:
        del said["id"]
    return said | changes


def refund(amount: Any, order_id: str = "100001", **changes: Any) -> dict[str, Any]:
    return {"id": order_id, "transactions": [{"amount": amount} | changes]}


@pytest.fixture
async def live_shop(shop: Shop) -> AsyncIterator[tuple[Shop, str]]:
    """The shop and the address of a server that has the door, on a free port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(build(shop.house), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
    yield shop, f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving
