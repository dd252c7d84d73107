"""Each invariant catches what violates it, in a book that was clean before."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import pytest

from regulars.app.programs import UnknownProgram
from regulars.app.verify import INVARIANTS, Report, as_json, lines, verify
from regulars.app.verify.book import CAUSES
from tests import make
from tests.app.book import Town, fill, live
from tests.conftest import fresh_database, in_thread


@pytest.fixture(scope="module")
def filled(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, datetime]]:
    """The name of a database in which two shops have a history, the first the tea shop; the time by then."""

    async def make_history(dsn: str) -> datetime:
        town = Town()
        await town.open(dsn, tmp_path_factory.mktemp("home"))
        await fill(town)
        assert (await check(town)).is_clean
        await town.house.close()
        return town.now

    for dsn in fresh_database(server, template):
        now = in_thread(make_history(dsn))
        yield urlsplit(dsn).path[1:], now


@pytest.fixture
async def town(server: str, filled: tuple[str, datetime], tmp_path: Path) -> AsyncIterator[Town]:
    """The two shops with their history, in a database of this test's own."""
    name, now = filled
    for dsn in fresh_database(server, name):
        town = Town()
        await town.reopen(dsn, tmp_path, now)
        yield town
        await town.house.close()


async def check(town: Town, program_id: int | None = None) -> Report:
    return await verify(town.house.database, program_id=program_id, now=town.now)


class Seed(NamedTuple):
    """A violation of `invariant` in the tea shop, reported at `subject` among others."""

    invariant: str
    name: str
    statement: str
    subject: str


SEEDED = """
    accounts customers decisions deficits events identities lot_uses lots movements orders
    program_versions refunds
"""

COPY_MOVEMENT = """
    insert into movements
    select program_id, 999, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id, lot_id,
           undoes_id, recorded_at, effective_at, hash
      from movements where program_id = 1 and """

