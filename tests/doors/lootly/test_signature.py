"""The vendor's signatures: the contract's vectors, what must never verify, and that every bit counts."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import (
    Unreadable,
    expected_text,
    read_signed,
    sign,
    signed_json,
    verify,
    verify_read,
)

VECTORS = Path(__file__).parent / "vectors"
HMAC_VECTORS: list[dict[str, Any]] = json.loads((VECTORS / "lootly_hmac_vectors.json").read_text())
WEBHOOKS = [v for v in HMAC_VECTORS if not v["kind"].startswith(("GET", "OUTGOING"))]
READS = [v for v in HMAC_VECTORS if v["kind"].startswith("GET")]
OUTGOING = [v for v in HMAC_VECTORS if v["kind"].startswith("OUTGOING")]

SECRET = "an integration's secret that the tests alone know, 60 letters"
KEY = "an integration's key"


def body_of(payload: dict[str, object], *, secret: str = SECRET) -> bytes:
    """The payload as a PHP shop sends it: in its own order, with the hmac at the end."""
    return json_text({**payload, "hmac": sign(payload, secret)}, keep_objects=True).encode()


def independent_hmac(text: str) -> str:
    """The signature made by other means than the code under test: RFC 2104 written out over hashlib."""
    key = SECRET.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + text.encode()).digest()
    return b64encode(hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()).decode()


def guide_order() -> dict[str, object]:
    """Anna's order as the vendor's guide builds it."""
    return {
        "id": "100001",
        "total_price": "39.99",
        "total_tax": "0.00",
        "total_discounts": "10.00",
        "subtotal_price": "29.99",
        "taxes_included": "0",
        "discount_codes": [{"code": "COUPON_CODE"}],
        "customer": {
            "id": "001",
            "email": "anna@example.com",
            "first_name": "Anna",
            "default_address": {"zip": "11111", "country": "USA"},
        },
        "key": KEY,
    }


# --- the contract's vectors --------------------------------------------------------------------------


@pytest.mark.parametrize("vector", WEBHOOKS, ids=lambda v: f"{v['id']} {v['kind']}")
def test_a_webhook_vector_is_accepted_or_refused_as_it_says(vector: dict[str, Any]) -> None:
    body = read_signed(vector["payload_json_sent"].encode())
    assert verify(vector["secret"], body) is (vector["http_expected"] == 200)
    assert expected_text(body) == vector["signed_string"]
    assert sign(body.members, vector["secret"]) == vector["hmac_expected"]
    assert body.key == json.loads(vector["payload_json_sent"])["key"]


@pytest.mark.parametrize("vector", READS, ids=lambda v: f"{v['id']} {v['kind']}")
def test_a_read_vector_is_accepted_or_refused_as_it_says(vector: dict[str, Any]) -> None:
    query = parse_qs(urlsplit(vector["payload_json_sent"].removeprefix("GET ")).query)
    ids = query["customer_ids"][0] if "customer_ids" in query else None
    accepted = verify_read(vector["secret"], query["key"][0], query["hmac"][0], ids)
    assert accepted is (vector["http_expected"] == 200)


@pytest.mark.parametrize("vector", OUTGOING, ids=lambda v: f"{v['id']}")
def test_a_call_to_the_shop_is_signed_over_php_s_text_with_its_objects_kept(vector: dict[str, Any]) -> None:
    members = json.loads(vector["payload_json_sent"])
    assert json_text(members, keep_objects=True) == vector["payload_json_sent"]
    del members["hmac"]
    assert json_text(members, keep_objects=True) == vector["signed_string"]


def test_our_calls_to_the_shop_are_sorted_so_that_receivers_with_and_without_sorting_agree() -> None:
    sent = signed_json(
        {"reward": {"id": 12}, "event": "reward/redeemed", "empty": {}, "hmac": "stale"}, SECRET
    )
    text = '{"empty":{},"event":"reward\\/redeemed","reward":{"id":12}}'
    signature = independent_hmac(text).replace("/", "\\/")
    assert sent == f'{text[:-1]},"hmac":"{signature}"}}'


# --- webhooks ----------------------------------------------------------------------------------------


def test_the_guide_s_order_verifies_whoever_writes_its_json() -> None:
    signed = {"hmac": sign(guide_order(), SECRET), **guide_order()}
    for text in (
        json.dumps(signed),
        json.dumps(dict(reversed(signed.items())), indent=2),
        json.dumps(signed, ensure_ascii=False),
    ):
        assert verify(SECRET, read_signed(text.encode()))
    assert verify(SECRET.encode(), read_signed(body_of(guide_order())))


def test_a_shop_that_is_not_php_may_sign_its_own_text() -> None:
    """Amounts as 29.90 and 10.0, raw slashes and umlauts: other encoders keep them, PHP doesn't."""
    members = '"customer":{"name":"Zoë/Łódź","x":{}},"key":"k","subtotal_price":29.90,"total_price":10.0'
    signature = independent_hmac("{" + members + "}")
    body = read_signed(f'{{"hmac":"{signature}",{members}}}'.encode())
    assert verify(SECRET, body)
    as_php, as_sent = body.texts()
    assert as_sent == "{" + members + "}"
    assert as_php == (
        '{"customer":{"name":"Zo\\u00eb\\/\\u0141\\u00f3d\\u017a","x":[]},"key":"k",'
        '"subtotal_price":29.9,"total_price":10}'
    )
    assert body.source("subtotal_price") == "29.90"
    assert body.source("key") == '"k"'
    assert body.source("missing") is None


