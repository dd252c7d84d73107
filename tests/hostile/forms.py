"""A good body for every route of both doors, and what of it is to be replaced by what."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tests.hostile import bodies
from tests.hostile.world import an_order

OPTIONAL: Final = frozenset(bodies.VALUES) - {"null"}
KINDS: Final[Mapping[str, frozenset[str]]] = {
    "money": bodies.NEVER_MONEY,
    "money sent": bodies.NEVER_MONEY | {"null"},
    "points": bodies.NEVER_POINTS,
    "count": frozenset(bodies.VALUES) - {"null"},
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
        an_order("hostile-@", "mine-alice", discount_codes=[{"code": "T", "amount": "1"}],
        claimed_reward_ids=[1]),
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
    ("POST", "/v2/customers/{merchant_id}/claimed_rewards"): Form(
        {"reward_id": 1, "multiplier": 1}, ((("reward_id",), "word"), (("multiplier",), "count"))
    ),
    ("POST", "/v2/activities"): Form(
        {"name": "$signup", "customer_id": "c-@", "customer_email": "c@example.com",
        "properties": {"a": "b"}},
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
    [
        *(("PUT", f"/v2/orders/{{merchant_id}}/{word}") for word in ("paid", "cancelled", "refunded")),
        ("POST", "/v2/customers/{merchant_id}/claimed_rewards/{claimed_reward_id}/refund"),
        *(("POST", f"/v2/rewards/{{reward_id}}/{word}") for word in ("enable", "disable")),
    ]
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
        "products": [{"product_id": 1, "product_name": "Tea", "quantity": 1,
        "categories": [{"category_id": 2}]}],
        "ip_address": "127.0.0.1",
        "customer": {
            "id": "mine-alice", "email": "a@example.com", "first_name": "A", "last_name": "L",
            "birthday": "1990-01-01", "default_address": {"zip": "1", "country": "GB"},
        },
    },
    (
        (("id",), "text"),
        *(((name,), "money sent") for name in ("total_price", "total_tax", "total_discounts",
        "subtotal_price")),
        *(
            (path, "text")
            for path in (
                ("taxes_included",), ("discount_codes",), ("discount_codes", 0), ("discount_codes", 0,
                "code"),
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
LOOTLY_REDEMPTION: Final = Form(
    {"customer_email": "alice@mine.example", "reward_id": 1, "points": 1, "t": "t-@"},
    (
        *((("customer_email",), "word"), (("customer_id",), "text"), (("reward_id",), "word")),
        (("points",), "count"),
    ),
)
LOOTLY_ID: Final = Form({"id": "gone-@"}, ((("id",), "text"),))
UNREAD: Final = Form({"unheard_of": 1}, ((("unheard_of",), "free"),))
HOOK_FORMS: Final[dict[str, Form]] = {
    **dict.fromkeys(
        ("orders-completed", "orders-processing", "orders-paid", "orders-fulfilled"), LOOTLY_ORDER
    ),
    **dict.fromkeys(("orders-cancelled", "orders-closed"), LOOTLY_ID),
    **dict.fromkeys(("points-add", "points-subtract"), LOOTLY_POINTS),
    **dict.fromkeys(("key-verify", "rewards-list", "custom-action"), UNREAD),
    "refunds-create": LOOTLY_REFUND,
    "redeem-reward": LOOTLY_REDEMPTION,
    "customers-create": LOOTLY_CUSTOMER,
    "customer": Form({"customer_id": "mine-alice"}, ((("customer_id",), "text"),)),
    "app-installed": Form(
        {"shop_url": "https://a.example", "api_endpoint": "https://b.example"},
        ((("shop_url",), "text"), (("api_endpoint",), "text")),
    ),
}