SEEDS = [
    Seed(
        "V01",
        "a balance that was changed by hand",
        "update accounts set available = available + 5 where program_id = 1 and customer_id = 1",
        "customer 1",
    ),
    Seed(
        "V01",
        "an account that is gone",
        "delete from accounts where program_id = 1 and customer_id = 2",
        "customer 2",
    ),
    Seed(
        "V02",
        "a lot that has more left than its customer",
        "update lots set remaining = remaining - 1 where program_id = 1 and lot_id = "
        "(select min(lot_id) from lots where program_id = 1 and state = 'available' and remaining > 0)",
        "customer 1",
    ),
    Seed(
        "V02",
        "a deficit that was forgotten",
        "delete from deficits where program_id = 1",
        "customer 2",
    ),
    Seed(
        "V03",
        "a movement whose decision is gone",
        "delete from decisions where program_id = 1 and decision_id = 1",
        "movement 1",
    ),
    Seed(
        "V03",
        "a movement of a customer whom nobody knows",
        "update movements set customer_id = 99 where program_id = 1 and movement_id = 2",
        "movement 2",
    ),
    Seed(
        "V03",
        "a movement between buckets that are no pair",
        "alter table movements drop constraint movements_check;"
        "update movements set to_bucket = 'redeemed' where program_id = 1 and movement_id = 2",
        "movement 2",
    ),
    Seed(
        "V03",
        "a cause that does not go with its buckets",
        "update movements set cause = 'join' where program_id = 1 and movement_id = 2",
        "movement 2",
    ),
    Seed(
        "V04",
        "an order that gave more than its rule",
        "update orders set rewardable_minor = rewardable_minor + 100 where program_id = 1 and order_id = 1",
        "order 1",
    ),
    Seed(
        "V04",
        "a frozen rule that was changed afterwards",
        "update program_versions set rules = replace(rules, '\"rate_numerator\":1', '\"rate_numerator\":2') "
        "where program_id = 1 and version = 2",
        "order 1",
    ),
    Seed(
        "V04",
        "an order that gave its points twice",
        COPY_MOVEMENT + "movement_id = 2",
        "order 1",
    ),
    Seed(
        "V04",
        "a customer who was given points for joining twice",
        COPY_MOVEMENT + "movement_id = 1",
        "customer 1",
    ),
    Seed(
        "V05",
        "a refund that took too little",
        "update orders set refunded_minor = 2000, refund_status = 'partially_refunded' "
        "where program_id = 1 and order_id = 2",
        "order 2",
    ),
    Seed(
        "V05",
        "an order whose taken points stand in no movement",
        "update orders set taken = 1 where program_id = 1 and merchant_id = 'A2'",
        "order 2",
    ),
    Seed(
        "V05",
        "more refunded than was paid",
        "alter table orders drop constraint orders_check1;"
        "update orders set paid_minor = 1598 where program_id = 1 and merchant_id = 'E1'",
        "E1",
    ),
    Seed(
        "V06",
        "an order without points whose reason is gone",
        "update decisions set trace = '[]' where program_id = 1 and order_id = "
        "(select order_id from orders where program_id = 1 and merchant_id = 'G1')",
        "G1",
    ),
    Seed(
        "V06",
        "points whose order is gone",
        "delete from orders where program_id = 1 and order_id = 1",
        "movement 2",
    ),
    Seed(
        "V07",
        "an approval before its time",
        "update movements set recorded_at = recorded_at - interval '2 days' "
        "where program_id = 1 and cause = 'approval' and lot_id = 3",
        "lot 3",
    ),
    Seed(
        "V07",
        "a lot that waits though it was approved",
        "update lots set state = 'pending' where program_id = 1 and lot_id = 3",
        "lot 3",
    ),
    Seed(
        "V07",
        "a lot that is approved earlier than its rule says",
        "update lots set approves_at = approves_at - interval '1 day' where program_id = 1 and lot_id = "
        "(select max(lot_id) from lots where program_id = 1 and state = 'pending')",
        "",
    ),
    Seed(
        "V07",
        "an account that does not know when its points fall due",
        "update accounts set next_due_at = null where program_id = 1 and customer_id = 2",
        "customer 2",
    ),
    Seed(
        "V07",
        "a taking that was restored twice",
        COPY_MOVEMENT + "movement_id = "
        "(select max(movement_id) from movements where program_id = 1 and cause = 'restored')",
        "",
    ),
    Seed(
        "V08",
        "a lot that was used beyond its size",
        "update lot_uses set points = points + 1000 where program_id = 1 and lot_use_id = 1",
        "",
    ),
    Seed(
        "V08",
        "a use that paid for another movement",
        "update lot_uses set movement_id = 1 where program_id = 1 and lot_use_id = 1",
        "movement 1",
    ),
    Seed(
        "V08",
        "a use of somebody else's lot",
        "update lots set customer_id = 3 where program_id = 1 and lot_id = "
        "(select lot_id from lot_uses where program_id = 1 and lot_use_id = 1)",
        "use 1",
    ),
    Seed(
        "V09",
        "a decision that was recorded before the one before it",
        "update decisions set recorded_at = recorded_at - interval '2 minutes' "
        "where program_id = 1 and decision_id = 5",
        "decision_id 5",
    ),
    Seed(
        "V09",
        "an event out of the order of decisions",
        "update events set decision_id = 1 where program_id = 1 and event_id = "
        "(select max(event_id) from events where program_id = 1)",
        "",
    ),
    Seed(
        "V09",
        "a decision of tomorrow",
        "update decisions set recorded_at = recorded_at + interval '1 day' "
        "where program_id = 1 and decision_id = "
        "(select max(decision_id) from decisions where program_id = 1)",
        "the head",
    ),
    Seed(
        "V09",
        "a refund that is missing",
        "delete from refunds where program_id = 1 and refund_id = 1",
        "refund ids",
    ),
    Seed(
        "V10",
        "a movement that was changed",
        "update movements set effective_at = effective_at - interval '1 microsecond' "
        "where program_id = 1 and movement_id = 3",
        "movement 3",
    ),
    Seed(
        "V10",
        "a movement that was cut out",
        "delete from movements where program_id = 1 and movement_id = 3",
        "movement 4",
    ),
    Seed(
        "V10",
        "the last movement cut off",
        "delete from movements where program_id = 1 and movement_id = "
        "(select max(movement_id) from movements where program_id = 1)",
        "the head",
    ),
    Seed(
        "V11",
        "a movement that nobody was told of",
        "delete from events where program_id = 1 and movement_id = 2",
        "movement 2",
    ),
    Seed(
        "V11",
        "a movement that was told twice",
        "insert into events select program_id, 999, kind, decision_id, customer_id, order_id, movement_id, "
        "payload, recorded_at from events where program_id = 1 and movement_id = 2",
        "movement 2",
    ),
    Seed(
        "V11",
        "an event of an order that never was",
        "update events set order_id = 77 where program_id = 1 and kind = 'order.recorded' and order_id = 1",
        "order_id 77",
    ),
    Seed(
        "V12",
        "an event about an order of the tea shop, in the bookshop",
        "update events set order_id = 5 where program_id = 2 and kind = 'points.taken'",
        "events: event_id",
    ),
    Seed(
        "V12",
        "rows of a program that does not exist",
        "insert into identities (program_id, scope, key, fingerprint, at) values (9, 's', 'k', 'f', now())",
        "identities",
    ),
    Seed(
        "V13",
        "a refund in another currency than its order",
        "update refunds set currency = 'EUR' where program_id = 1 and refund_id = 1",
        "refund 1",
    ),
    Seed(
        "V13",
        "an amount beyond all shops' orders",
        "update orders set tax_minor = 100000000000001 where program_id = 1 and merchant_id = 'U1'",
        "U1",
    ),
    Seed(
        "V13",
        "a currency that nobody knows",
        "update orders set currency = 'XXX' where program_id = 1 and merchant_id = 'U1'",
        "U1",
    ),
    Seed(
        "V14",
        "a refund that is there twice",
        "drop index refunds_reference;"
        "insert into refunds select program_id, 999, order_id, reference, amount_minor, currency, "
        "decision_id, created_at from refunds where program_id = 1 and refund_id = 1",
        "refund of order",
    ),
    Seed(
        "V14",
        "an order that is there twice",
        "alter table orders drop constraint orders_program_id_site_id_merchant_id_key;"
        "update orders set merchant_id = 'A1' where program_id = 1 and merchant_id = 'T1'",
        "order of site 1 A1",
    ),
    Seed(
        "V14",
        "a guest who is there twice",
        "drop index customers_guest;"
        "insert into customers (program_id, customer_id, email_key, created_at, updated_at) "
        "select program_id, 999, email_key, created_at, updated_at from customers "
        "where program_id = 1 and merchant_id is null",
        "guests ",
    ),
    Seed(
        "V14",
        "two keys for one effect",
        "insert into identities select program_id, scope, 'k-3', fingerprint, decision_id, refusal, at "
        "from identities where program_id = 1 and key = 'k-1'",
        "identities of decision",
    ),
    Seed(
        "V15",
        "points out of nowhere",
        "update accounts set pending = pending + 7 where program_id = 1 and customer_id = 1",
        "the program",
    ),
]


