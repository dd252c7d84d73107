"""Coming in and going out: what the browser is given, where it is led, what it is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest

from regulars.app import own_account, sessions
from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.app.sessions import From
from regulars.app.staff import arrivals, links
from regulars.doors.admin.app import build
from regulars.doors.admin.cookies import SESSION
from regulars.settings import Settings
from tests.clock import Clock
from tests.conftest import fresh_database
from tests.doors.admin.conftest import PASSWORD, Browser, hire, text_of

BY = From(ip="203.0.113.5", user_agent="test")


@pytest.fixture
async def ann(house: House, shop: Created) -> str:
    """The e-mail of the owner, who has a password."""
    email = f"ann{shop.program_id}@tea.example"
    await hire(house, shop.program_id, Role.OWNER, email=email)
    token = await links.make_reset_link(house.database, email=email, now=house.clock())
    await arrivals.reset_password(house.database, token=token, password=PASSWORD, by=BY, now=house.clock())
    return email


@pytest.fixture
async def browser(house: House, shop: Created) -> AsyncIterator[Browser]:
    """A browser of somebody who is not signed in."""
    browser = Browser(house)
    browser.program_id = shop.program_id
    yield browser
    await browser.client.aclose()


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """Every cookie that the answer sets, with all that stands behind its value."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        name, _, rest = line.partition("=")
        found[name] = rest.partition("; ")[2]
    return found


async def sign_in(browser: Browser, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
    return await browser.post("/admin/sign-in", {"email": email, "password": password, **fields})


async def test_the_right_password_leads_to_the_program(browser: Browser, ann: str, shop: Created) -> None:
    answer = await sign_in(browser, ann)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    cookies = cookies_of(answer)
    assert cookies[SESSION] == "Path=/; HttpOnly; SameSite=Lax"
    assert cookies["regulars-device"] == "Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax"
    assert "Max-Age=0" in cookies["regulars-visit"]
    answer = await browser.get("/admin")
    assert answer.headers["location"] == f"/admin/p/{shop.program_id}"
    assert (await browser.get("/")).status_code == 200


async def test_a_wrong_password_says_no_more_than_an_unknown_name(browser: Browser, ann: str) -> None:
    known = await sign_in(browser, ann, "wrong")
    unknown = await sign_in(browser, "nobody@tea.example", "wrong")
    assert known.status_code == unknown.status_code == 422
    assert text_of(known) == text_of(unknown)
    assert "The e-mail or the password is wrong." in text_of(known)
    assert SESSION not in cookies_of(known)


async def test_too_many_tries_are_told_when_to_come_back(browser: Browser, ann: str) -> None:
    answers = [await sign_in(browser, ann, "wrong") for _ in range(7)]
    assert [answer.status_code for answer in answers[:5]] == [422] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many tries." in text_of(answers[-1])


async def test_a_session_that_somebody_planted_is_not_taken_over(browser: Browser, ann: str) -> None:
    planted = "p" * 43
    browser.client.cookies.set(SESSION, planted, domain="127.0.0.1")
    browser.client.cookies.set("regulars-visit", "v" * 43, domain="127.0.0.1")
    page = await browser.get("/admin/sign-in")
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = await browser.client.post(
        "/admin/sign-in", data={"csrf": token, "email": ann, "password": PASSWORD}
    )
    assert answer.status_code == 303
    assert browser.client.cookies[SESSION] != planted


async def test_on_https_cookies_are_of_this_host_alone_and_hsts_is_set(
    database: str, tmp_path: Path, clock: Clock
) -> None:
    settings = Settings(home=tmp_path, secret_key=bytes(32), public_url="https://points.example")
    house = await House.open(settings, database, clock=clock)
    transport = httpx.ASGITransport(build(house))
    async with httpx.AsyncClient(transport=transport, base_url="https://points.example") as client:
        answer = await client.get("/admin/sign-in")
        assert cookies_of(answer) == {"__Host-regulars-visit": "Path=/; HttpOnly; SameSite=Lax; Secure"}
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    await house.close()


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example",
        "//evil.example",
        "/admin//evil.example",
        "/\\evil.example",
        "/v2/orders",
        "/admin/\r\nx",
    ],
)
async def test_signing_in_leads_nowhere_but_to_our_own_pages(
    browser: Browser, ann: str, next_page: str
) -> None:
    answer = await sign_in(browser, ann, next=next_page)
    assert answer.headers["location"] == "/admin"


