"""Seven months of a real shop, through both doors, against a computation that knows nothing of the product.

December 2010 comes as Lootly's hooks, signed as PHP signs; the rest as LoyaltyLion's calls, with their dates.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import asyncpg
import httpx
import pytest

from regulars.app.house import House
from regulars.app.programs import Created, create_program
from regulars.app.verify import lines, verify
from regulars.asgi import build
from regulars.demo.in_process import in_process
from regulars.demo.orders_file import read_orders_file
from regulars.demo.replay import replay
from regulars.demo.reports import Door
from regulars.demo.said import said_of_file
from tests import make
from tests.scenarios.independent import Expected, work_out

SHARED = Path(os.environ.get("REGULARS_SHARED") or Path(__file__).parents[3] / "shared")
ORDERS = SHARED / "data" / "online-retail-2010-12-to-2011-06.csv.gz"

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RATE, RATE_TEXT = Fraction(5, 4), "1.25"
APPROVAL_DAYS = 14

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not ORDERS.exists(),
        reason=f"the real orders are not here ({ORDERS}); REGULARS_SHARED names their folder",
    ),
]


@dataclass
class Shop:
    house: House
    keys: Created
    database: asyncpg.Connection

    async def count(self, question: str, *arguments: object) -> int:
        return await self.database.fetchval(question, *arguments)

    async def members(self) -> dict[str, tuple[int, int]]:
        """Pending and approved points of every customer with an id, as LoyaltyLion's door tells them."""
        found: dict[str, tuple[int, int]] = {}
        since = 0
        transport = httpx.ASGITransport(app=build(self.house))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            while True:
                answer = await read(client, self.keys, f"/v2/customers?since_id={since}&limit=500")
                customers = answer["customers"]
                for customer in customers:
                    if customer["merchant_id"] is not None and customer["enrolled"]:
                        points = (customer["points_pending"], customer["points_approved"])
                        found[customer["merchant_id"]] = points
                if len(customers) < 500:
                    return found
                since = customers[-1]["id"]

    async def state(self) -> list[asyncpg.Record]:
        """All that a second pass must leave as it was."""
        return await self.database.fetch(
            """
            select h.chain, h.movement, h.lot, h.customer, h."order", h.refund, h.event, h.decision,
                   (select count(*) from movements), (select count(*) from orders),
                   (select count(*) from refunds), (select count(*) from early_reports),
                   (select count(*) from events),
                   (select md5(string_agg(a::text, ';' order by customer_id)) from accounts a),
                   (select md5(string_agg(o::text, ';' order by order_id)) from orders o)
              from heads h
            """
        )


async def read(client: httpx.AsyncClient, keys: Created, path: str) -> dict:
    answer = await client.get(path, headers={"authorization": f"Bearer {keys.api_token}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def shop(database: str, tmp_path: Path) -> AsyncIterator[Shop]:
    house = await House.open(make.settings(tmp_path), database, clock=lambda: NOW)
    connection = await asyncpg.connect(database)
    keys = await create_program(
        house.database,
        house.vault,
        name="Online Retail",
        domain="https://shop.example",
        currency="GBP",
        points_per_unit=RATE_TEXT,
        approval_days=APPROVAL_DAYS,
        now=NOW,
    )
    yield Shop(house, keys, connection)
    await connection.close()
    await house.close()


async def test_every_customers_points_are_those_of_an_independent_computation(shop: Shop) -> None:
    expected, file = work_out(ORDERS), read_orders_file(ORDERS)

    assert_counts_are_said(file.counts, expected)
    async with in_process(shop.house, shop.keys) as sender:
        sent = await replay(file.reports, sender)
        assert sent.refused == 0, sent.problems
        assert sent.sent == {"orders": len(expected.orders), "refunds": len(expected.refunds)}
        await assert_orders_are_as_expected(shop, expected)
        await assert_nothing_went_wrong_unsaid(shop, sum(r.door is Door.LOOTLY for r in file.reports))

        # December's orders are dated today, as Lootly's hooks carry no date: their points are pending still.
        points = await shop.members()
        assert points == expected.points(RATE)
        assert sum(map(sum, points.values())) > 4_000_000

        report = await verify(shop.house.database, now=NOW)
        assert report.is_clean, lines(report)

        before = await shop.state()
        again = await replay(file.reports, sender)
        assert again.refused == 0, again.problems
        assert again.sent == sent.sent
        assert await shop.state() == before
        assert await shop.members() == points
        await assert_nothing_went_wrong_unsaid(shop, 2 * sum(r.door is Door.LOOTLY for r in file.reports))


def assert_counts_are_said(counts, expected: Expected) -> None:
    assert counts.lines == expected.counts["lines"]
    assert counts.invoices == expected.counts["invoices"]
    assert counts.write_offs == expected.counts["write_offs"]
    assert counts.return_invoices == expected.counts["return_invoices"]
    assert counts.matched_lines == expected.counts["matched_lines"]
    assert counts.unmatched_lines == expected.unmatched
    assert counts.return_lines == counts.matched_lines + expected.unmatched.total()
    assert counts.orders == len(expected.orders)
    assert counts.guest_orders == sum(not order.customer for order in expected.orders.values())
    assert counts.refunds == sum(amount > 0 for amount in expected.refunds.values())
    assert counts.ordered_minor == sum(order.total for order in expected.orders.values()) * 100
    assert counts.refunded_minor == sum(expected.refunds.values()) * 100
    assert counts.wholly_refunded == sum(
        order.refunded == order.total > 0 for order in expected.orders.values()
    )

    said = " ".join(said_of_file(counts, "GBP"))
    for text in (
        f"{len(expected.orders):,} orders",
        f"as {len(expected.refunds):,} refunds",
        f"{expected.counts['return_invoices']:,} returns",
        *(f"({reason}): {number:,} lines" for reason, number in expected.unmatched.items()),
    ):
        assert text in said


async def assert_orders_are_as_expected(shop: Shop, expected: Expected) -> None:
    rows = await shop.database.fetch(
        """
        select o.*, c.merchant_id as customer from orders o join customers c using (program_id, customer_id)
        """
    )
    assert len(rows) == len(expected.orders)
    for row in rows:
        order = expected.orders[row["merchant_id"]]
        assert row["customer"] == (order.customer or None)
        assert row["placed_at"] == (NOW if order.first_month else order.placed)
        assert (row["total_minor"], row["shipping_minor"]) == (order.total * 100, order.shipping * 100)
        assert row["refunded_minor"] == order.refunded * 100
        assert (row["given"], row["taken"]) == (order.given(RATE), order.taken(RATE)), order
        wholly = order.refunded == order.total > 0
        partly = "partially_refunded" if order.refunded else "not_refunded"
        assert row["refund_status"] == ("refunded" if wholly else partly)
    refunds = await shop.database.fetch(
        """
        select o.merchant_id, r.reference, r.amount_minor
          from refunds r join orders o using (program_id, order_id)
        """
    )
    said = {(row["merchant_id"], row["reference"]): Fraction(row["amount_minor"], 100) for row in refunds}
    assert said == expected.refunds and len(refunds) == len(expected.refunds)


async def assert_nothing_went_wrong_unsaid(shop: Shop, hooks: int) -> None:
    """Lootly's door answers 200 to what it refuses, too: only its log tells. A 503 was sent again."""
    assert await shop.count("select count(*) from deliveries where problem and status <> 503") == 0
    assert await shop.count("select count(*) from deliveries where status <> 503") == hooks
    assert await shop.count("select count(*) from early_reports") == 0