async def test_a_book_with_all_that_may_happen_is_clean(town: Town) -> None:
    report = await check(town)
    assert report.violations == []
    assert report.is_clean
    tea, books = report.programs
    assert (tea.name, tea.customers, tea.orders) == ("Tea Circle", 4, 12)
    assert (books.movements, books.orders, books.customers) == (3, 1, 1)
    assert tea.movements == 33


async def test_that_book_has_every_movement_that_there_is(town: Town) -> None:
    async with town.house.database.acquire() as connection:
        rows = await connection.fetch("select distinct cause, from_bucket, to_bucket from movements")
        assert await connection.fetchval("select count(*) from deficits") > 0
        assert await connection.fetchval("select count(*) from early_reports where applied_by is null") == 1
        assert await connection.fetchval("select count(*) from lots where state = 'pending'") > 0
    found = {(row["cause"], row["from_bucket"], row["to_bucket"]) for row in rows}
    assert found == {(str(cause), *map(str, pair)) for cause, pairs in CAUSES.items() for pair in pairs}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.invariant} {seed.name}")
async def test_verify_catches(town: Town, seed: Seed) -> None:
    before = await contents(town)
    await town.run(seed.statement)
    assert await contents(town) != before, "the seed changed nothing"
    report = await check(town)
    subjects = [found.subject for found in report.violations if found.invariant == seed.invariant]
    assert subjects, f"only {report.violated}"
    wanted = await order_subject(town, seed.subject)
    assert any(subject.startswith(wanted) for subject in subjects), subjects


async def order_subject(town: Town, subject: str) -> str:
    """`order N` for a shop's order id, which is shorter to write in a seed."""
    async with town.house.database.acquire() as connection:
        order_id = await connection.fetchval(
            "select order_id from orders where program_id = 1 and merchant_id = $1", subject
        )
    return subject if order_id is None else f"order {order_id}"


