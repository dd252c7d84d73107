"""The storefront widget in a real browser, with a server whose answers the tests set.

Every page has a strict Content-Security-Policy, and everything that the browser complains about is an error.
"""

import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.storefront_mock import (
    BUILT,
    LOGGED_OUT,
    REWARDS,
    Servers,
    Storefront,
    line,
    reward,
    running,
    shop_page,
    snippet,
)
from tests.browser.test_front_page import CHROMIUM
from tests.browser.waits import becomes, expect, patient

AXE = importlib.util.find_spec("axe_playwright_python")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not (BUILT / "loader.js").is_file(), reason="the front end is not built"),
]

# The guide's own `style="display: none"` is the shop's, not ours; under a strict policy it is ignored.
THE_DIVS_OWN_STYLE = "Applying inline style violates"


@pytest.fixture(scope="module")
def _servers() -> Iterator[Servers]:
    with running() as servers:
        yield servers


@pytest.fixture
def servers(_servers: Servers) -> Servers:
    _servers.storefront = Storefront()
    _servers.is_down = False
    return _servers


# The mock's customer lives then; years are written out when they are not this one.
TODAY = "2026-11-22T12:00:00Z"


class Shopper:
    """Somebody with a browser on the shop's page. `complaints`: what the browser or a script had to say."""

    def __init__(self, browser: Any, servers: Servers, **context: Any) -> None:
        self.servers = servers
        self.storefront = servers.storefront
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "timezone_id": "Europe/London"}
            | context
        )
        self.context.clock.set_fixed_time(TODAY)
        self.page = patient(self.context).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, text: str) -> None:
        if not text.startswith(THE_DIVS_OWN_STYLE):
            self.complaints.append(text)

    def visit(self, path: str = "/", **page: Any) -> "Shopper":
        self.servers.page = shop_page(self.servers.provider, **page)
        self.page.goto(self.servers.shop + path)
        return self

    def open(self, path: str = "/", **page: Any) -> "Shopper":
        self.visit(path, **page)
        self.page.locator(".launcher").click()
        self.settled()
        return self

    def settled(self) -> None:
        """Waits until the panel knows who is there."""
        self.page.locator("dialog[open] .head:not([aria-busy])").wait_for()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    @property
    def dialog(self) -> Any:
        return self.page.locator("dialog.panel")

    def says(self, *texts: str) -> None:
        """Waits until the panel says each of them."""
        for text in texts:
            expect(self.dialog).to_contain_text(text, use_inner_text=True)

    def says_nothing_of(self, text: str) -> None:
        """For a panel that has already said what it should."""
        expect(self.dialog).not_to_contain_text(text, use_inner_text=True)

    def has_focus_on(self, what: str) -> None:
        """Waits until that has it, as `focus` calls it."""
        becomes(self.page, self.focus, what)

    def has_opened(self, tab: str) -> None:
        """Waits until that tab of the panel is the one to be seen."""
        expect(self.page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")

    def focus(self) -> str:
        """What has the focus: its role or tag, and its text."""
        return str(
            self.page.evaluate(
                """() => {
                  let it = document.activeElement;
                  while (it?.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
                  const says = it.getAttribute("aria-label") ?? it.textContent;
                  return it === document.body ? "BODY" : `${it.tagName} ${says}`;
                }"""
            )
        )

    def loaded(self, name: str) -> bool:
        return any(f"/storefront/{name}-" in url for url in self.requests)


@pytest.fixture
def shopper(browser: Any, servers: Servers) -> Iterator[Callable[..., Shopper]]:
    """Makes shoppers; when the story is over, no browser may have complained."""
    made: list[Shopper] = []

    def make(**context: Any) -> Shopper:
        made.append(Shopper(browser, servers, **context))
        return made[-1]

    yield make
    complaints = [text for one in made for text in one.complaints]
    for one in made:
        one.context.close()
    assert complaints == []


Make = Callable[..., Shopper]


def test_the_loader_draws_the_launcher_and_leaves_the_page_as_it_was(shopper: Make) -> None:
    jane = shopper()
    jane.page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((it) => it.value)))
          .observe({type: "layout-shift", buffered: true});"""
    )
    jane.visit()
    launcher = jane.page.get_by_role("button", name="Tea Circle")
    launcher.wait_for()
    assert launcher.bounding_box()["height"] == 56
    jane.page.wait_for_load_state("networkidle")
    assert jane.page.evaluate("window.shifts") == []
    assert jane.page.evaluate("document.documentElement.scrollHeight") == 800
    assert jane.page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"
    assert jane.context.cookies() == []
    assert not jane.loaded("panel")
    assert jane.storefront.asked("session") == []
    ours = (jane.servers.shop, jane.servers.provider)
    assert all(url.startswith(ours) for url in jane.requests)


def test_the_panel_is_fetched_when_somebody_comes_near(shopper: Make) -> None:
    jane = shopper().visit()
    with jane.page.expect_request(re.compile(r"/storefront/panel-\w+\.js$")):
        jane.page.locator(".launcher").hover()
    assert jane.storefront.asked("session") == []


def test_logged_out_it_says_what_there_is_to_have_and_how_to_join(shopper: Make) -> None:
    guest = shopper().open(**LOGGED_OUT)
    guest.says("Every order brings you closer")
    expect(guest.page.get_by_role("link", name="Join now")).to_have_attribute("href", "/account/register")
    expect(guest.page.get_by_role("link", name="Log in")).to_have_attribute("href", "/account/login")
    expect(guest.dialog.locator("li.row")).to_have_count(len(REWARDS))
    guest.tab("Earn")
    guest.says("5 points for every £4 you spend")
    expect(guest.page.get_by_role("tab")).to_have_count(2)
    assert guest.storefront.asked("session") == []


def test_logged_in_it_shows_what_one_has_and_how_far_the_next_reward_is(shopper: Make) -> None:
    jane = shopper().open()
    assert jane.storefront.asked("session")[0][0] == {
        "key": "key",
        "shop_domain": "https://tea.example",
        "shop_id": "0" * 32,
        "customer_id": "001",
        "customer_signature": "1" * 32,
    }
    jane.says(
        "Hello, Jane",
        "340 points",
        "29 points pending, yours on 4 Dec",
        "160 points to go until “£5 off”",
        "You can redeem 2 rewards",
        "Yours again from 3 Dec",
        "Out of stock at the moment",
    )
    jane.tab("Earn")
    expect(jane.dialog.locator("li.row", has_text="Become a member")).to_contain_text("Done")
    expect(jane.dialog.locator("li.row", has_text="Place an order")).not_to_contain_text("Done")


def test_redeeming_asks_first_then_hands_over_the_code_and_tells_the_page(shopper: Make) -> None:
    jane = shopper()
    jane.page.add_init_script(
        """window.heard = [];
        const hear = ({detail}) => heard.push(detail.coupon.coupon_code);
        for (const place of [document, window]) place.addEventListener("widgetRewardRedeemed", hear);"""
    )
    jane.open()
    jane.page.get_by_role("button", name="£1 off").click()
    jane.has_focus_on("H3 Redeem “£1 off”?")
    jane.says("You keep 240 points", "Valid for 90 days after redeeming")
    assert jane.storefront.asked("redeem") == []
    jane.page.get_by_role("button", name="Yes, redeem for 100 points").click()
    jane.page.get_by_role("heading", name="It’s yours!").wait_for()
    jane.has_focus_on("H3 It’s yours!")
    jane.says("TEA-NEW0-C0DE", "Valid until 20 Feb 2027")
    becomes(jane.page, lambda: jane.page.evaluate("heard"), ["TEA-NEW0-C0DE"] * 2)
    ((body, headers),) = jane.storefront.asked("redeem")
    assert body == {"reward_id": 1}
    assert headers["authorization"] == "Bearer s1"
    assert len(headers["idempotency-key"]) > 20
    jane.page.get_by_role("button", name="Done").click()
    jane.has_focus_on("BUTTON My codes")
    jane.says("240 points")
    expect(jane.dialog.locator(".ticket").first.locator("code")).to_have_text("TEA-NEW0-C0DE")


def test_a_variable_amount_is_chosen_by_slider_or_by_number(shopper: Make) -> None:
    jane = shopper().open()
    jane.page.get_by_role("button", name="Money off, as you like").click()
    slider = jane.page.get_by_role("slider")
    assert (slider.get_attribute("min"), slider.get_attribute("max")) == ("100", "300")
    jane.says("£1 off")
    slider.focus()
    jane.page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "150 points, £1.50")
    jane.says("£1.50 off")
    number = jane.page.get_by_role("spinbutton", name="How many points?")
    number.fill("275")
    jane.says("Cost 250 points")
    number.blur()
    expect(number).to_have_value("250")
    number.fill("99999")
    jane.says("£3 off")
    jane.page.get_by_role("button", name="Yes, redeem for 300 points").click()
    jane.page.get_by_role("heading", name="It’s yours!").wait_for()
    assert jane.storefront.asked("redeem")[0][0] == {"reward_id": 2, "points": 300}


def test_a_lost_reply_is_asked_for_again_under_the_same_key(shopper: Make) -> None:
    jane = shopper().open()
    jane.page.get_by_role("button", name="£1 off").click()
    busy = 503, {"error": {"code": "unsure", "message": "It may have happened, once."}}
    jane.storefront.next_is("redeem", None, busy)
    jane.page.get_by_role("button", name="Yes, redeem").click()
    jane.page.get_by_role("alert").wait_for()
    jane.says("it counts only once")
    jane.page.get_by_role("button", name="Try again").click()
    jane.page.get_by_role("heading", name="It’s yours!").wait_for()
    keys = [headers["idempotency-key"] for _, headers in jane.storefront.asked("redeem")]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    jane.complaints = [text for text in jane.complaints if "Failed to load resource" not in text]


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        ({"code": "not_enough_points", "missing": 1}, "You still need 1 point."),
        ({"code": "limit_reached", "until": "2027-01-02T12:00:00Z"}, "Yours again from 2 Jan 2027"),
        ({"code": "limit_reached", "until": None}, "You have had this one already"),
        ({"code": "out_of_stock"}, "Out of stock at the moment"),
        ({"code": "unavailable", "why": "ended"}, "Not available at the moment"),
        ({"code": "tier_required", "tiers": ["Gold", "Silver"]}, "For the tier Gold, Silver"),
        ({"code": "blocked"}, "Your points are on hold"),
        ({"code": "something_new"}, "That didn’t work"),
    ],
)
def test_a_refusal_says_why_and_the_next_attempt_has_a_key_of_its_own(
    shopper: Make, refusal: dict[str, Any], says: str
) -> None:
    jane = shopper().open()
    jane.page.get_by_role("button", name="£1 off").click()
    jane.storefront.next_is("redeem", (422, {"error": {"message": "No.", **refusal}}))
    jane.page.get_by_role("button", name="Yes, redeem").click()
    expect(jane.page.get_by_role("alert")).to_contain_text(says)
    jane.page.get_by_role("button", name="Try again").click()
    jane.page.get_by_role("heading", name="It’s yours!").wait_for()
    first, second = (headers["idempotency-key"] for _, headers in jane.storefront.asked("redeem"))
    assert first != second
    jane.complaints = [text for text in jane.complaints if "status of 422" not in text]


def test_a_session_that_ended_is_renewed_by_the_page(shopper: Make) -> None:
    jane = shopper().open()
    jane.storefront.knows_sessions = False
    jane.tab("History")
    jane.page.get_by_role("button", name="Show more").click()
    jane.page.get_by_text("The shop gave 7 points: thanks!").wait_for()
    assert len(jane.storefront.asked("session")) == 2
    assert [headers.get("authorization") for _, headers in jane.storefront.asked("history")] == [
        "Bearer s1",
        "Bearer s2",
    ]
    jane.complaints = [text for text in jane.complaints if "status of 401" not in text]


def test_a_page_with_a_token_sends_it_and_a_fresh_one_where_redeeming_asks(shopper: Make) -> None:
    jane = shopper()
    jane.storefront.program["widget"]["needs_token_to_redeem"] = True
    jane.open(data_token="v2.k1.old.signature", data_token_url="/fresh-token", **LOGGED_OUT)
    assert jane.storefront.asked("session")[0][0] == {"key": "key", "token": "v2.k1.fresh.signature"}
    jane.page.get_by_role("button", name="£1 off").click()
    jane.page.get_by_role("button", name="Yes, redeem").click()
    jane.page.get_by_role("heading", name="It’s yours!").wait_for()
    body, _ = jane.storefront.asked("redeem")[0]
    assert body == {"reward_id": 1, "proof": {"token": "v2.k1.fresh.signature"}}


def test_a_token_that_is_too_old_asks_for_a_reload(shopper: Make) -> None:
    jane = shopper()
    refused = 401, {"error": {"code": "unauthenticated", "message": "No."}}
    jane.storefront.next_is("session", refused)
    jane.open(data_token="v2.k1.old.signature", **LOGGED_OUT)
    jane.says("please reload the page")
    with jane.page.expect_navigation():
        jane.page.get_by_role("button", name="Reload").click()
    jane.page.locator(".launcher").click()
    jane.settled()
    jane.says("Hello, Jane")
    jane.complaints = [text for text in jane.complaints if "status of 401" not in text]


def test_loyaltylions_signature_is_passed_on(shopper: Make) -> None:
    jane = shopper().open(
        data_api_key="",
        data_site="site-token",
        data_customer_signature="",
        data_customer_email="jane@example.com",
        data_auth_date="2026-11-22T10:00:00Z",
        data_auth_token="a" * 40,
    )
    assert jane.storefront.calls[0][:2] == ("program", {"site": ["site-token"]})
    assert jane.storefront.asked("session")[0][0] == {
        "site": "site-token",
        "customer": {"id": "001", "email": "jane@example.com"},
        "auth": {"date": "2026-11-22T10:00:00Z", "token": "a" * 40},
    }


def test_a_refused_signature_is_as_if_nobody_were_logged_in(shopper: Make) -> None:
    mallory = shopper()
    mallory.storefront.next_is("session", (401, {"error": {"code": "unauthenticated", "message": "No."}}))
    mallory.open()
    mallory.page.get_by_role("link", name="Join now").wait_for()
    mallory.says_nothing_of("Jane")
    mallory.complaints = [text for text in mallory.complaints if "status of 401" not in text]


def test_codes_are_copied_and_say_what_became_of_them(shopper: Make) -> None:
    jane = shopper(permissions=["clipboard-read", "clipboard-write"]).open()
    jane.tab("My codes")
    jane.page.get_by_role("button", name="Copy code TEA-7Q4K-M2XW-9RTD").click()
    jane.page.get_by_text("Copied", exact=True).first.wait_for()
    assert jane.page.evaluate("navigator.clipboard.readText()") == "TEA-7Q4K-M2XW-9RTD"
    expect(jane.page.get_by_role("status")).to_have_text("Copied")
    jane.says(
        "Valid until 14 Feb 2027", "Used on order 100005", "Under way", "We send it with your next order."
    )
    expect(jane.page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(1)


def test_copying_works_where_the_browser_withholds_the_clipboard(shopper: Make) -> None:
    jane = shopper()
    jane.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    jane.open()
    jane.tab("My codes")
    jane.page.evaluate("document.addEventListener('copy', () => (window.took = String(getSelection())))")
    jane.page.get_by_role("button", name="Copy code").click()
    jane.page.get_by_text("Copied", exact=True).first.wait_for()
    becomes(jane.page, lambda: jane.focus()[:16], "BUTTON Copy code")


def test_the_history_says_why_and_goes_on_when_asked(shopper: Make) -> None:
    jane = shopper().open()
    jane.tab("History")
    lines = jane.dialog.locator(".lines li")
    expect(lines).to_have_count(5)
    for said in ("Gave 29 points: 29.99 GBP of the order earn", "+29", "pending", "Order 100007"):
        expect(lines.first).to_contain_text(said)
    expect(lines.nth(1)).to_contain_text("−100")
    jane.page.get_by_role("button", name="Show more").click()
    jane.page.get_by_text("The shop gave 7 points: thanks!").wait_for()
    expect(lines).to_have_count(6)
    assert jane.storefront.asked("history")[0][0] == {"before": ["5"]}
    expect(jane.page.get_by_role("button", name="Show more")).to_have_count(0)


def test_the_birthday_is_told_once(shopper: Make) -> None:
    jane = shopper().open()
    jane.tab("Earn")
    jane.page.get_by_role("button", name="Save").click()
    expect(jane.page.get_by_role("alert")).to_have_text("Please enter your date of birth.")
    jane.page.get_by_label("Your birthday").fill("1990-05-01")
    jane.page.get_by_role("button", name="Save").click()
    jane.page.get_by_text("1 May 1990").wait_for()
    jane.says("Saved. Thank you!")
    assert jane.storefront.asked("birthday")[0][0] == {"birthday": "1990-05-01"}
    expect(jane.page.get_by_role("button", name="Save")).to_have_count(0)


def test_by_keyboard_alone(shopper: Make) -> None:
    jane = shopper().visit()
    jane.page.locator(".launcher").wait_for()
    jane.page.locator("#before").focus()
    jane.page.keyboard.press("Tab")
    jane.has_focus_on("BUTTON Tea Circle")
    jane.page.keyboard.press("Enter")
    jane.settled()
    jane.has_focus_on("H2 Tea Circle")
    reached = set()
    for _ in range(30):
        jane.page.keyboard.press("Tab")
        reached.add(jane.focus())
    assert "BUTTON Close" in reached
    assert "BUTTON Rewards" in reached
    assert any("£1 off" in one for one in reached)
    assert not any("Add to basket" in one for one in reached)
    jane.page.get_by_role("tab", name="Rewards").focus()
    jane.page.keyboard.press("ArrowRight")
    jane.has_focus_on("BUTTON Earn")
    jane.page.keyboard.press("ArrowLeft")
    jane.has_focus_on("BUTTON Rewards")
    jane.page.keyboard.press("ArrowLeft")
    jane.has_focus_on("BUTTON History")
    jane.tab("Rewards")
    jane.page.get_by_role("button", name="£5 off").press("Enter")
    jane.has_focus_on("H3 £5 off")
    jane.says("You still need 160 points.")
    jane.page.get_by_role("button", name="Back").press("Enter")
    becomes(jane.page, lambda: jane.focus()[:13], "BUTTON £5 off")
    jane.page.keyboard.press("Escape")
    expect(jane.dialog).to_be_hidden()
    jane.has_focus_on("BUTTON Tea Circle")


def test_the_ground_beside_it_closes_it(shopper: Make) -> None:
    jane = shopper().open()
    jane.page.mouse.click(100, 600)
    expect(jane.dialog).to_be_hidden()


@pytest.mark.parametrize(
    ("address", "tab"), [("/?lourl=earn-points", "Earn"), ("/?a=1&lourl=get-coupon", "Rewards")]
)
def test_an_address_opens_a_panel(shopper: Make, address: str, tab: str) -> None:
    jane = shopper().visit(address)
    jane.settled()
    jane.has_opened(tab)


def test_the_page_can_open_it_by_script_or_by_an_attribute(shopper: Make) -> None:
    jane = shopper().visit(body='<button data-regulars-open="my-codes"><b>My codes, please</b></button>')
    jane.page.get_by_text("My codes, please").click()
    jane.settled()
    jane.has_opened("My codes")
    jane.page.keyboard.press("Escape")
    expect(jane.dialog).to_be_hidden()
    jane.has_focus_on("BUTTON My codes, please")
    jane.page.evaluate("openLootlyWidget()")
    jane.settled()
    jane.page.evaluate("lootlyWidgetInit()")
    expect(jane.dialog).to_be_visible()


INLINE = """
<p id="has" hidden data-regulars-points>–</p>
<p id="pending" data-regulars-points="pending" data-regulars-unit>–</p>
<p id="spent" data-regulars-points="spent">–</p>
<p id="gives" data-regulars-product-points="39.99">–</p>
<p id="one" data-regulars-product-points="0.8" data-regulars-unit>–</p>
<p id="large" data-regulars-product-points="9007199254740.99">–</p>
<p id="half" data-regulars-product-points="0.795">–</p>
<p id="odd" data-regulars-product-points="call us">ask</p>
<div id="list" data-regulars-rewards></div>
"""


def test_elements_of_the_shop_are_filled_in(shopper: Make) -> None:
    jane = shopper().visit(body=INLINE)
    shown = {
        "has": "340",
        "pending": "29 points",
        "spent": "100",
        "gives": "49",  # 5 points for every £4, exactly: 39.99 × 5/4 = 49.9875
        "one": "1 point",
        "large": f"{900719925474099 * 5 // 400:,}",
        "half": "1",
        "odd": "ask",
    }
    for name, text in shown.items():
        expect(jane.page.locator(f"#{name}")).to_have_text(text, use_inner_text=True)
    jane.page.evaluate("document.getElementById('gives').dataset.regularsProductPoints = '8'")
    jane.page.locator("#gives", has_text="10").wait_for()
    jane.page.locator("#list").get_by_role("button", name="£1 off").click()
    jane.page.get_by_role("heading", name="Redeem “£1 off”?").wait_for()
    jane.page.get_by_role("button", name="Yes, redeem").click()
    jane.page.locator("#has", has_text="240").wait_for()


def test_without_anybody_logged_in_points_stay_unsaid(shopper: Make) -> None:
    guest = shopper().visit(body=INLINE, **LOGGED_OUT)
    guest.page.locator("#list").get_by_text("£5 off").wait_for()
    expect(guest.page.locator("#gives")).to_have_text("49")
    expect(guest.page.locator("#pending")).to_have_text("–")
    expect(guest.page.locator("#has")).to_be_hidden()
    assert guest.storefront.asked("session") == []


def test_twice_on_a_page_is_once(shopper: Make) -> None:
    jane = shopper()
    address = jane.servers.provider
    again = f'<script src="{address}/js/integrations/common/script.js"></script>'
    jane.open(head=again, body=snippet(address) + again)
    expect(jane.page.locator(".launcher")).to_have_count(1)
    expect(jane.page.locator("dialog")).to_have_count(1)
    assert len(jane.storefront.asked("program")) == 1
    assert len(jane.storefront.asked("session")) == 1


def test_a_page_that_changes_by_script_tells_it_so(shopper: Make) -> None:
    jane = shopper().open()
    jane.page.keyboard.press("Escape")
    expect(jane.dialog).to_be_hidden()
    jane.page.evaluate(
        """() => {
          document.getElementById("regulars-widget").className = "of-jane";
          const place = document.getElementById("lootly-widget");
          place.dataset.customerId = place.dataset.customerSignature = "";
          lootlyWidgetInit();
        }"""
    )
    expect(jane.page.locator("#regulars-widget.of-jane")).to_have_count(0)
    expect(jane.page.locator("#regulars-widget")).to_have_count(1)
    jane.page.locator(".launcher").click()
    jane.settled()
    jane.says("Every order brings you closer")
    jane.says_nothing_of("Jane")
    jane.page.keyboard.press("Escape")
    expect(jane.dialog).to_be_hidden()
    jane.page.evaluate("document.body.replaceChildren(document.getElementById('lootly-widget'))")
    expect(jane.page.locator(".launcher")).to_have_count(0)
    jane.page.evaluate("lootlyWidgetInit()")
    jane.page.locator(".launcher").wait_for()


def test_the_pages_own_styles_do_not_reach_it(shopper: Make) -> None:
    plain, hostile = shopper(reduced_motion="reduce"), shopper(reduced_motion="reduce")
    plain.open()
    clip = plain.dialog.bounding_box()
    hostile.visit(head='<link rel="stylesheet" href="/shop.css">')
    assert hostile.page.locator("#before").evaluate("it => getComputedStyle(it).display") == "none"
    button = hostile.page.locator(".launcher")
    assert button.bounding_box()["height"] == 56
    button.click()
    hostile.settled()
    assert hostile.dialog.bounding_box() == clip
    style = "it => (s => [s.fontSize, s.letterSpacing, s.textTransform, s.color])(getComputedStyle(it))"
    row = ".row strong"
    assert hostile.page.locator(row).first.evaluate(style) == plain.page.locator(row).first.evaluate(style)


def test_a_server_that_is_down_leaves_no_trace(shopper: Make) -> None:
    jane = shopper()
    asking = re.compile("/storefront/v1/program")
    for answer in (None, (503, {"error": {}}), (404, {"error": {}}), (200, {})):
        jane.storefront.answers["program"] = [answer] * 9
        with jane.page.expect_request(asking) as first:
            jane.visit(body=INLINE)
        first.value.response()
        jane.page.wait_for_load_state("networkidle")
        with jane.page.expect_request(asking) as second:
            jane.page.evaluate("openLootlyWidget()")
        second.value.response()
        expect(jane.page.locator("#gives")).to_have_text("–")
        expect(jane.page.locator("#regulars-widget")).to_have_count(0)
    jane.servers.is_down = True
    with jane.page.expect_event("requestfailed"):
        jane.visit()
    jane.page.wait_for_load_state("networkidle")
    expect(jane.page.locator("#regulars-widget")).to_have_count(0)
    jane.complaints = [text for text in jane.complaints if "Failed to load resource" not in text]


def test_a_server_that_goes_away_later_is_said_kindly_and_tried_again(shopper: Make) -> None:
    jane = shopper().visit()
    jane.page.locator(".launcher").hover()
    jane.page.locator("dialog").wait_for(state="attached")
    jane.storefront.next_is("session", None, (503, {"error": {"code": "busy", "message": "No."}}))
    jane.page.locator(".launcher").click()
    jane.settled()
    jane.says("can’t be reached at the moment", "£5 off")
    again = jane.page.get_by_role("button", name="Try again")
    again.click()

    def tried() -> bool:
        again.evaluate_all("them => them.forEach((it) => it.click())")
        return bool(jane.page.get_by_text("Hello, Jane").is_visible())

    # A click does nothing while the one before is not answered, which nothing shows.
    becomes(jane.page, tried, True)
    assert jane.storefront.answers["session"] == []
    jane.complaints = [text for text in jane.complaints if "Failed to load resource" not in text]


def test_a_panel_that_does_not_come_is_asked_for_again(shopper: Make) -> None:
    jane = shopper().visit()
    jane.page.locator(".launcher").wait_for()
    jane.servers.is_down = True
    with jane.page.expect_event("requestfailed", lambda request: "/storefront/panel-" in request.url):
        jane.page.locator(".launcher").click()
    jane.servers.is_down = False

    def asked() -> bool:
        jane.page.locator(".launcher").evaluate("it => it.click()")
        return bool(jane.dialog.is_visible())

    # The page may learn of the failure later than we do, and until then it does not ask anew.
    becomes(jane.page, asked, True)
    jane.settled()
    jane.says("Hello, Jane")
    assert len([url for url in jane.requests if "/storefront/panel-" in url]) > 1
    jane.complaints = [text for text in jane.complaints if "Failed to load resource" not in text]


@pytest.mark.parametrize(
    ("setting", "page", "browsers", "says"),
    [
        (None, "en-US", "de-DE", "You can redeem 2 rewards"),
        (None, "de", "en-GB", "Du kannst 2 Prämien einlösen"),
        (None, "fr-CA", "en-GB", "2 récompenses à votre portée"),
        (None, "sv", "es-ES", "Puedes canjear 2 recompensas"),
        (None, "sv", "pt-PT", "You can redeem 2 rewards"),
        (None, "not a tag!", "de-AT", "Du kannst 2 Prämien einlösen"),
        ("es", "de", "fr-FR", "Puedes canjear 2 recompensas"),
    ],
)
def test_it_speaks_the_programs_language_or_the_pages_or_the_browsers(
    shopper: Make, setting: str | None, page: str, browsers: str, says: str
) -> None:
    jane = shopper(locale=browsers)
    jane.storefront.program["widget"]["language"] = setting
    jane.open(html=f'lang="{page}"')
    jane.says(says)


def test_numbers_follow_the_language_and_one_is_one(shopper: Make) -> None:
    jana = shopper()
    jana.storefront.me["points"] = {"available": 1234567, "pending": 1, "spent": 0, "next_approval": None}
    jana.storefront.me["rewards"] = [reward(1, "Ein Pott", 1300000) | {
        "standing": {"can": False, "why": "not_enough_points", "missing": 1}
    }]  # fmt: skip
    jana.open(html='lang="de"')
    jana.says("1.234.567 Punkte", "1 Punkt vorgemerkt", "Noch 1 Punkt bis „Ein Pott“")


def test_the_merchants_words_names_and_colours_are_used(shopper: Make) -> None:
    jane = shopper()
    jane.storefront.program["program"]["points"] = {"one": "leaf", "many": "leaves"}
    jane.storefront.program["widget"] |= {
        "color": "#ffd84d",
        "on_color": "#111111",
        "side": "left",
        "texts": {"title": "The Circle", "welcome": "Come in!", "launcher": "Leaves", "join": "Sign me up"},
    }
    jane.open(**LOGGED_OUT)
    expect(jane.page.get_by_role("button", name="Leaves")).to_have_count(1)
    assert jane.dialog.bounding_box()["x"] == 20
    jane.page.get_by_role("dialog", name="The Circle").wait_for()
    jane.says("Come in!", "Sign me up", "100 leaves")
    assert jane.dialog.locator(".top").evaluate("it => getComputedStyle(it).backgroundColor") == (
        "rgb(255, 216, 77)"
    )


def test_a_hidden_launcher_still_opens_from_the_page(shopper: Make) -> None:
    jane = shopper()
    jane.storefront.program["widget"]["enabled"] = False
    jane.visit(body="<button data-regulars-open>Points</button>")
    jane.page.get_by_text("Points", exact=True).click()
    jane.settled()
    expect(jane.page.locator(".launcher")).to_have_count(0)


def test_whatever_a_text_holds_it_is_text(shopper: Make) -> None:
    evil = "<img src=x onerror=alert(1)>{name}|</style>"
    jane = shopper()
    jane.storefront.program["program"]["name"] = evil
    jane.storefront.program["widget"]["texts"] |= {"title": evil, "welcome": evil}
    jane.storefront.program["widget"]["color"] = "#000000;}*{display:none"
    jane.storefront.me["customer"]["first_name"] = evil
    jane.storefront.me["rewards"][0] |= {"title": evil, "text": evil, "icon": evil}
    jane.storefront.me["claims"][0] |= {"title": evil, "code": evil}
    jane.storefront.me["history"]["lines"] = [line(1, evil, evil, order=evil)]
    jane.open()
    jane.says(evil)
    for tab in ("Earn", "My codes", "History"):
        jane.tab(tab)
        jane.has_opened(tab)
        expect(jane.dialog.locator("img")).to_have_count(0)
    expect(jane.page.locator(".launcher")).to_be_visible()


def test_on_a_phone_the_sheet_is_the_screen(shopper: Make) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    jane = shopper(**phone, reduced_motion="reduce").open()
    assert jane.dialog.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert jane.page.evaluate("document.documentElement.scrollWidth") == 390
    for button in jane.dialog.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_nothing_runs_out_of_a_narrow_screen(shopper: Make, language: str, width: int) -> None:
    jane = shopper(viewport={"width": width, "height": 700}).open(html=f'lang="{language}"')
    for tab in range(4):
        jane.page.get_by_role("tab").nth(tab).click()
        expect(jane.page.get_by_role("tab").nth(tab)).to_have_attribute("aria-selected", "true")
        assert jane.dialog.locator(".scroll").evaluate("it => it.scrollWidth - it.clientWidth") == 0


def test_with_reduced_motion_nothing_moves(shopper: Make) -> None:
    moving = "it => it.getAnimations({subtree: true}).length"
    still = shopper(reduced_motion="reduce").open()
    still.page.get_by_role("button", name="£1 off").click()
    still.page.get_by_role("button", name="Yes, redeem").click()
    still.page.get_by_role("heading", name="It’s yours!").wait_for()
    assert still.dialog.evaluate(moving) == 0
    assert still.dialog.evaluate("it => getComputedStyle(it).animationName") == "none"
    lively = shopper(reduced_motion="no-preference").open()
    assert lively.dialog.evaluate("it => getComputedStyle(it).animationName") == "rise"


def test_from_right_to_left_it_is_mirrored(shopper: Make) -> None:
    jane = shopper().open(html='lang="he" dir="rtl"')
    close = jane.page.get_by_role("button", name="Close").bounding_box()
    title = jane.page.get_by_role("heading", name="Tea Circle").bounding_box()
    assert close["x"] < title["x"]
    jane.page.get_by_role("tab", name="Rewards").focus()
    jane.page.keyboard.press("ArrowLeft")
    jane.has_focus_on("BUTTON Earn")


def choose(name: str) -> Callable[[Shopper], None]:
    return lambda one: one.page.get_by_role("button", name=name).click()


def redeem(one: Shopper) -> None:
    choose("£1 off")(one)
    choose("Yes, redeem")(one)
    one.page.locator(".notice.bad, .tick").wait_for()


def refused(one: Shopper) -> None:
    one.storefront.next_is("redeem", (422, {"error": {"code": "out_of_stock", "message": "No."}}))
    redeem(one)


def spoilt_birthday(one: Shopper) -> None:
    one.tab("Earn")
    choose("Save")(one)


def away(one: Shopper) -> None:
    one.page.keyboard.press("Escape")
    expect(one.dialog).to_be_hidden()
    one.storefront.next_is("me", (503, {"error": {"code": "busy", "message": "No."}}))
    with one.page.expect_response(re.compile("/storefront/v1/me$")):
        one.page.locator(".launcher").click()


STATES: dict[str, Callable[[Shopper], None]] = {
    "rewards": lambda one: None,
    "earn": lambda one: one.page.get_by_role("tab").nth(1).click(),
    "codes": lambda one: one.page.get_by_role("tab").nth(2).click(),
    "history": lambda one: one.page.get_by_role("tab").nth(3).click(),
    "a reward": choose("£1 off"),
    "a variable amount": choose("Money off, as you like"),
    "too few points": choose("£5 off"),
    "out of stock": choose("A tasting with our tea master"),
    "handed over": redeem,
    "refused": refused,
    "a birthday missing": spoilt_birthday,
    "gone away": away,
}


def axe_finds(page: Any) -> list[str]:
    assert AXE is not None
    assert AXE.submodule_search_locations is not None
    page.evaluate(next(Path(AXE.submodule_search_locations[0]).rglob("axe.min.js")).read_text())
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    return [
        f"{item['id']}: {node['html']} {node['failureSummary']}"
        for item in found["violations"]
        for node in item["nodes"]
    ]


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_to_mend(shopper: Make, state: str, scheme: str) -> None:
    jane = shopper(color_scheme=scheme, reduced_motion="reduce").open()
    STATES[state](jane)
    assert axe_finds(jane.page) == []
    jane.complaints = [text for text in jane.complaints if "Failed to load resource" not in text]


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
@pytest.mark.parametrize("color", ["#ffd84d", "#d6336c", "#0a0a0a", "#7a8b99"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_logged_out_closed_or_in_the_page(shopper: Make, scheme: str, color: str) -> None:
    guest = shopper(color_scheme=scheme, reduced_motion="reduce", viewport={"width": 390, "height": 844})
    # As the server chooses it: white where that reads well.
    on = "#111111" if color in ("#ffd84d", "#7a8b99") else "#ffffff"
    guest.storefront.program["widget"] |= {"color": color, "on_color": on}
    guest.visit(body="<div data-regulars-rewards></div>", html='lang="de"', **LOGGED_OUT)
    guest.page.locator("[data-regulars-rewards] .row").first.wait_for()
    assert axe_finds(guest.page) == []
    guest.page.locator(".launcher").click()
    guest.settled()
    assert axe_finds(guest.page) == []
    guest.page.get_by_role("tab", name="Sammeln").click()
    assert axe_finds(guest.page) == []
