"""A program's lane: the commands that wait for it, in their order, and the batch that is being got ready."""

import asyncio
from collections import deque
from datetime import datetime

from regulars.app.deliveries import Delivery
from regulars.domain.commands import Command
from regulars.domain.decisions import Decision
from regulars.domain.errors import Late
from regulars.domain.page import Page
from regulars.domain.program import Program, PurchaseRule
from regulars.storage.deliveries import StoredDelivery
from regulars.storage.heads import Head

BATCH_MOST = 200
BULK_MOST = 100
"""Bulk commands a batch: a checkout order waits for one such batch at most."""
NOT_AHEAD = 50
"""Batches beyond which nobody looks, once another process was met at the head row: it will come again."""


class Waiting:
    """A command in a lane, and the caller who waits for its decision."""

    __slots__ = ("command", "deadline", "delivery", "future", "is_bulk")

    def __init__(
        self,
        command: Command,
        delivery: Delivery | None,
        deadline: float,
        future: "asyncio.Future[Decision]",
        is_bulk: bool,
    ) -> None:
        self.command = command
        self.delivery = delivery
        self.deadline = deadline
        self.future = future
        self.is_bulk = is_bulk

    def answer(self, decision: Decision) -> None:
        if not self.future.done():
            self.future.set_result(decision)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Draft:
    """A batch's decisions, and the page as they leave it. `leaves`: the head row when all is saved."""

    __slots__ = ("at", "decisions", "leaves", "page", "program")

    def __init__(self, program: Program, page: Page, decisions: list[Decision], at: datetime) -> None:
        self.program = program
        self.page = page
        self.decisions = decisions
        self.at = at
        self.leaves: Head | None = None


class Ahead:
    """The next batch, decided on what `before` leaves while that is being saved."""

    __slots__ = ("batch", "before", "drafting")

    def __init__(self, batch: list[Waiting], before: Draft, drafting: "asyncio.Task[Draft | None]") -> None:
        self.batch = batch
        self.before = before
        self.drafting = drafting


class Lane:
    """What waits for one program, and what this process remembers of that program."""

    def __init__(self, program_id: int) -> None:
        self.program_id = program_id
        self.urgent: deque[Waiting] = deque()
        self.bulk: deque[Waiting] = deque()
        self.task: asyncio.Task[None] | None = None
        self.program: Program | None = None
        self.rules: dict[int, PurchaseRule] = {}
        self.ahead: Ahead | None = None
        self.not_ahead = 0
        """So many batches are not looked beyond: another process was met at the head row."""
        self.is_halving = False
        """Whom a batch fails for is being found out: its halves are not filled up, or it would never end."""
        self.in_doubt: list[Decision] = []
        self.received: list[StoredDelivery] = []
        """What the batch whose COMMIT is on its way has decided, and keeps of the calls themselves."""

    def __len__(self) -> int:
        return len(self.urgent) + len(self.bulk)

    def take(self) -> list[Waiting]:
        """The next batch."""
        batch: list[Waiting] = []
        self.fill(batch)
        return batch

    def fill(self, batch: list[Waiting]) -> None:
        """Adds what waits to a batch: interactive commands first, bulk in small helpings. Callers who left
        are dropped, those whose time for waiting is up are told."""
        now = asyncio.get_running_loop().time()
        for queue, most in ((self.urgent, BATCH_MOST), (self.bulk, BULK_MOST)):
            while queue and len(batch) < most:
                waiting = queue.popleft()
                if waiting.deadline <= now:
                    waiting.fail(Late(program=self.program_id))
                elif not waiting.future.done():
                    batch.append(waiting)

    def put_back(self, batch: list[Waiting]) -> None:
        """A batch that was taken goes to the front of its queues again, in its order."""
        for waiting in reversed(batch):
            (self.bulk if waiting.is_bulk else self.urgent).appendleft(waiting)

    def let_urgent_pass(self) -> None:
        """Nobody waits behind bulk commands that were decided ahead, while more is urgent."""
        if self.urgent and self.ahead is not None and all(each.is_bulk for each in self.ahead.batch):
            self.drop_ahead()

    def drop_ahead(self) -> None:
        """Forgets what was decided ahead; its commands wait as if they had never been taken."""
        ahead, self.ahead = self.ahead, None
        if ahead is not None:
            ahead.drafting.cancel()
            self.put_back(ahead.batch)
