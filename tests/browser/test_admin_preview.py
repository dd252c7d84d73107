"""The widget's own panel beside the forms that change it: it follows what is typed, and talks with nobody."""

from collections.abc import Callable
from typing import Any

import pytest

from regulars.app import rewards
from regulars.app.access import Role
from regulars.app.storefront.widgets import change_widget
from tests import make
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit
from tests.browser.waits import expect


@pytest.fixture(scope="module", autouse=True)
def offered(admin: Admin) -> int:
    """A reward that is worth having."""
    reward = make.reward(title="A tin of Darjeeling", cost=300)
    made = admin.do(
        lambda house: rewards.create_reward(house.database, admin.shop.program_id, reward, now=house.clock())
    )
    return made.id


@pytest.fixture
def opened(admin: Admin, visit: Callable[..., Visit]) -> Visit:
    """The page of the widget's looks, with its panel drawn."""
    browser = visit(session=admin.session_of())
    browser.open("/appearance")
    panel_of(browser).wait_for()
    return browser


def panel_of(browser: Visit) -> Any:
    return browser.page.locator("[data-preview] .panel")


def test_a_colour_typed_in_the_form_is_the_panels(opened: Visit) -> None:
    top = panel_of(opened).locator(".top")
    opened.page.get_by_label("Colour").fill("#ffcc00")
    expect(top).to_have_css("background-color", "rgb(255, 204, 0)")
    expect(top).to_have_css("color", "rgb(17, 17, 17)")  # which is easier to read on it
    opened.page.get_by_label("Colour").fill("#102040")
    expect(top).to_have_css("background-color", "rgb(16, 32, 64)")
    expect(top).to_have_css("color", "rgb(255, 255, 255)")
    assert opened.complaints == []


def test_texts_side_and_language_are_as_the_form_has_them(opened: Visit) -> None:
    page, panel = opened.page, panel_of(opened)
    launcher = page.locator("[data-preview] .launcher")
    expect(panel.locator("h2")).to_have_text("Tea Circle")
    page.get_by_label("Title of the panel").fill("The tea circle")
    expect(panel.locator("h2")).to_have_text("The tea circle")
    page.get_by_label("Welcome for who").fill("A cup for you")
    expect(panel.locator(".welcome")).to_have_text("A cup for you")
    page.get_by_label("Words on the button").fill("Tea points")
    expect(launcher).to_have_text("Tea points")
    expect(panel.locator(".links a")).to_have_count(0)
    page.get_by_label("Where customers sign up").fill("https://tea.example/join")
    page.get_by_label("Words that invite").fill("Sit down with us")
    expect(panel.locator(".links a")).to_have_text("Sit down with us")
    page.get_by_label("Side").select_option("left")
    expect(panel).to_have_class("panel sheet left")
    page.get_by_label("Language").select_option("de")
    expect(panel.get_by_role("tab").first).to_have_text("Prämien")
    page.get_by_label("Language").select_option("ar")
    expect(panel).to_have_attribute("dir", "rtl")
    page.get_by_label("Show it on the shop").uncheck()
    launcher.wait_for(state="hidden")
    panel.get_by_role("button", name="إغلاق").click()
    panel.wait_for()  # it stays, as there is no button to open it again
    page.locator(".save-bar").wait_for()
    assert opened.complaints == []


def test_logged_in_and_logged_out_light_and_dark_differ(opened: Visit) -> None:
    page, panel = opened.page, panel_of(opened)
    panel.locator(".welcome").wait_for()
    expect(panel.get_by_role("tab")).to_have_count(2)
    page.get_by_role("button", name="Logged in").click()
    expect(panel.locator(".hello")).to_contain_text("Robin")
    expect(panel.get_by_role("tab")).to_have_count(4)
    expect(panel.locator(".pill")).to_have_text("Redeem")
    page.get_by_role("button", name="Dark").click()
    expect(panel).to_have_css("background-color", "rgb(18, 21, 20)")
    page.get_by_role("button", name="Light").click()
    expect(panel).to_have_css("background-color", "rgb(244, 245, 243)")
    page.get_by_role("button", name="Logged out").click()
    panel.locator(".welcome").wait_for()


