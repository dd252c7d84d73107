"""A merchant answers "why did I get only 29 points?" in a real browser, and looks after customers by hand."""

import re
from collections.abc import Callable

import pytest

from regulars.app.house import House
from regulars.app.rewards import create_reward
from regulars.domain.commands import CustomerRef, SaveCustomer
from tests import make
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit
from tests.browser.waits import expect

PAGES = (
    "/customers",
    "/customers?q=nobody+at+all",
    "/customers?who=members&has_points=1",
    "/customers/1",
    "/customers/1/points",
    "/customers/1/reward",
    "/customers/1/block",
    "/customers/1/erase",
    "/customers/1/claims/1/cancel",
    "/customers/2",
    "/orders",
    "/orders?q=nothing",
    "/orders/1",
    "/orders/2",
)
NAMES = ("Ada Lovelace", "Grace Hopper", "Mary Somerville", "Emmy Noether")


@pytest.fixture(scope="module", autouse=True)
def shop(admin: Admin) -> None:
    """Jane had 29 points for the worked example and spent some, a guest has none, four more joined."""
    program_id = admin.shop.program_id

    async def fill(house: House) -> None:
        jane = CustomerRef(
            merchant_id="C-1001", first_name="Jane", last_name="Doe", email="jane@mail.example"
        )
        for command in (
            make.worked_example("100001", customer=jane),
            make.order("100002", customer=jane),
            make.refund("100002", 1500),
            make.order("100003", customer=make.guest()),
        ):
            await house.engine.submit(program_id, command)
        for number, name in enumerate(NAMES):
            first, last = name.split()
            ref = CustomerRef(
                merchant_id=f"N-{number}", first_name=first, last_name=last, email=f"{last}@mail.example"
            )
            await house.engine.submit(program_id, SaveCustomer(customer=ref))
        await create_reward(house.database, program_id, make.reward(), now=house.clock())
        house.programs.forget()
        await house.engine.submit(program_id, make.redeem("C-1001"))

    admin.do(fill)


def test_a_merchant_answers_why_there_are_only_29_points(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/")
    page.get_by_role("link", name="Customers").first.click()
    page.wait_for_url("**/customers")
    page.keyboard.press("/")
    page.keyboard.type("jane")
    # Somebody who types slowly is shown lists on the way: what counts is the last one.
    page.wait_for_url(re.compile("[?&]q=jane(&|$)"))
    page.get_by_text("Ada Lovelace").wait_for(state="detached")
    page.get_by_role("link", name="Jane Doe").click()
    page.get_by_role("heading", name="Jane Doe", level=1).wait_for()
    line = page.locator(".told-line").filter(has_text="100001")
    expect(line).to_contain_text("Gave 29 points: 29.99 GBP of the order earn, at 1 a unit, rounded down.")
    expect(line).to_contain_text("+29")

    line.get_by_role("link", name="100001").click()
    page.get_by_role("heading", name="Order 100001").wait_for()
    expect(page.locator(".answer")).to_have_text(re.compile(r"^\s*Gave 29 points"))
    expect(page.locator(".sums")).to_contain_text("£39.99")
    expect(page.locator(".sums")).to_contain_text("£29.99")
    assert browser.complaints == []


def test_points_are_given_with_a_reason_and_a_mistake_is_said_beside_its_field(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    browser = visit(session=admin.session_of(), width=390)
    page = browser.open("/customers/1")
    page.get_by_role("link", name="Give or take points").click()
    page.get_by_label("How many").fill("50")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("Must say why").wait_for()
    expect(page.get_by_label("How many")).to_have_value("50")
    page.get_by_label("Why", exact=True).fill("sorry for the late parcel")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("Given. The timeline says by whom and why.").wait_for()
    expect(page.locator(".told")).to_contain_text("gave 50 points: sorry for the late parcel")
    assert browser.complaints == []


def test_a_list_is_narrowed_without_a_button_and_saved_as_a_view(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/customers")
    page.get_by_text("Filters").click()
    page.get_by_label("Who", exact=True).select_option("guests")
    page.wait_for_url(re.compile("[?&]who=guests(&|$)"))
    page.get_by_text("Jane Doe").wait_for(state="detached")
    page.get_by_text("Save as a view").click()
    page.get_by_label("Name of the view").fill("Guests")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved as “Guests”").wait_for()
    page.goto(admin.address("/customers"))
    page.get_by_role("link", name="Guests", exact=True).click()
    page.wait_for_url("**/customers?who=guests")
    expect(page.get_by_text("Jane Doe")).to_have_count(0)
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_passes_axe_and_keeps_its_policy(
    admin: Admin, visit: Callable[..., Visit], width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    browser.sweep(PAGES)
