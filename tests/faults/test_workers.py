"""Several server processes, on one program and on eight: they meet at the head row, and lose nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.shops import Shop, Tally
from tests.server import a_home, started

CLIENTS = 16


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize("calls", [300, pytest.param(5_000, marks=pytest.mark.long)])
async def test_no_answer_is_lost_between_several_processes(
    database: str, tmp_path: Path, workers: int, calls: int
) -> None:
    with a_home(database) as home:
        server = await started(home, "--workers", str(workers))
        for programs in (1, 8):
            tally = Tally()
            shops = [
                Shop(tmp_path, await home.create_program(), tally, clients=CLIENTS // programs)
                for _ in range(programs)
            ]
            until = asyncio.Event()
            load = asyncio.gather(*(shop.run(server.port, until) for shop in shops))
            await tally.acknowledgements(calls, within_seconds=600)
            until.set()
            await load
            found = [await shop.compare(home.dsn) for shop in shops]
            assert all(findings.is_clean for findings in found), found
            assert sum(findings.acknowledged for findings in found) == tally.acknowledged >= calls
            print(f"{workers} processes, {programs} programs: {tally}")
            assert (tally.wrong, home.complaints()) == ([], [])
        assert (await home.verify()).violations == []
        assert server.stop() == 0
