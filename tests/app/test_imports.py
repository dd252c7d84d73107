"""Importing a shop's history: as of then, once, whatever happens on the way; refused rows beside the file."""

import asyncio
import csv
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from regulars.app.house import House
from regulars.app.imports import KINDS, Progress, Summary, find_shop, run_import
from regulars.app.imports.reasons import reason_of
from regulars.app.programs import UnknownProgram, apply_changes
from regulars.app.rules import RuleChanges
from regulars.app.verify import verify
from regulars.domain.commands import Command, PatchCustomer
from regulars.domain.decisions import Decision
from regulars.domain.errors import Busy, Invalid, Late, UnknownSite, Unsure
from tests import make
from tests.app.test_engine import open_shop

ORDERS = "order_id,date,customer_id,customer_email,total,shipping,discounts"
REFUNDS = "refund_id,order_id,amount,date"


class Desk:
    """Imports files into the one shop of a house."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.path = folder

    async def takes(
        self, kind: str, *lines: str, name: str = "file.csv", heard: Callable[[Progress], None] | None = None
    ) -> Summary:
        file = self.path / name
        file.write_text("\n".join(lines) + "\n")
        return await self.again(kind, file, heard)

    async def again(self, kind: str, file: Path, heard: Callable[[Progress], None] | None = None) -> Summary:
        shop = await find_shop(self.house, None, None)
        return await run_import(self.house, KINDS[kind], file, shop, progress=heard)

    async def asks(self, question: str) -> list[tuple[Any, ...]]:
        async with self.house.database.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(question)]

    async def balances(self) -> dict[str, tuple[int, int]]:
        rows = await self.asks(
            "select merchant_id, pending, available from accounts "
            "join customers using (program_id, customer_id)"
        )
        return {merchant_id: (pending, available) for merchant_id, pending, available in rows}

    async def is_sound(self) -> bool:
        report = await verify(self.house.database, now=self.house.clock())
        assert report.is_clean, report.violations
        return True


def rejected(done: Summary) -> list[dict[str, str]]:
    assert done.rejected_file is not None
    with Path(done.rejected_file).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
async def desk(house: House, tmp_path: Path) -> Desk:
    await open_shop(house, approval_days=14)
    return Desk(house, tmp_path)


async def test_old_orders_have_their_points_and_young_ones_wait_as_if_we_had_always_been_there(
    desk: Desk,
) -> None:
    done = await desk.takes(
        "orders",
        ORDERS,
        "A1,2025-06-01T10:00:00Z,alice,alice@example.com,49.99,10.00,10.00",
        "A2,2026-02-25,alice,alice@example.com,20.00,0,0",
        "B1,2025-06-02T12:00:00+02:00,bob,bob@example.com,10.00,0,0",
    )
    assert (done.rows, done.recorded, done.known, done.rejected) == (3, 3, 0, 0)
    assert await desk.balances() == {"alice": (20, 29), "bob": (0, 10)}
    assert await desk.asks("select placed_at, paid_at from orders where merchant_id = 'B1'") == [
        (datetime(2025, 6, 2, 10, tzinfo=UTC),) * 2
    ]
    assert await desk.asks(
        "select cause, effective_at from movements where order_id = 1 order by movement_id"
    ) == [
        ("purchase", datetime(2025, 6, 1, 10, tzinfo=UTC)),
        ("approval", datetime(2025, 6, 15, 10, tzinfo=UTC)),
    ]
    assert await desk.asks("select member_since from customers where merchant_id = 'alice'") == [
        (datetime(2025, 6, 1, 10, tzinfo=UTC),)
    ]
    assert await desk.is_sound()


async def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    lines = [f"A{n},2025-06-01,alice,alice@example.com,{n}.00,0,0" for n in range(1, 200)]
    await desk.takes("orders", ORDERS, *lines)
    before = await desk.asks("select * from heads")
    done = await desk.again("orders", desk.path / "file.csv")
    assert (done.recorded, done.known, done.rejected) == (0, 199, 0)
    assert await desk.asks("select * from heads") == before


async def test_an_order_that_is_known_with_other_content_is_rejected_and_stays(desk: Desk) -> None:
    await desk.takes("orders", ORDERS, "A1,2025-06-01,alice,alice@example.com,10.00,0,0")
    done = await desk.takes(
        "orders",
        ORDERS,
        "A1,2025-06-01,alice,alice@example.com,12.00,0,0",
        "A2,2025-06-01,alice,alice@example.com,5.00,0,0",
    )
    assert (done.recorded, done.rejected) == (1, 1)
    [row] = rejected(done)
    assert row["line"] == "2" and row["order_id"] == "A1" and row["total"] == "12.00"
    assert row["reason"] == "differs: the order is known with another total"
    assert await desk.balances() == {"alice": (0, 15)}


async def test_what_is_rejected_can_be_put_right_and_imported_as_it_is(desk: Desk) -> None:
    done = await desk.takes(
        "orders",
        ORDERS,
        "A1,2025-06-01,alice,alice@example.com,£10,0,0",
        "A2,yesterday,alice,alice@example.com,10.00,0,0",
        ",2025-06-01,alice,alice@example.com,10.00,0,0",
        "A4,2025-06-01,alice,nobody,10.00,0,0",
        "A5,2025-06-01,,,10.00,0,0",
        "A6,2025-06-01,alice,alice@example.com,10.00,11.00,0",
        "A7,2027-06-01,alice,alice@example.com,10.00,0,0",
        "A8,2025-06-01,alice",
        "A9,2025-06-01,alice,alice@example.com,10.00,0,0",
    )
    assert (done.recorded, done.rejected) == (1, 8)
    found = {row["line"]: row["reason"] for row in rejected(done)}
    assert {line: reason.split(" ")[0] for line, reason in found.items()} == {
        "2": "total",
        "3": "date",
        "4": "order_id",
        "5": "customer_email",
        "6": "customer_id",
        "7": "total",
        "8": "date",
        "9": "has",
    }
    assert done.rejected_file is not None
    beside = Path(done.rejected_file)
    assert beside == desk.path / "file.csv.rejected.csv"
    assert beside.stat().st_mode & 0o777 == 0o600
    beside.write_text(beside.read_text().replace("£10", "10"))
    done = await desk.again("orders", beside)
    assert (done.recorded, done.rejected, done.unused) == (1, 7, ())


async def test_an_earlier_runs_file_of_rejected_rows_goes_when_nothing_is_rejected(desk: Desk) -> None:
    done = await desk.takes("orders", ORDERS, "A1,never,alice,alice@example.com,10.00,0,0")
    assert Path(str(done.rejected_file)).exists()
    done = await desk.takes("orders", ORDERS, "A1,2025-06-01,alice,alice@example.com,10.00,0,0")
    assert done.rejected_file is None
    assert not (desk.path / "file.csv.rejected.csv").exists()


async def test_what_the_columns_say_counts(desk: Desk) -> None:
    done = await desk.takes(
        "orders",
        "id;created_at;customer_id;email;guest;total;tax;payment_status;total_paid;cancelled;Currency;number;Colour",
        "A1;2025-06-01;alice;a@example.com;;10.00;2.00;;;;gbp;#1001;red",
        "A2;2025-06-01;alice;a@example.com;;10.00;;not_paid;;;;;",
        "A3;2025-06-01;alice;a@example.com;;10.00;;Partially_paid;4.00;no;;;",
        "A4;2025-06-01;alice;a@example.com;;10.00;;;;true;;;",
        "G1;2025-06-01;;guest@example.com;;10.00;;;;;;;",
        "G2;2025-06-01;alice;a@example.com;yes;10.00;;;;;;;",
        "X1;2025-06-01;alice;a@example.com;;10.00;;;;;EUR;;",
        "X2;2025-06-01;alice;a@example.com;;10.00;;later;;;;;",
        "X3;2025-06-01;alice;a@example.com;;10.00;;;;perhaps;;;",
    )
    assert done.unused == ("Colour",)
    assert [row["reason"].split(" ")[0] for row in rejected(done)] == [
        "currency",
        "payment_status",
        "cancelled",
    ]
    assert await desk.asks("select merchant_id, given, taken, merchant_number from orders order by 1") == [
        ("A1", 8, 0, "#1001"),
        ("A2", 0, 0, None),
        ("A3", 0, 0, None),
        ("A4", 10, 10, None),
        ("G1", 0, 0, None),
        ("G2", 0, 0, None),
    ]
    again = await desk.again("orders", desk.path / "file.csv")
    assert (again.recorded, again.known, again.rejected) == (0, 6, 3)
    assert await desk.is_sound()


async def test_refunds_take_as_of_their_date_and_once(desk: Desk) -> None:
    await desk.takes("orders", ORDERS, "A1,2025-06-01,alice,alice@example.com,49.99,10.00,10.00")
    done = await desk.takes(
        "refunds", REFUNDS, "R1,A1,15.99,2025-07-01", "R2,A1,24.00,2025-07-02", "R1,A9,1.00,"
    )
    assert (done.recorded, done.rejected) == (2, 1)
    assert "A9" in rejected(done)[0]["reason"]
    assert await desk.balances() == {"alice": (0, 0)}
    assert await desk.asks(
        "select points, effective_at from movements where cause = 'refund' order by movement_id"
    ) == [(11, datetime(2025, 7, 1, tzinfo=UTC)), (18, datetime(2025, 7, 2, tzinfo=UTC))]
    again = await desk.takes("refunds", REFUNDS, "R1,A1,15.99,2025-07-01", "R2,A1,23.00,2025-07-02")
    assert (again.recorded, again.known, again.rejected) == (0, 1, 1)
    assert rejected(again)[0]["reason"] == "differs: the refund is known with another amount"
    assert await desk.is_sound()


async def test_a_refund_needs_an_id_of_its_own_and_a_date_that_has_been(desk: Desk) -> None:
    await desk.takes("orders", ORDERS, "A1,2025-06-01,alice,alice@example.com,10.00,0,0")
    done = await desk.takes("refunds", REFUNDS, ",A1,1.00,2025-07-01", "R1,A1,1.00,2027-07-01", "R2,A1,99,")
    reasons = [row["reason"] for row in rejected(done)]
    assert reasons[0] == "refund_id is required"
    assert reasons[1] == "date lies in the future"
    assert reasons[2].startswith("amount")


async def test_customers_bring_their_points_once(desk: Desk) -> None:
    lines = (
        "id,email,first_name,birthday,enrolled,points_approved",
        "alice,alice@example.com,Alice,1990-12-31,2024-01-02T03:04:05Z,250",
        "bob,bob@example.com,,,,0",
    )
    done = await desk.takes("customers", *lines)
    assert (done.recorded, done.rejected) == (2, 0)
    assert await desk.balances() == {"alice": (0, 250), "bob": (0, 0)}
    assert await desk.asks(
        "select first_name, birthday::text, member_since from customers where merchant_id = 'alice'"
    ) == [("Alice", "1990-12-31", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))]
    assert await desk.asks("select note, points from activities where name = '$adjustment'") == [
        ("Imported", 250)
    ]
    again = await desk.takes("customers", *lines)
    assert (again.recorded, again.known, again.rejected) == (0, 2, 0)
    other = await desk.takes("customers", lines[0], lines[1].replace("250", "260"))
    assert "imported before" in rejected(other)[0]["reason"]
    assert await desk.balances() == {"alice": (0, 250), "bob": (0, 0)}
    assert await desk.is_sound()


async def test_lootlys_export_reaches_the_members_by_their_e_mail(desk: Desk) -> None:
    await desk.takes("customers", "customer_id,email", "alice,alice@example.com")
    done = await desk.takes(
        "customers",
        "Name,Email,Points",
        "Alice van Dyck,Alice@Example.com,120",
        "Bob Smith,bob@example.com,80",
        "Carol,carol@example.com,",
        "Dora,,5",
    )
    assert await desk.asks("select first_name, last_name from customers where email = 'bob@example.com'") == [
        ("Bob", "Smith")
    ]
    assert (await desk.balances())["alice"] == (0, 120)
    assert {row["Name"]: row["reason"] for row in rejected(done)} == {
        "Bob Smith": "customer_id is required for points, as no member has this email",
        "Dora": "customer_id is required where there is no email",
    }
    # Once the shop's ids are known, the rejected rows can be imported as they are.
    rest = Path(str(done.rejected_file)).rename(desk.path / "rest.csv")
    await desk.takes("customers", "customer_id,email", "bob,bob@example.com")
    done = await desk.again("customers", rest)
    assert (done.recorded, done.rejected) == (1, 1)
    assert (await desk.balances())["bob"] == (0, 80)


async def test_a_blocked_customers_points_wait_until_that_ends(desk: Desk) -> None:
    shop = await find_shop(desk.house, None, None)
    await desk.takes("customers", "customer_id,points", "alice,")
    await desk.house.engine.submit(shop.program.id, PatchCustomer(merchant_id="alice", blocked=True))
    done = await desk.takes("customers", "customer_id,points", "alice,30")
    assert "blocked" in rejected(done)[0]["reason"]
    await desk.house.engine.submit(shop.program.id, PatchCustomer(merchant_id="alice", blocked=False))
    await desk.takes("customers", "customer_id,points", "alice,30")
    assert await desk.balances() == {"alice": (0, 30)}


async def test_an_order_earns_by_the_rules_as_they_are_now(desk: Desk) -> None:
    shop = await find_shop(desk.house, None, None)
    changes = RuleChanges(points_per_unit="2", join_points=50)
    await apply_changes(desk.house.database, shop.program.id, changes, now=make.NOON)
    await desk.takes("orders", ORDERS, "A1,2025-06-01,alice,alice@example.com,10.00,0,0")
    assert await desk.balances() == {"alice": (0, 70)}


async def test_json_lines_say_the_same(desk: Desk) -> None:
    done = await desk.takes(
        "orders",
        '{"order_id": 1001, "date": "2025-06-01", "customer_id": 7, "total": 39.99, "cancelled": false}',
        '{"order_id": 1002, "date": "2025-06-01", "customer_id": 7, "total": "10", "cancelled": true}',
        '{"order_id": 1003, "date": null, "customer_id": 7, "total": "10"}',
        "no object",
        name="orders.jsonl",
    )
    assert (done.recorded, done.rejected) == (2, 2)
    assert await desk.balances() == {"7": (0, 39)}
    row = next(row for row in rejected(done) if row["line"] == "3")
    assert row["reason"] == "date is required" and '"order_id": 1003' in row["row"]


async def test_text_that_can_not_be_kept_is_rejected_and_its_bytes_are_given_back(desk: Desk) -> None:
    path = desk.path / "file.csv"
    path.write_bytes(f"{ORDERS}\nA\xe9,2025-06-01,alice,a@b.example,1.00,0,0\n".encode("latin-1"))
    done = await desk.again("orders", path)
    assert done.rejected == 1
    beside = (desk.path / "file.csv.rejected.csv").read_bytes()
    assert b"A\xe9," in beside
    path.write_bytes(f"{ORDERS}\nA\0,2025-06-01,alice,a@b.example,1.00,0,0\n".encode())
    assert (await desk.again("orders", path)).rejected == 1


async def test_progress_is_told_and_the_file_is_read_no_faster_than_it_is_taken_in(desk: Desk) -> None:
    heard: list[Progress] = []
    lines = [f"A{n},2025-06-01,c{n % 40},c{n % 40}@example.com,{n}.00,0,0" for n in range(1, 1501)]
    done = await desk.takes("orders", ORDERS, *lines, heard=heard.append)
    assert done.recorded == 1500
    assert [news.rows for news in heard] == sorted(news.rows for news in heard)
    assert len(heard) == 7 and heard[-1].file_bytes >= heard[-1].read_bytes > 0
    assert all(200 * number - news.rows <= 300 for number, news in enumerate(heard, start=1))


async def test_while_the_database_is_away_rows_are_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third command fails in one of the three ways; of those that are unsure, half have happened."""
    chance, submit = random.Random(7), desk.house.engine.submit
    failed: list[str] = []

    async def unreliable(program_id: int, command: Command, **how: Any) -> Decision:
        error = chance.choice((None, None, None, None, None, None, Busy(), Late(), Unsure(), Unsure()))
        if isinstance(error, Unsure) and chance.random() < 0.5:
            await submit(program_id, command, **how)
        if error is not None:
            failed.append(type(error).__name__)
            raise error
        return await submit(program_id, command, **how)

    monkeypatch.setattr(desk.house.engine, "submit", unreliable)
    monkeypatch.setattr("regulars.app.imports.run.PAUSE_SECONDS", 0.01)
    lines = [f"c{n},c{n}@example.com,{n}" for n in range(1, 101)]
    done = await desk.takes("customers", "customer_id,email,points", *lines)
    assert done.rejected == 0 and set(failed) == {"Busy", "Late", "Unsure"}
    assert sum(available for _, available in (await desk.balances()).values()) == 5050
    assert await desk.is_sound()


