"""Several server processes, on one program and on eight: they meet at the head row, and lose nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.shops import Shop, Tally
from tests.server import Server, a_home, children_of, started

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
            before = processor_ticks(server)  # the second time all processes have been up for long
            tally = Tally()
            shops = [
                Shop(tmp_path, await home.create_program(), tally, clients=CLIENTS // programs, afresh=True)
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
        after = processor_ticks(server)
        busy = [pid for pid in after if after[pid] - before.get(pid, 0) > max(after.values()) / 10]
        assert len(busy) > 1, "one process did everything"
        assert server.stop() == 0


def processor_ticks(server: Server) -> dict[int, int]:
    """How much processor time each process of the server has used."""
    used = {}
    for pid in children_of(server.process.pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used[pid] = int(fields[11]) + int(fields[12])
    return used
