"""Our own API in the whole application: reached at its prefix, and its reference among the documentation."""

import httpx
import pytest

from regulars import asgi
from regulars.app.house import House
from regulars.doors.api.routes import ROUTES


@pytest.fixture
def client(house: House) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(asgi.build(house)), base_url="https://a.example")


async def test_the_api_is_reached_beside_the_other_doors(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/openapi.json")).json()["openapi"] == "3.1.0"
    assert (await client.get("/api/v1/rewards")).json()["error"]["code"] == "unauthenticated"
    assert (await client.get("/api/v10")).json()["error"].get("code") is None


async def test_the_reference_is_a_page_that_names_every_operation(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs/api")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    for route in ROUTES:
        assert f"{route.method} {route.path}</h3>" in page.text
