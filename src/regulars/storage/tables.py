"""The columns of every table that a batch writes, in the order in which rows are made."""

from regulars.storage.rows import Table

CUSTOMERS = Table(
    "customers",
    {
        "customer_id": "bigint",
        "merchant_id": "text",
        "email": "text",
        "email_key": "text",
        "first_name": "text",
        "last_name": "text",
        "birthday": "date",
        "properties": "text",
        "member_since": "timestamptz",
        "blocked": "boolean",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)
ACCOUNTS = Table(
    "accounts",
    {
        "customer_id": "bigint",
        "pending": "bigint",
        "available": "bigint",
        "spent": "bigint",
        "next_due_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)
DECISIONS = Table(
    "decisions",
    {
        "decision_id": "bigint",
        "kind": "text",
        "outcome": "text",
        "customer_id": "bigint",
        "order_id": "bigint",
        "actor": "text",
        "trace": "text",
        "recorded_at": "timestamptz",
    },
)
ORDERS = Table(
    "orders",
    {
        "order_id": "bigint",
        "site_id": "bigint",
        "merchant_id": "text",
        "merchant_number": "text",
        "customer_id": "bigint",
        "door": "text",
        "currency": "text",
        "total_minor": "bigint",
        "goods_minor": "bigint",
        "shipping_minor": "bigint",
        "tax_minor": "bigint",
        "discounts_minor": "bigint",
        "rewardable_minor": "bigint",
        "rule_version": "bigint",
        "fingerprint": "bytea",
        "payment_status": "text",
        "paid_minor": "bigint",
        "refund_status": "text",
        "refunded_minor": "bigint",
        "cancelled": "boolean",
        "status": "text",
        "rewarded_status": "boolean",
        "placed_at": "timestamptz",
        "paid_at": "timestamptz",
        "earned_at": "timestamptz",
        "lot_id": "bigint",
        "activity_id": "bigint",
        "given": "bigint",
        "taken": "bigint",
        "amended_id": "bigint",
        "details": "text",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)
LOTS = Table(
    "lots",
    {
        "lot_id": "bigint",
        "customer_id": "bigint",
        "movement_id": "bigint",
        "order_id": "bigint",
        "size": "bigint",
        "remaining": "bigint",
        "state": "text",
        "opened_at": "timestamptz",
        "approves_at": "timestamptz",
        "expires_at": "timestamptz",
    },
)
MOVEMENTS = Table(
    "movements",
    {
        "movement_id": "bigint",
        "customer_id": "bigint",
        "decision_id": "bigint",
        "from_bucket": "text",
        "to_bucket": "text",
        "points": "bigint",
        "cause": "text",
        "order_id": "bigint",
        "lot_id": "bigint",
        "undoes_id": "bigint",
        "claim_id": "bigint",
        "recorded_at": "timestamptz",
        "effective_at": "timestamptz",
        "hash": "bytea",
    },
)
LOT_USES = Table(
    "lot_uses",
    {
        "lot_use_id": "bigint",
        "lot_id": "bigint",
        "movement_id": "bigint",
        "points": "bigint",
        "decision_id": "bigint",
    },
)
MERGES = Table(
    "merges",
    {
        "decision_id": "bigint",
        "customer_id": "bigint",
        "into_id": "bigint",
        "movement_id": "bigint",
        "pending": "bigint",
        "available": "bigint",
        "spent": "bigint",
        "recorded_at": "timestamptz",
    },
)
DEFICITS = Table("deficits", {"movement_id": "bigint", "customer_id": "bigint", "points": "bigint"})
PAYMENTS = Table(
    "payments",
    {"decision_id": "bigint", "order_id": "bigint", "amount_minor": "bigint", "created_at": "timestamptz"},
)
REFUNDS = Table(
    "refunds",
    {
        "refund_id": "bigint",
        "order_id": "bigint",
        "reference": "text",
        "amount_minor": "bigint",
        "currency": "text",
        "decision_id": "bigint",
        "created_at": "timestamptz",
    },
)
EARLY = Table(
    "early_reports",
    {
        "early_id": "bigint",
        "site_id": "bigint",
        "order_merchant_id": "text",
        "reference": "text",
        "amount_minor": "bigint",
        "currency": "text",
        "decision_id": "bigint",
        "applied_by": "bigint",
        "created_at": "timestamptz",
    },
)
ACTIVITIES = Table(
    "activities",
    {
        "activity_id": "bigint",
        "customer_id": "bigint",
        "name": "text",
        "merchant_id": "text",
        "points": "bigint",
        "lot_id": "bigint",
        "note": "text",
        "properties": "text",
        "decision_id": "bigint",
        "happened_at": "timestamptz",
        "created_at": "timestamptz",
    },
)
IDENTITIES = Table(
    "identities",
    {
        "scope": "text",
        "key": "text",
        "fingerprint": "bytea",
        "decision_id": "bigint",
        "refusal": "text",
        "at": "timestamptz",
    },
)
EVENTS = Table(
    "events",
    {
        "event_id": "bigint",
        "kind": "text",
        "decision_id": "bigint",
        "customer_id": "bigint",
        "order_id": "bigint",
        "movement_id": "bigint",
        "payload": "text",
        "recorded_at": "timestamptz",
    },
)
CLAIMS = Table(
    "claimed_rewards",
    {
        "claim_id": "bigint",
        "reward_id": "bigint",
        "customer_id": "bigint",
        "site_id": "bigint",
        "kind": "text",
        "title": "text",
        "cost": "bigint",
        "currency": "text",
        "amount_minor": "bigint",
        "percent": "integer",
        "max_shipping_minor": "bigint",
        "product": "text",
        "minimum_order_minor": "bigint",
        "instructions": "text",
        "code": "text",
        "code_key": "text",
        "state": "text",
        "claimed_at": "timestamptz",
        "expires_at": "timestamptz",
        "used_at": "timestamptz",
        "order_id": "bigint",
        "fulfilled_at": "timestamptz",
        "movement_id": "bigint",
        "returned_id": "bigint",
        "decision_id": "bigint",
        "updated_at": "timestamptz",
    },
)
CODES = Table(
    "codes",
    {
        "code_key": "text",
        "code": "text",
        "reward_id": "bigint",
        "source": "text",
        "state": "text",
        "slot": "double precision",
        "claim_id": "bigint",
        "created_at": "timestamptz",
    },
)
STOCKS = Table(
    "reward_stocks",
    {
        "reward_id": "bigint",
        "claimed": "bigint",
        "codes_imported": "bigint",
        "codes_generated": "bigint",
        "codes_free": "bigint",
        "codes_handed": "bigint",
        "codes_void": "bigint",
    },
)
