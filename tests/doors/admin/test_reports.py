"""Reports say the same as the book, by day and by month, on the page and in the file."""

import csv
import io
import re
from datetime import UTC, date, datetime

import httpx
import pytest

from regulars.app import rewards
from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.app.reports import LiabilityRow
from regulars.domain.commands import AdjustPoints
from regulars.doors.admin.pages.reports import Agreement, called
from regulars.doors.admin.words import reading_as
from tests import make
from tests.clock import Clock
from tests.doors.admin.conftest import Browser, hire, signed_in, text_of


async def analyst(house: House, shop: Created) -> Browser:
    """Somebody who may read and export, just signed in."""
    email = f"a{shop.program_id}@tea.example"
    staff_id = await hire(house, shop.program_id, Role.ANALYST, email=email)
    return await signed_in(house, staff_id, shop.program_id)


async def live(house: House, shop: Created, clock: Clock) -> Browser:
    """Two days of March: an order of 29 points, a reward for 20 of them, 5 given by staff, 11 taken back.

    Answers the browser of who looks at them then: sessions don't last that long.
    """
    program_id = shop.program_id
    await house.engine.submit(program_id, make.worked_example("A1"))
    await rewards.create_reward(house.database, program_id, make.reward(), now=clock())
    house.programs.forget()
    await house.engine.submit(program_id, make.redeem())
    clock.forward(days=1)
    gift = AdjustPoints(merchant_id="alice", points=5, reason="sorry", actor="staff:1")
    await house.engine.submit(program_id, gift)
    await house.engine.submit(program_id, make.refund("A1", 1599, reference="R1"))
    return await analyst(house, shop)


def table(answer: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def lines(answer: httpx.Response) -> list[str]:
    """The rows of the page's table, each in one line."""
    body = answer.text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body.split("</tr>")[:-1]]


async def test_what_is_owed_is_told_day_by_day_and_agrees_with_the_book(
    house: House, shop: Created, clock: Clock
) -> None:
    browser = await live(house, shop, clock)
    answer = await browser.get("/reports", params={"days": "7"})
    assert lines(answer)[:3] == [
        "3 Mar 2026 9 – – – 11 5 3",
        "2 Mar 2026 0 29 20 – – – 9",
        "1 Mar 2026 0 – – – – – 0",
    ]
    assert "It agrees with the book: 3 points by all movements" in text_of(answer)
    assert "Opening 0 + Earned 29 − Spent 20 − Expired 0 − Reversed 11 + Adjusted 5 = Closing 3" in text_of(
        answer
    )


async def test_by_month_and_the_file_say_the_same(house: House, shop: Created, clock: Clock) -> None:
    browser = await live(house, shop, clock)
    days = {"from": "2026-02-01", "to": "2026-03-03", "by": "month"}
    answer = await browser.get("/reports", params=days)
    assert lines(answer) == ["1 Mar 2026 – 3 Mar 2026 0 29 20 – 11 5 3", "February 2026 0 – – – – – 0"]
    file = re.search(r'href="([^"]+/owed/csv[^"]*)"', answer.text)
    assert file is not None
    found = await browser.client.get(file[1].replace("&amp;", "&"))
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert "points-owed-by-month-2026-02-01-2026-03-03.csv" in found.headers["content-disposition"]
    assert table(found)[1:] == [
        ["2026-02-01", "2026-02-28", "0", "0", "0", "0", "0", "0", "0"],
        ["2026-03-01", "2026-03-03", "0", "29", "20", "0", "11", "5", "3"],
    ]


async def test_years_are_told_by_month_whatever_was_asked(owner: Browser) -> None:
    answer = await owner.get("/reports", params={"from": "2024-01-01", "to": "2026-02-28", "by": "day"})
    assert len(lines(answer)) == 26
    assert "January 2024" in text_of(answer)
    assert (await owner.get("/reports", params={"from": "2026-03-04", "to": "x"})).status_code == 422


async def test_points_are_told_by_age(owner: Browser, house: House, shop: Created, clock: Clock) -> None:
    assert "No points are owed" in text_of(await owner.get("/reports/age"))
    await live(house, shop, clock)
    clock.forward(days=60)
    browser = await analyst(house, shop)
    said = text_of(await browser.get("/reports/age"))
    assert "in the last 30 days 0 0 0 0 0%" in said
    assert "31 to 90 days ago 1 0 3 3 100%" in said
    assert "Points owed 3" in said
    rows = table(await browser.get("/reports/age/csv"))
    assert rows[2] == ["31", "90", "1", "0", "3"]
    assert rows[-1] == ["Total", "", "", "", "3"]