async def test_after_signing_in_one_stands_where_one_wanted_to_be(
    browser: Browser, ann: str, shop: Created
) -> None:
    answer = await browser.get("/staff")
    assert answer.headers["location"] == f"/admin/sign-in?next=%2Fadmin%2Fp%2F{shop.program_id}%2Fstaff"
    answer = await sign_in(browser, ann, next=f"/admin/p/{shop.program_id}/staff")
    assert answer.headers["location"] == f"/admin/p/{shop.program_id}/staff"


async def test_signing_out_ends_the_session_at_the_server(browser: Browser, ann: str) -> None:
    await sign_in(browser, ann)
    kept = browser.client.cookies[SESSION]
    answer = await browser.post("/admin/sign-out")
    assert answer.headers["location"] == "/admin/sign-in"
    browser.client.cookies.set(SESSION, kept, domain="127.0.0.1")
    assert (await browser.get("/")).status_code == 303


async def test_half_an_idle_hour_later_one_signs_in_again(browser: Browser, ann: str, clock: Clock) -> None:
    await sign_in(browser, ann)
    clock.forward(minutes=31)
    assert (await browser.get("/")).status_code == 303


async def test_between_password_and_code_nothing_opens(
    browser: Browser, house: House, ann: str, clock: Clock
) -> None:
    await sign_in(browser, ann)
    visitor = await sessions.who_is(house.database, browser.client.cookies[SESSION], clock.now)
    assert visitor is not None
    secret, _ = await own_account.begin_second_factor(house.database, house.vault, visitor)
    answer = await browser.post("/admin/me/second-factor/confirm", {"code": pyotp.TOTP(secret).at(clock.now)})
    assert answer.status_code == 303
    assert "From now on signing in asks for a code, too." in text_of(await browser.get("/admin/me"))
    clock.forward(minutes=1)

    again = Browser(house)
    again.program_id = browser.program_id
    answer = await sign_in(again, ann)
    assert answer.headers["location"] == "/admin/sign-in/code?next=%2Fadmin"
    half = again.client.cookies[SESSION]
    for path in ("/", "/staff", "/admin/me", "/admin/programs"):
        assert (await again.get(path)).headers["location"].startswith("/admin/sign-in"), path
    assert (await again.post("/admin/me", {"name": "Eve"})).status_code == 303
    assert (await again.post("/admin/sign-in/code", {"code": "123"})).status_code == 422
    answer = await again.post("/admin/sign-in/code", {"code": pyotp.TOTP(secret).at(clock.now)})
    assert answer.headers["location"] == "/admin"
    assert again.client.cookies[SESSION] != half
    assert (await again.get("/")).status_code == 200
    async with house.database.acquire() as connection:
        await connection.execute("update staff set totp_secret = null, totp_at = null")


async def test_opening_a_link_uses_nothing_up(browser: Browser, house: House, ann: str) -> None:
    """Mail programs and messengers look at links, too."""
    token = await links.make_reset_link(house.database, email=ann, now=house.clock())
    for _ in range(2):
        page = await browser.get(f"/admin/reset/{token}")
        assert page.status_code == 200
        assert ann in text_of(page)
    answer = await browser.post(f"/admin/reset/{token}", {"password": "tiny"})
    assert answer.status_code == 422
    assert "Must have at least 12 characters" in text_of(answer)
    answer = await browser.post(f"/admin/reset/{token}", {"password": "many more leaves of tea"})
    assert answer.headers["location"] == "/admin"
    used = await Browser(house).get(f"/admin/reset/{token}")
    assert used.status_code == 422
    assert "This link has been used" in text_of(used)


