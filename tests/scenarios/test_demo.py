"""The demo's coffeehouse: a believable half-year, made once, the same for everybody."""

import asyncio
import socket
import stat
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest
import uvicorn

from regulars.app.house import House
from regulars.app.programs import Created
from regulars.app.verify import lines, verify
from regulars.asgi import build
from regulars.demo import coffeehouse
from regulars.demo.client import knows
from regulars.demo.generate import generate
from regulars.demo.memory import program_for
from regulars.demo.program import SEED, make_demo, send_orders_file
from regulars.demo.reports import (
    CancelReport,
    Door,
    OrderReport,
    PaymentReport,
    PointsReport,
    ProfileReport,
    RefundReport,
)
from tests import make

ADJUSTMENTS = "select count(*) from movements where cause = 'adjustment'"
NOW = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)


def of_kind(reports: list, kind: type) -> list:
    return [report for report in reports if isinstance(report, kind)]


@pytest.mark.parametrize("days_later", [0, 40, 111, 222, 333])
def test_the_history_is_believable_whenever_it_is_made(days_later: int) -> None:
    now = NOW + timedelta(days=days_later, hours=days_later % 24)
    reports = generate(SEED, now=now)
    orders = of_kind(reports, OrderReport)
    assert 1300 <= len(orders) <= 1800
    members = {order.shopper.merchant_id for order in orders} - {None}
    assert 150 <= len(members) <= 250
    assert all(now - timedelta(days=190) <= report.at <= now for report in reports)
    assert [report.at for report in reports] == sorted(report.at for report in reports)
    assert len({order.order_id for order in orders}) == len(orders)

    guests = [order for order in orders if order.shopper.merchant_id is None]
    assert 0.05 < len(guests) / len(orders) < 0.15
    per_member = Counter(order.shopper.merchant_id for order in orders if order.shopper.merchant_id)
    assert sum(count > 1 for count in per_member.values()) > len(members) / 2  # regulars come back
    by_weekday = Counter(order.at.weekday() for order in orders)
    assert by_weekday[6] > by_weekday[2]  # coffee is ordered on Sundays
    assert 50 < sum(bool(order.discounts) for order in orders) < 300
    assert sum(now - order.at < timedelta(days=coffeehouse.APPROVAL_DAYS) for order in orders) > 50
    assert 10 < sum(order.door is Door.LOOTLY for order in orders) < 60

    assert len(of_kind(reports, PaymentReport)) > 50
    assert len(of_kind(reports, RefundReport)) > 20
    assert len(of_kind(reports, CancelReport)) > 10
    assert len(of_kind(reports, PointsReport)) == len(coffeehouse.REASONS)
    assert all(profile.shopper.first_name for profile in of_kind(reports, ProfileReport))


def test_nobody_in_it_can_get_mail() -> None:
    for report in generate(SEED, now=NOW):
        domain = report.shopper.email.partition("@")[2]
        assert domain == "example.com" or domain.endswith(".example")
        assert report.shopper.email.isascii()


def test_the_same_seed_gives_the_same_history_and_another_a_different_one() -> None:
    assert generate(7, now=NOW) == generate(7, now=NOW)
    assert generate(7, now=NOW) != generate(8, now=NOW)


def test_money_adds_up_and_nothing_is_given_back_beyond_it() -> None:
    payable = {}
    for report in generate(SEED, now=NOW):
        if isinstance(report, OrderReport):
            goods = sum(line.quantity * round(float(line.price) * 100) for line in report.lines)
            assert report.total_minor == goods + report.shipping_minor
            assert report.payable_minor > 0
            payable[report.order_id] = report.payable_minor
        elif isinstance(report, RefundReport):
            assert 0 < report.amount_minor <= payable[report.order_id]


@asynccontextmanager
async def a_house(database: str, home: Path, now: datetime = NOW) -> AsyncIterator[House]:
    house = await House.open(make.settings(home), database, clock=lambda: now)
    yield house
    await house.close()


