"""Content that no rule could accept: answered as the contract says, logged by its field, and nothing done."""

from typing import Any

import httpx
import pytest

from tests.doors.lootly.conftest import Shop, customer, order, refund

LONG = "x" * 10_000
TABLES = (
    "customers",
    "accounts",
    "orders",
    "movements",
    "decisions",
    "events",
    "early_reports",
    "identities",
)

NOT_MONEY = [
    None, "", " 1", "1 ", "+1", "-1", "-0.01", "1,50", "1e5", "1E5", "0x10", "1_0", "NaN", "Infinity", "1.",
    ".5", "1.00000", "99999999999999", "1000000000000.01", "٣", "１", "1\x00", LONG, True, False, [], {},
    ["1"], {"a": 1},
]  # fmt: skip
NOT_MONEY_AS_JSON = ["1e5", "1E+2", "-1", "-0", "1.00000", "0.30000000000000004", "1e-2", "9" * 20, "1e300"]
NOT_AN_ID = [None, "", True, False, 1.5, [], {}, LONG, "a\x00b", "\x00", "x" * 256]
NOT_A_TEXT = [1, 1.5, True, [], ["a"], {"a": 1}, LONG, "a\x00", "x" * 256]
NOT_A_DATE = [
    "1992", "1992-5-4", "04.05.1992", "19920504", "1992-W01-1", "1992-13-01", "1992-02-30", "0000-00-00",
    "9999-12-31", "1066-10-14", "1992-05-04T00:00:00Z", "１９９２-05-04", 19920504, True, [], {}, LONG,
]  # fmt: skip
NOT_AN_EMAIL = ["alice", "alice@", "@example.com", "a@b@c", "a b@c", "a@b\x00", "a@b\nc", 7, True, [], LONG]

ORDERS: list[tuple[str, dict[str, Any]]] = [
    *[(name, {name: value}) for name in ("total_price", "subtotal_price", "total_tax", "total_discounts")
      for value in NOT_MONEY],
    *[("total_discounts", {name: "1000000000000", "total_discounts": "1"})
      for name in ("total_price", "subtotal_price")],
    *[("id", {"id": value}) for value in NOT_AN_ID],
    *[("taxes_included", {"taxes_included": value}) for value in ("2", 2, "maybe", 0.5, [], {}, LONG)],
    *[("discount_codes", {"discount_codes": value})
      for value in ("SPRING", 7, True, ["SPRING"], [None], [{"code": True}], [{"code": LONG}],
                    [{"code": "\x00"}], [{"code": "A"}] * 101)],
    *[("products", {"products": value}) for value in ("x", 7, ["x"], [{}] * 1001)],
    *[("ip_address", {"ip_address": value}) for value in NOT_A_TEXT],
    *[("customer", {"customer": value}) for value in (None, "alice", 7, True, ["alice"], [], {})],
    *[("customer.id", {"customer": customer() | {"id": value}})
      for value in NOT_AN_ID if value not in (None, "")],
    ("customer.id", {"customer": customer("ü" * 96)}),
    *[("customer.email", {"customer": customer(email=value)}) for value in NOT_AN_EMAIL],
    *[(f"customer.{name}", {"customer": customer(**{name: value})})
      for name in ("first_name", "last_name") for value in NOT_A_TEXT],
    *[("customer.birthday", {"customer": customer(birthday=value)}) for value in NOT_A_DATE],
    *[("customer.default_address", {"customer": customer(default_address=value)})
      for value in ("Oxford", 7, True, ["x"])],
    *[(f"customer.default_address.{name}", {"customer": customer(default_address={name: value})})
      for name in ("zip", "country") for value in (True, [1], {"a": 1}, LONG, "\x00")],
]  # fmt: skip