async def test_debts_are_taken_off_what_lots_hold(house: House, shop: Created, clock: Clock) -> None:
    browser = await live(house, shop, clock)
    await house.engine.submit(shop.program_id, make.refund("A1", 2400, reference="R2"))
    said = text_of(await browser.get("/reports/age"))
    assert "Less what customers below zero owe you −15" in said
    assert "Points owed -15" in said
    assert "It agrees with the book" in text_of(await browser.get("/reports"))


async def test_rewards_are_told_by_use_and_cost(
    owner: Browser, house: House, shop: Created, clock: Clock
) -> None:
    assert "Once customers claim rewards" in text_of(await owner.get("/reports/rewards"))
    browser = await live(house, shop, clock)
    answer = await browser.get("/reports/rewards", params={"days": "7"})
    assert lines(answer) == ["Five pounds off 1 0 0 0 20 –"]
    rows = table(await browser.get("/reports/rewards/csv", params={"days": "7"}))
    assert rows[1][1:] == ["Five pounds off", "fixed_amount", "1", "0", "0", "0", "20", "0"]
    other = await browser.get("/reports/rewards", params={"from": "2026-01-01", "to": "2026-01-31"})
    assert lines(other) == ["Five pounds off 0 0 0 0 0 –"]


async def test_rules_are_told_by_use(owner: Browser, house: House, shop: Created, clock: Clock) -> None:
    assert "Nobody got points in these days" in text_of(await owner.get("/reports/rules"))
    browser = await live(house, shop, clock)
    answer = await browser.get("/reports/rules")
    assert lines(answer) == [
        "Orders 1 29 85.3% 11 18",
        "Given by staff 1 5 14.7% 0 5",
        "Becoming a member 0 0 0% 0 0",
    ]
    rows = table(await browser.get("/reports/rules/csv"))
    assert rows[1] == ["purchase", "Purchases", "1", "29", "11"]


async def test_a_title_that_is_a_formula_is_none_in_the_file(
    owner: Browser, house: House, shop: Created, clock: Clock
) -> None:
    trap = make.reward(title="=HYPERLINK(1)")
    await rewards.create_reward(house.database, shop.program_id, trap, now=clock())
    house.programs.forget()
    assert table(await owner.get("/reports/rewards/csv"))[1][1] == "'=HYPERLINK(1)"


async def test_who_may_read_but_not_export_is_offered_no_file(house: House, shop: Created) -> None:
    staff_id = await hire(house, shop.program_id, Role.READ_ONLY, email=f"r{shop.program_id}@tea.example")
    reader = await signed_in(house, staff_id, shop.program_id)
    assert "As CSV" not in text_of(await reader.get("/reports"))
    assert (await reader.get("/reports/owed/csv")).status_code == 403


def test_an_agreement_is_one_only_to_the_point() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    assert Agreement(5, 5, at).agrees
    assert not Agreement(5, 6, at).agrees


def test_lines_are_called_by_their_days_in_the_readers_language() -> None:
    def row(first: date, last: date) -> LiabilityRow:
        none = dict.fromkeys(("opening", "earned", "spent", "expired", "reversed", "adjusted", "closing"), 0)
        return LiabilityRow(first=first, last=last, **none)

    with reading_as("de-DE", "Europe/Berlin"):
        assert called(row(date(2026, 2, 1), date(2026, 2, 28)), "month") == "Februar 2026"
        assert called(row(date(2026, 2, 1), date(2026, 2, 27)), "month") == "01.02.2026 – 27.02.2026"
        assert called(row(date(2026, 2, 28), date(2026, 2, 28)), "month") == "28.02.2026"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "The last day lies before the first."),
        ({"from": "2026-03-02", "to": ""}, "These days need a first and a last one."),
        ({"from": "a", "to": "b"}, "These days need a first and a last one."),
        ({"from": "2001-01-01", "to": "2026-03-01"}, "At most ten years can be shown at once."),
        ({"from": "1901-01-01", "to": "1901-02-01"}, "Choose a day of our times."),
    ],
)
async def test_days_that_are_no_range_are_said_plainly(
    owner: Browser, query: dict[str, str], said: str
) -> None:
    for path in ("/reports", "/reports/rewards", "/"):
        answer = await owner.get(path, params=query)
        assert answer.status_code == 422
        text = text_of(answer)
        assert f"{said} Here are the last 30 days instead." in text
        assert "saved" not in text
