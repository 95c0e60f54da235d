-- Who waits for a table: a restaurant that has none takes a name down for the day and the hour. Nobody is called from
-- the list; a place on it is an effect as others are, and can be given up.

create table town.waitlist (
  id bigint generated always as identity primary key,
  waitlist_id text not null generated always as ('WAIT-' || id) stored,
  key text not null unique,
  restaurant_id int not null references town.restaurants,
  params jsonb not null,
  state text not null default 'active' check (state in ('active', 'cancelled')),
  made_at bigint not null,
  undone_at bigint
);

create function town.join_waitlist(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  place town.restaurants;
  largest int;
  noted text;
begin
  select * into place from town.restaurants r where r.folded = town.fold(asked->>'restaurant');
  if not found then
    return town.unknown_restaurant(asked->>'restaurant');
  end if;
  select max(t.seats) into largest from town.tables t where t.restaurant_id = place.id;
  if largest < (asked->>'party_size')::numeric then
    return town.refused(409, 'no_such_table', format('No table of %s seats more than %s.', place.name, largest));
  end if;
  insert into town.waitlist (key, restaurant_id, params, made_at)
    values (effect_key, place.id, asked, now_ms) returning waitlist_id into noted;
  return town.done(jsonb_build_object(
    'waitlist_id', noted, 'restaurant', place.name, 'address', place.address,
    'date', asked->'date', 'time', asked->'time', 'party_size', asked->'party_size'));
end $$;

-- As in 0006, with what is new here.
create or replace function town.take_back(tool text, effect_key text, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  payment text;
begin
  case tool
    when 'book_restaurant_table' then
      update town.reservations set state = 'cancelled', undone_at = now_ms
        where key = effect_key and state = 'active';
    when 'change_reservation' then
      return town.change_back(effect_key);
    when 'join_waitlist' then
      update town.waitlist set state = 'cancelled', undone_at = now_ms
        where key = effect_key and state = 'active';
    when 'request_ride' then
      update town.rides set state = 'cancelled', undone_at = now_ms
        where key = effect_key and state = 'active';
    when 'dispatch_delivery' then
      update town.deliveries set state = 'cancelled', undone_at = now_ms
        where key = effect_key and state = 'active';
    when 'add_calendar_event' then
      update town.events set state = 'cancelled', undone_at = now_ms
        where key = effect_key and state = 'active';
    when 'authorise_payment' then
      update town.payments set state = 'voided', undone_at = now_ms
        where key = effect_key and state = 'authorised';
      if not found then
        select payment_id into payment from town.payments where key = effect_key;
        return town.payment_is(payment);
      end if;
  end case;
  return jsonb_build_object('state', 'undone', 'undone', found);
end $$;

-- As in 0006, with what is new here.
create or replace function town.act(wanted text, effect_key text, asked jsonb, now_ms bigint, refusal jsonb)
returns jsonb language plpgsql as $$
declare
  prior town.effects;
  verdict jsonb;
  was_done boolean;
begin
  perform pg_advisory_xact_lock(town.key_lock(wanted, effect_key));
  select * into prior from town.effects e where e.tool = wanted and e.key = effect_key;
  if found then
    if prior.state = 'done' and prior.params is distinct from asked then
      return jsonb_build_object('state', 'key_reused');
    end if;
    return town.recall(prior);
  end if;
  if refusal is not null then
    verdict := jsonb_build_object('state', 'refused') || refusal;
  else
    case wanted
      when 'book_restaurant_table' then verdict := town.book_restaurant_table(effect_key, asked, now_ms);
      when 'change_reservation' then verdict := town.change_reservation(effect_key, asked, now_ms);
      when 'join_waitlist' then verdict := town.join_waitlist(effect_key, asked, now_ms);
      when 'request_ride' then verdict := town.request_ride(effect_key, asked, now_ms);
      when 'dispatch_delivery' then verdict := town.dispatch_delivery(effect_key, asked, now_ms);
      when 'add_calendar_event' then verdict := town.add_calendar_event(effect_key, asked, now_ms);
      when 'authorise_payment' then verdict := town.authorise_payment(effect_key, asked, now_ms);
      when 'capture_payment' then verdict := town.capture_payment(effect_key, asked, now_ms);
      when 'refund_payment' then verdict := town.refund_payment(effect_key, asked, now_ms);
      when 'send_message' then verdict := town.send_message(effect_key, asked, now_ms);
    end case;
  end if;
  was_done := verdict->>'state' = 'done';
  insert into town.effects (tool, key, state, params, answer, at) values (
    wanted, effect_key, verdict->>'state', asked,
    case when was_done then verdict->'output' else verdict - 'state' end, now_ms);
  perform town.note(now_ms, wanted, 'do', effect_key, was_done, verdict);
  return verdict;
end $$;

-- As in 0008, with what is new here.
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
    from town.events
  union all
  select 'waitlist', w.id, w.state = 'active', w.params || jsonb_build_object(
      'waitlist_id', w.waitlist_id, 'restaurant', h.name, 'address', h.address,
      'key', w.key, 'state', w.state, 'made_at', w.made_at, 'undone_at', w.undone_at)
    from town.waitlist w join town.restaurants h on h.id = w.restaurant_id;

-- As in 0005, with what is new here.
create or replace function town.world(most int) returns jsonb language sql stable as $$
  with ranked as (
    select kind, id, active, sight || jsonb_build_object('saga', split_part(sight->>'key', ':', 1)) as sight,
      row_number() over (partition by kind, active order by id desc) as place
    from town.sights
  ), kinds as (
    select k.kind,
      coalesce(jsonb_agg(r.sight order by r.id) filter (where r.active), '[]') as active,
      coalesce(jsonb_agg(r.sight order by r.id) filter (where not r.active), '[]') as past
    from unnest(array['reservations', 'rides', 'messages', 'payments', 'deliveries', 'events', 'waitlist']) as k (kind)
    left join ranked r on r.kind = k.kind and r.place <= most
    group by k.kind
  )
  select jsonb_object_agg(kind, active) || jsonb_build_object(
    'history', jsonb_object_agg(kind, past),
    'ledger', (select count(*) from town.ledger),
    'truncated', exists (select 1 from ranked where place > most))
  from kinds
$$;

-- As in 0007, with what is new here.
create or replace function town.reset() returns void language sql as $$
  truncate town.reservations, town.rides, town.deliveries, town.events, town.payments, town.messages, town.waitlist,
    town.ledger;
  update town.effects set state = 'undone', undid = true where state = 'done';
$$;
