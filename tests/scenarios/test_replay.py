"""Sending reports: each door's own words, each customer's order of things, and a server that is away."""

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from regulars.app.programs import Created
from regulars.demo.client import Answer, NotReachable, Sender
from regulars.demo.replay import replay
from regulars.demo.reports import (
    CancelReport,
    Discount,
    Door,
    Line,
    OrderReport,
    PointsReport,
    ProfileReport,
    RefundReport,
    Report,
    Shopper,
)
from regulars.demo.wire import request_for
from regulars.doors.lootly.signature import read_signed, verify

KEYS = Created(
    program_id=1,
    site_id=1,
    site_domain="https://shop.example",
    site_token="token",
    site_secret="secret",
    api_token="pat_1",
    lootly_api_key="key",
    lootly_api_secret="signs everything",
)
NOON = datetime(2010, 12, 1, 12, tzinfo=UTC)
ALICE = Shopper(merchant_id="100", email="alice@shop.example", first_name="Alice", country="Österreich")
GUEST = Shopper(merchant_id=None, email="guest-1@shop.example")


def order(order_id: str = "A/1", *, door: Door = Door.LOYALTYLION, shopper: Shopper = ALICE) -> OrderReport:
    return OrderReport(
        at=NOON,
        door=door,
        shopper=shopper,
        order_id=order_id,
        currency="GBP",
        total_minor=4999,
        shipping_minor=1000,
        discounts=(Discount("COUPON", 1000),),
        lines=(Line("CUP", "Cup & saucer / “fine”", 3, "2.55"), Line("PADS", "Pads", 1, "18")),
    )


def test_lootly_hears_of_an_order_as_its_guide_has_it() -> None:
    request = request_for(order(door=Door.LOOTLY), KEYS)
    assert (request.method, request.path) == ("POST", "/integrations/webhooks/common/orders-completed")
    signed = read_signed(request.body)
    assert verify(KEYS.lootly_api_secret, signed) and signed.key == "key"
    members = signed.members
    assert (members["total_price"], members["subtotal_price"]) == ("39.99", "29.99")
    assert (members["total_discounts"], members["total_tax"]) == ("10.00", "0.00")
    assert members["discount_codes"] == [{"code": "COUPON"}]
    assert members["customer"]["id"] == "100" and members["customer"]["first_name"] == "Alice"
    assert members["products"][0]["product_price"] == 2.55
    assert b"\\/" in request.body and b"\\u00d6" in request.body  # as json_encode writes them


def test_lootly_gets_a_guest_without_an_id() -> None:
    members = read_signed(request_for(order(door=Door.LOOTLY, shopper=GUEST), KEYS).body).members
    assert "id" not in members["customer"] and members["customer"]["email"] == GUEST.email


def test_loyaltylion_hears_of_the_same_order_in_its_words() -> None:
    request = request_for(order(), KEYS)
    assert (request.method, request.path) == ("POST", "/v2/orders")
    assert request.headers["authorization"] == "Bearer pat_1"
    members = json.loads(request.body)
    assert (members["total"], members["total_shipping"], members["payment_status"]) == (
        "49.99",
        "10.00",
        "paid",
    )
    assert members["discount_codes"] == [{"code": "COUPON", "amount": "10.00"}]
    assert (members["customer_id"], members["guest"]) == ("100", False)
    assert members["date"] == "2010-12-01T12:00:00+00:00"
    guest = json.loads(request_for(order(shopper=GUEST), KEYS).body)
    assert (guest["customer_id"], guest["customer_email"], guest["guest"]) == (None, GUEST.email, True)


