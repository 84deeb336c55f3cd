-- Copyright: (c) 2026, runbook.release contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The exchange's database: users, wallets, orders and a ledger, with data that compresses like real data (about 2.6 to 1).
--   psql -v ON_ERROR_STOP=1 -v orders=2000000 -f exchange.sql      about 1.1 GB; 2000 orders are about 1 MB

CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TYPE order_state AS ENUM ('open', 'filled', 'cancelled');
CREATE DOMAIN currency AS varchar(8) CHECK (value = upper(value));

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    full_name text NOT NULL,
    profile jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE wallets (
    id bigserial PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    currency currency NOT NULL,
    balance numeric(24, 8) NOT NULL DEFAULT 0 CHECK (balance >= 0),
    UNIQUE (user_id, currency)
);
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    market text NOT NULL,
    side "char" NOT NULL,
    state order_state NOT NULL,
    price numeric(18, 8) NOT NULL,
    amount numeric(18, 8) NOT NULL,
    total numeric GENERATED ALWAYS AS (price * amount) STORED,
    details jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE ledger (
    id bigserial PRIMARY KEY,
    wallet_id bigint NOT NULL REFERENCES wallets,
    order_id uuid NOT NULL REFERENCES orders,
    delta numeric(24, 8) NOT NULL,
    memo text,
    at timestamptz NOT NULL
);
CREATE TABLE audit (at timestamptz NOT NULL, who text NOT NULL, what text[] NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE audit_2026 PARTITION OF audit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE audit_later PARTITION OF audit DEFAULT;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.profile := NEW.profile || '{"touched": true}'; RETURN NEW; END $$;

SELECT setseed(0.42);
INSERT INTO users
SELECT md5('user' || n)::uuid, 'user' || n || '@example.com', initcap(substr(md5(n::text), 1, 6)) || ' ' || initcap(substr(md5(n::text), 9, 9)),
    jsonb_build_object('country', (ARRAY['DE', 'FR', 'SG', 'US', 'BR'])[1 + n % 5], 'level', n % 4, 'referrer', md5(n::text)), '2026-01-01'::timestamptz + n * interval '1 second'
FROM generate_series(1, greatest(:orders / 10, 10)) n;
INSERT INTO wallets (user_id, currency, balance)
SELECT id, c, round((random() * 10000)::numeric, 8) FROM users, unnest(ARRAY['BTC', 'ETH', 'USDT']) c;
INSERT INTO orders (id, user_id, market, side, state, price, amount, details, created_at)
SELECT md5('order' || n)::uuid, md5('user' || 1 + n % greatest(:orders / 10, 10))::uuid, (ARRAY['BTC-USDT', 'ETH-USDT', 'ETH-BTC'])[1 + n % 3],
    (ARRAY['b', 's'])[1 + n % 2]::"char", (ARRAY['open', 'filled', 'filled', 'cancelled'])[1 + n % 4]::order_state,
    round((100 + random() * 60000)::numeric, 2), round((random() * 5)::numeric, 6),
    jsonb_build_object('client', (ARRAY['web', 'ios', 'android', 'api'])[1 + n % 4], 'ip', '10.' || n % 250 || '.' || (n / 250) % 250 || '.7', 'request', md5('r' || n)),
    '2026-03-01'::timestamptz + n * interval '1.3 second'
FROM generate_series(1, :orders) n;
INSERT INTO ledger (wallet_id, order_id, delta, memo, at)
SELECT 1 + n % (3 * greatest(:orders / 10, 10)), md5('order' || 1 + n % :orders)::uuid, round((random() * 200 - 100)::numeric, 8),
    CASE WHEN n % 3 = 0 THEN 'fee of order ' || n ELSE 'settlement of order ' || n || ' at the price of the book' END, '2026-03-01'::timestamptz + n * interval '0.7 second'
FROM generate_series(1, 2 * :orders) n;
INSERT INTO audit SELECT '2025-12-01'::timestamptz + n * interval '1 hour', 'operator' || n % 7, ARRAY['login', md5(n::text)] FROM generate_series(1, greatest(:orders / 100, 1000)) n;

CREATE INDEX orders_user ON orders (user_id);
CREATE INDEX orders_created ON orders (created_at);
CREATE INDEX orders_open ON orders (market, price) WHERE state = 'open';
CREATE INDEX ledger_wallet ON ledger (wallet_id, at);
CREATE INDEX ledger_order ON ledger (order_id);
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW open_orders AS SELECT market, side, count(*) AS orders, sum(amount) AS amount FROM orders WHERE state = 'open' GROUP BY market, side;
CREATE MATERIALIZED VIEW volumes AS SELECT market, date_trunc('day', created_at) AS day, sum(total) AS volume FROM orders WHERE state = 'filled' GROUP BY 1, 2;
SELECT lo_from_bytea(0, 'terms of service');
ANALYZE;
