"""Forgetting one person: twenty texts of theirs are nowhere any more, and the book has every movement."""

import asyncio
from datetime import date

import msgspec
import pytest

from regulars.app import audit, erasing, people
from regulars.app.access import Acting, NotAllowed, Role
from regulars.app.audit import COMMAND_LINE
from regulars.app.deliveries import Delivery
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.app.rewards import create_reward
from regulars.app.timeline import LineKind, timeline
from regulars.app.verify import Report, verify
from regulars.domain.commands import (
    Activity,
    AdjustPoints,
    CustomerRef,
    DiscountCode,
    EraseCustomer,
    Identity,
    OrderDetails,
    SaveCustomer,
)
from regulars.domain.errors import Invalid, Refused, UnknownCustomer
from tests import make
from tests.clock import Clock

OWNER = Acting(staff_id=1, email="owner@tea.example", name="Olive Owner", program_id=1, role=Role.OWNER)

ENTRIES = "audit_entries where action = 'erase customer'"
PLANTED = (
    "QZ-90210-MARIA",
    "maria.quetzal@planted.example",
    "MARIA.Quetzal@planted.example",
    "Mariquita",
    "Quetzalcoatlova",
    "1987-06-05",
    "Baker Street 221b",
    "+44 20 7946 0958",
    "203.0.113.77",
    "PlantedBrowser/1.0",
    "For my dear Quetzalina",
    "referral-quetzal",
    "tracking-quetzal",
    "QUETZAL-BIRTHDAY-10",
    "signup-of-quetzal",
    "newsletter of quetzal",
    "she phoned about her quetzal",
    "refund-key-maria.quetzal@planted.example",
    "body of the quetzal",
    "maria.quetzal%40planted.example",
)
"""What is known of Maria, in every way in which it is kept."""

MARIA = CustomerRef(
    merchant_id=PLANTED[0],
    email=PLANTED[2],
    first_name=PLANTED[3],
    last_name=PLANTED[4],
    birthday=date(1987, 6, 5),
    properties={"street": PLANTED[6], "phone": PLANTED[7]},
)


@pytest.fixture
async def shop(house: House, clock: Clock) -> House:
    """The tea shop's house: Maria has done all that can be done, Bob has bought once."""
    await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        now=clock.now,
    )
    await create_reward(house.database, 1, make.reward(), now=clock.now)
    await employ(house)
    details = OrderDetails(
        codes=(DiscountCode(PLANTED[13]),),
        lines=({"title": "Mug", "engraving": PLANTED[10]},),
        ip_address=PLANTED[8],
        user_agent=PLANTED[9],
        referral_id=PLANTED[11],
        tracking_id=PLANTED[12],
    )
    sign_up = Activity(name="$signup", merchant_id=PLANTED[14], properties={"from": PLANTED[15]})
    for command in (
        SaveCustomer(customer=MARIA, activity=sign_up),
        make.order("M1", customer=MARIA, details=details),
        AdjustPoints(merchant_id=PLANTED[0], points=30, reason=PLANTED[16], actor="Sue"),
        make.order("B1", customer=CustomerRef(merchant_id="bob", email="bob@example.com")),
        make.refund("M1", 1000, reference=PLANTED[17]),
    ):
        await house.engine.submit(1, command)
    redeemed = await house.engine.submit(1, make.redeem(PLANTED[0]))
    code = redeemed.claims[0].code
    assert code is not None
    used = make.order("M2", customer=MARIA, details=OrderDetails(codes=(DiscountCode(code),)))
    await house.engine.submit(1, used, delivery=await call(house, PLANTED[18]))
    await remember(house)
    return house


async def employ(house: House) -> None:
    async with house.database.acquire() as connection:
        await connection.execute(
            "insert into staff (email, email_key, name, created_at) values ($1, $1, 'Olive', $2)",
            OWNER.email,
            house.clock(),
        )
        await connection.execute(
            "insert into staff_roles select 1, staff_id, 'owner', $1 from staff", house.clock()
        )


async def call(house: House, body: str) -> Delivery:
    async with house.database.acquire() as connection:
        credential_id = await connection.fetchval(
            "select credential_id from credentials where kind = 'lootly' and program_id = 1"
        )
    return Delivery(
        credential_id=credential_id,
        integration="common",
        hook="orders",
        body=body.encode(),
        received_at=house.clock(),
        subject=PLANTED[0],
    )


