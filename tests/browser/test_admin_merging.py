"""A merchant finds one person twice and makes one record of both, in a real browser."""

import re
from collections.abc import Callable

import pytest

from regulars.app.house import House
from regulars.app.rewards import create_reward
from regulars.domain.commands import CustomerRef
from tests import make
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit
from tests.browser.waits import expect

JANE = CustomerRef(merchant_id="C-1001", first_name="Jane", last_name="Doe", email="jane@mail.example")
TWICE = CustomerRef(merchant_id="C-2002", first_name="Jane", last_name="Doe", email="jane.doe@work.example")
GUEST = CustomerRef(email="jane@old-mail.example", guest=True)
PAGES = (
    "/customers/1/merge",
    "/customers/1/merge?q=jane",
    "/customers/1/merge?q=nobody+at+all",
    "/customers/1/merge/2",
    "/customers/1/merge/3",
    "/customers/1/merge/3?stays=3",
    "/customers/4",
    "/customers/5",
    "/customers?q=jane",
)


@pytest.fixture(scope="module", autouse=True)
def shop(admin: Admin) -> None:
    """Jane twice and once more as a guest; and Olga, whose second account was merged already."""
    program_id = admin.shop.program_id
    olga = [CustomerRef(merchant_id=f"O-{one}", first_name="Olga", last_name="Ray") for one in (1, 2)]

    async def fill(house: House) -> None:
        await create_reward(house.database, program_id, make.reward(), now=house.clock())
        house.programs.forget()
        for command in (
            make.worked_example("100001", customer=JANE),
            make.order("100002", customer=TWICE),
            make.redeem("C-2002"),
            make.order("100003", customer=GUEST),
            make.order("100004", customer=olga[0]),
            make.order("100005", customer=olga[1]),
        ):
            await house.engine.submit(program_id, command)
        merged = make.merge(5, 4, reason="two accounts, one Olga")
        await house.engine.submit(program_id, merged)

    admin.do(fill)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_passes_axe_and_keeps_its_policy(
    admin: Admin, visit: Callable[..., Visit], width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    browser.sweep(PAGES)


def test_the_pages_are_german_for_whoever_reads_german(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of(email="g@tea.example", locale="de-DE"), width=390)
    page = browser.open("/customers/1/merge/2")
    page.get_by_role("heading", name="Ist das dieselbe Person?").wait_for()
    page.get_by_role("button", name="Endgültig zusammenführen").wait_for()
    browser.picture("merge-german")
    assert browser.complaints == []


def test_two_accounts_and_a_guest_become_one_jane(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/customers/1")
    page.get_by_role("link", name="Merge", exact=True).click()
    page.get_by_label("Name, e-mail or id").fill("work")
    page.get_by_role("link", name=re.compile("jane.doe@work.example")).click()
    page.get_by_role("heading", name="Are they one person?").wait_for()
    page.get_by_role("link", name="Let Customer 2 stay instead").click()
    page.wait_for_url("**/customers/1/merge/2?stays=2")
    page.go_back()
    page.get_by_role("button", name="Merge for good").click()
    page.get_by_text("Must be ticked").wait_for()
    page.get_by_label("Why", exact=True).fill("she told us on the phone")
    page.get_by_label("They are one person").check()
    page.get_by_role("button", name="Merge for good").click()
    page.get_by_text("Merged: all is here now").wait_for()
    page.wait_for_url("**/customers/1")
    expect(page.locator(".balance")).to_contain_text("48")
    expect(page.locator(".told")).to_contain_text("Reason: she told us on the phone")
    expect(page.locator(".told-line").filter(has_text="100002")).to_contain_text("as Customer 2")

    page.get_by_role("link", name="Merge", exact=True).click()
    page.get_by_label("Name, e-mail or id").fill("old-mail")
    page.get_by_role("link", name=re.compile("jane@old-mail.example")).click()
    page.get_by_label("Why", exact=True).fill("the same name on the parcel")
    page.get_by_label("They are one person").check()
    page.get_by_role("button", name="Merge for good").click()
    page.get_by_text("Merged: all is here now").wait_for()
    browser.picture("merged-jane")
    page.get_by_role("link", name="jane@old-mail.example").first.click()
    page.get_by_text("This record was merged").wait_for()
    browser.picture("merged-shell")
    page.get_by_role("alert").or_(page.get_by_role("status")).get_by_role("link", name="Customer 1").click()
    page.get_by_role("heading", name="Jane Doe", level=1).wait_for()
    assert browser.complaints == []
