"""Home's figures are the book's, to the point, whoever adds them up and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from regulars.app import figures
from regulars.app.figures import Range, in_all, last_days, today
from regulars.app.home import Money, home, latest
from regulars.app.house import House
from regulars.app.programs import UnknownProgram, create_program
from regulars.app.rewards import create_reward
from regulars.domain.commands import (
    AdjustPoints,
    CancelOrder,
    CustomerRef,
    DiscountCode,
    OrderDetails,
    PatchCustomer,
    SaveCustomer,
)
from regulars.domain.errors import Invalid
from regulars.storage import figures as storage
from regulars.storage import programs
from tests import make
from tests.app.book import Town, fill, live
from tests.clock import Clock
from tests.doors.loyaltylion.test_plans import fill as fill_lists
from tests.plans import explained

POINTS = """
    select basis, (at at time zone $2)::date as day, from_bucket, to_bucket, cause, sum(points) as points,
           count(*) as movements
      from movements cross join lateral (
           values ('recorded', recorded_at), ('effective', effective_at)) as moment (basis, at)
     where program_id = $1 group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""
ORDERS = f"""
    select (placed_at at time zone $2)::date as day, o.currency, count(*) as orders,
           sum({storage.STANDING_REVENUE}) as revenue_minor,
           count(*) filter (where member_since <= greatest(placed_at, o.created_at)) as member_orders
      from orders o join customers c using (program_id, customer_id)
     where program_id = $1 and not cancelled group by 1, 2 order by 1, 2
"""
CUSTOMERS = """
    select customer_id, count(*) as orders, max(placed_at) as last_placed_at from orders
     where program_id = $1 and $2 <> '' group by 1 order by 1
"""
MEMBERS = """
    select (member_since at time zone $2)::date as day, count(*) as joined from customers
     where program_id = $1 and member_since is not null group by 1 order by 1
"""
KEPT = {
    POINTS: "select basis, day, from_bucket, to_bucket, cause, points, movements from daily_points "
    "where program_id = $1 order by 1, 2, 3, 4, 5",
    ORDERS: "select day, currency, orders, revenue_minor, member_orders from daily_orders "
    "where program_id = $1 order by 1, 2",
    CUSTOMERS: "select customer_id, orders, last_placed_at from customer_orders "
    "where program_id = $1 order by 1",
    MEMBERS: "select day, joined from daily_members where program_id = $1 and joined > 0 order by 1",
}


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    town = Town()
    await town.open(database, tmp_path)
    await fill(town)
    yield town
    await town.house.close()


async def differences(town: Town, program_id: int) -> list[str]:
    """What the figures say otherwise than the tables from which they come."""
    found = []
    async with town.house.database.acquire() as connection:
        zone = await connection.fetchval("select timezone from programs where program_id = $1", program_id)
        for counted, kept in KEPT.items():
            want = [tuple(row) for row in await connection.fetch(counted, program_id, zone)]
            have = [tuple(row) for row in await connection.fetch(kept, program_id)]
            if want != have:
                found.append(f"{kept}\n{want}\n{have}")
            assert want, counted
    return found


async def test_figures_equal_the_book_after_each_step(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "AT_ONCE", 7)
    random = Random(5)
    for zone in ("UTC", "America/New_York", "Asia/Kathmandu"):
        async with town.house.database.acquire() as connection:
            await connection.execute("update programs set timezone = $1", zone)
        for _ in range(3):
            await live(town, town.tea, random, days=8)
            await figures.follow(town.house)
            for program_id in (town.tea, town.books):
                assert await differences(town, program_id) == []


async def test_two_who_add_up_at_once_count_nothing_twice(town: Town) -> None:
    await asyncio.gather(*(figures.follow(town.house) for _ in range(6)))
    await figures.follow(town.house)
    assert await differences(town, town.tea) == []


async def test_a_job_stops_in_time_and_goes_on_where_it_was(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "AT_ONCE", 10)
    steps = 0
    while await differences(town, town.tea):
        await figures.follow(town.house, seconds=0)
        steps += 1
        assert steps < 50
    assert steps > 3


async def test_a_lost_transaction_leaves_the_figures_as_they_were(town: Town) -> None:
    await figures.follow(town.house)
    await town.tell(town.tea, make.order("L1"))
    async with town.house.database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await storage.bring_up_to_date(connection, town.tea, most=100)
        await transaction.rollback()
    assert await differences(town, town.tea) != []
    await figures.follow(town.house)
    assert await differences(town, town.tea) == []


async def test_points_are_exact_before_anybody_has_added_them_up(town: Town) -> None:
    async with (
        town.house.database.acquire() as connection,
        storage.moment(connection, town.tea) as kept,
    ):
        assert kept.movement == 0
        sums = await storage.points_before(connection, town.tea, kept, basis="recorded", day=date(2200, 1, 1))
        owed = await connection.fetchrow(
            "select sum(pending)::bigint as pending, sum(available)::bigint as available from accounts "
            "where program_id = $1",
            town.tea,
        )
    assert owed is not None
    together = in_all(sums)
    assert (together.pending, together.net - together.pending) == (owed["pending"], owed["available"])


@pytest.fixture
async def shop(house: House, clock: Clock) -> House:
    await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        now=clock.now,
    )
    return house


