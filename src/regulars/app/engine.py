"""The engine: one lane a program, committed in groups.

A lane takes what has queued up, locks the program's head row, decides each command on what the one before
it left, saves with one statement a table, commits once, and only then answers every caller.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

import structlog

from regulars.app.deliveries import Delivery, stored_delivery
from regulars.domain.commands import Command
from regulars.domain.decide import decide
from regulars.domain.decisions import Decision
from regulars.domain.errors import Busy, Late, RegularsError, Rejected, Unsure
from regulars.domain.page import needs
from regulars.domain.program import Program, PurchaseRule
from regulars.storage.batch import Conflict, Lost, Unknown, happened, open_batch
from regulars.storage.database import Database
from regulars.storage.deliveries import StoredDelivery

log = structlog.get_logger(__name__)

BATCH_MOST = 200
BULK_MOST = 100
"""Bulk commands a batch: a checkout order waits for one such batch at most."""
BULK_SECONDS = 30.0
"""How long bulk commands wait behind interactive ones."""
CONFLICT_TRIES = 5
SWEEP_SECONDS = 0.1
RETRY_SECONDS = 0.05
LAST_LOOK_SECONDS = 0.2
"""For finding out what became of a COMMIT whose time was up: the callers have waited long enough."""


class Waiting:
    """A command in a lane, and the caller who waits for its decision."""

    __slots__ = ("command", "deadline", "delivery", "future")

    def __init__(
        self,
        command: Command,
        delivery: Delivery | None,
        deadline: float,
        future: "asyncio.Future[Decision]",
    ) -> None:
        self.command = command
        self.delivery = delivery
        self.deadline = deadline
        self.future = future

    def answer(self, decision: Decision) -> None:
        if not self.future.done():
            self.future.set_result(decision)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Lane:
    """What waits for one program, and what this process remembers of that program."""

    def __init__(self, program_id: int) -> None:
        self.program_id = program_id
        self.urgent: deque[Waiting] = deque()
        self.bulk: deque[Waiting] = deque()
        self.task: asyncio.Task[None] | None = None
        self.program: Program | None = None
        self.rules: dict[int, PurchaseRule] = {}
        self.in_doubt: list[Decision] = []
        self.received: list[StoredDelivery] = []
        """What the batch whose COMMIT is on its way has decided, and keeps of the calls themselves."""

    def __len__(self) -> int:
        return len(self.urgent) + len(self.bulk)

    def take(self) -> list[Waiting]:
        """The next batch: interactive commands first, bulk in small helpings. Callers who left are
        dropped."""
        batch: list[Waiting] = []
        for queue, most in ((self.urgent, BATCH_MOST), (self.bulk, BULK_MOST)):
            while queue and len(batch) < most:
                waiting = queue.popleft()
                if not waiting.future.done():
                    batch.append(waiting)
        return batch


class Engine:
    """Takes commands and answers them after their commit.

    `deadline_seconds` is how long an answer may take in all: half of it in the queue, half at work.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        deadline_seconds: float = 3.0,
        queue_limit: int = 5000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._half = deadline_seconds * 0.45
        self._queue_limit = queue_limit
        self._lanes: dict[int, Lane] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._is_closing = False

    async def submit(
        self, program_id: int, command: Command, *, delivery: Delivery | None = None, bulk: bool = False
    ) -> Decision:
        """The decision on `command`, after its commit.

        Raises the decision's refusal (a domain Refused); Busy or Late when surely nothing was or will be
        done; Unsure when the database fell silent during COMMIT.
        """
        lane = self._lanes.get(program_id)
        if lane is None:
            lane = self._lanes[program_id] = Lane(program_id)
        if self._is_closing or len(lane) >= self._queue_limit:
            raise Busy(program=program_id)
        loop = asyncio.get_running_loop()
        patience = BULK_SECONDS if bulk else self._half
        waiting = Waiting(command, delivery, loop.time() + patience, loop.create_future())
        (lane.bulk if bulk else lane.urgent).append(waiting)
        if lane.task is None:
            lane.task = loop.create_task(self._work(lane))
        if self._sweeper is None:
            self._sweeper = loop.create_task(self._sweep())
        decision = await waiting.future
        if decision.refusal is not None:
            raise decision.refusal
        return decision

    @property
    def queued(self) -> int:
        """Commands that wait, in all lanes."""
        return sum(len(lane) for lane in self._lanes.values())

    async def close(self) -> None:
        """Takes no more, answers all that is queued, and stops."""
        self._is_closing = True
        await asyncio.gather(*(lane.task for lane in self._lanes.values() if lane.task is not None))
        if self._sweeper is not None:
            self._sweeper.cancel()

    def reached(self, point: str) -> None:
        """A named point of a batch. Nothing happens here; fault tests end the process at each."""

    async def _work(self, lane: Lane) -> None:
        try:
            while batch := lane.take():
                await self._run(lane, batch)
        finally:
            lane.task = None

    async def _run(self, lane: Lane, batch: list[Waiting]) -> None:
        """Brings every caller of this batch an answer, whatever happens."""
        try:
            await self._run_until(lane, batch, asyncio.get_running_loop().time() + self._half)
        except RegularsError as error:
            for waiting in batch:
                waiting.fail(error)
        except Exception as error:  # noqa: BLE001 - one command's fault must not become its neighbours'
            await self._split(lane, batch, error)

    async def _run_until(self, lane: Lane, batch: list[Waiting], deadline: float) -> None:
        conflicts = 0
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    decisions = await self._attempt(lane, batch)
            except Unknown:
                if not await self._became(lane, batch, deadline):
                    continue
                return
            except Conflict:
                conflicts += 1
                if conflicts == CONFLICT_TRIES:
                    raise Late(program=lane.program_id) from None
            except (Lost, TimeoutError):
                if asyncio.get_running_loop().time() + RETRY_SECONDS >= deadline:
                    raise Late(program=lane.program_id) from None
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.reached("before answer")
                for waiting, decision in zip(batch, decisions, strict=True):
                    waiting.answer(decision)
                return

    async def _attempt(self, lane: Lane, batch: list[Waiting]) -> list[Decision]:
        """One transaction: lock, load once, decide each, save, commit. Answers the decisions in the
        batch's order."""
        async with open_batch(self._database, lane.program_id) as tx:
            program = lane.program
            if program is None or program.version != tx.head.version:
                program = lane.program = await tx.load_program()
            now = max(program.time(self._clock()), tx.head.last_at)
            wanted = needs(program, (waiting.command for waiting in batch))
            page = await tx.load(program, wanted, rules=lane.rules, now=now)
            decisions = []
            for waiting in batch:
                decision = decide(page, waiting.command, now)
                page.apply(decision)
                decisions.append(decision)
            received = [
                stored_delivery(waiting.delivery, decision)
                for waiting, decision in zip(batch, decisions, strict=True)
                if waiting.delivery is not None
            ]
            if received or any(decision.id or decision.identity is not None for decision in decisions):
                self.reached("before save")
                await tx.save(page, decisions, received, at=now)
                self.reached("after save")
                lane.in_doubt, lane.received = decisions, received
                self.reached("before commit")
                await tx.commit()
                self.reached("after commit")
            else:
                await tx.roll_back()
        return decisions

    async def _became(self, lane: Lane, batch: list[Waiting], deadline: float) -> bool:
        """Finds out what became of a COMMIT that was not answered, before anything else is done in this lane.

        True: it happened, or the callers were told that nobody knows yet. False: it did not happen, so try
        again.
        """
        loop = asyncio.get_running_loop()
        until = max(deadline, loop.time() + LAST_LOOK_SECONDS)
        while True:
            try:
                async with asyncio.timeout_at(until):
                    is_done = await happened(self._database, lane.program_id, lane.in_doubt, lane.received)
            except (Lost, TimeoutError):
                if loop.time() >= deadline:
                    for waiting in batch:
                        waiting.fail(Unsure(program=lane.program_id))
                    until = loop.time() + self._half
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if is_done:
                for waiting, decision in zip(batch, lane.in_doubt, strict=True):
                    waiting.answer(decision)
                return True
            if loop.time() < deadline and not all(waiting.future.done() for waiting in batch):
                return False
            raise Late(program=lane.program_id)

    async def _split(self, lane: Lane, batch: list[Waiting], fault: Exception) -> None:
        """Halves the batch until the command at fault stands alone; it is refused if it is to blame."""
        if len(batch) == 1:
            command = type(batch[0].command).__name__
            log.error("a command failed", program=lane.program_id, command=command, exc_info=fault)
            state = "22021" if isinstance(fault, UnicodeError) else getattr(fault, "sqlstate", None)
            batch[0].fail(Rejected(sqlstate=state) if state else fault)
            return
        middle = len(batch) // 2
        await self._run(lane, batch[:middle])
        await self._run(lane, batch[middle:])

    async def _sweep(self) -> None:
        """Answers those who have waited too long in a queue; what they asked for is never executed."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for lane in self._lanes.values():
                for queue in (lane.urgent, lane.bulk):
                    while queue and queue[0].deadline <= now:
                        queue.popleft().fail(Late(program=lane.program_id))
