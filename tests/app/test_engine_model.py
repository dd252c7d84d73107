"""The engine against the model: servers and clients at once on one real database, every balance exact."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from regulars.app import claims, rewards
from regulars.app.codes.uploads import import_codes
from regulars.app.house import House
from regulars.app.programs import change_rules, create_program
from regulars.app.verify import verify
from regulars.domain.book import Movement
from regulars.domain.commands import (
    AdjustPoints,
    Command,
    DiscountCode,
    ExpireClaim,
    Identity,
    OrderDetails,
    RedeemReward,
)
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Late, Refused, Rejected
from regulars.domain.page import Page
from regulars.domain.rewards import SpendingRule
from regulars.storage import balances, decisions, pages
from regulars.storage import claims as claim_rows
from tests import make
from tests.domain import chance
from tests.domain.model import Lots, Model
from tests.domain.test_faults import planted
from tests.domain.test_machine import TERMS, rule_of

SEEDS = 3
STATES = 3
"""Of claimed rewards, that a history has to meet."""


class Shop:
    """A program that several servers serve, its clock in our hands, and the model beside it."""

    def __init__(self, database: str, home: Path, seed: int) -> None:
        self.dsn, self.home = database, home
        self.random = Random(seed)
        self.now = make.NOON
        self.model = Model(TERMS[0], rewards=chance.REWARDS)
        self.houses: list[House] = []
        self.program = 0
        self.decided = 0

    async def open(self, servers: int) -> None:
        """Opens so many more servers; the first one makes the program."""
        for _ in range(servers):
            settings = make.settings(self.home, deadline_seconds=60.0)
            self.houses.append(await House.open(settings, self.dsn, clock=lambda: self.now))
        if not self.program:
            first = self.houses[0]
            created = await create_program(
                first.database,
                first.vault,
                name="Tea Circle",
                domain="https://tea.example",
                currency="GBP",
                now=self.now,
            )
            self.program = created.program_id
            for reward in chance.REWARDS:
                await rewards.create_reward(first.database, self.program, reward, now=self.now)

    async def close(self) -> None:
        while self.houses:
            await self.houses.pop().close()

    async def change_the_rule(self) -> None:
        self.model.terms = self.random.choice(TERMS)
        rule = rule_of(self.model.terms)
        await change_rules(self.houses[0].database, self.program, purchase=lambda _: rule, now=self.now)

    async def change_what_comes_back(self) -> None:
        returns, back = self.random.choice(chance.SPENDING)
        self.model.refund_returns, self.model.expired_returns = returns, back
        rule = SpendingRule(refund_returns=returns, expired_returns_points=back)
        await change_rules(self.houses[0].database, self.program, spending=lambda _: rule, now=self.now)

    async def upload_codes(self) -> None:
        codes = "\n".join(f"POOL-{self.random.getrandbits(60):X}" for _ in range(3))
        house = self.houses[0]
        await import_codes(house.database, self.program, 2, codes.encode(), by=make.SUE, now=self.now)
        self.model.left[2] += 3
        self.decided += 1

    async def do_the_job(self) -> None:
        """Ends what is over. Two jobs at once, of different servers, come to the same."""
        over = [number for number, claim in self.model.claims.items() if claim.is_over(self.now)]
        for number in over:
            if self.model.claims[number].state == "claimed":
                self.decided += 1
                self.model.accepts(ExpireClaim(claim_id=number), self.now)
        jobs = (claims.expire_due(each.database, each.engine, now=self.now) for each in self.houses)
        await asyncio.gather(*jobs)

    async def rush(self, most: int) -> None:
        """Many clients at once, each at one of the servers; some send the same call three times."""
        commands: list[Command] = []
        names = tuple(f"{self.decided // 40}/{name}" for name in chance.ORDERS)
        for number in range(self.random.randint(1, most)):
            command = chance.command(self.random, self.now, self.model, names)
            if isinstance(command, AdjustPoints | RedeemReward) and self.random.random() < 0.5:
                key = f"{self.now}/{number}"
                identity = Identity(scope="idem:1", key=key, fingerprint=b"f" * 16, at=self.now)
                command = msgspec.structs.replace(command, identity=identity)
                commands += [command, command]
            commands.append(command)
        self.random.shuffle(commands)
        answers = await asyncio.gather(*(self._send(command) for command in commands))
        if len(self.houses) == 1:
            self._compare_all(commands, answers)
        else:
            self._compare_changes(commands, answers)

    async def _send(self, command: Command) -> Decision | None:
        """The decision; None when it was refused."""
        try:
            return await self.random.choice(self.houses).engine.submit(self.program, command)
        except Rejected:
            raise
        except Refused:
            return None

    def _compare_all(self, commands: list[Command], answers: list[Decision | None]) -> None:
        """One server decides in the order of the calls."""
        keys = set()
        for command, decision in zip(commands, answers, strict=True):
            if command.identity is not None:
                if command.identity.key in keys:
                    assert decision is None or decision.outcome is Outcome.REPEATED
                    continue
                keys.add(command.identity.key)
            assert (decision is not None) == self.model.accepts(command, self.now), command
            if decision is not None and decision.id:
                self._count(decision)

    def _compare_changes(self, commands: list[Command], answers: list[Decision | None]) -> None:
        """Of several servers only what changed anything tells by its id in which order it was decided."""
        pairs = zip(commands, answers, strict=True)
        stored = [(decision, command) for command, decision in pairs if decision is not None and decision.id]
        for decision, command in sorted(stored, key=lambda pair: pair[0].id):
            assert self.model.accepts(command, decision.at), command
            self._count(decision)

    def _count(self, decision: Decision) -> None:
        assert decision.id == self.decided + 1
        self.decided += 1

    async def check(self) -> None:
        async with self.houses[-1].database.acquire() as connection:
            found = await balances.find(connection, self.program, chance.CUSTOMERS, self.now)
        seen = {balance.merchant_id: (balance.pending, balance.available) for balance in found}
        assert seen == {name: self.model.balance(name, self.now) for name in self.model.members}

    async def check_claims(self) -> None:
        """Claimed rewards as they are stored are the model's, and no code is in two hands."""
        async with self.houses[-1].database.acquire() as connection:
            rows = await connection.fetch(
                "select c.claim_id, c.state, cost, fulfilled_at is not null, "
                "returned_id is not null, o.merchant_id, code_key, k.state as code_state "
                "from claimed_rewards c left join orders o using (program_id, order_id) "
                "left join codes k using (program_id, code_key)"
            )
        seen = {row["claim_id"]: tuple(row)[1:6] for row in rows}
        assert seen == {
            number: (
                claim.state,
                claim.cost,
                claim.is_fulfilled,
                claim.is_back and claim.cost > 0,
                claim.order,
            )
            for number, claim in self.model.claims.items()
        }
        codes = [row["code_key"] for row in rows if row["code_key"] is not None]
        assert len(set(codes)) == len(codes)
        for row in rows:
            is_open = row["state"] in ("claimed", "used")
            assert row["code_key"] is None or row["code_state"] == ("handed" if is_open else "void")

    async def check_lots(self) -> None:
        """Lots and debts as they are stored are those of the stored movements."""
        async with self.houses[-1].database.acquire() as connection:
            rows = await connection.fetch("select * from movements order by movement_id")
            lots = dict(await connection.fetch("select lot_id, remaining from lots"))
            debts = dict(await connection.fetch("select movement_id, points from deficits"))
        accounts: dict[int, Lots] = defaultdict(Lots)
        for row in rows:
            values = {name: row[name] for name in Movement.__struct_fields__ if name != "id"}
            accounts[row["customer_id"]].replay(Movement(id=row["movement_id"], **values))
        assert lots == {lot: left for account in accounts.values() for lot, left in account.left.items()}
        assert debts == {
            hole: points for account in accounts.values() for hole, points in account.debts.items()
        }


