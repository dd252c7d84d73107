"""Codes brought into a pool: all of a file or nothing, each bad line named, and no order kept waiting."""

import asyncio
import contextlib
import csv
import io
import secrets
import time
from typing import Any

import msgspec
import pytest

from regulars.app import claims, rewards
from regulars.app.claims import random_code
from regulars.app.codes.files import read_file, read_list, warnings
from regulars.app.codes.lists import export_codes, list_codes
from regulars.app.codes.uploads import CodesRejected, Imported, import_codes
from regulars.app.codes.voiding import VOID_AT_ONCE, void_all, void_codes
from regulars.app.house import House
from regulars.app.verify.run import verify
from regulars.domain.commands import Identity
from regulars.domain.errors import Busy, IdentityReused, Invalid, Late, OutOfStock
from regulars.domain.rewards import CodeSource, CodeState, Stock
from tests import make
from tests.app.test_engine import open_shop
from tests.pace import within

WAITING = """
    select count(*) from pg_locks where not granted and pid in (
        select pid from pg_stat_activity where datname = current_database())
      and pg_stat_clear_snapshot() is not null
"""
"""Both of two who wait for a row, on different locks. A transaction keeps what it has seen of activities."""


async def open_with_pool(house: House, **changes: Any) -> int:
    """A shop with two rewards whose codes are uploaded, and Alice, who has 100 points."""
    shop = await open_shop(house)
    for _ in range(2):
        reward = make.reward(codes=CodeSource.POOL, **changes)
        await rewards.create_reward(house.database, shop, reward, now=make.NOON)
    await house.engine.submit(shop, make.order("first", total=10_000, shipping=0))
    return shop


async def upload(house: House, shop: int, data: bytes, reward_id: int = 1, **given: Any) -> Imported:
    return await import_codes(house.database, shop, reward_id, data, by=make.SUE, now=house.clock(), **given)


async def stock(house: House, shop: int, reward_id: int = 1) -> Stock:
    house.programs.forget()
    return (await rewards.stocks(house.database, await house.programs.get(shop)))[reward_id]


async def events(house: House, shop: int, kind: str) -> list[dict[str, Any]]:
    async with house.database.acquire() as connection:
        rows = await connection.fetch(
            "select payload from events where program_id = $1 and kind = $2 order by event_id", shop, kind
        )
    return [msgspec.json.decode(row["payload"]) for row in rows]


async def problems_of(house: House, shop: int, data: bytes) -> list[tuple[int, str]]:
    with pytest.raises(CodesRejected) as rejected:
        await upload(house, shop, data)
    return [(problem.line, problem.reason) for problem in rejected.value.problems]


async def is_sound(house: House) -> bool:
    return (await verify(house.database, now=house.clock())).violations == []


# -- reading a file


@pytest.mark.parametrize(
    "data",
    [
        b"ABC\nDEF\n",
        b"ABC\r\nDEF",
        b"ABC\rDEF\r\r",
        b"\xef\xbb\xbfABC\nDEF\n\n  \n",
        b"Coupon Codes\nABC\nDEF\n",
        b'\xef\xbb\xbf"coupon_code"\r\n"ABC"\r\n" DEF "\r\n',
        b"code,\nABC,\n DEF ,\n",
        b"discount code;\nABC;\nDEF;;\n",
        b"\tABC\t\nDEF\t\n",
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(data: bytes) -> None:
    file = read_file(data)
    assert [code for _, code in file.codes.values()] == ["ABC", "DEF"]
    assert file.problems == ()


def test_a_heading_is_noticed_and_lines_are_counted_with_it() -> None:
    file = read_file(b"Voucher codes\nABC\nabc\n")
    assert file.header == "Voucher codes"
    assert [(problem.line, problem.reason) for problem in file.problems] == [(3, "is the same as line 2")]
    assert read_file(b"VOUCHER7\n").header is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "is empty"),
        (b'" "', "is empty"),
        (b"A,B", "has more than one column"),
        (b'"A', "is no CSV: unexpected end of data"),
        (b"A" * 65, "has more than 64 characters"),
        (b"A\x00B", "contains a control character or one that can't be seen"),
        (b"A\x1bB", "contains a control character or one that can't be seen"),
        ("A\u202eB".encode(), "contains a control character or one that can't be seen"),
        (b"A\xffB", "is not in UTF-8"),
    ],
)
def test_what_is_no_code_is_named_by_its_line(line: bytes, reason: str) -> None:
    file = read_file(b"FIRST\n" + line + b"\nLAST\n")
    assert [(problem.line, problem.reason) for problem in file.problems] == [(2, reason)]
    assert all(problem.code.isprintable() for problem in file.problems)


@pytest.mark.parametrize("data", [b"A\n" * 3_000_000, "ABC".encode("utf-16"), b"A\n" * 600_000])
def test_what_is_no_such_file_at_all_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_file(data)