def test_whatever_is_done_in_the_panel_sends_nothing(opened: Visit) -> None:
    page, panel = opened.page, panel_of(opened)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.get_by_label("Where customers log in").fill("https://tea.example/login")
    panel.locator(".links a").click()
    for language in ("fr", "es", "ar", "de", "en"):
        page.get_by_label("Language").select_option(language)
        expect(panel).to_have_attribute("lang", language)
    page.get_by_role("button", name="Logged in").click()
    panel.get_by_role("button", name="A tin of Darjeeling").click()
    panel.get_by_role("button", name="Yes, redeem").click()
    expect(panel.locator("code")).to_contain_text("SAMPLE")
    panel.get_by_role("button", name="Done").click()
    expect(panel.locator(".ticket")).to_contain_text("A tin of Darjeeling")
    panel.get_by_role("tab", name="History").click()
    expect(panel.locator(".lines")).to_contain_text("Order #1042")
    panel.get_by_role("tab", name="Earn").click()
    panel.locator("input[type=date]").fill("1990-05-04")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".tab")).to_contain_text("Thank you")
    panel.get_by_role("button", name="Close").click()
    panel.wait_for(state="hidden")
    page.locator("[data-preview] .launcher").click()
    panel.wait_for()
    assert sent == []
    assert opened.complaints == []


def test_the_keyboard_gets_in_and_out_again(opened: Visit) -> None:
    page, panel = opened.page, panel_of(opened)
    guest = page.get_by_role("button", name="Logged out")
    page.get_by_role("region", name="The widget's panel").wait_for()
    expect(page.locator("[data-preview] :focus")).to_have_count(0)  # it takes no focus by itself
    page.get_by_role("button", name="Dark").focus()
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel.get_by_role("tab", name="Rewards")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(panel.get_by_role("tab", name="Earn")).to_be_focused()
    page.keyboard.press("Escape")
    expect(guest).to_be_focused()


def test_staff_who_may_only_read_see_the_panel_as_it_is_saved(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    admin.do(
        lambda house: change_widget(
            house.database, admin.shop.program_id, now=house.clock(), color="#aa0033", language="de"
        )
    )
    browser = visit(session=admin.session_of(Role.READ_ONLY))
    browser.open("/appearance")
    expect(panel_of(browser).locator(".top")).to_have_css("background-color", "rgb(170, 0, 51)")
    expect(panel_of(browser)).to_have_attribute("lang", "de")
    admin.do(
        lambda house: change_widget(house.database, admin.shop.program_id, now=house.clock(), language=None)
    )


def test_a_reward_is_seen_as_customers_will_see_it(
    admin: Admin, visit: Callable[..., Visit], offered: int
) -> None:
    browser = visit(session=admin.session_of())
    page, panel = browser.page, panel_of(browser)
    browser.open("/rewards/new?kind=variable_amount")
    page.get_by_label("Title").fill("Money off your tea")
    page.get_by_label("Fewest at once").fill("200")
    expect(panel.locator(".row")).to_contain_text("Money off your tea")
    expect(panel.locator(".row")).to_contain_text("from 200 points")
    panel.locator("button.row").click()
    expect(panel.locator(".worth")).to_have_text("£2 off")
    browser.open(f"/rewards/{offered}")
    page.get_by_label("Costs").fill("777")
    expect(panel.locator(".row")).to_contain_text("777 points")
    panel.locator("button.row").click()
    page.get_by_label("Text").fill("Second flush, 100 grams.")
    expect(panel.locator(".chosen .text")).to_have_text("Second flush, 100 grams.")
    expect(page.get_by_label("Text")).to_be_focused()
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_of_the_panel_fits_and_passes_axe(
    admin: Admin, visit: Callable[..., Visit], offered: int, width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    page, panel = browser.page, panel_of(browser)
    browser.open("/appearance")
    found = {}
    for mode in ("Logged out", "Logged in"):
        page.get_by_role("button", name=mode).click()
        tabs = {"Logged out": 2, "Logged in": 4}[mode]
        expect(panel.get_by_role("tab")).to_have_count(tabs)
        for tab in panel.get_by_role("tab").all():
            tab.click()
            expect(tab).to_have_attribute("aria-selected", "true")
            name = f"{mode} {tab.inner_text()}"
            browser.picture(f"preview {name}")
            found[name] = [*browser.axe(), *(["too wide"] if browser.overflow() > 0 else [])]
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert browser.complaints == []
    browser.sweep([f"/rewards/{offered}", "/rewards/new?kind=variable_amount"])