async def go_on(shop: Shop) -> None:
    """One rush, before which something may have changed, and the time until the next."""
    if shop.random.random() < 0.2:
        await shop.change_the_rule()
    if shop.random.random() < 0.2:
        await shop.change_what_comes_back()
    if shop.random.random() < 0.3:
        await shop.upload_codes()
    if shop.random.random() < 0.3:
        await shop.do_the_job()
    await shop.rush(shop.random.choice((1, 3, 40)))
    await shop.check()
    shop.now += timedelta(hours=shop.random.choice((0, 1, 24, 168)), seconds=1)


def states_met(shop: Shop) -> set[str]:
    """What has become of claimed rewards."""
    return {claim.state for claim in shop.model.claims.values()}


async def live_through_it(shop: Shop, servers: int, rounds: int = 60) -> None:
    """Rushes large and small, days that pass, rules that change.

    Two thirds through, everybody goes home, and who opens next has nothing but the database.
    """
    await shop.open(servers)
    for number in range(rounds):
        if number == rounds * 2 // 3:
            await shop.close()
            await shop.open(servers)
        await go_on(shop)
    for _ in range(rounds):  # what becomes of claims depends on who is first, too: some have to live longer
        if len(states_met(shop)) >= STATES:
            break
        await go_on(shop)
    await shop.check_lots()
    await shop.check_claims()


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("servers", [1, 2])
async def test_many_clients_at_once_come_to_what_the_model_says(
    database: str, tmp_path: Path, servers: int, seed: int
) -> None:
    shop = Shop(database, tmp_path, seed)
    await live_through_it(shop, servers)
    report = await verify(shop.houses[0].database, now=shop.now + timedelta(minutes=1))
    await shop.close()
    assert not report.violations, report.violations
    assert shop.decided > 100, "a run that decides little shows little"
    assert len(states_met(shop)) >= STATES


