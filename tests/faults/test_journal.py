"""What the fault tests rely on: a journal held against the book shows what is lost, doubled or wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.domain.commands import AdjustPoints
from tests import make
from tests.faults.journal import Call, Findings, Journal, compare


def call(name: str, points: int, door: str = "loyaltylion") -> Call:
    kind = name.partition("-")[0]
    return Call(name, kind, door, "alice", points, path="/", body="{}")


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    """A book with one order of ten points, and a gift of five."""
    house = await House.open(make.settings(tmp_path), database)
    await create_program(
        house.database, house.vault, name="Tea", domain="https://tea.example", currency="GBP", now=make.NOON
    )
    await house.engine.submit(1, make.order("order-1", total=1000, shipping=0))
    await give(house)
    yield house
    await house.close()


async def give(house: House) -> None:
    gift = AdjustPoints(merchant_id="alice", points=5, reason="gift-1", actor="Bob")
    await house.engine.submit(1, gift)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that says just what is in the book."""
    journal = Journal(tmp_path / "journal")
    for name, points in (("order-1", 10), ("gift-1", 5)):
        journal.asks(call(name, points))
        journal.hears(call(name, points), 201)
    return journal


async def findings(house: House, journal: Journal) -> Findings:
    return await compare(house.database.dsn, 1, journal)


async def test_a_book_that_has_what_was_acknowledged_is_clean(house: House, journal: Journal) -> None:
    found = await findings(house, journal)
    assert found.is_clean
    assert (found.calls, found.acknowledged, found.committed) == (2, 2, 0)


async def test_what_was_acknowledged_and_is_missing_is_lost(house: House, journal: Journal) -> None:
    journal.asks(call("order-2", 10))
    assert (await findings(house, journal)).is_clean
    journal.hears(call("order-2", 10), 503)
    assert (await findings(house, journal)).is_clean
    journal.hears(call("order-2", 10), 201)
    assert (await findings(house, journal)).lost == ["order-2"]


async def test_what_is_there_twice_is_doubled(house: House, journal: Journal) -> None:
    await give(house)
    found = await findings(house, journal)
    assert found.doubled == ["gift-1"]
    assert found.wrong_points == ["alice has 20, and should have 15"]


async def test_what_nobody_asked_for_is_strange(house: House, journal: Journal) -> None:
    await house.engine.submit(1, make.order("order-9", total=100, shipping=0))
    assert (await findings(house, journal)).strange == ["order-9"]


async def test_a_signed_call_that_is_not_in_the_delivery_log_is_missed(
    house: House, journal: Journal
) -> None:
    journal.asks(call("order-1", 10, "lootly"))
    found = await findings(house, journal)
    assert found.wrong_points == ["the delivery log has 0 of 1 acknowledged calls"]
