"""The corpus laid on every route of both doors, signed where the content is to be reached, and what judges it."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from regulars.doors.lootly.commands import READERS
from regulars.doors.lootly.hooks import _DIRECT as DIRECT
from regulars.doors.lootly.hooks import INTEGRATIONS, LATER
from regulars.doors.loyaltylion.routes import ROUTES, Route
from tests.hostile import bodies
from tests.hostile.world import MARK, App, Said, Shop, World, an_order, resident_bytes

HOOKS: Final = (*READERS, *DIRECT, *sorted(LATER))
PATIENCE_SECONDS: Final = 5.0
"""No refusal takes longer, however busy the machine; what is usual is asserted apart."""
MEMORY_BYTES: Final = 200_000_000

OPTIONAL: Final = frozenset(bodies.VALUES) - {"null"}
KINDS: Final[Mapping[str, frozenset[str]]] = {
    "money": bodies.NEVER_MONEY,
    "money sent": bodies.NEVER_MONEY | {"null"},
    "points": bodies.NEVER_POINTS,
    "word": bodies.NEVER_A_WORD,
    "flag": OPTIONAL - {"true", "false"},
    "moment": OPTIONAL,
    "day": OPTIONAL - {"empty"},
    "text": bodies.NEVER,
    "free": frozenset(bodies.NOT_JSON) | {"100,000 deep"},
}
"""By kind of field, the names of the values that it must refuse."""

ORDER_FIELDS: Final = (
    *(((name,), "money sent") for name in ("total", "total_shipping")),
    *(((name,), "money") for name in ("total_tax", "total_paid")),
    *(
        ((name,), "text")
        for name in (
            "merchant_id", "customer_id", "customer_email", "merchant_number", "number", "discount_codes",
            "claimed_reward_ids", "ip_address", "user_agent", "referral_id", "tracking_id",
        )
    ),
    (("payment_status",), "word"),
    (("guest",), "flag"),
    (("date",), "moment"),
    (("discount_codes", 0, "code"), "text"),
    (("discount_codes", 0, "amount"), "money sent"),
    (("claimed_reward_ids", 0), "text"),
    (("unheard_of",), "free"),
)  # fmt: skip

Fields = tuple[tuple[tuple[str | int, ...], str], ...]


class Form(NamedTuple):
    """A route's good body, and what of it is to be replaced. `@` in it becomes another number each time."""

    good: dict[str, Any]
    fields: Fields


FORMS: Final[dict[tuple[str, str], Form]] = {
    ("POST", "/v2/orders"): Form(
        an_order("hostile-@", "mine-alice", discount_codes=[{"code": "T", "amount": "1"}], claimed_reward_ids=[1]),
        ORDER_FIELDS,
    ),
    ("PUT", "/v2/orders/{merchant_id}"): Form(
        {
            "payment_status": "paid",
            "cancellation_status": "not_cancelled",
            "refund_status": "partially_refunded",
            "total_paid": "20.00",
            "total_refunded": "6.00",
        },
        (
            (("payment_status",), "word"),
            (("cancellation_status",), "word"),
            (("refund_status",), "word"),
            (("total_paid",), "money sent"),
            (("total_refunded",), "money sent"),
        ),
    ),
    ("POST", "/v2/orders/{merchant_id}/payments"): Form({"amount": "1"}, ((("amount",), "money sent"),)),
    ("POST", "/v2/orders/{merchant_id}/refunds"): Form(
        {"amount": "0.01", "id": "r-@"}, ((("amount",), "money sent"), (("id",), "text"))
    ),
    ("PATCH", "/v2/customers/{merchant_id}"): Form(
        {"customer": {"birthday": "1990-01-01", "blocked": False}},
        (
            (("customer",), "text"),
            (("customer", "birthday"), "moment"),
            (("customer", "blocked"), "flag"),
            (("customer", "unheard_of"), "free"),
        ),
    ),
    ("POST", "/v2/customers/{merchant_id}/points"): Form(
        {"points": 1, "reason": "r"}, ((("points",), "points"), (("reason",), "text"))
    ),
    ("POST", "/v2/customers/{merchant_id}/remove_points"): Form(
        {"points": 1, "reason": "r"}, ((("points",), "points"), (("reason",), "text"))
    ),
    ("POST", "/v2/activities"): Form(
        {"name": "$signup", "customer_id": "c-@", "customer_email": "c@example.com", "properties": {"a": "b"}},
        (
            (("name",), "word"),
            *(
                ((name,), "text")
                for name in (
                    "customer_id", "customer_email", "merchant_id", "properties", "ip_address", "user_agent",
                    "referral_id", "tracking_id", "state",
                )
            ),
            (("guest",), "flag"),
            (("date",), "moment"),
            (("properties", "a"), "text"),
        ),
    ),
}  # fmt: skip
NO_BODY: Final = frozenset(
    ("PUT", f"/v2/orders/{{merchant_id}}/{word}") for word in ("paid", "cancelled", "refunded")
)
"""Routes that change something and read no body."""

