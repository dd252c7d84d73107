"""Each invariant catches what violates it, in a book that was clean before."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import pytest

from regulars.app import rewards
from regulars.app.programs import UnknownProgram
from regulars.app.verify import INVARIANTS, Report, as_json, lines, verify
from regulars.app.verify.book import CAUSES
from regulars.domain.commands import CancelClaim, SaveCustomer
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
    accounts claimed_rewards codes customers decisions deficits events identities lot_uses lots movements
    orders program_versions refunds reward_stocks rewards
"""

COPY_MOVEMENT = """
    insert into movements
    select program_id, 999, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id, lot_id,
           undoes_id, recorded_at, effective_at, hash
      from movements where program_id = 1 and """

COPY_OF_CLAIM = """
    insert into movements (program_id, movement_id, customer_id, decision_id, from_bucket, to_bucket, points,
                           cause, order_id, lot_id, undoes_id, claim_id, recorded_at, effective_at, hash)
    select program_id, 999, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id, lot_id,
           undoes_id, claim_id, recorded_at, effective_at, hash
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
    Seed(
        "V09",
        "a claimed reward that is missing",
        "delete from claimed_rewards where program_id = 1 and claim_id = 6",
        "claim ids",
    ),
    Seed(
        "V09",
        "a reward that is missing",
        "delete from rewards where program_id = 1 and reward_id = 3",
        "reward ids",
    ),
    Seed(
        "V11",
        "a code whose use nobody was told of",
        "delete from events where program_id = 1 and kind = 'reward.used' and payload like '%\"claim\":1,%'",
        "claim 1",
    ),
    Seed(
        "V11",
        "a cancelled claim that was told of twice",
        "insert into events select program_id, 999, kind, decision_id, customer_id, order_id, movement_id, "
        "payload, recorded_at from events where program_id = 1 and kind = 'reward.cancelled' "
        "and payload like '%\"claim\":2,%'",
        "claim 2",
    ),
    Seed(
        "V12",
        "a claimed reward on an order that never was",
        "update claimed_rewards set order_id = 99 where program_id = 1 and claim_id = 1",
        "claimed_rewards: claim_id 1",
    ),
    Seed(
        "V12",
        "a movement for a claim that never was",
        "update movements set claim_id = 99 where program_id = 1 and claim_id = 5",
        "movements: movement_id",
    ),
    Seed(
        "V13",
        "a claimed reward in a currency that nobody knows",
        "update claimed_rewards set currency = 'XXX' where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V14",
        "two claimed rewards of one decision",
        "drop index claimed_rewards_decision;"
        "update claimed_rewards set decision_id = (select decision_id from claimed_rewards "
        "where program_id = 1 and claim_id = 1) where program_id = 1 and claim_id = 2",
        "claims of decision",
    ),
    Seed(
        "V16",
        "a claimed reward that took less than it cost",
        "update claimed_rewards set cost = cost + 1 where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V16",
        "a claimed reward that took its points twice",
        COPY_OF_CLAIM + "claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V16",
        "points that were taken for a claim that is gone",
        "delete from claimed_rewards where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V16",
        "a claimed reward that is said to have cost nothing",
        "update claimed_rewards set cost = 0, movement_id = null where program_id = 1 and claim_id = 5",
        "claim 5",
    ),
    Seed(
        "V16",
        "points of somebody else",
        "update movements set customer_id = 1 where program_id = 1 and claim_id = 5",
        "claim 5",
    ),
    Seed(
        "V16",
        "points that were spent before they were there",
        "update movements set points = 10 where program_id = 1 and points = 200",
        "movement",
    ),
    Seed(
        "V16",
        "a deficit that a redemption left",
        "insert into deficits (program_id, movement_id, customer_id, points) "
        "select program_id, movement_id, customer_id, 3 from movements where program_id = 1 and claim_id = 5",
        "movement",
    ),
    Seed(
        "V17",
        "one code in two hands",
        "drop index claimed_rewards_code;"
        "update claimed_rewards set (code, code_key) = (select code, code_key from claimed_rewards "
        "where program_id = 1 and claim_id = 1) where program_id = 1 and claim_id = 7",
        "claims 1 and 7",
    ),
    Seed(
        "V17",
        "a claimed reward without a code",
        "update claimed_rewards set code = null, code_key = null where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V17",
        "a code for what is fulfilled by hand",
        "update claimed_rewards set code = 'X', code_key = 'X' where program_id = 1 and claim_id = 5",
        "claim 5",
    ),
    Seed(
        "V17",
        "a code that came from nowhere",
        "delete from codes where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V17",
        "a code that was handed out to another",
        "update codes set claim_id = 5 where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V17",
        "a code of another reward",
        "update codes set reward_id = 2 where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V17",
        "two codes for one claim",
        "update codes set claim_id = 1 where program_id = 1 and claim_id = 7",
        "claim 1",
    ),
    Seed(
        "V18",
        "a stock that counts codes that are not there",
        "update reward_stocks set codes_free = codes_free + 1, codes_imported = codes_imported + 1 "
        "where program_id = 1 and reward_id = 1",
        "reward 1",
    ),
    Seed(
        "V18",
        "a code that has vanished",
        "delete from codes where program_id = 1 and state = 'free'",
        "reward 1",
    ),
    Seed(
        "V18",
        "a count of claims that is wrong",
        "update reward_stocks set claimed = claimed - 1 where program_id = 1 and reward_id = 2",
        "reward 2",
    ),
    Seed(
        "V18",
        "a reward without a stock",
        "delete from reward_stocks where program_id = 1 and reward_id = 3",
        "reward 3",
    ),
    Seed(
        "V18",
        "a code under another one's key",
        "update codes set code = 'winter ' where program_id = 1 and state = 'free'",
        "a code of reward 1",
    ),
    Seed(
        "V18",
        "a code that is there twice",
        "alter table codes drop constraint codes_pkey;"
        "insert into codes select * from codes where program_id = 1 and state = 'free'",
        "codes of reward 1",
    ),
    Seed(
        "V18",
        "a free code that somebody has",
        "alter table codes drop constraint codes_check;"
        "update codes set state = 'free' where program_id = 1 and claim_id = 7",
        "a free code of reward 1",
    ),
    Seed(
        "V18",
        "a code that was handed out to nobody",
        "alter table codes drop constraint codes_check1;"
        "update codes set claim_id = null where program_id = 1 and claim_id = 7",
        "a handed code of reward 1",
    ),
    Seed(
        "V19",
        "a cancelled claim whose points came back twice",
        COPY_OF_CLAIM + "cause = 'claim_cancelled' and claim_id = 2",
        "claim 2",
    ),
    Seed(
        "V19",
        "a cancelled claim whose points did not come back",
        "delete from movements where program_id = 1 and cause = 'claim_cancelled' and claim_id = 2",
        "claim 2",
    ),
    Seed(
        "V19",
        "points that came back for a claim that stands",
        "update movements set claim_id = 7 "
        "where program_id = 1 and cause = 'claim_cancelled' and claim_id = 2",
        "claim 7",
    ),
    Seed(
        "V19",
        "a cancelled claim that gave back less",
        "update movements set points = 19 "
        "where program_id = 1 and cause = 'claim_cancelled' and claim_id = 2",
        "claim 2",
    ),
    Seed(
        "V19",
        "a cancelled claim whose code can be used",
        "update codes set state = 'handed' where program_id = 1 and claim_id = 2",
        "claim 2",
    ),
    Seed(
        "V19",
        "a claim that stands with a code that is void",
        "update codes set state = 'void' where program_id = 1 and claim_id = 7",
        "claim 7",
    ),
    Seed(
        "V19",
        "a code used on an order that does not name it",
        "update orders set details = '{}' where program_id = 1 and merchant_id = 'D1'",
        "claim 1",
    ),
    Seed(
        "V19",
        "a code tied to another order",
        "update claimed_rewards set order_id = 1 where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V19",
        "points of an expired code that came back against the rule",
        "update program_versions set rules = replace(rules, "
        "'\"expired_returns_points\":true', '\"expired_returns_points\":false') where program_id = 1",
        "claim 3",
    ),
    Seed(
        "V19",
        "an expired code whose points were kept against the rule",
        "delete from movements where program_id = 1 and claim_id = 3 and cause = 'claim_expired';"
        "update claimed_rewards set returned_id = null where program_id = 1 and claim_id = 3",
        "claim 3",
    ),
    Seed(
        "V19",
        "a code that expired before its time",
        "update claimed_rewards set expires_at = expires_at + interval '30 days' "
        "where program_id = 1 and claim_id = 3",
        "claim 3",
    ),
    Seed(
        "V19",
        "a code that was used before it was claimed",
        "update claimed_rewards set used_at = claimed_at - interval '1 second' "
        "where program_id = 1 and claim_id = 1",
        "claim 1",
    ),
    Seed(
        "V20",
        "more claims of one customer than the limit",
        "update rewards set definition = replace(definition, '\"limit_count\":2', '\"limit_count\":1') "
        "where program_id = 1 and reward_id = 1",
        "claim",
    ),
    Seed(
        "V20",
        "more claims than there were to be had",
        "update rewards set definition = replace(definition, '\"stock\":3', '\"stock\":1') "
        "where program_id = 1 and reward_id = 1",
        "claim",
    ),
    Seed(
        "V20",
        "a claim of what was disabled",
        "update rewards set definition = replace(definition, '\"enabled\":true', '\"enabled\":false') "
        "where program_id = 1 and reward_id = 2",
        "claim 3",
    ),
    Seed(
        "V20",
        "a claim before the reward could be had",
        "update rewards set definition = replace(definition, '\"starts_at\":null', "
        '\'"starts_at":"2030-01-01T00:00:00Z"\') where program_id = 1 and reward_id = 3',
        "claim 5",
    ),
    Seed(
        "V20",
        "a claim after the reward could be had",
        "update rewards set definition = replace(definition, '\"ends_at\":null', "
        '\'"ends_at":"2020-01-01T00:00:00Z"\') where program_id = 1 and reward_id = 3',
        "claim 5",
    ),
    Seed(
        "V20",
        "a reward that cannot be read",
        "update rewards set definition = '{' where program_id = 1 and reward_id = 3",
        "reward 3",
    ),
]


async def test_a_book_with_all_that_may_happen_is_clean(town: Town) -> None:
    report = await check(town)
    assert report.violations == []
    assert report.is_clean
    tea, books = report.programs
    assert (tea.name, tea.customers, tea.orders) == ("Tea Circle", 5, 15)
    assert (books.movements, books.orders, books.customers) == (3, 1, 1)
    assert tea.movements == 54


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


def test_every_invariant_is_seeded() -> None:
    """Those of staff's doings (V25), of the erased (V26) and of the merged (V27) in files of their own."""
    assert {seed.invariant for seed in SEEDS} == set(INVARIANTS) - {"V25", "V26", "V27"}
    assert {seed.invariant for seed in SEEDS} == {f"V{n:02d}" for n in range(1, 21)}


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