async def test_the_demos_link_signs_in_once(browser: Browser, house: House, shop: Created) -> None:
    token = await links.make_sign_in_link(
        house.database,
        email=f"demo{shop.program_id}@tea.example",
        name="Demo",
        program_id=shop.program_id,
        now=house.clock(),
    )
    assert "This link signs you in as Demo" in text_of(await browser.get(f"/admin/come-in/{token}"))
    assert (await browser.post(f"/admin/come-in/{token}")).headers["location"] == "/admin"
    assert (await browser.get("/")).status_code == 200
    other = Browser(house)
    assert (await other.post(f"/admin/come-in/{token}")).status_code == 422


async def test_an_invited_person_joins_and_somebody_elses_session_cannot(
    owner: Browser, house: House, shop: Created
) -> None:
    email = f"ben{shop.program_id}@tea.example"
    page = await owner.post("/staff", {"email": email, "role": "support"})
    path = "/admin/invitation/" + page.text.partition("/admin/invitation/")[2].partition("<")[0]
    assert "You are signed in as" in text_of(await owner.get(path))
    newcomer = Browser(house)
    assert "You are invited to the staff of Tea Circle" in text_of(await newcomer.get(path))
    answer = await newcomer.post(path, {"name": "Ben", "password": PASSWORD, "locale": "de-DE"})
    assert answer.headers["location"] == f"/admin/p/{shop.program_id}"
    newcomer.program_id = shop.program_id
    assert "Übersicht" in text_of(await newcomer.get("/"))
    assert (await newcomer.get("/staff")).status_code == 403


async def test_an_empty_house_is_set_up_in_the_browser(empty_house: House, clock: Clock) -> None:
    token = await links.make_setup_link(empty_house.database, now=clock.now)
    browser = Browser(empty_house)
    assert "You are the first here" in text_of(await browser.get(f"/admin/set-up/{token}"))
    form = {"name": "Ann", "email": "ann@tea.example", "password": PASSWORD, "locale": "en-GB"}
    answer = await browser.post(f"/admin/set-up/{token}", form | {"email": "no e-mail"})
    assert answer.status_code == 422
    assert "Is not an e-mail address" in text_of(answer)
    answer = await browser.post(f"/admin/set-up/{token}", form)
    assert answer.headers["location"] == "/admin/programs"
    assert (await browser.get("/admin/programs")).headers["location"] == "/admin/programs/new"
    program = {
        "name": "Tea Circle",
        "domain": "https://tea.example",
        "currency": "gbp",
        "timezone": "Europe/London",
    }
    answer = await browser.post("/admin/programs/new", program | {"domain": "tea"})
    assert answer.status_code == 422
    answer = await browser.post("/admin/programs/new", program)
    assert answer.headers["location"] == "/admin/p/1"
    assert "Tea Circle" in text_of(await browser.get("/admin/p/1"))
    assert "Europe/London" in text_of(await browser.get("/admin/p/1/settings"))


@pytest.fixture
async def empty_house(server: str, template: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    for dsn in fresh_database(server, template):
        house = await House.open(Settings(home=tmp_path, secret_key=bytes(32)), dsn, clock=clock)
        yield house
        await house.close()


async def test_who_does_not_keep_the_house_makes_no_programs(owner: Browser) -> None:
    assert (await owner.get("/admin/programs/new")).status_code == 404
    assert (await owner.post("/admin/programs/new", {"name": "X"})).status_code == 404


async def test_an_old_setup_link_ends_after_a_day(empty_house: House, clock: Clock) -> None:
    token = await links.make_setup_link(empty_house.database, now=clock.now)
    clock.now += timedelta(days=1)
    assert (await Browser(empty_house).get(f"/admin/set-up/{token}")).status_code == 422
