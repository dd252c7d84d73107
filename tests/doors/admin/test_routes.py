"""Every route by every role, by strangers, and by forms that are not ours: nobody gets where they may not."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from regulars.app.access import PERMISSIONS, Role
from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.menu import MENU
from regulars.doors.admin.routes import ROUTES
from regulars.doors.admin.routing import OPEN, OWN, NoRoute, Route, Routes
from tests.doors.admin.conftest import HOST, Browser, hire, signed_in

CHANGES = [route for route in ROUTES if route.method != "GET"]
GUARDED = [route for route in ROUTES if route.in_program]


def name_of(route: Route) -> str:
    return f"{route.method} {route.address}"


def address(route: Route, program_id: int) -> str:
    """The route's address in a program, with a number for every other variable."""
    return re.sub(r"\{\w+\}", "999999", route.address.replace("{program}", str(program_id)))


def is_let_in(answer: httpx.Response) -> bool:
    """Whether the handler was reached; what it then says of made-up values is its own affair."""
    return "Your role in this program does not include this" not in answer.text


async def call(browser: Browser, route: Route, program_id: int, **options: Any) -> httpx.Response:
    path = address(route, program_id)
    if route.method == "GET":
        return await browser.client.get(path, **options)
    return await browser.post(path, **options)


@pytest.fixture
async def everybody(house: House, shop: Created) -> AsyncIterator[dict[Role, Browser]]:
    """A browser for each role of the tea shop's staff."""
    browsers = {}
    for role in Role:
        email = f"{role}{shop.program_id}@tea.example"
        staff_id = await hire(house, shop.program_id, role, email=email)
        browsers[role] = await signed_in(house, staff_id, shop.program_id)
    yield browsers
    for browser in browsers.values():
        await browser.client.aclose()


async def test_each_role_gets_what_its_permissions_say_and_nothing_else(
    everybody: dict[Role, Browser], house: House, shop: Created
) -> None:
    """The owner goes last, as some routes end things."""
    wrong = []
    for role in reversed(Role):
        for route in GUARDED:
            answer = await call(everybody[role], route, shop.program_id)
            wanted = role in PERMISSIONS[route.permission]
            if is_let_in(answer) != wanted or (not wanted and answer.status_code != 403):
                wrong.append((role, name_of(route), answer.status_code))
            if answer.status_code == 500:
                wrong.append((role, name_of(route), answer.status_code))
    assert wrong == []


async def test_another_programs_staff_finds_nothing_here(house: House, shop: Created) -> None:
    other = await create_program(
        house.database,
        house.vault,
        name="Coffee",
        domain="https://coffee.example",
        currency="GBP",
        now=house.clock(),
    )
    email = f"stranger{other.program_id}@coffee.example"
    staff_id = await hire(house, other.program_id, Role.OWNER, email=email)
    stranger = await signed_in(house, staff_id, other.program_id)
    found = {name_of(route): (await call(stranger, route, shop.program_id)).status_code for route in GUARDED}
    assert {name: status for name, status in found.items() if status != 404} == {}


async def test_who_is_not_signed_in_is_sent_to_sign_in(house: House, shop: Created) -> None:
    nobody = Browser(house)
    for route in ROUTES:
        if route.permission == OPEN:
            continue
        answer = await call(nobody, route, shop.program_id)
        assert answer.status_code == 303, name_of(route)
        assert answer.headers["location"].startswith("/admin/sign-in"), name_of(route)


