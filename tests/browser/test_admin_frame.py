"""The admin's own pages in a real browser: they fit, pass axe, break no policy, and can be worked with."""

from collections.abc import Callable

import pyotp
import pytest

from regulars.app.access import Role
from regulars.app.staff import colleagues
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit
from tests.browser.waits import expect

PASSWORD = "a teapot full of leaves"
PAGES = ["/", "/staff", "/audit", "/settings", "/admin/me", "/admin/programs", "/nothing-here"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_passes_axe_and_keeps_its_policy(
    admin: Admin, visit: Callable[..., Visit], width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    browser.sweep(PAGES)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_around_signing_in_do_so_too(
    admin: Admin, visit: Callable[..., Visit], width: int, scheme: str
) -> None:
    token = admin.do(
        lambda house: colleagues.add(
            house.database,
            email=f"new{width}{scheme}@tea.example",
            name="Nia",
            role=Role.SUPPORT,
            program_ids=[admin.shop.program_id],
            now=house.clock(),
        )
    )
    browser = visit(width=width, scheme=scheme)
    for path in ("/admin/sign-in", "/admin/sign-in/forgotten", f"/admin/reset/{token}", "/admin/reset/spent"):
        browser.open(path)
        browser.picture(path[:20])
        assert (path, browser.axe(), browser.overflow()) == (path, [], 0)
    assert browser.complaints == []


def test_a_newcomer_chooses_a_password_signs_out_and_in_and_adds_a_second_factor(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    token = admin.do(
        lambda house: colleagues.add(
            house.database,
            email="nia@tea.example",
            name="Nia",
            role=Role.MANAGER,
            program_ids=[admin.shop.program_id],
            now=house.clock(),
        )
    )
    browser = visit()
    page = browser.open(f"/admin/reset/{token}")
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Save and sign in").click()
    page.get_by_text("Must have at least 12 characters").wait_for()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    page.get_by_role("heading", name="Home").wait_for()

    page.get_by_text("Nia", exact=True).first.click()
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("#totp-secret").inner_text()
    page.locator(".qr svg").wait_for()
    page.get_by_label("Code of six digits").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_text("From now on signing in asks for a code, too.").wait_for()

    page.get_by_text("Nia", exact=True).first.click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").first.click()
    page.get_by_label("E-mail").fill("nia@tea.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code of six digits").fill("000000")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("This code is not right").wait_for()
    assert browser.complaints == []


def test_taking_somebody_off_asks_first_and_no_means_no(admin: Admin, visit: Callable[..., Visit]) -> None:
    admin.session_of(Role.ANALYST)
    browser = visit(session=admin.session_of())
    page = browser.open("/staff")
    row = page.get_by_role("row").filter(has_text="analyst@tea.example")
    row.get_by_role("button", name="Take off the staff").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("is signed out")
    dialog.get_by_role("button", name="Keep it as it is").click()
    expect(row.get_by_role("button", name="Take off the staff")).to_be_focused()
    row.get_by_role("button", name="Take off the staff").click()
    dialog.get_by_role("button", name="Take off the staff").click()
    page.get_by_text("They no longer work in this program.").wait_for()
    expect(row).to_have_count(0)
    assert browser.complaints == []


def test_the_save_bar_comes_with_a_change_and_goes_with_it(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/settings")
    bar = page.locator(".save-bar")
    expect(bar).to_be_hidden()
    page.get_by_label("Time zone").select_option("Europe/London")
    bar.wait_for()
    page.get_by_role("button", name="Discard").click()
    expect(bar).to_be_hidden()
    page.get_by_label("Time zone").select_option("Europe/London")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.", exact=True).wait_for()
    page.reload()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/London")
    expect(page.get_by_text("Saved.", exact=True)).to_have_count(0)
    page.goto(admin.address("/audit"))
    page.get_by_text("change time zone").first.wait_for()


def test_dark_stays_when_it_was_chosen(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of(email="dark@tea.example"), scheme="light")
    page = browser.open("/settings")
    page.locator(".own-menu summary").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Dark").click()
    expect(page).to_have_url(admin.address("/settings"))
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert browser.complaints == []


def test_on_a_phone_the_navigation_opens_and_escape_closes_it(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    browser = visit(session=admin.session_of(), width=390)
    page = browser.open("/")
    link = page.locator(".side").get_by_role("link", name="Staff")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="More").click()
    link.wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("getComputedStyle(document.querySelector('.side')).visibility === 'hidden'")
    page.get_by_role("button", name="More").click()
    link.click()
    page.get_by_role("heading", name="Staff", level=1).wait_for()


def test_a_german_reads_german(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of(email="greta@tea.example", locale="de-DE"), width=390)
    page = browser.open("/staff")
    page.get_by_role("heading", name="Team", level=1).wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "de-DE")
    assert browser.axe() == []
    browser.picture("staff-german")
