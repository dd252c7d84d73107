"""Bad input: each is refused with the name of the field at fault, and the book is as before."""

from typing import Any

import msgspec
import pytest

from regulars.doors.loyaltylion.app import build
from tests.doors.loyaltylion.conftest import Shop, an_order, an_update

LONG = "9" * 10_000

MONEY: list[Any] = [
    "-1", -1, "1e5", "NaN", "Infinity", "5.12345", 5.12345, "1_0", "٣", "", " 5", "5 ", "+5", "5.", ".5",
    "5,00", "0x10", True, False, {}, [], "99999999999999", "1000000000001", LONG, "5\x00",
]  # fmt: skip
IDS: list[Any] = ["", 1.5, True, False, {}, [], [1], LONG, "a\x00b", -1]
NO_ID: list[Any] = [1.5, True, [], {}, LONG, "\x00"]
EMAILS: list[Any] = [
    "", " ", None, ..., 5, True, [], "alice", "a b@example.com", "a@b@c", "a\x00@example.com", "@", LONG,
]  # fmt: skip
DATES: list[Any] = [
    "", "yesterday", "2026-03-01", "2026-03-01T12:00:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00",
    "0001-01-01T00:00:00+01:00", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-03-04T12:00:00Z",
    "٢٠٢٦-03-01T12:00:00Z", 1772366400, True, [], LONG, "\x00",
]  # fmt: skip
CODE = {"code": "X", "amount": "1"}

FIELDS: dict[str, list[Any]] = {
    "total": MONEY,
    "total_shipping": ["-1", "x", None, ...],
    "total_tax": ["-1", "1e5", []],
    "total_paid": ["-1", "1e5", True, "19.99", "20.01"],
    "merchant_id": [*IDS, None, ...],
    "customer_id": [*IDS, ...],
    "merchant_number": NO_ID,
    "customer_email": EMAILS,
    "payment_status": [None, ..., "", "PAID", "refunded", 1, [], "\x00"],
    "guest": ["yes", "true", 1, 0, [], {}],
    "date": DATES,
    "discount_codes": ["X", 5, True, [CODE] * 101],
    "claimed_reward_ids": [5, "5", [1.5], ["x"], [True], [10**20], {}],
    "ip_address": [5, True, [], "\x00", LONG],
    "user_agent": [5, True, [], "\x00"],
    "referral_id": NO_ID,
    "tracking_id": NO_ID,
}
CODES: list[tuple[Any, str]] = [
    *(([value], "[0]") for value in ("X", 5, None, [[]])),
    ([CODE, {"amount": "1"}], "[1].code"),
    ([CODE, {"code": "X"}], "[1].amount"),
    ([CODE | {"amount": "-1"}], "[0].amount"),
    ([CODE | {"code": ""}], "[0].code"),
    ([CODE | {"code": True}], "[0].code"),
    ([CODE | {"code": "a\x00"}], "[0].code"),
    (CODE | {"amount": "1e2"}, ".amount"),
]
ORDER: list[tuple[str, Any, str]] = [
    *((field, value, field) for field, values in FIELDS.items() for value in values),
    *(("discount_codes", value, f"discount_codes{place}") for value, place in CODES),
]


def named(case: tuple[str, Any, str]) -> str:
    field, value, _ = case
    return f"{field}={value if value is not ... else 'absent'!r}"[:60]


@pytest.mark.parametrize("case", ORDER, ids=named)
async def test_an_order_with_a_bad_field(shop: Shop, case: tuple[str, Any, str]) -> None:
    field, value, at_fault = case
    before = await shop.book()
    answer = await shop.post("/v2/orders", an_order(**{"merchant_id": "1001", field: value}))
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert list(error["details"]) == [at_fault]
    assert at_fault in error["message"]
    assert await shop.book() == before


UNREADABLE: list[tuple[bytes, str | None]] = [
    (b"", None),
    (b"{", None),
    (b"null", None),
    (b'"text"', None),
    (b"[1]", None),
    (b"7", None),
    (b"\xff\xfe{}", None),
    (b"\x00", None),
    (b"a=b&c=d", None),
    (b'{"total": 01}', None),
    (b"[" * 50_000, None),
    (b'{"merchant_id": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", None),
    (b'{"total": NaN}', "total"),
    (b'{"total": -Infinity, "x": 1}', "total"),
    (b'{"customer_id": "\\ud800"}', "customer_id"),
    (b'{"customer_id": "\\udc00", "total": 5}', "customer_id"),
    (b'{"customer_id": "x\\ud800y", "total": 5}', "customer_id"),
    (b'{"$magento_payload": {"a": ["\\ud83d"]}, "total": 5}', "$magento_payload"),
]


@pytest.mark.parametrize(("body", "at_fault"), UNREADABLE, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v2/orders", 422), ("PUT", "/v2/orders/1001", 422), ("POST", "/v2/activities", 400)],
)
async def test_a_body_that_can_not_be_read(
    shop: Shop, method: str, path: str, status: int, body: bytes, at_fault: str | None
) -> None:
    before = await shop.book()
    answer = await shop.send(method, path, body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert list(error.get("details", {})) == ([at_fault] if at_fault is not None else [])
    assert error["message"]
    assert await shop.book() == before


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        (b'{"customer_id": "\xed\xa0\x80"}', "customer_id"),
        (b'{"customer_id": "\xff"}', "customer_id"),
        (b"[]", "total"),
        (b"{}", "total"),
    ],
)
async def test_a_body_whose_fields_can_not_be_read(shop: Shop, body: bytes, at_fault: str) -> None:
    answer = await shop.post("/v2/orders", body)
    assert answer.status_code == 422
    assert at_fault in answer.json()["error"]["details"]


