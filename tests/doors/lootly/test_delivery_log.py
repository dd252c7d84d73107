"""What the delivery log says: every call, whatever its answer, with what was done and why."""

import asyncio
import time
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from regulars.app import deliveries
from regulars.app.credentials import revoke
from regulars.app.deliveries import PRUNED_AT_ONCE, Delivery, list_deliveries, printable, prune
from regulars.app.house import House
from regulars.app.integrations import change_settings
from regulars.domain.errors import Busy
from regulars.doors.lootly.hooks import INTEGRATIONS
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.unverified import BODY_KEPT_BYTES, KEPT_A_MINUTE
from tests.clock import Clock
from tests.doors.lootly.conftest import Shop, customer, make_program, order, refund
from tests.pace import within

# -- the contract's status codes, and the order of its checks


async def test_every_integration_of_the_contract_is_known(shop: Shop) -> None:
    assert len(INTEGRATIONS) == 9
    for integration in INTEGRATIONS:
        assert (await shop.call("key-verify", {"t": 1}, integration=integration)).status_code == 200
        assert (await shop.last()).integration == integration


async def test_an_unknown_integration_is_a_500_before_all_else(shop: Shop) -> None:
    for integration in ("commmon", "Common", "common ", "api", "%00", "%1B", "x" * 300):
        for body in (b"", b"{}", b'{"key":"x"}', shop.body(order(), secret="wrong"), shop.body(order())):
            answer = await shop.send("no-such-hook", body, integration=integration)
            assert answer.status_code == 500
            assert "Integration not found" in answer.json()["error"]["message"]
    assert [(row.outcome, row.status) for row in await shop.log()] == [("unknown integration", 500)] * 14
    assert await shop.count("orders") == 0


async def test_an_unreadable_body_or_unknown_key_is_a_401_before_the_hook(shop: Shop) -> None:
    for body in (
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"key":"\\ud800"}',
        b'{"key":7}',
        b'{"key":"\\u0000"}',
        b'{"key":"unknown","hmac":"x"}',
    ):
        assert (await shop.send("no-such-hook", body)).status_code == 401, body
    assert await shop.log() == []


async def test_a_bad_signature_is_a_401_before_the_hook(shop: Shop) -> None:
    answer = await shop.send("no-such-hook", shop.body(order(), secret="wrong"))
    assert answer.status_code == 401
    assert (await shop.last()).outcome == "unauthorised"


async def test_a_misspelt_hook_is_a_201_and_a_visible_warning(shop: Shop) -> None:
    answer = await shop.call("orders-complete", order())
    assert answer.status_code == 201
    last = await shop.last()
    assert (last.outcome, last.status, last.problem, last.hook) == (
        "unknown hook",
        201,
        True,
        "orders-complete",
    )
    assert last.message == "There is no hook orders-complete: nothing was done. Is its name misspelt?"
    assert await shop.count("orders") == 0


async def test_a_hook_that_comes_later_says_so(shop: Shop) -> None:
    answer = await shop.call("custom-action", {"t": 1})
    assert answer.status_code == 201
    assert "data" not in answer.json()
    assert "comes in a later version" in str((await shop.last()).message)


async def test_a_revoked_key_is_a_401(shop: Shop) -> None:
    (stored,) = await shop.fetch(
        "select credential_id from credentials where program_id = $1 and kind = 'lootly'"
    )
    assert await revoke(
        shop.house.database,
        program_id=shop.keys.program_id,
        credential_id=stored["credential_id"],
        now=shop.clock(),
    )
    shop.house.credentials.forget()
    assert (await shop.call("orders-completed", order())).status_code == 401
    assert await shop.count("orders") == 0


async def test_other_methods_and_addresses_are_refused_as_json(shop: Shop) -> None:
    answer = await shop.client.get("/integrations/webhooks/common/orders-completed")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await shop.client.post("/api/custom/customer/1/point-balance")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    for path in (
        "/integrations/webhooks/common",
        "/integrations/webhooks/common/a/b",
        "/api/custom/customers",
    ):
        answer = await shop.client.post(path)
        assert (answer.status_code, "message" in answer.json()["error"]) == (404, True)


async def test_a_slash_at_the_end_does_no_harm(shop: Shop) -> None:
    assert (await shop.send("orders-completed/", shop.body(order()))).status_code == 200
    assert await shop.points("alice") == 29


async def test_a_body_may_come_in_pieces_and_under_any_content_type(shop: Shop) -> None:
    body = shop.body(order())

    async def pieces() -> object:
        for at in range(0, len(body), 100):
            yield body[at : at + 100]

    answer = await shop.client.post(
        "/integrations/webhooks/common/orders-completed",
        content=pieces(),  # type: ignore[arg-type]
        headers={"content-type": "text/plain"},
    )
    assert answer.status_code == 200
    assert await shop.points("alice") == 29


# -- what is kept


