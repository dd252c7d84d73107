"""What can be tried out at once: the coffeehouse with its history, and a shop's own orders file."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path

import msgspec

from regulars.app.house import House
from regulars.app.programs import Created
from regulars.demo import coffeehouse
from regulars.demo.client import Sender, knows, over_http
from regulars.demo.generate import generate
from regulars.demo.in_process import in_process
from regulars.demo.memory import Remembered, program_for, remember
from regulars.demo.orders_file import Counts, OrdersFile, read_orders_file
from regulars.demo.replay import Summary, replay
from regulars.demo.reports import Report
from regulars.demo.rewards import furnish

SEED = 2026

Progress = Callable[[int, int], None]
"""Is told how many reports were answered, and of how many."""


def _quietly(done: int, total: int) -> None:
    """Tells nobody."""


class DemoProgram(msgspec.Struct, frozen=True, kw_only=True):
    """`sent` is None when its history was complete already."""

    name: str
    keys: Created
    sent: Summary | None


class SentFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    keys: Created
    counts: Counts
    sent: Summary


async def make_demo(
    house: House, now: datetime, progress: Progress = _quietly, *, base_url: str | None = None
) -> DemoProgram:
    """The coffeehouse: made with half a year of history the first time, completed if that was interrupted.

    Reports go to the server at `base_url`, else to the one of the settings, if it is up, else into this
    process's own doors. Raises NotReachable.
    """
    demo = await program_for(
        house,
        "coffeehouse",
        name=coffeehouse.NAME,
        currency=coffeehouse.CURRENCY,
        approval_days=coffeehouse.APPROVAL_DAYS,
        domain=house.settings.base_url,
        now=now,
    )
    await furnish(house, demo.keys.program_id, now=now)
    if demo.complete:
        return DemoProgram(name=demo.name, keys=demo.keys, sent=None)
    sent = await _send(house, demo, generate(SEED, now=demo.made_at), progress, base_url)
    if not sent.refused:
        remember(house, "coffeehouse", msgspec.structs.replace(demo, complete=True))
    return DemoProgram(name=demo.name, keys=demo.keys, sent=sent)


async def send_orders_file(
    house: House,
    path: Path,
    now: datetime,
    progress: Progress = _quietly,
    *,
    base_url: str | None = None,
) -> SentFile:
    """All orders of the file, sent likewise to a program of their own. The same file again changes nothing.

    Raises UnreadableOrders before anything is done, and NotReachable.
    """
    file, digest = await asyncio.to_thread(_read, path)
    name = path.name.split(".")[0] or "Orders"
    program = await program_for(
        house, f"orders {digest}", name=name, currency="GBP", domain="https://shop.example", now=now
    )
    sent = await _send(house, program, file.reports, progress, base_url)
    return SentFile(name=name, keys=program.keys, counts=file.counts, sent=sent)


def _read(path: Path) -> tuple[OrdersFile, str]:
    return read_orders_file(path), hashlib.sha256(path.read_bytes()).hexdigest()[:16]


async def _send(
    house: House, program: Remembered, reports: list[Report], progress: Progress, base_url: str | None
) -> Summary:
    done = 0

    def one_more(_: Report) -> None:
        nonlocal done
        done += 1
        progress(done, len(reports))

    if base_url is None and await knows(house.settings.base_url, program.keys):
        base_url = house.settings.base_url
    sender: AbstractAsyncContextManager[Sender]
    sender = in_process(house, program.keys) if base_url is None else over_http(base_url, program.keys)
    async with sender as open_sender:
        return await replay(reports, open_sender, one_more)
