-- The first tables: programs and their credentials, customers and accounts, orders, the book, what is remembered and told.
-- Money is bigint minor units with its currency, points are bigint, times are UTC. program_id leads every key, the look-up
-- of credentials apart, so the tables can be spread by program. The tables that every order writes refer to others by few
-- foreign keys (they cost more than the rows): `regulars verify` checks the rest.

CREATE TABLE programs (
    program_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    test_mode boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);

-- The head row: a program's counters, configuration version, last time and chain hash. It is the only lock.
CREATE TABLE heads (
    program_id bigint PRIMARY KEY REFERENCES programs,
    version bigint NOT NULL CHECK (version > 0),
    clock_offset_seconds bigint NOT NULL DEFAULT 0 CHECK (clock_offset_seconds >= 0),
    last_at timestamptz NOT NULL,
    chain bytea NOT NULL CHECK (length(chain) = 32),
    customer bigint NOT NULL DEFAULT 0,
    "order" bigint NOT NULL DEFAULT 0,
    decision bigint NOT NULL DEFAULT 0,
    movement bigint NOT NULL DEFAULT 0,
    lot bigint NOT NULL DEFAULT 0,
    lot_use bigint NOT NULL DEFAULT 0,
    event bigint NOT NULL DEFAULT 0,
    activity bigint NOT NULL DEFAULT 0,
    refund bigint NOT NULL DEFAULT 0,
    early bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

-- Every version of a program's rules, for good: an order points at the one that it was recorded under.
CREATE TABLE program_versions (
    program_id bigint NOT NULL REFERENCES programs,
    version bigint NOT NULL CHECK (version > 0),
    rules text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, version)
);

CREATE TABLE sites (
    program_id bigint NOT NULL REFERENCES programs,
    site_id bigint NOT NULL,
    name text NOT NULL,
    domain text NOT NULL CHECK (domain ~ '^https?://[^/]+$'),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    language text NOT NULL DEFAULT 'en',
    platform text NOT NULL DEFAULT 'custom',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, site_id)
);

-- What a caller shows: an API key, a site's token and secret, or an integration's key. `lookup` is what is found by.
CREATE TABLE credentials (
    lookup text PRIMARY KEY,
    program_id bigint NOT NULL REFERENCES programs,
    site_id bigint,
    credential_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('api_key', 'site', 'lootly')),
    name text NOT NULL,
    scopes text[] NOT NULL DEFAULT '{}',
    secret bytea,
    settings text NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    UNIQUE (program_id, credential_id),
    FOREIGN KEY (program_id, site_id) REFERENCES sites,
    CHECK ((kind = 'api_key') = (secret IS NULL)),
    CHECK ((kind = 'api_key') = (site_id IS NULL))
);

CREATE TABLE customers (
    program_id bigint NOT NULL REFERENCES programs,
    customer_id bigint NOT NULL CHECK (customer_id > 0),
    merchant_id text CHECK (merchant_id <> ''),
    email text,
    email_key text,
    first_name text,
    last_name text,
    birthday date,
    properties text NOT NULL DEFAULT '{}',
    member_since timestamptz,
    blocked boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, customer_id),
    CHECK (merchant_id IS NOT NULL OR email_key IS NOT NULL)
);
CREATE UNIQUE INDEX customers_merchant_id ON customers (program_id, merchant_id) WHERE merchant_id IS NOT NULL;
CREATE UNIQUE INDEX customers_guest ON customers (program_id, email_key) WHERE merchant_id IS NULL;
CREATE INDEX customers_email ON customers (program_id, email_key, customer_id) WHERE email_key IS NOT NULL;
CREATE INDEX customers_created ON customers (program_id, created_at, customer_id);

-- A customer's points. Balances are a convenience that `regulars verify` recomputes. `updated_at` is the latest change of
-- the points or of the customer.
CREATE TABLE accounts (
    program_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    pending bigint NOT NULL CHECK (pending >= 0),
    available bigint NOT NULL,
    spent bigint NOT NULL CHECK (spent >= 0),
    next_due_at timestamptz,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, customer_id),
    FOREIGN KEY (program_id, customer_id) REFERENCES customers
) WITH (fillfactor = 80);
CREATE INDEX accounts_due ON accounts (program_id, next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX accounts_updated ON accounts (program_id, updated_at, customer_id);

CREATE TABLE decisions (
    program_id bigint NOT NULL,
    decision_id bigint NOT NULL CHECK (decision_id > 0),
    kind text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'unchanged', 'repeated', 'differs', 'waiting', 'refused')),
    customer_id bigint,
    order_id bigint,
    actor text,
    trace text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, decision_id)
);
CREATE INDEX decisions_customer ON decisions (program_id, customer_id, decision_id);

