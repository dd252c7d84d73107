"""Who may call what: keys, scopes, a site's secret; and what is answered to everybody else."""

import base64
import re
from typing import Any

import pytest

from regulars.app.credentials import SCOPES, api_key_lookup, revoke
from regulars.app.house import House
from regulars.domain.errors import Busy, Late, Rejected, Unsure
from regulars.doors.loyaltylion.app import build
from regulars.doors.loyaltylion.routes import ROUTES, find_route
from regulars.doors.paths import NoRoute
from tests.clock import Clock
from tests.doors.loyaltylion.conftest import Shop, an_order, open_shop

NOBODY = {"error": {"message": "Authentication is required"}}


def basic(token: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{token}:{secret}'.encode()).decode()}"


async def test_whoami_tells_a_key_what_it_may_do(shop: Shop) -> None:
    identity = {
        "kind": "api_key",
        "account_id": shop.program_id,
        "program_id": shop.program_id,
        "scopes": ["read_customers", "write_orders"],
        "integration": None,
    }
    answer = await shop.get("/v2/identity/whoami", auth=await shop.key("write_orders", "read_customers"))
    assert answer.json() == {"identity": identity}
    whole = (await shop.get("/v2/identity/whoami", auth=shop.basic)).json()["identity"]
    assert (whole["kind"], len(whole["scopes"])) == ("site", 9)


async def test_the_sites_are_listed_for_api_keys_alone(shop: Shop) -> None:
    (site,) = (await shop.get("/v2/sites")).json()["sites"]
    assert site.pop("created_at") == site.pop("updated_at")
    assert site == {
        "id": 1,
        "program_id": shop.program_id,
        "account_id": shop.program_id,
        "name": "Tea & Leaves",
        "url": "https://tea.example",
        "platform": "custom",
        "currencies": ["GBP"],
        "languages": ["en"],
    }
    answer = await shop.get("/v2/sites", auth=shop.basic)
    assert (answer.status_code, answer.json()) == (401, NOBODY)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer pat_unknown",
        "Bearer x y",
        "Token {key}",
        "{key}",
        "Bearer {site_token}",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        basic("\x00", "x"),
        basic("unknown", "x"),
    ],
)
async def test_whoever_shows_no_credential_that_counts_is_told_so(
    shop: Shop, authorization: str | None
) -> None:
    if authorization is not None:
        authorization = authorization.replace("{key}", shop.created.api_token)
        authorization = authorization.replace("{site_token}", shop.created.site_token)
    answer = await shop.get("/v2/orders", auth=authorization)
    assert (answer.status_code, answer.json()) == (401, NOBODY)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_site_needs_its_own_secret(shop: Shop) -> None:
    token, secret = shop.created.site_token, shop.created.site_secret
    assert (await shop.get("/v2/orders", auth=basic(token, secret))).status_code == 200
    for wrong in (secret[:-1], "", secret.swapcase(), "ü", f"{secret}:"):
        assert (await shop.get("/v2/orders", auth=basic(token, wrong))).status_code == 401
    lootly = basic(shop.created.lootly_api_key, shop.created.lootly_api_secret)
    assert (await shop.get("/v2/orders", auth=lootly)).status_code == 401


async def test_the_scheme_is_read_in_any_letter_case(shop: Shop) -> None:
    assert (await shop.get("/v2/orders", auth=f"bearer  {shop.created.api_token} ")).status_code == 200


async def test_a_revoked_key_is_refused(shop: Shop) -> None:
    key = await shop.key("read_orders")
    assert (await shop.get("/v2/orders", auth=key)).status_code == 200
    credential = shop.house.credentials.cached(api_key_lookup(key.removeprefix("Bearer ")))
    assert credential is not None
    await revoke(
        shop.house.database,
        program_id=shop.program_id,
        credential_id=credential.credential_id,
        now=shop.clock(),
    )
    shop.house.credentials.forget()
    before = await shop.book()
    answer = await shop.post("/v2/orders", an_order(), auth=key)
    assert (answer.status_code, answer.json()) == (401, NOBODY)
    assert await shop.book() == before


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.scope], ids=lambda r: f"{r.method} {r.path}"
)
async def test_each_route_needs_its_scope_and_write_implies_read(shop: Shop, route: Any) -> None:
    path = re.sub(r"{\w+}", "nobody", route.path)
    verb, noun = route.scope.split("_")
    other = "orders" if noun == "customers" else "customers"
    refused = [(f"read_{other}", f"write_{other}")]
    refused += [(f"read_{noun}",)] if verb == "write" and f"read_{noun}" in SCOPES else []
    for scopes in refused:
        answer = await shop.send(route.method, path, {}, auth=await shop.key(*scopes))
        assert answer.status_code == 403
        assert route.scope in answer.json()["error"]["message"]
    for scope in {route.scope, f"write_{noun}"}:
        answer = await shop.send(route.method, path, {}, auth=await shop.key(scope))
        assert answer.status_code not in (401, 403, 405, 500)


