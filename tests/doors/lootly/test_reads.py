"""The balance reads: `GET /api/custom/...`."""

from urllib.parse import quote

import msgspec

from tests.doors.lootly.conftest import Shop, customer, order, sign_read


async def test_one_customers_balance(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    answer = await shop.ask("customer/alice/point-balance", {})
    assert (answer.status_code, answer.json()) == (200, {"point_value": 29})


async def test_many_balances_come_in_the_order_asked_for(shop: Shop) -> None:
    await shop.call("orders-completed", order("1", customer=customer("1")))
    await shop.call("orders-completed", order("2", customer=customer("2"), subtotal_price="120.00"))
    answer = await shop.ask("customers/point-balance", {"customer_ids": "2,nobody,1, 1"})
    assert (answer.status_code, answer.json()) == (200, [{"2": 120}, {"nobody": 0}, {"1": 29}, {"1": 29}])


async def test_a_stranger_has_no_points(shop: Shop) -> None:
    assert (await shop.ask("customer/nobody/point-balance", {})).json() == {"point_value": 0}
    assert (await shop.ask("customers/point-balance", {"customer_ids": ""})).json() == []


async def test_any_id_can_stand_in_the_path(shop: Shop) -> None:
    for points, name in enumerate(["a/b", "ä ö", "50%", "a+b", "?x=1", "customers"], start=1):
        await shop.call("customers-create", customer(name))
        await shop.call("points-add", {"customer_id": name, "point_value": points})
        answer = await shop.ask(f"customer/{quote(name, safe='')}/point-balance", {})
        assert answer.json() == {"point_value": points}


async def test_an_id_that_no_table_can_hold_is_a_stranger(shop: Shop) -> None:
    assert (await shop.ask("customer/%00/point-balance", {})).json() == {"point_value": 0}
    assert (await shop.ask("customers/point-balance", {"customer_ids": "\x00,1"})).json() == [
        {"\x00": 0},
        {"1": 0},
    ]


async def test_a_plus_that_was_not_encoded_is_still_a_good_signature(shop: Shop) -> None:
    ids = ("customer_ids", ",".join(f"c{number}" for number in range(40)))
    for tail in range(200):
        query = {"key": shop.keys.lootly_api_key, ids[0]: f"{ids[1]},{tail}"}
        hmac = sign_read(query, shop.keys.lootly_api_secret)
        if "+" in hmac:
            break
    assert "+" in hmac
    raw = f"key={query['key']}&customer_ids={query['customer_ids']}&hmac={hmac}"
    answer = await shop.client.get(f"/api/custom/customers/point-balance?{raw}")
    assert answer.status_code == 200


async def test_an_unknown_key_is_a_404(shop: Shop) -> None:
    for query in ("", "?key=", "?key=unknown&hmac=x", "?key=%00", "?key=%ff%fe"):
        answer = await shop.client.get(f"/api/custom/customer/1/point-balance{query}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Merchant not found"})


async def test_a_bad_signature_is_a_403_and_stands_in_the_log(shop: Shop) -> None:
    key = shop.keys.lootly_api_key
    good_for_one = sign_read({"key": key}, shop.keys.lootly_api_secret)
    for path in (
        f"customer/1/point-balance?key={key}",
        f"customer/1/point-balance?key={key}&hmac=x",
        f"customers/point-balance?key={key}&customer_ids=1&hmac={quote(good_for_one)}",
    ):
        answer = await shop.client.get(f"/api/custom/{path}")
        assert (answer.status_code, answer.json()) == (403, {"error": "Unauthorized"})
    last = await shop.last()
    assert (last.status, last.problem, last.hook) == (403, True, "point-balance")
    assert msgspec.json.decode(last.details)["expected_text"] == f'{{"key":"{key}","customer_ids":"1"}}'
    assert len(await shop.log()) == 3


async def test_good_reads_do_not_fill_the_log(shop: Shop) -> None:
    await shop.ask("customer/1/point-balance", {})
    assert await shop.log() == []


async def test_the_ids_are_needed_and_bounded(shop: Shop) -> None:
    assert (await shop.ask("customers/point-balance", {})).status_code == 422
    many = ",".join(str(number) for number in range(1001))
    assert (await shop.ask("customers/point-balance", {"customer_ids": many})).status_code == 422