FAULTS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "takings are not loaded": (pages._load_accounts, "if taken:", "if False:"),
    "lots that are used up are not loaded": (pages._load_uses, "if spent := {", "if spent := set() and {"),
    "debts are not loaded": (
        pages._load_accounts,
        "in await connection.fetch(_DEFICITS, program_id, concerned)",
        "in ()",
    ),
    "early reports are not loaded": (pages._load_orders, "if page.ids.early:", "if False:"),
    "refund ids are not loaded": (pages._load_orders, "if wanted.refunds and", "if False and"),
    "lots are saved the first time only": (decisions._put_lots, "in changed.values()", "in ()"),
    "what paid for a claim is not loaded": (
        pages._load_accounts,
        "if page.claims and wanted.takes_points",
        "if False",
    ),
    "when rewards were claimed is not loaded": (pages.load, "if wanted.redeems:", "if False:"),
    "claims on orders are not loaded": (claim_rows._keys_of_orders, "for order in", "for order in () and"),
    "claims are saved the first time only": (claim_rows._save_claims, "in changed.values()", "in ()"),
    "stocks are not saved": (claim_rows.save, "in stocks.values()", "in ()"),
    "codes stay as they were handed out": (claim_rows._save_codes, "if states:", "if False:"),
    "codes of the pool stay free": (claim_rows._save_codes, "if pooled := [", "if pooled := [] and ["),
    "a batch does not see what it decided": (
        Page.apply,
        "self.orders[key_of_order] = decision.order",
        "pass",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_planted_fault_is_found_when(database: str, tmp_path: Path, fault: str) -> None:
    shop = Shop(database, tmp_path, 3)
    try:
        found = pytest.raises((AssertionError, LookupError, Rejected, Late))
        with planted(*FAULTS[fault]), capture_logs(), found:
            await live_through_it(shop, servers=1, rounds=150)
            report = await verify(shop.houses[0].database, now=shop.now + timedelta(minutes=1))
            assert not report.violations
    finally:
        await shop.close()


async def test_any_text_comes_back_from_the_database_as_it_was(database: str, tmp_path: Path) -> None:
    random = Random(7)
    odd = "'\"\\;--%_\t\r\n\x01\x7f\u0085\u00a0\u200b\u202e\ufeff\ufffd\uffffİßǅ漢字👩‍👩‍👧é{}[]<&>"

    def text() -> str:
        plane = random.choice((odd, "abc", "".join(chr(random.randint(0x10000, 0x10FFFF)) for _ in range(5))))
        return "".join(random.choice(plane) for _ in range(random.randint(1, 30)))

    orders = []
    for number in range(150):
        name = text()
        ref = make.alice(
            merchant_id=f"{number}{text()}", email=text(), first_name=name, properties={text(): name}
        )
        details = OrderDetails(codes=(DiscountCode(text(), 5),), lines=({"name": text()},), user_agent=text())
        orders.append(make.order(f"{number}{text()}", customer=ref, details=details, merchant_number=text()))
    shop = Shop(database, tmp_path, 0)
    await shop.open(servers=1)
    await asyncio.gather(*(shop.houses[0].engine.submit(shop.program, order) for order in orders))
    await shop.close()
    await shop.open(servers=1)
    again = await asyncio.gather(*(shop.houses[0].engine.submit(shop.program, order) for order in orders))
    assert {decision.outcome for decision in again} == {Outcome.REPEATED}
    for decision, order in zip(again, orders, strict=True):
        assert decision.order is not None and decision.customer is not None
        assert (decision.order.details, decision.order.merchant_id) == (order.details, order.merchant_id)
        assert decision.order.merchant_number == order.merchant_number
        said, kept = order.customer, decision.customer
        assert (kept.merchant_id, kept.email, kept.first_name) == (
            said.merchant_id,
            said.email,
            said.first_name,
        )
        assert kept.properties == said.properties
    await shop.close()
