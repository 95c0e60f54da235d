-- What each tool does and undoes: one function each, which decides and acts, and never sees a key
-- twice (0004 takes care of that). A refusal is a value, never an error: a failing statement is slow
-- on the embedded database, and would undo what stands beside it.

create function town.done(output jsonb) returns jsonb language sql immutable as $$
  select jsonb_build_object('state', 'done', 'output', output)
$$;

create function town.refused(status int, code text, detail text) returns jsonb
language sql immutable as $$
  select jsonb_build_object('state', 'refused', 'status', status, 'code', code, 'detail', detail)
$$;

create function town.unknown_restaurant(name text) returns jsonb language sql stable as $$
  select town.refused(404, 'unknown_restaurant', format(
    'There is no restaurant called "%s". Choose one of: %s.', left(name, 100),
    (select string_agg(r.name, ', ' order by r.id) from town.restaurants r)))
$$;

create function town.search_restaurants(asked jsonb) returns jsonb language plpgsql stable as $$
declare
  found_ones jsonb;
begin
  select jsonb_agg(jsonb_build_object(
      'name', r.name, 'cuisine', r.cuisine, 'address', r.address, 'seats', t.seats) order by r.id)
    into found_ones
    from town.restaurants r
    join (select restaurant_id, sum(seats) as seats, max(seats) as largest
          from town.tables group by restaurant_id) t on t.restaurant_id = r.id
    where town.fold(r.cuisine) = coalesce(town.fold(asked->>'cuisine'), town.fold(r.cuisine))
      and t.largest >= coalesce((asked->>'party_size')::numeric, 1);
  if found_ones is null then
    return town.refused(422, 'no_match', format(
      'No restaurant matches. The cuisines are: %s; no table seats more than %s.',
      (select string_agg(r.cuisine, ', ' order by r.id) from town.restaurants r),
      (select max(seats) from town.tables)));
  end if;
  return town.done(jsonb_build_object(
    'restaurants', found_ones,
    'first', jsonb_build_object('name', found_ones->0->'name', 'address', found_ones->0->'address')));
end $$;

-- Half-hours from 12:00 to 21:30 at which a table is free, and whether one is at the time asked for.
create function town.get_availability(asked jsonb) returns jsonb language plpgsql stable as $$
declare
  place town.restaurants;
  free text[];
  wished text := asked->>'time';
begin
  select * into place from town.restaurants r where r.folded = town.fold(asked->>'restaurant');
  if not found then
    return town.unknown_restaurant(asked->>'restaurant');
  end if;
  select coalesce(array_agg(slot.clock order by slot.clock), '{}') into free
    from (
      select clock, town.minute(asked->>'date', clock) as begins
      from (select to_char(make_interval(mins => m), 'HH24:MI') as clock
              from generate_series(720, 1290, 30) m
            union select wished) as clocks
    ) as slot
    where exists (
      select 1 from town.tables t
      where t.restaurant_id = place.id and t.seats >= (asked->>'party_size')::numeric
        and not exists (
          select 1 from town.reservations r where r.state = 'active' and r.table_id = t.id
            and r.starts > slot.begins - 120 and r.starts < slot.begins + 120));
  return town.done(jsonb_build_object('available', wished = any (free), 'times', to_jsonb(free)));
end $$;