@pytest.mark.parametrize(
    ("headers", "with_token"),
    [
        ({}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": f"{HOST}.evil.example"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
    ],
)
async def test_a_form_that_is_not_ours_changes_nothing(
    owner: Browser, headers: dict[str, str], with_token: bool
) -> None:
    for route in CHANGES:
        form = {"csrf": await owner.csrf()} if with_token else {"csrf": "made up"}
        path = address(route, owner.program_id)
        answer = await owner.client.post(path, data=form, headers=headers)
        assert answer.status_code == 403, name_of(route)
        assert "Not sent" in answer.text, name_of(route)


async def test_a_body_that_no_form_sends_is_refused(owner: Browser) -> None:
    for route in CHANGES:
        path, token = address(route, owner.program_id), await owner.csrf()
        for kind in ("text/plain", "application/json", "multipart/form-data"):
            answer = await owner.client.post(path, content=f"csrf={token}", headers={"content-type": kind})
            assert answer.status_code == 400, (name_of(route), kind)


async def test_a_token_of_another_session_is_worth_nothing(
    owner: Browser, house: House, shop: Created
) -> None:
    staff_id = await hire(house, shop.program_id, Role.OWNER, email=f"second{shop.program_id}@tea.example")
    other = await signed_in(house, staff_id, shop.program_id)
    answer = await owner.client.post("/admin/me", data={"csrf": await other.csrf(), "name": "Eve"})
    assert answer.status_code == 403


async def test_every_answer_carries_the_security_headers(owner: Browser, house: House) -> None:
    nobody = Browser(house)
    answers = [await call(owner, route, owner.program_id) for route in ROUTES if route.method == "GET"]
    answers += [await nobody.get("/admin/sign-in"), await nobody.get("/admin/static/nothing.js")]
    answers.append(await owner.client.post("/admin/nowhere"))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, answer.url
        assert "base-uri 'none'" in policy and "unsafe" not in policy, answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers
        if answer.status_code != 303 and "static" not in str(answer.url):
            assert answer.headers["cache-control"] == "no-store", answer.url


async def test_nonces_differ_and_nothing_on_a_page_breaks_its_own_policy(owner: Browser) -> None:
    nonces = set()
    for route in ROUTES:
        if route.method != "GET" or "{" in route.path:
            continue
        answer = await call(owner, route, owner.program_id)
        if not answer.headers["content-type"].startswith("text/html") or answer.status_code == 303:
            continue
        found = re.search(r"'nonce-([\w-]{20,})'", answer.headers["content-security-policy"])
        assert found is not None, answer.url
        nonces.add(found[1])
        tags = re.findall(r"<script\b[^>]*>|<style\b[^>]*>", answer.text)
        assert all(f'nonce="{found[1]}"' in tag for tag in tags), answer.url
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", answer.text), answer.url
        assert not re.search(r'(?:src|href)="https?://(?!127\.0\.0\.1)', answer.text), answer.url
    assert len(nonces) > 5


async def test_another_method_is_told_which_there_are(owner: Browser) -> None:
    answer = await owner.client.delete(f"/admin/p/{owner.program_id}/settings")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert (await owner.client.head(owner.address("/"))).content == b""


@pytest.mark.parametrize(
    "path", ["/p/1%2f..%2f2/staff", "/p/%2e%2e/staff", "/p/1;x/staff", "/p/01/staff", "/p/%00"]
)
async def test_odd_paths_lead_nowhere(owner: Browser, path: str) -> None:
    assert (await owner.client.get(f"/admin{path}")).status_code == 404


def test_every_place_of_the_navigation_that_leads_somewhere_is_a_page() -> None:
    routes = Routes(ROUTES)
    found = [entry.path for part in MENU for entry in part.entries if routes.permission(entry.path)]
    assert {"/", "/staff", "/audit", "/settings"} <= set(found)


def test_no_two_routes_are_the_same_and_all_permissions_are_known() -> None:
    names = [name_of(route) for route in ROUTES]
    assert sorted(set(names)) == sorted(names)
    assert {route.permission for route in ROUTES} <= {OPEN, OWN, *PERMISSIONS}


def test_fixed_words_go_before_variables() -> None:
    async def handle(_: Any) -> Answer:
        return Answer(200)

    routes = Routes(
        [
            Route("GET", "/customers/{customer}", "customers.read", handle),
            Route("GET", "/customers/new", "customers.change", handle),
        ]
    )
    assert routes.find("GET", b"/admin/p/1/customers/new")[0].path == "/customers/new"
    route, caught = routes.find("HEAD", b"/admin/p/1/customers/a%20b")
    assert (route.path, caught) == ("/customers/{customer}", {"program": "1", "customer": "a b"})
    with pytest.raises(NoRoute):
        routes.find("GET", b"/admin/p/1/customers/a%2fb")


async def test_behind_a_proxy_that_speaks_https_for_us_our_own_forms_are_ours(owner: Browser) -> None:
    headers = {"origin": HOST.replace("http:", "https:"), "sec-fetch-site": "same-origin"}
    answer = await owner.post("/settings", {"timezone": "Europe/Paris"}, headers=headers)
    assert answer.status_code == 303
