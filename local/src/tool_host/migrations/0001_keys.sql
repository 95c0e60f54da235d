-- What came of each key that a tool in Wasm was called under. Such a tool has no memory between two calls, so whoever
-- runs it remembers for it: one outcome a key, whoever asks and how often.
create schema tool_host;

-- A do that is under way, or was when its host died, is `working`; one of which the tool itself could not say whether
-- it acted is `unknown`. A claim is the right to work on a key, until it is given back or its time is over.
create table tool_host.keys (
  tool text not null,
  key text not null,
  state text not null check (state in ('working', 'unknown', 'done', 'refused', 'undone')),
  -- SHA-256 of the code that the do was given to: its undo is that same code's. Null for a tombstone.
  component text,
  params jsonb,
  -- JSON as it was given: the output of a done, code and detail of a refused.
  answer text,
  undid boolean,
  claim text,
  claimed_until timestamptz,
  primary key (tool, key),
  check ((claim is null) = (claimed_until is null))
);

create function tool_host.until(lease_ms bigint) returns timestamptz language sql volatile as $$
  select clock_timestamp() + lease_ms * interval '1 millisecond'
$$;

-- What is known of a key, where nobody works on it.
create function tool_host.recall(known tool_host.keys) returns jsonb language sql immutable as $$
  select jsonb_build_object('state', known.state, 'answer', known.answer, 'undone', known.undid)
$$;

-- Claims a key for a do: `yours`, with whether an earlier do left it unknown; or what is known of it. `again` says
-- whether a do may be repeated whose outcome is unknown.
create function tool_host.begin_do(
  wanted text, effect_key text, asked jsonb, code text, mine text, lease_ms bigint, again boolean)
returns jsonb language plpgsql as $$
declare
  prior tool_host.keys;
begin
  insert into tool_host.keys (tool, key, state, component, params, claim, claimed_until)
    values (wanted, effect_key, 'working', code, asked, mine, tool_host.until(lease_ms))
    on conflict do nothing;
  if found then
    return jsonb_build_object('state', 'yours', 'unknown', false);
  end if;
  select * into prior from tool_host.keys k where k.tool = wanted and k.key = effect_key for update;
  -- Where there is none now, it was given up in between.
  if not found or prior.claimed_until > clock_timestamp() then
    return jsonb_build_object('state', 'working');
  end if;
  if prior.state in ('working', 'unknown', 'done') and prior.params is distinct from asked then
    return jsonb_build_object('state', 'key_reused');
  end if;
  if prior.state = 'working' or (prior.state = 'unknown' and again) then
    update tool_host.keys k set component = code, claim = mine, claimed_until = tool_host.until(lease_ms)
      where k.tool = wanted and k.key = effect_key;
    return jsonb_build_object('state', 'yours', 'unknown', prior.state = 'unknown');
  end if;
  return tool_host.recall(prior);
end $$;

-- Claims a key for an undo: `yours`, with what the do was given and gave; or what is known of it. Where no do came to
-- anything there is nothing to undo, and what is left is a tombstone.
create function tool_host.begin_undo(wanted text, effect_key text, mine text, lease_ms bigint)
returns jsonb language plpgsql as $$
declare
  prior tool_host.keys;
begin
  insert into tool_host.keys (tool, key, state, undid) values (wanted, effect_key, 'undone', false)
    on conflict do nothing;
  if found then
    return jsonb_build_object('state', 'undone', 'undone', false);
  end if;
  select * into prior from tool_host.keys k where k.tool = wanted and k.key = effect_key for update;
  if not found or prior.claimed_until > clock_timestamp() then
    return jsonb_build_object('state', 'working');
  end if;
  if prior.state in ('done', 'unknown') then
    update tool_host.keys k set claim = mine, claimed_until = tool_host.until(lease_ms)
      where k.tool = wanted and k.key = effect_key;
    return jsonb_build_object(
      'state', 'yours', 'component', prior.component, 'params', prior.params, 'answer', prior.answer);
  end if;
  if prior.state <> 'undone' then
    update tool_host.keys k set state = 'undone', undid = false, claim = null, claimed_until = null
      where k.tool = wanted and k.key = effect_key;
    return jsonb_build_object('state', 'undone', 'undone', false);
  end if;
  return tool_host.recall(prior);
end $$;

-- Ends a claim with what came of it; whether it was still held.
create function tool_host.settle(
  wanted text, effect_key text, mine text, became text, answered text, undid boolean)
returns boolean language plpgsql as $$
begin
  update tool_host.keys k
    set state = became, answer = coalesce(answered, k.answer), undid = settle.undid, claim = null, claimed_until = null
    where k.tool = wanted and k.key = effect_key and k.claim = mine;
  return found;
end $$;

-- Ends a claim of which nothing came: the key is as it was before.
create function tool_host.give_up(wanted text, effect_key text, mine text) returns void language plpgsql as $$
begin
  delete from tool_host.keys k
    where k.tool = wanted and k.key = effect_key and k.claim = mine and k.state = 'working';
  update tool_host.keys k set claim = null, claimed_until = null
    where k.tool = wanted and k.key = effect_key and k.claim = mine;
end $$;

-- What became of a key. Of a do whose host died nothing came.
create function tool_host.status(wanted text, effect_key text) returns jsonb language plpgsql stable as $$
declare
  prior tool_host.keys;
begin
  select * into prior from tool_host.keys k where k.tool = wanted and k.key = effect_key;
  if not found then
    return jsonb_build_object('state', 'none');
  end if;
  if prior.claimed_until > clock_timestamp() then
    return jsonb_build_object('state', 'working');
  end if;
  if prior.state = 'working' then
    return jsonb_build_object('state', 'none');
  end if;
  return tool_host.recall(prior) || jsonb_build_object('component', prior.component);
end $$;