CREATE TABLE orders (
    program_id bigint NOT NULL,
    order_id bigint NOT NULL CHECK (order_id > 0),
    site_id bigint NOT NULL,
    merchant_id text NOT NULL CHECK (merchant_id <> ''),
    merchant_number text,
    customer_id bigint NOT NULL,
    door text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    goods_minor bigint NOT NULL CHECK (goods_minor >= 0),
    shipping_minor bigint NOT NULL CHECK (shipping_minor >= 0),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    discounts_minor bigint NOT NULL CHECK (discounts_minor >= 0),
    rewardable_minor bigint NOT NULL CHECK (rewardable_minor >= 0),
    rule_version bigint NOT NULL,
    fingerprint bytea NOT NULL,
    payment_status text NOT NULL CHECK (payment_status IN ('not_paid', 'partially_paid', 'paid')),
    paid_minor bigint NOT NULL CHECK (paid_minor BETWEEN 0 AND total_minor),
    refund_status text NOT NULL CHECK (refund_status IN ('not_refunded', 'partially_refunded', 'refunded')),
    refunded_minor bigint NOT NULL CHECK (refunded_minor BETWEEN 0 AND paid_minor),
    cancelled boolean NOT NULL,
    status text,
    rewarded_status boolean NOT NULL,
    placed_at timestamptz NOT NULL,
    paid_at timestamptz,
    earned_at timestamptz,
    lot_id bigint,
    activity_id bigint,
    given bigint NOT NULL CHECK (given >= 0),
    taken bigint NOT NULL CHECK (taken BETWEEN 0 AND given),
    details text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, order_id),
    UNIQUE (program_id, site_id, merchant_id),
    FOREIGN KEY (program_id, customer_id) REFERENCES customers,
    CHECK ((given > 0) = (lot_id IS NOT NULL)),
    CHECK ((given > 0) = (activity_id IS NOT NULL))
) WITH (fillfactor = 90);
CREATE INDEX orders_customer ON orders (program_id, customer_id, order_id);
CREATE INDEX orders_created ON orders (program_id, created_at, order_id);
CREATE INDEX orders_updated ON orders (program_id, updated_at, order_id);
CREATE UNIQUE INDEX orders_activity ON orders (program_id, activity_id) WHERE activity_id IS NOT NULL;

CREATE TABLE lots (
    program_id bigint NOT NULL,
    lot_id bigint NOT NULL CHECK (lot_id > 0),
    customer_id bigint NOT NULL,
    movement_id bigint NOT NULL,
    order_id bigint,
    size bigint NOT NULL CHECK (size > 0),
    remaining bigint NOT NULL CHECK (remaining BETWEEN 0 AND size),
    state text NOT NULL CHECK (state IN ('pending', 'available')),
    opened_at timestamptz NOT NULL,
    approves_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (program_id, lot_id),
    CHECK (state <> 'pending' OR approves_at IS NOT NULL)
) WITH (fillfactor = 90);
CREATE INDEX lots_open ON lots (program_id, customer_id) WHERE remaining > 0;

-- The book. Rows are never changed or deleted; `hash` chains each to the one before.
CREATE TABLE movements (
    program_id bigint NOT NULL,
    movement_id bigint NOT NULL CHECK (movement_id > 0),
    customer_id bigint NOT NULL,
    decision_id bigint NOT NULL,
    from_bucket text NOT NULL,
    to_bucket text NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    cause text NOT NULL CHECK (cause IN
        ('purchase', 'join', 'approval', 'adjustment', 'refund', 'cancel', 'unpaid', 'restored')),
    order_id bigint,
    lot_id bigint,
    undoes_id bigint,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (program_id, movement_id),
    CHECK ((from_bucket, to_bucket) IN (
        ('issued', 'pending'), ('issued', 'available'), ('pending', 'available'), ('pending', 'reversed'),
        ('available', 'reversed'), ('reversed', 'pending'), ('reversed', 'available'), ('available', 'redeemed'),
        ('redeemed', 'available'), ('available', 'expired'), ('available', 'adjusted'))),
    CHECK ((cause = 'restored') = (undoes_id IS NOT NULL)),
    CHECK (from_bucket <> 'issued' OR lot_id IS NOT NULL),
    CHECK (cause NOT IN ('purchase', 'refund', 'cancel', 'unpaid', 'restored') OR order_id IS NOT NULL)
);
CREATE INDEX movements_customer ON movements (program_id, customer_id, movement_id);
CREATE INDEX movements_taking ON movements (program_id, order_id)
    WHERE to_bucket = 'reversed' OR undoes_id IS NOT NULL;