async def remember(house: House) -> None:
    """Calls that were refused, and so name nobody by key, and a key that has her e-mail in it."""
    identity = Identity(scope="api_key:1", key=f"adjust-{PLANTED[1]}", fingerprint=b"1", at=house.clock())
    wanted = AdjustPoints(merchant_id=PLANTED[0], points=-10_000, reason=None, actor="Sue", identity=identity)
    bad = make.order("M3", customer=MARIA, currency="XXX")
    for command, delivery in (
        (wanted, await call(house, f"customer[email]={PLANTED[19]}&x=1")),
        (bad, await call(house, msgspec.json.encode({"email": PLANTED[1]}).decode())),
    ):
        with pytest.raises(Refused):
            await house.engine.submit(1, command, delivery=delivery)


async def everything_stored(house: House) -> str:
    """All rows of all tables as text, and bodies as they were sent."""
    async with house.database.acquire() as connection:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        found = []
        for row in tables:
            rows = await connection.fetch(f'select to_jsonb(t)::text as row from "{row["tablename"]}" t')
            found += [each["row"] for each in rows]
        bodies = await connection.fetch("select encode(body, 'escape') as body from deliveries")
    return "\n".join([*found, *(each["body"] for each in bodies)])


async def maria(house: House) -> int:
    return await people.customer_id_of(house.database, 1, PLANTED[0])


async def erase(house: House, clock: Clock) -> erasing.Erased:
    customer_id = await maria(house)
    await erasing.erase(house, OWNER, customer_id, reason="asked by letter", now=clock.now)
    assert await erasing.finish_all(house, now=clock.now) == 1
    return await erasing.erase(house, OWNER, customer_id, reason="asked by letter", now=clock.now)


async def check(house: House, clock: Clock) -> Report:
    return await verify(house.database, now=clock.now)


async def test_all_that_was_planted_is_there_before(shop: House) -> None:
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text not in stored] == []


async def test_nothing_of_a_person_is_left_anywhere(shop: House, clock: Clock) -> None:
    before = await book(shop)
    erased = await erase(shop, clock)
    assert erased.done
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text.lower() in stored.lower()] == []
    assert await book(shop) == before
    assert "bob@example.com" in stored
    assert (await check(shop, clock)).violations == []


async def book(house: House) -> list[str]:
    """Every movement and balance."""
    async with house.database.acquire() as connection:
        rows = await connection.fetch("select movements::text as row from movements order by movement_id")
        accounts = await connection.fetch(
            "select concat(customer_id, ' ', pending, ' ', available, ' ', spent) as row from accounts"
        )
    return [row["row"] for row in (*rows, *accounts)]


