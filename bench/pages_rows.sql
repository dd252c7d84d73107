-- 200,000 customers with a million orders, their points, calls, claims and codes. Program 1 is there, with its site.
set synchronous_commit = off;
set session_replication_role = replica;
set work_mem = '256MB';
set maintenance_work_mem = '256MB';
create temporary table dawn as
select date_trunc('day', now()) - interval '700 days' as at;
-- customers
insert into customers (program_id, customer_id, merchant_id, email, email_key, first_name, last_name, birthday,
                       properties, member_since, blocked, created_at, updated_at)
select 1, n, 'c-' || n, lower(f) || '.' || lower(l) || '-' || n || '@mail.example',
       lower(f) || '.' || lower(l) || '-' || n || '@mail.example', f, l, date '1960-01-01' + n % 15000, '{}',
       case when n % 10 > 0 then at + n * interval '250 seconds' end, n % 997 = 0,
       at + n * interval '250 seconds', at + n * interval '250 seconds'
  from dawn, generate_series(1, 200000) n cross join lateral (select
       (array['Ann','Bea','Carl','Dora','Emil','Fay','Gus','Hana','Ida','Jon','Kim','Lea','Max','Nia','Otto'])[1 + n % 15] as f,
       (array['Smith','Jones','Brown','Weber','Meyer','Rossi','Novak','Silva','Dubois','Kowalski','Larsen'])[1 + n % 11] as l) as names;
-- decisions: two of each order
insert into decisions (program_id, decision_id, kind, outcome, customer_id, order_id, actor, trace, recorded_at)
select 1, n, case when n % 2 = 1 then 'RecordOrder' else 'Settle' end, 'done',
       case when m <= 3000 then 1 else 1 + (m - 1) * 7 % 200000 end, m, null,
       case when n % 2 = 1
            then '[["purchase: given",{"points":40,"rewardable":4000,"currency":"EUR","rate":"1/1"}]]'
            else '[["approved",{"points":40,"due":"2026-01-01T12:00:00Z"}]]' end,
       at + n * interval '30 seconds'
  from dawn, generate_series(1, 2000000) n cross join lateral (select (n + 1) / 2 as m) which;
-- orders
insert into orders (program_id, order_id, site_id, merchant_id, merchant_number, customer_id, door, currency, total_minor,
       goods_minor, shipping_minor, tax_minor, discounts_minor, rewardable_minor, rule_version, fingerprint, payment_status,
       paid_minor, refund_status, refunded_minor, cancelled, status, rewarded_status, placed_at, paid_at, earned_at, lot_id,
       activity_id, given, taken, details, created_at, updated_at)
select 1, n, 1, 'O-' || n, '#' || n, case when n <= 3000 then 1 else 1 + (n - 1) * 7 % 200000 end, 'lootly', 'EUR', 5000,
       4000, 1000, 0, 0, 4000, 1, '\x00', 'paid', 5000,
       case when n % 40 = 0 then 'refunded' else 'not_refunded' end, case when n % 40 = 0 then 5000 else 0 end, n % 90 = 0,
       'completed', true, placed, placed, placed, n, n, 40, case when n % 40 = 0 then 40 else 0 end,
       '{"user_agent":"Mozilla/5.0 (X11; Linux x86_64)","ip_address":"203.0.113.5"}', placed, placed
  from dawn, generate_series(1, 1000000) n cross join lateral (select at + n * interval '60 seconds' as placed) p;
-- movements: given, approved, and a fortieth taken back
insert into movements (program_id, movement_id, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id,
                       lot_id, recorded_at, effective_at, hash)
select 1, n, case when m <= 3000 then 1 else 1 + (m - 1) * 7 % 200000 end,
       case when n <= 1000000 then 2 * m - 1 else 2 * m end,
       case when n <= 1000000 then 'issued' when n <= 2000000 then 'pending' else 'available' end,
       case when n <= 1000000 then 'pending' when n <= 2000000 then 'available' else 'reversed' end, 40,
       case when n <= 1000000 then 'purchase' when n <= 2000000 then 'approval' else 'refund' end, m, m,
       at + m * interval '60 seconds', at + m * interval '60 seconds', decode(repeat('00', 32), 'hex')
  from dawn, generate_series(1, 2025000) n
       cross join lateral (select case when n <= 2000000 then 1 + (n - 1) % 1000000 else (n - 2000000) * 40 end as m) which;
-- lots
insert into lots (program_id, lot_id, customer_id, movement_id, order_id, size, remaining, state, opened_at, approves_at,
                  expires_at)
