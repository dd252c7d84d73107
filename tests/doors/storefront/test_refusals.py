"""Forged, stale, foreign and empty proofs: all are answered with one and the same 401, and open nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from regulars.app.storefront.signatures import is_md5_proof, is_sha1_proof, md5_signature
from regulars.app.storefront.strict import Unproven
from regulars.app.storefront.tokens import Claims, claims_of, take_apart
from regulars.domain.program import Site
from tests.doors.storefront.conftest import SHOP, Shop
from tests.make import NOON

SECRET = "S3cr3tKeyForTestVectorsOnly0123456789abcdefghijklmnopqrstuvw"
TEA = Site(id=1, name="Tea", domain=SHOP, currency="GBP")


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def sign(text: str, secret: str) -> str:
    return b64(hmac.digest(secret.encode(), text.encode(), "sha256"))


def jwt(shop: Shop, header: dict[str, Any] | None = None, /, **claims: Any) -> str:
    """An HS256 JWT of now; a claim given as `...` is left out."""
    header = {"alg": "HS256", "typ": "JWT", "kid": shop.keys.lootly_api_key} | (header or {})
    text = f"{b64(encode(header))}.{b64(encode(claims_now(shop) | claims))}"
    return f"{text}.{sign(text, shop.keys.lootly_api_secret)}"


def claims_now(shop: Shop) -> dict[str, Any]:
    issued = int(shop.clock.now.timestamp())
    return {"shop": SHOP, "sub": "alice", "iat": issued, "exp": issued + 300, "jti": "a-unique-number"}


def encode(said: dict[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in said.items() if value is not ...}).encode()


def v2(shop: Shop, /, *, kid: str | None = None, payload: bytes | None = None, **claims: Any) -> str:
    content = encode(claims_now(shop) | claims) if payload is None else payload
    text = f"v2.{kid or shop.keys.lootly_api_key}.{b64(content)}"
    return f"{text}.{sign(text, shop.keys.lootly_api_secret)}"


def token(shop: Shop, text: str) -> dict[str, Any]:
    return {"key": shop.keys.lootly_api_key, "token": text}


def md5_with(shop: Shop, **changes: Any) -> dict[str, Any]:
    """Alice's md5 proof, but for what is given; `...` leaves a member out."""
    body = shop.md5("alice") | changes
    return {name: value for name, value in body.items() if value is not ...}


def signature(shop: Shop, customer_id: str) -> str:
    return md5_signature(customer_id, shop.keys.lootly_api_secret)


Make = Callable[[Shop, Shop], dict[str, Any] | bytes]

