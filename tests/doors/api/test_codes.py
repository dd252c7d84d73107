"""A pool's codes through our own API."""

import csv
import io

from regulars.doors.api.errors import FIRST_PROBLEMS
from tests.doors.api.conftest import Shop, error


async def test_codes_are_uploaded_listed_and_exported(shop: Shop) -> None:
    reward = await shop.reward(codes="pool")
    answer = await shop.upload(reward, b"Coupon code\r\nTEA-1\r\n=TEA-2\r\nTEA-3\r\n")
    assert answer.status_code == 201
    done = answer.json()
    assert {name: done[name] for name in ("taken", "rejected", "free", "header")} == {
        "taken": 3,
        "rejected": 0,
        "free": 3,
        "header": "Coupon code",
    }
    assert [warning["kind"] for warning in done["warnings"]] == ["short"]
    first = (await shop.get(f"/rewards/{reward}/codes?limit=2&state=free")).json()
    rest = (await shop.get(f"/rewards/{reward}/codes?limit=2&after={first['next']}")).json()
    assert [code["code"] for code in first["codes"] + rest["codes"]] == ["=TEA-2", "TEA-1", "TEA-3"]
    assert rest["next"] is None
    file = await shop.get(f"/rewards/{reward}/codes.csv")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["code"] for row in rows] == ["'=TEA-2", "TEA-1", "TEA-3"]
    counts = (await shop.get(f"/rewards/{reward}")).json()["reward"]["counts"]
    assert (counts["codes_imported"], counts["codes_free"]) == (3, 3)


async def test_codes_come_as_json_too(shop: Shop) -> None:
    reward = await shop.reward(codes="pool")
    answer = await shop.post(f"/rewards/{reward}/codes", {"codes": [" A1 ", "B1"]})
    assert (answer.status_code, answer.json()["taken"]) == (201, 2)
    status, code, details = error(await shop.post(f"/rewards/{reward}/codes", {"codes": ["C1", "a1", "C1"]}))
    assert (status, code) == (422, "codes_rejected")
    assert details == {
        "taken": 0,
        "rejected": 2,
        "problems": [
            {"line": 2, "code": "a1", "reason": "is there already, in this pool"},
            {"line": 3, "code": "C1", "reason": "is the same as line 1"},
        ],
    }
    assert error(await shop.post(f"/rewards/{reward}/codes", {"codes": []}))[:2] == (422, "invalid")


async def test_of_many_bad_lines_all_are_counted_and_the_first_are_named(shop: Shop) -> None:
    reward = await shop.reward(codes="pool")
    file = b"GOOD\n" + b"A,B\n" * (FIRST_PROBLEMS + 50)
    _, code, details = error(await shop.upload(reward, file))
    assert (code, details["rejected"], len(details["problems"])) == (
        "codes_rejected",
        FIRST_PROBLEMS + 50,
        FIRST_PROBLEMS,
    )
    assert (await shop.get(f"/rewards/{reward}/codes")).json()["codes"] == []


async def test_the_same_key_uploads_once(shop: Shop) -> None:
    reward = await shop.reward(codes="pool")
    first = await shop.upload(reward, b"A1\n", idempotency_key="U1")
    assert (await shop.upload(reward, b"A1\n", idempotency_key="U1")).json() == first.json()
    assert error(await shop.upload(reward, b"B1\n", idempotency_key="U1"))[1] == "idempotency_key_reused"


async def test_what_is_no_upload_is_refused(shop: Shop) -> None:
    pool, generated = await shop.reward(codes="pool"), await shop.reward()
    form = await shop.post(f"/rewards/{pool}/codes", b"A1", content_type="multipart/form-data")
    assert error(form)[:2] == (415, "unsupported_media_type")
    assert error(await shop.upload(generated, b"A1\n")) == (
        422,
        "invalid",
        {"fields": {"reward": "has no pool: its codes are generated"}},
    )
    assert error(await shop.upload(99, b"A1\n"))[:2] == (404, "unknown_reward")
    assert error(await shop.upload(pool, b"A\n" * 2_600_000))[:2] == (422, "invalid")


async def test_codes_are_made_void(shop: Shop) -> None:
    reward = await shop.reward(codes="pool")
    await shop.upload(reward, b"A1\nA2\nA3\nA4\n")
    some = await shop.post(f"/rewards/{reward}/codes/void", {"codes": ["a1", "zz"]})
    assert some.json() == {
        "voided": 1,
        "free": 3,
        "skipped": [{"code": "zz", "reason": "is no code of this reward"}],
    }
    rest = await shop.post(f"/rewards/{reward}/codes/void", {"all": True})
    assert rest.json() == {"voided": 3, "free": 0, "skipped": []}
    for body in ({}, {"all": False}, {"all": True, "codes": ["A1"]}, {"codes": []}):
        assert error(await shop.post(f"/rewards/{reward}/codes/void", body))[:2] == (422, "invalid")


async def test_what_a_list_is_asked_for_is_checked(shop: Shop) -> None:
    reward = await shop.reward(codes="pool")
    for query in ("limit=0", "limit=501", "limit=x", "state=gone", "page=2", "after=%00", "after=%ff"):
        assert error(await shop.get(f"/rewards/{reward}/codes?{query}"))[:2] == (400, "malformed"), query
