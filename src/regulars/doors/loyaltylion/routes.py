"""The routes of this door: method, path, the scope that they need, and who answers."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import msgspec

from regulars.doors.loyaltylion import activities, customers, identity, orders, rewards, transactions
from regulars.doors.loyaltylion.request import Request
from regulars.doors.paths import Paths
from regulars.doors.wire import Answer

Endpoint: TypeAlias = Callable[[Request], Awaitable[Answer]]


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


find_route: Final = Paths(ROUTES).find
"""The route of a method and a path, and what the path caught. Raises NoRoute."""