CREATE TABLE lot_uses (
    program_id bigint NOT NULL,
    lot_use_id bigint NOT NULL CHECK (lot_use_id > 0),
    lot_id bigint NOT NULL,
    movement_id bigint NOT NULL,
    points bigint NOT NULL CHECK (points <> 0),
    decision_id bigint NOT NULL,
    PRIMARY KEY (program_id, lot_use_id),
    FOREIGN KEY (program_id, lot_id) REFERENCES lots,
    FOREIGN KEY (program_id, movement_id) REFERENCES movements,
    FOREIGN KEY (program_id, decision_id) REFERENCES decisions
);
CREATE INDEX lot_uses_movement ON lot_uses (program_id, movement_id);

CREATE TABLE deficits (
    program_id bigint NOT NULL,
    movement_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    PRIMARY KEY (program_id, movement_id),
    FOREIGN KEY (program_id, movement_id) REFERENCES movements,
    FOREIGN KEY (program_id, customer_id) REFERENCES accounts
);
CREATE INDEX deficits_customer ON deficits (program_id, customer_id);

CREATE TABLE payments (
    program_id bigint NOT NULL,
    decision_id bigint NOT NULL,
    order_id bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, decision_id),
    FOREIGN KEY (program_id, order_id) REFERENCES orders
);
CREATE INDEX payments_order ON payments (program_id, order_id);

CREATE TABLE refunds (
    program_id bigint NOT NULL,
    refund_id bigint NOT NULL CHECK (refund_id > 0),
    order_id bigint NOT NULL,
    reference text,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL,
    decision_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, refund_id),
    FOREIGN KEY (program_id, order_id) REFERENCES orders
);
CREATE INDEX refunds_order ON refunds (program_id, order_id);
CREATE UNIQUE INDEX refunds_reference ON refunds (program_id, order_id, reference) WHERE reference IS NOT NULL;

-- Refunds (with an amount) and cancels (without) that came before their order.
CREATE TABLE early_reports (
    program_id bigint NOT NULL,
    early_id bigint NOT NULL CHECK (early_id > 0),
    site_id bigint NOT NULL,
    order_merchant_id text NOT NULL,
    reference text,
    amount_minor bigint CHECK (amount_minor >= 0),
    currency text,
    decision_id bigint NOT NULL,
    applied_by bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, early_id),
    FOREIGN KEY (program_id, site_id) REFERENCES sites
);
CREATE INDEX early_reports_waiting ON early_reports (program_id, site_id, order_merchant_id) WHERE applied_by IS NULL;

-- What customers did besides orders. Ids come from the same counter as orders.activity_id.
CREATE TABLE activities (
    program_id bigint NOT NULL,
    activity_id bigint NOT NULL CHECK (activity_id > 0),
    customer_id bigint NOT NULL,
    name text NOT NULL,
    merchant_id text,
    points bigint NOT NULL,
    lot_id bigint,
    note text,
    properties text NOT NULL DEFAULT '{}',
    decision_id bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, activity_id),
    FOREIGN KEY (program_id, customer_id) REFERENCES customers,
    FOREIGN KEY (program_id, decision_id) REFERENCES decisions,
    FOREIGN KEY (program_id, lot_id) REFERENCES lots
);
CREATE UNIQUE INDEX activities_merchant_id ON activities (program_id, name, merchant_id) WHERE merchant_id IS NOT NULL;
CREATE INDEX activities_decision ON activities (program_id, decision_id);

-- What makes a repeated call recognisable: an Idempotency-Key, or a signed body for a while.
CREATE TABLE identities (
    program_id bigint NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    decision_id bigint,
    refusal text,
    at timestamptz NOT NULL,
    PRIMARY KEY (program_id, scope, key),
    CHECK (decision_id IS NULL OR refusal IS NULL)
);

-- The outbox: one event for each change, in commit order.
CREATE TABLE events (
    program_id bigint NOT NULL,
    event_id bigint NOT NULL CHECK (event_id > 0),
    kind text NOT NULL,
    decision_id bigint NOT NULL,
    customer_id bigint,
    order_id bigint,
    movement_id bigint,
    payload text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, event_id)
);

-- What came in at the Lootly door, what was done and why. Pruned by age.
CREATE TABLE deliveries (
    program_id bigint NOT NULL,
    delivery_id bigint GENERATED ALWAYS AS IDENTITY,
    credential_id bigint NOT NULL,
    integration text NOT NULL,
    hook text NOT NULL,
    body bytea NOT NULL,
    status smallint NOT NULL,
    outcome text NOT NULL,
    problem boolean NOT NULL,
    subject text,
    message text,
    details text NOT NULL DEFAULT '{}',
    decision_id bigint,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, delivery_id)
);
CREATE INDEX deliveries_received ON deliveries (program_id, received_at);
