"""How long the admin's pages take with a million orders: `python bench/pages.py` makes them and measures.

The book is made by SQL, so it is believable in size and spread, not in its hashes. Each page is asked for six
times in this process, and the first does not count.
"""

import argparse
import asyncio
import hashlib
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import structlog
from place import Place, a_place

from regulars import asgi
from regulars.app import figures
from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.sessions import From, begin
from regulars.app.staff import colleagues
from regulars.doors.admin.cookies import SESSION
from regulars.doors.admin.routes import ROUTES
from regulars.doors.admin.routing import OPEN
from regulars.settings import Settings
from regulars.storage import staff as people

TIMES = 5
ALLOWED_MS, ALLOWED_SEARCH_MS = 150.0, 100.0
EMAIL = "ann@shop.example"
SHOP = "https://shop.example"
ROWS = Path(__file__).with_name("pages_rows.sql")

OTHERS: tuple[tuple[str, str], ...] = (
    ("search: a whole e-mail", "/customers?q=ann.smith-123456@mail.example"),
    ("search: a part of an id", "/customers?q=c-1234"),
    ("search: a common name", "/customers?q=smith"),
    ("search: two common words", "/customers?q=ann+smith"),
    ("search: two letters", "/customers?q=sm"),
    ("search: nobody", "/customers?q=quetzal"),
    ("customers: in debt", "/customers?in_debt=1"),
    ("customers: with points", "/customers?has_points=1"),
    ("customers: far down", "/customers?before=1000"),
    ("orders: search an id", "/orders?q=O-500000"),
    ("orders: search a number", "/orders?q=%23654321"),
    ("orders: search a person", "/orders?q=ann.smith-123456@mail.example"),
    ("orders: search a common name", "/orders?q=smith"),
    ("orders: cancelled", "/orders?state=cancelled"),
    ("orders: points taken back", "/orders?state=taken"),
    ("orders: of some days", "/orders?placed_from=2026-03-01&placed_until=2026-03-31"),
    ("orders: far down", "/orders?before=1000"),
    ("orders: of one customer", "/orders?customer=5"),
    ("home: a year", "/?range=365"),
    ("deliveries: one hook", "/deliveries?hook=refunds-create"),
    ("deliveries: a rare hook", "/deliveries?hook=key-verify"),
    ("deliveries: problems", "/deliveries?problems=1"),
    ("deliveries: an order's", "/deliveries?q=O-500000"),
    ("deliveries: nobody's", "/deliveries?q=nothing"),
    ("deliveries: far down", "/deliveries?before=1000"),
    ("codes: handed out", "/rewards/1/codes?state=handed"),
    ("codes: void", "/rewards/1/codes?state=void"),
    ("audit: of one person", "/audit?who=staff:1"),
    ("audit: of nobody", "/audit?who=staff:999"),
    ("a customer with 3,000 orders", "/customers/1"),
)
"""Beside every route: what is asked for, which is below the program's address."""


async def fill(place: Place) -> None:
    """Makes the rows of `pages_rows.sql` for the place's program, and the figures of their days."""
    connection = await asyncpg.connect(place.dsn, command_timeout=900)
    try:
        for statement in ROWS.read_text().split(";\n"):
            if statement.strip():
                began = time.perf_counter()
                await connection.execute(statement)
                words = " ".join(statement.split("--")[-1].split()[:8])
                print(f"  {time.perf_counter() - began:6.1f} s  {words}", flush=True)
    finally:
        await connection.close()


async def sign_in(house: House, program_id: int) -> str:
    """The session of an owner of the program."""
    now = house.clock()
    await colleagues.add(
        house.database, email=EMAIL, name="Ann", role=Role.OWNER, program_ids=[program_id], now=now
    )
    async with house.database.acquire() as connection:
        person = await people.by_email(connection, EMAIL)
        assert person is not None
        await people.let_keep_house(connection, person.staff_id)
        by = From(ip="127.0.0.1", user_agent="bench")
        given = await begin(connection, person.staff_id, by=by, second_factor_due=False, now=now)
    return given.session


