"""Two programs never see each other: every route with every id of the neighbour shows and changes nothing.

The ids are real: the neighbour's own credentials reach something with each of them.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from regulars.app.verify.run import verify
from regulars.doors.loyaltylion.routes import ROUTES, Route
from tests.hostile.attacks import HOOKS, filled
from tests.hostile.forms import FORMS, HOOK_FORMS, NO_BODY
from tests.hostile.world import MARK, NEXT_DOOR, Said, Shop, World, an_order

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER, CUSTOMER = f"{NEXT_DOOR}-0", f"{NEXT_DOOR}-alice"
THEIR_IDS = (
    ORDER,
    CUSTOMER,
    f"{NEXT_DOOR}-1",
    f"{NEXT_DOOR}-bob",
    f"{NEXT_DOOR}-refund",
    f"{NEXT_DOOR}-key",
    f"alice@{MARK}.example",
)
"""All that the neighbour's shop calls by a name of its own."""
THEIR_NUMBER = "3"
"""A reward and a claimed reward of the neighbour's; our own numbers end at 1."""


class Try(NamedTuple):
    """A request with something of the neighbour's in it. `found`: its owner gets a 2xx for it."""

    method: str
    target: str
    body: bytes = b""
    key: str | None = None
    found: bool = True


def body_for(route: Route, merchant_id: str) -> bytes:
    form = FORMS.get((route.method, route.path))
    if form is None:
        return b""
    said = json.dumps(form.good).replace("-@", f"-{NEXT_DOOR}")
    return said.replace("mine-alice", merchant_id).encode()


CHANGES = [route for route in ROUTES if route.method != "GET"]
READS = [route for route in ROUTES if route.method == "GET"]


def tries(route: Route) -> Iterator[Try]:
    """This route with each of the neighbour's ids: in the path, the query, the body, the header."""
    if "{merchant_id}" in route.path:
        own = ORDER if "/orders/" in route.path else CUSTOMER
        for merchant_id in THEIR_IDS:
            target = filled(route.path, merchant_id, THEIR_NUMBER)
            yield Try(route.method, target, body_for(route, own), None, merchant_id == own)
        yield Try(
            route.method,
            f"{filled(route.path, own, THEIR_NUMBER)}?site_id=2",
            body_for(route, own),
            found=False,
        )
    elif route.method == "GET":
        for query in (
            f"email={MARK}", f"customer_id={MARK}", "customer_id=1", "customer_id=2", "since_id=0",
            "since_id=1",
            "page=1", "page=2", "site_id=1", "site_id=2", "limit=500", f"merchant_id={ORDER}", "program_id=2",
            "account_id=2", "sort_field=updated_at", "type=csv",
        ):  # fmt: skip
            yield Try("GET", f"{route.path}?{query}", found=False)
    elif route.path.startswith("/v2/rewards/"):
        yield Try(route.method, filled(route.path, CUSTOMER, THEIR_NUMBER))
    elif route.path == "/v2/orders":
        for changes in ({}, {"merchant_id": ORDER}, {"customer_id": CUSTOMER}, {"claimed_reward_ids": [1]}):
            order = an_order("mine-99", "mine-alice") | changes
            yield Try("POST", "/v2/orders", json.dumps(order).encode(), found=False)
        yield Try(
            "POST",
            "/v2/orders?site_id=2",
            json.dumps(an_order("mine-98", "mine-alice")).encode(),
            found=False,
        )
    elif route.path == "/v2/activities":
        for changes in (
            {},
            {"customer_id": CUSTOMER},
            {"merchant_id": f"{NEXT_DOOR}-1"},
            {"referral_id": CUSTOMER},
        ):
            sign_up = {
                "name": "$signup",
                "customer_id": "mine-eve",
                "customer_email": "eve@example.com",
            } | changes
            yield Try("POST", "/v2/activities", json.dumps(sign_up).encode(), found=False)
    if route.method != "GET":
        own = ORDER if "/orders" in route.path else CUSTOMER
        target = filled(route.path, own, THEIR_NUMBER)
        yield Try(route.method, target, body_for(route, own), f"{NEXT_DOOR}-key", found=False)


WITHOUT_AN_ID = {
    ("POST", "/v2/orders"), ("POST", "/v2/activities"), ("GET", "/v2/orders"), ("GET", "/v2/customers"),
    ("GET", "/v2/transactions"), ("GET", "/v2/activities"), ("GET", "/v2/identity/whoami"), ("GET",
    "/v2/sites"),
}  # fmt: skip
"""What `tries` knows besides the routes with an id in their path."""


async def test_no_route_is_left_out() -> None:
    """A new route has to be thought of: what of the neighbour's could be named there?"""
    assert {(route.method, route.path) for route in ROUTES if "{" not in route.path} == WITHOUT_AN_ID
    known = ("/v2/orders/{merchant_id}", "/v2/customers/{merchant_id}", "/v2/rewards/{reward_id}")
    assert all(route.path.startswith(known) for route in ROUTES if "{" in route.path)
    assert {(route.method, route.path) for route in CHANGES} == set(FORMS) | NO_BODY
    assert set(HOOK_FORMS) == set(HOOKS)


def leaks(said: Said) -> bool:
    text = said.body + json.dumps(dict(said.headers)).encode()
    return MARK.encode() in text


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_a_route_with_the_neighbours_ids_shows_and_changes_nothing(apart: World, route: Route) -> None:
    asked = list(tries(route))
    assert asked
    before = await apart.contents(apart.theirs)
    for shown in (apart.mine.bearer, apart.mine.basic):
        for one in asked:
            key = {} if one.key is None else {"idempotency-key": one.key}
            said = await apart.ask(one.method, one.target, one.body, shown | key)
            assert said.status < 500, (one, said)
            if "{merchant_id}" in route.path:
                assert said.status in (404, 400), (one, said)
            assert not leaks(said), (one, said)
    assert await apart.contents(apart.theirs) == before
    await the_owner_finds_them(apart, asked)


