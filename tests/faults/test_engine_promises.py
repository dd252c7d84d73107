"""What the engine promises when the database, or the way to it, fails in the middle of a batch."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from regulars.app import lane as lane_module
from regulars.app.deliveries import Delivery
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.domain.commands import AdjustPoints, Identity, RecordOrder
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Busy, Late, NotEnoughPoints, Rejected, Unsure
from regulars.storage.batch import Batch
from tests import make
from tests.faults.proxy import Proxy, proxied
from tests.pace import within


@pytest.fixture
async def behind_proxy(database: str, tmp_path: Path) -> AsyncIterator[tuple[House, Proxy, int]]:
    """A house that reaches its database through a proxy, and a shop in it."""
    with tempfile.TemporaryDirectory(prefix="proxy") as folder:
        async with proxied(database, Path(folder)) as (proxy, dsn):
            house = await House.open(make.settings(tmp_path), dsn)
            yield house, proxy, await open_shop(house)
            proxy.away = False
            await house.close()


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    house = await House.open(make.settings(tmp_path, deadline_seconds=1.5, queue_limit=50), database)
    yield house
    await house.close()


@pytest.fixture
async def patient_house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    """For what is tried again and again: all of that has to be done within one deadline."""
    house = await House.open(make.settings(tmp_path, deadline_seconds=15), database)
    yield house
    await house.close()


async def open_shop(house: House) -> int:
    created = await create_program(
        house.database, house.vault, name="Tea", domain="https://tea.example", currency="GBP", now=make.NOON
    )
    return created.program_id


async def book(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(
            "select (select count(*) from orders) as orders, (select count(*) from movements) as movements, "
            "(select coalesce(sum(available), 0)::int from accounts) as available"
        )
        return dict(row)
    finally:
        await connection.close()


def gift(points: int = 5, key: str = "gift") -> AdjustPoints:
    identity = Identity(scope="idem:1", key=key, fingerprint=b"f" * 16, at=make.NOON)
    return AdjustPoints(merchant_id="alice", points=points, reason=None, actor="Bob", identity=identity)


@pytest.mark.parametrize("loses", ["reply", "commit"])
async def test_a_commit_that_is_cut_short_is_found_out_and_happens_once(
    behind_proxy: tuple[House, Proxy, int], database: str, loses: str
) -> None:
    house, proxy, shop = behind_proxy
    await house.engine.submit(shop, make.order("before", total=1000, shipping=0))
    proxy.lose = loses
    orders = [make.order(f"A{number}", total=1000, shipping=0) for number in range(20)]
    decisions = await asyncio.gather(*(house.engine.submit(shop, order) for order in orders))
    assert proxy.lost == 1
    assert {decision.outcome for decision in decisions} == {Outcome.DONE}
    assert await book(database) == {"orders": 21, "movements": 21, "available": 210}


async def test_while_nobody_can_say_the_callers_are_told_and_the_same_identity_finds_out(
    behind_proxy: tuple[House, Proxy, int], database: str
) -> None:
    house, proxy, shop = behind_proxy
    await house.engine.submit(shop, make.order("A1", total=1000, shipping=0))
    proxy.lose, proxy.away_after_loss = "reply", True
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unsure):
        await house.engine.submit(shop, gift())
    with pytest.raises(Late):
        await house.engine.submit(shop, gift(key="never"))
    took = asyncio.get_running_loop().time() - started
    proxy.away = False
    assert (await submit_patiently(house, shop, gift())).outcome is Outcome.REPEATED
    assert await book(database) == {"orders": 1, "movements": 2, "available": 15}
    within(took, 6, "both answers")


async def submit_patiently(house: House, shop: int, command: Any) -> Any:
    """As a client would that heeds Retry-After."""
    for _ in range(20):
        try:
            return await house.engine.submit(shop, command)
        except Late:
            continue
    raise AssertionError("still late")


async def test_a_connection_that_dies_in_the_middle_is_replaced_and_nothing_is_lost(
    patient_house: House, database: str
) -> None:
    house = patient_house
    shop = await open_shop(house)
    killer = await asyncpg.connect(database)
    async with killer.transaction():
        await killer.execute("select 1 from heads where program_id = $1 for update", shop)
        order = asyncio.create_task(house.engine.submit(shop, make.order("A1", total=1000, shipping=0)))
        while not await killer.fetchval(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)
    assert (await order).outcome is Outcome.DONE
    assert await book(database) == {"orders": 1, "movements": 1, "available": 10}
    await killer.close()


async def test_a_command_that_waited_too_long_is_never_executed(house: House, database: str) -> None:
    shop = await open_shop(house)
    holder = await asyncpg.connect(database)
    async with holder.transaction():
        await holder.execute("select 1 from heads where program_id = $1 for update", shop)
        calls = [house.engine.submit(shop, make.order(f"A{number}")) for number in range(60)]
        started = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        took = asyncio.get_running_loop().time() - started
    await holder.close()
    assert {type(answer) for answer in answers} == {Busy, Late}
    assert sum(isinstance(answer, Busy) for answer in answers) == 10
    assert (await house.engine.submit(shop, make.order("after"))).outcome is Outcome.DONE
    assert (await book(database))["orders"] == 1
    within(took, 3, "the answers")


@pytest.mark.parametrize("number", ["a\x00b", "a\ud800b"])
async def test_a_command_that_the_database_cannot_take_stands_alone(
    patient_house: House, database: str, number: str
) -> None:
    house = patient_house
    shop = await open_shop(house)
    orders = [make.order(f"A{n}", total=1000, shipping=0) for n in range(9)]
    orders.insert(4, make.order("poison", merchant_number=number))
    answers = await asyncio.gather(
        *(house.engine.submit(shop, order) for order in orders), return_exceptions=True
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [Rejected]
    assert isinstance(answers[4], Rejected)
    assert await book(database) == {"orders": 9, "movements": 9, "available": 90}


async def test_who_sends_bad_content_is_found_while_others_keep_coming(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half that was filled up again would never come down to one."""
    monkeypatch.setattr(lane_module, "BATCH_MOST", 4)
    shop = await open_shop(house)
    others: list[asyncio.Task[object]] = []

    async def keep_coming() -> None:
        for number in count():
            order = make.order(f"N{number}", total=1000, shipping=0)
            others.append(asyncio.create_task(house.engine.submit(shop, order)))
            await asyncio.sleep(0)

    async def go_on(order: RecordOrder) -> None:
        while True:
            with contextlib.suppress(Busy):  # the others fill the queue
                await house.engine.submit(shop, order)
            await asyncio.sleep(0)

    coming = asyncio.create_task(keep_coming())
    await asyncio.sleep(0.1)
    with pytest.raises(Rejected):
        await asyncio.wait_for(go_on(make.order("poison", merchant_number="\x00")), 3)
    coming.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def test_two_processes_on_one_program_lose_no_update(
    patient_house: House, database: str, tmp_path: Path
) -> None:
    house = patient_house
    shop = await open_shop(house)
    other = await House.open(make.settings(tmp_path), database)
    await house.engine.submit(shop, make.worked_example("A1"))
    calls = [
        (house, other)[number % 2].engine.submit(shop, make.refund("A1", 100, reference=f"R{number // 2}"))
        for number in range(40)
    ]
    outcomes = [answer.outcome for answer in await asyncio.gather(*calls)]
    assert outcomes.count(Outcome.DONE) == 20
    assert outcomes.count(Outcome.REPEATED) == 20
    assert (await book(database))["available"] == 29 - 29 * 2000 // 3999
    await other.close()


