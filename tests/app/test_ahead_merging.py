"""Calls that name merged records are decided ahead like any other, and merges never are."""

from random import Random

import pytest

from regulars.app.house import House
from tests import make
from tests.app.test_ahead import Watch, chance, houses, is_exact, open_shop, rush
from tests.clock import Clock

__all__ = ["houses"]


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_decided_ahead_around_merges_is_what_a_fresh_read_gives(
    houses: list[House],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    random = Random(seed)
    watch = Watch(monkeypatch, at_once=6)
    shop = await open_shop(houses[0], approval_days=14)
    for wave in range(12):
        commands = [chance(random, clock, wave * 100 + number) for number in range(50)]
        if wave % 3 == 1:
            for place in random.sample(range(50), 4):
                commands.insert(place, make.merge(*random.sample(range(1, 25), 2)))
        await rush(houses[:1], shop, random, commands)
        clock.forward(make.days(random.choice((0.1, 3))))
    assert watch.used > 10
    async with houses[0].database.acquire() as connection:
        assert await connection.fetchval("select count(*) from merges") > 5
    assert await is_exact(houses[0], clock)
