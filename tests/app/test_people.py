"""Staff find one customer among many, by whatever they know of them."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from regulars.app import figures, people
from regulars.app.house import House
from regulars.app.people import Filter
from regulars.app.programs import UnknownProgram, create_program
from regulars.domain.commands import AdjustPoints, CustomerRef, PatchCustomer, SaveCustomer
from regulars.domain.errors import Invalid, UnknownCustomer
from tests import make
from tests.clock import Clock
from tests.plans import explained


@pytest.fixture
async def shop(house: House) -> int:
    """A shop with five customers: Jane (who spent), her namesake, Jürgen (blocked), a guest, and one in
    debt."""
    created = await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        now=house.clock(),
    )
    program_id = created.program_id

    async def tell(*commands: Any) -> None:
        for command in commands:
            await house.engine.submit(program_id, command)

    await tell(
        SaveCustomer(customer=person("C-1001", "Jane", "Doe", birthday=date(1990, 5, 1))),
        SaveCustomer(customer=person("C-1002", "Jane", "Doeringer")),
        SaveCustomer(customer=person("X-77", "Jürgen", "Groß_50%", email="jg@werk.example")),
        PatchCustomer(merchant_id="X-77", blocked=True),
        make.order("G1", customer=make.guest(first_name="Gwen")),
        make.order("J1", customer=person("C-1001", "Jane", "Doe")),
        make.order("D1", customer=person("D-9", "Dora", "Debt")),
        AdjustPoints(merchant_id="D-9", points=-39, reason="by mistake", actor="staff:1"),
        make.refund("D1", 3999),
    )
    return program_id


def person(merchant_id: str, first: str, last: str, **more: Any) -> CustomerRef:
    values = {"email": f"{first}.{last}@mail.example".lower()} | more
    return CustomerRef(merchant_id=merchant_id, first_name=first, last_name=last, **values)


async def found(house: House, shop: int, **wanted: Any) -> list[str]:
    page = await people.search(house.database, shop, Filter(**wanted), now=house.clock())
    return [row.customer.first_name or "?" for row in page.rows]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("doe", ["Jane", "Jane"]),
        ("Doe JANE", ["Jane", "Jane"]),
        ("doering", ["Jane"]),
        ("oering", ["Jane"]),
        ("1002", ["Jane"]),
        ("c-100", ["Jane", "Jane"]),
        ("JÜRGEN", ["Jürgen"]),
        ("werk.example", ["Jürgen"]),
        ("groß_50%", ["Jürgen"]),
        ("g%", []),
        ("_", []),
        ("jü", ["Jürgen"]),
        ("j", ["Jürgen", "Jane", "Jane"]),
        ("an", []),
        ("guest@example", ["Gwen"]),
        ("nobody", []),
        ("", ["Dora", "Gwen", "Jürgen", "Jane", "Jane"]),
    ],
)
async def test_people_are_found_by_name_mail_or_id(
    house: House, shop: int, text: str, who: list[str]
) -> None:
    assert await found(house, shop, text=text) == who


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        ({"who": "members"}, ["Dora", "Jürgen", "Jane", "Jane"]),
        ({"who": "guests"}, ["Gwen"]),
        ({"blocked": True}, ["Jürgen"]),
        ({"blocked": False, "text": "jürgen"}, []),
        ({"has_points": True}, ["Jane"]),
        ({"in_debt": True}, ["Dora"]),
        ({"birthday_month": 5}, ["Jane"]),
        ({"birthday_month": 6}, []),
        (
            {"joined_from": date(2026, 3, 2), "joined_until": date(2026, 3, 2)},
            ["Dora", "Jürgen", "Jane", "Jane"],
        ),
        ({"joined_until": date(2026, 3, 1)}, []),
        ({"last_order_from": date(2026, 3, 2)}, ["Dora", "Gwen", "Jane"]),
        ({"last_order_until": date(2026, 3, 1)}, []),
        ({"last_order_from": date(2026, 3, 2), "text": "jane", "has_points": True}, ["Jane"]),
    ],
)
async def test_filters(house: House, shop: int, wanted: dict[str, Any], who: list[str]) -> None:
    assert await found(house, shop, **wanted) == who


async def test_days_are_those_of_the_merchants_zone(house: House, shop: int) -> None:
    async with house.database.acquire() as connection:
        await connection.execute(
            "update programs set timezone = 'Pacific/Kiritimati'"
        )  # noon is tomorrow there
    assert await found(house, shop, joined_until=date(2026, 3, 2)) == []
    assert len(await found(house, shop, joined_from=date(2026, 3, 3))) == 4


@pytest.mark.parametrize(
    "wanted",
    [{}, {"joined_from": date(2026, 1, 1)}, {"last_order_from": date(2026, 1, 1)}, {"text": "example"}],
)
async def test_pages_follow_one_another_without_gap_or_double(
    house: House, shop: int, clock: Clock, wanted: dict[str, Any]
) -> None:
    for number in range(7):
        clock.forward(make.days(number % 3))
        await house.engine.submit(
            shop, make.order(f"P{number}", customer=person(f"P{number}", "Pat", str(number)))
        )
    whole = await people.search(house.database, shop, Filter(**wanted), most=100, now=clock.now)
    assert whole.next is None
    assert len(whole.rows) >= 7
    collected: list[int] = []
    before: int | None = None
    while True:
        page = await people.search(
            house.database, shop, Filter(**wanted), before=before, most=3, now=clock.now
        )
        collected += [row.customer.id for row in page.rows]
        before = page.next
        if before is None:
            break
    assert collected == [row.customer.id for row in whole.rows]


async def test_another_programs_customers_are_not_found(house: House, shop: int) -> None:
    other = await create_program(
        house.database, house.vault, name="B", domain="https://b.example", currency="GBP", now=house.clock()
    )
    assert await found(house, other.program_id, text="jane") == []
    with pytest.raises(UnknownProgram):
        await found(house, 99)


async def test_a_filter_that_cannot_be_is_refused(house: House, shop: int) -> None:
    for wanted in ({"birthday_month": 13}, {"text": "x" * 201}, {"text": "a\x00b"}):
        with pytest.raises(Invalid):
            await found(house, shop, **wanted)


async def test_the_export_has_everybody_once_as_harmless_cells(
    house: House, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "EXPORTED_AT_ONCE", 2)
    evil = CustomerRef(merchant_id="E", email="e@mail.example", first_name="=cmd|' /C calc'!A0")
    await house.engine.submit(shop, SaveCustomer(customer=evil))
    chunks = [chunk async for chunk in people.export(house.database, shop, Filter(), now=house.clock())]
    assert len(chunks) == 4
    rows = list(csv.reader(io.StringIO(b"".join(chunks).decode("utf-8-sig"), newline="")))
    assert rows[0] == list(people.HEADINGS)
    assert len(rows) == 7
    assert rows[1][2] == "'=cmd|' /C calc'!A0"
    assert {row[0] for row in rows[1:]} == {"E", "D-9", "", "X-77", "C-1001", "C-1002"}
    assert [row[7] for row in rows[1:] if row[0] == "D-9"] == ["-31"]


async def test_saved_views(house: House, shop: int) -> None:
    debts, may = Filter(in_debt=True), Filter(birthday_month=5, joined_from=date(2026, 1, 1))
    first = await people.save_view(
        house.database, shop, " In  debt ", debts, made_by="staff:1", now=house.clock()
    )
    second = await people.save_view(house.database, shop, "May", may, made_by="staff:2", now=house.clock())
    again = Filter(in_debt=True, blocked=True)
    assert first == await people.save_view(
        house.database, shop, "In debt", again, made_by="staff:2", now=house.clock()
    )
    views = await people.list_views(house.database, shop)
    assert [(view.id, view.name, view.made_by) for view in views] == [
        (first, "In debt", "staff:1"),
        (second, "May", "staff:2"),
    ]
    assert views[1].filter == may
    assert views[0].filter == again
    assert await people.delete_view(house.database, shop, first)
    assert not await people.delete_view(house.database, shop, first)
    with pytest.raises(Invalid):
        await people.save_view(house.database, shop, "  ", may, made_by="staff:1", now=house.clock())


async def test_a_profile_counts_what_is_due_and_says_what_waits(house: House, clock: Clock) -> None:
    created = await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        approval_days=14,
        now=clock.now,
    )
    shop = created.program_id
    await house.engine.submit(shop, make.order("A1"))
    clock.forward(make.days(10))
    await house.engine.submit(shop, make.order("A2", total=3000))
    await house.engine.submit(
        shop, AdjustPoints(merchant_id="alice", points=5, reason="a late parcel", actor="staff:7")
    )
    clock.forward(make.days(5))  # the first is due; no job has run
    customer_id = await people.customer_id_of(house.database, shop, "alice")
    profile = await people.profile(house.database, shop, customer_id, now=clock.now)
    account = profile.standing.account
    assert (account.pending, account.available) == (20, 44)
    assert [(lot.remaining, lot.approves_at) for lot in profile.pending] == [(20, clock.now + make.days(9))]
    assert [lot.remaining for lot in profile.open] == [39, 5]
    assert [order.merchant_id for order in profile.orders] == ["A2", "A1"]
    assert profile.orders_in_all == 2
    assert (profile.pending_in_all, profile.ending_in_all) == (1, 0)
    assert profile.deficit == 0
    assert profile.erased_at is None
    with pytest.raises(UnknownCustomer):
        await people.profile(house.database, shop, 99, now=clock.now)
    with pytest.raises(UnknownCustomer):
        await people.customer_id_of(house.database, shop, "nobody")


async def test_of_thousands_of_lots_a_profile_reads_those_that_come_first(
    house: House, shop: int, clock: Clock
) -> None:
    for number in range(people.SHOWN + 5):
        clock.forward(make.days(0.1))
        await house.engine.submit(shop, make.order(f"L{number}"))
    customer_id = await people.customer_id_of(house.database, shop, "alice")
    async with house.database.acquire() as connection:
        await connection.execute(
            "update lots set expires_at = opened_at + (1000 - lot_id) * interval '1 day' "
            "where program_id = $1",
            shop,
        )
        lots = await connection.fetch(
            "select lot_id from lots where program_id = $1 and customer_id = $2 order by expires_at",
            shop,
            customer_id,
        )
    profile = await people.profile(house.database, shop, customer_id, now=clock.now)
    assert (profile.pending_in_all, profile.ending_in_all) == (0, people.SHOWN + 5)
    assert len(lots) == people.SHOWN + 5
    assert [lot.id for lot in profile.open] == [row["lot_id"] for row in lots[: people.SHOWN]]


async def test_every_search_uses_an_index(house: House, shop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house.database.acquire() as connection:
        await connection.execute(
            """
            insert into customers (program_id, customer_id, merchant_id, email, email_key, first_name,
                last_name, birthday, member_since, created_at, updated_at)
            select $1, n, 'm' || n, 'mail' || n || '@example.com', 'mail' || n || '@example.com',
                'First' || n % 100, 'Last' || n, date '1970-01-01' + n,
                $2::timestamptz + n * interval '1 minute', $2, $2
              from generate_series(100, 30000) n
            """,
            shop,
            house.clock(),
        )
        await connection.execute(
            "insert into accounts select $1, n, 0, n % 7, 0, null, $2 from generate_series(100, 30000) n",
            shop,
            house.clock(),
        )
        await connection.execute("analyze")
    await figures.follow(house)
    async with house.database.acquire() as connection:
        await connection.execute("analyze")
    plans = explained(monkeypatch, people)
    wanted: list[dict[str, Any]] = [
        {},
        {"text": "mail12345"},
        {"text": "last"},
        {"text": "fi 12345"},
        {"who": "guests"},
        {"blocked": True},
        {"in_debt": True},
        {"has_points": True},
        {"birthday_month": 3},
        {"joined_from": date(2026, 3, 5), "joined_until": date(2026, 3, 9)},
        {"last_order_from": date(2026, 3, 5)},
    ]
    for each in wanted:
        for before in (None, 20_000):
            plans.clear()
            await people.search(house.database, shop, Filter(**each), before=before, now=house.clock())
            whole = [
                plan for plan in plans if "Seq Scan on customers" in plan or "Seq Scan on accounts" in plan
            ]
            assert plans
            assert not whole, f"{each} {before}:\n{whole[0]}"


async def test_without_trigrams_words_are_found_by_how_they_begin(house: House, shop: int) -> None:
    async with house.database.acquire() as connection:
        await connection.execute("drop index customers_text")
    assert await found(house, shop, text="doe jane") == ["Jane", "Jane"]
    assert await found(house, shop, text="C-1002") == ["Jane"]
    assert await found(house, shop, text="oering") == []
    assert await found(house, shop, text="%") == []
