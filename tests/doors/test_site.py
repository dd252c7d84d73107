"""The server's own pages: what stands on them, and what goes with every answer."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regulars.app.house import Health, House
from regulars.doors.site import docs
from regulars.doors.site.app import PULSE_SECONDS, build
from regulars.settings import Settings
from tests.pace import within


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    opened = await House.open(Settings(home=tmp_path, public_url="https://points.example"), database)
    yield opened
    await opened.close()


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://points.example") as opened:
        yield opened


async def test_the_front_page_says_that_the_server_is_up_and_what_to_call(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Up and running" in page.text
    assert "https://points.example/v2/orders" in page.text
    assert "regulars program create" in page.text


async def test_all_that_the_pages_load_and_link_is_there(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    addresses = set(re.findall(r'(?:href|src)="([^"]+)"', page.text)) - {"/admin"}  # another door's
    assert len(addresses) >= 5
    for address in addresses:
        assert address.startswith("/")
        assert (await client.get(address)).status_code == 200, address


async def test_the_pages_have_nothing_that_their_own_policy_forbids(client: httpx.AsyncClient) -> None:
    for path in ("/", "/nothing-here"):
        page = (await client.get(path, headers={"accept": "text/html"})).text
        assert not re.search(
            r"<script|<style|\sstyle=|\son[a-z]+=|https?://(?!points\.example|shop\.example)", page
        )


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/site.css", "/nothing", "/static/../app.py"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
async def test_every_answer_carries_the_security_headers(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    headers = (await client.request(method, path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_head_answers_as_get_without_the_body(client: httpx.AsyncClient) -> None:
    for path in ("/", "/static/site.css"):
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
    assert (await client.head("/healthz")).status_code == 200


async def test_other_methods_are_told_which_ones_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.post("/healthz")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert (await client.post("/nothing")).status_code == 404


async def test_where_nothing_is_a_person_reads_a_page_and_a_program_json(client: httpx.AsyncClient) -> None:
    page = await client.get("/nothing", headers={"accept": "text/html,*/*"})
    assert page.status_code == 404
    assert "There is nothing at this address" in page.text
    answer = await client.get("/nothing", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]
    assert (await client.get("/static/../../app.py")).status_code == 404


async def test_files_may_be_kept_for_ever_because_their_address_changes(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    address = re.search(r'href="(/static/site\.css\?[0-9a-f]+)"', page)
    assert address is not None
    assert "immutable" in (await client.get(address[1])).headers["cache-control"]
    assert (await client.get("/")).headers["cache-control"] == "no-store"


async def test_healthz_is_200_when_the_database_answers_and_503_when_not(
    house: House, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    await house.database.close()
    broken = httpx.ASGITransport(app=build(house))
    async with httpx.AsyncClient(transport=broken, base_url="http://points.example") as later:
        answer = await later.get("/healthz")
        assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
        assert "Up, with a problem" in (await later.get("/")).text


async def test_a_warning_alone_does_not_take_the_server_out_of_service(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def warned() -> Health:
        return Health(
            status="degraded", checks={"database": "answers", "durability": "synchronous_commit is off"}
        )

    monkeypatch.setattr(house, "health", warned)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build(house)), base_url="http://points.example"
    ) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_many_who_ask_at_once_cost_one_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    look = house.health

    async def counted() -> Health:
        nonlocal looks
        looks += 1
        return await look()

    monkeypatch.setattr(house, "health", counted)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build(house)), base_url="http://points.example"
    ) as client:
        began = time.monotonic()
        for _ in range(20):
            await client.get("/healthz")
        took = time.monotonic() - began
    assert looks <= 2 + took / PULSE_SECONDS
    within(took, 5, "twenty answers")


async def test_the_documentation_is_there_and_none_of_its_links_is_dead(client: httpx.AsyncClient) -> None:
    seen: set[str] = set()
    waiting = {"/docs/"}
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = await client.get(address)
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        anchors = set(re.findall(r' id="([^"]+)"', answer.text))
        for target in re.findall(r'(?:href|src)="([^"]+)"', answer.text):
            path, _, anchor = target.partition("#")
            assert path or anchor in anchors, (address, target)
            if path.startswith("/docs/") and path not in seen:
                waiting.add(path)
        assert not re.search(r'href="[^":]*\.md', answer.text), address
    assert {"/docs/quick-start", "/docs/operate/verify", "/docs/algorithms/points-and-lots"} <= seen
    assert "/docs/images/book.svg" in seen


async def test_nothing_outside_the_documentation_is_served_as_such(client: httpx.AsyncClient) -> None:
    for path in ("/docs/../README", "/docs/%2e%2e/pyproject.toml", "/docs/nothing", "/docs/quick-start.md"):
        assert (await client.get(path)).status_code == 404, path


async def test_comments_are_not_shown_and_html_is_not_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A <script>alert(1)</script> title\n\n<!-- hidden -->\n\n<b>bold</b> | x\n")
    html = docs.render(page, tmp_path, docs.addresses(tmp_path)).html
    assert "<script>" not in html and "<b>" not in html and "hidden" not in html