async def test_what_home_shows(shop: House, clock: Clock) -> None:
    async def tell(*commands: Any) -> None:
        for command in commands:
            await shop.engine.submit(1, command)

    async with shop.database.acquire() as connection:
        await programs.add_site(
            connection, 1, name="Tee", domain="https://tee.example", currency="EUR", at=clock.now
        )
    await create_reward(shop.database, 1, make.reward(), now=clock.now)
    await tell(
        make.order("A1"),  # 39 points, by Alice who joins with it
        make.order("G1", customer=make.guest()),
        make.order("E1", site_id=2, currency="EUR", total=2000, shipping=0),
    )
    claimed = (await shop.engine.submit(1, make.redeem())).claims[0]
    clock.forward(make.days(1))
    code = OrderDetails(codes=(DiscountCode(str(claimed.code)),))
    await tell(
        make.order("A2", details=code, discounts_minor=500),  # 34 points
        make.refund("A2", 1000),  # takes 7
        make.order("B1", customer=CustomerRef(merchant_id="bob")),
        CancelOrder(site_id=1, merchant_id="B1"),
        AdjustPoints(merchant_id="alice", points=10, reason="thanks", actor="staff:1"),
        AdjustPoints(merchant_id="alice", points=-4, reason="oh", actor="staff:1"),
        PatchCustomer(merchant_id="bob", blocked=True),
    )
    day = await today(shop.database, 1, now=clock.now)
    seen = await home(shop.database, 1, last_days(day, 1), now=clock.now)
    this, last = seen.this, seen.last
    assert (this.earned, this.given, this.adjusted, this.spent) == (34 + 39, 10, 4, 0)
    assert (this.reversed, this.redemptions, this.joined) == (7 + 39, 0, 1)
    assert (this.orders, this.revenue_minor) == (1, 4999 - 500 - 1000)
    assert (this.code_orders, this.code_revenue_minor, this.member_orders) == (1, 3499, 1)
    assert (last.orders, last.revenue_minor, last.member_orders) == (2, 9998, 1)
    assert (last.member_revenue_minor, last.code_orders) == (4999, 0)
    assert (last.spent, last.redemptions, last.joined) == (20, 1, 1)
    assert seen.members == 2
    assert seen.liability.points == 39 + 20 - 20 + 34 - 7 + 10 - 4
    assert (seen.liability.pending, seen.as_of) == (0, clock.now)
    assert seen.other_currencies == {}
    wider = await home(shop.database, 1, last_days(day, 7), now=clock.now)
    assert wider.other_currencies == {
        "EUR": Money(orders=1, revenue_minor=2000, member_orders=1, member_revenue_minor=2000)
    }
    assert [each.day for each in wider.series] == [day - timedelta(days=n) for n in range(6, -1, -1)]
    assert wider.this.earned == this.earned + last.earned
    assert wider.this.net == wider.liability.points
    assert wider.last.orders == 0
    assert wider.before.last == day - timedelta(days=7)
    assert [happened.line.kind for happened in seen.latest[:3]] == ["block", "adjustment", "adjustment"]
    assert (seen.latest[1].name, seen.latest[1].line.sentences) == ("alice", ("staff:1 took 4 points: oh",))
    assert [each.line for each in await latest(shop.database, 1, most=2)] == [
        happened.line for happened in seen.latest[:2]
    ]


async def test_names_that_changed_are_nothing_that_happened(shop: House, clock: Clock) -> None:
    await shop.engine.submit(1, make.order("A1"))
    for name in ("Alice", "Alicia", "Ali"):
        await shop.engine.submit(1, SaveCustomer(customer=make.alice(first_name=name)))
    assert [(happened.line.kind, happened.name) for happened in await latest(shop.database, 1)] == [
        ("order", "Ali")
    ]
    await shop.engine.submit(1, PatchCustomer(merchant_id="alice", blocked=True))
    assert (await latest(shop.database, 1))[0].line.kind == "block"


async def test_a_program_without_anything(shop: House, clock: Clock) -> None:
    seen = await home(shop.database, 1, Range(first=date(2026, 3, 1), last=date(2026, 3, 2)), now=clock.now)
    assert (seen.members, seen.liability.points, len(seen.series), seen.latest) == (0, 0, 2, [])
    with pytest.raises(UnknownProgram):
        await home(shop.database, 9, Range(first=date(2026, 3, 1), last=date(2026, 3, 2)), now=clock.now)
    with pytest.raises(UnknownProgram):
        await today(shop.database, 9, now=clock.now)
    for first, last in ((date(2026, 3, 2), date(2026, 3, 1)), (date(1, 1, 1), date(2026, 1, 1))):
        with pytest.raises(Invalid):
            await home(shop.database, 1, Range(first=first, last=last), now=clock.now)


async def test_of_a_large_program_home_reads_no_table_whole(
    shop: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill_lists(SimpleNamespace(house=shop, program_id=1))  # type: ignore[arg-type]
    async with shop.database.acquire() as connection:
        await connection.execute(
            "update heads set decision = 20000, movement = 40000, customer = 20000, lot = 20000, "
            'activity = 40001, "order" = 20001, '
            "last_at = '2026-01-01T05:33:20Z'"
        )
        await connection.execute("analyze")
    await figures.follow(shop)
    async with shop.database.acquire() as connection:
        await connection.execute("analyze")
    await shop.engine.submit(1, make.order("new"))
    plans = explained(monkeypatch, figures)
    plainly = storage.moment

    @asynccontextmanager
    async def no_real_moment(connection: Any, program_id: int) -> AsyncIterator[Any]:
        async with plainly(connection._connection, program_id) as kept:
            yield kept

    monkeypatch.setattr(storage, "moment", no_real_moment)
    seen = await home(shop.database, 1, Range(first=date(2026, 1, 1), last=date(2026, 3, 2)), now=clock.now)
    assert seen.this.earned == 20_000 + 39
    assert seen.this.spent == 1000
    assert seen.liability.points == 20_000 + 39 - 1000
    assert len(plans) > 8
    large = ("on movements", "on orders", "on customers", "on accounts", "on decisions", "on events")
    whole = [plan for plan in plans if any(f"Seq Scan {table}" in plan for table in large)]
    assert whole == []