def test_codes_that_can_be_guessed_are_warned_about() -> None:
    numbered = read_list([f"TEA{number:04}" for number in (9, 1, 2, 3, 7)])
    assert [(warned.kind, warned.codes) for warned in warnings(numbered)] == [("short", 5), ("sequence", 3)]
    assert "TEA0001 to TEA0003" in warnings(numbered)[1].message
    prefixed = read_list([f"SUMMER-SALE-2026-{secrets.token_hex(3)}" for _ in range(20)])
    assert [warned.kind for warned in warnings(prefixed)] == ["short"]
    assert warnings(read_list([random_code() for _ in range(2000)])) == ()
    assert [warned.kind for warned in warnings(read_list(["SPRING"]))] == ["short"]


# -- all or nothing


async def test_a_file_fills_the_pool_and_its_codes_are_handed_out(house: House) -> None:
    shop = await open_with_pool(house)
    done = await upload(house, shop, b"Coupon codes\nTEA-1\nTEA-2\n")
    assert (done.taken, done.free, done.header) == (2, 2, "Coupon codes")
    claim = await claims.redeem(house.database, house.engine, shop, 1, merchant_id="alice")
    assert claim.code in {"TEA-1", "TEA-2"}
    assert await stock(house, shop) == Stock(
        reward_id=1, claimed=1, codes_imported=2, codes_free=1, codes_handed=1
    )
    assert await events(house, shop, "codes.imported") == [{"reward": 1, "codes": 2, "free": 2}]
    with pytest.raises(OutOfStock):
        await claims.redeem(house.database, house.engine, shop, 2, merchant_id="alice")
    assert await is_sound(house)


async def test_one_bad_line_and_nothing_of_the_file_is_taken(house: House) -> None:
    shop = await open_with_pool(house)
    await upload(house, shop, b"OLD\n", reward_id=2)
    found = await problems_of(house, shop, b"NEW\nold\n\nnew\n")
    assert found == [
        (2, "is there already, of the reward 2"),
        (3, "is empty"),
        (4, "is the same as line 1"),
    ]
    assert await stock(house, shop) == Stock(reward_id=1)
    assert await list_codes(house.database, shop, 1) == []
    assert (await upload(house, shop, b"NEW\n")).taken == 1
    assert await problems_of(house, shop, b"NEW") == [(1, "is there already, in this pool")]


async def test_a_code_that_we_made_is_not_taken_from_a_file(house: House) -> None:
    shop = await open_with_pool(house)
    await rewards.create_reward(house.database, shop, make.reward(), now=make.NOON)
    made = await claims.redeem(house.database, house.engine, shop, 3, merchant_id="alice")
    assert made.code is not None
    assert await problems_of(house, shop, made.code.lower().encode()) == [
        (1, "is there already, of the reward 3")
    ]
    with pytest.raises(Invalid, match="has no pool"):
        await upload(house, shop, b"ABC\n", reward_id=3)


async def test_an_empty_file_is_refused(house: House) -> None:
    shop = await open_with_pool(house)
    for data in (b"", b"\n\n", b"Coupon code\n"):
        with pytest.raises(Invalid, match="must not be empty"):
            await upload(house, shop, data)


async def test_the_same_key_imports_once(house: House) -> None:
    shop = await open_with_pool(house)
    identity = Identity(scope="upload", key="K1", fingerprint=bytes(16), at=make.NOON)
    first = await upload(house, shop, b"ABC\nDEF\n", identity=identity)
    assert await upload(house, shop, b"ABC\nDEF\n", identity=identity) == first
    other = msgspec.structs.replace(identity, fingerprint=bytes([1] * 16))
    with pytest.raises(IdentityReused):
        await upload(house, shop, b"GHI\n", identity=other)
    assert (await stock(house, shop)).codes_imported == 2
    assert len(await events(house, shop, "codes.imported")) == 1


