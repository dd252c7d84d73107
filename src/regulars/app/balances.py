"""What customers have now, by the shop's own ids. Callers who ask while a query is under way share the next.

A shop's pages ask for one customer each, hundreds at once: one query for all of them costs hardly more than
one for each. It is always the next query, never the one under way, so that an answer shows every change that
was acknowledged before it was asked for.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from regulars.deadline import lay_aside, soonest
from regulars.domain.errors import Busy
from regulars.domain.program import Program
from regulars.storage import balances
from regulars.storage.balances import Balance
from regulars.storage.database import Database
from regulars.storage.reading import reading

IDS_MOST: Final = 1000
"""Ids in a shared query. A caller who asks for more has a query to himself."""
WAITING_MOST: Final = 10_000
PATIENCE_SECONDS: Final = 1.2
"""For one query. A caller may have to wait for two: the one under way, and his own."""
LEAST_SECONDS: Final = 0.5
"""A caller who has less time left is told so at once, lest the others' query be cut short for him."""


class Asking:
    """A caller, the ids that he asks for, the program's time at which he does, and his deadline."""

    __slots__ = ("answer", "at", "merchant_ids", "until")

    def __init__(self, merchant_ids: list[str], at: datetime) -> None:
        self.merchant_ids = merchant_ids
        self.at = at
        self.until = soonest(PATIENCE_SECONDS * 2)
        self.answer: asyncio.Future[dict[str, Balance]] = asyncio.get_running_loop().create_future()


class Balances:
    """The balances of all programs; each program's callers share its queries, one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[int, deque[Asking]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, program: Program, merchant_ids: Sequence[str], now: datetime) -> dict[str, Balance]:
        """The balances of those that are known, by their ids, at real time `now`; due approvals count as
        done.

        Raises Busy when the database doesn't answer, or when too many wait already.
        """
        askable = [merchant_id for merchant_id in merchant_ids if _is_text(merchant_id)]
        if not askable:
            return {}
        asking = Asking(askable, program.time(now))
        queue = self._waiting.get(program.id)
        if queue is None:
            queue = self._waiting[program.id] = deque()
            task = asyncio.create_task(self._answer(program.id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(queue) >= WAITING_MOST:
            raise Busy(program=program.id)
        queue.append(asking)
        return await asking.answer

    async def _answer(self, program_id: int, queue: deque[Asking]) -> None:
        """Answers all who wait, then leaves; who comes after that begins anew."""
        lay_aside()
        try:
            while callers := _take(queue):
                try:
                    found = await self._ask(program_id, callers)
                except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
                    for caller in callers:
                        if not caller.answer.done():
                            caller.answer.set_exception(error)
                else:
                    for caller in callers:
                        if not caller.answer.done():
                            caller.answer.set_result(
                                {one: found[one] for one in caller.merchant_ids if one in found}
                            )
        finally:
            del self._waiting[program_id]

    async def _ask(self, program_id: int, callers: list[Asking]) -> dict[str, Balance]:
        wanted = list({one for caller in callers for one in caller.merchant_ids})
        at = max(caller.at for caller in callers)
        left = min(caller.until for caller in callers) - asyncio.get_running_loop().time()
        async with reading(self._database, patience_seconds=min(PATIENCE_SECONDS, left)) as connection:
            rows = await balances.find(connection, program_id, wanted, at)
        return {row.merchant_id: row for row in rows}


def _take(queue: deque[Asking]) -> list[Asking]:
    """The callers of the next query; those who left are dropped, those who have waited too long are told."""
    callers: list[Asking] = []
    ids = 0
    least = asyncio.get_running_loop().time() + LEAST_SECONDS
    while queue and (not callers or ids + len(queue[0].merchant_ids) <= IDS_MOST):
        caller = queue.popleft()
        if caller.until < least and not caller.answer.done():
            caller.answer.set_exception(Busy(left="too little time"))
        elif not caller.answer.done():
            callers.append(caller)
            ids += len(caller.merchant_ids)
    return callers


def _is_text(merchant_id: str) -> bool:
    """Whether it can be asked for at all. What can't must not spoil the query for the others."""
    if "\x00" in merchant_id:
        return False
    try:
        merchant_id.encode()
    except UnicodeEncodeError:
        return False
    return True