async def test_a_reward_that_was_changed_later_is_held_against_what_was_claimed_since_then(
    town: Town,
) -> None:
    """A lower limit, a smaller stock, an end in the past: none of it makes wrong what was right before."""
    changes = {"limit_count": 1, "stock": 1, "ends_at": town.now - timedelta(days=5)}
    for reward_id in (1, 2, 3):
        await rewards.change_reward(town.house.database, town.tea, reward_id, changes, now=town.now)
    assert (await check(town)).is_clean
    await rewards.change_reward(
        town.house.database, town.tea, 1, {"ends_at": None, "limit_count": 2, "stock": None}, now=town.now
    )
    town.wait(1)
    await town.tell(town.tea, make.redeem("bob", given_by="Sue"))
    assert (await check(town)).is_clean
    await town.run(
        "update rewards set definition = replace(definition, '\"limit_count\":2', '\"limit_count\":0') "
        "where program_id = 1 and reward_id = 1"
    )
    report = await check(town)
    assert [found.subject for found in report.violations] == ["claim 8"]


async def test_a_limit_counts_what_stood_when_it_was_claimed_and_forgets_what_is_long_past(
    town: Town,
) -> None:
    """The bookshop's voucher: two in a week."""
    books = town.books
    await town.tell(books, SaveCustomer(customer=make.alice()), make.redeem(), make.redeem())
    first = (await town.tell(books, CancelClaim(claim_id=1, actor="Sue"), make.redeem()))[1].claims[0]
    town.wait(7)
    await town.tell(books, make.redeem(given_by="Sue"))
    assert first.id == 3
    assert (await check(town)).is_clean
    await town.run(
        "update claimed_rewards set updated_at = updated_at + interval '1 hour' where claim_id = 1"
    )
    report = await check(town)
    assert [found.subject for found in report.violations] == ["claim 3"]


async def test_where_a_clock_was_moved_settings_of_any_time_may_have_been_the_one(town: Town) -> None:
    await town.set_spending(town.tea, expired_returns_points=False)
    await town.run("update program_versions set recorded_at = recorded_at - interval '100 days'")
    assert (await check(town)).violated.keys() == {"V19"}
    await town.run("update heads set clock_offset_seconds = 1 where program_id = 1")
    assert (await check(town)).is_clean


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
    assert lines(clean)[-1].rpartition(": ")[2].startswith("clean, all of V01 to V20")
    assert lines(clean)[0].startswith("Program 1, Tea Circle: ")
    await town.run("update accounts set pending = pending + 7 where program_id = 1 and customer_id = 1")
    report = await check(town)
    text = "\n".join(lines(report))
    assert "V01 is violated once." in text
    assert "customer 1" in text
    assert lines(report)[-1].endswith(" violated.")
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
