"""While a batch is saved, the next one is decided ahead: to the letter what a fresh read would have given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from structlog.testing import capture_logs

from regulars.app import engine as engine_module
from regulars.app import lane as lane_module
from regulars.app.engine import Engine
from regulars.app.house import House
from regulars.app.lane import Ahead, Draft, Lane, Waiting
from regulars.app.programs import change_rules, create_program
from regulars.app.verify import verify
from regulars.domain.commands import (
    AdjustPoints,
    CancelOrder,
    Command,
    CustomerRef,
    DiscountCode,
    Identity,
    OrderDetails,
    PatchCustomer,
    PaymentStatus,
    RecordOrder,
    SaveCustomer,
    Settle,
)
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import IdentityReused, Late, NotEnoughPoints, Refused
from regulars.storage.batch import Batch, Conflict, Lost, SingleStatement, open_batch
from tests import make
from tests.clock import Clock
from tests.pace import within

POINTS = ("before save", "after save", "before commit", "after commit")


class Watch:
    """Looks over an engine's shoulder: what was decided ahead is decided once more on what is stored.

    Of what was `used`, one statement saved so much `at_once`; what was not to be used was `dropped`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, at_once: int) -> None:
        self.used = self.at_once = self.dropped = self.plain = 0
        monkeypatch.setattr(lane_module, "BATCH_MOST", at_once)
        original, save = Engine._decided, Engine._save_draft

        async def decided(
            engine: Engine, lane: Lane, batch: list[Waiting], ahead: Ahead | None, tx: Batch
        ) -> Draft:
            draft = await original(engine, lane, batch, ahead, tx)
            if ahead is None:
                self.plain += 1
            elif draft is not ahead.drafting.result():
                self.dropped += 1
            else:
                self.used += 1
                await self._compare(engine, lane, batch, tx, draft)
            return draft

        async def save_draft(
            engine: Engine, lane: Lane, batch: list[Waiting], before: Draft, draft: Draft
        ) -> bool:
            with contextlib.suppress(Lost, Conflict):
                async with open_batch(engine._database, lane.program_id) as tx:
                    if before.leaves is not None and before.leaves.stamp == tx.head.stamp:
                        await self._compare(engine, lane, batch, tx, draft)
                    await tx.roll_back()
            is_saved = await save(engine, lane, batch, before, draft)
            self.used += is_saved
            self.at_once += is_saved
            return is_saved

        monkeypatch.setattr(Engine, "_decided", decided)
        monkeypatch.setattr(Engine, "_save_draft", save_draft)

    async def _compare(
        self, engine: Engine, lane: Lane, batch: list[Waiting], tx: Batch, draft: Draft
    ) -> None:
        fresh = await engine._decide_now(lane, batch, tx)
        assert fresh.at == draft.at
        assert fresh.page.ids == draft.page.ids
        assert [plainly(each) for each in fresh.decisions] == [plainly(e) for e in draft.decisions]


def plainly(decision: Decision) -> list[Any]:
    """A decision in a form that can be compared: refusals by what they say, open lots in one order."""
    account = decision.account
    if account is not None:
        lots = tuple(sorted(account.lots, key=lambda lot: lot.id))
        holes = tuple(sorted(account.deficits, key=lambda hole: hole.movement_id))
        account = msgspec.structs.replace(account, lots=lots, deficits=holes)
    refusal = decision.refusal
    said = None if refusal is None else (type(refusal), refusal.data)
    whole = msgspec.structs.replace(decision, refusal=None, account=account)
    return [said, *msgspec.structs.astuple(whole)]


