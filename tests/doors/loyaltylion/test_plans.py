"""The lists at some size: whatever the filters, no statement of theirs reads a whole table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from regulars.app import listings
from tests.doors.loyaltylion.conftest import Shop

ROWS = 20_000

ONE_A_SECOND = f"""
    with rows as (
        select n, timestamptz '2026-01-01Z' + n * interval '1 second' as at from generate_series(1, {ROWS}) n
    )
"""
REWARD = '{"id":1,"kind":"fixed_amount","title":"Five pounds off","cost":1,"amount_minor":500}'
FILL = """
    insert into customers (program_id, customer_id, merchant_id, email, email_key, member_since, created_at,
        updated_at)
    select $1, n, 'c' || n, 'c' || n || '@example.com', 'c' || n || '@example.com', at, at, at from rows;
    insert into accounts (program_id, customer_id, pending, available, spent, updated_at)
    select $1, n, 0, 1, 0, at from rows;
    insert into decisions (program_id, decision_id, kind, outcome, customer_id, trace, recorded_at)
    select $1, n, 'RecordOrder', 'done', n, '[]', at from rows;
    insert into orders (program_id, order_id, site_id, merchant_id, customer_id, door, currency, total_minor,
        goods_minor, shipping_minor, tax_minor, discounts_minor, rewardable_minor, rule_version, fingerprint,
        payment_status, paid_minor, refund_status, refunded_minor, cancelled, rewarded_status, placed_at,
        paid_at, earned_at, lot_id, activity_id, given, taken, details, created_at, updated_at)
    select $1, n, 1, 'o' || n, n, 'loyaltylion', 'GBP', 100, 100, 0, 0, 0, 100, 1, '', 'paid', 100,
        'not_refunded', 0, false, true, at, at, at, n, n * 2, 1, 0, '{}', at, at from rows;
    insert into lots (program_id, lot_id, customer_id, movement_id, order_id, size, remaining, state,
        opened_at)
    select $1, n, n, n, n, 1, 1, 'available', at from rows;
    insert into movements (program_id, movement_id, customer_id, decision_id, from_bucket, to_bucket, points,
        cause, order_id, lot_id, recorded_at, effective_at, hash)
    select $1, n, n, n, 'issued', 'available', 1, 'purchase', n, n, at, at, decode(repeat('00', 32), 'hex')
      from rows;
    insert into activities (program_id, activity_id, customer_id, name, points, decision_id, happened_at,
        created_at)
    select $1, n * 2 + 1, n, '$signup', 0, n, at, at from rows;
    insert into rewards (program_id, reward_id, definition, created_at, updated_at)
    select $1, 1, '{REWARD}', at, at from rows where n = 1;
    insert into claimed_rewards (program_id, claim_id, reward_id, customer_id, kind, title, cost, currency,
        amount_minor, minimum_order_minor, instructions, state, claimed_at, decision_id, movement_id,
        updated_at)
    select $1, n, 1, n, 'fixed_amount', 'Five pounds off', 1, 'GBP', 500, 0, '', 'claimed', at, n, $2 + n, at
      from rows;
    insert into movements (program_id, movement_id, customer_id, decision_id, from_bucket, to_bucket, points,
        cause, claim_id, recorded_at, effective_at, hash)
    select $1, $2 + n, n, n, 'available', 'redeemed', 1, 'redemption', n, at + $2 * interval '1 second', at,
        decode(repeat('00', 32), 'hex')
      from rows where n <= 1000;
"""


class Explaining:
    """A connection that keeps the plan of every statement that it runs."""

    def __init__(self, connection: Any, plans: list[str]) -> None:
        self._connection = connection
        self._plans = plans

    def __getattr__(self, name: str) -> Any:
        async def run(statement: str, *values: Any) -> Any:
            rows = await self._connection.fetch(f"explain {statement}", *values)
            self._plans.append("\n".join(row[0] for row in rows))
            return await getattr(self._connection, name)(statement, *values)

        return run


async def fill(shop: Shop) -> None:
    """Twenty thousand customers, one a second, each with an order, a sign-up and a claimed reward."""
    async with shop.house.database.acquire() as connection:
        for statement in FILL.replace("{REWARD}", REWARD).split(";")[:-1]:
            values = (shop.program_id, ROWS) if "$2" in statement else (shop.program_id,)
            await connection.execute(ONE_A_SECOND + statement, *values)
        await connection.execute("analyze")


@pytest.mark.parametrize("limit", [1, 501])
async def test_every_list_walks_along_an_index(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    await fill(shop)
    plans: list[str] = []
    plainly = listings.reading

    @asynccontextmanager
    async def explaining(database: Any, **how: Any) -> AsyncIterator[Any]:
        async with plainly(database, **how) as connection:
            yield Explaining(connection, plans)

    monkeypatch.setattr(listings, "reading", explaining)
    from_, before = datetime(2026, 1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)
    windows: list[dict[str, Any]] = [
        {},
        {"ascending": True, "beyond": 0},
        {"ascending": True, "beyond": ROWS - 10},
        {"beyond": 500},
        {"created_from": from_, "created_before": before},
        {"offset": 1000},
    ]
    changed = [
        {"changed_from": from_, "changed_before": before},
        {"changed_from": before, "ascending": True, "beyond": 0},
    ]
    by_change = [
        {"by_change": True},
        {"by_change": True, "ascending": True, "beyond": 7, "beyond_at": from_},
    ]
    for which, extra in (
        (listings.list_orders, changed),
        (listings.list_customers, changed + by_change),
        (listings.list_activities, []),
        (listings.list_transactions, [{"customer_id": 77}]),
    ):
        for window in windows + extra:
            plans.clear()
            asked = listings.Window(limit=limit, **window)
            rows = await which(shop.house.database, shop.program_id, asked, now=shop.clock())  # type: ignore[operator]
            assert rows, window
            whole = [plan for plan in plans if "Seq Scan" in plan]
            assert not whole, f"{which.__name__} {window}:\n{whole[0]}"


async def test_a_bound_in_time_is_found_exactly(shop: Shop) -> None:
    await fill(shop)
    second = "2026-01-01T01:00:00Z"  # that of row 3600
    for name in ("orders", "customers", "transactions"):
        listed = (await shop.get(f"/v2/{name}?since_id=0&limit=1&created_at_min={second}")).json()[name]
        assert [row["id"] for row in listed] == [3600]
        listed = (await shop.get(f"/v2/{name}?limit=1&created_at_max={second}")).json()[name]
        assert [row["id"] for row in listed] == [3599]
    listed = (await shop.get(f"/v2/activities?since_id=0&limit=2&created_at_min={second}")).json()[
        "activities"
    ]
    assert [row["id"] for row in listed] == [7200, 7201]
