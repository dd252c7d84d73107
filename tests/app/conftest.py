"""A house on a database of its own, whose real time is what the test says."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from regulars.app.house import House
from tests import make


class Clock:
    """Real time, for a test to move."""

    def __init__(self) -> None:
        self.now = make.NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    house = await House.open(make.settings(tmp_path), database, clock=clock)
    yield house
    await house.close()