MD5: dict[str, Make] = {
    "the shop's id as a customer's": lambda s, _: (
        s.md5("x") | {"customer_id": SHOP, "customer_signature": signature(s, SHOP)}
    ),
    "the shop's id with a slash": lambda s, _: s.md5(f"{SHOP}/"),
    "the bare domain as a customer": lambda s, _: s.md5("tea.example", domain="tea.example"),
    "the bare domain in capitals": lambda s, _: s.md5("TEA.example/", domain="TEA.example/"),
    "any address as a customer": lambda s, _: s.md5("https://elsewhere.example"),
    "a guest signed with an empty id": lambda s, _: s.md5(""),
    "no signature at all": lambda s, _: md5_with(s, customer_id="", customer_signature=""),
    "another shop's secret": lambda s, o: s.md5("alice", secret=o.keys.lootly_api_secret),
    "another shop's customer": lambda s, o: md5_with(
        s, customer_signature=o.md5("alice")["customer_signature"]
    ),
    "another shop's domain": lambda s, _: s.md5("alice", domain="https://beans.example"),
    "another shop's key": lambda s, o: md5_with(s, key=o.keys.lootly_api_key),
    "the site's token as a key": lambda s, _: md5_with(s, key=s.keys.site_token),
    "an unknown key": lambda s, _: md5_with(s, key="x" * 60),
    "an endless key": lambda s, _: md5_with(s, key="x" * 5000),
    "a key with NUL": lambda s, _: md5_with(s, key="\x00"),
    "no key": lambda s, _: md5_with(s, key=...),
    "another customer": lambda s, _: md5_with(s, customer_id="bob"),
    "cut short": lambda s, _: md5_with(s, customer_signature=signature(s, "alice")[:-1]),
    "cut to 16": lambda s, _: md5_with(s, customer_signature=signature(s, "alice")[:16]),
    "with more behind": lambda s, _: md5_with(s, customer_signature=signature(s, "alice") + "0"),
    "with a line's end": lambda s, _: md5_with(s, customer_signature=signature(s, "alice") + "\n"),
    "with blanks": lambda s, _: md5_with(s, customer_signature=f" {signature(s, 'alice')} "),
    "in capitals": lambda s, _: md5_with(s, customer_signature=signature(s, "alice").upper()),
    "the shop's id in capitals": lambda s, _: md5_with(s, shop_id=s.md5("alice")["shop_id"].upper()),
    "in full-width letters": lambda s, _: md5_with(s, customer_signature=wide(signature(s, "alice"))),
    "its digits in Arabic": lambda s, _: md5_with(s, customer_signature=arabic(signature(s, "alice"))),
    "an id's digits in Arabic": lambda s, _: md5_with(
        s, customer_id="٠٠١", customer_signature=signature(s, "001")
    ),
    "an id with a blank": lambda s, _: md5_with(s, customer_id="alice "),
    "an id of 192 bytes": lambda s, _: s.md5("a" * 192),
    "an id of 192 bytes in 96 letters": lambda s, _: s.md5("é" * 96),
    "an id with NUL": lambda s, _: s.md5("ali\x00ce"),
    "a lone surrogate as an id": lambda s, _: json.dumps(md5_with(s, customer_id="\ud800")).encode(),
    "a lone surrogate as a domain": lambda s, _: json.dumps(md5_with(s, shop_domain="\ud800")).encode(),
    "a number as an id": lambda s, _: md5_with(s, customer_id=7, customer_signature=signature(s, "7")),
    "a list as a signature": lambda s, _: md5_with(s, customer_signature=[signature(s, "alice")]),
    "an empty list": lambda s, _: md5_with(s, customer_signature=[]),
    "true as a signature": lambda s, _: md5_with(s, customer_signature=True),
    "no shop id": lambda s, _: md5_with(s, shop_id=...),
    "an empty shop id": lambda s, _: md5_with(s, shop_id=""),
    "the secret before the id": lambda s, _: md5_with(
        s, customer_signature=hashlib.md5((s.keys.lootly_api_secret + "alice").encode()).hexdigest()
    ),
    "a member too many": lambda s, _: md5_with(s, admin=True),
    "a doubled id": lambda s, _: doubled(s, b'"customer_id":"bob"'),
    "a doubled signature": lambda s, _: doubled(s, b'"customer_signature":"x"'),
    "a doubled key": lambda s, _: doubled(s, b'"key":"x"'),
    "both a key and a site": lambda s, _: md5_with(s, site=s.keys.site_token),
    "a site with md5 of its secret": lambda s, _: (
        {name: value for name, value in s.md5("alice", secret=s.keys.site_secret).items() if name != "key"}
        | {"site": s.keys.site_token}
    ),
}


def doubled(shop: Shop, member: bytes) -> bytes:
    """Alice's proof with one of its members a second time, in front and so overruled in most readers."""
    return b"{" + member + b"," + msgspec.json.encode(shop.md5("alice"))[1:]


def wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def arabic(text: str) -> str:
    return "".join(chr(ord(c) + 0x0630) if c.isdigit() else c for c in text)