LOOTLY_ORDER: Final = Form(
    {
        "id": "hook-@",
        "total_price": "39.99",
        "total_tax": "0.00",
        "total_discounts": "10.00",
        "subtotal_price": "29.99",
        "taxes_included": "0",
        "discount_codes": [{"code": "T"}],
        "products": [{"product_id": 1, "product_name": "Tea", "quantity": 1, "categories": [{"category_id": 2}]}],
        "ip_address": "127.0.0.1",
        "customer": {
            "id": "mine-alice", "email": "a@example.com", "first_name": "A", "last_name": "L",
            "birthday": "1990-01-01", "default_address": {"zip": "1", "country": "GB"},
        },
    },
    (
        (("id",), "text"),
        *(((name,), "money sent") for name in ("total_price", "total_tax", "total_discounts", "subtotal_price")),
        *(
            (path, "text")
            for path in (
                ("taxes_included",), ("discount_codes",), ("discount_codes", 0), ("discount_codes", 0, "code"),
                ("products",), ("products", 0), ("ip_address",), ("customer",), ("customer", "id"),
                ("customer", "email"), ("customer", "first_name"), ("customer", "last_name"),
                ("customer", "default_address"), ("customer", "default_address", "zip"),
                ("customer", "default_address", "country"),
            )
        ),
        (("customer", "birthday"), "day"),
        *(
            (path, "free")
            for path in (
                ("products", 0, "product_name"), ("products", 0, "quantity"), ("products", 0, "categories"),
                ("products", 0, "categories", 0, "category_id"), ("unheard_of",),
            )
        ),
    ),
)  # fmt: skip
LOOTLY_REFUND: Final = Form(
    {"id": "mine-0", "transactions": [{"id": "t-@", "amount": "0.01"}]},
    (
        (("id",), "text"),
        (("transactions",), "word"),
        (("transactions", 0), "text"),
        (("transactions", 0, "id"), "text"),
        (("transactions", 0, "amount"), "money sent"),
    ),
)
LOOTLY_CUSTOMER: Final = Form(
    {
        "id": "k-@", "email": "a@example.com", "first_name": "A", "last_name": "L", "birthday": "1990-01-01",
        "default_address": {"zip": "1", "country": "GB"},
    },
    (
        *(((name,), "text") for name in ("id", "email", "first_name", "last_name", "default_address")),
        (("birthday",), "day"),
        (("default_address", "zip"), "text"),
    ),
)  # fmt: skip
LOOTLY_POINTS: Final = Form(
    {"customer_id": "mine-alice", "point_value": 1, "reason": "@"},
    ((("customer_id",), "text"), (("point_value",), "points"), (("reason",), "text")),
)
LOOTLY_ID: Final = Form({"id": "gone-@"}, ((("id",), "text"),))
UNREAD: Final = Form({"unheard_of": 1}, ((("unheard_of",), "free"),))
HOOK_FORMS: Final[dict[str, Form]] = {
    **dict.fromkeys(
        ("orders-completed", "orders-processing", "orders-paid", "orders-fulfilled"), LOOTLY_ORDER
    ),
    **dict.fromkeys(("orders-cancelled", "orders-closed"), LOOTLY_ID),
    **dict.fromkeys(("points-add", "points-subtract"), LOOTLY_POINTS),
    **dict.fromkeys(("key-verify", "rewards-list", "redeem-reward", "custom-action"), UNREAD),
    "refunds-create": LOOTLY_REFUND,
    "customers-create": LOOTLY_CUSTOMER,
    "customer": Form({"customer_id": "mine-alice"}, ((("customer_id",), "text"),)),
    "app-installed": Form(
        {"shop_url": "https://a.example", "api_endpoint": "https://b.example"},
        ((("shop_url",), "text"), (("api_endpoint",), "text")),
    ),
}