async def ask(database: str, question: str) -> object:
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_the_coffeehouse_opens_with_its_history_once(database: str, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    async with a_house(database, tmp_path) as house:
        first = await make_demo(house, NOW, lambda done, total: progress.append((done, total)))
        assert first.sent is not None and first.sent.refused == 0, first.sent.problems
        report = await verify(house.database, now=NOW)
        assert report.is_clean, lines(report)

    reports = generate(SEED, now=NOW)
    assert progress[-1] == (len(reports), len(reports))
    assert await ask(database, "select name from programs") == coffeehouse.NAME
    assert await ask(database, "select count(*) from orders") == len(of_kind(reports, OrderReport))
    assert await ask(database, "select count(*) from deliveries where problem") == 0
    assert await ask(database, "select count(*) from customers where first_name is null") == await ask(
        database, "select count(*) from customers where member_since is null"
    )
    assert await ask(database, "select sum(pending) from accounts") > 500
    assert await ask(database, "select sum(available) from accounts") > 5000
    assert await ask(database, "select min(placed_at) from orders") < NOW - timedelta(days=150)
    assert await ask(database, ADJUSTMENTS) == len(coffeehouse.REASONS)

    chain = await ask(database, "select chain from heads")
    async with a_house(database, tmp_path, NOW + timedelta(days=3)) as house:
        second = await make_demo(house, NOW + timedelta(days=3))
    assert second.keys == first.keys and second.sent is None
    assert await ask(database, "select chain from heads") == chain
    assert await ask(database, "select count(*) from programs") == 1


async def test_an_interrupted_start_is_completed_by_the_next(database: str, tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(done: int, total: int) -> None:
        if done == 500:
            raise Interrupted

    async with a_house(database, tmp_path) as house:
        with pytest.raises(ExceptionGroup):
            await make_demo(house, NOW, interrupt)
    async with a_house(database, tmp_path, NOW + timedelta(hours=2)) as house:
        demo = await make_demo(house, NOW + timedelta(hours=2))
        assert demo.sent is not None and demo.sent.refused == 0, demo.sent.problems
        report = await verify(house.database, now=NOW + timedelta(hours=2))
        assert report.is_clean, lines(report)
    orders = of_kind(generate(SEED, now=NOW), OrderReport)
    assert await ask(database, "select count(*) from orders") == len(orders)
    assert await ask(database, ADJUSTMENTS) == len(coffeehouse.REASONS)


async def test_a_program_is_remembered_for_its_own_database_alone(database: str, tmp_path: Path) -> None:
    async def program(house: House) -> Created:
        made = await program_for(
            house, "tea", name="Tea", currency="GBP", domain="https://tea.example", now=NOW
        )
        return made.keys

    async with a_house(database, tmp_path) as house:
        first = await program(house)
        assert await program(house) == first
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    await ask(database, "update credentials set revoked_at = now()")  # as if it were another's database
    async with a_house(database, tmp_path) as house:
        second = await program(house)
        assert second.program_id != first.program_id
        assert await program(house) == second


async def test_an_orders_file_goes_to_a_running_server(database: str, tmp_path: Path) -> None:
    file = tmp_path / "a shop's orders.csv"
    file.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,WHITE HANGING HEART,6,2010-12-01T08:26:00,2.55,17850,United Kingdom\n"
        "536365,POST,POSTAGE,1,2010-12-01T08:26:00,18,17850,United Kingdom\n"
        "536366,22633,HAND WARMER,10,2010-12-01T08:28:00,1.85,,France\n"
        "C536379,85123A,WHITE HANGING HEART,-2,2010-12-02T09:41:00,2.55,17850,United Kingdom\n"
        "540001,22633,HAND WARMER,10,2011-01-04T10:00:00,1.85,17850,United Kingdom\n"
        "C540009,85123A,WHITE HANGING HEART,-4,2011-01-05T09:41:00,2.55,17850,United Kingdom\n"
    )
    async with a_house(database, tmp_path) as house, served(house) as base_url:
        first = await send_orders_file(house, file, NOW, base_url=base_url)
        assert first.sent.sent == {"orders": 3, "refunds": 2} and first.sent.refused == 0
        assert await knows(base_url, first.keys)
        assert not await knows(base_url, msgspec.structs.replace(first.keys, program_id=99))
        assert not await knows(base_url, msgspec.structs.replace(first.keys, api_token="pat_other"))
        chain = await ask(database, "select chain from heads")
        again = await send_orders_file(house, file, NOW, base_url=base_url)
        assert again.keys == first.keys and again.sent.sent == first.sent.sent
    assert await ask(database, "select chain from heads") == chain
    # 15 points, of which 5.10 and then 10.20 of 33.30 take 6 in all; and 18 for the January order.
    assert (
        await ask(
            database,
            "select available from accounts join customers using (customer_id) where merchant_id is not null",
        )
        == 15 - 6 + 18
    )
    assert await ask(database, "select count(*) from deliveries where problem") == 0


async def test_where_nobody_listens_no_server_knows_anybody(database: str, tmp_path: Path) -> None:
    async with a_house(database, tmp_path) as house:
        made = await program_for(
            house, "tea", name="Tea", currency="GBP", domain="https://tea.example", now=NOW
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not await knows(f"http://127.0.0.1:{free.getsockname()[1]}", made.keys)


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The house behind a real server on a free port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(build(house), log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
