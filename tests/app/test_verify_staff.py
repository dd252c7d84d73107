"""V25 catches what staff did without a word in the audit log, and a log that was changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regulars.app import audit
from regulars.app.access import Acting, Author, Role
from regulars.app.codes import uploads, voiding
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.app.rewards import create_reward
from regulars.app.staff import colleagues
from regulars.app.verify import Report, verify
from regulars.domain.commands import AdjustPoints, CustomerRef, SaveCustomer
from regulars.domain.rewards import CodeSource
from regulars.storage import staff as storage
from tests import make
from tests.clock import Clock


@pytest.fixture
async def shop(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    """The tea shop, in which Ann gave Alice 50 points and took 20, and who does what was changed twice."""
    house = await House.open(make.settings(tmp_path), database, clock=clock)
    made = await create_program(
        house.database, house.vault, name="Tea", domain="https://tea.example", currency="GBP", now=clock()
    )
    for email, role in (("ann@tea.example", Role.OWNER), ("ben@tea.example", Role.SUPPORT)):
        await colleagues.add(
            house.database, email=email, name="Ann", role=role, program_ids=[made.program_id], now=clock()
        )
    async with house.database.acquire() as connection:
        ann = await storage.by_email(connection, "ann@tea.example")
    assert ann is not None
    acting = Acting(
        staff_id=ann.staff_id, email=ann.email, name="Ann", program_id=made.program_id, role=Role.OWNER
    )
    await house.engine.submit(made.program_id, SaveCustomer(customer=CustomerRef(merchant_id="alice")))
    for points in (50, -20):
        command = AdjustPoints(merchant_id="alice", points=points, reason="a cup", actor=acting.actor)
        await audit.act(
            house.database,
            house.engine,
            acting,
            command,
            permission="points.adjust",
            action="adjust points",
            subject="customer alice",
            reason="a cup",
            now=clock(),
        )
    yield house
    await house.close()


async def check(shop: House) -> Report:
    return await verify(shop.database, now=shop.clock())


async def test_a_book_with_all_its_entries_is_clean(shop: House) -> None:
    assert (await check(shop)).violations == []


@pytest.mark.parametrize(
    ("name", "statement", "subject"),
    [
        (
            "an adjustment that stands in no log",
            "update decisions set actor = 'staff:1' where kind = 'SaveCustomer'",
            "decision 1",
        ),
        ("an entry that is gone", "delete from audit_entries where entry_id = 4", "audit entry 5"),
        ("the last entry gone", "delete from audit_entries where entry_id = 5", "the audit log's end"),
        ("an entry gone that a decision needs", "delete from audit_entries where entry_id = 5", "decision 3"),
        ("a reason taken away", "update audit_entries set reason = '' where entry_id = 5", "decision 3"),
        (
            "a reason made up",
            "update audit_entries set reason = 'a gift' where entry_id = 5",
            "audit entry 5",
        ),
        (
            "somebody else named",
            "update audit_entries set actor = 'staff:2' where entry_id = 5",
            "decision 3",
        ),
        ("nobody named", "update audit_entries set actor = 'staff:99' where entry_id = 5", "audit entry 5"),
        (
            "a time that was moved",
            "update audit_entries set at = at - interval '1 day' where entry_id = 3",
            "audit entry 3",
        ),
        (
            "an entry put in by hand",
            (
                "insert into audit_entries select program_id, 6, at, actor, name, action, subject, before, "
                "after, reason, form_key, salt, digest, hash, forgotten_at from audit_entries "
                "where entry_id = 5"
            ),
            "audit entry 6",
        ),
        (
            "a head that was set back",
            "update audit_heads set entries = 4",
            "the audit log's end",
        ),
        (
            "an entry that was changed with its digest",
            "update audit_entries set reason = 'x', digest = sha256('x') where entry_id = 4",
            "audit entry 4",
        ),
    ],
)
async def test_it_is_caught(shop: House, name: str, statement: str, subject: str) -> None:
    async with shop.database.acquire() as connection:
        await connection.execute(statement)
    report = await check(shop)
    found = [one.subject for one in report.violations if one.invariant == "V25"]
    assert subject in found, (name, report.violations)


async def test_codes_that_staff_brought_in_and_voided_stand_in_the_log(shop: House) -> None:
    ann = Author("staff:1", "Ann")
    await create_reward(shop.database, 1, make.reward(codes=CodeSource.POOL), now=shop.clock())
    file = b"AAAABBBBCCCC1\nAAAABBBBCCCC2\nAAAABBBBCCCC3\n"
    await uploads.import_codes(shop.database, 1, 1, file, by=ann, now=shop.clock())
    await voiding.void_codes(shop.database, 1, 1, ["AAAABBBBCCCC1"], by=ann, now=shop.clock())
    await voiding.void_all(shop.database, 1, 1, by=ann, now=shop.clock())
    assert (await check(shop)).violations == []
    async with shop.database.acquire() as connection:
        await connection.execute(
            "update audit_entries set action = 'make reward' where action = 'void codes'"
        )
    saw = [one.saw for one in (await check(shop)).violations if one.invariant == "V25"]
    assert saw.count("VoidCodes by staff:1, and no entry") == 2