@pytest.mark.parametrize("moment", ["begin", "save", "commit"])
async def test_a_connection_whose_library_is_confused_is_replaced_and_nothing_is_done_twice(
    patient_house: House, database: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """asyncpg says so, by an error of its own, when a server that is being stopped speaks out of turn."""
    house = patient_house
    shop = await open_shop(house)
    await house.engine.submit(shop, make.order("A1", total=1000, shipping=0))
    original, confused = getattr(Batch, moment), []

    async def after_the_fact(*arguments: Any, **named: Any) -> Any:
        done = await original(*arguments, **named)
        if not confused:
            confused.append(moment)
            raise asyncpg.InternalClientError("cannot switch to state 15; another operation is in progress")
        return done

    monkeypatch.setattr(Batch, moment, after_the_fact)
    decisions = await asyncio.gather(
        *(house.engine.submit(shop, each) for each in (make.order("A2", total=1000, shipping=0), gift()))
    )
    assert confused == [moment]
    assert {decision.outcome for decision in decisions} == {Outcome.DONE}
    assert await book(database) == {"orders": 2, "movements": 3, "available": 25}


async def test_what_only_remembers_a_refusal_or_logs_a_call_is_found_out_too(
    behind_proxy: tuple[House, Proxy, int], database: str
) -> None:
    house, proxy, shop = behind_proxy
    await house.engine.submit(shop, make.order("A1", total=1000, shipping=0))
    await house.engine.submit(shop, gift())
    proxy.lose = "reply"
    with pytest.raises(NotEnoughPoints):
        await house.engine.submit(shop, gift(points=-50, key="too much"))
    proxy.lose = "reply"
    call = Delivery(credential_id=1, integration="common", hook="a", body=b"{}", received_at=make.NOON)
    assert (await house.engine.submit(shop, gift(), delivery=call)).outcome is Outcome.REPEATED
    assert proxy.lost == 2
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("select count(*) from deliveries") == 1
    assert await connection.fetchval("select count(*) from identities where refusal is not null") == 1
    await connection.close()
