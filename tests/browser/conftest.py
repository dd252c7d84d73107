"""The admin on a real server with a real browser, for the tests of its pages."""

import asyncio
import contextlib
import importlib.util
import os
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn

from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.app.sessions import From, begin
from regulars.app.staff import colleagues
from regulars.asgi import build
from regulars.doors.admin.cookies import SESSION
from regulars.doors.limits import Limits, guarded
from regulars.settings import Settings
from regulars.storage import staff as storage
from tests.browser.test_front_page import CHROMIUM, FLAGS
from tests.browser.waits import patient
from tests.conftest import fresh_database

T = TypeVar("T")

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
SHOTS = os.environ.get("REGULARS_TEST_SHOTS")
"""A folder for pictures of all pages, to be looked at."""
IGNORED = ("frame-ancestors",)


class Admin:
    """A server in a thread of its own, with the tea shop's program; `do` runs something with its house."""

    def __init__(self, dsn: str, home: Path) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        port = int(self.url.rpartition(":")[2])
        self.settings = Settings(home=home, secret_key=bytes(range(32)), port=port)
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(dsn,), daemon=True)
        self.thread.start()
        assert self.ready.wait(60), "the server did not start"
        self.shop: Created = self.do(self._open_shop)

    def _run(self, dsn: str) -> None:
        with self.sock, contextlib.closing(self.loop):
            self.loop.run_until_complete(self._serve(dsn))

    async def _serve(self, dsn: str) -> None:
        self.house = await House.open(self.settings, dsn)
        config = uvicorn.Config(
            build(self.house), http=guarded(Limits()), ws="none", lifespan="off", log_config=None
        )
        self.server = uvicorn.Server(config)
        self.ready.set()
        try:
            await self.server.serve(sockets=[self.sock])
        finally:
            await self.house.close()

    def do(self, act: Callable[[House], Awaitable[T]]) -> T:
        """What `act` answers, run in the server's own loop."""

        async def run() -> T:
            return await act(self.house)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(60)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)

    @staticmethod
    async def _open_shop(house: House) -> Created:
        return await create_program(
            house.database,
            house.vault,
            name="Tea Circle",
            domain="https://tea.example",
            currency="GBP",
            now=house.clock(),
        )

    def session_of(self, role: Role = Role.OWNER, *, email: str | None = None, locale: str = "en-GB") -> str:
        """The session cookie of somebody with this role in the tea shop's program."""
        email = email or f"{role}@tea.example"

        async def let_in(house: House) -> str:
            now = house.clock()
            await colleagues.add(
                house.database,
                email=email,
                name=f"Toni {role.replace('_', ' ').title()}",
                role=role,
                program_ids=[self.shop.program_id],
                now=now,
            )
            async with house.database.acquire() as connection:
                person = await storage.by_email(connection, email)
                assert person is not None
                await storage.set_preferences(
                    connection, person.staff_id, name=person.name, locale=locale, theme=person.theme
                )
                by = From(ip="127.0.0.1", user_agent="Chromium of a test")
                given = await begin(connection, person.staff_id, by=by, second_factor_due=False, now=now)
            return given.session

        return self.do(let_in)

    def address(self, path: str) -> str:
        """Paths that do not begin with /admin are below the program's address."""
        if path.startswith("/admin"):
            return self.url + path
        return f"{self.url}/admin/p/{self.shop.program_id}{path if path != '/' else ''}"


class Visit:
    """A browser in the admin. `complaints`: what it had to say, breaches of the policy too."""

    def __init__(
        self,
        browser: Any,
        admin: Admin,
        *,
        session: str | None = None,
        width: int = 1280,
        scheme: str = "light",
        **context: Any,
    ) -> None:
        self.admin = admin
        self.label = f"{width}-{scheme}"
        self.context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            **context,
        )
        if session is not None:
            self.context.add_cookies([{"name": SESSION, "value": session, "url": admin.url}])
        self.page = patient(self.context).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, kind: str, text: str) -> None:
        # A refused form is answered 422 on purpose, which the console calls an error.
        if kind in ("error", "warning") and "the server responded with a status of 4" not in text:
            self.complaints.append(text)

    def open(self, path: str) -> Any:
        """The page at this path, ready."""
        self.page.goto(self.admin.address(path))
        self.page.wait_for_load_state("networkidle")
        return self.page

    def axe(self) -> list[str]:
        """What axe finds to mend on the page that is open."""
        self.page.evaluate(axe_script())
        found = self.page.evaluate("axe.run()")
        assert len(found["passes"]) > 8
        return [
            f"{item['id']}: {item['help']}: {node['target']}"
            for item in found["violations"]
            for node in item["nodes"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        return int(
            self.page.evaluate("scrollTo(9999, 0), Math.max(scrollX, document.body.scrollWidth - innerWidth)")
        )

    def picture(self, path: str) -> None:
        """Draws the whole page, named after its path, where somebody wants to look at it."""
        if SHOTS:
            name = re.sub(r"[^a-z0-9]+", "-", path.strip("/"))[:60] or "home"
            file = f"{SHOTS}/{name}-{self.label}.png"
            self.page.screenshot(path=file, full_page=True, animations="disabled")

    def sweep(self, paths: Iterable[str]) -> None:
        """Every one of these pages fits the screen, passes axe, and breaks no policy."""
        wrong = {}
        for path in paths:
            self.open(path)
            self.picture(path)
            if (found := self.axe()) or self.overflow() > 0:
                wrong[path] = [*found, f"{self.overflow()} pixels too wide"]
        assert wrong == {}
        assert self.complaints == []

    def close(self) -> None:
        self.context.close()


def axe_script() -> str:
    """axe-core's own text; skips where it is not installed."""
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None or package.submodule_search_locations is None:
        pytest.skip("axe-core is not installed")
    return next(Path(package.submodule_search_locations[0]).rglob("axe.min.js")).read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def admin(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """The admin on a server of this module's own."""
    for dsn in fresh_database(server, template):
        running = Admin(dsn, tmp_path_factory.mktemp("home"))
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any, admin: Admin) -> Iterator[Callable[..., Visit]]:
    """Opens browsers: visit(session=…, width=390, scheme="dark"). All are closed after the test."""
    opened: list[Visit] = []

    def open_one(**options: Any) -> Visit:
        opened.append(Visit(browser, admin, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
