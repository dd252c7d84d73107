"""The routes of this door: method, path, the scope that they need, and who answers.

A router of our own: ids such as `gid://shopify/Customer/1` come with their slashes percent-encoded, so a path
has to be split before it is decoded.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec

from regulars.doors.loyaltylion import activities, customers, identity, orders, rewards, transactions
from regulars.doors.loyaltylion.answers import Answer
from regulars.doors.loyaltylion.request import Request

Endpoint: TypeAlias = Callable[[Request], Awaitable[Answer]]

LONGEST_ID: Final = 255


class Route(msgspec.Struct, frozen=True):
    """`malformed_status`: what a body that can't be read is answered with. Source: loyaltylion.md §10."""

    method: str
    path: str
    scope: str | None
    endpoint: Endpoint
    malformed_status: int = 400


ROUTES: Final = (
    Route("POST", "/v2/orders", "write_orders", orders.create_order, 422),
    Route("GET", "/v2/orders", "read_orders", orders.get_orders),
    Route("GET", "/v2/orders/{merchant_id}", "read_orders", orders.get_order),
    Route("PUT", "/v2/orders/{merchant_id}", "write_orders", orders.update_order, 422),
    Route("PUT", "/v2/orders/{merchant_id}/paid", "write_orders", orders.mark_paid, 422),
    Route("PUT", "/v2/orders/{merchant_id}/cancelled", "write_orders", orders.mark_cancelled, 422),
    Route("PUT", "/v2/orders/{merchant_id}/refunded", "write_orders", orders.mark_refunded, 422),
    Route("POST", "/v2/orders/{merchant_id}/payments", "write_orders", orders.add_payment, 422),
    Route("POST", "/v2/orders/{merchant_id}/refunds", "write_orders", orders.add_refund, 422),
    Route("GET", "/v2/customers", "read_customers", customers.get_customers),
    Route("PATCH", "/v2/customers/{merchant_id}", "write_customers", customers.patch_customer),
    Route("POST", "/v2/customers/{merchant_id}/points", "write_customers", customers.add_points),
    Route("POST", "/v2/customers/{merchant_id}/remove_points", "write_customers", customers.remove_points),
    Route(
        "GET",
        "/v2/customers/{merchant_id}/transactions",
        "read_customers",
        transactions.get_customer_transactions,
    ),
    Route(
        "GET",
        "/v2/customers/{merchant_id}/available_rewards",
        "read_customers",
        rewards.get_available_rewards,
    ),
    Route("POST", "/v2/customers/{merchant_id}/claimed_rewards", "write_customers", rewards.claim_reward),
    Route(
        "POST",
        "/v2/customers/{merchant_id}/claimed_rewards/{claimed_reward_id}/refund",
        "write_customers",
        rewards.refund_claim,
    ),
    Route("POST", "/v2/rewards/{reward_id}/enable", "write_configuration", rewards.enable_reward),
    Route("POST", "/v2/rewards/{reward_id}/disable", "write_configuration", rewards.disable_reward),
    Route("GET", "/v2/transactions", "read_customers", transactions.get_transactions),
    Route("GET", "/v2/activities", "read_customers", activities.get_activities),
    Route("POST", "/v2/activities", "write_customers", activities.create_activity),
    Route("GET", "/v2/identity/whoami", None, identity.whoami),
    Route("GET", "/v2/sites", None, identity.get_sites),
)


class NoRoute(Exception):
    """Nothing is at this path; or, with `allowed`, only these methods are."""

    def __init__(self, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(allowed)
        self.allowed = allowed


def _tree() -> dict[tuple[str | None, ...], dict[str, Route]]:
    """The routes by the parts of their path, with None where an id stands: no part of a request is None."""
    tree: dict[tuple[str | None, ...], dict[str, Route]] = {}
    for route in ROUTES:
        parts = route.path.split("/")[1:]
        key = tuple(None if part.startswith("{") else part for part in parts)
        tree.setdefault(key, {})[route.method] = route
    return tree


_TREE: Final = _tree()


def find_route(method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
    """The route of a request and what its path caught. HEAD is answered where GET is. Raises NoRoute."""
    parts = tuple(raw_path.decode("latin-1").removesuffix("/").split("/")[1:])
    by_method, caught = _match(parts)
    route = by_method.get("GET" if method == "HEAD" else method)
    if route is None:
        allowed = set(by_method) | ({"HEAD"} if "GET" in by_method else set())
        raise NoRoute(tuple(sorted(allowed)))
    return route, caught


def _match(parts: tuple[str, ...]) -> tuple[dict[str, Route], dict[str, str]]:
    if (exact := _TREE.get(parts)) is not None:
        return exact, {}
    if len(parts) > 2 and (found := _TREE.get((*parts[:2], None, *parts[3:]))) is not None:
        return found, {"reward_id" if parts[1] == "rewards" else "merchant_id": _decoded(parts[2])}
    if len(parts) == 6 and (found := _TREE.get((*parts[:2], None, parts[3], None, parts[5]))) is not None:
        return found, {"merchant_id": _decoded(parts[2]), "claimed_reward_id": _decoded(parts[4])}
    raise NoRoute


def _decoded(part: str) -> str:
    """An id from a path. Nothing is stored under one that is empty, too long or no text."""
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise NoRoute from None
    if not text or len(text) > LONGEST_ID or "\x00" in text:
        raise NoRoute
    return text
