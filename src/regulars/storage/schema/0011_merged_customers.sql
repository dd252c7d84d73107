-- Two records may be one person: the one that goes stays as an empty shell, by which the shop's calls still find the one
-- that stays. What went over stands in `merges`, chained like a movement, after the movement `movement_id`.
ALTER TABLE customers ADD COLUMN merged_into bigint;
ALTER TABLE customers ADD CONSTRAINT customers_merged_check CHECK (merged_into <> customer_id) NOT VALID;
CREATE INDEX customers_merged ON customers (program_id, merged_into, customer_id) WHERE merged_into IS NOT NULL;

CREATE TABLE merges (
    program_id bigint NOT NULL,
    decision_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    into_id bigint NOT NULL,
    movement_id bigint NOT NULL CHECK (movement_id >= 0),
    pending bigint NOT NULL CHECK (pending >= 0),
    available bigint NOT NULL,
    spent bigint NOT NULL CHECK (spent >= 0),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, decision_id),
    UNIQUE (program_id, customer_id),
    FOREIGN KEY (program_id, decision_id) REFERENCES decisions,
    FOREIGN KEY (program_id, customer_id) REFERENCES customers,
    FOREIGN KEY (program_id, into_id) REFERENCES customers,
    CHECK (customer_id <> into_id)
);
CREATE INDEX merges_into ON merges (program_id, into_id);