class Attack(NamedTuple):
    """One request; a long body is made by need. `refused`: it must not be taken. `server_error`: 500 is what the contract says."""

    name: str
    method: str
    target: str
    body: bytes | Callable[[], bytes]
    headers: Mapping[str, str | bytes]
    refused: bool = False
    server_error: bool = False


_numbers = itertools.count(1)


def fresh(text: bytes) -> bytes:
    """The body with another number for each `@` of an id."""
    return text.replace(b"-@", b"-%d" % next(_numbers))


def target_of(route: Route) -> str:
    own = "mine-0" if "/orders/" in route.path else "mine-alice"
    return route.path.replace("{merchant_id}", own)


def all_attacks(shop: Shop, *, seed: int) -> list[Attack]:
    """The whole fixed corpus, in an order by the seed, so that a part of it has something of everything."""
    found = [
        *on_bodies(shop), *on_hooks(shop), *on_paths(shop), *on_queries(shop), *on_headers(shop), *on_reads(shop),
    ]  # fmt: skip
    random.Random(seed).shuffle(found)
    return found


def on_bodies(shop: Shop) -> Iterator[Attack]:
    for route in ROUTES:
        form = FORMS.get((route.method, route.path))
        place = f"{route.method} {route.path}"
        if form is None:
            yield from (
                Attack(f"{place}: {name}", route.method, target_of(route), body, shop.bearer)
                for name, body, _ in bodies.whole(b'{"a":1}')
            )
            continue
        good = json.dumps(form.good).encode()
        for name, body, refused in bodies.whole(good):
            yield Attack(f"{place}: {name}", route.method, target_of(route), body, shop.bearer, refused)
        for path, kind in form.fields:
            for name, value in values_for(path):
                text = bodies.replaced(form.good, path, value).encode("utf-8", "surrogatepass")
                yield Attack(
                    f"{place}: {path} is {name}",
                    route.method,
                    target_of(route),
                    fresh(text),
                    shop.bearer,
                    name in KINDS[kind],
                )


