-- The tables of the work that throughput is compared with: a small shop, 100,000 customers, a ledger, an outbox.
DROP TABLE IF EXISTS outbox, ledger, orders, customers, rules CASCADE;
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id int NOT NULL,
    ext_id text NOT NULL,
    email text,
    balance bigint NOT NULL DEFAULT 0,
    orders_count int NOT NULL DEFAULT 0,
    spent_cents bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (shop_id, ext_id)
) WITH (fillfactor = 80);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id int NOT NULL,
    ext_id text NOT NULL,
    customer_id bigint NOT NULL,
    total_cents bigint NOT NULL,
    currency text NOT NULL,
    items jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (shop_id, ext_id)
);
CREATE TABLE ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    order_id bigint,
    points bigint NOT NULL,
    balance_after bigint,
    kind text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ledger_customer ON ledger (customer_id, id);
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id int NOT NULL,
    topic text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE rules (
    id int PRIMARY KEY,
    shop_id int NOT NULL,
    kind text NOT NULL,
    min_cents bigint NOT NULL,
    points_per_100 bigint NOT NULL,
    active bool NOT NULL
);
CREATE INDEX rules_shop ON rules (shop_id);
INSERT INTO rules SELECT s * 3 + k, s, 'order', k * 5000, k + 1, true
  FROM generate_series(1, 10) s, generate_series(0, 2) k;
INSERT INTO customers (shop_id, ext_id, email, balance)
SELECT 1, 'c' || g, 'c' || g || '@example.com', 1000 FROM generate_series(1, 100000) g;
