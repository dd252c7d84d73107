-- Rewards: what points buy, the codes that are handed out for them, and what each customer has claimed.
-- A code's text without blanks around it, in upper case, is its key, unique in a program.

ALTER TABLE heads ADD COLUMN reward bigint NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN claim bigint NOT NULL DEFAULT 0;

-- Configuration: a change raises the program's version. What was claimed keeps the terms of its moment.
CREATE TABLE rewards (
    program_id bigint NOT NULL REFERENCES programs,
    reward_id bigint NOT NULL CHECK (reward_id > 0),
    definition text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, reward_id)
);

-- How many are claimed (cancelled ones not) and where the codes are. A convenience that `regulars verify` recomputes.
CREATE TABLE reward_stocks (
    program_id bigint NOT NULL,
    reward_id bigint NOT NULL,
    claimed bigint NOT NULL DEFAULT 0 CHECK (claimed >= 0),
    codes_imported bigint NOT NULL DEFAULT 0 CHECK (codes_imported >= 0),
    codes_generated bigint NOT NULL DEFAULT 0 CHECK (codes_generated >= 0),
    codes_free bigint NOT NULL DEFAULT 0 CHECK (codes_free >= 0),
    codes_handed bigint NOT NULL DEFAULT 0 CHECK (codes_handed >= 0),
    codes_void bigint NOT NULL DEFAULT 0 CHECK (codes_void >= 0),
    PRIMARY KEY (program_id, reward_id),
    FOREIGN KEY (program_id, reward_id) REFERENCES rewards,
    CHECK (codes_imported + codes_generated = codes_free + codes_handed + codes_void)
) WITH (fillfactor = 50);

-- Free codes are taken from a random place on, so that those used up are not read over and over.
CREATE TABLE codes (
    program_id bigint NOT NULL,
    code_key text NOT NULL CHECK (code_key <> ''),
    code text NOT NULL,
    reward_id bigint NOT NULL,
    source text NOT NULL CHECK (source IN ('pool', 'generated')),
    state text NOT NULL CHECK (state IN ('free', 'handed', 'void')),
    slot double precision NOT NULL,
    claim_id bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, code_key),
    FOREIGN KEY (program_id, reward_id) REFERENCES rewards,
    CHECK (state <> 'free' OR claim_id IS NULL),
    CHECK (state <> 'handed' OR claim_id IS NOT NULL)
);
CREATE INDEX codes_free ON codes (program_id, reward_id, slot) WHERE state = 'free';
CREATE INDEX codes_reward ON codes (program_id, reward_id, code_key);

CREATE TABLE claimed_rewards (
    program_id bigint NOT NULL,
    claim_id bigint NOT NULL CHECK (claim_id > 0),
    reward_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    site_id bigint,
    kind text NOT NULL,
    title text NOT NULL,
    cost bigint NOT NULL CHECK (cost >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint CHECK (amount_minor > 0),
    percent integer CHECK (percent BETWEEN 1 AND 100),
    max_shipping_minor bigint CHECK (max_shipping_minor > 0),
    product text,
    minimum_order_minor bigint NOT NULL CHECK (minimum_order_minor >= 0),
    instructions text NOT NULL,
    code text,
    code_key text,
    state text NOT NULL CHECK (state IN ('claimed', 'used', 'cancelled', 'expired')),
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz,
    used_at timestamptz,
    order_id bigint,
    fulfilled_at timestamptz,
    movement_id bigint,
    returned_id bigint,
    decision_id bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, claim_id),
    FOREIGN KEY (program_id, reward_id) REFERENCES rewards,
    FOREIGN KEY (program_id, customer_id) REFERENCES customers,
    CHECK ((cost > 0) = (movement_id IS NOT NULL)),
    CHECK ((code IS NULL) = (code_key IS NULL)),
    CHECK ((state = 'used') = (order_id IS NOT NULL)),
    CHECK ((state = 'used') = (used_at IS NOT NULL)),
    CHECK (returned_id IS NULL OR (movement_id IS NOT NULL AND state IN ('cancelled', 'expired')))
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX claimed_rewards_code ON claimed_rewards (program_id, code_key) WHERE code_key IS NOT NULL;
CREATE UNIQUE INDEX claimed_rewards_decision ON claimed_rewards (program_id, decision_id);
CREATE INDEX claimed_rewards_customer ON claimed_rewards (program_id, customer_id, claim_id);
CREATE INDEX claimed_rewards_reward ON claimed_rewards (program_id, reward_id, claim_id);
CREATE INDEX claimed_rewards_order ON claimed_rewards (program_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX claimed_rewards_expiring ON claimed_rewards (program_id, expires_at)
    WHERE state = 'claimed' AND expires_at IS NOT NULL;

-- A movement of a claimed reward names it; giving its points back undoes the movement that took them. Older rows hold
-- anyway: the rules before were narrower.
ALTER TABLE movements ADD COLUMN claim_id bigint;
ALTER TABLE movements DROP CONSTRAINT movements_cause_check;
ALTER TABLE movements DROP CONSTRAINT movements_check1;
ALTER TABLE movements ADD CONSTRAINT movements_cause_check CHECK (cause IN
    ('purchase', 'join', 'approval', 'adjustment', 'refund', 'cancel', 'unpaid', 'restored',
     'redemption', 'claim_cancelled', 'claim_expired')) NOT VALID;
ALTER TABLE movements ADD CONSTRAINT movements_undoes_check CHECK
    ((cause IN ('restored', 'claim_cancelled', 'claim_expired')) = (undoes_id IS NOT NULL)) NOT VALID;
ALTER TABLE movements ADD CONSTRAINT movements_claim_check CHECK
    ((cause IN ('redemption', 'claim_cancelled', 'claim_expired')) = (claim_id IS NOT NULL)) NOT VALID;
