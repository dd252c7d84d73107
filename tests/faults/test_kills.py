"""kill -9 of the whole server while shops send: what was acknowledged is there, and nothing twice."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.shops import Shop, Tally
from tests.pace import within
from tests.server import Home, a_home, started

READY_SECONDS = 5.0
POINTS = ("before save", "after save", "before commit", "after commit", "before answer")
NEVER = asyncio.Event()


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    with a_home() as home:
        yield home


async def open_shop(home: Home, folder: Path) -> Shop:
    server = await started(home)
    shop = Shop(folder, await home.create_program(), Tally())
    server.kill()
    return shop


@pytest.mark.slow
@pytest.mark.parametrize("cycles", [4, pytest.param(30, marks=pytest.mark.long)])
async def test_a_server_killed_at_any_moment_loses_and_doubles_nothing(
    home: Home, tmp_path: Path, cycles: int
) -> None:
    shop, chance = await open_shop(home, tmp_path), Random()
    slowest = committed = 0.0
    for cycle in range(cycles):
        server = await started(home, "--workers", "2" if cycle % 4 == 3 else "1")
        slowest = max(slowest, server.ready_seconds)
        load = asyncio.create_task(shop.run(server.port, NEVER))
        await asyncio.sleep(chance.uniform(0.05, 1))  # the moment is the point
        server.kill()
        await load
        committed += await committed_without_answer(home, shop)
    await holds(home, shop, at_least=10 * cycles)
    print(
        f"{cycles} kills: {shop.tally}, {committed:.0f} of these committed; ready in {slowest:.1f} s at most"
    )
    within(slowest, READY_SECONDS, "a start")


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.long)])
async def test_a_server_killed_at_any_point_of_a_batch_leaves_before_or_after(
    home: Home, tmp_path: Path, rounds: int
) -> None:
    shop, chance = await open_shop(home, tmp_path), Random()
    committed = dict.fromkeys(POINTS, 0)
    for point in POINTS * rounds:
        number = str(chance.randrange(1, 60))
        command = (sys.executable, "-m", "tests.faults.faulty_server", "SIGKILL", point, number)
        server = await started(home, command=command)
        load = asyncio.create_task(shop.run(server.port, NEVER))
        assert await asyncio.to_thread(server.wait) == -signal.SIGKILL
        await load
        committed[point] += await committed_without_answer(home, shop)
    await holds(home, shop, at_least=10)
    print(f"{rounds} kills at each point: {shop.tally}; committed without an answer: {committed}")
    assert committed["after commit"] and committed["before answer"]


async def committed_without_answer(home: Home, shop: Shop) -> int:
    """How many unanswered calls are in the book, which has to be right already."""
    findings = await shop.compare(home.dsn)
    assert findings.is_clean, findings
    return findings.committed


async def holds(home: Home, shop: Shop, *, at_least: int) -> None:
    """Sends again what was not answered: now every effect is there, once, and the book is in order."""
    server = await started(home)
    await shop.finish(server.port)
    assert server.stop() == 0
    server = await started(home)
    findings = await shop.compare(home.dsn)
    assert findings.is_clean, findings
    assert findings.acknowledged == findings.calls >= at_least
    assert (await home.verify()).violations == []
    assert (shop.tally.wrong, home.complaints()) == ([], [])
    server.stop()
