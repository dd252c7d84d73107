"""A merchant looks at orders: what each gave and why, and what the shop's calls said of it."""

import httpx
import pytest

from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.domain.commands import CustomerRef, PaymentStatus
from tests import make
from tests.doors.admin.conftest import Browser, hire, signed_in, text_of
from tests.doors.admin.test_integrations import order as wire_order
from tests.doors.admin.test_integrations import send, whole


@pytest.fixture
async def orders(house: House, shop: Created) -> House:
    """The worked example of Alice, an order that Jane has not paid, one that was cancelled, one refunded."""
    jane = CustomerRef(merchant_id="J", first_name="Jane", last_name="Doe", email="jane@example.com")
    unpaid = make.order("100002", customer=jane, merchant_number="#55", payment_status=PaymentStatus.NOT_PAID)
    for command in (
        make.worked_example("100001"),
        unpaid,
        make.order("100003", customer=jane),
        make.update("100003", paid=4999, cancelled=True),
        make.order("100004"),
        make.refund("100004", 4999),
    ):
        await house.engine.submit(shop.program_id, command)
    return house


def listed(answer: httpx.Response) -> list[str]:
    """The shop's ids of the orders on the page, in its order."""
    rows = answer.text.split('class="row-name text-break"')[1:]
    return [row.partition(">")[2].partition("<")[0] for row in rows]


async def test_without_orders_the_list_says_how_they_come(owner: Browser) -> None:
    said = text_of(await owner.get("/orders"))
    assert "No orders yet" in said
    assert "Connect the shop" in said


async def test_the_list_has_money_states_and_points(owner: Browser, orders: House) -> None:
    answer = await owner.get("/orders")
    assert listed(answer) == ["100004", "100003", "#55", "100001"]
    said = text_of(answer)
    for words in (
        "alice",
        "Jane Doe",
        "£39.99",
        "+29",
        "Not paid",
        "Cancelled",
        "Refunded",
        "39 of 39 taken",
    ):
        assert words in said, words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "100001"}, ["100001"]),
        ({"q": "55"}, ["#55"]),
        ({"q": "#55"}, ["#55"]),
        ({"q": "100002"}, ["#55"]),
        ({"q": "jane doe"}, ["100003", "#55"]),
        ({"q": "alice@ex"}, ["100004", "100001"]),
        ({"q": "nobody"}, []),
        ({"state": "earned"}, ["100001"]),
        ({"state": "nothing"}, ["#55"]),
        ({"state": "taken"}, ["100004", "100003"]),
        ({"state": "unpaid"}, ["#55"]),
        ({"state": "refunded"}, ["100004"]),
        ({"state": "cancelled"}, ["100003"]),
        ({"state": "cancelled", "q": "alice"}, []),
        ({"state": "made up"}, ["100004", "100003", "#55", "100001"]),
        ({"placed_from": "2026-03-02", "placed_until": "2026-03-02"}, ["100004", "100003", "#55", "100001"]),
        ({"placed_until": "2026-03-01"}, []),
        ({"placed_from": "2026-03-03"}, []),
        ({"customer": "1"}, ["100004", "100001"]),
    ],
)
async def test_orders_are_found(
    owner: Browser, orders: House, query: dict[str, str], found: list[str]
) -> None:
    answer = await owner.get("/orders", params=query)
    assert answer.status_code == 200
    assert listed(answer) == found


async def test_a_day_that_is_none_is_said(owner: Browser, orders: House) -> None:
    answer = await owner.get("/orders", params={"placed_from": "2026-02-30"})
    assert answer.status_code == 422
    assert "ust be a day" in text_of(answer)
    assert (await owner.get("/orders", params={"q": "x" * 201})).status_code == 422


async def test_an_order_says_what_it_gave_and_why(owner: Browser, orders: House, shop: Created) -> None:
    said = text_of(await owner.get("/orders/1"))
    assert "Gave 29 points: 29.99 GBP of the order earn, at 1 a unit, rounded down." in said
    for words in ("Goods £39.99", "Shipping £10.00", "Discounts -£10.00", "To pay £39.99", "29.99"):
        assert words in said, words
    unpaid = text_of(await owner.get("/orders/2"))
    assert "Gives nothing yet: 0.00 GBP of 49.99 GBP are paid." in unpaid
    refunded = text_of(await owner.get("/orders/4"))
    assert "Took 39 points back for the refund" in refunded
    assert "Refunds reported" in refunded
    assert (await owner.get("/orders/99")).status_code == 404


async def test_the_calls_behind_an_order_are_shown_and_those_to_apply_stand_out(
    owner: Browser, house: House, shop: Created
) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", wire_order())
    said = text_of(await browser.get("/orders/1"))
    assert "orders-completed" in said
    assert "was not applied" not in said
    await send(browser, shop, "orders-completed", wire_order("59.99", "49.99"))
    answer = await browser.get("/orders/1")
    assert "A call about this order was not applied" in text_of(answer)
    assert "Look at orders-completed of" in text_of(answer)
    staff_id = await hire(house, shop.program_id, Role.READ_ONLY, email=f"r{shop.program_id}@tea.example")
    reader = await signed_in(house, staff_id, shop.program_id)
    said = text_of(await reader.get("/orders/1"))
    assert "Gave" in said
    assert "Calls behind it" not in said
    assert "was not applied" not in said
