"""Merged customers in the real book: every row has its new owner, and verify stays clean whatever comes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from regulars.app import home, merging, people
from regulars.app.explain import explain
from regulars.app.house import House
from regulars.app.listings import Window, find_customer, list_customers, list_transactions
from regulars.app.timeline import LineKind, timeline
from regulars.app.verify import verify
from regulars.domain.commands import (
    AdjustPoints,
    CancelClaim,
    CancelOrder,
    Command,
    CustomerRef,
    Identity,
    MergeCustomers,
    PatchCustomer,
    SaveCustomer,
    Settle,
)
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import LimitReached, Refused, UnknownCustomer
from regulars.storage import figures
from tests import make
from tests.app.book import Town, bob, carol

WINDOW = Window(limit=100)


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    """The tea shop (14 days until approval), a bookshop (none); each gives 50 points for joining."""
    town = Town()
    await town.open(database, tmp_path)
    yield town
    await town.house.close()


async def number(town: Town, merchant_id: str, program_id: int | None = None) -> int:
    return await merging.record_named(town.house.database, program_id or town.books, merchant_id=merchant_id)


async def merge(
    town: Town, gone: str, into: str, program_id: int | None = None, **changes: object
) -> Decision:
    program_id = program_id or town.books
    command = MergeCustomers(
        customer_id=await number(town, gone, program_id),
        into_id=await number(town, into, program_id),
        actor="Eve",
        reason="one person",
        **changes,
    )
    (decision,) = await town.tell(program_id, command)
    return decision


async def points(town: Town, merchant_id: str, program_id: int | None = None) -> tuple[int, int, int]:
    """Pending, available and spent, as any door reads them."""
    by = await find_customer(town.house.database, program_id or town.books, merchant_id, now=town.now)
    return by.account.pending, by.account.available, by.account.spent


async def is_clean(town: Town) -> None:
    report = await verify(town.house.database, now=town.now)
    assert report.violations == []
    assert report.is_clean


async def two(town: Town, program_id: int | None = None) -> None:
    """Alice and Bob, each with 89 points in the bookshop: 50 for joining, 39 for an order."""
    await town.tell(program_id or town.books, make.order("A1"), make.order("B1", customer=bob()))


async def test_everything_is_the_one_s_who_stays(town: Town) -> None:
    await town.offer(town.books, make.reward())
    await two(town)
    (claimed,) = await town.tell(town.books, make.redeem("bob"))
    await merge(town, "bob", "alice")
    assert await points(town, "alice") == await points(town, "bob") == (0, 158, 20)
    profile = await people.profile(town.house.database, town.books, await number(town, "alice"), now=town.now)
    assert {order.merchant_id for order in profile.orders} == {"A1", "B1"}
    assert [claim.id for claim in profile.claims] == [claimed.claims[0].id]
    assert sum(lot.remaining for lot in profile.open) == 158
    assert [one.merchant_id for one in profile.merged] == ["bob"]
    await is_clean(town)


async def test_a_history_in_which_everything_happens_after_a_merge_is_clean(town: Town) -> None:
    await town.offer(town.tea, make.reward())
    await two(town, town.tea)
    await town.tell(town.tea, make.refund("B1", 1000, reference="R1"))
    (claimed,) = await town.tell(town.tea, make.redeem("bob"))
    await merge(town, "bob", "alice", town.tea)
    await is_clean(town)
    town.wait(15)
    await town.tell(
        town.tea,
        Settle(customer_id=await number(town, "alice", town.tea)),
        make.refund("B1", 1000, reference="R2"),
        make.update("B1", paid=4999),
        CancelOrder(site_id=1, merchant_id="A1"),
        CancelClaim(claim_id=claimed.claims[0].id, actor="Sue", merchant_id="bob"),
        make.order("B2", customer=bob()),
        make.update("A1", paid=4999),
        AdjustPoints(merchant_id="bob", points=-150, reason=None, actor="Sue"),
        CancelOrder(site_id=1, merchant_id="B1"),
    )
    pending, available, spent = await points(town, "bob", town.tea)
    assert (pending, available, spent) == (39, 50 + 50 + 39 + 39 - 150 - 39, 0)
    await is_clean(town)


async def test_one_who_owes_is_paid_for_and_either_may_owe(town: Town) -> None:
    await town.tell(town.books, make.order("A1"), make.order("B1", customer=bob()))
    for name, order in (("alice", "A1"), ("bob", "B1")):
        await town.tell(
            town.books,
            AdjustPoints(merchant_id=name, points=-80, reason=None, actor="Sue"),
            CancelOrder(site_id=1, merchant_id=order),
        )
    await town.tell(town.books, SaveCustomer(customer=carol()))
    assert await points(town, "alice") == (0, -30, 0)
    await merge(town, "alice", "bob")
    assert await points(town, "bob") == (0, -60, 0)
    await is_clean(town)
    await merge(town, "carol", "bob")
    assert await points(town, "bob") == (0, -10, 0)
    await is_clean(town)
    await town.tell(town.books, make.update("A1", paid=4999), make.order("A2"))
    assert await points(town, "carol") == (0, 68, 0)
    await is_clean(town)


async def test_chains_and_all_in_one_batch(town: Town) -> None:
    """What is decided before and after a merge in the very same batch finds its owner, too."""
    await two(town)
    await town.tell(town.books, SaveCustomer(customer=carol()))
    ids = {name: await number(town, name) for name in ("alice", "bob", "carol")}
    commands: list[Command] = [
        make.order("B2", customer=bob()),
        AdjustPoints(merchant_id="bob", points=-100, reason=None, actor="Sue"),
        CancelOrder(site_id=1, merchant_id="B2"),
        MergeCustomers(customer_id=ids["bob"], into_id=ids["alice"], actor="Eve"),
        make.order("B3", customer=bob()),
        make.update("B2", paid=4999),
        MergeCustomers(customer_id=ids["alice"], into_id=ids["carol"], actor="Eve"),
        make.refund("B2", 1000),
        make.order("A2"),
        make.refund("B1", 4999),
    ]
    decisions = await asyncio.gather(*(town.house.engine.submit(town.books, command) for command in commands))
    assert all(decision.outcome is Outcome.DONE for decision in decisions)
    taken = 39 * 1000 // 4999
    assert await points(town, "bob") == (0, 3 * 50 + 5 * 39 - 39 - 100 - taken, 0)
    await is_clean(town)


async def test_limits_count_both_and_what_was_claimed_before_was_within_them(town: Town) -> None:
    await town.offer(town.books, make.reward(limit_count=1))
    await two(town)
    town.wait(1)
    await town.tell(town.books, make.redeem("alice"), make.redeem("bob"))
    await merge(town, "bob", "alice")
    for name in ("alice", "bob"):
        with pytest.raises(LimitReached):
            await town.tell(town.books, make.redeem(name))
    await is_clean(town)


async def test_the_same_identity_is_answered_as_the_first_time_and_again_is_nothing_new(town: Town) -> None:
    await two(town)
    identity = Identity(scope="api_key:1", key="k-1", fingerprint=b"m" * 16, at=town.now)
    first = await merge(town, "bob", "alice", identity=identity)
    second = await merge(town, "bob", "alice", identity=identity)
    assert (second.outcome, second.repeats) == (Outcome.REPEATED, first.id)
    assert (await merge(town, "bob", "alice")).outcome is Outcome.UNCHANGED


async def test_programs_know_nothing_of_one_another_s_customers(town: Town) -> None:
    await two(town)
    await town.tell(town.tea, make.order("C1", customer=carol()))
    for _ in range(4):
        await town.tell(town.tea, SaveCustomer(customer=CustomerRef(merchant_id=f"more-{_}")))
    stranger = MergeCustomers(customer_id=5, into_id=await number(town, "alice"), actor="Eve")
    with pytest.raises(UnknownCustomer):
        await town.tell(town.books, stranger)


async def test_what_was_merged_reads_as_one_history_and_each_as_their_own(town: Town) -> None:
    await two(town)
    gone, stays = await number(town, "bob"), await number(town, "alice")
    await merge(town, "bob", "alice")
    await town.tell(town.books, make.order("B2", customer=bob()))
    database = town.house.database
    whole = (await timeline(database, town.books, stays)).lines
    assert {line.customer_id for line in whole} == {gone, stays}
    assert [line.decision_id for line in whole] == sorted((line.decision_id for line in whole), reverse=True)
    own = (await timeline(database, town.books, gone)).lines
    assert own[0].kind is LineKind.MERGE and own[0].customer_id == stays
    assert f"customer {gone} into customer {stays}" in own[0].sentences[0]
    assert {line.customer_id for line in own[1:]} == {gone}
    first = await timeline(database, town.books, stays, most=2)
    rest = await timeline(database, town.books, stays, before=first.next)
    assert [*first.lines, *rest.lines] == whole


async def test_lists_show_one_customer_and_the_movements_of_both(town: Town) -> None:
    await two(town)
    await merge(town, "bob", "alice")
    database = town.house.database
    listed = await list_customers(database, town.books, WINDOW, now=town.now)
    assert [one.by.customer.merchant_id for one in listed] == ["alice"]
    moved = await list_transactions(database, town.books, WINDOW, now=town.now, merchant_id="bob")
    assert sum(one.movement.points for one in moved) == 178
    assert {one.by.customer.merchant_id for one in moved} == {"alice"}


async def test_an_old_id_is_found_by_search_and_only_so(town: Town) -> None:
    await two(town)
    await merge(town, "bob", "alice")
    database = town.house.database
    found = await people.search(database, town.books, people.Filter(text="bob"), now=town.now)
    assert [one.customer.merged_into for one in found.rows] == [await number(town, "alice")]
    everybody = await people.search(database, town.books, people.Filter(), now=town.now)
    assert [one.customer.merchant_id for one in everybody.rows] == ["alice"]
    rows = [
        chunk async for chunk in people.export(database, town.books, people.Filter(text="b"), now=town.now)
    ]
    assert b"bob" not in b"".join(rows)


async def test_an_order_s_history_is_explained_across_a_merge(town: Town) -> None:
    await two(town)
    await merge(town, "bob", "alice")
    await town.tell(town.books, make.refund("B1", 4999))
    explained = await explain(town.house.database, merchant_id="B1", program_id=town.books)
    assert explained.history.customer.merchant_id == "alice"
    assert len(explained.history.decisions) == 2 and len(explained.history.movements) == 2


async def test_balances_by_an_old_id_are_those_of_the_one_who_stays(town: Town) -> None:
    await two(town)
    await merge(town, "bob", "alice")
    program = await town.house.programs.get(town.books)
    found = await town.house.balances.find(program, ["alice", "bob"], town.now)
    assert {name: one.available for name, one in found.items()} == {"alice": 178, "bob": 178}


async def test_a_preview_says_what_will_be(town: Town) -> None:
    await two(town)
    await town.tell(town.books, PatchCustomer(merchant_id="bob", blocked=True))
    gone, stays = await number(town, "bob"), await number(town, "alice")
    seen = await merging.preview(town.house.database, town.books, gone, stays, now=town.now)
    assert seen.problem is None and seen.can_turn
    assert (seen.joined_twice, seen.account.available, seen.customer.blocked) == (100, 178, True)
    assert await merging.who_stays(town.house.database, town.books, [gone, stays]) == min(gone, stays)


async def test_orders_for_both_race_with_the_merge_on_several_servers(
    town: Town, database: str, tmp_path: Path
) -> None:
    """Three servers, thirty orders of either at once, and the merge among them: each counts once."""
    others = [await House.open(make.settings(tmp_path), database, clock=lambda: town.now) for _ in range(2)]
    servers = [town.house, *others]
    try:
        await two(town)
        ids = [await number(town, name) for name in ("bob", "alice")]
        for round_ in range(5):
            orders: list[Command] = [
                make.order(f"{round_}-{one}", customer=bob() if one % 2 else make.alice())
                for one in range(30)
            ]
            wanted: list[Command] = [*orders, MergeCustomers(customer_id=ids[0], into_id=ids[1], actor="Eve")]
            Random(round_).shuffle(wanted)
            answers = await asyncio.gather(
                *(servers[one % 3].engine.submit(town.books, command) for one, command in enumerate(wanted))
            )
            done = [answer for answer in answers if answer.kind == "MergeCustomers"]
            assert [answer.outcome for answer in done] == [Outcome.UNCHANGED if round_ else Outcome.DONE]
        assert await points(town, "bob") == await points(town, "alice") == (0, 178 + 5 * 30 * 39, 0)
        await is_clean(town)
    finally:
        for house in others:
            await house.close()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_around_merges_is_clean(
    town: Town, database: str, tmp_path: Path, seed: int
) -> None:
    """Eight customers, two servers, all kinds of commands at once, until one customer is left."""
    other = await House.open(make.settings(tmp_path), database, clock=lambda: town.now)
    random = Random(seed)
    names = [f"c{one}" for one in range(8)]
    await town.offer(town.tea, make.reward(limit_count=3), make.reward(cost=7))
    await town.tell(town.tea, *(SaveCustomer(customer=CustomerRef(merchant_id=name)) for name in names))
    ids = [await number(town, name, town.tea) for name in names]
    merged = 0
    try:
        for _ in range(40):
            town.wait(random.choice((0.01, 0.5, 3)))
            batch = [_chance(random, names) for _ in range(random.choice((1, 4, 12)))]
            if random.random() < 0.4:
                gone, into = random.sample(ids, 2)
                batch.append(MergeCustomers(customer_id=gone, into_id=into, actor="Eve"))
            random.shuffle(batch)
            answers = await asyncio.gather(
                *(random.choice((town.house, other)).engine.submit(town.tea, command) for command in batch),
                return_exceptions=True,
            )
            assert all(isinstance(answer, Decision | Refused) for answer in answers), answers
            merged += sum(
                isinstance(answer, Decision)
                and answer.kind == "MergeCustomers"
                and answer.outcome is Outcome.DONE
                for answer in answers
            )
        assert merged >= 3
        await is_clean(town)
    finally:
        await other.close()


def _chance(random: Random, names: list[str]) -> Command:
    name, number = random.choice(names), random.randrange(12)
    who = CustomerRef(merchant_id=name)
    paid = random.choice((4999, 4999, 1000, 0))
    return random.choice(
        (
            make.order(f"o{number}", customer=who),
            make.update(
                f"o{number}",
                paid=4999 if paid == 4999 else 0,
                refunded=0 if paid != 4999 else random.choice((0, 0, 700, 4999)),
                cancelled=random.random() < 0.3,
            ),
            make.refund(f"o{number}", random.choice((100, 700)), reference=random.choice((None, "R1", "R2"))),
            CancelOrder(site_id=1, merchant_id=f"o{number}", waits=True),
            AdjustPoints(merchant_id=name, points=random.choice((-60, -20, 30)), reason=None, actor="Sue"),
            make.redeem(name, random.choice((1, 2))),
            CancelClaim(
                claim_id=random.randrange(1, 12), merchant_id=random.choice((None, name)), actor="Sue"
            ),
            Settle(customer_id=random.randrange(1, 9)),
            PatchCustomer(merchant_id=name, blocked=random.random() < 0.2),
        )
    )


TWICE = """
    update decisions set customer_id = 1
     where decision_id in (select decision_id from claimed_rewards where claim_id = 2);
    update merges set recorded_at = (select claimed_at from claimed_rewards where claim_id = 1)
