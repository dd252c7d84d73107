"""A house on a database of its own, whose real time is what the test says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regulars.app.house import House
from tests import make
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    house = await House.open(make.settings(tmp_path), database, clock=clock)
    yield house
    await house.close()


async def balance(house: House, merchant_id: str = "alice") -> tuple[int, int]:
    """A customer's pending and available points, as stored."""
    async with house.database.acquire() as connection:
        row = await connection.fetchrow(
            "select pending, available from accounts join customers using (program_id, customer_id) "
            "where merchant_id = $1",
            merchant_id,
        )
    assert row is not None
    return row["pending"], row["available"]
