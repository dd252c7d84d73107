"""Proofs that count open a session, and a session opens the panel, at the page and for the time it is for."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from regulars.app.credentials import revoke
from regulars.app.house import House
from regulars.app.storefront.sessions import forget_ended
from regulars.app.storefront.switches import change_switches
from regulars.doors.storefront.app import build
from regulars.storage.storefront_sessions import uses
from tests import make
from tests.doors.storefront.conftest import OURS, SHOP, Shop
from tests.make import NOON


async def test_the_guides_snippet_logs_alice_in(shop: Shop) -> None:
    await shop.order("1001")
    answer = await shop.post("session", shop.md5("alice"))
    assert answer.status_code == 200
    said = answer.json()
    assert said["expires_in"] == 900
    assert said["me"]["customer"]["merchant_id"] == "alice"
    assert said["me"]["points"]["available"] == 20
    me = await shop.get("me", said["session"])
    assert (me.status_code, me.json()) == (200, said["me"])
    assert me.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "domain", [SHOP, f"{SHOP}/", "https://Tea.Example", "tea.example", "tea.example/", "TEA.example"]
)
async def test_the_domain_counts_as_it_was_sent(shop: Shop, domain: str) -> None:
    assert (await shop.post("session", shop.md5("alice", domain=domain))).status_code == 200


@pytest.mark.parametrize("customer_id", ["001", "jane@example.com", "jürgen🎉", "a" * 191, " ", "é" * 95])
async def test_any_text_of_1_to_191_bytes_can_be_an_id(shop: Shop, customer_id: str) -> None:
    said = (await shop.post("session", shop.md5(customer_id))).json()
    assert said["me"]["customer"]["merchant_id"] == customer_id


async def test_a_token_of_ours_logs_in_at_either_credential(shop: Shop) -> None:
    assert (await shop.post("session", shop.v2())).status_code == 200
    token = shop.token(kid=shop.keys.site_token, secret=shop.keys.site_secret)
    answer = await shop.post("session", {"site": shop.keys.site_token, "token": token})
    assert answer.status_code == 200


async def test_loyaltylions_token_counts_with_and_without_the_e_mail(shop: Shop) -> None:
    for body in (shop.sha1("alice"), shop.sha1("alice", email="alice@example.com")):
        assert (await shop.post("session", body)).status_code == 200
    said_but_not_hashed = shop.sha1("alice")
    said_but_not_hashed["customer"]["email"] = "alice@example.com"
    assert (await shop.post("session", said_but_not_hashed)).status_code == 200


@pytest.mark.parametrize(
    ("date", "counts"),
    [
        ("2026-03-02T12:00:00Z", True),
        ("2026-03-01T12:00:00Z", True),
        ("2026-03-01T11:59:59Z", False),
        ("2026-03-02T12:01:00Z", True),
        ("2026-03-02T12:01:01Z", False),
        ("2026-03-02T14:00:00+02:00", True),
        ("2026-03-02T14:00:00+0200", True),
        ("2026-03-02T12:00:00.123Z", True),
        ("2026-03-02T12:00:00", True),
        ("2026-03-02", False),
        ("2026-13-02T12:00:00Z", False),
        ("٢٠٢٦-03-02T12:00:00Z", False),
        ("0001-01-01T00:00:00+14:00", False),
        ("Mon, 02 Mar 2026 12:00:00 GMT", False),
        ("", False),
    ],
)
async def test_its_date_must_lie_within_a_day(shop: Shop, date: str, counts: bool) -> None:
    answer = await shop.post("session", shop.sha1("alice", date=date))
    assert answer.status_code == (200 if counts else 401)


async def test_a_shop_can_narrow_the_day(shop: Shop) -> None:
    await change_switches(shop.house.database, shop.keys.program_id, sha1_seconds=3600, now=shop.clock.now)
    shop.house.credentials.forget()
    old = (NOON - timedelta(minutes=61)).isoformat()
    assert (await shop.post("session", shop.sha1("alice", date=old))).status_code == 401
    assert (await shop.post("session", shop.sha1("alice"))).status_code == 200


async def test_a_session_is_over_after_a_quarter_of_an_hour(shop: Shop) -> None:
    session = await shop.log_in()
    shop.clock.forward(minutes=14, seconds=59)
    assert (await shop.get("me", session)).status_code == 200
    shop.clock.forward(seconds=1)
    assert (await shop.get("me", session)).status_code == 401
    assert (await shop.get("me", await shop.log_in())).status_code == 200


@pytest.mark.parametrize("origin", ["https://beans.example", "https://evil.example", OURS, "null", "none"])
async def test_a_session_counts_at_its_own_page_alone(shop: Shop, other: Shop, origin: str) -> None:
    session = await shop.log_in()
    assert (await shop.get("me", session)).status_code == 200
    assert (await shop.get("me", session, origin=origin)).status_code in (401, 403)


async def test_a_page_of_our_own_server_needs_no_origin_afterwards(shop: Shop) -> None:
    """A browser sends Origin with a POST, but not with a GET to the page's own server."""
    opened = await shop.post("session", shop.md5("alice"), origin=OURS)
    assert (await shop.get("me", opened.json()["session"], origin="none")).status_code == 200


async def test_a_revoked_key_ends_its_sessions(shop: Shop) -> None:
    session = await shop.log_in()
    async with shop.house.database.acquire() as connection:
        number = await connection.fetchval("select credential_id from credentials where kind = 'lootly'")
    await revoke(
        shop.house.database, program_id=shop.keys.program_id, credential_id=number, now=shop.clock.now
    )
    shop.house.credentials.forget()
    assert (await shop.get("me", session)).status_code == 401
    assert (await shop.post("session", shop.md5("alice"))).status_code == 401


