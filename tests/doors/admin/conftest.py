"""A house with the tea shop's program, and browsers of its staff: each role has a person who is signed in."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.app.sessions import From, begin
from regulars.app.staff import colleagues
from regulars.doors.admin.app import build
from regulars.doors.admin.cookies import DEVICE, SESSION, form_token
from regulars.settings import Settings
from regulars.storage import staff as storage
from tests.clock import Clock
from tests.conftest import fresh_database

HOST = "http://127.0.0.1:8080"
PASSWORD = "a teapot full of leaves"


class Browser:
    """Somebody's browser: keeps cookies, sends forms with the token of the page they stand on."""

    def __init__(self, house: House, *, ip: str = "203.0.113.5", host: str = HOST) -> None:
        transport = httpx.ASGITransport(build(house), client=(ip, 40_000))
        self.client = httpx.AsyncClient(transport=transport, base_url=host)
        self.program_id = 0

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """A page; paths that do not begin with /admin are below the program's address."""
        return await self.client.get(self.address(path), **options)

    async def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        """A form with its token, as a page of ours has it."""
        fields = {"csrf": await self.csrf(), **(form or {})}
        return await self.client.post(self.address(path), data=fields, **options)

    async def csrf(self) -> str:
        if SESSION not in self.client.cookies and "regulars-visit" not in self.client.cookies:
            await self.client.get("/admin/sign-in")
        return form_token(self.client.cookies.get(SESSION) or self.client.cookies["regulars-visit"])

    def address(self, path: str) -> str:
        if path.startswith("/admin"):
            return path
        return f"/admin/p/{self.program_id}{path if path != '/' else ''}"


def text_of(answer: httpx.Response) -> str:
    """What a person reads on the page, in one line."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def hire(house: House, program_id: int, role: Role, *, email: str | None = None) -> int:
    """Somebody with this role; their number."""
    email = email or f"{role}@tea.example"
    await colleagues.add(
        house.database,
        email=email,
        name=f"Toni {role}",
        role=role,
        program_ids=[program_id],
        now=house.clock(),
    )
    async with house.database.acquire() as connection:
        person = await storage.by_email(connection, email)
    assert person is not None
    return person.staff_id


async def signed_in(house: House, staff_id: int, program_id: int, **options: Any) -> Browser:
    """The browser of somebody who is signed in, without asking for a password."""
    browser = Browser(house, **options)
    browser.program_id = program_id
    async with house.database.acquire() as connection:
        given = await begin(
            connection,
            staff_id,
            by=From(ip="203.0.113.5", user_agent="test"),
            second_factor_due=False,
            now=house.clock(),
        )
    browser.client.cookies.set(SESSION, given.session, domain="127.0.0.1")
    browser.client.cookies.set(DEVICE, given.device, domain="127.0.0.1")
    return browser


@pytest.fixture(scope="module")
def database(server: str, template: str) -> Iterator[str]:
    """One database a module: every test makes a program of its own; the other tests' are strangers."""
    yield from fresh_database(server, template)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    house = await House.open(Settings(home=tmp_path, secret_key=bytes(range(32))), database, clock=clock)
    yield house
    await house.close()


@pytest.fixture
async def shop(house: House) -> Created:
    """The tea shop's program."""
    return await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        now=house.clock(),
    )


@pytest.fixture
async def owner(house: House, shop: Created) -> AsyncIterator[Browser]:
    """The browser of the program's owner, signed in."""
    email = f"owner{shop.program_id}@tea.example"
    staff_id = await hire(house, shop.program_id, Role.OWNER, email=email)
    browser = await signed_in(house, staff_id, shop.program_id)
    yield browser
    await browser.client.aclose()
