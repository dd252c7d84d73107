"""A believable book, made by the real engine: two shops, and all that may happen to a customer's points."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from regulars.app import rewards
from regulars.app.codes.uploads import import_codes
from regulars.app.house import House
from regulars.app.programs import change_rules, create_program
from regulars.domain.commands import (
    AdjustPoints,
    AmendOrder,
    CancelClaim,
    CancelOrder,
    Command,
    CustomerRef,
    DiscountCode,
    ExpireClaim,
    FulfilClaim,
    Identity,
    OrderDetails,
    PatchCustomer,
    PaymentStatus,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RefundPart,
    RefundStatus,
    SaveCustomer,
    Settle,
)
from regulars.domain.decisions import Decision
from regulars.domain.errors import NotEnoughPoints, Refused
from regulars.domain.program import JoinRule
from regulars.domain.rewards import Claim, CodeSource, LimitPeriod, Reward, RewardKind
from tests import make


class Town:
    """A house with a clock of its own; `tea` and `books` are the ids of its shops' programs."""

    def __init__(self) -> None:
        self.now = make.NOON
        self.house: House
        self.tea = 0
        self.books = 0

    async def open(self, database: str, home: Path) -> None:
        """Makes the two shops in a database that has none."""
        self.house = await House.open(make.settings(home), database, clock=lambda: self.now)
        self.tea = await self._open_shop("Tea Circle", "https://tea.example", approval_days=14)
        self.books = await self._open_shop("Book Club", "https://books.example", approval_days=0)

    async def reopen(self, database: str, home: Path, now: datetime) -> None:
        """Goes on at `now` in a copy of a database in which `open` made the shops."""
        self.now = now
        self.house = await House.open(make.settings(home), database, clock=lambda: self.now)
        self.tea, self.books = 1, 2

    async def _open_shop(self, name: str, domain: str, *, approval_days: int) -> int:
        created = await create_program(
            self.house.database,
            self.house.vault,
            name=name,
            domain=domain,
            currency="GBP",
            approval_days=approval_days,
            now=self.now,
        )
        await change_rules(
            self.house.database,
            created.program_id,
            join=lambda _: JoinRule(points=50),
            now=self.now + timedelta(seconds=1),
        )
        return created.program_id

    async def tell(self, program_id: int, *commands: Command) -> list[Decision]:
        """One after the other, a minute apart."""
        decisions = []
        for command in commands:
            self.now += timedelta(minutes=1)
            decisions.append(await self.house.engine.submit(program_id, command))
        return decisions

    async def offer(self, program_id: int, *offered: Reward) -> None:
        """Makes these rewards."""
        for reward in offered:
            self.now += timedelta(minutes=1)
            await rewards.create_reward(self.house.database, program_id, reward, now=self.now)

    async def upload(self, program_id: int, reward_id: int, *codes: str) -> None:
        """Codes into a reward's pool."""
        self.now += timedelta(minutes=1)
        content = "\n".join(codes).encode()
        await import_codes(self.house.database, program_id, reward_id, content, by=make.SUE, now=self.now)

    async def set_spending(self, program_id: int, **changes: Any) -> None:
        """Changes what becomes of claimed rewards afterwards."""
        self.now += timedelta(minutes=1)
        await change_rules(
            self.house.database,
            program_id,
            spending=lambda rule: msgspec.structs.replace(rule, **changes),
            now=self.now,
        )

    def wait(self, days: float) -> datetime:
        self.now += make.days(days)
        return self.now

    async def run(self, statement: str) -> str:
        """Does to the database what no program may, and no constraint forbids while it lasts."""
        async with self.house.database.acquire() as connection, connection.transaction():
            await connection.execute("set local session_replication_role = replica")
            return await connection.execute(statement)


def bob() -> CustomerRef:
    return CustomerRef(merchant_id="bob", email="bob@example.com")


def carol() -> CustomerRef:
    return CustomerRef(merchant_id="carol", email="carol@example.com")


async def fill(town: Town) -> None:
    """Three weeks of the tea shop, and a day of the bookshop."""
    await _orders_that_wait(town)
    town.wait(15)
    await _orders_after_approval(town)
    await _orders_that_give_nothing(town)
    await _early_reports(town)
    await _claimed_rewards(town)
    # The bookshop's own ids stay below the tea shop's, so that an id can be one of the tea shop's alone.
    await town.tell(town.books, make.worked_example("B1"), make.refund("B1", 1599, reference="R1"))
    limited = make.reward(stock=6, limit_count=2, limit_period=LimitPeriod.WEEK, valid_days=3)
    await town.offer(town.books, limited, make.reward(cost=7))
    await town.set_spending(town.books, refund_returns="code")


