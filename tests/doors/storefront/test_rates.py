"""A guesser is slowed down; whoever has done nothing wrong isn't, and memory stays bounded."""

import pytest

from regulars.doors.storefront.answers import TooMany
from regulars.doors.storefront.guard import (
    CALLS_BY_SESSION,
    FAILURES_BY_ADDRESS,
    FAILURES_BY_SHOP,
    SESSIONS_BY_SHOPPER,
    WISHES_BY_SHOPPER,
    Guard,
    neighbourhood,
)
from regulars.doors.storefront.rates import Buckets, Rate
from tests.doors.storefront.conftest import Shop


def test_a_bucket_gives_its_burst_and_then_a_steady_rate() -> None:
    bucket = Buckets(Rate(3, 0.5))
    for _ in range(3):
        assert bucket.wait_seconds("a", 100.0) == 0
        bucket.take("a", 100.0)
    assert bucket.wait_seconds("a", 100.0) == 2
    assert bucket.wait_seconds("a", 101.0) == 1
    assert bucket.wait_seconds("a", 102.0) == 0
    assert bucket.wait_seconds("b", 100.0) == 0
    assert not bucket.is_full("a", 105.9) and bucket.is_full("a", 106.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Buckets(Rate(1, 1))
    bucket.take("a", 100.0)
    assert bucket.wait_seconds("a", 50.0) == 1


def test_only_so_many_are_remembered_and_the_least_recent_is_forgotten() -> None:
    bucket = Buckets(Rate(1, 0.001), most=3)
    for name in "abca":
        bucket.take(name, 0.0)
    bucket.take("d", 0.0)
    assert len(bucket) == 3
    assert bucket.wait_seconds("b", 0.0) == 0  # forgotten
    assert bucket.wait_seconds("a", 0.0) > 0
    for number in range(10_000):
        bucket.take(str(number), 0.0)
    assert len(bucket) == 3


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
        ("unix:" + "x" * 500, "unix:" + "x" * 59),
    ],
)
def test_one_household_is_one(address: str, meant: str) -> None:
    assert neighbourhood(address) == meant


def test_a_guesser_at_many_shops_doors_is_turned_away_at_all() -> None:
    guard = Guard(lambda: 0.0)
    for number in range(int(FAILURES_BY_ADDRESS.burst)):
        guard.before_proof("203.0.113.7", f"shop {number}")
        guard.failed("203.0.113.7", f"shop {number}")
    with pytest.raises(TooMany):
        guard.before_proof("203.0.113.7", "another shop")
    guard.before_proof("203.0.113.8", "shop 1")


def test_guessers_from_everywhere_lock_out_themselves_alone() -> None:
    guard = Guard(lambda: 0.0)
    for number in range(int(FAILURES_BY_SHOP.burst)):
        guard.failed(f"10.0.{number // 250}.{number % 250}", "shop")
    with pytest.raises(TooMany):
        guard.before_proof("10.0.0.1", "shop")
    guard.before_proof("198.51.100.1", "shop")
    guard.before_proof("10.0.0.1", "another shop")


async def test_after_twenty_wrong_proofs_an_address_waits(shop: Shop) -> None:
    wrong = shop.md5("alice") | {"customer_signature": "0" * 32}
    for _ in range(int(FAILURES_BY_ADDRESS.burst)):
        assert (await shop.post("session", wrong)).status_code == 401
    answer = await shop.post("session", wrong)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "too_many"
    assert int(answer.headers["retry-after"]) == answer.json()["error"]["retry_after"] == 3
    assert answer.headers["access-control-allow-origin"]
    shop.seconds += 3
    assert (await shop.post("session", shop.md5("alice"))).status_code == 200


async def test_a_body_that_names_no_shop_is_a_try_too(shop: Shop) -> None:
    for _ in range(int(FAILURES_BY_ADDRESS.burst)):
        assert (await shop.post("session", b"{}")).status_code == 401
    assert (await shop.post("session", b"{}")).status_code == 429


async def test_one_shopper_opens_so_many_sessions(shop: Shop) -> None:
    for _ in range(int(SESSIONS_BY_SHOPPER.burst)):
        await shop.log_in()
    assert (await shop.post("session", shop.md5("alice"))).status_code == 429
    assert (await shop.post("session", shop.md5("bob"))).status_code == 200


async def test_one_session_asks_so_often(shop: Shop) -> None:
    session = await shop.log_in()
    for _ in range(int(CALLS_BY_SESSION.burst)):
        assert (await shop.get("history", session)).status_code == 200
    assert (await shop.get("history", session)).status_code == 429
    assert (await shop.get("history", await shop.log_in())).status_code == 200


async def test_one_shopper_wishes_so_often_whatever_the_session(shop: Shop) -> None:
    for number in range(int(WISHES_BY_SHOPPER.burst)):
        session = await shop.log_in()
        answer = await shop.post("redeem", {"reward_id": 9}, session, idempotency_key=f"k-{number}")
        assert answer.status_code == 404
    answer = await shop.post("redeem", {"reward_id": 9}, await shop.log_in(), idempotency_key="k")
    assert answer.status_code == 429
