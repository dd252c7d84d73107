"""The delivery log: what is kept of a call, writing it before the call is answered, reading, pruning."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import structlog

from regulars.deadline import lay_aside, soonest
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import (
    Busy,
    ClaimClosed,
    CustomerBlocked,
    IdentityReused,
    Invalid,
    LimitReached,
    NotAMember,
    NotEnoughPoints,
    OrderDiffers,
    OutOfStock,
    RefundDiffers,
    Refused,
    Rejected,
    RewardUnavailable,
    TierRequired,
    UnknownClaim,
    UnknownCustomer,
    UnknownOrder,
    UnknownReward,
    UnknownSite,
)
from regulars.domain.trace import sentence
from regulars.storage import deliveries, programs
from regulars.storage.database import Database
from regulars.storage.deliveries import KeptDelivery, LoggedDelivery, StoredDelivery
from regulars.storage.reading import PATIENCE_SECONDS, reading

if TYPE_CHECKING:
    from regulars.app.house import House

log = structlog.get_logger(__name__)

WRITTEN_AT_ONCE: Final = 200
WAITING_AT_MOST: Final = 2000
PRUNED_AT_ONCE: Final = 5000

_PROBLEMS: Final = frozenset({Outcome.REFUSED, Outcome.DIFFERS})
_IN_SHORT: Final = {
    Outcome.DONE: "Done.",
    Outcome.UNCHANGED: "Nothing had to change.",
    Outcome.REPEATED: "The same call had come before: nothing was done again.",
    Outcome.DIFFERS: "Known with other content, which stays.",
    Outcome.WAITING: "It waits for its order.",
}


class UnknownDelivery(Refused):
    """No call of that number in this program's log."""


