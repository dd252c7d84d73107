"""Measures `regulars import orders` on this machine, and what a checkout order waits while it runs.

`.venv/bin/python bench/imports.py` takes half a minute, in a temporary folder of its own.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx
import usage
from place import REGULARS, Place, Server, a_place, environment, regulars, serving

CUSTOMERS = 20_000
PAUSE_SECONDS = 0.02


class Imported(NamedTuple):
    """Orders a second, and the processor time that one took of the import and of PostgreSQL, in µs."""

    rate: float
    ours_us: float
    postgres_us: float
    memory_mb: float


def write_orders(path: Path, number: int) -> Path:
    """A file of orders of the last year, with customers who come again and again."""
    chance = random.Random(1)
    with path.open("w") as file:
        file.write("order_id,date,customer_id,customer_email,total,shipping,discounts,payment_status\n")
        for order in range(number):
            who, day = chance.randrange(CUSTOMERS), chance.randrange(1, 28)
            total = chance.randrange(500, 20_000) / 100
            file.write(
                f"{path.stem}-{order},2025-{1 + order * 12 // number:02d}-{day:02d}T10:00:00Z,"
                f"c{who},c{who}@shop.example,{total:.2f},4.99,0,paid\n"
            )
    return path


def run_import(place: Place, file: Path) -> Imported:
    """Imports the file by the command line, as a process of its own."""
    postgres = usage.processor_seconds(place.postmaster)
    command = [*REGULARS, "import", "orders", str(file), "--json"]
    process = subprocess.Popen(command, env=environment(place.home), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    summary = json.loads(process.stdout.read().splitlines()[-1])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0 and summary["rejected"] == 0
    return Imported(
        rate=summary["rows"] / summary["took_seconds"],
        ours_us=(used.ru_utime + used.ru_stime) / summary["rows"] * 1e6,
        postgres_us=(usage.processor_seconds(place.postmaster) - postgres) / summary["rows"] * 1e6,
        memory_mb=used.ru_maxrss / 1000,
    )


async def check_out(server: Server, place: Place, name: str, until: Callable[[], bool]) -> list[float]:
    """Sends an order 50 times a second until told to stop; answers how long each took, in ms."""
    waits: list[float] = []
    login = (place.keys["site_token"], place.keys["site_secret"])
    async with httpx.AsyncClient(base_url=server.url, auth=login, timeout=10) as client:
        while not until():
            order = {
                "merchant_id": f"{name}-{len(waits)}",
                "customer_id": f"c{len(waits) % CUSTOMERS}",
                "customer_email": f"c{len(waits) % CUSTOMERS}@shop.example",
                "total": "39.99",
                "total_shipping": "10.00",
                "payment_status": "paid",
            }
            began = time.monotonic()
            answer = await client.post("/v2/orders", json=order)
            waits.append((time.monotonic() - began) * 1000)
            assert answer.status_code == 201, answer.text
            await asyncio.sleep(PAUSE_SECONDS)
    return waits


async def measure(place: Place, server: Server, file: Path, seconds: float) -> Imported:
    """Checkout orders alone, then while the file is imported."""
    end = time.monotonic() + seconds
    report("checkout orders alone", await check_out(server, place, "alone", lambda: time.monotonic() > end))
    importing = asyncio.create_task(asyncio.to_thread(run_import, place, file))
    report("while the import runs", await check_out(server, place, "during", importing.done))
    return await importing


def report(when: str, waits: list[float]) -> None:
    waits = waits[5:]  # the first open connections and warm caches
    cut = statistics.quantiles(waits, n=100)
    print(
        f"{when:<24} {len(waits):>6} orders   p50 {cut[49]:6.1f} ms   p99 {cut[98]:6.1f} ms   "
        f"worst {max(waits):6.1f} ms"
    )


def say(what: str, done: Imported) -> None:
    print(
        f"{what:<24} {done.rate:>6,.0f} a second  import {done.ours_us:.0f} µs, PostgreSQL "
        f"{done.postgres_us:.0f} µs of processor an order   {done.memory_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--orders", type=int, default=30_000, help="how many rows each file has")
    parser.add_argument("--seconds", type=float, default=5, help="how long checkout orders are sent alone")
    asked = parser.parse_args()
    with a_place(None) as place:
        print(f"load before: {os.getloadavg()[0]:.2f}; idle: {usage.idle_share(1):.0%}")
        say("most customers new", run_import(place, write_orders(place.home / "first.csv", asked.orders)))
        say("the same file again", run_import(place, place.home / "first.csv"))
        say("customers known", run_import(place, write_orders(place.home / "second.csv", asked.orders)))
        regulars(place.home, "program", "set", "1", "--approval-days", "14")
        say("with approvals", run_import(place, write_orders(place.home / "third.csv", asked.orders)))
        with serving(place, workers=1) as server:
            file = write_orders(place.home / "fourth.csv", asked.orders)
            say("beside a server", asyncio.run(measure(place, server, file, asked.seconds)))
        print(regulars(place.home, "verify").splitlines()[-1])


if __name__ == "__main__":
    main()
