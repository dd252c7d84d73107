"""Replies that are lost after the commit: with its identity sent again, each call has one effect."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.domain.decisions import Outcome
from tests import make
from tests.faults.proxy import Proxy, proxied, stealing
from tests.faults.shops import Shop, Tally
from tests.pace import within
from tests.server import Home, Server, a_home, started

UNSURE_SECONDS = 1.6
"""Longer than the half of its deadline that the engine spends on finding out."""


@pytest.fixture
def home(database: str) -> Iterator[Home]:
    with a_home(database) as home:
        yield home


async def check(home: Home, shop: Shop, *, at_least: int) -> None:
    """Everything was acknowledged, is in the book once, and nobody complained."""
    findings = await shop.compare(home.dsn)
    assert findings.is_clean, findings
    assert findings.acknowledged == findings.calls >= at_least
    assert (await home.verify()).violations == []
    assert (shop.tally.wrong, home.complaints()) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("times", [60, pytest.param(2000, marks=pytest.mark.long)])
async def test_an_answer_lost_on_its_way_to_the_shop_is_given_again(
    home: Home, tmp_path: Path, times: int
) -> None:
    server = await started(home)
    shop = Shop(tmp_path, await home.create_program(), Tally(), clients=8)
    async with stealing(server.port) as (thief, its_port):
        while thief.stolen < times:
            await shop.send_once(its_port)
            await shop.finish(server.port)
    print(f"{thief.stolen} answers stolen: {shop.tally}")
    assert shop.tally.unanswered >= times
    await check(home, shop, at_least=times)
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("times", [60, pytest.param(2000, marks=pytest.mark.long)])
async def test_a_commit_whose_reply_is_lost_is_found_out_by_the_server(
    home: Home, database: str, tmp_path: Path, times: int
) -> None:
    """One COMMIT in five is lost itself, and not its reply. Most batches lose nothing, so that the next
    one may be saved at once. Besides, each call is sent a second time."""
    async with behind_a_proxy(home, database) as (server, proxy):
        shop = Shop(tmp_path, await home.create_program(), Tally(), clients=8, twice=True)
        until, chance = asyncio.Event(), Random()
        load = asyncio.create_task(shop.run(server.port, until))
        fates = ("reply", "reply", "reply", "reply", "commit", *[None] * 10)
        proxy.lose_each = lambda: chance.choice(fates)
        while proxy.lost < times or proxy.single < times // 20:
            await shop.tally.acknowledgements(5, within_seconds=60)
        proxy.lose_each = lambda: None
        until.set()
        await load
        print(f"{proxy.lost} commits cut short, {proxy.single} of them single statements: {shop.tally}")
        await check(home, shop, at_least=times // 4)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.long)])
async def test_when_the_database_is_gone_after_a_commit_the_shop_finds_out_itself(
    home: Home, database: str, tmp_path: Path, times: int
) -> None:
    async with behind_a_proxy(home, database) as (server, proxy):
        shop = Shop(tmp_path, await home.create_program(), Tally(), clients=8)
        until = asyncio.Event()
        load = asyncio.create_task(shop.run(server.port, until))
        for _ in range(times):
            await shop.tally.acknowledgements(10, within_seconds=60)
            proxy.away_after_loss, proxy.lose = True, "reply"
            await asyncio.sleep(UNSURE_SECONDS)  # for so long nobody can say what became of it
            proxy.away = proxy.away_after_loss = False
            await shop.tally.acknowledgements(10, within_seconds=60)
        until.set()
        await load
        print(f"{times} times: {shop.tally}")
        assert shop.tally.unsure >= times
        await check(home, shop, at_least=10 * times)


class behind_a_proxy:  # noqa: N801 - it reads as a statement
    """A server that reaches its database through a proxy, for the length of a block."""

    def __init__(self, home: Home, database: str) -> None:
        self._home = home
        self._folder = tempfile.TemporaryDirectory(prefix="proxy")
        self._proxied = proxied(database, Path(self._folder.name))

    async def __aenter__(self) -> tuple[Server, Proxy]:
        proxy, dsn = await self._proxied.__aenter__()
        self._server = await started(self._home, environ={"REGULARS_DATABASE_URL": dsn})
        return self._server, proxy

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._server.stop)
        await self._proxied.__aexit__(None, None, None)
        self._folder.cleanup()


async def test_what_is_committed_is_answered_even_if_the_database_falls_silent_at_once(
    database: str, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="proxy") as folder:
        async with proxied(database, Path(folder)) as (proxy, dsn):
            house = await House.open(make.settings(tmp_path), dsn)
            terms = {"name": "Tea", "domain": "https://tea.example", "currency": "GBP"}
            shop = await create_program(house.database, house.vault, **terms, now=make.NOON)
            await house.engine.submit(shop.program_id, make.order("A1"))
            proxy.freezes = True
            began = asyncio.get_running_loop().time()
            decision = await house.engine.submit(shop.program_id, make.order("A2"))
            assert decision.outcome is Outcome.DONE
            within(asyncio.get_running_loop().time() - began, 1, "the answer")
            proxy.thaw()
            await house.close()
