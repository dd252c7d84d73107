"""The front page in a real browser: loads without complaint, fits a phone, passes axe in light and dark."""

import asyncio
import importlib.util
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from regulars.app.house import Health
from regulars.doors.limits import Limits, guarded
from regulars.doors.site.app import build
from regulars.settings import Settings
from tests.browser.waits import patient

CHROMIUM = shutil.which("chromium")
AXE = importlib.util.find_spec("axe_playwright_python")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

# Without these the browser calls home.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class WellHouse:
    """Stands in for a house, of which these pages only ask the address and the health."""

    settings = Settings(home=Path("unused"))

    async def health(self) -> Health:
        return Health(status="ok", checks={"database": "answers"})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site door on a real server, in a thread of its own."""
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build(WellHouse()),  # type: ignore[arg-type]
        http=guarded(Limits()),
        ws="none",
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_it_loads_without_complaint_and_fits_the_screen(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    page = patient(browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme))
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{address}/")
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_role("link", name="Up and running").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("getComputedStyle(document.querySelector('.brand img')).width") == "32px"
    assert complaints == []
    assert all(url.startswith(address) for url in requests)
    page.close()


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/nothing-here", "/docs/", "/docs/algorithms/points-and-lots"])
def test_axe_finds_nothing_to_mend(browser: Any, address: str, path: str, scheme: str) -> None:
    assert AXE is not None
    assert AXE.submodule_search_locations is not None
    script = next(Path(AXE.submodule_search_locations[0]).rglob("axe.min.js")).read_text()
    page = patient(browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme))
    page.goto(f"{address}{path}")
    page.evaluate(script)
    found = page.evaluate("axe.run()")
    assert [f"{item['id']}: {item['help']}" for item in found["violations"]] == []
    assert len(found["passes"]) > 10
    page.close()


def test_the_keyboard_reaches_the_status_and_long_commands(browser: Any, address: str) -> None:
    page = patient(browser.new_page(viewport={"width": 390, "height": 844}))
    page.goto(f"{address}/")
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.className")
        )
    assert "A brand" in reached
    assert "A status well" in reached
    assert reached.count("PRE ") == 3
    page.close()