async def test_all_that_is_wrong_is_said_at_once(shop: Shop) -> None:
    answer = await shop.post("/v2/orders", {"total": "x", "customer_email": "x", "payment_status": "x"})
    assert set(answer.json()["error"]["details"]) == {
        "total", "total_shipping", "merchant_id", "customer_id", "customer_email", "payment_status",
    }  # fmt: skip


async def test_a_guest_without_an_email_is_nobody(shop: Shop) -> None:
    for email in (None, ..., ""):
        body = an_order("1001", customer_id=None, customer_email=email, guest=True)
        answer = await shop.post("/v2/orders", body)
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["customer_email"])


UPDATE: list[tuple[str, Any]] = [
    *(("payment_status", value) for value in (None, ..., "PAID", 1, "")),
    *(("refund_status", value) for value in (None, ..., "no", True, "partially-refunded")),
    *(("cancellation_status", value) for value in (None, ..., "canceled", False, True)),
    *(("total_paid", value) for value in (None, ..., "-1", "1e5", "19.99", "NaN", True, "5.12345")),
    *(("total_refunded", value) for value in (None, ..., "-1", "1e5", "1.00", True, LONG)),
]


@pytest.mark.parametrize("case", UPDATE, ids=lambda case: f"{case[0]}={case[1]!r}"[:50])
async def test_an_update_with_a_bad_field(shop: Shop, case: tuple[str, Any]) -> None:
    await shop.order("1001")
    before = await shop.book()
    answer = await shop.put("/v2/orders/1001", an_update(**{case[0]: case[1]}))
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["error"]["details"]) == [case[0]]
    assert await shop.book() == before


@pytest.mark.parametrize("call", ["payments", "refunds"])
async def test_a_payment_or_refund_with_a_bad_amount(shop: Shop, call: str) -> None:
    await shop.order("1001", payment_status="partially_paid", total_paid="5.00")
    before = await shop.book()
    for amount in (None, ..., 0, "0.00", "20.01", *MONEY):
        body = {} if amount is ... else {"amount": amount}
        answer = await shop.post(f"/v2/orders/1001/{call}", body)
        assert answer.status_code == 422, amount
        assert list(answer.json()["error"]["details"]) == ["amount"]
    if call == "refunds":
        for wrong in IDS:
            answer = await shop.post("/v2/orders/1001/refunds", {"amount": "1", "id": wrong})
            assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["id"])
    assert await shop.book() == before


@pytest.mark.parametrize("call", ["points", "remove_points"])
async def test_points_that_are_none(shop: Shop, call: str) -> None:
    await shop.join("alice")
    await shop.post("/v2/customers/alice/points", {"points": 50})
    before = await shop.book()
    for points in (None, ..., 0, -1, 1.5, "5", True, [], {}, 10**13, 10**30, "NaN"):
        body = {"reason": "x"} | ({} if points is ... else {"points": points})
        answer = await shop.post(f"/v2/customers/alice/{call}", body)
        assert answer.status_code == 400, points
        assert list(answer.json()["error"]["details"]) == ["points"]
    for reason in (5, True, [], "a\x00", LONG):
        answer = await shop.post(f"/v2/customers/alice/{call}", {"points": 1, "reason": reason})
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["reason"])
    answer = await shop.post(f"/v2/customers/alice/{call}", b'{"points": 1e2}')
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["points"])
    assert await shop.book() == before


async def test_more_than_a_million_points_at_once_are_not_given(shop: Shop) -> None:
    await shop.join("alice")
    assert (await shop.post("/v2/customers/alice/points", {"points": 1_000_001})).status_code == 400
    assert (await shop.post("/v2/customers/alice/points", {"points": 1_000_000})).status_code == 201


ACTIVITY: list[tuple[str, Any, str]] = [
    *(
        ("name", value, "name")
        for value in (None, ..., "", 1.5, True, [], LONG, "\x00", "$purchase", "$SIGNUP")
    ),
    *(("customer_id", value, "customer_id") for value in (*IDS, None, ...)),
    *(("customer_email", value, "customer_email") for value in (None, ..., "", "alice", 5, "a b@c", "\x00")),
    *(("merchant_id", value, "merchant_id") for value in (1.5, True, [], LONG, "\x00")),
    *(("guest", value, "guest") for value in ("yes", 1, [])),
    *(("date", value, "date") for value in ("x", "2026-03-01T12:00:00", "9999-12-31T23:59:59Z", 5)),
    *(("properties", value, "properties") for value in ("x", 5, [1])),
    ("properties", {"url": {}}, "properties.url"),
    ("properties", {"url": "\x00"}, "properties.url"),
    ("properties", {"a\x00": "1"}, "properties.a?"),
    ("properties", {"url": "x" * 2001}, "properties.url"),
    ("properties", {str(number): 1 for number in range(51)}, "properties."),
]