def values_for(path: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    """Every value by name; an element of an array can't be nothing: the array would be empty, and fine."""
    return ((name, value) for name, value in bodies.VALUES.items() if value or path[-1] != 0)


def on_hooks(shop: Shop) -> Iterator[Attack]:
    for hook in HOOKS:
        form = HOOK_FORMS[hook]
        target = f"/integrations/webhooks/common/{hook}"
        for name, body, refused in bodies.whole(shop.call(form.good)):
            yield Attack(f"{hook} unsigned: {name}", "POST", target, body, {}, refused)
        is_twin = hook in ("orders-processing", "orders-paid", "orders-fulfilled")
        for path, kind in form.fields[:2] if is_twin else form.fields:
            for name, value in values_for(path):
                body = signed(shop, form, path, value)
                yield Attack(f"{hook}: {path} is {name}", "POST", target, body, {}, name in KINDS[kind])


def signed(shop: Shop, form: Form, path: tuple[str | int, ...], value: str) -> bytes:
    """The form's good body with this text in that place, signed as it stands."""
    sources = {name: json.dumps(item) for name, item in form.good.items()}
    sources[str(path[0])] = bodies.replaced(form.good.get(str(path[0])), path[1:], value)
    number = str(next(_numbers))
    return shop.sign({name: source.replace("-@", f"-{number}") for name, source in sources.items()})


def on_paths(shop: Shop) -> Iterator[Attack]:
    for route in ROUTES:
        body = good_body(route)
        for method in bodies.METHODS:
            if method not in {other.method for other in ROUTES if other.path == route.path}:
                yield Attack(f"{method} {route.path}", method, target_of(route), body, shop.bearer)
        if "{merchant_id}" in route.path:
            for text in bodies.IDS:
                target = route.path.replace("{merchant_id}", text)
                yield Attack(f"{route.method} {target[:80]}", route.method, target, body, shop.bearer)
    hook = shop.call({"id": "x"})
    for text in bodies.IDS:
        if text not in (*INTEGRATIONS, *HOOKS):
            yield Attack(f"hook {text[:60]}", "POST", f"/integrations/webhooks/common/{text}", hook, {})
            target = f"/integrations/webhooks/{text}/orders-completed"
            yield Attack(f"integration {text[:60]}", "POST", target, hook, {}, server_error=True)
        yield Attack(f"nowhere {text[:60]}", "GET", f"/{text}", b"", {})
        yield Attack(f"below v2 {text[:60]}", "GET", f"/v2/{text}", b"", shop.bearer)
    for method in bodies.METHODS:
        if method != "POST":
            yield Attack(f"{method} hook", method, "/integrations/webhooks/common/key-verify", hook, {}, True)
        if method not in ("GET", "HEAD"):
            yield Attack(f"{method} /healthz", method, "/healthz", b"", {}, True)


def good_body(route: Route) -> bytes:
    form = FORMS.get((route.method, route.path))
    return b"" if form is None else fresh(json.dumps(form.good).encode())


def on_queries(shop: Shop) -> Iterator[Attack]:
    for route in ROUTES:
        listing = route.method == "GET" and "{" not in route.path
        names = bodies.PARAMETERS if listing else ("site_id",)
        asked = [*(f"{name}={value}" for name in names for value in bodies.QUERY_VALUES), *bodies.QUERIES]
        for query in asked:
            target = f"{target_of(route)}?{query}"
            yield Attack(
                f"{route.method} {target[:100]}", route.method, target, good_body(route), shop.bearer
            )


def on_headers(shop: Shop) -> Iterator[Attack]:
    for route in ROUTES:
        place, target = f"{route.method} {route.path}", target_of(route)
        for text in bodies.AUTHORIZATIONS:
            headers = {"authorization": text}
            yield Attack(f"{place} as {text[:30]!r}", route.method, target, good_body(route), headers, True)
        yield Attack(f"{place} as nobody", route.method, target, good_body(route), {}, True)
        if route.method != "GET":
            for text in bodies.IDEMPOTENCY_KEYS:
                headers = shop.bearer | {"idempotency-key": text}
                name = f"{place} under the key {text[:20]!r}"
                yield Attack(name, route.method, target, good_body(route), headers, True)
            for text in bodies.CONTENT_TYPES:
                headers = shop.bearer | {"content-type": text, "content-encoding": "gzip"}
                yield Attack(
                    f"{place} of the type {text[:20]!r}", route.method, target, good_body(route), headers
                )
    for hook in READERS:
        for text in bodies.IDEMPOTENCY_KEYS:
            body = fresh(shop.call(HOOK_FORMS[hook].good))
            name = f"{hook} under the key {text[:20]!r}"
            yield Attack(
                name, "POST", f"/integrations/webhooks/common/{hook}", body, {"idempotency-key": text}
            )


def on_reads(shop: Shop) -> Iterator[Attack]:
    for text in bodies.IDS:
        path = f"/api/custom/customer/{text}/point-balance"
        yield Attack(f"balance of {text[:60]}", "GET", shop.read(path), b"", {})
        yield Attack(f"unsigned balance of {text[:60]}", "GET", f"{path}?key=x&hmac=y", b"", {}, True)
    texts = [
        json.loads(text) for text in (bodies.TEXTS | {"a NUL": '"a\\u0000b"', "commas": '",,,,"'}).values()
    ]
    for text in [*texts, ",".join(str(n) for n in range(1_001)), "," * 50_000]:
        target = shop.read("/api/custom/customers/point-balance", text)
        yield Attack(f"balances of {text[:60]!r}", "GET", target, b"", {})
    for query in (*bodies.QUERIES, *(f"key={value}&hmac={value}" for value in bodies.QUERY_VALUES)):
        target = f"/api/custom/customers/point-balance?{query}"
        yield Attack(f"balances with {query[:60]}", "GET", target, b"", {}, True)
    known = shop.keys.lootly_api_key
    for value in bodies.QUERY_VALUES:
        target = f"/api/custom/customers/point-balance?key={known}&hmac={value}&customer_ids=1"
        yield Attack(f"balances signed {value[:60]}", "GET", target, b"", {}, True)


def at_random(shop: Shop, *, seed: int) -> Iterator[Attack]:
    """Without end: good bodies with one to three members replaced, or with their bytes mangled."""
    rng = random.Random(seed)
    routes = [
        (route, FORMS[route.method, route.path]) for route in ROUTES if (route.method, route.path) in FORMS
    ]
    hooks = [(hook, form) for hook, form in HOOK_FORMS.items()]
    values = [value for value in bodies.VALUES.values() if len(value) < 20_000]
    while True:
        sign = rng.random() < 0.5
        hook, form = rng.choice(hooks)
        route, other = rng.choice(routes)
        form = form if sign else other
        sources = {name: json.dumps(item) for name, item in form.good.items()}
        for path, _ in rng.choices(form.fields, k=rng.randint(1, 3)):
            sources[str(path[0])] = bodies.replaced(form.good.get(str(path[0])), path[1:], rng.choice(values))
        number = str(next(_numbers))
        sources = {name: source.replace("-@", f"-{number}") for name, source in sources.items()}
        mangle = rng.random() < 0.5
        if sign:
            if mangle:  # before it is signed, so that the content is reached
                name = rng.choice(list(sources))
                text = bodies.mangled(sources[name].encode("utf-8", "surrogatepass"), rng)
                sources[name] = text.decode("utf-8", "replace")
            body = shop.sign(sources)
            yield Attack(f"{hook} at random", "POST", f"/integrations/webhooks/common/{hook}", body, {})
            continue
        joined = "{" + ",".join(f'"{name}":{source}' for name, source in sources.items()) + "}"
        body = joined.encode("utf-8", "surrogatepass")
        if mangle:
            body = bodies.mangled(json.dumps(form.good).replace("-@", f"-{number}").encode(), rng)
        yield Attack(
            f"{route.method} {route.path} at random", route.method, target_of(route), body, shop.bearer
        )


@dataclass
class Result:
    """What a run found. `findings` is empty when all is well."""

    findings: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    refusal_seconds: list[float] = field(default_factory=list)
    grown_bytes: int = 0

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def refusals_within(self, share: float) -> float:
        """Within how many seconds this share of the refusals came."""
        ordered = sorted(self.refusal_seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def run(
    world: World,
    attacks: Iterable[Attack],
    errors: list[str],
    *,
    app: App | None = None,
    most_findings: int = 20,
    until: Callable[[], bool] = lambda: False,
) -> Result:
    """Sends the attacks one by one to `mine` and judges each answer. `errors`: what `listening` collects."""
    result = Result()
    at_first = resident_bytes()
    head = await world.head(world.mine.program_id)
    for attack in attacks:
        try:
            body = attack.body if isinstance(attack.body, bytes) else fresh(attack.body())
            said = await world.ask(attack.method, attack.target, body, attack.headers, app=app)
        except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
            result.statuses[0] += 1
            result.findings.append(f"{attack.name}: {error!r} escaped")
            continue
        result.statuses[said.status] += 1
        wrong = list(judge(attack, said))
        head_now = await world.head(world.mine.program_id)
        if said.status >= 400:
            result.refusal_seconds.append(said.seconds)
            if head_now != head:
                wrong.append("was refused and changed the book")
        head = head_now
        if errors:
            wrong.append(f"logged {errors.pop()}")
            errors.clear()
        grown = resident_bytes() - at_first
        result.grown_bytes = max(result.grown_bytes, grown)
        if grown > MEMORY_BYTES:
            wrong.append(f"memory grew by {grown} bytes")
        result.findings += [f"{attack.name}: {each} ({said.status} {said.body[:200]!r})" for each in wrong]
        if len(result.findings) >= most_findings or until():
            break
    return result


def judge(attack: Attack, said: Said) -> Iterator[str]:
    """What is wrong with this answer, whatever was asked."""
    if said.status >= 500 and not (attack.server_error and said.status == 500):
        yield "server error"
    if attack.refused and said.status < 400:
        yield "should be refused"
    if said.status >= 400:
        if said.seconds > PATIENCE_SECONDS:
            yield f"took {said.seconds:.1f} s"
        if attack.method != "HEAD":
            yield from misshapen(said)
    if MARK.encode() in said.body or any(MARK in value for value in said.headers.values()):
        yield "shows what is the neighbour's"


def misshapen(said: Said) -> Iterator[str]:
    """An error has one shape, and says what it is."""
    if said.headers.get("content-type") != "application/json":
        yield f"is of the type {said.headers.get('content-type')}"
        return
    try:
        error = said.json["error"]
        text = error["message"] if isinstance(error, dict) else error
    except (msgspec.MsgspecError, KeyError, TypeError):
        yield "has another shape than errors have"
        return
    if not isinstance(text, str) or not text:
        yield "says nothing"