async def _orders_that_wait(town: Town) -> None:
    unpaid = make.update("P1", paid=1000, payment_status=PaymentStatus.PARTIALLY_PAID)
    await town.tell(
        town.tea,
        SaveCustomer(customer=make.alice(first_name="Alice")),
        make.worked_example("A1"),
        make.order("A2"),
        make.order("B1", customer=bob()),
        make.order("B2", customer=bob()),
        make.refund("A1", 1599, reference="R1"),
        make.refund("A1", 1599, reference="R1"),  # told twice, counts once
        make.refund("A2", 1000),
        make.update("A2", paid=4999),  # un-refunded while it waits
        CancelOrder(site_id=1, merchant_id="B2"),
        make.order("P1", payment_status=PaymentStatus.PARTIALLY_PAID, paid_minor=1000),
        RecordPayment(site_id=1, merchant_id="P1", amount_minor=3999),
        unpaid,
        make.update("P1", paid=4999),
        make.order("M1"),
        AmendOrder(order=make.order("M1", total=3999), actor="Sue"),
    )


async def _orders_after_approval(town: Town) -> None:
    identity = Identity(scope="api_key:1", key="k-1", fingerprint=b"adjust", at=town.now)
    gift = AdjustPoints(merchant_id="bob", points=30, reason="a late parcel", actor="Sue")
    await town.tell(
        town.tea,
        Settle(customer_id=2),
        make.update("B2", paid=4999),  # un-cancelled when its time has passed
        make.refund("B1", 2000),
        msgspec.structs.replace(gift, identity=identity),
        msgspec.structs.replace(gift, identity=identity),
        AdjustPoints(merchant_id="bob", points=-100, reason=None, actor="Sue"),
        CancelOrder(site_id=1, merchant_id="B1"),  # spent already: a deficit
        make.update("B1", paid=4999, refund_status=RefundStatus.NOT_REFUNDED, refunded=0),
        CancelOrder(site_id=1, merchant_id="B1"),
        CancelOrder(site_id=1, merchant_id="B2"),
        make.order("B3", customer=bob()),
        make.refund("A1", 2400, reference="R2"),
        AmendOrder(order=make.order("M1", total=2999), actor="Sue"),
        make.update("P1", paid=1000, payment_status=PaymentStatus.PARTIALLY_PAID),
    )
    too_much = AdjustPoints(
        merchant_id="carol",
        points=-9,
        reason=None,
        actor="Sue",
        identity=Identity(scope="api_key:1", key="k-2", fingerprint=b"adjust", at=town.now),
    )
    await town.tell(
        town.tea,
        SaveCustomer(customer=carol()),
        AdjustPoints(merchant_id="carol", points=-50, reason=None, actor="Sue"),
    )
    try:
        await town.tell(town.tea, too_much)
    except NotEnoughPoints:
        return
    raise AssertionError("Carol had points left")


async def _orders_that_give_nothing(town: Town) -> None:
    await town.tell(
        town.tea,
        make.order("G1", customer=make.guest()),
        make.order("T1", total=1099),
        make.order("U1", payment_status=PaymentStatus.NOT_PAID),
        PatchCustomer(merchant_id="carol", blocked=True),
        make.order("C1", customer=carol()),
    )


async def _early_reports(town: Town) -> None:
    early = RecordRefund(
        site_id=1, merchant_id="E1", currency="GBP", parts=(RefundPart(1599, "R1"),), lenient=True
    )
    await town.tell(
        town.tea,
        early,
        make.worked_example("E1", door="lootly", first_wins=True),
        CancelOrder(site_id=1, merchant_id="E2", waits=True),
        CancelOrder(site_id=1, merchant_id="E3", waits=True),
        make.order("E2", door="lootly", first_wins=True),
    )