@pytest.mark.parametrize("case", ACTIVITY, ids=named)
async def test_an_activity_with_a_bad_field(shop: Shop, case: tuple[str, Any, str]) -> None:
    field, value, at_fault = case
    body = {"name": "$signup", "customer_id": "alice", "customer_email": "alice@example.com", field: value}
    before = await shop.book()
    answer = await shop.post("/v2/activities", {name: v for name, v in body.items() if v is not ...})
    assert answer.status_code in (400, 422), answer.text
    assert list(answer.json()["error"]["details"]) == [at_fault]
    assert await shop.book() == before


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({}, "customer"),
        ({"customer": 5}, "customer"),
        ({"customer": {"blocked": "yes"}}, "customer.blocked"),
        ({"customer": {"blocked": 1}}, "customer.blocked"),
        ({"customer": {"birthday": True}}, "customer.birthday"),
        ({"customer": {"birthday": "9999-12-31"}}, "customer.birthday"),
    ],
)
async def test_a_customer_patch_with_a_bad_field(shop: Shop, body: Any, at_fault: str) -> None:
    await shop.join("alice")
    before = await shop.book()
    answer = await shop.send("PATCH", "/v2/customers/alice", body)
    assert answer.status_code in (400, 422)
    assert list(answer.json()["error"]["details"]) == [at_fault]
    assert await shop.book() == before


async def test_unknown_orders_customers_and_sites_are_404(shop: Shop) -> None:
    before = await shop.book()
    for method, path, body, what in (
        ("GET", "/v2/orders/nothing", None, "Order"),
        ("PUT", "/v2/orders/nothing", an_update(), "Order"),
        ("PUT", "/v2/orders/nothing/paid", None, "Order"),
        ("PUT", "/v2/orders/nothing/cancelled", None, "Order"),
        ("PUT", "/v2/orders/nothing/refunded", None, "Order"),
        ("POST", "/v2/orders/nothing/payments", {"amount": 1}, "Order"),
        ("POST", "/v2/orders/nothing/refunds", {"amount": 1}, "Order"),
        ("POST", "/v2/orders?site_id=99", an_order(), "Site"),
        ("POST", "/v2/customers/nobody/points", {"points": 1}, "Customer"),
        ("POST", "/v2/customers/nobody/remove_points", {"points": 1}, "Customer"),
        ("GET", "/v2/customers/nobody/transactions", None, "Customer"),
    ):
        answer = await shop.send(method, path, body)
        assert (answer.status_code, answer.json()) == (404, {"error": {"message": f"{what} not found"}}), path
    assert await shop.book() == before


@pytest.mark.parametrize("site_id", ["x", "-1", "1.0", "", "٣", "9" * 30])
async def test_a_site_id_that_is_no_number_is_a_400(shop: Shop, site_id: str) -> None:
    answer = await shop.client.post(
        "/v2/orders", params={"site_id": site_id}, json=an_order(), headers={"authorization": shop.auth}
    )
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["site_id"])


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\tb"])
async def test_an_idempotency_key_that_can_not_be_kept_is_a_400(shop: Shop, key: str) -> None:
    answer = await shop.client.post(
        "/v2/orders",
        json=an_order(),
        headers=[("authorization", shop.auth), ("idempotency-key", key.encode("latin-1"))],
    )
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["Idempotency-Key"])


@pytest.mark.parametrize("query", ["email=%00", "email=%ff", "&".join("a=b" for _ in range(200))])
async def test_a_query_that_can_not_be_read_is_a_400(shop: Shop, query: str) -> None:
    answer = await shop.get(f"/v2/customers?{query}")
    assert (answer.status_code, "error" in answer.json()) == (400, True)


@pytest.mark.parametrize("name", [b"birthd\xe9y", b"\xff", b"\xed\xa0\x80", b"\\ud800"])
async def test_a_name_that_is_no_text_is_refused_within_an_object_too(shop: Shop, name: bytes) -> None:
    await shop.order("1001")
    answer = await shop.send("PATCH", "/v2/customers/alice", b'{"customer": {"' + name + b'": 1}}')
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == ["customer"]
    codes = msgspec.json.encode(an_order(discount_codes=[CODE])).replace(b'"code"', b'"' + name + b'"')
    details = (await shop.post("/v2/orders", codes)).json()["error"]["details"]
    assert [at.partition("[")[0] for at in details] == ["discount_codes"]


@pytest.mark.parametrize("path", ["/v2/orders/{merchant_id}", "/v2/customers/{merchant_id}/transactions"])
async def test_an_id_that_is_spelt_like_a_routes_own_pattern_is_an_unknown_id(shop: Shop, path: str) -> None:
    """Not percent-encoded, as a careless client sends it: httpx would encode the braces."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", shop.auth.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    await build(shop.house)(scope | {"headers": headers}, receive, send)
    assert sent[0]["status"] == 404