select 1, n, case when n <= 3000 then 1 else 1 + (n - 1) * 7 % 200000 end, n, n, 40,
       case when n % 40 = 0 or n % 3 = 0 then 0 else 40 end, case when n > 990000 then 'pending' else 'available' end,
       at + n * interval '60 seconds', at + n * interval '60 seconds' + interval '14 days', null
  from dawn, generate_series(1, 1000000) n;
-- activities
insert into activities (program_id, activity_id, customer_id, name, merchant_id, points, lot_id, decision_id, happened_at,
                        created_at)
select 1, n, case when n <= 3000 then 1 else 1 + (n - 1) * 7 % 200000 end, '$purchase', 'O-' || n, 40, n, 2 * n - 1,
       at + n * interval '60 seconds', at + n * interval '60 seconds'
  from dawn, generate_series(1, 1000000) n;
-- accounts
insert into accounts (program_id, customer_id, pending, available, spent, updated_at)
select 1, customer_id, coalesce(sum(remaining) filter (where state = 'pending'), 0),
       coalesce(sum(remaining) filter (where state = 'available'), 0), 0, max(opened_at)
  from lots where program_id = 1 group by customer_id;
insert into accounts (program_id, customer_id, pending, available, spent, updated_at)
select 1, customer_id, 0, 0, 0, created_at from customers on conflict do nothing;
update accounts set available = -40 where customer_id % 1999 = 0;
-- calls
insert into deliveries (program_id, credential_id, integration, hook, body, status, outcome, problem, subject, message,
                        decision_id, received_at)
select 1, 2, 'custom', case when n % 40 = 0 then 'refunds-create' else 'orders-completed' end,
       convert_to('{"id":"O-' || n * 2 || '","total_price":"50.00"}', 'UTF8'), 200,
       case when n % 500 = 0 then 'refused' else 'done' end, n % 500 = 0, 'O-' || n * 2, 'Gave 40 points.', n * 4 - 1,
       at + n * interval '2 minutes'
  from dawn, generate_series(1, 500000) n;
-- rewards, codes and claims
insert into rewards (program_id, reward_id, definition, created_at, updated_at)
select 1, n, '{"id":' || n || ',"kind":"fixed_amount","title":"Five off, no. ' || n
       || '","cost":100,"amount_minor":500,"codes":"pool"}', at, at
  from dawn, generate_series(1, 20) n;
insert into codes (program_id, code_key, code, reward_id, source, state, slot, claim_id, created_at)
select 1, 'TEA' || n, 'TEA-' || n, 1, 'pool', case when n <= 200000 then 'handed' else 'free' end, random(),
       case when n <= 200000 then n end, at
  from dawn, generate_series(1, 500000) n;
insert into reward_stocks (program_id, reward_id, claimed, codes_imported, codes_free, codes_handed)
select 1, n, case when n = 1 then 200000 else 0 end, case when n = 1 then 500000 else 0 end,
       case when n = 1 then 300000 else 0 end, case when n = 1 then 200000 else 0 end
  from generate_series(1, 20) n;
insert into claimed_rewards (program_id, claim_id, reward_id, customer_id, kind, title, cost, currency, amount_minor,
       minimum_order_minor, instructions, code, code_key, state, claimed_at, used_at, order_id, movement_id, decision_id,
       updated_at)
select 1, n, 1, case when n = 7 then 77 else n end, 'fixed_amount', 'Five off', 100, 'EUR', 500, 0, '', 'TEA-' || n, 'TEA' || n,
       case when n % 2 = 0 then 'used' else 'claimed' end, at + n * interval '250 seconds',
       case when n % 2 = 0 then at + n * interval '251 seconds' end, case when n % 2 = 0 then n end, n, n,
       at + n * interval '251 seconds'
  from dawn, generate_series(1, 200000) n;
-- the audit log, instead of the entry that the program was made with
delete from audit_entries where program_id = 1;
insert into audit_entries (program_id, entry_id, at, actor, name, action, subject, before, after, reason, salt, digest, hash)
select 1, n, at + n * interval '5 minutes', 'staff:' || 1 + n % 3, 'Ann', 'adjust points', 'customer ' || n, 'null',
       '{"points":5}', 'as a gift', '\x00', decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
  from dawn, generate_series(1, 200000) n;
insert into audit_heads (program_id, entries, chain) values (1, 200000, decode(repeat('00', 32), 'hex'))
    on conflict (program_id) do update set entries = excluded.entries;
-- where the book stands
update heads set last_at = now(), customer = 200000, "order" = 1000000, decision = 2000000, movement = 2025000,
       lot = 1000000, activity = 1000000, reward = 20, claim = 200000 where program_id = 1;
vacuum analyze;