def test_one_text_is_enough_when_both_are_the_same() -> None:
    assert len(read_signed(body_of(guide_order())).texts()) == 1


def test_the_members_are_all_but_the_hmac() -> None:
    body = read_signed(body_of(guide_order()))
    assert body.members == guide_order()
    assert body.hmac == sign(guide_order(), SECRET)
    assert body.key == KEY


@pytest.mark.parametrize("value", ["null", "1", "true", "[]", "{}", '""', '" "', '"é"'])
def test_an_hmac_that_is_no_signature_is_refused(value: str) -> None:
    assert not verify(SECRET, read_signed(f'{{"key":"k","hmac":{value}}}'.encode()))


def test_a_body_without_hmac_or_key_is_read_and_refused() -> None:
    for text in ("{}", '{"key":"k"}', '{"key":7,"hmac":"x"}'):
        body = read_signed(text.encode())
        assert body.key == ("k" if '"k"' in text else None)
        assert not verify(SECRET, body)


def test_a_signature_is_taken_as_it_is_and_never_trimmed_or_repaired() -> None:
    good = sign(guide_order(), SECRET)
    for bad in (
        f" {good}",
        f"{good}\n",
        good.rstrip("="),
        f"{good}=",
        good.swapcase(),
        good[:-2] + "==",
        good[1:],
    ):
        signed: dict[str, object] = {**guide_order(), "hmac": bad}
        assert not verify(SECRET, read_signed(json.dumps(signed).encode()))


def test_another_integration_s_secret_and_an_empty_one_verify_nothing() -> None:
    assert not verify(SECRET + "x", read_signed(body_of(guide_order())))
    assert not verify("", read_signed(body_of(guide_order(), secret="")))


def test_of_a_repeated_member_the_last_is_signed_and_given() -> None:
    signature = sign({"id": "2", "key": "k"}, SECRET)
    body = read_signed(f'{{"id":"1","hmac":"x","key":"k","id":"2","hmac":"{signature}"}}'.encode())
    assert verify(SECRET, body)
    assert body.members["id"] == "2"


def test_an_unreadable_body_says_why() -> None:
    with pytest.raises(Unreadable, match="lone surrogate at character 6"):
        read_signed(b'{"a":"\\ud800"}')


def flipped(body: bytes, bit: int) -> bytes:
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def accepted(body: bytes) -> bool:
    try:
        return verify(SECRET, read_signed(body))
    except Unreadable:
        return False


def test_every_single_bit_of_the_guide_s_order_counts() -> None:
    body = body_of(guide_order())
    assert accepted(body)
    assert [bit for bit in range(len(body) * 8) if accepted(flipped(body, bit))] == []


