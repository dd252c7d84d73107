-- Figures that are brought up to date in several steps remember since when they were whole: whoever joined after that may
-- have changed the days of earlier orders.
ALTER TABLE figures ADD COLUMN whole_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z';
