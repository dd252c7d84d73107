-- Lists of the few among many: calls with a problem or of a rare kind, codes that are no longer free. What comes in
-- by the thousand, an order and a code just uploaded, is in none of these indexes and costs no more than before.
CREATE INDEX deliveries_problem ON deliveries (program_id, delivery_id) WHERE problem;
CREATE INDEX deliveries_rare ON deliveries (program_id, hook, delivery_id)
    WHERE hook NOT IN ('orders-completed', 'orders-paid', 'orders-processing', 'orders-fulfilled');
CREATE INDEX codes_gone ON codes (program_id, reward_id, state, code_key) WHERE state <> 'free';
