"""Replays a history: many reports at once, but each customer's one after the other, as they happened."""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from regulars.demo.client import CONNECTIONS, Answer, NotReachable
from regulars.demo.reports import Report

WAITING_EACH = 4
PROBLEMS_KEPT = 20

Progress = Callable[[Report], None]
"""Is told of each report once it was answered."""


class CanSend(Protocol):
    async def send(self, report: Report) -> Answer: ...


class Summary(msgspec.Struct, kw_only=True):
    """What was sent, by kind of report; what was refused, with the first few answers."""

    sent: Counter[str] = msgspec.field(default_factory=Counter)
    refused: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
    seconds: float = 0.0


async def replay(
    reports: Iterable[Report],
    sender: CanSend,
    progress: Progress = lambda _: None,
    *,
    at_once: int = CONNECTIONS,
) -> Summary:
    """Sends all reports, about in the order given, exactly in that order for each customer.

    Sending the same again changes nothing. Raises NotReachable when the server goes away for longer.
    """
    summary, started = Summary(), time.monotonic()
    queues: list[asyncio.Queue[Report | None]] = [asyncio.Queue(WAITING_EACH) for _ in range(at_once)]

    async def work(queue: asyncio.Queue[Report | None]) -> None:
        while (report := await queue.get()) is not None:
            _count(summary, report, await sender.send(report))
            progress(report)

    try:
        async with asyncio.TaskGroup() as group:
            for queue in queues:
                group.create_task(work(queue))
            for report in reports:
                await queues[_place(report) % at_once].put(report)
            for queue in queues:
                await queue.put(None)
    except* NotReachable as failures:
        raise failures.exceptions[0] from None
    summary.seconds = time.monotonic() - started
    return summary


def _place(report: Report) -> int:
    """The same for all reports of one customer."""
    return zlib.crc32((report.shopper.merchant_id or report.shopper.email).encode())


def _count(summary: Summary, report: Report, answer: Answer) -> None:
    summary.sent[report.kind] += 1
    if answer.accepted:
        return
    summary.refused += 1
    if len(summary.problems) < PROBLEMS_KEPT:
        summary.problems.append(f"{answer.status} to {report}: {answer.text}"[:500])