CUSTOMERS: list[tuple[str, dict[str, Any]]] = [
    *[("id", {"id": value}) for value in [*NOT_AN_ID, 0, "0", "x" * 192]],
    *[("email", {"email": value}) for value in [*NOT_AN_EMAIL, None, "", "  "]],
    *[("birthday", {"birthday": value}) for value in NOT_A_DATE],
    *[("first_name", {"first_name": value}) for value in NOT_A_TEXT],
    *[("default_address", {"default_address": value}) for value in ("x", 7)],
]  # fmt: skip

REFUNDS: list[tuple[str, dict[str, Any]]] = [
    *[("id", {"id": value}) for value in NOT_AN_ID],
    *[("transactions", {"transactions": value})
      for value in (None, [], {}, "15.99", 15.99, True, ["15.99"], [None], [{"amount": "1"}] * 1001)],
    *[("transactions.amount", {"transactions": [{"amount": value}]}) for value in NOT_MONEY],
    *[("transactions.amount", {"transactions": value}) for value in ([{}], [{"amount": "1"}, {"id": 1}])],
    *[("transactions.id", {"transactions": [{"amount": "1", "id": value}]})
      for value in NOT_AN_ID if value not in (None, "")],
    ("transactions.id", {"transactions": [{"amount": "1", "id": "7"}, {"amount": "2", "id": 7}]}),
]  # fmt: skip

ADJUSTMENTS: list[tuple[str, dict[str, Any]]] = [
    *[("customer_id", {"customer_id": value}) for value in [*NOT_AN_ID, 0]],
    *[("point_value", {"point_value": value})
      for value in (None, "", 0, -1, "-1", "0", "+5", "1.5", 1.5, "1e3", "٣", "1_0", True, [], {}, 10**12 + 1,
                    10**30, "9" * 40, LONG)],
    *[("reason", {"reason": value}) for value in NOT_A_TEXT],
]  # fmt: skip

CASES = [
    *[("orders-completed", order(), field, change) for field, change in ORDERS],
    *[("customers-create", customer(), field, change) for field, change in CUSTOMERS],
    *[("refunds-create", refund("15.99"), field, change) for field, change in REFUNDS],
    *[("orders-cancelled", {"id": "1"}, "id", {"id": value}) for value in NOT_AN_ID],
    *[("orders-closed", {"id": "1"}, "id", {"id": value}) for value in NOT_AN_ID],
    *[
        (hook, {"customer_id": "alice", "point_value": 5}, field, change)
        for hook in ("points-add", "points-subtract")
        for field, change in ADJUSTMENTS
    ],
    *[("customer", {}, "customer_id", {"customer_id": value}) for value in NOT_AN_ID],
    *[("app-installed", {}, "shop_url", {"shop_url": value}) for value in [*NOT_A_TEXT, None, ""]],
    *[
        ("app-installed", {"shop_url": "https://tea.example"}, "api_endpoint", {"api_endpoint": value})
        for value in NOT_A_TEXT
        if value != "x" * 256
    ],
]
HOOKS = sorted({case[0] for case in CASES})


async def contents(shop: Shop) -> dict[str, int]:
    return {table: await shop.count(table) for table in TABLES}


async def expect_refusal(shop: Shop, answer: httpx.Response, field: str, case: object) -> None:
    """The contract's quiet 200, and the log that says what the shop doesn't hear."""
    assert (answer.status_code, answer.content) == (200, b""), case
    last = await shop.last()
    assert (last.outcome, last.problem, last.status) == ("refused", True, 200), case
    assert str(last.message).startswith(f"{field} "), (case, last.message)
    assert str(last.message).isprintable(), case


