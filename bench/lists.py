"""Measures a list of 500 orders by key, in a program of 10,000 orders and in one of a million.

`.venv/bin/python bench/lists.py` takes some minutes, most of which go into making the million.
"""

import argparse
import asyncio
import statistics
import time
from pathlib import Path

import httpx
from place import Place, Server, a_place, enrol_customers, run_sql, serving

from regulars.app.house import House
from regulars.domain.commands import CustomerRef, PaymentStatus, RecordOrder
from regulars.settings import Settings
from regulars.storage.tables import ORDERS

CUSTOMERS = 1000
TIMES = 40

# Rows for a list to read, not a book to verify: copies of one real order, each of another customer's.
OWN = {
    "order_id": "n",
    "merchant_id": "'copy-' || n",
    "customer_id": f"mod(n, {CUSTOMERS}) + 1",
    "lot_id": "n",
    "activity_id": "n",
    "created_at": "created_at + n * interval '1 second'",
    "updated_at": "updated_at + n * interval '1 second'",
}
NAMES = ", ".join(f'"{name}"' for name in ("program_id", *ORDERS.columns))
VALUES = ", ".join(OWN.get(name, f'"{name}"') for name in ("program_id", *ORDERS.columns))
COPIES = (
    f"insert into orders ({NAMES}) select {VALUES} from orders, generate_series(%d, %d) n where order_id = 1"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000], help="orders, rising")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="make the database there")
    asked = parser.parse_args()
    with a_place(asked.folder) as place:
        asyncio.run(enrol_customers(place, CUSTOMERS))
        asyncio.run(record_one(place))
        made = 1
        for size in asked.sizes:
            asyncio.run(fill(place, made + 1, size))
            made = size
            with serving(place, workers=1) as server:
                measure(place, server, size)


async def record_one(place: Place) -> None:
    """The order that the others are copies of."""
    house = await House.open(Settings.from_environment({"REGULARS_HOME": str(place.home)}), place.dsn)
    try:
        order = RecordOrder(
            door="loyaltylion", site_id=1, merchant_id="first", customer=CustomerRef(merchant_id="c1"),
            currency="GBP", total_minor=4999, goods_minor=3999, shipping_minor=1000, tax_minor=0,
            discounts_minor=0, payment_status=PaymentStatus.PAID,
        )  # fmt: skip
        await house.engine.submit(place.keys["program_id"], order)
    finally:
        await house.close()


async def fill(place: Place, first: int, last: int) -> None:
    await run_sql(place, [COPIES % (first, last), "vacuum analyze", "checkpoint"])


def measure(place: Place, server: Server, size: int) -> None:
    """The first page, one in the middle, and the last one."""
    headers = {"Authorization": f"Bearer {place.keys['api_token']}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        print(f"{size:,} orders")
        for name, since in (("first", 0), ("middle", size // 2), ("last", size - 500)):
            seconds = [_timed(client, since) for _ in range(TIMES)]
            quickest, median = min(seconds) * 1000, statistics.median(seconds) * 1000
            print(f"  {name:<7} 500 orders: {median:6.1f} ms at the median, {quickest:6.1f} at best")


def _timed(client: httpx.Client, since: int) -> float:
    began = time.perf_counter()
    answer = client.get("/v2/orders", params={"limit": 500, "since_id": since})
    passed = time.perf_counter() - began
    assert answer.status_code == 200 and len(answer.json()["orders"]) == 500, answer.text[:300]
    return passed


if __name__ == "__main__":
    main()
