-- Staff may apply what a shop re-sent with other content: the order's points are taken back whole and given anew. What it
-- gave and lost up to the movement `amended_id` is settled with that.
ALTER TABLE orders ADD COLUMN amended_id bigint;
ALTER TABLE orders DROP CONSTRAINT orders_check4;
ALTER TABLE orders ADD CONSTRAINT orders_activity_check CHECK (given = 0 OR activity_id IS NOT NULL) NOT VALID;
ALTER TABLE movements DROP CONSTRAINT movements_cause_check;
ALTER TABLE movements DROP CONSTRAINT movements_check3;
ALTER TABLE movements ADD CONSTRAINT movements_cause_check CHECK (cause IN
    ('purchase', 'join', 'approval', 'adjustment', 'refund', 'cancel', 'unpaid', 'restored',
     'redemption', 'claim_cancelled', 'claim_expired', 'amended')) NOT VALID;
ALTER TABLE movements ADD CONSTRAINT movements_order_check CHECK
    (cause NOT IN ('purchase', 'refund', 'cancel', 'unpaid', 'restored', 'amended') OR order_id IS NOT NULL) NOT VALID;