TOKENS: dict[str, Make] = {
    "expired": lambda s, _: s.v2(now=s.clock.now - timedelta(seconds=361)),
    "expired by a second beyond the skew": lambda s, _: s.v2(now=s.clock.now - timedelta(seconds=360)),
    "of the future": lambda s, _: s.v2(now=s.clock.now + timedelta(seconds=61)),
    "living longer than five minutes": lambda s, _: s.v2(life_seconds=301),
    "living backwards": lambda s, _: s.v2(life_seconds=-10),
    "for ever": lambda s, _: token(s, v2(s, exp=2**60)),
    "an unknown kid": lambda s, _: s.v2(kid="other"),
    "another shop's kid": lambda s, o: s.v2(kid=o.keys.lootly_api_key),
    "another shop's kid and secret": lambda s, o: s.v2(
        kid=o.keys.lootly_api_key, secret=o.keys.lootly_api_secret
    ),
    "another shop's secret": lambda s, o: s.v2(secret=o.keys.lootly_api_secret),
    "another shop named": lambda s, _: s.v2(shop="https://beans.example"),
    "a shop named without its scheme's s": lambda s, _: s.v2(shop="http://tea.example"),
    "no shop": lambda s, _: s.v2(shop=""),
    "a guest": lambda s, _: s.v2(""),
    "an address": lambda s, _: s.v2(SHOP),
    "an id too long": lambda s, _: s.v2("a" * 192),
    "a number as sub": lambda s, _: token(s, v2(s, sub=7)),
    "a list as sub": lambda s, _: token(s, v2(s, sub=["alice"])),
    "times as texts": lambda s, _: token(s, v2(s, iat=str(int(s.clock.now.timestamp())))),
    "times as floats": lambda s, _: token(s, v2(s, iat=s.clock.now.timestamp())),
    "true as a time": lambda s, _: token(s, v2(s, iat=True)),
    "a negative time": lambda s, _: token(s, v2(s, iat=-5, exp=5)),
    "times in Arabic digits": lambda s, _: token(s, v2(s, iat=arabic(str(int(s.clock.now.timestamp()))))),
    "no jti": lambda s, _: token(s, v2(s, jti=...)),
    "a short jti": lambda s, _: token(s, v2(s, jti="1")),
    "a jti with blanks": lambda s, _: token(s, v2(s, jti="a unique number")),
    "no exp": lambda s, _: token(s, v2(s, exp=...)),
    "a claim too many": lambda s, _: token(s, v2(s, admin=True)),
    "a doubled claim": lambda s, _: token(s, v2(s, payload=b'{"sub":"bob",' + encode(claims_now(s))[1:])),
    "claims that are a list": lambda s, _: token(s, v2(s, payload=b"[]")),
    "claims that are no JSON": lambda s, _: token(s, v2(s, payload=b"alice")),
    "NaN among the claims": lambda s, _: token(s, v2(s, iat=float("nan"))),
    "claims that are not UTF-8": lambda s, _: token(s, v2(s, payload=b"\xff\xfe")),
    "nested without end": lambda s, _: token(s, v2(s, payload=b"[" * 3000)),
    "padded": lambda s, _: token(s, s.token() + "="),
    "padded inside": lambda s, _: token(s, v2(s, payload=b'{"a":1}').replace(".ey", "=.ey")),
    "cut short": lambda s, _: token(s, s.token()[:-1]),
    "without its signature": lambda s, _: token(s, s.token().rpartition(".")[0]),
    "with an empty signature": lambda s, _: token(s, s.token().rpartition(".")[0] + "."),
    "in capitals": lambda s, _: token(s, s.token().upper()),
    "V2 in front": lambda s, _: token(s, "V" + s.token()[1:]),
    "v3 in front": lambda s, _: token(s, "v3" + s.token()[2:]),
    "signed in hex": lambda s, _: token(
        s, f"{s.token().rpartition('.')[0]}.{hashlib.sha256(b'').hexdigest()}"
    ),
    "an md5 signature as a token": lambda s, _: token(s, signature(s, "alice")),
    "an md5 signature in a token's place": lambda s, _: token(
        s, f"{s.token().rpartition('.')[0]}.{signature(s, 'alice')}"
    ),
    "an md5 signature padded to its length": lambda s, _: token(
        s, f"{s.token().rpartition('.')[0]}.{signature(s, 'alice')}{'A' * 11}"
    ),
    "with a line's end": lambda s, _: token(s, s.token() + "\n"),
    "endless": lambda s, _: token(s, s.token() + "A" * 9000),
    "not a text": lambda s, _: {"key": s.keys.lootly_api_key, "token": None},
    "a wrong type of jwt": lambda s, _: token(s, jwt(s, {"typ": "JOSE"})),
    "a jwt with alg none": lambda s, _: token(s, jwt(s, {"alg": "none"})),
    "a jwt with alg none and no signature": lambda s, _: token(
        s, jwt(s, {"alg": "none"}).rpartition(".")[0] + "."
    ),
    "a jwt with alg HS512": lambda s, _: token(s, jwt(s, {"alg": "HS512"})),
    "a jwt with alg hs256": lambda s, _: token(s, jwt(s, {"alg": "hs256"})),
    "a jwt with alg RS256": lambda s, _: token(s, jwt(s, {"alg": "RS256"})),
    "a jwt with a list of algs": lambda s, _: token(s, jwt(s, {"alg": ["HS256"]})),
    "a jwt with a key of its own": lambda s, _: token(s, jwt(s, {"jwk": {"k": "x"}})),
    "a jwt with crit": lambda s, _: token(s, jwt(s, {"crit": ["exp"]})),
    "a jwt without kid": lambda s, _: token(s, jwt(s, {"kid": ...})),
    "a jwt with another kid": lambda s, _: token(s, jwt(s, {"kid": "other"})),
    "a jwt with a path as kid": lambda s, _: token(s, jwt(s, {"kid": "../../dev/null"})),
    "a jwt that has expired": lambda s, _: token(s, jwt(s, iat=1, exp=300)),
    "a jwt with nbf": lambda s, _: token(s, jwt(s, nbf=1)),
    "a jwt's signature on a v2 token": lambda s, _: token(
        s, f"{s.token().rpartition('.')[0]}.{jwt(s).rpartition('.')[2]}"
    ),
    "a token in the address": lambda s, _: {"key": s.keys.lootly_api_key},
}