async def test_a_failed_signature_shows_the_text_that_should_have_been_signed(shop: Shop) -> None:
    said = {"key": shop.keys.lootly_api_key} | refund("15.99")
    sent = msgspec.json.encode(said | {"hmac": "no good"})
    assert (await shop.send("refunds-create", sent)).status_code == 401
    last = await shop.last()
    assert (last.status, last.problem, last.subject) == (401, True, "100001")
    details = msgspec.json.decode(last.details)
    assert details == {
        "expected_text": json_text({name: said[name] for name in sorted(said)}),
        "came": "no good",
    }
    assert details["expected_text"].startswith('{"id":"100001","key":"')

    del said["key"]
    sent = msgspec.json.encode({"key": shop.keys.lootly_api_key} | said)
    await shop.send("refunds-create", sent)
    assert (await shop.last()).message == "The body has no hmac."


async def test_the_log_never_holds_the_secret_or_a_good_signature_of_a_bad_call(shop: Shop) -> None:
    bad = shop.body(order(), secret="wrong")
    good_hmac = msgspec.json.decode(shop.body(order()))["hmac"]
    await shop.send("orders-completed", bad)
    for row in await shop.fetch("select body, details, message from deliveries where program_id = $1"):
        kept = row["body"].decode() + row["details"] + str(row["message"])
        assert good_hmac not in kept
        assert shop.keys.lootly_api_secret not in kept


async def test_unsigned_calls_are_rationed_because_anyone_can_send_them(shop: Shop) -> None:
    bad = shop.body(order(), secret="wrong")
    for _ in range(KEPT_A_MINUTE + 40):
        assert (await shop.send("orders-completed", bad)).status_code == 401
    assert len(await shop.log()) == KEPT_A_MINUTE
    shop.clock.forward(minutes=1)
    await shop.send("orders-completed", bad)
    rows = await shop.log()
    assert len(rows) == KEPT_A_MINUTE + 1
    assert "40 more such calls came before and were not kept." in str(rows[-1].message)
    await shop.call("orders-completed", order())
    assert await shop.points("alice") == 29


async def test_and_cut(shop: Shop) -> None:
    await shop.send("orders-completed", shop.body(order(note="x" * 300_000), secret="wrong"))
    (stored,) = await shop.fetch(
        "select length(body) as body, length(details) as details from deliveries where program_id = $1"
    )
    assert stored["body"] == BODY_KEPT_BYTES
    assert stored["details"] < 2 * BODY_KEPT_BYTES


async def test_the_whole_body_of_a_signed_call_is_kept(shop: Shop) -> None:
    body = shop.body(order(note="x" * 300_000))
    await shop.send("orders-completed", body)
    (stored,) = await shop.fetch("select body from deliveries where program_id = $1")
    assert stored["body"] == body


async def test_a_delivery_is_stored_with_its_decision(shop: Shop) -> None:
    await shop.call("orders-completed", order())
    (row,) = await shop.fetch(
        "select d.hook, d.outcome, d.subject, c.kind from deliveries d "
        "join decisions c using (program_id, decision_id) where program_id = $1"
    )
    assert row == {"hook": "orders-completed", "outcome": "done", "subject": "100001", "kind": "RecordOrder"}
    assert "Gave 29 points" in str((await shop.last()).message)


async def test_nothing_in_the_log_can_steer_a_terminal(shop: Shop) -> None:
    body = shop.body(order() | {"id": "\x1b[2J\n1", "total_price": "x"})
    await shop.send("orders%0Acompleted%1B", body)
    await shop.send("orders-completed", body)
    for row in await shop.log():
        for text in (row.hook, row.subject, row.message):
            assert str(text).isprintable()


def test_printable_text_is_escaped_and_cut() -> None:
    assert printable("Zoë 🚀") == "Zoë 🚀"
    assert printable("a\x00b\x1b\ud800") == "a\\x00b\\x1b\\ud800"
    assert printable("x" * 300) == "x" * 254 + "…"


# -- strict answers


async def test_strict_answers_name_the_field(shop: Shop) -> None:
    assert (
        await change_settings(
            shop.house.database, shop.keys.program_id, strict_answers=True, now=shop.house.clock()
        )
        == 1
    )
    shop.house.credentials.forget()
    answer = await shop.call("orders-completed", order(total_price="1e5"))
    assert answer.status_code == 422
    problem = "must be a plain decimal amount, zero or more, with at most 4 decimals"
    assert answer.json() == {
        "error": {"message": f"total_price {problem}.", "details": {"total_price": problem}}
    }
    assert (await shop.last()).status == 422

    answer = await shop.call("points-subtract", {"customer_id": "nobody", "point_value": 1})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "No customer with the id nobody is known."
    assert (await shop.last()).status == 422

    assert (await shop.call("orders-completed", order())).status_code == 200


