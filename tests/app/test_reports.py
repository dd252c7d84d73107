"""Reports agree with the book to the point, for any range, and say the same as CSV."""

import csv
import io
import itertools
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from regulars.app import reports
from regulars.app.figures import Range
from regulars.app.programs import Programs, UnknownProgram
from regulars.app.reports import ages, liability, rewards_used, rules_used
from regulars.app.rewards import create_reward
from regulars.domain.book import Cause
from regulars.domain.commands import CancelClaim, DiscountCode, OrderDetails
from regulars.domain.errors import Invalid
from tests import make
from tests.app.book import Town, fill, live

OWED = """
    select coalesce(sum(case when to_bucket in ('pending', 'available') then points else 0 end
                      - case when from_bucket in ('pending', 'available') then points else 0 end), 0)::bigint
      from movements where program_id = $1 and {} < $2::timestamp at time zone $3
"""


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    """The tea shop after three weeks that were told, and two months at random."""
    town = Town()
    await town.open(database, tmp_path)
    await fill(town)
    await live(town, town.tea, Random(3), days=40)
    yield town
    await town.house.close()


async def owed(town: Town, before: date, basis: str) -> int:
    """By the book itself."""
    async with town.house.database.acquire() as connection:
        points: int = await connection.fetchval(
            OWED.format("recorded_at" if basis == "recorded" else "effective_at"),
            town.tea,
            before,
            await connection.fetchval("select timezone from programs where program_id = $1", town.tea),
        )
    return points


@pytest.mark.parametrize("zone", ["UTC", "Australia/Lord_Howe"])
@pytest.mark.parametrize("basis", ["recorded", "effective"])
async def test_the_roll_forward_agrees_with_the_book_for_any_range(
    town: Town, zone: str, basis: Literal["recorded", "effective"]
) -> None:
    async with town.house.database.acquire() as connection:
        await connection.execute("update programs set timezone = $1", zone)
    random = Random(1)
    start, end = date(2026, 2, 20), town.now.astimezone(ZoneInfo(zone)).date()
    assert (end - start).days > 40
    for by in ("day", "month"):
        for _ in range(5):
            first = start + timedelta(days=random.randrange(30))
            last = first + timedelta(days=random.randrange((end - first).days + 1))
            rows = await liability(
                town.house.database,
                town.tea,
                Range(first=first, last=last),
                by=by,  # type: ignore[arg-type]
                basis=basis,
            )
            assert rows[0].opening == await owed(town, first, basis)
            assert rows[-1].closing == await owed(town, last + timedelta(days=1), basis)
            assert (rows[0].first, rows[-1].last) == (first, last)
            for before, after in itertools.pairwise(rows):
                assert after.opening == before.closing
                assert after.first == before.last + timedelta(days=1)
            for row in rows:
                moved = row.earned - row.spent - row.expired - row.reversed + row.adjusted
                assert row.closing == row.opening + moved


async def test_months_are_whole_but_for_the_ends(town: Town) -> None:
    rows = await liability(
        town.house.database, town.tea, Range(first=date(2026, 3, 5), last=date(2026, 5, 7)), by="month"
    )
    assert [(row.first, row.last) for row in rows] == [
        (date(2026, 3, 5), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 4, 30)),
        (date(2026, 5, 1), date(2026, 5, 7)),
    ]
    with pytest.raises(Invalid):
        await liability(town.house.database, town.tea, Range(first=date(2026, 3, 5), last=date(2026, 3, 4)))
    with pytest.raises(UnknownProgram):
        await liability(town.house.database, 77, Range(first=date(2026, 3, 5), last=date(2026, 3, 5)))


async def test_a_closed_month_does_not_change(town: Town) -> None:
    march = Range(first=date(2026, 3, 1), last=date(2026, 3, 31))
    before = await liability(town.house.database, town.tea, march)
    town.wait(60)
    await town.tell(
        town.tea, make.order("late", placed_at=town.now - make.days(70)), make.refund("late", 500)
    )
    assert await liability(town.house.database, town.tea, march) == before


async def test_ages_hold_all_that_is_owed(town: Town) -> None:
    for wait, held in ((0, (0, 30)), (31, (31, 90)), (60, (91, 180)), (90, (181, 365)), (185, (366, None))):
        town.wait(wait)
        found = await ages(town.house.database, town.tea, now=town.now)
        assert [row.from_days for row in found.rows] == [0, 31, 91, 181, 366]
        assert found.total == await owed(town, date(2030, 1, 1), "recorded")
        fullest = max(found.rows, key=lambda row: row.pending + row.available)
        assert (fullest.from_days, fullest.to_days) == held or wait == 0
    assert found.owed > 0
    assert found.rows[-1].available + found.rows[-1].pending == found.total + found.owed