@pytest.mark.parametrize("hook", HOOKS)
async def test_bad_content_is_refused_by_its_fields_name_and_nothing_is_done(shop: Shop, hook: str) -> None:
    await shop.call("customers-create", customer("bob", email="bob@example.com"))
    before = await contents(shop)
    cases = [case for case in CASES if case[0] == hook]
    for case in cases:
        _, payload, field, change = case
        await expect_refusal(shop, await shop.call(hook, payload | change), field, case)
    assert await contents(shop) == before
    assert await shop.count("deliveries") == len(cases) + 1


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_missing_field_is_named_too(shop: Shop, hook: str) -> None:
    required = {
        "orders-completed": [
            "id",
            "total_price",
            "subtotal_price",
            "total_tax",
            "total_discounts",
            "customer",
        ],
        "customers-create": ["id", "email"],
        "refunds-create": ["id", "transactions"],
        "points-add": ["customer_id", "point_value"],
        "points-subtract": ["customer_id", "point_value"],
        "customer": ["customer_id"],
        "app-installed": ["shop_url"],
    }
    payload = next(case[1] for case in CASES if case[0] == hook)
    for field in required.get(hook, ["id"]):
        incomplete = {name: value for name, value in payload.items() if name != field}
        await expect_refusal(shop, await shop.call(hook, incomplete), field, field)
    assert await shop.count("decisions") == 0


async def test_json_numbers_are_read_as_strictly_as_strings(shop: Shop) -> None:
    before = await contents(shop)
    for field in ("total_price", "subtotal_price", "total_tax", "total_discounts"):
        for text in NOT_MONEY_AS_JSON:
            answer = await shop.send("orders-completed", shop.raw_body(order(), **{field: text}))
            await expect_refusal(shop, answer, field, text)
    for text in NOT_MONEY_AS_JSON:
        body = shop.raw_body({"id": "1"}, transactions=f'[{{"amount":{text}}}]')
        await expect_refusal(shop, await shop.send("refunds-create", body), "transactions.amount", text)
    assert await contents(shop) == before


async def test_what_is_no_json_or_no_number_is_an_unreadable_body(shop: Shop) -> None:
    for text in ("NaN", "Infinity", "-Infinity", "1e400", "1_0", "01", "9" * 400, '"\\ud800"'):
        body = shop.raw_body(order(), total_price=text)
        assert (await shop.send("orders-completed", body)).status_code == 401, text
    assert await shop.count("orders") == 0


async def test_a_repeated_name_counts_with_its_last_value_signed_or_not(shop: Shop) -> None:
    body = shop.body(order(total_price="39.99"))
    repeated = body.replace(b'"total_price":"39.99"', b'"total_price":"1.00","total_price":"39.99"')
    assert (await shop.send("orders-completed", repeated)).status_code == 200
    (stored,) = await shop.fetch("select total_minor from orders where program_id = $1")
    assert stored["total_minor"] == 4999


async def test_huge_ids_and_quantities_in_lines_do_no_harm(shop: Shop) -> None:
    digits = "9" * 300
    lines = f'[{{"product_id":{digits},"quantity":-1e300,"product_name":"\\u0000","categories":[{digits}]}}]'
    assert (await shop.send("orders-completed", shop.raw_body(order(), products=lines))).status_code == 200
    assert await shop.points("alice") == 29


async def test_a_long_idempotency_key_is_refused(shop: Shop) -> None:
    answer = await shop.call("orders-completed", order(), Idempotency_Key="k" * 256)
    await expect_refusal(shop, answer, "Idempotency-Key", "long")
    answer = await shop.call("orders-completed", order(), Idempotency_Key="")
    await expect_refusal(shop, answer, "Idempotency-Key", "empty")
    assert await shop.count("orders") == 0


@pytest.mark.parametrize("hook", ["points-add", "points-subtract"])
async def test_a_stranger_gets_no_points(shop: Shop, hook: str) -> None:
    await shop.call(hook, {"customer_id": "nobody", "point_value": 5})
    last = await shop.last()
    assert (last.outcome, last.message) == ("refused", "No customer with the id nobody is known.")
    assert await shop.count("customers") == 0


async def test_text_of_every_script_comes_back_equal(shop: Shop) -> None:
    names = {"first_name": "Zoë 🚀 e\u0301", "last_name": "日本 العربية\u200d'\"<&>\\/\x7f"}
    await shop.call("orders-completed", order(customer=customer("ключ/🔑", **names)))
    answer = await shop.call("customer", {"customer_id": "ключ/🔑"})
    assert {name: answer.json()["data"][name] for name in names} == names