async def test_md5_switched_off_ends_what_it_opened(shop: Shop) -> None:
    by_md5 = await shop.log_in()
    by_token = (await shop.post("session", shop.v2())).json()["session"]
    await change_switches(shop.house.database, shop.keys.program_id, md5=False, now=shop.clock.now)
    shop.house.credentials.forget()
    assert (await shop.post("session", shop.md5("alice"))).status_code == 401
    assert (await shop.get("me", by_md5)).status_code == 401
    assert (await shop.get("me", by_token)).status_code == 200
    assert (await shop.post("session", shop.v2())).status_code == 200


async def test_not_before_ends_whatever_is_older(shop: Shop) -> None:
    early, token = await shop.log_in(), shop.v2()
    sha1 = shop.sha1("alice")
    shop.clock.forward(seconds=30)
    await change_switches(
        shop.house.database, shop.keys.program_id, not_before=shop.clock.now, now=shop.clock.now
    )
    shop.house.credentials.forget()
    assert (await shop.get("me", early)).status_code == 401
    assert (await shop.post("session", token)).status_code == 401
    assert (await shop.post("session", sha1)).status_code == 401
    assert (await shop.get("me", await shop.log_in())).status_code == 200
    assert (await shop.post("session", shop.v2())).status_code == 200


@pytest.mark.parametrize(
    "shown",
    ["", "1", "1.", f"1.{'A' * 43}", f"2.{'A' * 43}", f"0.{'A' * 43}", f"01.{'A' * 43}", f"1.{'A' * 42}!",
     f"9{'0' * 20}.{'A' * 43}", f"١.{'A' * 43}", "x" * 5000],
)  # fmt: skip
async def test_what_is_no_session_opens_nothing(shop: Shop, shown: str) -> None:
    answer = await shop.get("me", shown)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"


async def test_any_process_knows_a_session(shop: Shop, database: str, tmp_path: Path) -> None:
    session = await shop.log_in()
    elsewhere = await House.open(make.settings(tmp_path, public_url=OURS), database, clock=shop.clock)
    try:
        browser = httpx.AsyncClient(transport=httpx.ASGITransport(build(elsewhere)), base_url=OURS)
        headers = {"authorization": f"Bearer {session}", "origin": SHOP}
        assert (await browser.get("/storefront/v1/me", headers=headers)).status_code == 200
    finally:
        await elsewhere.close()


async def test_each_bit_of_a_session_counts(shop: Shop) -> None:
    session = await shop.log_in()
    for place in range(len(session)):
        for bit in range(7):
            changed = session[:place] + chr(ord(session[place]) ^ (1 << bit)) + session[place + 1 :]
            if changed.isprintable() and changed.strip() == changed:
                shop.seconds += 10
                assert (await shop.get("me", changed)).status_code == 401, (place, bit)
    assert (await shop.get("me", session)).status_code == 200


async def test_a_session_in_the_address_is_none(shop: Shop) -> None:
    session = await shop.log_in()
    assert (await shop.get(f"me?session={session}&authorization=Bearer {session}")).status_code == 401


async def test_only_a_hash_is_stored(shop: Shop) -> None:
    session = await shop.log_in()
    async with shop.house.database.acquire() as connection:
        stored = str(await connection.fetch("select s::text from storefront_sessions s"))
    assert session.partition(".")[2] not in stored
    assert SHOP in stored


async def test_how_sessions_were_opened_is_counted_by_day(shop: Shop) -> None:
    await asyncio.gather(*(shop.log_in() for _ in range(5)))
    await shop.post("session", shop.v2())
    shop.clock.forward(days=2)
    await shop.log_in()
    async with shop.house.database.acquire() as connection:
        all_days = await uses(connection, shop.keys.program_id, since=NOON)
        lately = await uses(connection, shop.keys.program_id, since=NOON + timedelta(days=1))
    assert sorted((method, number) for (_, method), number in all_days.items()) == [("md5", 6), ("v2", 1)]
    assert [(method, number) for (_, method), number in lately.items()] == [("md5", 1)]


async def test_what_is_over_is_forgotten(shop: Shop) -> None:
    await shop.log_in()
    shop.clock.forward(minutes=10)
    kept = await shop.log_in()
    shop.clock.forward(minutes=6)
    assert await forget_ended(shop.house.database, now=shop.clock.now) == 1
    assert await forget_ended(shop.house.database, now=shop.clock.now) == 0
    assert (await shop.get("me", kept)).status_code == 200


async def test_a_shopper_whom_nobody_knows_sees_an_empty_account(shop: Shop) -> None:
    await shop.add_reward()
    me = (await shop.post("session", shop.md5("nobody-yet"))).json()["me"]
    assert me["customer"] == {
        "merchant_id": "nobody-yet",
        "first_name": None,
        "name": None,
        "member": False,
        "blocked": False,
        "birthday": None,
    }
    assert me["points"] == {"available": 0, "pending": 0, "spent": 0, "next_approval": None}
    assert me["claims"] == [] and me["history"] == {"lines": [], "next": None}
    assert me["rewards"][0]["standing"] == {"can": False, "why": "not_a_member"}
    async with shop.house.database.acquire() as connection:
        assert await connection.fetchval("select count(*) from customers") == 0