"""
"""Carol's claim becomes Alice's, after the merge that brought her Bob's."""

SEEDS = (
    ("V01", "update merges set available = available + 1", "customer 1"),
    ("V03", "update orders set customer_id = 3 where merchant_id = 'B1'", "movement"),
    ("V07", "update lots set customer_id = 3 where lot_id = 4", "lot 4"),
    ("V08", "update deficits set customer_id = 2", "deficit"),
    ("V10", "update merges set recorded_at = recorded_at - interval '1 second'", "movement"),
    ("V10", "delete from merges", "movement"),
    ("V12", "update merges set into_id = 99", "merges: decision_id"),
    ("V16", "update merges set available = available - 200", "movement"),
    ("V20", TWICE, "claim 2"),
    ("V27", "update customers set merged_into = 3 where customer_id = 2", "customer 2"),
    ("V27", "update customers set merged_into = null where customer_id = 2", "customer 2"),
    ("V27", "update customers set merged_into = 2 where customer_id = 3", "customer 3"),
    ("V27", "update orders set customer_id = 2 where merchant_id = 'B1'", "customer 2"),
    ("V27", "update activities set customer_id = 2 where activity_id = 3", "customer 2"),
    ("V27", "update movements set customer_id = 2 where movement_id = 12", "movement 12"),
    ("V27", "update decisions set kind = 'Settle' where kind = 'MergeCustomers'", "merge of customer 2"),
)  # fmt: skip


