"""Staff find an order among a million, page by page, and no list reads a whole table."""

from datetime import date
from typing import Any

import pytest

from regulars.app import orders
from regulars.app.house import House
from regulars.app.orders import Filter, search, story
from regulars.app.programs import UnknownProgram, create_program
from regulars.domain.errors import Invalid, UnknownOrder
from regulars.storage import orders as storage
from tests import make
from tests.clock import Clock
from tests.plans import explained


@pytest.fixture
async def shop(house: House) -> int:
    """A shop with seven paid orders of Alice, of which the first and the fifth are cancelled."""
    created = await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        now=house.clock(),
    )
    for number in range(1, 8):
        await house.engine.submit(created.program_id, make.order(f"A{number}"))
    for number in (1, 5):
        await house.engine.submit(created.program_id, make.update(f"A{number}", paid=4999, cancelled=True))
    return created.program_id


async def pages(house: House, shop: int, wanted: Filter, most: int) -> list[list[str]]:
    """The shop's ids on each page, to the end of the list."""
    found: list[list[str]] = []
    before = None
    while True:
        page = await search(house.database, shop, wanted, before=before, most=most)
        found.append([row.order.merchant_id for row in page.rows])
        before = page.next
        if before is None:
            return found
        assert len(found) < 20


@pytest.mark.parametrize("wanted", [Filter(), Filter(placed_from=date(2026, 3, 1)), Filter(text="alice")])
async def test_every_order_stands_on_one_page(house: House, shop: int, wanted: Filter) -> None:
    assert await pages(house, shop, wanted, most=3) == [["A7", "A6", "A5"], ["A4", "A3", "A2"], ["A1"]]


async def test_days_go_by_when_an_order_was_placed(house: House, shop: int, clock: Clock) -> None:
    await house.engine.submit(shop, make.order("old", placed_at=clock.now - make.days(40)))
    found = await pages(house, shop, Filter(placed_until=clock.now.date()), most=5)
    assert [order for page in found for order in page] == ["A7", "A6", "A5", "A4", "A3", "A2", "A1", "old"]
    early = Filter(placed_until=(clock.now - make.days(30)).date())
    assert await pages(house, shop, early, most=5) == [["old"]]


async def test_a_rare_state_is_looked_for_some_way_and_then_on(
    house: House, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LOOKED_THROUGH", 3)
    wanted = Filter(state="cancelled")
    first = await search(house.database, shop, wanted, most=3)
    assert [row.order.merchant_id for row in first.rows] == ["A5"]
    assert first.looked_until is not None
    assert await pages(house, shop, wanted, most=3) == [["A5"], [], ["A1"]]
    by_day = Filter(state="cancelled", placed_from=date(2026, 3, 1))
    assert await pages(house, shop, by_day, most=3) == [["A5"], [], ["A1"]]


async def test_what_can_not_be_asked_is_refused(house: House, shop: int) -> None:
    with pytest.raises(Invalid):
        await search(house.database, shop, Filter(text="x" * 201))
    with pytest.raises(Invalid):
        await search(house.database, shop, Filter(text="\x00"))
    with pytest.raises(UnknownProgram):
        await search(house.database, 99, Filter())
    with pytest.raises(UnknownOrder):
        await story(house.database, shop, 99)


async def test_another_programs_orders_are_not_found(house: House, shop: int) -> None:
    other = await create_program(
        house.database,
        house.vault,
        name="Other",
        domain="https://o.example",
        currency="GBP",
        now=house.clock(),
    )
    assert (await search(house.database, other.program_id, Filter(text="A1"))).rows == []
    with pytest.raises(UnknownOrder):
        await story(house.database, other.program_id, 1)


async def test_the_story_has_what_was_decided_and_moved(house: House, shop: int) -> None:
    told = await story(house.database, shop, 5)
    assert told.place.domain == "https://tea.example"
    assert [decided.kind for decided in told.history.decisions] == ["RecordOrder", "UpdateOrder"]
    assert [move.cause for move in told.history.movements] == ["purchase", "cancel"]
    assert told.calls == []


async def test_no_list_reads_all_orders(house: House, shop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house.database.acquire() as connection:
        await connection.execute(
            """
            insert into orders (program_id, order_id, site_id, merchant_id, merchant_number, customer_id,
                door, currency, total_minor, goods_minor, shipping_minor, tax_minor, discounts_minor,
                rewardable_minor, rule_version, fingerprint, payment_status, paid_minor, refund_status,
                refunded_minor, cancelled, status, rewarded_status, placed_at, given, taken, details,
                created_at, updated_at)
            select program_id, n, site_id, 'B' || n, '#' || n, customer_id, door, currency, total_minor,
                goods_minor, shipping_minor, tax_minor, discounts_minor, rewardable_minor, rule_version,
                fingerprint, payment_status, paid_minor, refund_status, refunded_minor, false, status,
                rewarded_status, placed_at - n * interval '1 minute', 0, 0, details, created_at, updated_at
              from orders cross join generate_series(100, 30000) n where program_id = $1 and order_id = 7
            """,
            shop,
        )
        await connection.execute(
            """
            insert into deliveries (program_id, credential_id, integration, hook, body, status, outcome,
                problem, subject, received_at)
            select $1, 1, 'common', 'orders-completed', '', 200, 'done', false, 'B' || n, $2
              from generate_series(1, 20000) n
            """,
            shop,
            house.clock(),
        )
        await connection.execute("analyze")
    monkeypatch.setattr(storage, "LOOKED_THROUGH", 1000)  # of so few, 20,000 would be most
    plans = explained(monkeypatch, orders)
    wanted: list[dict[str, Any]] = [
        {},
        {"text": "B12345"},
        {"text": "12345"},
        {"state": "cancelled"},
        {"placed_from": date(2026, 2, 20), "placed_until": date(2026, 2, 21)},
        {"placed_until": date(2026, 2, 21), "state": "unpaid"},
    ]
    for each in wanted:
        for before in (None, 20_000):
            plans.clear()
            await search(house.database, shop, Filter(**each), before=before)
            whole = [plan for plan in plans if "Seq Scan on orders" in plan]
            assert plans
            assert not whole, f"{each} {before}:\n{whole[0]}"
    plans.clear()
    await story(house.database, shop, 12345)
    whole = [plan for plan in plans if "Seq Scan on deliveries" in plan or "Seq Scan on orders" in plan]
    assert not whole, whole[0]
