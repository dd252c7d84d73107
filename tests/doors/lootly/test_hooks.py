"""Orders, refunds, cancels, customers and adjustments through the Lootly door, as shops send them."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from regulars.app.house import House
from regulars.app.integrations import change_settings
from regulars.app.programs import Programs, change_rules, move_clock
from regulars.domain.errors import Invalid
from regulars.domain.program import JoinRule
from tests.clock import Clock
from tests.doors.lootly.conftest import Shop, client_of, customer, make_program, order, refund

# -- orders


async def test_the_guides_order_gives_29_points_and_its_refund_of_15_99_takes_11(shop: Shop) -> None:
    answer = await shop.call("orders-completed", order())
    assert (answer.status_code, answer.content, answer.reason_phrase) == (200, b"", "OK")
    assert await shop.points("alice") == 29

    answer = await shop.call("refunds-create", refund("15.99"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert await shop.points("alice") == 18

    await shop.call("refunds-create", refund("24.00"))
    assert await shop.points("alice") == 0


@pytest.mark.parametrize("hook", ["orders-completed", "orders-processing", "orders-paid", "orders-fulfilled"])
async def test_every_order_hook_earns(shop: Shop, hook: str) -> None:
    await shop.call(hook, order(), integration="woocommerce")
    assert await shop.points("alice") == 29
    (stored,) = await shop.fetch(
        "select door, status, paid_minor, total_minor from orders where program_id = $1"
    )
    assert stored == {
        "door": "woocommerce",
        "status": hook.removeprefix("orders-"),
        "paid_minor": 3999,
        "total_minor": 4999,
    }


async def test_an_order_that_is_sent_on_every_save_earns_once(shop: Shop) -> None:
    for hook in ("orders-processing", "orders-paid", "orders-completed", "orders-completed"):
        assert (await shop.call(hook, order())).status_code == 200
    assert await shop.points("alice") == 29
    assert await shop.count("movements") == 1
    assert next(row.outcome for row in await shop.log()) == "done"
    assert (await shop.last()).outcome == "repeated"


async def test_an_order_earns_at_the_first_status_that_the_program_rewards(shop: Shop) -> None:
    await change_rules(
        shop.house.database,
        shop.keys.program_id,
        purchase=lambda rule: msgspec.structs.replace(rule, statuses=("completed",)),
        now=shop.clock(),
    )
    await shop.call("orders-processing", order())
    assert await shop.points("alice") == 0
    last = await shop.last()
    assert (last.outcome, last.problem) == ("done", False)
    assert "“processing” do not earn" in str(last.message)

    shop.clock.forward(days=3)
    await shop.call("orders-completed", order())
    assert await shop.points("alice") == 29


MONEY = [
    # total_price, subtotal, tax, discounts, included; goods and shipping; points by default, with shipping
    # counted, with tax counted too. Worked out by hand from the contract's §2.
    (("39.99", "29.99", "0.00", "10.00", "0"), (3999, 1000), (29, 39, 39)),
    (("46.90", "35.00", "6.90", "5.00", "0"), (4000, 500), (35, 40, 46)),
    (("40.00", "35.00", "6.90", "5.00", "1"), (3310, 500), (28, 33, 40)),
    (("10.00", "10.00", "0", "0", "0"), (1000, 0), (10, 10, 10)),
    (("9.99", "10.00", "0", "0", "0"), (1000, 0), (10, 10, 10)),  # rounded apart: no shipping below zero
    (
        ("51.00", "1.00", "8.50", "0", "1"),
        (0, 4250),
        (0, 42, 51),
    ),  # mostly the shipping's tax: no goods below zero
    (("0.00", "0.00", "0.00", "25.00", "0"), (2500, 0), (0, 0, 0)),
]


async def test_goods_and_shipping_are_worked_out_from_the_sums(shop: Shop) -> None:
    names = ("total_price", "subtotal_price", "total_tax", "total_discounts", "taxes_included")
    for counted, (shipping, tax) in enumerate([(False, False), (True, False), (True, True)]):
        await change_rules(
            shop.house.database,
            shop.keys.program_id,
            purchase=lambda rule, s=shipping, t=tax: msgspec.structs.replace(  # type: ignore[misc]
                rule, counts_shipping=s, counts_tax=t
            ),
            now=shop.clock(),
        )
        for number, (sums, parts, points) in enumerate(MONEY):
            who = f"{counted} {number}"
            said = order(who, customer=customer(who)) | dict(zip(names, sums, strict=True))
            await shop.call("orders-completed", said)
            assert await shop.points(who) == points[counted], (sums, (await shop.last()).message)
            stored = await shop.fetch(
                "select goods_minor, shipping_minor from orders where program_id = $1 "
                "order by order_id desc limit 1"
            )
            assert stored == [{"goods_minor": parts[0], "shipping_minor": parts[1]}], sums


async def test_taxes_are_included_or_not_by_many_words(shop: Shop) -> None:
    for number, word in enumerate(["1", 1, True, "true", "yes", "on", "TRUE"]):
        await shop.call("orders-completed", order(f"in {number}", total_tax="5.00", taxes_included=word))
    for number, word in enumerate(["0", 0, False, "false", "no", "off", "", None]):
        await shop.call("orders-completed", order(f"out {number}", total_tax="5.00", taxes_included=word))
    stored = await shop.fetch("select goods_minor from orders where program_id = $1 order by order_id")
    assert [row["goods_minor"] for row in stored] == [3499] * 7 + [3999] * 8


async def test_amounts_may_be_json_numbers_and_ids_integers(shop: Shop) -> None:
    said = order(
        total_price=39.99, subtotal_price=29.9, total_tax=0, total_discounts=10, taxes_included=False
    )
    said |= {"id": 100001, "customer": customer(17)}
    await shop.call("orders-completed", said)
    assert await shop.points("17") == 29
    (stored,) = await shop.fetch(
        "select total_minor, goods_minor, merchant_id from orders where program_id = $1"
    )
    assert stored == {"total_minor": 4999, "goods_minor": 3990, "merchant_id": "100001"}
    await shop.call("orders-completed", said | {"id": "100001"})
    assert (await shop.last()).outcome == "repeated"


async def test_codes_and_lines_are_kept_with_the_order(shop: Shop) -> None:
    products = [
        {
            "product_id": 55,
            "product_name": "Tee",
            "product_price": "20.00",
            "quantity": 2,
            "categories": [{"category_id": 3, "category_name": "Green"}],
            "weight": 1.5,
        },
        {"product_id": None, "categories": {}, "quantity": True},
    ]
    await shop.call("orders-completed", order(products=products, ip_address="203.0.113.9"))
    (stored,) = await shop.fetch("select details from orders where program_id = $1")
    details = msgspec.json.decode(stored["details"])
    assert [code["code"] if isinstance(code, dict) else code[0] for code in details["codes"]] == ["SPRING"]
    assert details["ip_address"] == "203.0.113.9"
    assert details["lines"] == [
        {
            "product_id": "55",
            "product_name": "Tee",
            "product_price": "20.00",
            "quantity": "2",
            "categories": [{"category_id": "3", "category_name": "Green"}],
        },
        {},
    ]


async def test_discount_codes_come_in_many_shapes(shop: Shop) -> None:
    shapes: list[object] = [[], None, {}, {"1": {"code": "A"}}, [{"code": ""}], [{"code": 7}]]
    for number, codes in enumerate(shapes):
        await shop.call("orders-completed", order(f"order {number}", discount_codes=codes))
    assert await shop.points("alice") == 29 * len(shapes)


async def test_discount_codes_may_be_left_out(shop: Shop) -> None:
    said = order()
    del said["discount_codes"], said["taxes_included"]
    await shop.call("orders-completed", said)
    assert await shop.points("alice") == 29


async def test_an_order_in_yen_has_no_pence(house: House, clock: Clock) -> None:
    keys = await make_program(house, clock, currency="JPY", points_per_unit="0.01")
    async with client_of(house) as client:
        shop = Shop(house, keys, client, clock)
        said = order(total_price="4000.4", subtotal_price="3500", total_discounts="500")
        await shop.call("orders-completed", said)
        assert await shop.points("alice") == 35
        (stored,) = await shop.fetch("select total_minor from orders where program_id = $1")
        assert stored["total_minor"] == 4500


# -- repeats


async def test_the_first_money_stays_and_the_log_says_what_differs(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    answer = await shop.call("orders-completed", order(total_price="99.99", subtotal_price="89.99"))
    assert answer.status_code == 200
    assert await shop.points("alice") == 29
    last = await shop.last()
    assert (last.outcome, last.problem, last.subject) == ("differs", True, "100001")
    assert "other content (total, goods)" in str(last.message)


async def test_a_resend_never_revives_a_cancelled_order(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("orders-cancelled", {"id": "100001"})
    await shop.call("orders-completed", order())
    await shop.call("orders-paid", order())
    assert await shop.points("alice") == 0


async def test_sixteen_deliveries_at_once_are_one_order(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.call("orders-completed", order()) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert await shop.points("alice") == 29
    assert await shop.count("orders") == 1
    assert await shop.count("deliveries") == 16


# -- who the customer is


async def test_an_order_without_an_id_belongs_to_the_member_with_its_email(shop: Shop) -> None:
    await shop.call("customers-create", customer("alice"))
    await shop.call("customers-create", customer("younger"))
    await shop.call("orders-completed", order(customer=customer(None, email="ALICE@example.com ")))
    assert await shop.points("alice") == 29
    assert await shop.points("younger") == 0


async def test_a_guest_earns_nothing_and_the_log_says_why(shop: Shop) -> None:
    await shop.call("orders-completed", order(customer=customer(None)))
    assert "guest" in str((await shop.last()).message)
    assert await shop.count("movements") == 0


async def test_no_id_is_written_in_many_ways(shop: Shop) -> None:
    for number, nothing in enumerate([None, "", 0, "0"]):
        await shop.call("orders-completed", order(f"{number}", customer=customer() | {"id": nothing}))
    assert await shop.points("0") is None
    (stored,) = await shop.fetch("select merchant_id, email from customers where program_id = $1")
    assert stored == {"merchant_id": None, "email": "alice@example.com"}
    assert await shop.count("orders") == 4


async def test_an_id_makes_a_member_even_of_a_guest_order(shop: Shop) -> None:
    await shop.call("orders-completed", order(guest=True))
    assert await shop.points("alice") == 29


async def test_a_guest_becomes_the_customer_who_signs_up_with_that_email(shop: Shop) -> None:
    await shop.call("orders-completed", order("1", customer=customer(None)))
    await shop.call("customers-create", customer("alice"))
    await shop.call("orders-completed", order("2"))
    assert await shop.points("alice") == 29
    assert await shop.count("customers") == 1


async def test_an_order_of_nobody_is_refused_and_logged(shop: Shop) -> None:
    nobodies: list[object] = [
        {},
        [],
        {"first_name": "Alice"},
        {"id": None, "email": None},
        {"id": "", "email": " "},
    ]
    for nobody in nobodies:
        answer = await shop.call("orders-completed", order(customer=nobody))
        assert (answer.status_code, answer.content) == (200, b"")
        last = await shop.last()
        assert (last.outcome, last.problem, last.status) == ("refused", True, 200)
        assert str(last.message).startswith("customer needs an id or an email")
    assert await shop.count("orders") == 0


async def test_what_the_order_says_of_its_customer_is_kept(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    (stored,) = await shop.fetch(
        "select email, first_name, last_name, birthday::text, properties, member_since from customers "
        "where program_id = $1"
    )
    assert msgspec.json.decode(stored.pop("properties")) == {"zip": "OX1 1DP", "country": "GB"}
    assert stored == {
        "email": "alice@example.com",
        "first_name": "Alice",
        "last_name": "Liddell",
        "birthday": "1992-05-04",
        "member_since": shop.clock(),
    }


async def test_birthday_and_address_may_be_empty(shop: Shop) -> None:
    addresses: list[object] = [None, [], {}, {"zip": 4109, "country": None}]
    for number, address in enumerate(addresses):
        said = customer(birthday="" if number % 2 else None, default_address=address, first_name=None)
        await shop.call("orders-completed", order(f"{number}", customer=said))
    assert await shop.points("alice") == 29 * len(addresses)


# -- refunds and cancels


async def test_a_refund_that_comes_first_waits_for_its_order(shop: Shop) -> None:
    await shop.call("refunds-create", refund("15.99"))
    assert (await shop.last()).outcome == "waiting"
    await shop.call("orders-completed", order())
    assert await shop.points("alice") == 18


@pytest.mark.parametrize("hook", ["orders-cancelled", "orders-closed"])
async def test_a_cancel_that_comes_first_waits_too(shop: Shop, hook: str) -> None:
    answer = await shop.call(hook, {"id": 100001})
    assert answer.status_code == 200
    await shop.call(hook, {"id": 100001})
    await shop.call("orders-completed", order())
    assert await shop.points("alice") == 0


async def test_magentos_refund_and_close_take_the_points_once(shop: Shop) -> None:
    await shop.call("orders-completed", order(), integration="magento")
    await shop.call("refunds-create", refund(39.99), integration="magento")
    await shop.call("orders-closed", {"id": "100001"}, integration="magento")
    await shop.call("orders-cancelled", {"id": "100001"}, integration="magento")
    assert await shop.points("alice") == 0
    assert await shop.count("movements") == 2


async def test_closing_takes_what_a_partial_refund_left(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("15.99"))
    await shop.call("orders-closed", {"id": "100001"})
    assert await shop.points("alice") == 0


async def test_refunds_beyond_the_orders_money_count_up_to_it(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("500"))
    assert await shop.points("alice") == 0
    assert "count up to 39.99 GBP" in str((await shop.last()).message)


async def test_one_body_may_refund_in_parts(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    parts = [{"amount": "10.00"}, {"amount": 5.99}, {"amount": "0"}]
    await shop.call("refunds-create", {"id": "100001", "transactions": parts})
    assert await shop.points("alice") == 18


async def test_the_same_refund_within_the_hour_is_a_redelivery(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("10.00"))
    shop.clock.forward(minutes=59)
    answer = await shop.call("refunds-create", refund("10.00"))
    assert answer.status_code == 200
    assert (await shop.last()).outcome == "repeated"
    assert await shop.points("alice") == 22

    shop.clock.forward(minutes=2)  # 61 since the first
    await shop.call("refunds-create", refund("10.00"))
    assert (await shop.last()).outcome == "done"
    assert await shop.points("alice") == 15


async def test_a_redelivery_is_known_however_its_body_is_written(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    body = shop.body(refund("10.00"))
    await shop.send("refunds-create", body)
    rearranged = msgspec.json.format(body, indent=2).replace(b'"10.00"', b'"\\u0031\\u0030.00"')
    assert (await shop.send("refunds-create", rearranged)).status_code == 200
    assert (await shop.last()).outcome == "repeated"
    assert await shop.points("alice") == 22


async def test_the_window_is_a_setting_of_the_integration(shop: Shop) -> None:
    await change_settings(
        shop.house.database, shop.keys.program_id, redelivery_window_seconds=0, now=shop.house.clock()
    )
    shop.house.credentials.forget()
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("10.00"))
    await shop.call("refunds-create", refund("10.00"))
    assert await shop.points("alice") == 15


async def test_a_transactions_id_makes_the_refund_count_once_for_good(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("10.00", id=9))
    shop.clock.forward(days=400)
    await shop.call("refunds-create", refund("10.00", id="9"))
    assert (await shop.last()).outcome == "repeated"
    assert await shop.points("alice") == 22
    await shop.call("refunds-create", refund("10.00", id=10))
    assert await shop.points("alice") == 15


async def test_a_transactions_id_with_another_amount_is_refused(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    await shop.call("refunds-create", refund("10.00", id="9"))
    await shop.call("refunds-create", refund("12.00", id="9"))
    last = await shop.last()
    assert (last.outcome, last.message) == ("refused", "The refund 9 is known with another amount.")
    assert await shop.points("alice") == 22


async def test_the_same_transaction_twice_in_one_body_counts_once(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    part = {"id": "9", "amount": "10.00"}
    await shop.call("refunds-create", {"id": "100001", "transactions": [part, part]})
    assert await shop.points("alice") == 22


async def test_an_idempotency_key_makes_any_call_count_once(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    for _ in range(2):
        await shop.call("refunds-create", refund("10.00"), Idempotency_Key="refund 1")
        shop.clock.forward(days=30)
    assert await shop.points("alice") == 22
    await shop.call("refunds-create", refund("10.00"), Idempotency_Key="refund 2")
    assert await shop.points("alice") == 15
    await shop.call("refunds-create", refund("11.00"), Idempotency_Key="refund 2")
    last = await shop.last()
    assert (last.outcome, "Idempotency-Key" in str(last.message)) == ("refused", True)


async def test_a_window_is_at_most_a_week(shop: Shop) -> None:
    for seconds in (-1, 604_801):
        with pytest.raises(Invalid, match="redelivery_window_seconds"):
            await change_settings(
                shop.house.database,
                shop.keys.program_id,
                redelivery_window_seconds=seconds,
                now=shop.house.clock(),
            )


# -- customers


async def test_a_new_customer_gets_the_points_for_joining_once(shop: Shop) -> None:
    await change_rules(
        shop.house.database, shop.keys.program_id, join=lambda _: JoinRule(points=50), now=shop.clock()
    )
    await shop.call("customers-create", customer() | {"state": "enabled"})
    await shop.call("customers-create", customer(last_name="Hargreaves"))
    assert await shop.points("alice") == 50
    (stored,) = await shop.fetch("select first_name, last_name from customers where program_id = $1")
    assert stored == {"first_name": "Alice", "last_name": "Hargreaves"}


async def test_points_are_added_and_taken_with_their_reason(shop: Shop) -> None:
    await shop.call("customers-create", customer())
    added = {"customer_id": "alice", "point_value": 120, "reason": "Sorry for the wait"}
    assert (await shop.call("points-add", added, integration="zapier")).status_code == 200
    await shop.call("points-subtract", {"customer_id": "alice", "point_value": "20"})
    assert await shop.points("alice") == 100
    rows = await shop.log()
    assert rows[-2].message == "Integration zapier gave 120 points: Sorry for the wait"
    assert rows[-1].message == "Integration common took 20 points."


async def test_the_same_adjustment_within_the_hour_is_a_redelivery(shop: Shop) -> None:
    await shop.call("customers-create", customer())
    added = {"customer_id": "alice", "point_value": 5}
    await shop.call("points-add", added)
    await shop.call("points-add", added)
    assert await shop.points("alice") == 5
    await shop.call("points-subtract", added)  # another hook is another call
    assert await shop.points("alice") == 0
    shop.clock.forward(hours=1)
    await shop.call("points-add", added)
    assert await shop.points("alice") == 5


async def test_no_more_points_are_taken_than_there_are(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    answer = await shop.call("points-subtract", {"customer_id": "alice", "point_value": 30})
    assert answer.status_code == 200
    assert (await shop.last()).message == "Asked for 30 points, but only 29 are left."
    assert await shop.points("alice") == 29


async def test_the_customer_hook_tells_the_balance(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    answer = await shop.call("customer", {"customer_id": "alice", "t": 1700000000})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "id": "alice",
            "email": "alice@example.com",
            "first_name": "Alice",
            "last_name": "Liddell",
            "points": 29,
            "pending": 0,
        }
    }


async def test_the_customer_hook_has_no_data_for_a_stranger(shop: Shop) -> None:
    answer = await shop.call("customer", {"customer_id": "nobody", "t": 1})
    assert (answer.status_code, answer.json()) == (200, {})


# -- time


async def test_pending_points_are_approved_on_their_day_though_no_job_runs(
    house: House, clock: Clock
) -> None:
    keys = await make_program(house, clock, approval_days=14, test_mode=True)
    async with client_of(house) as client:
        shop = Shop(house, keys, client, clock)
        await shop.call("orders-completed", order())
        assert await shop.balance("alice") == (0, 29)
        clock.forward(days=13, hours=23)
        assert await shop.balance("alice") == (0, 29)
        clock.forward(hours=1)
        assert await shop.balance("alice") == (29, 0)
        answer = await shop.call("customer", {"customer_id": "alice"})
        assert answer.json()["data"]["points"] == 29

        await shop.call("orders-completed", order("2"))
        await move_clock(house.database, keys.program_id, forward=timedelta(days=14), now=clock())
        house.programs = Programs(house.database)  # what a process knows of a program is up to a second old
        assert await shop.balance("alice") == (58, 0)


# -- the shop itself


async def test_key_verify_answers_an_empty_list(shop: Shop) -> None:
    answer = await shop.call("key-verify", {"t": 1700000000}, integration="magento")
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["content-type"] == "application/json"


async def test_app_installed_keeps_where_the_shop_is(shop: Shop) -> None:
    await change_settings(
        shop.house.database, shop.keys.program_id, strict_answers=True, now=shop.house.clock()
    )
    shop.house.credentials.forget()
    said = {"shop_url": "https://tea.example", "api_endpoint": "https://tea.example/api/"}
    assert (await shop.call("app-installed", said, integration="woocommerce")).status_code == 200
    (stored,) = await shop.fetch("select settings from credentials where program_id = $1 and kind = 'lootly'")
    assert msgspec.json.decode(stored["settings"]) == {"strict_answers": True, **said}
    await shop.call("app-installed", said)
    assert (await shop.last()).message == "The shop's address was known already."


async def test_a_shop_touches_its_own_program_alone(shop: Shop, house: House, clock: Clock) -> None:
    theirs = await make_program(house, clock, name="Coffee", domain="https://coffee.example")
    other = Shop(house, theirs, shop.client, clock)
    await shop.call("orders-completed", order())
    await other.call("refunds-create", refund("39.99"))
    await other.call("points-subtract", {"customer_id": "alice", "point_value": 1})
    assert await shop.points("alice") == 29
    assert await other.points("alice") is None
    mixed: dict[str, Any] = {"key": theirs.lootly_api_key} | refund("39.99")
    assert (await shop.call("refunds-create", mixed)).status_code == 401
