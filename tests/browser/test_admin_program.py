"""The pages of the program and of its connection: they fit, pass axe, and a merchant gets done with them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.app import rewards
from regulars.domain.rewards import CodeSource
from tests import make
from tests.browser.conftest import SCHEMES, WIDTHS, Admin, Visit
from tests.browser.waits import expect

PAGES = [
    "/rules",
    "/rewards",
    "/rewards/new",
    "/rewards/new?kind=variable_amount",
    "/rewards/{reward}",
    "/rewards/{reward}/codes",
    "/codes",
    "/points",
    "/appearance",
    "/integrations",
    "/integrations/{integration}",
    "/deliveries",
    "/signatures",
    "/keys",
]


@pytest.fixture(scope="module")
def pool(admin: Admin) -> int:
    """A reward whose codes are uploaded."""
    reward = make.reward(codes=CodeSource.POOL)
    made = admin.do(
        lambda house: rewards.create_reward(house.database, admin.shop.program_id, reward, now=house.clock())
    )
    return made.id


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_passes_axe_and_keeps_its_policy(
    admin: Admin, visit: Callable[..., Visit], pool: int, width: int, scheme: str
) -> None:
    browser = visit(session=admin.session_of(), width=width, scheme=scheme)
    browser.open("/integrations")
    integration = browser.page.locator("tr[data-href]").first.get_attribute("data-href").rpartition("/")[2]
    browser.sweep(page.format(reward=pool, integration=integration) for page in PAGES)


def test_the_kinds_of_rewards_stand_in_straight_columns(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of())
    browser.open("/rewards/new")
    boxes = [kind.bounding_box() for kind in browser.page.locator(".kind").all()]
    assert len(boxes) == 7
    assert len({box["x"] for box in boxes}) == 3, "three columns beside the menu"
    assert len({box["width"] for box in boxes}) == 1


def test_codes_with_mistakes_are_named_line_by_line_and_the_mended_file_is_taken(
    admin: Admin, visit: Callable[..., Visit], pool: int, tmp_path: Path
) -> None:
    browser = visit(session=admin.session_of())
    page = browser.page
    file = tmp_path / "codes.csv"
    file.write_text("Code\nKD83-XMQP-41ZA\n\nKD83-XMQP-41ZA\nQX71-BVNL-93RT\n")
    browser.open(f"/rewards/{pool}/codes")
    page.set_input_files("input[name=file]", file)
    page.get_by_role("button", name="Upload").click()
    alert = page.get_by_role("alert").filter(has_text="Nothing of this file was taken")
    expect(alert).to_contain_text("is the same as line 2")
    page.wait_for_load_state()
    file.write_text("Code\nKD83-XMQP-41ZA\nQX71-BVNL-93RT\n")
    page.set_input_files("input[name=file]", file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("status")).to_contain_text("2 codes were taken")


def test_a_secret_is_rotated_without_a_gap(admin: Admin, visit: Callable[..., Visit]) -> None:
    browser = visit(session=admin.session_of())
    page = browser.page
    browser.open("/integrations")
    with page.expect_navigation():
        page.locator("tr[data-href] a").first.click()
    old = page.locator("#key").inner_text()
    with page.expect_navigation():
        page.get_by_role("button", name="Make a new pair").click()
    page.get_by_text("The old pair counts until you revoke it").wait_for()
    expect(page.locator("#key")).not_to_have_text(old)
    browser.open("/integrations")
    with page.expect_navigation():  # it asks only once its script is there
        page.locator(f"tr[data-href]:has-text('{old[:10]}') a").first.click()
    page.get_by_role("button", name="Revoke this pair").click()
    page.locator("dialog[open]").get_by_role("button", name="Revoke this pair").click()
    page.get_by_text("calls with this key are refused").wait_for()
