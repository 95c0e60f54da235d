-- The town as it is seen from outside, and the switchboard's memory.

create view town.sights as
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
  select 'messages', id, true, params || jsonb_build_object(
      'message_id', message_id, 'key', key, 'state', 'sent', 'made_at', made_at)
    from town.messages
  union all
  select 'payments', id, state in ('authorised', 'captured'), params || jsonb_build_object(
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

-- The newest `most` of each kind, oldest first; `truncated` where there were more.
create function town.world(most int) returns jsonb language sql stable as $$
  with ranked as (
    select kind, id, active, sight || jsonb_build_object('saga', split_part(sight->>'key', ':', 1)) as sight,
      row_number() over (partition by kind, active order by id desc) as place
    from town.sights
  ), kinds as (
    select k.kind,
      coalesce(jsonb_agg(r.sight order by r.id) filter (where r.active), '[]') as active,
      coalesce(jsonb_agg(r.sight order by r.id) filter (where not r.active), '[]') as past
    from unnest(array['reservations', 'rides', 'messages', 'payments', 'deliveries', 'events']) as k (kind)
    left join ranked r on r.kind = k.kind and r.place <= most
    group by k.kind
  )
  select jsonb_object_agg(kind, active) || jsonb_build_object(
    'history', jsonb_object_agg(kind, past),
    'ledger', (select count(*) from town.ledger),
    'truncated', exists (select 1 from ranked where place > most))
  from kinds
$$;

create function town.read_ledger(after_id bigint, most int) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(to_jsonb(entry) order by entry.id), '[]')
  from (select * from town.ledger where id > after_id order by id limit most) as entry
$$;

-- Empties the town; the buildings and the switchboard stay.
create function town.reset() returns void language sql as $$
  truncate town.effects, town.ledger, town.reservations, town.rides, town.deliveries,
    town.events, town.payments, town.messages restart identity
$$;

-- Faults that are set. `draws` counts the calls that matched, `hits` those that were struck: both are
-- written before the call goes on, so that a restart of the host carries on where it was.
create table town.faults (
  id bigint generated always as identity primary key,
  spec jsonb not null,
  draws bigint not null default 0,
  hits bigint not null default 0
);