async def test_the_history_stays_readable_and_says_who_erased(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    await erase(shop, clock)
    told = await timeline(shop.database, 1, customer_id)
    kinds = [line.kind for line in told.lines]
    assert kinds[0] is LineKind.ERASURE
    assert LineKind.ADJUSTMENT in kinds
    adjustment = next(line for line in told.lines if line.kind is LineKind.ADJUSTMENT)
    assert adjustment.sentences == ("Sue gave 30 points.",)
    profile = await people.profile(shop.database, 1, customer_id, now=clock.now)
    assert profile.erased_at == clock.now
    assert profile.standing.customer.blocked
    assert profile.standing.account.available > 0


async def test_a_refund_still_finds_its_order_and_gives_its_code_back(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    await erase(shop, clock)
    decision = await shop.engine.submit(1, make.refund("M2", 4999))
    assert decision.customer is not None
    assert decision.customer.id == customer_id
    assert "code stays used" in {entry.code for entry in decision.trace}
    assert (await check(shop, clock)).is_clean


async def test_the_shop_may_name_the_same_id_again_and_it_is_somebody_else(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    await erase(shop, clock)
    await shop.engine.submit(1, make.order("M9", customer=MARIA))
    assert await maria(shop) != customer_id


async def test_the_same_id_in_the_same_batch_is_somebody_else(shop: House) -> None:
    customer_id = await maria(shop)
    erase_her = EraseCustomer(customer_id=customer_id, replacement=f"erased-{'0' * 32}", actor="staff:1")
    erased, bought = await asyncio.gather(
        shop.engine.submit(1, erase_her), shop.engine.submit(1, make.order("M8", customer=MARIA))
    )
    assert erased.at == bought.at
    assert bought.customer is not None
    assert bought.customer.id > customer_id


async def test_what_a_crash_interrupts_is_finished_by_the_job(
    shop: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id = await maria(shop)

    async def crash(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "_by_key", crash)
        with pytest.raises(RuntimeError):
            await erasing.erase(shop, OWNER, customer_id, reason="asked", now=clock.now)
    assert (await check(shop, clock)).is_clean  # it has an hour
    assert "Mariquita" not in str(await people.profile(shop.database, 1, customer_id, now=clock.now))
    clock.forward(make.days(1))
    assert set((await check(shop, clock)).violated) == {"V26"}
    await erasing.finish_all(shop, now=clock.now)
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text.lower() in stored.lower()] == []
    assert (await check(shop, clock)).is_clean
    assert await erasing.finish_all(shop, now=clock.now) == 0


async def test_asking_twice_is_one_erasure_and_one_audit_entry(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    first = await erasing.erase(shop, OWNER, customer_id, reason="asked", now=clock.now)
    again = await erasing.erase(shop, OWNER, customer_id, reason="asked", now=clock.now)
    assert (first.replacement, first.done) == (again.replacement, False)
    async with shop.database.acquire() as connection:
        entries = await connection.fetch(f"select action, subject, reason from {ENTRIES}")
        events = await connection.fetchval("select count(*) from events where kind = 'customer.erased'")
    assert [tuple(entry) for entry in entries] == [("erase customer", f"customer {customer_id}", "asked")]
    assert events == 1


async def test_who_may_and_why(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    for role in (Role.SUPPORT, Role.ANALYST, Role.READ_ONLY, None):
        acting = msgspec.structs.replace(OWNER, role=role)
        with pytest.raises(NotAllowed):
            await erasing.erase(shop, acting, customer_id, reason="asked", now=clock.now)
    with pytest.raises(Invalid):
        await erasing.erase(shop, OWNER, customer_id, reason=" ", now=clock.now)
    with pytest.raises(UnknownCustomer):
        await erasing.erase(shop, OWNER, 99, reason="asked", now=clock.now)
    assert await maria(shop) == customer_id
    async with shop.database.acquire() as connection:
        assert await connection.fetchval("select count(*) from erasures") == 0


async def test_what_the_audit_log_says_of_a_person_goes_and_its_chain_holds(
    shop: House, clock: Clock
) -> None:
    gift = AdjustPoints(merchant_id=PLANTED[0], points=5, reason="for Mariquita", actor=OWNER.actor)
    await audit.act(
        shop.database,
        shop.engine,
        OWNER,
        gift,
        permission="points.adjust",
        action="adjust points",
        subject="customer 1",
        reason="for Mariquita",
        now=clock.now,
    )
    assert "Mariquita" in await everything_stored(shop)
    await erase(shop, clock)
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text.lower() in stored.lower()] == []
    assert (await check(shop, clock)).violations == []


async def test_a_reason_that_names_the_person_does_not(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    await erasing.erase(
        shop, OWNER, customer_id, reason="Mariquita asked from maria.quetzal@planted.example", now=clock.now
    )
    async with shop.database.acquire() as connection:
        reason = await connection.fetchval(f"select reason from {ENTRIES}")
    assert reason == "[erased] asked from [erased]"


async def test_the_command_line_erases_to_the_end(shop: House, clock: Clock) -> None:
    customer_id = await maria(shop)
    erased = await erasing.erase_now(shop.database, shop.engine, shop.vault, 1, customer_id, now=clock.now)
    assert erased.done
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text.lower() in stored.lower()] == []
    async with shop.database.acquire() as connection:
        assert await connection.fetchval(f"select actor from {ENTRIES}") == COMMAND_LINE


async def test_a_person_as_json_has_everything(shop: House) -> None:
    said = (await erasing.person_json(shop.database, 1, await maria(shop))).decode()
    found = msgspec.json.decode(said)
    assert found["customer"][0]["first_name"] == "Mariquita"
    assert [order["merchant_id"] for order in found["orders"]] == ["M1", "M2"]
    assert found["deliveries"][0]["body"] == PLANTED[18]
    assert sum(row["points"] for row in found["points"] if row["from_bucket"] == "issued") == 39 + 39 + 30
    kept_by_key = set(PLANTED) - {PLANTED[1], PLANTED[19]}
    assert [text for text in kept_by_key if text not in said] == []
    with pytest.raises(UnknownCustomer):
        await erasing.person_json(shop.database, 1, 99)


SEEDS = {
    "a name that came back": "update customers set first_name = 'Maria' where customer_id = 1",
    "an id that came back": "update customers set merchant_id = 'maria' where customer_id = 1",
    "details of an order": 'update orders set details = \'{"ip_address":"203.0.113.77"}\''
    " where customer_id = 1",
    "a reason in a trace": 'update decisions set trace = \'[["adjusted",{"reason":"hers"}]]\''
    " where decision_id = 3",
    "a note of an activity": "update activities set note = 'hers' where name = '$adjustment'",
    "a name in an event": 'update events set payload = \'{"customer":"maria"}\' where customer_id = 1',
    "a body that was kept": "update deliveries set body = 'hers' where decision_id is not null",
    "a key that was kept": "update identities set decision_id = 2, refusal = null, key = 'hers'"
    " where scope = 'api_key:1'",
    "a movement that is gone": "delete from movements where movement_id = 1",
    "a secret in clear": "update credentials set secret = 'in the clear' where kind = 'site'",
    "a key in clear": "update credentials set lookup = 'api_key:in-the-clear' where kind = 'api_key'",
    "a password in clear": "insert into staff"
    " (email, email_key, name, password_hash, password_at, created_at) values"
    " ('o', 'o', 'o', 'in the clear', now(), now());"
    "insert into staff_roles select 1, staff_id, 'owner', now() from staff where email = 'o'",
    "an erasure that nobody finishes": "update erasures set done_at = null, movements = null,"
    " wanted_at = wanted_at - interval '2 hours', looked_for = (select secret from credentials limit 1)",
}


@pytest.mark.parametrize("seed", SEEDS)
async def test_v26_catches(shop: House, clock: Clock, seed: str) -> None:
    await erase(shop, clock)
    async with shop.database.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(SEEDS[seed].replace("limit 1)", "where secret is not null limit 1)"))
    report = await check(shop, clock)
    assert "V26" in report.violated, report.violations


async def test_who_was_merged_is_erased_with_the_one_who_stayed(shop: House, clock: Clock) -> None:
    """Bob and Maria are one: whichever of the two records is named, nothing of either is left."""
    maria_id, bob_id = await maria(shop), await people.customer_id_of(shop.database, 1, "bob")
    await shop.engine.submit(1, make.merge(maria_id, bob_id, reason=PLANTED[16]))
    await shop.engine.submit(1, make.order("M9", customer=MARIA))
    whole = msgspec.json.decode(await erasing.person_json(shop.database, 1, bob_id))
    assert msgspec.json.decode(await erasing.person_json(shop.database, 1, maria_id)) == whole
    assert {one["customer_id"] for one in whole["customer"]} == {maria_id, bob_id}
    assert {one["merchant_id"] for one in whole["orders"]} == {"M1", "M2", "B1", "M9"}
    assert {one["customer_id"] for one in whole["decisions"]} == {maria_id, bob_id}
    before = sorted(await book(shop))
    await erasing.erase(shop, OWNER, maria_id, reason="asked by letter", now=clock.now)
    assert await erasing.finish_all(shop, now=clock.now) == 2
    erased = await erasing.erase(shop, OWNER, maria_id, reason="asked by letter", now=clock.now)
    assert erased.done
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text.lower() in stored.lower()] == []
    assert "bob@example.com" not in stored
    assert sorted(await book(shop)) == before
    assert (await check(shop, clock)).violations == []


async def test_who_was_erased_is_not_merged_even_before_it_is_done(shop: House, clock: Clock) -> None:
    maria_id, bob_id = await maria(shop), await people.customer_id_of(shop.database, 1, "bob")
    await erasing.erase(shop, OWNER, maria_id, reason="asked by letter", now=clock.now)
    for gone, into, field in ((maria_id, bob_id, "customer"), (bob_id, maria_id, "into")):
        with pytest.raises(Invalid) as refused:
            await shop.engine.submit(1, make.merge(gone, into))
        assert refused.value.field == field


async def test_a_merge_and_an_erasure_at_once_leave_nothing_or_nobody_merged(
    shop: House, clock: Clock
) -> None:
    maria_id, bob_id = await maria(shop), await people.customer_id_of(shop.database, 1, "bob")
    merged, _ = await asyncio.gather(
        shop.engine.submit(1, make.merge(maria_id, bob_id)),
        erasing.erase(shop, OWNER, maria_id, reason="asked by letter", now=clock.now),
        return_exceptions=True,
    )
    await erasing.finish_all(shop, now=clock.now)
    stored = await everything_stored(shop)
    assert [text for text in PLANTED if text.lower() in stored.lower()] == []
    assert ("bob@example.com" in stored) == isinstance(merged, Invalid)
    assert (await check(shop, clock)).violations == []


async def test_the_command_line_erases_merged_records_to_the_end(shop: House, clock: Clock) -> None:
    maria_id, bob_id = await maria(shop), await people.customer_id_of(shop.database, 1, "bob")
    await shop.engine.submit(1, make.merge(bob_id, maria_id))
    erased = await erasing.erase_now(shop.database, shop.engine, shop.vault, 1, maria_id, now=clock.now)
    assert erased.done
    stored = await everything_stored(shop)
    assert [text for text in (*PLANTED, "bob@example.com") if text.lower() in stored.lower()] == []
    assert (await check(shop, clock)).violations == []
