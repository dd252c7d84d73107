"""Reading balances: many who ask at once share queries, and each hears his own customers' points, no older
than his question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from regulars.app.balances import IDS_MOST
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.domain.errors import Busy
from regulars.domain.program import Program
from regulars.storage import balances
from tests import make
from tests.pace import within

Find = Callable[..., Awaitable[Any]]


async def open_shop(house: House, name: str = "Tea", *, approval_days: int = 0) -> Program:
    created = await create_program(
        house.database,
        house.vault,
        name=name,
        domain=f"https://{name.lower()}.example",
        currency="GBP",
        approval_days=approval_days,
        now=make.NOON,
    )
    return await house.programs.get(created.program_id)


async def buys(house: House, program: Program, *names: str, pounds: int = 10) -> None:
    orders = (
        make.order(
            total=pounds * 100, shipping=0, site_id=program.sites[0].id, customer=make.alice(merchant_id=name)
        )
        for name in names
    )
    await asyncio.gather(*(house.engine.submit(program.id, order) for order in orders))


async def points(house: House, program: Program, *names: str) -> dict[str, int]:
    found = await house.balances.find(program, names, house.clock())
    return {name: balance.available for name, balance in found.items()}


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The ids of every query that is made from now on."""
    made: list[list[str]] = []
    find: Find = balances.find

    async def noted(connection: Any, program_id: int, merchant_ids: list[str], now: Any) -> Any:
        made.append(merchant_ids)
        return await find(connection, program_id, merchant_ids, now)

    monkeypatch.setattr(balances, "find", noted)
    return made


async def test_many_callers_share_a_query_and_each_hears_his_own(
    house: House, queries: list[list[str]]
) -> None:
    shop = await open_shop(house)
    names = [f"c{number}" for number in range(50)]
    for number, name in enumerate(names):
        await buys(house, shop, name, pounds=number + 1)
    calls = [points(house, shop, names[number % 50], f"nobody-{number}") for number in range(300)]
    answers = await asyncio.gather(*calls)
    assert answers == [{names[number % 50]: number % 50 + 1} for number in range(300)]
    assert len(queries) == 1
    assert len(queries[0]) == 350  # each id once


async def test_an_answer_is_never_older_than_the_question(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await open_shop(house)
    await buys(house, shop, "alice")
    find: Find = balances.find
    has_read, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(*asked: Any) -> Any:
        rows = await find(*asked)
        has_read.set()
        await may_answer.wait()
        return rows

    monkeypatch.setattr(balances, "find", slow)
    before = asyncio.create_task(points(house, shop, "alice"))
    await has_read.wait()
    await buys(house, shop, "alice")  # acknowledged, while the query is under way
    after = asyncio.create_task(points(house, shop, "alice"))
    may_answer.set()
    assert await before == {"alice": 10}
    assert await after == {"alice": 20}


async def test_what_is_no_text_is_unknown_and_spoils_nobody_elses_answer(house: House) -> None:
    shop = await open_shop(house)
    await buys(house, shop, "alice")
    strange = ("\ud800", "nul\x00", "", "é" * 300, "' or 1=1 --")
    answers = await asyncio.gather(*(points(house, shop, name, "alice") for name in strange))
    assert answers == [{"alice": 10}] * len(strange)
    assert await points(house, shop, "\ud800") == {}


async def test_one_shops_question_is_not_answered_with_anothers_customer(house: House) -> None:
    tea, books = await open_shop(house), await open_shop(house, "Books")
    await buys(house, tea, "alice", pounds=10)
    await buys(house, books, "alice", pounds=7)
    calls = [points(house, (tea, books)[number % 2], "alice") for number in range(20)]
    assert await asyncio.gather(*calls) == [{"alice": 10}, {"alice": 7}] * 10


async def test_what_fell_due_counts_in_a_shared_answer(house: House, clock: Any) -> None:
    shop = await open_shop(house, approval_days=14)
    await buys(house, shop, "alice", "bob")
    assert await points(house, shop, "alice", "bob") == {"alice": 0, "bob": 0}
    clock.forward(make.days(15))
    answers = await asyncio.gather(*(points(house, shop, name) for name in ("alice", "bob")))
    assert answers == [{"alice": 10}, {"bob": 10}]


async def test_queries_stay_small_however_much_is_asked_for(house: House, queries: list[list[str]]) -> None:
    shop = await open_shop(house)
    await buys(house, shop, "alice")
    many = [f"n-{number}" for number in range(IDS_MOST - 1)]
    answers = await asyncio.gather(*(points(house, shop, "alice", *many) for _ in range(3)))
    assert answers == [{"alice": 10}] * 3
    assert [len(ids) for ids in queries] == [IDS_MOST] * 3


async def test_a_caller_who_leaves_is_not_missed(house: House) -> None:
    shop = await open_shop(house)
    await buys(house, shop, "alice")
    leaves, stays = (asyncio.create_task(points(house, shop, "alice")) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays == {"alice": 10}
    assert await points(house, shop, "alice") == {"alice": 10}


async def test_while_the_database_does_not_answer_all_are_told_and_the_next_is_answered(
    house: House, database: str
) -> None:
    shop = await open_shop(house)
    await buys(house, shop, "alice")
    other = await asyncpg.connect(database)
    loop = asyncio.get_running_loop()
    async with other.transaction():
        await other.execute("lock table customers in access exclusive mode")
        began = loop.time()
        calls = [points(house, shop, "alice") for _ in range(20)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Busy] * 20
        took = loop.time() - began
    await other.close()
    assert await points(house, shop, "alice") == {"alice": 10}
    within(took, 3, "the answers")