def test_every_single_bit_of_a_body_signed_as_sent_counts() -> None:
    members = '"customer":{"name":"Zoë","x":{}},"key":"k","n":[1,2.50,true,null],"total_price":10.0'
    body = f'{{{members},"hmac":"{independent_hmac("{" + members + "}")}"}}'.encode()
    assert accepted(body)
    assert [bit for bit in range(len(body) * 8) if accepted(flipped(body, bit))] == []


money = st.integers(-(10**9), 10**9).map(lambda minor: minor / 100)
text = st.text(st.characters(codec="utf-8"), max_size=10)
atoms = text | st.integers(-(2**63), 2**63 - 1) | money | st.booleans() | st.none()
names = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(["0", "1", "id"])
values = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
payloads = st.dictionaries(names.filter(lambda name: name != "hmac"), values, max_size=5)


@given(payloads, st.booleans(), st.sampled_from([(",", ":"), (", ", ": "), ("\n,", ":\t")]))
def test_what_we_sign_verifies_however_it_is_written(
    payload: dict[str, object], escaped: bool, separators: tuple[str, str]
) -> None:
    signed = {"hmac": sign(payload, SECRET), **payload}
    body = read_signed(json.dumps(signed, ensure_ascii=escaped, separators=separators).encode())
    assert body.members == payload
    assert verify(SECRET, body)
    assert not verify(SECRET + "x", body)
    assert sign(body.members, SECRET) == body.hmac


@given(payloads)
def test_a_call_to_the_shop_verifies_as_it_is_sent(payload: dict[str, object]) -> None:
    body = read_signed(signed_json(payload, SECRET).encode())
    assert verify(SECRET, body)
    assert list(body.members) == sorted(payload)


@given(payloads, st.data())
def test_one_changed_bit_breaks_the_signature_or_says_the_same(
    payload: dict[str, object], data: st.DataObject
) -> None:
    """The same: `\\u00E9` and `\\u00e9` differ in a bit and not in content."""
    body = body_of({**payload, "key": KEY})
    changed = flipped(body, data.draw(st.integers(0, len(body) * 8 - 1)))
    if accepted(changed):
        assert repr(read_signed(changed).members) == repr(read_signed(body).members)


@given(st.binary(max_size=60) | st.text('{}[]",:\\ud8e0.-+hmackey \n', max_size=60).map(str.encode))
def test_no_body_makes_us_raise_anything_but_unreadable(body: bytes) -> None:
    assert not accepted(body)


# --- reads -------------------------------------------------------------------------------------------


def test_a_plus_that_the_shop_did_not_encode_arrives_as_a_blank_and_is_accepted() -> None:
    ids, signature = next(
        (ids, signature)
        for ids in (f"{n},{n + 1}" for n in range(1_000))
        if "+" in (signature := read_signature(ids))
    )
    assert verify_read(SECRET, KEY, signature, ids)
    assert verify_read(SECRET, KEY, signature.replace("+", " "), ids)
    assert not verify_read(SECRET, KEY, signature.replace("+", "-"), ids)


def read_signature(customer_ids: str) -> str:
    return independent_hmac(f'{{"key":"{KEY}","customer_ids":"{customer_ids}"}}')


def test_the_ids_of_a_read_are_signed_and_come_after_the_key() -> None:
    assert verify_read(SECRET, KEY, read_signature("1,2,3"), "1,2,3")
    assert not verify_read(SECRET, KEY, read_signature("1,2,3"), "1,2")
    assert not verify_read(SECRET, KEY, read_signature("1,2,3"))
    sorted_text = f'{{"customer_ids":"1","key":"{KEY}"}}'
    assert not verify_read(SECRET, KEY, independent_hmac(sorted_text), "1")


@pytest.mark.parametrize("signature", ["", " ", "é", "\udcff", "x" * 10_000])
def test_a_read_with_a_strange_hmac_is_refused(signature: str) -> None:
    assert not verify_read(SECRET, KEY, signature)
    assert not verify_read("", KEY, signature)