_UNAVAILABLE: Final = {
    "disabled": "is switched off",
    "not started": "can't be claimed yet",
    "ended": "can't be claimed any more",
    "site": "is not for this site",
}


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One call that came in. `status` answers it when it is accepted, `refused_status` when refused.

    `subject`: the shop's id of the order or customer that it is about.
    """

    credential_id: int
    integration: str
    hook: str
    body: bytes
    received_at: datetime
    status: int = 200
    refused_status: int = 200
    subject: str | None = None


def stored_delivery(delivery: Delivery, decision: Decision) -> StoredDelivery:
    """What is kept of a call that the engine decided, to be written with the decision itself."""
    refusal = decision.refusal
    if refusal is not None:
        message = describe_refusal(refusal)
    else:
        message = " ".join(sentence(entry) for entry in decision.trace) or _IN_SHORT[decision.outcome]
    return _row(
        delivery,
        status=delivery.status if refusal is None else delivery.refused_status,
        outcome=decision.outcome,
        problem=decision.outcome in _PROBLEMS,
        message=message,
        decision_id=decision.id or None,
    )


def describe_refusal(refusal: Refused) -> str:
    """The refusal as a sentence for a developer, naming the field at fault."""
    data = refusal.data
    match refusal:
        case Invalid():
            return f"{refusal.field} {refusal.problem}."
        case UnknownOrder():
            return f"No order with the id {data['order']} is known."
        case UnknownCustomer():
            return f"No customer with the id {data['customer']} is known."
        case UnknownSite():
            return f"No site with the id {data['site']} is known."
        case OrderDiffers():
            return f"The order is known with other content: {', '.join(data['fields'])}."
        case RefundDiffers():
            return f"The refund {data['refund']} is known with another amount."
        case IdentityReused():
            return "This Idempotency-Key was used before, with another content."
        case NotEnoughPoints():
            return f"Asked for {data['asked']} points, but only {data['left']} are left."
        case NotAMember():
            return f"The customer {data['customer']} is a guest, not a member."
        case CustomerBlocked():
            return f"The customer {data['customer']} is blocked."
        case UnknownReward():
            return f"No reward with the id {data['reward']} is known."
        case UnknownClaim():
            return f"No claimed reward with the id {data['claim']} is known of this customer."
        case RewardUnavailable():
            return f"The reward {data['reward']} {_UNAVAILABLE.get(data['why'], 'is not available')}."
        case LimitReached():
            until = f" until {data['until']}" if data["until"] is not None else ""
            return f"The customer has claimed the reward {data['reward']} as often as allowed{until}."
        case OutOfStock():
            return f"The reward {data['reward']} is out of stock."
        case TierRequired():
            return f"The reward {data['reward']} is for members of another tier."
        case ClaimClosed():
            return f"The claimed reward {data['claim']} is {data['state']} already."
        case Rejected():
            return f"The database refused this call's content ({data.get('sqlstate', 'unknown')})."
        case _:
            return f"Refused: {refusal}."


def printable(text: str, longest: int = 255) -> str:
    """The text as it is kept and shown in one line: cut, control characters and lone surrogates escaped."""
    shown = text[: longest + 1].encode("utf-8", "backslashreplace").decode()
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _row(
    delivery: Delivery,
    *,
    status: int,
    outcome: str,
    problem: bool,
    message: str | None,
    details: dict[str, Any] | None = None,
    decision_id: int | None = None,
) -> StoredDelivery:
    return StoredDelivery(
        credential_id=delivery.credential_id,
        integration=printable(delivery.integration, 100),
        hook=printable(delivery.hook, 100),
        body=delivery.body,
        status=status,
        outcome=outcome,
        problem=problem,
        subject=None if delivery.subject is None else printable(delivery.subject),
        message=None if message is None else printable(message, 2000),
        details=msgspec.json.encode(details).decode() if details else "{}",
        decision_id=decision_id,
        received_at=delivery.received_at,
    )


class Row(NamedTuple):
    """A call to be written by `until`, or its caller to be told that it was not."""

    stored: StoredDelivery
    until: float
    done: "asyncio.Future[None]"


class Deliveries:
    """Writes what never reaches the engine; a program's rows gather while one statement is under way."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[int, list[Row]] = {}
        self._writers: set[asyncio.Task[None]] = set()
        self._count = 0

    def mention(
        self, program_id: int, delivery: Delivery, *, status: int, outcome: str, message: str
    ) -> None:
        """Writes a call that could not be carried out now, if and when the database allows; nobody waits."""
        if self._count < WAITING_AT_MOST:
            row = _row(delivery, status=status, outcome=outcome, problem=True, message=message)
            self._put(program_id, row).add_done_callback(_heard)

    async def write(
        self,
        program_id: int,
        delivery: Delivery,
        *,
        status: int,
        outcome: str,
        problem: bool,
        subject: str | None = None,
        message: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Returns once the row is on disk. Raises Busy when too many wait, or no answer comes."""
        if subject is not None:
            delivery = msgspec.structs.replace(delivery, subject=subject)
        row = _row(
            delivery, status=status, outcome=outcome, problem=problem, message=message, details=details
        )
        if self._count >= WAITING_AT_MOST:
            raise Busy(waiting=self._count)
        await self._put(program_id, row)

    async def close(self) -> None:
        """Writes what waits, as far as the database lets it."""
        while self._writers:
            await asyncio.wait(self._writers)

    def _put(self, program_id: int, row: StoredDelivery) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane = self._waiting.get(program_id)
        if lane is None:
            lane = self._waiting[program_id] = []
            writer = asyncio.create_task(self._empty(program_id, lane))
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        lane.append(Row(row, soonest(PATIENCE_SECONDS), done))
        self._count += 1
        return done

    async def _empty(self, program_id: int, lane: list[Row]) -> None:
        lay_aside()
        while lane:
            batch = lane[:WRITTEN_AT_ONCE]
            del lane[:WRITTEN_AT_ONCE]
            left = min(row.until for row in batch) - asyncio.get_running_loop().time()
            failure = await self._insert(program_id, [row.stored for row in batch], left)
            self._count -= len(batch)
            for _, _, done in batch:
                if done.done():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)
        del self._waiting[program_id]

    async def _insert(
        self, program_id: int, rows: Sequence[StoredDelivery], seconds: float
    ) -> Exception | None:
        try:
            async with reading(self._database, patience_seconds=seconds) as connection:
                await deliveries.insert(connection, program_id, rows)
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear of it
            return error
        return None


def _heard(done: asyncio.Future[None]) -> None:
    """Takes note of a failure that nobody waits for, so that asyncio doesn't report it as forgotten."""
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("a call could not be logged", reason=str(error))


async def list_deliveries(
    database: Database,
    program_id: int | None = None,
    *,
    integration: str | None = None,
    problems_only: bool = False,
    last: int = 50,
) -> list[LoggedDelivery]:
    """The last calls, the newest first: of one program, or of all. For a failed signature `details` says
    `expected_text`, the text that we would have signed."""
    async with database.acquire() as connection:
        wanted = [program_id] if program_id is not None else await programs.ids(connection)
        found: list[LoggedDelivery] = []
        for one in wanted:
            found += await deliveries.latest(
                connection, one, integration=integration, problems_only=problems_only, most=last
            )
    found.sort(key=lambda row: (row.received_at, row.delivery_id), reverse=True)
    return found[:last]


async def page_of_deliveries(
    database: Database,
    program_id: int,
    *,
    before: int | None = None,
    credential_id: int | None = None,
    hook: str | None = None,
    subject: str | None = None,
    problems_only: bool = False,
    most: int = 50,
) -> list[LoggedDelivery]:
    """A program's calls, the newest first, from the number `before` on down. Raises Busy."""
    async with reading(database, long=True) as connection:
        return await deliveries.page(
            connection,
            program_id,
            before=before,
            credential_id=credential_id,
            hook=hook,
            subject=subject,
            problems_only=problems_only,
            most=most,
        )


async def find_delivery(database: Database, program_id: int, delivery_id: int) -> KeptDelivery:
    """A call with its body. Raises UnknownDelivery, Busy."""
    async with reading(database) as connection:
        found = await deliveries.find(connection, program_id, delivery_id)
    if found is None:
        raise UnknownDelivery(delivery=delivery_id)
    return found


async def note_applied(
    database: Database, program_id: int, delivery_id: int, *, actor: str, decision: Decision, at: datetime
) -> None:
    """Says in the log that staff applied this call after all, and what that did."""
    kept = await find_delivery(database, program_id, delivery_id)
    details = msgspec.json.decode(kept.details, type=dict[str, Any])
    if "applied_by" in details:
        return
    said = " ".join(sentence(entry) for entry in decision.trace) or _IN_SHORT[decision.outcome]
    async with database.acquire() as connection:
        await deliveries.set_outcome(
            connection,
            program_id,
            delivery_id,
            outcome="applied",
            message=printable(f"{actor} applied it after all. {said}", 2000),
            details=msgspec.json.encode(
                details | {"applied_by": actor, "applied_at": at.isoformat(), "first_outcome": kept.outcome}
            ).decode(),
            decision_id=decision.id or None,
        )


async def prune(house: "House", now: datetime) -> int:
    """Deletes calls older than the setting's days, in bounded statements. Answers how many."""
    before = now - timedelta(days=house.settings.delivery_log_days)
    pruned = 0
    async with house.database.acquire() as connection:
        for program_id in await programs.ids(connection):
            while True:
                deleted = await deliveries.prune(connection, program_id, before=before, most=PRUNED_AT_ONCE)
                pruned += deleted
                if deleted < PRUNED_AT_ONCE:
                    break
    return pruned
