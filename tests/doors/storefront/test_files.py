"""The widget's files: kept long where their name tells their content, and no crash where they are missing."""

import gzip
from pathlib import Path

import httpx
import pytest

from regulars.doors.storefront.app import build
from regulars.doors.storefront.files import Files
from tests.doors.storefront.conftest import OURS, Shop

LOADER = "/js/integrations/common/script.js"
PANEL = "/storefront/panel-3F5WQ2XA.js"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    folder.mkdir()
    (folder / "loader.js").write_text("console.log('loader')\n" * 50)
    (folder / "panel-3F5WQ2XA.js").write_text("export const mount = 1")
    (folder / "secret.txt").write_text("not for pages")
    return folder


@pytest.fixture
def browser(shop: Shop, built: Path) -> httpx.AsyncClient:
    door = build(shop.house, files=Files(built))
    return httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=OURS)


async def test_the_loader_is_asked_for_again_soon_and_the_panel_never(browser: httpx.AsyncClient) -> None:
    loader, panel = await browser.get(LOADER), await browser.get(PANEL)
    assert loader.text == "console.log('loader')\n" * 50
    assert loader.headers["cache-control"] == "public, max-age=300"
    assert panel.text == "export const mount = 1"
    assert panel.headers["cache-control"] == "public, max-age=31536000, immutable"
    for answer in (loader, panel):
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_it_is_compressed_for_whoever_reads_that(browser: httpx.AsyncClient, built: Path) -> None:
    async with browser.stream("GET", LOADER, headers={"accept-encoding": "br, gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "accept-encoding"
    assert gzip.decompress(raw) == (built / "loader.js").read_bytes()
    plain = await browser.get(LOADER, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_what_a_browser_has_is_not_sent_again(browser: httpx.AsyncClient, built: Path) -> None:
    etag = (await browser.get(LOADER)).headers["etag"]
    again = await browser.get(LOADER, headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    (built / "loader.js").write_text("changed")
    assert (await browser.get(LOADER, headers={"if-none-match": etag})).text == "changed"


async def test_a_head_has_no_body(browser: httpx.AsyncClient) -> None:
    answer = await browser.head(LOADER)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/storefront/secret.txt", "/storefront/../built/secret.txt", "/storefront/panel-..%2f..%2fx.js",
             "/storefront/loader.js.map", "/storefront/PANEL-3F5WQ2XA.js", "/storefront/panel-AAAAAAAA.js"]
)  # fmt: skip
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_a_server_without_built_files_says_what_is_missing(shop: Shop, tmp_path: Path) -> None:
    door = build(shop.house, files=Files(tmp_path / "nowhere"))
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=OURS)
    for path in (LOADER, PANEL):
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert "make setup" in answer.json()["error"]["message"]