@pytest.mark.parametrize(("invariant", "statement", "subject"), SEEDS)
async def test_a_violation_around_a_merge_is_found(
    town: Town, invariant: str, statement: str, subject: str
) -> None:
    await town.offer(town.tea, make.reward(limit_count=1), make.reward())
    await town.tell(
        town.tea,
        make.order("A1"),
        make.order("B1", customer=bob()),
        SaveCustomer(customer=carol()),
    )
    town.wait(15)
    await town.tell(town.tea, Settle(customer_id=2), make.redeem("bob"), make.redeem("carol"))
    await merge(town, "bob", "alice", town.tea)
    await town.tell(
        town.tea,
        make.redeem("bob", 2),
        AdjustPoints(merchant_id="alice", points=-119, reason=None, actor="Sue"),
        CancelOrder(site_id=1, merchant_id="B1"),
    )
    await is_clean(town)
    await town.run(statement)
    report = await verify(town.house.database, now=town.now)
    found = [violation for violation in report.violations if violation.invariant == invariant]
    assert any(subject in violation.subject for violation in found), report.violations


async def test_figures_count_one_member_and_the_orders_of_both(town: Town) -> None:
    await two(town)
    await town.tell(town.books, make.order("G1", customer=make.guest()))
    day = await home.today(town.house.database, town.books, now=town.now)
    before = await home.home(town.house.database, town.books, home.last_days(day, 30), now=town.now)
    await merge(town, "bob", "alice")
    town.wait(0.01)
    while not await catch_up_all(town):
        pass
    after = await home.home(town.house.database, town.books, home.last_days(day, 30), now=town.now)
    assert (before.members, after.members) == (2, 1)
    assert (before.this.orders, after.this.orders) == (3, 3)
    assert after.liability == before.liability
    wanted = people.Filter(last_order_from=day)
    found = await people.search(town.house.database, town.books, wanted, now=town.now)
    assert {one.customer.merchant_id for one in found.rows} == {"alice", None}


async def catch_up_all(town: Town) -> bool:
    async with town.house.database.acquire() as connection:
        return await figures.bring_up_to_date(connection, town.books, most=1000)
