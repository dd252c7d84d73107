"""The loop of a server process: what is due happens without anybody asking."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.domain.errors import Busy
from regulars.jobs import loop
from tests import make
from tests.clock import Clock


@pytest.fixture
async def late_house(database: str, tmp_path: Path) -> AsyncIterator[tuple[House, Clock]]:
    clock = Clock()
    house = await House.open(make.settings(tmp_path), database, clock=clock)
    yield house, clock
    await house.close()


async def available(house: House) -> int:
    async with house.database.acquire() as connection:
        found: int = await connection.fetchval("select sum(available)::bigint from accounts")
    return found


async def test_points_are_approved_by_the_loop_and_it_stops_when_told(
    late_house: tuple[House, Clock],
) -> None:
    house, clock = late_house
    created = await create_program(
        house.database,
        house.vault,
        name="Tea",
        domain="https://tea.example",
        currency="GBP",
        approval_days=14,
        now=clock(),
    )
    await house.engine.submit(created.program_id, make.worked_example("A1"))
    clock.forward(make.days(15))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(house, stop))
    async with asyncio.timeout(60):
        while await available(house) == 0:
            await asyncio.sleep(0.02)
        stop.set()
        await running
    assert await available(house) == 29


async def test_a_job_that_fails_is_tried_again_and_keeps_nobody_else_from_running(
    late_house: tuple[House, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, _ = late_house
    stop = asyncio.Event()
    runs: list[str] = []

    async def falls(house: House) -> None:
        runs.append("falls")
        raise RuntimeError("on purpose")

    async def stands(house: House) -> None:
        runs.append("stands")
        if runs.count("falls") >= 2:
            stop.set()

    monkeypatch.setattr(loop, "JOBS", (loop.Planned(falls, 0.0), loop.Planned(stands, 0.0)))
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.01)
    async with asyncio.timeout(60):
        await loop.run(house, stop)
    assert runs[:4] == ["falls", "stands", "falls", "stands"]


@pytest.mark.parametrize(
    "error", [asyncpg.CannotConnectNowError("starting up"), asyncpg.InternalClientError("busy"), Busy()]
)
async def test_a_database_that_is_away_is_a_line_in_the_log_and_no_stack_trace(
    late_house: tuple[House, Clock], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    house, _ = late_house
    stop = asyncio.Event()

    async def waits(house: House) -> None:
        stop.set()
        raise error

    monkeypatch.setattr(loop, "JOBS", (loop.Planned(waits, 0.0),))
    monkeypatch.setattr(loop, "log", structlog.get_logger())  # one that nobody has bound to a stream yet
    with capture_logs() as said:
        await loop.run(house, stop)
    assert [(line["event"], line["log_level"]) for line in said] == [("a job has to wait", "warning")]
    assert "exc_info" not in said[0]


def test_a_job_that_is_never_urgent_rests_as_its_share_of_the_time_says() -> None:
    async def sums(house: House) -> None: ...

    job = loop.Planned(sums, 5.0, share=0.02)
    assert job.rest(0.01) == 5.0
    assert job.rest(2.0) == pytest.approx(98.0)
    assert loop.Planned(sums, 1.0).rest(30.0) == 1.0
