-- A message and a payment are what was asked for, and nothing else: what was asked stands in columns of its own, with
-- what holds of each, and the schemas of the two tools are read from here (src/reflected, docs/TOOLS.md).
-- The other tools take names that the town looks up (a restaurant, a driver), or lists: no table mirrors those.

alter table town.messages
  add column "to" text constraint to_is_short check (char_length("to") between 1 and 200),
  add column text text constraint text_is_short check (char_length(text) between 1 and 2000);
update town.messages set "to" = params->>'to', text = params->>'text';
alter table town.messages alter column "to" set not null, alter column text set not null;

alter table town.payments
  add column payee text constraint payee_is_short check (char_length(payee) between 1 and 100),
  add column amount_minor bigint constraint amount_is_sane check (amount_minor between 1 and 1000000000000),
  add column currency text
    constraint currency_is_short check (char_length(currency) = 3)
    constraint currency_is_capitals check (currency ~ '^[A-Z]{3}$');
update town.payments set payee = params->>'payee', amount_minor = (params->>'amount_minor')::numeric,
  currency = params->>'currency';
alter table town.payments alter column payee set not null, alter column amount_minor set not null,
  alter column currency set not null;

comment on column town.messages."to" is 'Name or number of whom it goes to';
comment on column town.messages.text is 'What it says';
comment on column town.payments.payee is 'Who is to be paid';
comment on column town.payments.amount_minor is 'Amount in minor units, such as cents';
comment on column town.payments.currency is 'Three capital letters, such as EUR';

-- As in 0003, with the columns.
create or replace function town.send_message(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  sent text;
begin
  insert into town.messages (key, "to", text, made_at)
    values (effect_key, asked->>'to', asked->>'text', now_ms) returning message_id into sent;
  return town.done(jsonb_build_object('message_id', sent, 'to', asked->'to'));
end $$;

create or replace function town.authorise_payment(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  held text;
begin
  if (asked->>'amount_minor')::numeric > 100000 then
    return town.refused(422, 'limit', 'The limit of one payment is 100000 minor units.');
  end if;
  insert into town.payments (key, payee, amount_minor, currency, made_at)
    values (effect_key, asked->>'payee', (asked->>'amount_minor')::numeric, asked->>'currency', now_ms)
    returning payment_id into held;
  return town.done(jsonb_build_object('payment_id', held, 'payee', asked->'payee',
    'amount_minor', asked->'amount_minor', 'currency', asked->'currency'));
end $$;

-- As in 0005, with the columns.
create or replace view town.sights as
  select 'reservations' as kind, r.id, r.state = 'active' as active, r.params || jsonb_build_object(
      'reservation_id', r.reservation_id, 'restaurant', h.name, 'address', h.address,
      'table', t.number, 'key', r.key, 'state', r.state, 'made_at', r.made_at, 'undone_at', r.undone_at) as sight
    from town.reservations r
    join town.tables t on t.id = r.table_id
    join town.restaurants h on h.id = t.restaurant_id
  union all
  select 'rides', r.id, r.state = 'active', r.params || jsonb_build_object(
      'ride_id', r.ride_id, 'driver', d.name,
      'key', r.key, 'state', r.state, 'made_at', r.made_at, 'undone_at', r.undone_at)
    from town.rides r join town.drivers d on d.id = r.driver_id
  union all
  select 'messages', id, true, jsonb_build_object(
      'to', "to", 'text', text, 'message_id', message_id, 'key', key, 'state', 'sent', 'made_at', made_at)
    from town.messages
  union all
  select 'payments', id, state in ('authorised', 'captured'), jsonb_build_object(
      'payee', payee, 'amount_minor', amount_minor, 'currency', currency,
      'payment_id', payment_id, 'captured_by', captured_by, 'refunded_by', refunded_by,
      'key', key, 'state', state, 'made_at', made_at, 'undone_at', undone_at)
    from town.payments
  union all
  select 'deliveries', id, state = 'active', params || jsonb_build_object(
      'delivery_id', delivery_id, 'eta', eta,
      'key', key, 'state', state, 'made_at', made_at, 'undone_at', undone_at)
    from town.deliveries
  union all
  select 'events', id, state = 'active', params || jsonb_build_object(
      'event_id', event_id, 'key', key, 'state', state, 'made_at', made_at, 'undone_at', undone_at)
    from town.events;

alter table town.messages drop column params;
alter table town.payments drop column params;