async def the_owner_finds_them(apart: World, asked: list[Try]) -> None:
    """Else the neighbour's ids are none, and nothing was tried."""
    for one in asked:
        if one.found:
            said = await apart.ask(one.method, one.target, one.body, apart.theirs.bearer)
            assert said.status < 300 or b"paid" in said.body or b"open" in said.body, (one, said)


@pytest.mark.parametrize(
    "route", [route for route in READS if "{" not in route.path], ids=lambda route: route.path
)
async def test_the_neighbours_cursors_lead_nowhere_else_than_in_ones_own_program(
    apart: World, route: Route
) -> None:
    theirs = await apart.ask("GET", f"{route.path}?limit=1", b"", apart.theirs.bearer)
    assert leaks(theirs) or route.path.endswith("whoami")
    cursors = [*(theirs.json.get("cursor") or {}).values()]
    for link in theirs.headers.get("link", "").split(","):
        cursors += parse_qs(urlsplit(link.strip().partition(">")[0].lstrip("<")).query).get("cursor", [])
    if route.path not in ("/v2/identity/whoami", "/v2/sites"):
        assert any(cursors)
    for cursor in filter(None, cursors):
        for query in (f"cursor={cursor}", f"cursor={cursor}&limit=500"):
            said = await apart.ask("GET", f"{route.path}?{query}", b"", apart.mine.bearer)
            assert said.status == 200
            assert not leaks(said)


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_hook_with_the_neighbours_ids_shows_and_changes_nothing(apart: World, hook: str) -> None:
    good = json.dumps(HOOK_FORMS[hook].good)
    said: list[dict[str, Any]] = [
        json.loads(
            good.replace("mine-alice", their)
            .replace("mine-0", their)
            .replace("hook-@", their)
            .replace("alice@mine.example", f"alice@{MARK}.example")
            .replace("-@", "-1")
        )
        for their in THEIR_IDS
    ]
    for customer in said:
        customer.update({name: CUSTOMER for name in ("customer_id",) if name in customer})
    before = await apart.contents(apart.theirs)
    target = f"/integrations/webhooks/common/{hook}"
    for payload in said:
        for headers in ({}, {"idempotency-key": f"{NEXT_DOOR}-key"}):
            answer = await apart.ask("POST", target, apart.mine.call(payload), headers)
            assert answer.status < 500
            if hook == "customer":
                assert answer.json == {}
            if hook == "rewards-list":
                assert not leaks(answer)
            else:
                assert not answer.body.startswith(b'{"data')
    assert await apart.contents(apart.theirs) == before


@pytest.mark.parametrize("hook", HOOKS)
async def test_ones_own_secret_does_not_sign_for_the_neighbours_key(apart: World, hook: str) -> None:
    """The key is public: it stands in the neighbour's pages."""
    ours = apart.mine.keys
    key = apart.theirs.keys.lootly_api_key
    both = Shop(msgspec.structs.replace(ours, lootly_api_key=key))
    before = await apart.contents(apart.theirs)
    body = both.call(json.loads(json.dumps(HOOK_FORMS[hook].good).replace("mine-alice", CUSTOMER)))
    said = await apart.ask("POST", f"/integrations/webhooks/common/{hook}", body)
    assert said.status == 401
    assert not leaks(said)
    said = await apart.ask("GET", both.read(f"/api/custom/customer/{CUSTOMER}/point-balance"))
    assert (said.status, leaks(said)) == (403, False)
    assert await apart.contents(apart.theirs) == before


async def test_balances_of_the_neighbours_customers_are_nobodys(apart: World) -> None:
    for their in THEIR_IDS:
        one = await apart.ask("GET", apart.mine.read(f"/api/custom/customer/{their}/point-balance"))
        assert one.json == {"point_value": 0}
    many = await apart.ask("GET", apart.mine.read("/api/custom/customers/point-balance", ",".join(THEIR_IDS)))
    assert many.json == [{their: 0} for their in THEIR_IDS]
    owner = await apart.ask("GET", apart.theirs.read(f"/api/custom/customer/{CUSTOMER}/point-balance"))
    assert owner.json["point_value"] > 0


async def test_the_same_identity_in_two_programs_is_two(apart: World) -> None:
    """An Idempotency-Key, an order's id and a refund's id that the neighbour has used are new to us."""
    order = json.dumps(an_order(ORDER, CUSTOMER)).encode()
    key = {"idempotency-key": f"{NEXT_DOOR}-key"}
    assert (await apart.ask("POST", "/v2/orders", order, apart.mine.bearer | key)).status == 201
    refund = json.dumps({"amount": "7.00", "id": f"{NEXT_DOOR}-refund"}).encode()
    assert (await apart.ask("POST", f"/v2/orders/{ORDER}/refunds", refund, apart.mine.bearer)).status == 201
    mine = await apart.ask("GET", f"/v2/orders/{ORDER}", b"", apart.mine.bearer)
    theirs = await apart.ask("GET", f"/v2/orders/{ORDER}", b"", apart.theirs.bearer)
    assert [part["amount"] for part in mine.json["refunds"]] == ["7.00"]
    assert [part["amount"] for part in theirs.json["refunds"]] == ["5.00"]


async def test_the_books_are_right_after_all_that(apart: World) -> None:
    report = await verify(apart.house.database, now=apart.house.clock())
    assert report.violated == {}