@pytest.fixture
async def houses(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[list[House]]:
    """Two servers on one database; a test that needs one uses the first."""
    opened = [
        await House.open(make.settings(tmp_path, deadline_seconds=30.0), database, clock=clock)
        for _ in range(2)
    ]
    yield opened
    for house in opened:
        await house.close()


async def open_shop(house: House, **changes: Any) -> int:
    created = await create_program(
        house.database,
        house.vault,
        **({"name": "Tea", "domain": "https://tea.example", "currency": "GBP", "now": make.NOON} | changes),
    )
    return created.program_id


def chance(random: Random, clock: Clock, number: int) -> Command:
    """Mostly orders, of many customers and some of a few; and all else that may happen to them."""
    name = random.choice((f"N{number}", f"N{number}", f"A{random.randint(1, 8)}"))
    person = random.choice((f"c{random.randint(1, 40)}", f"c{random.randint(1, 4)}"))
    email = f"{random.choice((person, 'shared'))}@example.com"
    known = f"A{random.randint(1, 8)}"
    identity = Identity(scope="idem:1", key=f"k{random.randint(1, 6)}", fingerprint=b"f" * 16, at=clock.now)
    kind = random.random()
    if kind < 0.75:
        guest = random.random() < 0.2
        by_email = random.random() < 0.2
        lenient = random.random() < 0.5
        return make.order(
            name,
            total=random.choice((1000, 1599, 3999)),
            shipping=0,
            customer=CustomerRef(
                merchant_id=None if by_email or guest else person,
                email=email if by_email or guest or random.random() < 0.2 else None,
                guest=guest,
                match_email=by_email,
            ),
            door="lootly" if lenient else "loyaltylion",
            status=random.choice(("processing", "completed")) if lenient else None,
            first_wins=lenient,
            placed_at=clock.now - timedelta(days=random.choice((0, 0, 20))),
            details=OrderDetails(codes=(DiscountCode("WELCOME", 0),)),
            identity=identity if random.random() < 0.1 else None,
        )
    return random.choice(
        (
            make.refund(known, 500, reference=f"R{random.randint(1, 3)}", lenient=random.random() < 0.3),
            make.update(known, paid=1000),
            CancelOrder(site_id=1, merchant_id=known, waits=random.random() < 0.2),
            AdjustPoints(merchant_id=person, points=5, reason=None, actor="Bob", identity=identity),
            AdjustPoints(merchant_id=person, points=-15, reason=None, actor="Bob"),
            PatchCustomer(merchant_id=person, blocked=random.random() < 0.5),
            SaveCustomer(customer=CustomerRef(merchant_id=person, email=email, first_name="Al")),
            Settle(customer_id=random.randint(1, 20)),
        )
    )


async def rush(houses: list[House], shop: int, random: Random, commands: list[Command]) -> list[object]:
    """All at once, each at one of the servers. Answers decisions and refusals."""
    calls = (random.choice(houses).engine.submit(shop, command) for command in commands)
    answers: list[object] = list(await asyncio.gather(*calls, return_exceptions=True))
    for answer in answers:
        assert isinstance(answer, Decision | Refused), answer
    return answers


async def is_exact(house: House, clock: Clock) -> bool:
    report = await verify(house.database, now=clock.now + timedelta(days=1))
    assert not report.violations, report.violations
    return True


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_decided_ahead_is_what_a_fresh_read_gives(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = Random(seed)
    watch = Watch(monkeypatch, at_once=random.choice((3, 6, 12)))
    shop = await open_shop(houses[0], approval_days=14)
    for wave in range(12):
        commands = [chance(random, clock, wave * 100 + number) for number in range(60)]
        await rush(houses[:1], shop, random, commands)
        clock.forward(timedelta(days=random.choice((0, 0, 1, 9))))
    assert watch.used > 15, (watch.used, watch.dropped, watch.plain)
    assert await is_exact(houses[0], clock)


async def test_orders_alone_are_all_decided_ahead(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch, at_once=10)
    shop = await open_shop(houses[0])
    await rush(houses[:1], shop, Random(1), [make.order(f"A{n}", total=1000, shipping=0) for n in range(200)])
    assert watch.at_once >= 15
    assert watch.dropped == 0


async def test_without_prepared_statements_it_is_the_same(
    database: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a PgBouncer that knows none."""
    watch = Watch(monkeypatch, at_once=10)
    house = await House.open(make.settings(tmp_path, database_statement_cache=0), database, clock=clock)
    shop = await open_shop(house)
    await rush([house], shop, Random(1), [make.order(f"A{n}", total=1000, shipping=0) for n in range(100)])
    assert watch.at_once >= 5
    assert await is_exact(house, clock)
    await house.close()


@pytest.mark.parametrize("seed", range(2))
async def test_two_servers_that_take_turns_drop_what_the_other_made_untrue(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The clock stands still, so nothing but the head row's stamp tells their batches apart."""
    monkeypatch.setattr(engine_module, "NOT_AHEAD", 0)
    random = Random(seed)
    watch = Watch(monkeypatch, at_once=4)
    shop = await open_shop(houses[0])
    for wave in range(8):
        await rush(houses, shop, random, [chance(random, clock, wave * 100 + n) for n in range(50)])
    assert watch.dropped > 5
    assert await is_exact(houses[0], clock)


async def test_a_refusal_that_another_server_remembers_is_not_overlooked(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes no counter, no hash and, with this clock, no time of the head row."""
    first, other = houses
    watch = Watch(monkeypatch, at_once=1)
    shop = await open_shop(first)
    await first.engine.submit(shop, make.order("A1", total=1000, shipping=0))
    identity = Identity(scope="idem:1", key="k", fingerprint=b"f" * 16, at=clock.now)
    too_many = AdjustPoints(merchant_id="alice", points=-50, reason=None, actor="Bob", identity=identity)
    fits = msgspec.structs.replace(too_many, points=-5)
    ahead_of_time: list[Draft | None] = []
    work = Engine._run

    async def run(engine: Engine, lane: Lane, batch: list[Waiting], ahead: Ahead | None = None) -> None:
        if engine is first.engine and batch[0].command is fits:
            ahead_of_time.append(None if ahead is None else await ahead.drafting)
            with contextlib.suppress(NotEnoughPoints):
                await other.engine.submit(shop, too_many)
        await work(engine, lane, batch, ahead)

    monkeypatch.setattr(Engine, "_run", run)
    answers = await asyncio.gather(
        first.engine.submit(
            shop, make.order("B1", total=1000, shipping=0, customer=make.alice(merchant_id="b"))
        ),
        first.engine.submit(shop, fits),
        return_exceptions=True,
    )
    assert len(ahead_of_time) == 1 and ahead_of_time[0] is not None
    assert watch.dropped == 1
    assert isinstance(answers[1], IdentityReused | NotEnoughPoints), "the key's first answer counts"


@contextlib.contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, point: str, error: Callable[[], Exception], *, every: int
) -> Iterator[list[str]]:
    """Engines fail with `error` at each `every`-th batch that reaches the point."""
    passed: list[str] = []

    def reached(engine: Engine, at: str) -> None:
        if at == point:
            passed.append(at)
            if len(passed) % every == 0:
                raise error()

    monkeypatch.setattr(Engine, "reached", reached)
    yield passed


ERRORS: dict[str, Callable[[], Exception]] = {
    "the connection breaks": ConnectionResetError,
    "a deadlock": asyncpg.DeadlockDetectedError,
    "bad content": asyncpg.CharacterNotInRepertoireError,
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("what", ERRORS)
async def test_when_a_batch_fails_what_was_decided_on_it_is_decided_anew(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch, point: str, what: str
) -> None:
    if point == "after commit" and what != "the connection breaks":
        pytest.skip("after a COMMIT there is no other failure")
    if point in ("after save", "before commit"):  # a single statement has no such moments
        monkeypatch.setattr(engine_module, "is_one_statement", lambda _: False)
    watch = Watch(monkeypatch, at_once=5)
    shop = await open_shop(houses[0])
    orders: list[Command] = [make.order(f"A{n}", total=1000, shipping=0) for n in range(100)]
    with capture_logs(), failing(monkeypatch, point, ERRORS[what], every=4) as passed:
        answers = await rush(houses[:1], shop, Random(0), orders)
    done = [answer for answer in answers if isinstance(answer, Decision)]
    assert {decision.outcome for decision in done} == {Outcome.DONE}
    if what != "bad content":  # which is split until a single command is to blame, and refused
        assert len(done) == 100
    assert len(passed) > 10 and watch.used > 5
    async with houses[0].database.acquire() as connection:
        stored = await connection.fetch("select merchant_id, order_id from orders")
    assert {row["order_id"] for row in stored} == {d.order.id for d in done if d.order is not None}
    assert await is_exact(houses[0], clock)


async def test_rules_that_change_between_two_batches_count_from_the_next_one_on(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "NOT_AHEAD", 0)
    watch = Watch(monkeypatch, at_once=5)
    shop = await open_shop(houses[0])
    orders: list[Command] = [make.order(f"A{n}", total=1000, shipping=0) for n in range(150)]

    async def change_often() -> None:
        for rate in (2, 3, 4, 5):
            rule = make.rule((rate, 1))
            await change_rules(houses[1].database, shop, purchase=lambda _, rule=rule: rule, now=clock.now)

    _, answers = await asyncio.gather(change_often(), rush(houses[:1], shop, Random(0), orders))
    for answer in answers:
        assert isinstance(answer, Decision) and answer.order is not None
        assert answer.order.given == 10 * answer.order.rule_version
    assert watch.used and watch.dropped
    assert await is_exact(houses[0], clock)


async def test_bulk_commands_that_were_decided_ahead_let_an_urgent_one_pass(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "BULK_MOST", 5)
    engine, order = houses[0].engine, iter(range(10_000))
    shop = await open_shop(houses[0])
    ranks: dict[str, int] = {}

    async def tell(command: RecordOrder, *, bulk: bool) -> None:
        await engine.submit(shop, command, bulk=bulk)
        ranks[command.merchant_id] = next(order)

    def reached(_: Engine, point: str) -> None:
        if point == "before commit" and not urgent:
            urgent.append(asyncio.create_task(tell(make.order("urgent"), bulk=False)))

    urgent: list[asyncio.Task[None]] = []
    monkeypatch.setattr(Engine, "reached", reached)
    await asyncio.gather(*(tell(make.order(f"bulk-{n}"), bulk=True) for n in range(40)))
    await urgent[0]
    assert ranks["urgent"] <= 5, "it waits for the batch that is being saved, and no other"


async def test_behind_a_batch_that_hangs_nobody_waits_longer_than_he_should_and_nothing_is_done_later(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "BATCH_MOST", 2)
    house = await House.open(make.settings(tmp_path, deadline_seconds=1.5), database)
    shop = await open_shop(house)
    await house.engine.submit(shop, make.order("A0", total=1000, shipping=0))
    holder = await asyncpg.connect(database)
    loop = asyncio.get_running_loop()
    async with holder.transaction():
        await holder.execute(
            "lock table events in share row exclusive mode"
        )  # whoever saves waits, readers do not
        begun = loop.time()
        answers = await asyncio.gather(
            *(house.engine.submit(shop, make.order(f"A{n}", total=1000, shipping=0)) for n in range(1, 9)),
            return_exceptions=True,
        )
        took = loop.time() - begun
    assert {type(answer) for answer in answers} == {Late}
    assert (
        await house.engine.submit(shop, make.order("after", total=1000, shipping=0))
    ).outcome is Outcome.DONE
    assert await holder.fetchval("select count(*) from orders") == 2
    await holder.close()
    await house.close()
    within(took, 2, "the answers")


async def test_a_statement_that_was_given_up_is_not_carried_out_later(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for a table, before it has come to the head row, on a server that hears of no cancelling, and
    does not see that we left. The connections know the statement, so that all of it was sent."""
    monkeypatch.setattr(lane_module, "BATCH_MOST", 2)
    monkeypatch.setattr(asyncpg.Connection, "_cancel_current_command", lambda *_: None)
    holder = await asyncpg.connect(database)
    name = urlsplit(database).path[1:]
    await holder.execute(f"alter database {name} set client_connection_check_interval = 0")
    house = await House.open(make.settings(tmp_path), database)
    shop = await open_shop(house)
    await rush([house], shop, Random(1), [make.order(f"A{n}", total=1000, shipping=0) for n in range(40)])
    original = engine_module.single_statement

    @contextlib.asynccontextmanager
    async def single_statement(*arguments: Any) -> AsyncIterator[SingleStatement]:
        await holder.execute("begin; lock table orders in access exclusive mode")
        async with original(*arguments) as tx:
            yield tx

    monkeypatch.setattr(engine_module, "single_statement", single_statement)
    answers = await asyncio.gather(
        *(house.engine.submit(shop, make.order(f"B{n}", total=1000, shipping=0)) for n in range(4)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Decision, Decision, Late, Late]
    waiting = "select count(*) from pg_locks where not granted and relation = 'orders'::regclass"
    assert await holder.fetchval(waiting) == 1, "the statement is still there"
    await holder.execute("rollback")
    while await holder.fetchval(waiting):
        await asyncio.sleep(0.01)
    await holder.execute("begin; lock table orders; commit")  # whoever wrote to it has ended
    assert await holder.fetchval("select count(*) from orders") == 42
    await holder.close()
    await house.close()


async def test_what_the_server_has_refused_surely_did_not_happen(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that it may have happened, though the head row can't be asked."""
    monkeypatch.setattr(lane_module, "BATCH_MOST", 2)
    house = await House.open(make.settings(tmp_path, deadline_seconds=1.5), database)
    shop = await open_shop(house)
    holder = await asyncpg.connect(database)
    original = engine_module.single_statement

    @contextlib.asynccontextmanager
    async def single_statement(*arguments: Any) -> AsyncIterator[SingleStatement]:
        await holder.execute("alter table heads rename to heads_away")
        async with original(*arguments) as tx:
            yield tx

    monkeypatch.setattr(engine_module, "single_statement", single_statement)
    orders = [make.order(f"A{n}", total=1000, shipping=0) for n in range(4)]
    answers = await asyncio.gather(
        *(house.engine.submit(shop, order) for order in orders), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Decision, Decision, Late, Late]
    await holder.execute("alter table heads_away rename to heads")
    await holder.close()
    await house.close()


async def test_unpaid_orders_and_those_of_strangers_are_followed_too(
    houses: list[House], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New customers in each batch, and orders that come in full in a later one."""
    watch = Watch(monkeypatch, at_once=4)
    shop = await open_shop(houses[0])
    commands: list[Command] = []
    for number in range(60):
        who = make.alice(merchant_id=f"p{number // 3}", email=f"p{number // 3}@example.com")
        status = (PaymentStatus.PAID, PaymentStatus.NOT_PAID)[number % 2]
        commands.append(make.order(f"S{number // 2}", customer=who, payment_status=status))
    await rush(houses[:1], shop, Random(0), commands)
    assert watch.used > 5
    assert await is_exact(houses[0], clock)