async def _claimed_rewards(town: Town) -> None:
    """Dora redeems all that there is, and everything becomes of it that may."""
    pool = make.reward(
        title="A voucher of the pool",
        codes=CodeSource.POOL,
        stock=3,
        limit_count=2,
        limit_period=LimitPeriod.YEAR,
    )
    mug = make.reward(title="A mug", kind=RewardKind.CUSTOM, amount_minor=None, codes=CodeSource.NONE)
    await town.offer(town.tea, pool, make.reward(valid_days=10), mug)
    await town.upload(town.tea, 1, "SPRING-1", "spring-2", "Spring-3 ", "SPRING-4")
    await town.set_spending(town.tea, refund_returns="points", expired_returns_points=True)
    dora = CustomerRef(merchant_id="dora")
    await town.tell(town.tea, SaveCustomer(customer=dora), _gift("dora", 200))
    town.wait(0.1)
    used, kept, expires, coded, fulfilled, given = [
        (await town.tell(town.tea, command))[0].claims[0]
        for command in (
            make.redeem("dora"),
            make.redeem("dora"),
            make.redeem("dora", 2),
            make.redeem("dora", 2),
            make.redeem("dora", 3, multiplier=2),
            make.redeem("dora", 2, given_by="Sue", reason="a late parcel"),
        )
    ]
    await town.tell(
        town.tea,
        _with_code("D1", used),
        _with_code("D2", coded),
        FulfilClaim(claim_id=fulfilled.id, actor="Sue"),
        CancelClaim(claim_id=kept.id, actor="Sue"),
        make.redeem("dora"),  # the limit counts what was not cancelled
        CancelOrder(site_id=1, merchant_id="D2"),
    )
    town.wait(11)
    await town.tell(town.tea, ExpireClaim(claim_id=expires.id), ExpireClaim(claim_id=given.id))


def _gift(merchant_id: str, points: int) -> AdjustPoints:
    return AdjustPoints(merchant_id=merchant_id, points=points, reason=None, actor="Sue")


def _with_code(name: str, claim: Claim) -> RecordOrder:
    details = OrderDetails(codes=(DiscountCode(str(claim.code).lower()),))
    return make.order(name, total=1000, shipping=0, customer=CustomerRef(merchant_id="dora"), details=details)


_PAYMENT = {0: PaymentStatus.NOT_PAID, 1000: PaymentStatus.PARTIALLY_PAID}


async def live(town: Town, program_id: int, random: Random, *, days: int) -> int:
    """Some commands at once every few hours: few orders and customers, so that everything meets everything.

    Answers how many were not refused.
    """
    done = 0
    for _ in range(days):
        town.wait(random.choice((0.1, 1, 2)))
        batch = [_chance(random) for _ in range(random.choice((1, 3, 8)))]
        answers = await asyncio.gather(
            *(town.house.engine.submit(program_id, command) for command in batch), return_exceptions=True
        )
        assert all(isinstance(answer, Decision | Refused) for answer in answers), answers
        done += sum(isinstance(answer, Decision) for answer in answers)
    return done


def _chance(random: Random) -> Command:
    number = random.randrange(8)
    name, total, payable = f"order-{number}", (4999, 10000)[number % 2], (4499, 9500)[number % 2]
    who = CustomerRef(merchant_id=random.choice(("alice", "bob", "dora")))
    paid = random.choice((total, total, total, payable, 1000, 0))
    update = make.update(
        name,
        paid=paid,
        payment_status=_PAYMENT.get(paid, PaymentStatus.PAID),
        refunded=random.choice((0, 0, random.randrange(paid + 1))),
        cancelled=random.random() < 0.25,
    )
    customer_id, points = random.randrange(1, 4), random.choice((-100, -40, -10, 30))
    claim_id = random.randrange(1, 20)
    status = random.choice((PaymentStatus.PAID, PaymentStatus.PAID, PaymentStatus.NOT_PAID))
    return random.choice(
        (
            make.order(
                name,
                total=total,
                customer=who,
                discounts_minor=total - payable,
                payment_status=status,
                details=OrderDetails(
                    codes=(DiscountCode(f"spring-{number}"),), claimed_reward_ids=(number + 1, number + 9)
                ),
            ),
            update,
            update,
            make.refund(name, random.choice((100, 700, 1999)), reference=random.choice((None, "R1", "R2"))),
            make.refund(name, 700, lenient=True),
            CancelOrder(site_id=1, merchant_id=name, waits=random.random() < 0.5),
            AdjustPoints(merchant_id=str(who.merchant_id), points=points, reason=None, actor="Sue"),
            Settle(customer_id=customer_id),
            make.redeem(str(who.merchant_id), random.randrange(1, 4)),
            make.redeem(str(who.merchant_id), random.randrange(1, 3), given_by=random.choice((None, "Sue"))),
            CancelClaim(claim_id=claim_id, actor="Sue"),
            FulfilClaim(claim_id=claim_id, actor="Sue"),
            ExpireClaim(claim_id=claim_id),
        )
    )
