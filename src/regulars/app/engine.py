"""The engine: one lane a program, committed in groups.

A lane takes what has queued up, locks the program's head row, decides each command on what the one before
it left, saves, commits once, and only then answers every caller. While a batch is being saved, the next one
is decided ahead, on what that batch leaves; as a rule one statement then saves it, if that is what it left.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from regulars.app.deliveries import Delivery, stored_delivery
from regulars.app.lane import NOT_AHEAD, Ahead, Draft, Lane, Waiting
from regulars.deadline import SHARE, deadline, lay_aside
from regulars.domain.commands import Command
from regulars.domain.decide import decide
from regulars.domain.decisions import Decision
from regulars.domain.errors import Busy, Late, RegularsError, Rejected, Unsure
from regulars.domain.overlay import bring_up_to_date, can_be_followed, can_follow
from regulars.domain.page import Page, needs
from regulars.domain.program import Program
from regulars.storage.batch import (
    Batch,
    Conflict,
    Lost,
    Unknown,
    happened,
    open_batch,
    read_ahead,
    single_statement,
)
from regulars.storage.database import Database
from regulars.storage.decisions import is_one_statement
from regulars.storage.deliveries import StoredDelivery
from regulars.storage.heads import Head

log = structlog.get_logger(__name__)

BULK_SECONDS = 30.0
"""How long bulk commands wait behind interactive ones."""
CONFLICT_TRIES = 5
SWEEP_SECONDS = 0.1
RETRY_SECONDS = 0.05
LAST_LOOK_SECONDS = 0.2
"""For finding out what became of a COMMIT whose time was up: the callers have waited long enough."""


class Engine:
    """Takes commands and answers them after their commit.

    `deadline_seconds` is how long an answer may take in all, since its request has come: half of it until
    its turn, half at work.
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
        self._half = deadline_seconds * SHARE / 2
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
        turn = loop.time() + (BULK_SECONDS if bulk else self._half)
        if (until := deadline()) is not None:  # what the request has spent already is not there to wait
            turn = min(turn, until - self._half)
            if turn <= loop.time():
                raise Late(program=program_id)
        waiting = Waiting(command, delivery, turn, loop.create_future(), bulk)
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
        lay_aside()  # the lane goes on for others, too
        try:
            while True:
                lane.let_urgent_pass()
                ahead, lane.ahead = lane.ahead, None
                batch = lane.take() if ahead is None else ahead.batch
                if not batch:
                    return
                await self._run(lane, batch, ahead)
        finally:
            lane.task = None

    async def _run(self, lane: Lane, batch: list[Waiting], ahead: Ahead | None = None) -> None:
        """Brings every caller of this batch an answer, whatever happens."""
        lane.drop_ahead()  # what followed the first half of a batch that was split doesn't follow the second
        # A half of a batch that was split, or a batch taken before its turn had come, has no more time than
        # those in it were promised.
        begun = min(asyncio.get_running_loop().time(), *(waiting.deadline for waiting in batch))
        try:
            await self._run_until(lane, batch, ahead, begun + self._half)
        except RegularsError as error:
            for waiting in batch:
                waiting.fail(error)
        except Exception as error:  # noqa: BLE001 - one command's fault must not become its neighbours'
            await self._split(lane, batch, error)

    async def _run_until(
        self, lane: Lane, batch: list[Waiting], ahead: Ahead | None, deadline: float
    ) -> None:
        conflicts = 0
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    decisions = await self._attempt(lane, batch, ahead)
            except Unknown:
                if await self._became(lane, batch, deadline):
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
            ahead = None  # after any failure the batch is decided anew

    async def _attempt(self, lane: Lane, batch: list[Waiting], ahead: Ahead | None) -> list[Decision]:
        """One transaction, in whose shadow the next batch is decided ahead. Answers the decisions in the
        batch's order."""
        try:
            return await self._transact(lane, batch, ahead)
        except BaseException:
            lane.drop_ahead()
            raise

    async def _transact(self, lane: Lane, batch: list[Waiting], ahead: Ahead | None) -> list[Decision]:
        """One transaction. What was decided ahead is only saved, if it may be; else: lock, load once, decide
        each, save, commit."""
        if ahead is not None:
            draft = await ahead.drafting  # here, as nobody should wait for the head row meanwhile
            if draft is not None and await self._save_draft(lane, batch, ahead.before, draft):
                return draft.decisions
            lane.drop_ahead()
        async with open_batch(self._database, lane.program_id) as tx:
            draft = await self._decided(lane, batch, ahead, tx)
            decisions, received = draft.decisions, _received(batch, draft)
            if received or _writes(draft):
                self._look_ahead(lane, draft)
                self.reached("before save")
                leaves = await tx.save(draft.page, decisions, received, at=draft.at)
                self.reached("after save")
                lane.in_doubt, lane.received = decisions, received
                self.reached("before commit")
                await tx.commit()
                draft.leaves = leaves
                self.reached("after commit")
            else:
                await tx.roll_back()
        return decisions

    async def _save_draft(self, lane: Lane, batch: list[Waiting], before: Draft, draft: Draft) -> bool:
        """Saves what was decided ahead by one statement, if the head row is just as `before` has left it: so
        nobody has changed anything since. Whether it did."""
        if before.leaves is None or not _writes(draft) or not is_one_statement(draft.decisions):
            return False
        received = _received(batch, draft)
        self._look_ahead(lane, draft)
        self.reached("before save")
        lane.in_doubt, lane.received = draft.decisions, received
        async with single_statement(self._database, lane.program_id) as tx:
            leaves = await tx.save(draft.page, draft.decisions, received, before.leaves, at=draft.at)
            self.reached("after commit")
        draft.leaves = leaves
        return leaves is not None

    async def _decided(self, lane: Lane, batch: list[Waiting], ahead: Ahead | None, tx: Batch) -> Draft:
        """What was decided ahead, if the head row is just as the batch before has left it: so nobody has
        changed anything since. Else what is decided now, together with what has come while the row was
        awaited: another process may have held it."""
        drafted = None
        if ahead is not None and _is_left(tx.head, by=ahead.before):
            drafted = ahead.drafting.result()
        elif ahead is not None:
            lane.not_ahead = NOT_AHEAD
        if drafted is not None:
            return drafted
        if not lane.is_halving:
            lane.fill(batch)
        return await self._decide_now(lane, batch, tx)

    async def _decide_now(self, lane: Lane, batch: list[Waiting], tx: Batch) -> Draft:
        """Decides the batch on what is stored, under the head row's lock."""
        program = lane.program
        if program is None or program.version != tx.head.version:
            program = lane.program = await tx.load_program()
        now = max(program.time(self._clock()), tx.head.last_at)
        wanted = needs(program, (waiting.command for waiting in batch))
        page = await tx.load(program, wanted, rules=lane.rules, now=now)
        return _decide(program, page, batch, now)

    def _look_ahead(self, lane: Lane, before: Draft) -> None:
        """Begins to decide what has queued up meanwhile, if what `before` leaves is certain enough."""
        if lane.not_ahead:
            lane.not_ahead -= 1
            return
        if not lane or not self._database.has_room or not can_be_followed(before.page, before.decisions):
            return
        batch = lane.take()
        if not can_follow(waiting.command for waiting in batch):
            lane.put_back(batch)
        elif batch:
            drafting = asyncio.get_running_loop().create_task(self._draft(lane, batch, before))
            lane.ahead = Ahead(batch, before, drafting)

    async def _draft(self, lane: Lane, batch: list[Waiting], before: Draft) -> Draft | None:
        """Decides the batch on what `before` leaves. None when that can't be known: nothing is lost then, as
        the batch is decided under the lock, like any other."""
        program = before.program
        now = max(program.time(self._clock()), before.at)
        try:
            wanted = needs(program, (waiting.command for waiting in batch))
            ids = before.page.ids
            page = await read_ahead(self._database, program, ids, wanted, rules=lane.rules, now=now)
            if not bring_up_to_date(page, wanted, before.page, now):
                return None
            return _decide(program, page, batch, now)
        except Exception:  # noqa: BLE001 - whatever it is, it comes again where it can be dealt with
            return None

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
        was_halving, lane.is_halving = lane.is_halving, True
        try:
            await self._run(lane, batch[:middle])
            await self._run(lane, batch[middle:])
        finally:
            lane.is_halving = was_halving

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


def _decide(program: Program, page: Page, batch: list[Waiting], now: datetime) -> Draft:
    """Decides each command on the state that the one before it left."""
    decisions = []
    for waiting in batch:
        decision = decide(page, waiting.command, now)
        page.apply(decision)
        decisions.append(decision)
    return Draft(program, page, decisions, now)


def _received(batch: list[Waiting], draft: Draft) -> list[StoredDelivery]:
    """What is kept of the calls themselves."""
    return [
        stored_delivery(waiting.delivery, decision)
        for waiting, decision in zip(batch, draft.decisions, strict=True)
        if waiting.delivery is not None
    ]


def _writes(draft: Draft) -> bool:
    """Whether anything was decided that is to be stored."""
    return any(decision.id or decision.identity is not None for decision in draft.decisions)


def _is_left(head: Head, *, by: Draft) -> bool:
    """Whether the head row is just as that batch has left it."""
    return by.leaves is not None and by.leaves.stamp == head.stamp
