-- How the plan of a saga was made, and what users have used of models.

alter table makegood.saga add column reading json;

-- As `create_saga`, with how the message was read.
create function makegood.create_saga_2(
  p_id text, p_owner text, p_client_key text, p_title text, p_message text, p_head json, p_nodes json,
  p_now bigint, p_wake_at bigint, p_outbox json, p_bytes bigint, p_request text, p_reading json
) returns json language plpgsql as $$
declare
  existing makegood.saga;
begin
  insert into makegood.saga
    (id, owner, client_key, request, title, message, phase, head, outbox, wake_at, created_at, updated_at,
      bytes_written, reading)
  values
    (p_id, p_owner, p_client_key, p_request, p_title, p_message, 'forward', p_head, p_outbox, p_wake_at, p_now, p_now,
      p_bytes, p_reading)
  on conflict do nothing;
  if not found then
    select * into existing from makegood.saga
      where id = p_id or (owner = p_owner and client_key = p_client_key) order by id = p_id limit 1;
    return json_build_object('id', existing.id, 'created', false, 'same', existing.request = p_request);
  end if;
  insert into makegood.node (saga, epoch, ix, tool, tool_version, refs, spec)
    select p_id, 0, (n->>'ix')::int, n->>'tool', n->>'version',
      array(select r.value::int from json_each_text(coalesce(n->'refs', '{}')) r), n
    from json_array_elements(p_nodes) n;
  return json_build_object('id', p_id, 'created', true, 'same', true);
end $$;

-- As `follow_saga_2`, with how the message was read, where the plan comes too.
create function makegood.follow_saga_3(p_id text, p_after bigint) returns json language plpgsql stable as $$
declare
  s makegood.saga;
  plan json;
  journal json;
begin
  select * into s from makegood.saga where id = p_id;
  if not found then
    return null;
  end if;
  if p_after = 0 then
    select json_agg(n.spec order by n.ix) into plan from makegood.node n where n.saga = p_id and n.epoch = s.epoch;
  else
    s.reading := null;
  end if;
  select json_agg(json_build_object('seq', f.seq, 'record', f.body) order by f.seq) into journal
    from makegood.fact f where f.saga = p_id and f.epoch = s.epoch and f.seq > p_after;
  return json_build_object(
    'id', s.id, 'owner', s.owner, 'title', s.title, 'message', s.message, 'phase', s.phase, 'version', s.version,
    'priority', coalesce(s.head->>'priority', 'normal'), 'reading', s.reading,
    'created_at', s.created_at, 'updated_at', s.updated_at, 'wake_at', s.wake_at,
    'counters', json_build_object('invocations', s.invocations, 'commits', s.commits, 'calls', s.calls,
      'bytes_read', s.bytes_read, 'bytes_written', s.bytes_written, 'sweeps', s.sweeps),
    'nodes', coalesce(plan, '[]'), 'journal', coalesce(journal, '[]'));
end $$;

-- What a user has used of a model on a day, in UTC. A message that leads to no saga counts as well.
create table makegood.model_use (
  owner text not null,
  day date not null,
  model text not null,
  requests bigint not null,
  tokens_in bigint not null,
  tokens_out bigint not null,
  -- In billionths of the currency that the prices are in.
  cost_nanos bigint not null,
  primary key (owner, day, model)
);

-- Adds to it. The models come in the order of their names, so that two never wait for each other.
create function makegood.note_model_use(p_owner text, p_used json, p_now bigint) returns json language plpgsql as $$
begin
  insert into makegood.model_use as u (owner, day, model, requests, tokens_in, tokens_out, cost_nanos)
    select p_owner, (to_timestamp(p_now / 1000) at time zone 'utc')::date, m->>'model', (m->>'requests')::bigint,
      (m->>'tokens_in')::bigint, (m->>'tokens_out')::bigint, (m->>'cost_nanos')::bigint
    from json_array_elements(p_used) m
  on conflict (owner, day, model) do update set
    requests = u.requests + excluded.requests, tokens_in = u.tokens_in + excluded.tokens_in,
    tokens_out = u.tokens_out + excluded.tokens_out, cost_nanos = u.cost_nanos + excluded.cost_nanos;
  return 'true';
end $$;

-- A user's days from p_since on, the newest first.
create function makegood.list_model_use(p_owner text, p_since bigint) returns json language plpgsql stable as $$
begin
  return coalesce((
    select json_agg(json_build_object('day', u.day, 'model', u.model, 'requests', u.requests,
        'tokens_in', u.tokens_in, 'tokens_out', u.tokens_out, 'cost_nanos', u.cost_nanos)
      order by u.day desc, u.model)
    from makegood.model_use u
    where u.owner = p_owner and u.day >= (to_timestamp(p_since / 1000) at time zone 'utc')::date), '[]');
end $$;