SHA1: dict[str, Make] = {
    "an empty id": lambda s, _: s.sha1(""),
    "an address": lambda s, _: s.sha1(SHOP),
    "another shop's": lambda s, o: s.sha1("alice") | {"site": o.keys.site_token},
    "an integration's key": lambda s, _: (
        {name: value for name, value in s.sha1("alice").items() if name != "site"}
        | {"key": s.keys.lootly_api_key}
    ),
    "yesterday's": lambda s, _: s.sha1("alice", date=(NOON - timedelta(days=1, seconds=1)).isoformat()),
    "another customer": lambda s, _: s.sha1("alice") | {"customer": {"id": "bob", "email": ""}},
    "a date moved on": lambda s, _: with_auth(s, date=(NOON + timedelta(seconds=1)).isoformat()),
    "in capitals": lambda s, _: with_auth(s, token=s.sha1("alice")["auth"]["token"].upper()),
    "cut short": lambda s, _: with_auth(s, token=s.sha1("alice")["auth"]["token"][:-1]),
    "no date": lambda s, _: with_auth(s, date=...),
    "a member too many": lambda s, _: with_auth(s, more=1),
    "no customer": lambda s, _: s.sha1("alice") | {"customer": None},
    "the date's digits moved to the id": lambda s, _: (
        s.sha1("alice")
        | {
            "customer": {"id": "alice2", "email": ""},
            "auth": s.sha1("alice")["auth"] | {"date": NOON.isoformat()[1:]},
        }
    ),
}


def with_auth(shop: Shop, **changes: Any) -> dict[str, Any]:
    body = shop.sha1("alice")
    auth = {name: value for name, value in (body["auth"] | changes).items() if value is not ...}
    return body | {"auth": auth}


WHOLE: dict[str, Make] = {
    "nothing": lambda s, _: b"",
    "no JSON": lambda s, _: b"alice",
    "a list": lambda s, _: b"[]",
    "null": lambda s, _: b"null",
    "an empty object": lambda s, _: b"{}",
    "not UTF-8": lambda s, _: b'{"key":"\xff"}',
    "a hundred thousand brackets": lambda s, _: b'{"key":' + b"[" * 100_000,
    "a number of 5000 digits": lambda s, _: b'{"key":' + b"9" * 5000 + b"}",
    "Infinity": lambda s, _: b'{"key":Infinity}',
    "a body that is too long": lambda s, _: b'{"key":"' + b"x" * 20_000 + b'"}',
    "a form": lambda s, _: b"key=x&customer_id=alice",
}

ALL = {
    f"{kind}: {name}": make
    for kind, cases in (("md5", MD5), ("token", TOKENS), ("sha1", SHA1), ("body", WHOLE))
    for name, make in cases.items()
}


