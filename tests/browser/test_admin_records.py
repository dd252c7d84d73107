"""What is looked up and taken out: the audit log, orders as a file, days that are no range; and a shop."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.app.access import BY_COMMAND_LINE, Author
from regulars.app.house import House
from regulars.app.programs import change_rules
from regulars.app.rewards import create_reward
from regulars.domain.program import JoinRule
from tests import make
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit

PAGES = ["/audit", "/orders", "/settings", "/settings/shops/1"]
NO_RANGE = "/reports?from=2026-03-02&to=2026-03-01"


@pytest.fixture(scope="module")
def busy(admin: Admin) -> None:
    """Three orders, and changes by an API key and by the command line."""
    program_id = admin.shop.program_id

    async def happen(house: House) -> None:
        for number in range(3):
            await house.engine.submit(program_id, make.order(f"R{number}"))
        till = Author("api key 1", "The till's key")
        await create_reward(house.database, program_id, make.reward(), by=till, now=house.clock())
        await change_rules(
            house.database,
            program_id,
            join=lambda _: JoinRule(points=25),
            by=BY_COMMAND_LINE,
            now=house.clock(),
        )

    admin.do(happen)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_fit_pass_axe_and_keep_their_policy(
    admin: Admin, visit: Callable[..., Visit], busy: None, width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    browser.sweep(PAGES)
    page = browser.open(NO_RANGE)
    browser.picture("no range")
    page.get_by_text("The last day lies before the first. Here are the last 30 days instead.").wait_for()
    assert (browser.axe(), browser.overflow()) == ([], 0)


def test_orders_are_taken_out_as_they_are_filtered(
    admin: Admin, visit: Callable[..., Visit], busy: None, tmp_path: Path
) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/orders?q=R1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    download.value.save_as(tmp_path / "orders.csv")
    with (tmp_path / "orders.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert download.value.suggested_filename == "orders.csv"
    assert [row["Order"] for row in rows] == ["R1"]


def test_a_shops_language_is_chosen(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/settings/shops/1")
    page.get_by_label("Language of its pages").select_option("de")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.", exact=True).wait_for()
    page.get_by_text("· German").wait_for()
    assert browser.complaints == []