async def test_ages_of_very_many_lots_are_summed_once_an_hour(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "FEW_LOTS", 0)
    first = await ages(town.house.database, town.tea, now=town.now)
    await town.tell(town.tea, make.order("more"))
    assert await ages(town.house.database, town.tea, now=town.now) == first
    town.wait(1 / 48)
    await reports.refresh_ages(town.house, now=town.now)
    assert await ages(town.house.database, town.tea, now=town.now) == first
    town.wait(1 / 12)
    await reports.refresh_ages(town.house, now=town.now)
    later = await ages(town.house.database, town.tea, now=town.now)
    assert later.as_of == town.now
    assert later.total == await owed(town, date(2030, 1, 1), "recorded")


async def test_rewards_by_use_and_cost(town: Town) -> None:
    first = await create_reward(town.house.database, town.tea, make.reward(), now=town.now)
    await create_reward(town.house.database, town.tea, make.reward(title="Tea for two"), now=town.now)
    town.wait(1)
    rich = make.order("rich", total=50_000, customer=make.alice(merchant_id="rich", email=None))
    await town.tell(town.tea, rich)
    town.wait(15)
    claims = [(await town.tell(town.tea, make.redeem("rich", first.id)))[0].claims[0] for _ in range(3)]
    await town.tell(
        town.tea,
        CancelClaim(claim_id=claims[0].id, actor="staff:1"),
        make.order(
            "used",
            customer=make.alice(merchant_id="rich", email=None),
            details=OrderDetails(codes=(DiscountCode(str(claims[1].code)),)),
        ),
    )
    program = await Programs(town.house.database).get(town.tea)
    today = town.now.date()
    uses = await rewards_used(town.house.database, program, Range(first=today, last=today))
    assert [(use.title, use.claimed, use.used, use.cancelled, use.points) for use in uses[:1]] == [
        ("Five pounds off", 3, 1, 1, 40)
    ]
    assert {use.title for use in uses} >= {"Tea for two"}
    assert {use.claimed for use in uses[1:]} == {0}
    assert uses[0].value_minor == 500
    yesterday = Range(first=today - timedelta(days=1), last=today - timedelta(days=1))
    assert {use.claimed for use in await rewards_used(town.house.database, program, yesterday)} == {0}


async def test_rules_by_use(town: Town) -> None:
    ever = Range(first=date(2026, 1, 1), last=date(2027, 1, 1))
    uses = {use.rule: use for use in await rules_used(town.house.database, town.tea, ever)}
    async with town.house.database.acquire() as connection:
        given = await connection.fetch(
            "select cause, count(*) as times, sum(points)::bigint as points from movements "
            "where program_id = $1 and from_bucket = 'issued' group by cause",
            town.tea,
        )
        taken = await connection.fetchval(
            "select sum(case 'reversed' when to_bucket then points when from_bucket then -points else 0 end)"
            "::bigint from movements where program_id = $1",
            town.tea,
        )
    assert {row["cause"]: (row["times"], row["points"]) for row in given} == {
        str(rule): (use.times, use.points) for rule, use in uses.items() if use.times
    }
    assert uses[Cause.PURCHASE].taken_back == taken
    assert uses[Cause.JOIN].times >= 3


def read(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))


async def test_each_as_csv(town: Town) -> None:
    await create_reward(town.house.database, town.tea, make.reward(title="=1+1"), now=town.now)
    march = Range(first=date(2026, 3, 1), last=date(2026, 3, 31))
    rolled = await liability(town.house.database, town.tea, march)
    program = await Programs(town.house.database).get(town.tea)
    found = await ages(town.house.database, town.tea, now=town.now)
    uses = await rewards_used(town.house.database, program, march)
    rules = await rules_used(town.house.database, town.tea, march)
    lines = read(reports.liability_csv(rolled))
    assert len(lines) == 32
    assert lines[1][:3] == ["2026-03-01", "2026-03-01", str(rolled[0].opening)]
    assert lines[-1][-1] == str(rolled[-1].closing)
    assert read(reports.ages_csv(found))[-1] == ["Total", "", "", "", str(found.total)]
    assert "'=1+1" in {row[1] for row in read(reports.rewards_csv(uses, currency="GBP"))}
    said: list[Any] = [row[1] for row in read(reports.rules_csv(rules))]
    assert said == ["Title", *(use.title for use in rules)]