async def test_two_files_with_codes_in_common_at_once_one_is_taken(house: House) -> None:
    shop = await open_with_pool(house)
    codes = [random_code() for _ in range(6000)]
    files = ["\n".join(codes[:4000]).encode(), "\n".join(reversed(codes[2000:])).encode()]
    answers = await asyncio.gather(*(upload(house, shop, data) for data in files), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["CodesRejected", "Imported"]
    assert (await stock(house, shop)).codes_free == 4000
    assert await is_sound(house)


# -- void, listed, taken out


async def test_free_codes_are_made_void_and_others_are_named(house: House) -> None:
    shop = await open_with_pool(house, low_stock=2)
    await upload(house, shop, b"A1\nA2\nA3\nA4\n")
    await upload(house, shop, b"B1\n", reward_id=2)
    handed = (await claims.redeem(house.database, house.engine, shop, 1, merchant_id="alice")).code
    assert handed is not None
    rest = sorted({"A1", "A2", "A3", "A4"} - {handed})
    done = await void_codes(
        house.database,
        shop,
        1,
        [rest[0].lower(), rest[0], handed, "B1", "??\x00"],
        by=make.SUE,
        now=make.NOON,
    )
    assert (done.voided, done.free) == (1, 2)
    assert [problem.reason for problem in done.skipped] == [
        "is named twice",
        "was handed out: cancel its claimed reward",
        "is no code of this reward",
        "is no code of this reward",
    ]
    assert await events(house, shop, "codes.low") == [{"reward": 1, "title": "Five pounds off", "left": 2}]
    void = await list_codes(house.database, shop, 1, state=CodeState.VOID)
    assert [one.code for one in void] == [rest[0]]
    assert await is_sound(house)


async def test_all_free_codes_are_made_void(house: House) -> None:
    shop = await open_with_pool(house)
    count = VOID_AT_ONCE + 10
    await upload(house, shop, "\n".join(random_code() for _ in range(count)).encode())
    await claims.redeem(house.database, house.engine, shop, 1, merchant_id="alice")
    done = await void_all(house.database, shop, 1, by=make.SUE, now=make.NOON)
    assert (done.voided, done.free) == (count - 1, 0)
    assert (await stock(house, shop)).codes_void == count - 1
    assert len(await events(house, shop, "codes.out")) == 1
    with pytest.raises(OutOfStock):
        await claims.redeem(house.database, house.engine, shop, 1, merchant_id="alice")
    assert (await void_all(house.database, shop, 1, by=make.SUE, now=make.NOON)).voided == 0
    assert await is_sound(house)


async def test_codes_are_listed_page_by_page_and_exported_without_formulas(house: House) -> None:
    shop = await open_with_pool(house)
    await upload(house, shop, b"=1+1\n@SUM\nB\nC\n+5\n-9\n")
    first = await list_codes(house.database, shop, 1, most=4)
    rest = await list_codes(house.database, shop, 1, after=first[-1].key, most=4)
    assert sorted(one.code for one in first + rest) == sorted(["=1+1", "@SUM", "B", "C", "+5", "-9"])
    parts = await export_codes(house.database, shop, 1, by=make.SUE, now=make.NOON)
    file = b"".join([part async for part in parts])
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    assert {row["code"] for row in rows} == {"'=1+1", "'@SUM", "B", "C", "'+5", "'-9"}
    assert {row["state"] for row in rows} == {"free"}


async def test_a_hundred_thousand_codes_keep_no_order_waiting(house: House) -> None:
    shop = await open_with_pool(house)
    data = "\n".join(random_code() for _ in range(100_000)).encode()
    waits: list[float] = []
    began = time.monotonic()
    uploading = asyncio.create_task(upload(house, shop, data))
    while not uploading.done():
        asked = time.monotonic()
        with contextlib.suppress(Late):  # then it waited for longer than it may, which is seen below
            await house.engine.submit(shop, make.order(total=1000, shipping=0))
        waits.append(time.monotonic() - asked)
        await asyncio.sleep(0.01)
    took = time.monotonic() - began
    assert (await uploading).taken == 100_000
    print(
        f"{took:.1f} s, {len(waits)} orders, longest {max(waits):.3f} s, mean {sum(waits) / len(waits):.3f} s"
    )
    assert len(waits) > 20
    assert await is_sound(house)
    within(max(waits), 1.5, "an order during the upload")


async def test_a_file_that_waits_too_long_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await open_with_pool(house)
    monkeypatch.setattr("regulars.app.codes.uploads.UPLOAD_SECONDS", 0.5)
    async with house.database.acquire() as connection, connection.transaction():
        await connection.execute("select from heads where program_id = $1 for update", shop)
        with pytest.raises(Busy):
            await upload(house, shop, b"A1\n")
    assert await stock(house, shop) == Stock(reward_id=1)
    monkeypatch.undo()
    assert (await upload(house, shop, b"A1\n")).taken == 1
    assert await is_sound(house)


async def test_a_reward_that_loses_its_pool_meanwhile_takes_no_codes(house: House) -> None:
    shop = await open_with_pool(house)
    stored = asyncio.Event()
    async with house.database.acquire() as connection, connection.transaction():
        await connection.execute("select from heads where program_id = $1 for update", shop)
        changes = {"codes": CodeSource.GENERATED}
        work = rewards.change_reward(house.database, shop, 1, changes, now=make.NOON)
        changing = asyncio.create_task(work)
        async with asyncio.timeout(60):
            while not await connection.fetchval(WAITING):  # its turn comes before the upload's
                await asyncio.sleep(0.01)
            uploading = asyncio.create_task(upload(house, shop, b"A1\nA2\n", tell=lambda *_: stored.set()))
            await stored.wait()
            while await connection.fetchval(WAITING) < 2:  # who comes when the row is free may go first
                await asyncio.sleep(0.01)
    await changing
    with pytest.raises(Invalid, match="has no pool"):
        await uploading
    assert await stock(house, shop) == Stock(reward_id=1)
    assert await list_codes(house.database, shop, 1) == []
    assert await is_sound(house)
