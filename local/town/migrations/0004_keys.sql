-- The protocol of keys around the tools: one answer a key, whoever asks and how often.

-- One at a time for each key, until the end of the statement's transaction.
create function town.key_lock(tool text, effect_key text) returns bigint
language sql immutable as $$
  select hashtextextended(tool || ' ' || effect_key, 26)
$$;

create function town.note(now_ms bigint, tool text, op text, effect_key text, applied boolean, detail jsonb)
returns void language sql as $$
  insert into town.ledger (at, tool, op, key, applied, detail)
    values (now_ms, note.tool, note.op, note.effect_key, note.applied, note.detail)
$$;

-- What is stored under a key, as the status call says it.
create function town.recall(effect town.effects) returns jsonb language sql immutable as $$
  select case effect.state
    when 'done' then town.done(effect.answer)
    when 'refused' then jsonb_build_object('state', 'refused') || effect.answer
    else jsonb_build_object('state', 'undone', 'undone', effect.undid)
  end
$$;

-- Does what the tool does, once a key. `refusal` is one that was decided before the town was asked
-- (parameters that do not hold, or the switchboard's): it is stored in place of acting.
create function town.act(wanted text, effect_key text, asked jsonb, now_ms bigint, refusal jsonb)
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

-- Takes back what the key did, or leaves a tombstone where it did nothing. A refused undo leaves the
-- effect as it stands, and may be asked for again.
create function town.undo(wanted text, effect_key text, now_ms bigint)
returns jsonb language plpgsql as $$
declare
  prior town.effects;
  verdict jsonb := jsonb_build_object('state', 'undone', 'undone', false);
begin
  perform pg_advisory_xact_lock(town.key_lock(wanted, effect_key));
  select * into prior from town.effects e where e.tool = wanted and e.key = effect_key;
  if prior.state = 'undone' then
    return town.recall(prior);
  end if;
  if prior.state = 'done' then
    verdict := town.take_back(wanted, effect_key, now_ms);
    if verdict->>'state' = 'refused' then
      return verdict;
    end if;
  end if;
  insert into town.effects (tool, key, state, undid, at)
    values (wanted, effect_key, 'undone', (verdict->>'undone')::boolean, now_ms)
    on conflict (tool, key) do update set state = excluded.state, undid = excluded.undid, at = excluded.at;
  perform town.note(now_ms, wanted, 'undo', effect_key, (verdict->>'undone')::boolean, verdict);
  return verdict;
end $$;

-- What became of a key. A do or undo that is not yet committed is in progress, not nothing.
create function town.status(wanted text, effect_key text) returns jsonb language plpgsql as $$
declare
  prior town.effects;
begin
  if not pg_try_advisory_xact_lock_shared(town.key_lock(wanted, effect_key)) then
    return jsonb_build_object('state', 'in_progress');
  end if;
  select * into prior from town.effects e where e.tool = wanted and e.key = effect_key;
  if not found then
    return jsonb_build_object('state', 'none');
  end if;
  return town.recall(prior);
end $$;

create function town.ask(wanted text, asked jsonb) returns jsonb language plpgsql stable as $$
begin
  case wanted
    when 'search_restaurants' then return town.search_restaurants(asked);
    when 'get_availability' then return town.get_availability(asked);
  end case;
end $$;
