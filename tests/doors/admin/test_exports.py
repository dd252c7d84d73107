"""Files for spreadsheets grow while they are sent, however many rows they have; they say what lists say."""

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from regulars.app import orders, people
from regulars.app.access import Role
from regulars.app.audit import Entry
from regulars.app.codes import lists, uploads
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.app.rewards import create_reward
from regulars.domain.commands import CustomerRef, PaymentStatus, SaveCustomer
from regulars.domain.rewards import CodeSource
from regulars.doors.admin.app import build
from regulars.doors.admin.cookies import SESSION
from regulars.storage import audit_entries
from tests import make
from tests.doors.admin.conftest import Browser, hire, signed_in

ROWS = 11
PAGE = 2


@pytest.fixture
async def full(house: House, shop: Created, monkeypatch: pytest.MonkeyPatch) -> House:
    """Eleven customers with an order each, eleven codes; files are made two rows at a time."""
    monkeypatch.setattr(people, "EXPORTED_AT_ONCE", PAGE)
    monkeypatch.setattr(orders, "EXPORTED_AT_ONCE", PAGE)
    monkeypatch.setattr(lists, "AT_ONCE", PAGE)
    for number in range(ROWS):
        customer = CustomerRef(merchant_id=f"c{number}", email=f"c{number}@example.com")
        await house.engine.submit(shop.program_id, SaveCustomer(customer=customer))
        order = make.order(f"o{number}", customer=customer, merchant_number=f"#{number}")
        await house.engine.submit(shop.program_id, order)
    await create_reward(
        house.database, shop.program_id, make.reward(codes=CodeSource.POOL), now=house.clock()
    )
    pool = "".join(f"CODE{number:02}ABCDEFGHKM\n" for number in range(ROWS))
    await uploads.import_codes(
        house.database, shop.program_id, 1, pool.encode(), by=make.SUE, now=house.clock()
    )
    return house


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def log_of(house: House, shop: Created) -> list[Entry]:
    async with house.database.acquire() as connection:
        return await audit_entries.after(connection, shop.program_id, 0, 1_000)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/customers/export"), ("POST", "/orders/export"), ("POST", "/rewards/1/codes/export")],
)
async def test_a_file_leaves_while_it_is_read(
    full: House, shop: Created, owner: Browser, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    """Pages of the list are counted as they are read, and parts as they are sent."""
    read = 0

    def counting(search: Any) -> Any:
        async def counted(*args: Any, **named: Any) -> Any:
            nonlocal read
            read += 1
            return await search(*args, **named)

        return counted

    for module, name in ((people, "search"), (orders, "search"), (lists, "list_codes")):
        monkeypatch.setattr(module, name, counting(getattr(module, name)))
    sent: list[int] = []
    started: dict[str, str] = {}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.update((name.decode(), value.decode()) for name, value in message["headers"])
        elif message["body"]:
            sent.append(read)

    body = f"csrf={await owner.csrf()}".encode()
    asked = iter([{"type": "http.request", "body": body if method == "POST" else b""}])

    async def receive() -> dict[str, Any]:
        for message in asked:
            return message
        await asyncio.Event().wait()  # the caller stays
        raise AssertionError

    address = owner.address(path)
    scope = {
        "type": "http",
        "method": method,
        "path": address,
        "raw_path": address.encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:8080"),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"cookie", f"{SESSION}={owner.client.cookies[SESSION]}".encode()),
        ],
        "client": ("203.0.113.5", 40_000),
    }
    await build(full)(scope, receive, send)
    assert "content-length" not in started
    assert started["content-disposition"].startswith("attachment")
    assert sent == [*range(1, -(-ROWS // PAGE) + 1)]


async def test_all_rows_are_in_the_file(full: House, owner: Browser) -> None:
    people_rows = rows_of(await owner.post("/customers/export"))
    assert {row["Customer"] for row in people_rows} == {f"c{number}" for number in range(ROWS)}
    order_rows = rows_of(await owner.post("/orders/export"))
    assert [row["Order"] for row in order_rows] == [f"o{number}" for number in reversed(range(ROWS))]
    code_rows = rows_of(await owner.post("/rewards/1/codes/export"))
    assert len(code_rows) == ROWS


async def test_the_log_says_who_took_codes_out(full: House, shop: Created, owner: Browser) -> None:
    await owner.post("/rewards/1/codes/export")
    entry = (await log_of(full, shop))[-1]
    assert (entry.actor[:6], entry.action, entry.subject) == ("staff:", "export codes", "reward 1")


async def test_an_order_in_the_file_says_what_its_page_says(full: House, owner: Browser) -> None:
    (row,) = rows_of(await owner.post("/orders/export", {"q": "o3"}))
    assert row == {
        "Order": "o3",
        "Number": "'#3" if row["Number"].startswith("'") else "#3",
        "Shop": "1",
        "Customer": "c3",
        "E-mail": "c3@example.com",
        "Placed": row["Placed"],
        "Currency": "GBP",
        "Total": "49.99",
        "Shipping": "10.00",
        "Tax": "0.00",
        "Discounts": "0.00",
        "To pay": "49.99",
        "Payment": "paid",
        "Paid": "49.99",
        "Refund": "not_refunded",
        "Refunded": "0.00",
        "Cancelled": "no",
        "Status": "",
        "Points given": "39",
        "Points taken back": "0",
    }
    assert row["Placed"].startswith("2026-")


async def test_the_file_has_the_orders_that_the_filter_finds(
    full: House, shop: Created, owner: Browser
) -> None:
    for number in (1, 2, 3):
        order = make.order(
            f"unpaid-{number}",
            customer=CustomerRef(merchant_id="c1"),
            payment_status=PaymentStatus.NOT_PAID,
        )
        await full.engine.submit(shop.program_id, order)
    rows = rows_of(await owner.post("/orders/export", {"state": "unpaid"}))
    assert [row["Order"] for row in rows] == ["unpaid-3", "unpaid-2", "unpaid-1"]
    whose = rows_of(await owner.post("/customers/export", {"q": "c1@"}))
    assert [row["Customer"] for row in whose] == ["c1"]
    page = (await owner.get("/orders?q=c1@")).text
    customer_id = page.partition("/customers/")[2].partition('"')[0]
    of_c1 = rows_of(await owner.post("/orders/export", {"customer": customer_id}))
    assert [row["Order"] for row in of_c1] == ["unpaid-3", "unpaid-2", "unpaid-1", "o1"]
    assert rows_of(await owner.post("/orders/export", {"placed_until": "2020-01-01"})) == []
    entry = (await log_of(full, shop))[-1]
    assert (entry.action, entry.after) == ("export orders", '{"placed_until":"2020-01-01"}')


async def test_what_is_refused_is_a_page_and_no_half_file(full: House, owner: Browser) -> None:
    answer = await owner.post("/customers/export", {"q": "x" * 300})
    assert answer.status_code == 422
    assert "text/html" in answer.headers["content-type"]


async def test_a_customers_orders_are_all_in_the_file(
    full: House, shop: Created, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many: only what a text finds has a bound."""
    monkeypatch.setattr("regulars.storage.orders.MOST_NAMED", 2)
    for number in range(5):
        again = make.order(f"again-{number}", customer=CustomerRef(merchant_id="c1"))
        await full.engine.submit(shop.program_id, again)
    page = (await owner.get("/orders?q=c1@")).text
    customer_id = page.partition("/customers/")[2].partition('"')[0]
    assert len(rows_of(await owner.post("/orders/export", {"customer": customer_id}))) == 6


async def test_support_sees_orders_and_takes_none_out(full: House, shop: Created) -> None:
    email = f"support{shop.program_id}@tea.example"
    staff_id = await hire(full, shop.program_id, Role.SUPPORT, email=email)
    browser = await signed_in(full, staff_id, shop.program_id)
    assert "Export as CSV" not in (await browser.get("/orders")).text
    assert (await browser.post("/orders/export")).status_code == 403
