"""PostgreSQL killed, restarted and cut off while shops send: the server comes back by itself, unharmed."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from regulars.app.house import House
from regulars.bundled import bring_up_to_date
from regulars.domain.decisions import Outcome
from regulars.outside.postgres import Embedded
from tests import make
from tests.faults.proxy import proxied
from tests.faults.shops import Shop, Tally
from tests.server import Home, Server, a_home, children_of, ended, pidfd, started

BACK_SECONDS = 10.0
BETWEEN = 30
"""Acknowledgements between two faults."""


@asynccontextmanager
async def under_load(folder: Path) -> AsyncIterator[tuple[Home, Server, Shop]]:
    """A server to which a shop sends. At the end all that was asked for is acknowledged, and in the book."""
    with a_home() as home:
        server = await started(home)
        shop = Shop(folder, await home.create_program(), Tally())
        until = asyncio.Event()
        load = asyncio.create_task(shop.run(server.port, until))
        try:
            yield home, server, shop
        finally:
            until.set()
            async with asyncio.timeout(60):
                await load
        findings = await shop.compare(home.dsn)
        assert findings.is_clean, findings
        assert findings.acknowledged == findings.calls
        assert (await home.verify()).violations == []
        assert (shop.tally.wrong, home.complaints()) == ([], [])
        assert server.stop() == 0


def kill_all(home: Home) -> None:
    """SIGKILL to the postmaster and everything that it has started."""
    postmaster = home.postmaster
    for pid in (postmaster, *children_of(postmaster)):
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself meanwhile
            os.kill(pid, signal.SIGKILL)


def restart_fast(home: Home) -> None:
    """What `pg_ctl stop -m fast` does; the server starts it again."""
    os.kill(home.postmaster, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [kill_all, restart_fast])
@pytest.mark.parametrize("cycles", [2, pytest.param(10, marks=pytest.mark.long)])
async def test_the_server_recovers_by_itself_when_the_database_goes_away(
    tmp_path: Path, fault: Callable[[Home], None], cycles: int
) -> None:
    slowest = 0.0
    async with under_load(tmp_path) as (home, server, shop):
        for _ in range(cycles):
            await shop.tally.acknowledgements(BETWEEN, within_seconds=60)
            with pidfd(home.postmaster) as postmaster:
                fault(home)
                await ended(postmaster, within_seconds=BACK_SECONDS)
            back = await shop.tally.acknowledgements(1, within_seconds=BACK_SECONDS)
            slowest = max(slowest, back)
        assert server.is_running
    print(f"{cycles} times: {shop.tally}; back in {slowest:.1f} s at most")


@pytest.mark.slow
@pytest.mark.parametrize("kills", [60, pytest.param(1200, marks=pytest.mark.long)])
async def test_connections_that_are_cut_off_at_random_cost_nobody_anything(
    tmp_path: Path, kills: int
) -> None:
    async with under_load(tmp_path) as (home, _, shop):
        await shop.tally.acknowledgements(BETWEEN, within_seconds=60)
        cut_off = await cut_connections(home.dsn, kills, each_second=20)
        await shop.tally.acknowledgements(BETWEEN, within_seconds=BACK_SECONDS)
    print(f"{cut_off} connections cut off: {shop.tally}")
    assert cut_off >= kills // 2


async def cut_connections(dsn: str, times: int, *, each_second: int) -> int:
    """Terminates a backend at random, again and again; answers how many there were."""
    connection = await asyncpg.connect(dsn)
    cut_off = 0
    for _ in range(times):
        cut_off += len(
            await connection.fetch(
                "select pg_terminate_backend(pid) from (select pid from pg_stat_activity "
                "where backend_type = 'client backend' and pid <> pg_backend_pid() "
                "order by random() limit 1) as one"
            )
        )
        await asyncio.sleep(1 / each_second)  # the pace is the point
    await connection.close()
    return cut_off


async def test_a_commit_that_died_with_the_database_is_not_taken_for_another_ones(tmp_path: Path) -> None:
    """After a crash PostgreSQL gives the number of a transaction that left no trace to the next one."""
    with a_home() as home, tempfile.TemporaryDirectory(prefix="proxy") as folder:
        embedded = Embedded(home.path, settings={"wal_writer_delay": "10s"})  # what isn't committed is lost
        embedded.start()
        async with proxied(home.dsn, Path(folder)) as (proxy, dsn):
            await bring_up_to_date(dsn)
            program = (await home.create_program()).program_id
            house = await House.open(make.settings(tmp_path, deadline_seconds=60), dsn)
            await house.engine.submit(program, make.order("A1", total=1000, shipping=0))
            proxy.lose, proxy.away_after_loss = "commit", True
            order = asyncio.create_task(
                house.engine.submit(program, make.order("A2", total=1000, shipping=0))
            )
            async with asyncio.timeout(60):
                while not proxy.away:
                    await asyncio.sleep(0.001)
            kill_all(home)
            await asyncio.to_thread(embedded.start)
            connection = await asyncpg.connect(home.dsn)
            for _ in range(5):
                await connection.fetchval("select pg_current_xact_id()")
            proxy.away = False
            assert (await order).outcome is Outcome.DONE
            assert await connection.fetchval("select count(*) from orders") == 2
            await connection.close()
            await house.close()
        embedded.stop()