def addresses(program_id: int) -> list[tuple[str, str]]:
    """(name, path) of every page that has no token in it, and of the other questions."""
    numbers = {"program": program_id, "customer": 77, "order": 777_777, "delivery": 250_000, "claim": 7}
    numbers |= {
        "reward": 1,
        "site": 1,
        "other": 78,
        "credential": 3,
    }  # the third is the shop's own integration
    found = [
        (route.path, route.address.format(**numbers))
        for route in ROUTES
        if route.method == "GET" and route.permission != OPEN
    ]
    return found + [(name, f"/admin/p/{program_id}{path}".replace("/?", "?")) for name, path in OTHERS]


async def measure(client: httpx.AsyncClient, path: str, **options: Any) -> tuple[int, float, float, float]:
    """(status, median, least, most) of five requests after a first, in milliseconds."""
    taken = []
    status = 0
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        answer = await client.get(path, **options)
        taken.append((time.perf_counter() - began) * 1000)
        status = answer.status_code
    return status, statistics.median(taken[1:]), min(taken[1:]), max(taken[1:])


async def shopper(client: httpx.AsyncClient, place: Place, who: str) -> dict[str, str]:
    """The headers of a shopper who is logged in to the widget by the guide's md5 signatures."""
    key, secret = place.keys["lootly_api_key"], place.keys["lootly_api_secret"]
    body = {
        "key": key,
        "shop_domain": SHOP,
        "shop_id": hashlib.md5((SHOP + secret).encode()).hexdigest(),
        "customer_id": who,
        "customer_signature": hashlib.md5((who + secret).encode()).hexdigest(),
    }
    answer = await client.post("/storefront/v1/session", json=body, headers={"origin": SHOP})
    answer.raise_for_status()
    return {"authorization": f"Bearer {answer.json()['session']}", "origin": SHOP}


async def run(place: Place, only: str) -> bool:
    program_id = place.keys["program_id"]
    house = await House.open(Settings.from_environment({"REGULARS_HOME": str(place.home)}), place.dsn)
    slow = []
    try:
        began = time.perf_counter()
        await figures.follow(house)
        print(f"  {time.perf_counter() - began:6.1f} s  the figures by day", flush=True)
        session = await sign_in(house, program_id)
        transport = httpx.ASGITransport(asgi.build(house), client=("127.0.0.1", 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            client.cookies.set(SESSION, session, domain="127.0.0.1")
            print(f"\n| page | median ms | least | most |\n|---|---|---|---|  ({datetime.now(UTC):%H:%M})")
            for name, path in addresses(program_id):
                if only not in name:
                    continue
                status, median, least, most = await measure(client, path)
                allowed = ALLOWED_SEARCH_MS if "search" in name else ALLOWED_MS
                note = "" if status == 200 else f" ({status})"
                note += " **slow**" if median > allowed else ""
                slow += [name] if median > allowed else []
                print(f"| {name}{note} | {median:.0f} | {least:.0f} | {most:.0f} |", flush=True)
            for who in ("c-77", "c-1"):
                headers = await shopper(client, place, who)
                _, median, least, most = await measure(client, "/storefront/v1/me", headers=headers)
                print(f"| the widget's /me of {who} | {median:.0f} | {least:.0f} | {most:.0f} |", flush=True)
    finally:
        await house.close()
    print(f"\nslow: {', '.join(slow) or 'none'}; load average {os.getloadavg()[0]:.1f}")
    return not slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--under", type=Path, help="make the temporary home in this folder")
    parser.add_argument("--only", default="", help="only pages with this in their name")
    parser.add_argument("--hold", action="store_true", help="keep the database up until Enter is pressed")
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # a page's fault shows as its status
    with a_place(asked.under) as place:
        print(f"a million orders, in {place.home}", flush=True)
        asyncio.run(fill(place))
        fine = asyncio.run(run(place, asked.only))
        while asked.hold and (only := input(f"{place.dsn}: pages with (empty: end) ")):
            fine = asyncio.run(run(place, only))
    raise SystemExit(0 if fine else 1)


if __name__ == "__main__":
    main()