async def contents(town: Town) -> list[str]:
    """All rows of the tables that seeds change, as text."""
    async with town.house.database.acquire() as connection:
        return [
            await connection.fetchval(f"select string_agg(t::text, ';' order by t::text) from {table} t")
            for table in SEEDED.split()
        ]


def test_every_invariant_of_the_foundation_is_seeded() -> None:
    assert {seed.invariant for seed in SEEDS} == set(INVARIANTS) == {f"V{n:02d}" for n in range(1, 16)}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_at_random_is_clean(town: Town, seed: int) -> None:
    random = Random(seed)
    for program_id in (town.tea, town.books):
        assert await live(town, program_id, random, days=60) > 100
    report = await check(town)
    assert report.violations == []
    assert report.is_clean
    assert sum(program.movements for program in report.programs) > 100


def test_the_documentation_says_what_each_invariant_is() -> None:
    page = (Path(__file__).parents[2] / "docs/operate/verify.md").read_text(encoding="utf-8")
    for invariant, says in INVARIANTS.items():
        assert f"| {invariant} | {says} |" in page


async def test_one_shop_can_be_verified_without_the_other(town: Town) -> None:
    await town.run("update accounts set pending = pending + 7 where program_id = 1 and customer_id = 1")
    assert (await check(town, town.books)).is_clean
    assert not (await check(town, town.tea)).is_clean
    with pytest.raises(UnknownProgram):
        await check(town, 77)


async def test_a_server_may_write_while_it_is_verified_and_nothing_is_locked(town: Town) -> None:
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)

    async with town.house.database.acquire() as connection, connection.transaction():
        await connection.execute("select from heads where program_id = $1 for update", town.tea)
        report = await verify(town.house.database, now=town.now, progress=tell)
    assert report.is_clean
    assert told == ["Checking program 1 (1 of 2)", "Checking program 2 (2 of 2)"]


async def test_what_a_servers_clock_was_ahead_by_a_little_is_not_from_the_future(town: Town) -> None:
    report = await verify(town.house.database, now=town.now - timedelta(seconds=30))
    assert report.is_clean
    report = await verify(town.house.database, now=town.now - timedelta(minutes=5))
    assert report.violated.keys() == {"V09"}


async def test_the_clock_of_a_test_program_is_heeded(town: Town) -> None:
    await town.run("update heads set clock_offset_seconds = 864000")
    town.wait(-10)
    assert (await check(town)).is_clean


async def test_many_violations_are_counted_and_the_first_are_shown(town: Town) -> None:
    orders = [make.order(f"N{number}", total=1000 + 100 * number) for number in range(30)]
    await town.tell(town.books, *orders)
    await town.run("update orders set rewardable_minor = rewardable_minor + 1 where merchant_id like 'N%'")
    report = await check(town)
    assert report.violated == {"V04": 30}
    assert len(report.violations) == 20


async def test_the_report_reads_as_text_and_as_json(town: Town) -> None:
    clean = await check(town)
    assert lines(clean)[-1].endswith("clean, all of V01 to V15 hold.")
    assert lines(clean)[0].startswith("Program 1, Tea Circle: ")
    await town.run("update accounts set pending = pending + 7 where program_id = 1 and customer_id = 1")
    report = await check(town)
    text = "\n".join(lines(report))
    assert "V01 is violated once." in text
    assert "customer 1" in text
    assert lines(report)[-1].endswith("invariants V01 to V15 violated.")
    told = msgspec.json.decode(as_json(report))
    assert told["clean"] is False
    assert told["violated"] == report.violated
    assert told["violations"][0]["invariant"] == "V01"
    assert told["programs"][0]["chain"] == clean.programs[0].chain


async def test_an_order_that_cannot_be_read_is_reported_and_does_not_stop_the_rest(town: Town) -> None:
    await town.run("update orders set details = '{broken' where program_id = 1 and order_id = 1")
    await town.run("update accounts set pending = pending + 7 where program_id = 2 and customer_id = 1")
    report = await check(town)
    assert {(found.invariant, found.program_id) for found in report.violations} >= {("V13", 1), ("V01", 2)}


async def test_rules_that_cannot_be_read_are_reported(town: Town) -> None:
    await town.run("update program_versions set rules = '{' where program_id = 1 and version = 2")
    assert "V04" in (await check(town)).violated