-- The smallest free table that fits. Two bookings that race for one are parted by the exclusion
-- constraint, and the later goes on to the next table.
create function town.book_restaurant_table(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  place town.restaurants;
  party int := (asked->>'party_size')::numeric;
  begins bigint := town.minute(asked->>'date', asked->>'time');
  seat record;
  booked text;
begin
  select * into place from town.restaurants r where r.folded = town.fold(asked->>'restaurant');
  if not found then
    return town.unknown_restaurant(asked->>'restaurant');
  end if;
  for seat in
    select t.id, t.number from town.tables t
    where t.restaurant_id = place.id and t.seats >= party
      and t.id not in (select r.table_id from town.reservations r where r.state = 'active'
        and r.starts > begins - 120 and r.starts < begins + 120)
    order by t.seats, t.number
  loop
    insert into town.reservations (key, table_id, starts, params, made_at)
      values (effect_key, seat.id, begins, asked, now_ms)
      on conflict do nothing returning reservation_id into booked;
    if booked is not null then
      return town.done(jsonb_build_object(
        'reservation_id', booked, 'restaurant', place.name, 'address', place.address,
        'date', asked->'date', 'time', asked->'time',
        'party_size', asked->'party_size', 'table', seat.number));
    end if;
  end loop;
  return town.refused(409, 'table_unavailable', format(
    '%s has no table for %s on %s at %s. Ask get_availability for other times.',
    place.name, party, asked->>'date', asked->>'time'));
end $$;

create function town.request_ride(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  begins bigint := town.minute(asked->>'date', asked->>'time');
  driver record;
  booked text;
begin
  for driver in
    select d.id, d.name from town.drivers d
    where d.seats >= (asked->>'passengers')::numeric
      and d.id not in (select r.driver_id from town.rides r where r.state = 'active'
        and r.starts > begins - 60 and r.starts < begins + 60)
    order by d.seats, d.id
  loop
    insert into town.rides (key, driver_id, starts, params, made_at)
      values (effect_key, driver.id, begins, asked, now_ms)
      on conflict do nothing returning ride_id into booked;
    if booked is not null then
      return town.done(jsonb_build_object(
        'ride_id', booked, 'driver', driver.name, 'pickup', asked->'pickup',
        'destination', asked->'destination', 'date', asked->'date', 'time', asked->'time'));
    end if;
  end loop;
  return town.refused(409, 'no_driver', format(
    'No driver for %s is free on %s at %s. Try a time an hour earlier or later.',
    asked->>'passengers', asked->>'date', asked->>'time'));
end $$;

-- Without a date it is today; without both, 40 minutes from now; with a date alone, at noon.
create function town.dispatch_delivery(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  soon timestamp := to_timestamp(now_ms / 1000) at time zone 'UTC' + interval '40 minutes';
  arrives text := coalesce(asked->>'date', to_char(soon, 'YYYY-MM-DD')) || 'T' || coalesce(
    asked->>'time', case when asked->>'date' is not null then '12:00' else to_char(soon, 'HH24:MI') end);
  sent text;
begin
  insert into town.deliveries (key, eta, params, made_at)
    values (effect_key, arrives, asked, now_ms) returning delivery_id into sent;
  return town.done(jsonb_build_object('delivery_id', sent, 'vendor', asked->'vendor',
    'eta', arrives, 'address', asked->'address'));
end $$;

create function town.add_calendar_event(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  added text;
begin
  insert into town.events (key, params, made_at)
    values (effect_key, asked, now_ms) returning event_id into added;
  return town.done(jsonb_build_object('event_id', added, 'title', asked->'title',
    'date', asked->'date', 'time', asked->'time'));
end $$;

create function town.authorise_payment(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  held text;
begin
  if (asked->>'amount_minor')::numeric > 100000 then
    return town.refused(422, 'limit', 'The limit of one payment is 100000 minor units.');
  end if;
  insert into town.payments (key, params, made_at)
    values (effect_key, asked, now_ms) returning payment_id into held;
  return town.done(jsonb_build_object('payment_id', held, 'payee', asked->'payee',
    'amount_minor', asked->'amount_minor', 'currency', asked->'currency'));
end $$;

create function town.payment_is(wanted text) returns jsonb language plpgsql as $$
declare
  now_is text;
begin
  select state into now_is from town.payments p where p.payment_id = wanted;
  return case now_is
    when 'authorised' then town.refused(409, 'not_captured', 'This payment was not captured yet.')
    when 'captured' then town.refused(409, 'captured', 'This payment is captured already; refund it instead.')
    when 'refunded' then town.refused(409, 'refunded', 'This payment was given back already.')
    when 'voided' then town.refused(409, 'voided', 'This authorisation was voided; authorise anew.')
    else town.refused(404, 'unknown_payment', 'There is no such payment. Give the payment_id of an authorisation.')
  end;
end $$;

create function town.capture_payment(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
begin
  update town.payments set state = 'captured', captured_by = effect_key
    where payment_id = asked->>'payment_id' and state = 'authorised';
  if not found then
    return town.payment_is(asked->>'payment_id');
  end if;
  return town.done(jsonb_build_object('payment_id', asked->'payment_id', 'captured', true));
end $$;

-- A refund is a new entry that follows the capture, not an undo of it.
create function town.refund_payment(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
begin
  update town.payments set state = 'refunded', refunded_by = effect_key, undone_at = now_ms
    where payment_id = asked->>'payment_id' and state = 'captured';
  if not found then
    return town.payment_is(asked->>'payment_id');
  end if;
  return town.done(jsonb_build_object('payment_id', asked->'payment_id', 'refunded', true));
end $$;

create function town.send_message(effect_key text, asked jsonb, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  sent text;
begin
  insert into town.messages (key, params, made_at)
    values (effect_key, asked, now_ms) returning message_id into sent;
  return town.done(jsonb_build_object('message_id', sent, 'to', asked->'to'));
end $$;

-- The undo of one done effect: `undone`, with whether anything was there, or the refusal.
create function town.take_back(tool text, effect_key text, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  payment text;
begin
  case tool
    when 'book_restaurant_table' then
      update town.reservations set state = 'cancelled', undone_at = now_ms
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