async def test_a_database_that_stays_away_ends_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> Decision:
        raise Late(program=1)

    monkeypatch.setattr(desk.house.engine, "submit", away)
    monkeypatch.setattr("regulars.app.imports.run.PATIENCE_SECONDS", 0.0)
    with pytest.raises(Late):
        await desk.takes("orders", ORDERS, "A1,2025-06-01,alice,alice@example.com,10.00,0,0")


class Batches:
    """Counts the batches that an engine has saved."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        monkeypatch.setattr(house.engine, "reached", self._reached)

    def _reached(self, point: str) -> None:
        self.number += point == "before answer"


async def waits_of_checkout(
    desk: Desk, checkout: House, batches: Batches, importing: "asyncio.Task[Summary]"
) -> list[int]:
    """Sends orders, one by one, while a file is imported: how many of its batches each waited for."""
    shop = await find_shop(desk.house, None, None)
    waits = []
    while not importing.done():
        before = batches.number
        order = make.order(placed_at=make.NOON, site_id=shop.site.id)
        await checkout.engine.submit(shop.program.id, order)
        waits.append(batches.number - before)
    assert len(waits) >= 5
    return waits


MANY = [f"A{n},2025-06-01,c{n % 40},c{n % 40}@example.com,{n}.00,0,0" for n in range(1, 2001)]


async def test_a_checkout_order_goes_before_the_rows_that_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = Batches(desk.house, monkeypatch)
    importing = asyncio.create_task(desk.takes("orders", ORDERS, *MANY))
    waits = await waits_of_checkout(desk, desk.house, batches, importing)
    assert max(waits) <= 2, "the batch at work, and the one that it is in"
    assert (await importing).recorded == 2000
    assert await desk.is_sound()


async def test_a_checkout_order_in_another_process_waits_for_a_batch_or_two(
    desk: Desk, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes meet at the head row, which goes to whoever has waited longest."""
    checkout = await House.open(make.settings(desk.path), database, clock=desk.house.clock)
    try:
        batches = Batches(desk.house, monkeypatch)
        importing = asyncio.create_task(desk.takes("orders", ORDERS, *MANY))
        waits = await waits_of_checkout(desk, checkout, batches, importing)
        assert sorted(waits)[len(waits) // 2] <= 2
        assert max(waits) <= 4
        assert (await importing).recorded == 2000
    finally:
        await checkout.close()
    assert await desk.is_sound()


async def test_the_shop_must_be_named_where_there_are_several(house: House) -> None:
    with pytest.raises(Invalid, match="there are 0 programs"):
        await find_shop(house, None, None)
    await open_shop(house)
    second = await open_shop(house, name="Second")
    with pytest.raises(Invalid) as refused:
        await find_shop(house, None, None)
    assert "program must be named" in reason_of(refused.value)
    assert (await find_shop(house, second, None)).program.name == "Second"
    with pytest.raises(UnknownSite):
        await find_shop(house, second, 9)
    with pytest.raises(UnknownProgram):
        await find_shop(house, 9, None)