@pytest.mark.parametrize(
    ("door", "method", "path", "members"),
    [
        (
            Door.LOOTLY,
            "POST",
            "/integrations/webhooks/common/refunds-create",
            {"id": "A/1", "transactions": [{"amount": "15.99", "id": "C7"}]},
        ),
        (Door.LOYALTYLION, "POST", "/v2/orders/A%2F1/refunds", {"amount": "15.99", "id": "C7"}),
    ],
)
def test_a_refund_carries_its_id_at_both_doors(door: Door, method: str, path: str, members: dict) -> None:
    refund = RefundReport(
        at=NOON, door=door, shopper=ALICE, order_id="A/1", refund_id="C7", currency="GBP", amount_minor=1599
    )
    request = request_for(refund, KEYS)
    sent = json.loads(request.body)
    assert (request.method, request.path) == (method, path)
    assert {name: sent[name] for name in members} == members


def test_staff_points_and_cancels_have_addresses_of_their_own() -> None:
    cancel = CancelReport(at=NOON, door=Door.LOYALTYLION, shopper=ALICE, order_id="A/1")
    request = request_for(cancel, KEYS)
    assert (request.method, request.path, request.body) == ("PUT", "/v2/orders/A%2F1/cancelled", b"")
    taken = PointsReport(at=NOON, door=Door.LOYALTYLION, shopper=ALICE, points=-30, reason="Twice", key="k1")
    request = request_for(taken, KEYS)
    assert (request.path, request.headers["idempotency-key"]) == ("/v2/customers/100/remove_points", "k1")
    assert json.loads(request.body) == {"points": 30, "reason": "Twice"}


def test_a_door_without_words_for_a_report_says_so() -> None:
    profile = ProfileReport(at=NOON, door=Door.LOYALTYLION, shopper=ALICE)
    with pytest.raises(TypeError, match="loyaltylion has no words for a ProfileReport"):
        request_for(profile, KEYS)


class Slow:
    """Takes reports as a busy server does, in no order but what the sender keeps, and notes how they came."""

    def __init__(self, accepts: bool = True) -> None:
        self.came: dict[str, list[datetime]] = defaultdict(list)
        self.at_once = self.most_at_once = 0
        self.accepts = accepts

    async def send(self, report: Report) -> Answer:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(report.at.microsecond % 5):
            await asyncio.sleep(0)
        self.came[report.shopper.email].append(report.at)
        self.at_once -= 1
        return Answer(self.accepts, 201 if self.accepts else 422, "")


def history(customers: int, each: int) -> list[Report]:
    return [
        msgspec.structs.replace(
            order(f"{n}-{customer}", shopper=Shopper(merchant_id=None, email=f"{customer}@shop.example")),
            at=NOON + timedelta(microseconds=n * 7919 + customer),
        )
        for n in range(each)
        for customer in range(customers)
    ]


async def test_many_are_sent_at_once_but_each_customers_in_their_order() -> None:
    server, seen = Slow(), []
    summary = await replay(history(customers=50, each=9), server, seen.append, at_once=8)
    assert summary.sent == {"orders": 450} and len(seen) == 450
    assert 1 < server.most_at_once <= 8
    assert all(came == sorted(came) and len(came) == 9 for came in server.came.values())


async def test_refusals_are_counted_and_the_first_are_shown() -> None:
    summary = await replay(history(customers=30, each=1), Slow(accepts=False))
    assert summary.refused == 30 and len(summary.problems) == 20
    assert summary.problems[0].startswith("422 to OrderReport(")


def sender_to(answer: "httpx.MockTransport") -> Sender:
    return Sender([httpx.AsyncClient(transport=answer, base_url="http://127.0.0.1")], KEYS)


async def test_a_busy_server_is_asked_again() -> None:
    answers = iter([503, 429, 201])
    sender = sender_to(
        httpx.MockTransport(lambda _: httpx.Response(next(answers), headers={"Retry-After": "0"}))
    )
    assert (await sender.send(order())).accepted
    assert list(answers) == []


async def test_a_server_that_stays_away_ends_the_replay() -> None:
    sender = sender_to(httpx.MockTransport(lambda _: httpx.Response(503, headers={"Retry-After": "0"})))
    with pytest.raises(NotReachable, match="/v2/orders: 503"):
        await replay(history(customers=200, each=5), sender, at_once=8)
