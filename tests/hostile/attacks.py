"""The corpus laid on every route of both doors, signed where the content is to be reached."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from regulars.doors.lootly.commands import READERS
from regulars.doors.lootly.hooks import _DIRECT as DIRECT
from regulars.doors.lootly.hooks import INTEGRATIONS, LATER
from regulars.doors.loyaltylion.routes import ROUTES, Route
from tests.hostile import bodies
from tests.hostile.forms import FORMS, HOOK_FORMS, KINDS, Form
from tests.hostile.world import Shop

HOOKS: Final = (*READERS, *DIRECT, *sorted(LATER))


class Attack(NamedTuple):
    """One request; a long body is made by need.

    `refused`: it must not be taken. `server_error`: 500 is what the contract says.
    """

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
    return filled(route.path, own)


def filled(path: str, merchant_id: str, number: str = "1") -> str:
    """A route's path with this shop's id in it, and this number for an id of ours."""
    path = path.replace("{merchant_id}", merchant_id)
    return path.replace("{claimed_reward_id}", number).replace("{reward_id}", number)


def all_attacks(shop: Shop, *, seed: int) -> list[Attack]:
    """The whole fixed corpus, shuffled by the seed, so that a part of it has something of everything."""
    found = [
        *on_bodies(shop), *on_hooks(shop), *on_paths(shop), *on_queries(shop), *on_headers(shop),
        *on_reads(shop),
    ]  # fmt: skip
    random.Random(seed).shuffle(found)
    return [*on_access(shop), *found]


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
                target = filled(route.path, text)
                yield Attack(f"{route.method} {target[:80]}", route.method, target, body, shop.bearer)
        if "_reward_id}" in route.path or "{reward_id}" in route.path:
            for text in bodies.IDS:
                target = filled(route.path, "mine-alice", text)
                yield Attack(f"{route.method} {target[:80]}", route.method, target, body, shop.bearer)
    hook = shop.call({"id": "x"})
    for text in bodies.IDS:
        if text not in (*INTEGRATIONS, *HOOKS):
            yield Attack(f"hook {text[:60]}", "POST", f"/integrations/webhooks/common/{text}", hook, {})
            target = f"/integrations/webhooks/{text}/orders-completed"
            yield Attack(f"integration {text[:60]}", "POST", target, hook, {}, server_error=True)
        yield Attack(f"nowhere {text[:60]}", "GET", f"/{text}", b"", {})
        yield Attack(f"below v2 {text[:60]}", "GET", f"/v2/{text}", b"", shop.bearer)
        yield Attack(f"docs {text[:60]}", "GET", f"/docs/{text}", b"", {})
        yield Attack(f"static {text[:60]}", "GET", f"/static/{text}", b"", {})
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


def on_access(shop: Shop) -> Iterator[Attack]:
    """Every route without a credential, and with a key that has not the scope."""
    for route in ROUTES:
        place, target = f"{route.method} {route.path}", target_of(route)
        yield Attack(f"{place} as nobody", route.method, target, good_body(route), {}, True)
        if route.scope is not None and shop.powerless:
            name = f"{place} without scope"
            yield Attack(name, route.method, target, good_body(route), shop.powerless, True)


def on_headers(shop: Shop) -> Iterator[Attack]:
    for route in ROUTES:
        place, target = f"{route.method} {route.path}", target_of(route)
        for text in bodies.AUTHORIZATIONS:
            headers = {"authorization": text}
            yield Attack(f"{place} as {text[:30]!r}", route.method, target, good_body(route), headers, True)
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
