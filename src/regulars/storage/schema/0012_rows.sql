-- A batch's rows come as one array a table, of rows of these types: the columns after program_id that `storage/tables.py`
-- names, in its order. An array a column costs an eighth more of Python's and PostgreSQL's time for each order.

CREATE TYPE customers_row AS (
    customer_id bigint,
    merchant_id text,
    email text,
    email_key text,
    first_name text,
    last_name text,
    birthday date,
    properties text,
    member_since timestamptz,
    blocked boolean,
    created_at timestamptz,
    updated_at timestamptz
);

CREATE TYPE accounts_row AS (
    customer_id bigint,
    pending bigint,
    available bigint,
    spent bigint,
    next_due_at timestamptz,
    updated_at timestamptz
);

CREATE TYPE decisions_row AS (
    decision_id bigint,
    kind text,
    outcome text,
    customer_id bigint,
    order_id bigint,
    actor text,
    trace text,
    recorded_at timestamptz
);

CREATE TYPE orders_row AS (
    order_id bigint,
    site_id bigint,
    merchant_id text,
    merchant_number text,
    customer_id bigint,
    door text,
    currency text,
    total_minor bigint,
    goods_minor bigint,
    shipping_minor bigint,
    tax_minor bigint,
    discounts_minor bigint,
    rewardable_minor bigint,
    rule_version bigint,
    fingerprint bytea,
    payment_status text,
    paid_minor bigint,
    refund_status text,
    refunded_minor bigint,
    cancelled boolean,
    status text,
    rewarded_status boolean,
    placed_at timestamptz,
    paid_at timestamptz,
    earned_at timestamptz,
    lot_id bigint,
    activity_id bigint,
    given bigint,
    taken bigint,
    amended_id bigint,
    details text,
    created_at timestamptz,
    updated_at timestamptz
);

CREATE TYPE lots_row AS (
    lot_id bigint,
    customer_id bigint,
    movement_id bigint,
    order_id bigint,
    size bigint,
    remaining bigint,
    state text,
    opened_at timestamptz,
    approves_at timestamptz,
    expires_at timestamptz
);

CREATE TYPE movements_row AS (
    movement_id bigint,
    customer_id bigint,
    decision_id bigint,
    from_bucket text,
    to_bucket text,
    points bigint,
    cause text,
    order_id bigint,
    lot_id bigint,
    undoes_id bigint,
    claim_id bigint,
    recorded_at timestamptz,
    effective_at timestamptz,
    hash bytea
);

CREATE TYPE lot_uses_row AS (
    lot_use_id bigint,
    lot_id bigint,
    movement_id bigint,
    points bigint,
    decision_id bigint
);

CREATE TYPE merges_row AS (
    decision_id bigint,
    customer_id bigint,
    into_id bigint,
    movement_id bigint,
    pending bigint,
    available bigint,
    spent bigint,
    recorded_at timestamptz
);

CREATE TYPE deficits_row AS (
    movement_id bigint,
    customer_id bigint,
    points bigint
);

CREATE TYPE payments_row AS (
    decision_id bigint,
    order_id bigint,
    amount_minor bigint,
    created_at timestamptz
);

CREATE TYPE refunds_row AS (
    refund_id bigint,
    order_id bigint,
    reference text,
    amount_minor bigint,
    currency text,
    decision_id bigint,
    created_at timestamptz
);

CREATE TYPE early_reports_row AS (
    early_id bigint,
    site_id bigint,
    order_merchant_id text,
    reference text,
    amount_minor bigint,
    currency text,
    decision_id bigint,
    applied_by bigint,
    created_at timestamptz
);

CREATE TYPE activities_row AS (
    activity_id bigint,
    customer_id bigint,
    name text,
    merchant_id text,
    points bigint,
    lot_id bigint,
    note text,
    properties text,
    decision_id bigint,
    happened_at timestamptz,
    created_at timestamptz
);

CREATE TYPE identities_row AS (
    scope text,
    key text,
    fingerprint bytea,
    decision_id bigint,
    refusal text,
    at timestamptz
);

CREATE TYPE events_row AS (
    event_id bigint,
    kind text,
    decision_id bigint,
    customer_id bigint,
    order_id bigint,
    movement_id bigint,
    payload text,
    recorded_at timestamptz
);

CREATE TYPE claimed_rewards_row AS (
    claim_id bigint,
    reward_id bigint,
    customer_id bigint,
    site_id bigint,
    kind text,
    title text,
    cost bigint,
    currency text,
    amount_minor bigint,
    percent integer,
    max_shipping_minor bigint,
    product text,
    minimum_order_minor bigint,
    instructions text,
    code text,
    code_key text,
    state text,
    claimed_at timestamptz,
    expires_at timestamptz,
    used_at timestamptz,
    order_id bigint,
    fulfilled_at timestamptz,
    movement_id bigint,
    returned_id bigint,
    decision_id bigint,
    updated_at timestamptz
);

CREATE TYPE codes_row AS (
    code_key text,
    code text,
    reward_id bigint,
    source text,
    state text,
    slot double precision,
    claim_id bigint,
    created_at timestamptz
);

CREATE TYPE reward_stocks_row AS (
    reward_id bigint,
    claimed bigint,
    codes_imported bigint,
    codes_generated bigint,
    codes_free bigint,
    codes_handed bigint,
    codes_void bigint
);

CREATE TYPE deliveries_row AS (
    credential_id bigint,
    integration text,
    hook text,
    body bytea,
    status smallint,
    outcome text,
    problem boolean,
    subject text,
    message text,
    details text,
    decision_id bigint,
    received_at timestamptz
);