async def test_one_401_for_whatever_proves_nothing(shop: Shop, other: Shop) -> None:
    """All in one shop, so that the answers can be compared: byte for byte the same, headers too."""
    answers = set()
    for name, make in ALL.items():
        body = make(shop, other)
        shop.seconds += 3600
        path = "session?token=" + shop.token() if name.endswith("in the address") else "session"
        answer = await shop.post(path, body)
        assert answer.status_code == 401, name
        answers.add((answer.content, tuple(sorted(answer.headers.items()))))
    assert len(answers) == 1
    ((content, headers),) = answers
    assert json.loads(content)["error"]["code"] == "unauthenticated"
    assert dict(headers)["cache-control"] == "no-store"
    async with shop.house.database.acquire() as connection:
        assert await connection.fetchval("select count(*) from storefront_sessions") == 0


async def test_the_same_proofs_unchanged_do_count(shop: Shop) -> None:
    """Otherwise the refusals above would show nothing."""
    good = [
        shop.md5("alice"), shop.md5("001"), shop.v2(), token(shop, v2(shop)), token(shop, jwt(shop)),
        token(shop, jwt(shop, {"typ": ...})), shop.sha1("alice"), with_auth(shop),
        shop.v2(now=shop.clock.now - timedelta(seconds=359)),
        shop.v2(now=shop.clock.now + timedelta(seconds=60)),
        shop.v2(shop=f"{SHOP}/"),
    ]  # fmt: skip
    for body in good:
        assert (await shop.post("session", body)).status_code == 200, body


# -- one changed bit, everywhere: without the wire, because there are thousands


def flips(text: str) -> Iterator[str]:
    """The text with each of its bits changed in turn, as far as that is ASCII again."""
    for place, character in enumerate(text):
        for bit in range(7):
            yield text[:place] + chr(ord(character) ^ (1 << bit)) + text[place + 1 :]


def test_each_bit_of_the_md5_proof_counts() -> None:
    good = {
        "shop_domain": SHOP,
        "shop_id": md5_signature(SHOP, SECRET),
        "customer_id": "alice",
        "customer_signature": md5_signature("alice", SECRET),
    }
    assert is_md5_proof(SECRET, TEA, **good)
    tried = 0
    for name, value in good.items():
        for changed in flips(value):
            tried += 1
            assert not is_md5_proof(SECRET, TEA, **(good | {name: changed})), (name, changed)
    assert tried > 600
    assert not any(is_md5_proof(changed, TEA, **good) for changed in flips(SECRET))


def test_each_bit_of_the_sha1_proof_counts() -> None:
    date = "2026-03-02T12:00:00Z"
    good = {"customer_id": "alice", "email": "a@b.example", "date": date}
    text = f"alice{date}a@b.example{SECRET}"
    signed = hashlib.sha1(text.encode()).hexdigest()
    assert is_sha1_proof(SECRET, **good, token=signed)
    for name, value in good.items():
        for changed in flips(value):
            assert not is_sha1_proof(SECRET, **(good | {name: changed}), token=signed), (name, changed)
    assert not any(is_sha1_proof(SECRET, **good, token=changed) for changed in flips(signed))


@pytest.mark.parametrize("form", ["v2", "jwt"])
async def test_each_bit_of_a_token_counts(shop: Shop, form: str) -> None:
    kid, secret = shop.keys.lootly_api_key, shop.keys.lootly_api_secret
    good = v2(shop) if form == "v2" else jwt(shop)

    def read(text: str) -> Claims:
        parts = take_apart(text)
        if parts.kid != kid:
            raise Unproven(why="other kid")
        return claims_of(parts, secret, TEA, now=NOON, not_before=None)

    assert read(good).sub == "alice"
    for changed in flips(good):
        with pytest.raises(Unproven):
            read(changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"shop": "https://tea.example.evil.example"},
        {"shop": "https://tea.example:8443"},
        {"sub": "https://x"},
    ],
)
async def test_a_token_is_for_one_shop_to_the_letter(shop: Shop, changed: dict[str, str]) -> None:
    assert (await shop.post("session", token(shop, v2(shop, **changed)))).status_code == 401
