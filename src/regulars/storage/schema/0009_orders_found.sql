-- Staff find an order by the number that the customer sees, and the calls about it by the shop's id of it.
CREATE INDEX orders_number ON orders (program_id, merchant_number) WHERE merchant_number IS NOT NULL;
CREATE INDEX deliveries_subject ON deliveries (program_id, subject, delivery_id) WHERE subject IS NOT NULL;
