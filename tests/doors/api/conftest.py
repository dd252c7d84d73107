"""A tea shop's developer with an API key: a real database, the real engine, requests over ASGI."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from regulars.app.credentials import create_api_key
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.doors.api.app import build
from tests import make
from tests.clock import Clock
from tests.conftest import fresh_database

HOST = "https://loyalty.tea.example"


class Shop:
    """A program, and a developer who calls the API with a key that may do everything."""

    def __init__(self, house: House, clock: Clock, created: Created) -> None:
        self.house = house
        self.clock = clock
        self.created = created
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(build(house)), base_url=HOST)
        self.auth: str | None = f"Bearer {created.api_token}"

    @property
    def program_id(self) -> int:
        return self.created.program_id

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """`body` is sent as it is when it is bytes, else as JSON; `auth="..."` replaces the key."""
        auth = headers.pop("auth", self.auth)
        if auth:
            headers["authorization"] = auth
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers.setdefault("content_type", "application/json")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, f"/api/v1{path}", content=content, headers=named)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.send("POST", path, body, **options)

    async def patch(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.send("PATCH", path, body, **options)

    async def upload(self, reward_id: int, file: bytes, **options: Any) -> httpx.Response:
        return await self.post(f"/rewards/{reward_id}/codes", file, content_type="text/csv", **options)

    async def reward(self, **changes: Any) -> int:
        """A new reward of 5.00 off for 20 points; its id."""
        answer = await self.post("/rewards", a_reward(**changes))
        assert answer.status_code == 201, answer.text
        reward_id: int = answer.json()["reward"]["id"]
        return reward_id

    async def earn(self, who: str = "alice", points: int = 100) -> None:
        order = make.order(total=points * 100, shipping=0, customer=make.alice(merchant_id=who, email=None))
        await self.house.engine.submit(self.program_id, order)

    async def key(self, *scopes: str) -> str:
        """The Authorization of a new key with these scopes."""
        made = await create_api_key(
            self.house.database, program_id=self.program_id, name="till", scopes=scopes, now=self.clock.now
        )
        return f"Bearer {made}"


def a_reward(**changes: Any) -> dict[str, Any]:
    """The body of a reward with generated codes; `...` leaves a field out."""
    body = {
        "kind": "fixed_amount",
        "title": "Five pounds off",
        "cost": 20,
        "amount_minor": 500,
        "codes": "generated",
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def error(answer: httpx.Response) -> tuple[int, str, Any]:
    """Status, code and details of an error; its message must say something."""
    found = answer.json()["error"]
    assert found["message"].strip()
    return answer.status_code, found["code"], found["details"]


async def open_shop(house: House, clock: Clock, **changes: Any) -> Shop:
    terms: dict[str, Any] = {"name": "Tea & Leaves", "domain": "https://tea.example", "currency": "GBP"}
    return Shop(
        house, clock, await create_program(house.database, house.vault, **(terms | changes), now=clock())
    )


@pytest.fixture(scope="module")
def database(server: str, template: str) -> Iterator[str]:
    """One database a module: every test makes a program of its own; the other tests' are strangers."""
    yield from fresh_database(server, template)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    house = await House.open(make.settings(tmp_path), database, clock=clock)
    yield house
    await house.close()


@pytest.fixture
async def shop(house: House, clock: Clock) -> AsyncIterator[Shop]:
    shop = await open_shop(house, clock)
    yield shop
    await shop.client.aclose()
