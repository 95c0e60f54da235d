-- A booking that stands may be changed by others than those who made it. Whoever changes it says which
-- generation of it they have read; what stood before each change is kept with it, the last first, by
-- the key of the change, so that an undo takes back its own change and never a later one. Generations
-- only grow: what was changed and changed back is not what was read.

alter table town.reservations
  add column generation bigint not null default 1,
  add column changes jsonb not null default '[]';
create unique index reservations_by_name on town.reservations (reservation_id);

create function town.unknown_reservation() returns jsonb language sql immutable as $$
  select town.refused(404, 'unknown_reservation',
    'There is no such reservation. Give the reservation_id of a booking.')
$$;

create function town.get_reservation(asked jsonb) returns jsonb language plpgsql stable as $$
declare
  booking town.reservations;
begin
  select * into booking from town.reservations r where r.reservation_id = asked->>'reservation_id';
  if not found then
    return town.unknown_reservation();
  end if;
  return town.done(jsonb_build_object(
    'reservation_id', booking.reservation_id, 'date', booking.params->'date', 'time', booking.params->'time',
    'party_size', booking.params->'party_size', 'state', booking.state, 'generation', booking.generation));
end $$;

create function town.change_reservation(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  booking town.reservations;
  room int;
begin
  select * into booking from town.reservations r where r.reservation_id = asked->>'reservation_id' for update;
  if not found then
    return town.unknown_reservation();
  end if;
  if booking.state = 'cancelled' then
    return town.refused(409, 'cancelled', 'This reservation was cancelled; book anew.');
  end if;
  if booking.generation <> (asked->>'generation')::numeric then
    return town.refused(409, 'changed_since', format(
      'This reservation was changed since it was read: its generation is %s now. Read it anew with get_reservation.',
      booking.generation));
  end if;
  select t.seats into room from town.tables t where t.id = booking.table_id;
  if room < (asked->>'party_size')::numeric then
    return town.refused(409, 'table_too_small', format('The table that was booked seats %s.', room));
  end if;
  update town.reservations r set
      generation = r.generation + 1,
      params = r.params || jsonb_build_object('party_size', asked->'party_size'),
      changes = jsonb_build_array(jsonb_build_object('key', effect_key, 'was', r.params->'party_size')) || r.changes
    where r.id = booking.id returning * into booking;
  return town.done(jsonb_build_object(
    'reservation_id', booking.reservation_id, 'party_size', asked->'party_size',
    'was', booking.changes->0->'was', 'generation', booking.generation));
end $$;

-- Puts back what stood before, where nobody has changed it since. Of a cancelled booking nothing is left
-- to put back.
create function town.change_back(effect_key text) returns jsonb language plpgsql as $$
declare
  booking town.reservations;
begin
  select * into booking from town.reservations r
    where r.changes @> jsonb_build_array(jsonb_build_object('key', effect_key)) for update;
  if not found or booking.state = 'cancelled' then
    return jsonb_build_object('state', 'undone', 'undone', false);
  end if;
  if booking.changes->0->>'key' <> effect_key then
    return town.refused(409, 'changed_since', format(
      '%s was changed by another since, which changing it back would undo as well.', booking.reservation_id));
  end if;
  update town.reservations r set
      generation = r.generation + 1,
      params = r.params || jsonb_build_object('party_size', r.changes->0->'was'),
      changes = r.changes - 0
    where r.id = booking.id;
  return jsonb_build_object('state', 'undone', 'undone', true);
end $$;

-- As in 0003, with what is new here.
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

-- As in 0004, with what is new here.
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

create or replace function town.ask(wanted text, asked jsonb) returns jsonb language plpgsql stable as $$
begin
  case wanted
    when 'search_restaurants' then return town.search_restaurants(asked);
    when 'get_availability' then return town.get_availability(asked);
    when 'get_reservation' then return town.get_reservation(asked);
  end case;
end $$;