async def test_another_programs_ids_are_nobodys(house: House, clock: Clock, shop: Shop) -> None:
    await shop.order("1001")
    stranger = await open_shop(house, clock, name="Stranger", domain="https://stranger.example")
    before = await shop.book()
    for method, path, body in (
        ("GET", "/v2/orders/1001", None),
        ("PUT", "/v2/orders/1001/refunded", None),
        ("POST", "/v2/customers/alice/remove_points", {"points": 1}),
        ("GET", "/v2/customers/alice/transactions", None),
        ("PATCH", "/v2/customers/alice", {"customer": {"blocked": True}}),
    ):
        assert (await stranger.send(method, path, body)).status_code == 404
    for name in ("orders", "customers", "activities", "transactions"):
        assert (await stranger.get(f"/v2/{name}?since_id=0")).json()[name] == []
    assert await shop.book() == before
    await stranger.order("1001", total="5.00")
    assert (await shop.get("/v2/orders/1001")).json()["total"] == "20.00"


@pytest.mark.parametrize(
    "path",
    [
        "/v2", "/v2/", "/v2/rewards", "/v2/events", "/v2/orders/1/2", "/v2//orders", "/v2/orders/1/paid/x",
        "/v2/orders/%00", "/v2/orders/%ff", "/v2/orders/" + "9" * 300, "/headless/2025-06/1/configuration",
        "/v2/identity", "/v2/customers/a/points/b",
    ],
)  # fmt: skip
async def test_an_unknown_path_is_a_404_in_the_apis_shape(shop: Shop, path: str) -> None:
    answer = await shop.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": {"message": "Not found"}})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v2/orders", "GET, HEAD, POST"),
        ("POST", "/v2/orders/1", "GET, HEAD, PUT"),
        ("GET", "/v2/orders/1/paid", "PUT"),
        ("OPTIONS", "/v2/customers/a/points", "POST"),
        ("GET", "/v2/customers/alice", "PATCH"),
    ],
)
async def test_a_wrong_method_is_a_405_that_says_which_are_right(
    shop: Shop, method: str, path: str, allow: str
) -> None:
    answer = await shop.send(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert allow in answer.json()["error"]["message"]


async def test_head_is_answered_where_get_is(shop: Shop) -> None:
    await shop.order("1001")
    get, head = await shop.get("/v2/orders/1001"), await shop.send("HEAD", "/v2/orders/1001")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_a_slash_at_the_end_does_no_harm(shop: Shop) -> None:
    await shop.order("1001")
    assert (await shop.get("/v2/orders/1001/")).status_code == 200
    assert (await shop.get("/v2/orders/")).status_code == 200


def test_every_route_is_found_under_its_own_path() -> None:
    for route in ROUTES:
        names = re.findall(r"{(\w+)}", route.path)
        found, caught = find_route(route.method, re.sub(r"{\w+}", "$a%2Fb", route.path).encode())
        assert found is route
        assert caught == dict.fromkeys(names, "$a/b")
    with pytest.raises(NoRoute):
        find_route("GET", b"/v2/nothing")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Busy(), 503, "Nothing was done"),
        (Late(), 503, "nothing will be"),
        (Unsure(), 503, "may have happened, once"),
        (Rejected(sqlstate="22000"), 422, "refused"),
        (TimeoutError(), 503, "Nothing was done"),
        (OSError(), 503, "Nothing was done"),
        (RuntimeError("secret"), 500, "has been logged"),
    ],
)
async def test_what_goes_wrong_inside_is_answered_in_the_apis_shape(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, said: str
) -> None:
    async def fails(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(shop.house.engine, "submit", fails)
    answer = await shop.post("/v2/orders", an_order())
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"] and "secret" not in answer.text
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)


async def test_a_database_that_is_gone_is_a_503(shop: Shop) -> None:
    await shop.get("/v2/orders")
    await shop.house.database.close()
    answer = await shop.get("/v2/orders")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_caller_who_left_is_answered_nothing(shop: Shop) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v2/orders",
        "raw_path": b"/v2/orders",
        "query_string": b"",
        "headers": [],
    }
    await build(shop.house)(scope, receive, send)
    assert sent == []


async def test_a_body_may_come_in_pieces(shop: Shop) -> None:
    async def pieces() -> Any:
        yield b'{"name": "$signup", "customer_id": 1,'
        yield b'"customer_email": "a@example.com"}'

    answer = await shop.client.post("/v2/activities", content=pieces(), headers={"authorization": shop.auth})
    assert answer.status_code == 201
