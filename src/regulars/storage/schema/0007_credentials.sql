-- Keys may end by themselves, and staff see when each was last used.
ALTER TABLE credentials ADD COLUMN expires_at timestamptz;
ALTER TABLE credentials ADD COLUMN last_used_at timestamptz;
