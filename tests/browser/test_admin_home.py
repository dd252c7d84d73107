"""Home and Reports in a real browser: from an empty server to the first order with points, by its pages."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from regulars.app import rewards
from regulars.app.house import House
from regulars.app.programs import Created, create_program, move_clock
from regulars.app.staff import links
from regulars.domain.commands import AdjustPoints, CustomerRef, OrderDetails
from regulars.domain.errors import NotEnoughPoints
from tests import make
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit
from tests.browser.waits import becomes, expect
from tests.conftest import fresh_database

PAGES = ["/", "/?days=365", "/?from=x", "/reports", "/reports?by=month&days=365"]
PAGES += ["/reports/age", "/reports/rewards", "/reports/rules"]
PASSWORD = "a teapot full of leaves"
NAMES = ("Ada Quill", "Ben Marsh", "Cleo Vane", "Dora Finch", "Emil Stroud", "Faye Holloway", "Gus Lindqvist")


class Empty(Admin):
    """A server on which there is nobody and nothing yet."""

    @staticmethod
    async def _open_shop(house: House) -> Created:
        return Created(
            program_id=0,
            site_id=0,
            **dict.fromkeys(Created.__struct_fields__[2:], ""),
        )


class Lively(Admin):
    """A server with a test program that lived through ten weeks."""

    @staticmethod
    async def _open_shop(house: House) -> Created:
        shop = await create_program(
            house.database,
            house.vault,
            name="Tea Circle",
            domain="https://tea.example",
            currency="GBP",
            approval_days=7,
            test_mode=True,
            now=house.clock(),
        )
        await live(house, shop.program_id)
        return shop


async def live(house: House, program_id: int) -> None:
    """Ten weeks of orders, some of them refunded, and what was claimed for their points."""
    reward = make.reward(cost=150, valid_days=20)
    reward_id = (await rewards.create_reward(house.database, program_id, reward, now=house.clock())).id
    for day in range(70):
        await move_clock(house.database, program_id, forward=timedelta(days=1), now=house.clock())
        for number in range(1 + day * 7 % 4):
            who = NAMES[(day + number * 3) % len(NAMES)]
            first, last = who.split()
            customer = CustomerRef(
                merchant_id=first.lower(),
                email=f"{first.lower()}@example.com",
                first_name=first,
                last_name=last,
            )
            paid = make.order(
                f"{day}-{number}",
                total=2500 + (day * 37 + number * 911) % 9000,
                customer=customer,
                details=OrderDetails(),
            )
            await house.engine.submit(program_id, paid)
            if day % 9 == 4 and number == 0:
                await house.engine.submit(program_id, make.refund(f"{day}-{number}", 1500))
        if day % 8 == 5:
            asked = make.redeem(merchant_id=NAMES[day % len(NAMES)].split()[0].lower(), reward_id=reward_id)
            with contextlib.suppress(NotEnoughPoints):
                await house.engine.submit(program_id, asked)
    thanks = AdjustPoints(merchant_id="ada", points=25, reason="The parcel came late.", actor="staff:1")
    await house.engine.submit(program_id, thanks)


@pytest.fixture(scope="module")
def admin(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    for dsn in fresh_database(server, template):
        running = Lively(dsn, tmp_path_factory.mktemp("lively"))
        yield running
        running.close()


@pytest.fixture
def empty(server: str, template: str, tmp_path: Path) -> Iterator[Admin]:
    for dsn in fresh_database(server, template):
        running = Empty(dsn, tmp_path)
        yield running
        running.close()


def test_from_the_first_start_to_the_first_order_with_points(browser: Any, empty: Admin) -> None:
    token = empty.do(lambda house: links.make_setup_link(house.database, now=house.clock()))
    visit = Visit(browser, empty)
    page = visit.open(f"/admin/set-up/{token}")
    page.get_by_label("Your name").fill("Mara Thorn")
    page.get_by_label("E-mail").fill("mara@tea.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()

    page.get_by_role("heading", name="New program").wait_for()
    page.get_by_label("What your customers call it").fill("Leaf Circle")
    page.get_by_label("Your shop's address").fill("https://leaf.example")
    page.get_by_label("Currency").fill("GBP")
    page.get_by_role("button", name="Make the program").click()

    page.get_by_text("2 of 6 done").wait_for()
    home = page.url
    page.get_by_text("1 point for each GBP of an order.").wait_for()
    visit.picture("first-start")
    page.get_by_role("link", name="Set the earning rule").click()
    page.get_by_label("Points for becoming a member").fill("50")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    page.goto(home)
    page.get_by_text("50 points for becoming a member.").wait_for()

    page.get_by_role("link", name="Make the first reward").click()
    page.get_by_role("link", name="Amount off").click()
    page.get_by_label("Title", exact=True).fill("£5 off")
    page.get_by_label("Worth").fill("5.00")
    page.get_by_label("Costs").fill("500")
    page.get_by_role("radio", name="Uploaded").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Save the reward").click()
    page.goto(home)
    page.get_by_text("2 of 6 done").wait_for()
    page.get_by_role("link", name="Upload its codes").click()
    codes = {"name": "codes.csv", "mimeType": "text/csv", "buffer": b"LEAF-QX7P-K2\nLEAF-M9TD-W4\n"}
    page.get_by_label("Drop a CSV file here, or choose one").set_input_files(codes)
    with page.expect_navigation():
        page.get_by_role("button", name="Upload", exact=True).click()
    page.goto(home)
    page.get_by_text("3 of 6 done").wait_for()

    page.get_by_role("link", name="Get the code to paste").click()
    code = page.locator("#code-python").text_content()
    sent = subprocess.run([sys.executable, "-"], input=code, text=True, capture_output=True, timeout=120)
    assert (sent.stdout.split(), sent.stderr) == (["200", "200"], "")

    page.goto(home)
    page.wait_for_load_state("networkidle")
    page.get_by_role("heading", name="You are live").wait_for()
    figures = page.get_by_role("region", name="Figures").inner_text()
    assert "Members\n1\n" in figures
    assert "Points earned\n79\n" in figures
    page.get_by_text("Gave 29 points: 29.99 GBP of the order earn").wait_for()
    page.get_by_role("link", name="Anna").first.wait_for()
    becomes(page, lambda: drawn(page), [True, True])
    page.get_by_role("region", name="Points you owe").get_by_text("68", exact=True).first.wait_for()
    visit.picture("live")
    assert visit.axe() == []
    assert visit.complaints == []
    visit.close()


def drawn(page: Any) -> list[bool]:
    """Of each chart whether it has a line in it."""
    found: list[bool] = page.evaluate(
        """() => [...document.querySelectorAll("canvas")].map((canvas) => {
            const drawing = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return drawing.data.some((value) => value > 0);
        })"""
    )
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_home_and_reports_fit_pass_axe_and_keep_their_policy(
    admin: Admin, visit: Callable[..., Visit], width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    browser.sweep(PAGES)


def test_a_german_reads_both_in_german(admin: Admin, visit: Callable[..., Visit]) -> None:
    session = admin.session_of(email="greta@tea.example", locale="de-DE")
    for width in WIDTHS:
        browser = visit(session=session, width=width)
        for path in ("/", "/reports", "/reports/age", "/reports/rewards", "/reports/rules"):
            browser.open(path)
            browser.picture(f"german-{path}")
            assert (path, browser.overflow()) == (path, 0)
    page = browser.open("/reports")
    page.get_by_text("Es stimmt mit dem Buch überein").wait_for()


def test_days_of_ones_own_are_chosen_and_stay_for_the_next_report(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/reports/rewards")
    page.locator(".ranges-own summary").click()
    page.get_by_label("First day").fill("2026-01-01")
    page.get_by_label("Last day").fill("2026-01-31")
    page.get_by_role("button", name="Show these days").click()
    expect(page.locator(".ranges-own summary")).to_have_text("1 Jan 2026 – 31 Jan 2026")
    with page.expect_navigation():
        page.get_by_role("link", name="Rules used").click()
    expect(page.locator(".ranges-own summary")).to_have_text("1 Jan 2026 – 31 Jan 2026")
    with page.expect_download() as file:
        page.get_by_role("link", name="As CSV").click()
    assert file.value.suggested_filename == "rules-used-2026-01-01-2026-01-31.csv"
    assert browser.complaints == []


def test_the_last_line_of_the_roll_forward_is_what_home_says_is_owed(
    admin: Admin, visit: Callable[..., Visit]
) -> None:
    browser = visit(session=admin.session_of())
    page = browser.open("/")
    owed = page.get_by_role("region", name="Points you owe").locator(".figure-value").inner_text()
    page.get_by_role("link", name="How they came to be").click()
    last = page.get_by_role("region", name="Line by line").locator("tbody tr").first
    expect(last.locator("td").last).to_have_text(owed)
    page.locator(".report-agrees").wait_for()
    assert browser.complaints == []
