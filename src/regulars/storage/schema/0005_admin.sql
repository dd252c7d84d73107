-- What the admin looks at: customers found by any part of their name, figures by day, saved views, and who was erased.

-- Three letters anywhere in a customer's id, e-mail or name find the customer where the server has pg_trgm and
-- btree_gin (PostgreSQL's own contrib modules, which an owner of the database may create); where it has not, words are
-- found by how they begin. See docs/decisions/0014.
DO $$
BEGIN
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE EXTENSION IF NOT EXISTS btree_gin;
    EXCEPTION WHEN feature_not_supported OR undefined_file OR insufficient_privilege THEN
        CREATE INDEX customers_begins_id ON customers (program_id, lower(merchant_id) text_pattern_ops);
        CREATE INDEX customers_begins_email ON customers (program_id, lower(email) text_pattern_ops);
        CREATE INDEX customers_begins_first ON customers (program_id, lower(first_name) text_pattern_ops);
        CREATE INDEX customers_begins_last ON customers (program_id, lower(last_name) text_pattern_ops);
        RETURN;
    END;
    CREATE INDEX customers_text ON customers USING gin (program_id, (lower(
        ' ' || coalesce(merchant_id, '') || ' ' || coalesce(email, '') || ' ' || coalesce(first_name, '') || ' '
        || coalesce(last_name, ''))) gin_trgm_ops) WITH (gin_pending_list_limit = 512);
END
$$;

-- Filters that few customers pass, so that nobody walks past a million others to find them.
CREATE INDEX customers_blocked ON customers (program_id, customer_id) WHERE blocked;
CREATE INDEX customers_guests ON customers (program_id, customer_id) WHERE member_since IS NULL;
CREATE INDEX customers_joined ON customers (program_id, member_since, customer_id) WHERE member_since IS NOT NULL;
CREATE INDEX customers_birthday ON customers (program_id, extract(month FROM birthday), customer_id)
    WHERE birthday IS NOT NULL;
CREATE INDEX accounts_debt ON accounts (program_id, customer_id) WHERE available < 0;
CREATE INDEX orders_placed ON orders (program_id, placed_at, customer_id);
CREATE INDEX deliveries_decision ON deliveries (program_id, decision_id) WHERE decision_id IS NOT NULL;

CREATE TABLE customer_views (
    program_id bigint NOT NULL REFERENCES programs,
    view_id bigint NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    filter text NOT NULL,
    made_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, view_id),
    UNIQUE (program_id, name)
);

-- How far the tables below follow the book. A day is one of `timezone`; another zone makes them all anew.
CREATE TABLE figures (
    program_id bigint PRIMARY KEY REFERENCES programs,
    timezone text NOT NULL,
    decision bigint NOT NULL,
    movement bigint NOT NULL,
    changed_at timestamptz NOT NULL
);

-- The book's sums by day, once by when movements were recorded and once by when they took effect.
CREATE TABLE daily_points (
    program_id bigint NOT NULL REFERENCES programs,
    basis text NOT NULL CHECK (basis IN ('recorded', 'effective')),
    day date NOT NULL,
    from_bucket text NOT NULL,
    to_bucket text NOT NULL,
    cause text NOT NULL,
    points bigint NOT NULL,
    movements bigint NOT NULL,
    PRIMARY KEY (program_id, basis, day, from_bucket, to_bucket, cause)
);

-- Orders by the day on which they were placed, in the currency that they were placed in. Revenue is what was paid of what
-- had to be, less refunds, of orders that stand.
CREATE TABLE daily_orders (
    program_id bigint NOT NULL REFERENCES programs,
    day date NOT NULL,
    currency text NOT NULL,
    orders bigint NOT NULL,
    revenue_minor numeric NOT NULL,
    member_orders bigint NOT NULL,
    member_revenue_minor numeric NOT NULL,
    code_orders bigint NOT NULL,
    code_revenue_minor numeric NOT NULL,
    PRIMARY KEY (program_id, day, currency)
);

-- Of each customer who has ordered: how often, and when last.
CREATE TABLE customer_orders (
    program_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    orders bigint NOT NULL,
    last_placed_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, customer_id)
);
CREATE INDEX customer_orders_last ON customer_orders (program_id, last_placed_at, customer_id);

CREATE TABLE daily_members (
    program_id bigint NOT NULL REFERENCES programs,
    day date NOT NULL,
    joined bigint NOT NULL,
    PRIMARY KEY (program_id, day)
);

-- What open lots held by their age, as of a moment: a million lots are not read for each look at a report.
CREATE TABLE lot_ages (
    program_id bigint NOT NULL REFERENCES programs,
    youngest_days int NOT NULL,
    as_of timestamptz NOT NULL,
    lots bigint NOT NULL,
    pending bigint NOT NULL,
    available bigint NOT NULL,
    PRIMARY KEY (program_id, youngest_days)
);

-- Who was erased, and until it is done everywhere, encrypted, what is to be looked for. `movements`: how many the
-- customer's book had, which must never become fewer.
CREATE TABLE erasures (
    program_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    replacement text NOT NULL CHECK (replacement ~ '^erased-[0-9a-f]{32}$'),
    actor text NOT NULL,
    wanted_at timestamptz NOT NULL,
    looked_for bytea,
    done_at timestamptz,
    movements bigint,
    PRIMARY KEY (program_id, customer_id),
    FOREIGN KEY (program_id, customer_id) REFERENCES customers,
    CHECK ((done_at IS NULL) = (looked_for IS NOT NULL)),
    CHECK ((done_at IS NULL) = (movements IS NULL))
);
CREATE INDEX erasures_open ON erasures (program_id, customer_id) WHERE done_at IS NULL;