async def test_content_that_only_the_database_refuses_is_logged_and_harms_no_neighbour(shop: Shop) -> None:
    async with shop.house.database.acquire() as connection:
        await connection.execute("alter table orders add check (merchant_id <> 'order 3')")
    answers = await asyncio.gather(
        *(shop.call("orders-completed", order(f"order {number}")) for number in range(8))
    )
    assert [answer.status_code for answer in answers] == [200] * 8
    assert await shop.points("alice") == 7 * 29
    refused = [row for row in await shop.log() if row.outcome == "refused"]
    assert [(row.subject, row.message) for row in refused] == [
        ("order 3", "The database refused this call's content (23514).")
    ]


# -- when it can't be done now


async def test_a_house_that_closes_answers_503_and_does_nothing(shop: Shop) -> None:
    await shop.house.engine.close()
    answer = await shop.call("orders-completed", order())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "send it again" in answer.json()["error"]["message"]
    assert await shop.count("orders") == 0
    await shop.house.deliveries.close()
    last = await shop.last()
    assert (last.status, last.outcome, last.problem) == (503, "not now", True)


@pytest.mark.parametrize("table", ["credentials", "programs", "orders", "deliveries"])
async def test_a_table_that_does_not_answer_is_a_503_within_3_seconds(shop: Shop, table: str) -> None:
    body = shop.body(order())
    async with shop.house.database.acquire() as connection, connection.transaction():
        await connection.execute(f"lock table {table} in access exclusive mode")
        started = time.monotonic()
        answer = await shop.send("orders-completed", body)
        took = time.monotonic() - started
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await shop.count("orders") == 0
    assert (await shop.send("orders-completed", body)).status_code == 200
    assert await shop.points("alice") == 29
    within(took, 3.5, "the answer")


async def test_a_database_that_is_gone_is_a_503_on_every_address(shop: Shop) -> None:
    await shop.house.database.close()
    answers = [
        await shop.call("orders-completed", order()),
        await shop.call("no-such-hook", order()),
        await shop.ask("customer/alice/point-balance", {}),
    ]
    assert [answer.status_code for answer in answers] == [503] * 3


async def test_a_log_that_is_full_answers_503_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "WAITING_AT_MOST", 0)
    answer = await shop.call("no-such-hook", order())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    with pytest.raises(Busy):
        await shop.house.deliveries.write(
            shop.keys.program_id, delivery_of(shop), status=200, outcome="done", problem=False
        )


async def test_calls_at_once_are_written_by_few_statements_and_none_is_lost(shop: Shop) -> None:
    await asyncio.gather(*(shop.call("key-verify", {"t": number}) for number in range(300)))
    rows = await shop.log()
    assert len(rows) == 300
    transactions = await shop.fetch("select xmin::text as t from deliveries where program_id = $1")
    assert len(Counter(row["t"] for row in transactions)) < 300


async def test_calls_of_all_outcomes_at_once_come_to_their_own_answers(shop: Shop) -> None:
    calls = {
        "orders-completed": (order(), 200),
        "nonsense": (order(), 201),
        "refunds-create": (refund("x"), 200),
        "key-verify": ({"t": 1}, 200),
    }
    names = list(calls) * 10
    answers = await asyncio.gather(*(shop.call(name, calls[name][0]) for name in names))
    assert [answer.status_code for answer in answers] == [calls[name][1] for name in names]
    assert len(await shop.log()) == 40


# -- reading and pruning


async def test_the_list_shows_the_latest_first_and_can_be_narrowed(
    shop: Shop, house: House, clock: Clock
) -> None:
    await shop.call("orders-completed", order())
    clock.forward(minutes=1)
    await shop.call("orders-completd", order(), integration="magento")
    clock.forward(minutes=1)
    other = Shop(house, await make_program(house, clock), shop.client, clock)
    await other.call("customers-create", customer())

    hooks = [row.hook for row in await list_deliveries(house.database)]
    assert hooks == ["customers-create", "orders-completd", "orders-completed"]
    assert [row.hook for row in await list_deliveries(house.database, last=1)] == ["customers-create"]
    mine = await list_deliveries(house.database, shop.keys.program_id)
    assert [(row.hook, row.program_id) for row in mine] == [
        ("orders-completd", shop.keys.program_id),
        ("orders-completed", shop.keys.program_id),
    ]
    assert [row.hook for row in await list_deliveries(house.database, integration="common")] == [
        "customers-create",
        "orders-completed",
    ]
    assert [row.hook for row in await list_deliveries(house.database, problems_only=True)] == [
        "orders-completd"
    ]


async def test_pruning_deletes_what_is_older_than_the_setting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "PRUNED_AT_ONCE", 2)
    assert PRUNED_AT_ONCE > 2
    for number in range(5):
        await shop.call("key-verify", {"t": number})
    shop.clock.forward(days=30)
    await shop.call("orders-completed", order())
    assert await prune(shop.house, shop.clock()) == 0
    assert await prune(shop.house, shop.clock() + timedelta(seconds=1)) == 5
    assert [row.hook for row in await shop.log()] == ["orders-completed"]


def delivery_of(shop: Shop) -> Delivery:
    return Delivery(
        credential_id=1, integration="common", hook="key-verify", body=b"{}", received_at=shop.clock()
    )
