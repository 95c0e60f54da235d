-- The journal of sagas. One statement each: create, load, page, commit, sweep, follow.
-- Functions keep their plans per connection, and keep the words on the wire few. A function's
-- meaning never changes once it is released: a change is a new name, so that old code still runs.

create schema makegood;

create table makegood.tool (
  name text not null,
  version text not null,
  definition json not null,
  current boolean not null default true,
  registered_at bigint not null,
  primary key (name, version)
);
create unique index tool_current on makegood.tool (name) where current;

create table makegood.saga (
  id text primary key,
  owner text not null,
  client_key text,
  -- Tells the request apart from another one with the same client key.
  request text not null,
  title text not null,
  message text,
  epoch int not null default 0,
  version int not null default 1,
  phase text not null,
  head json not null,
  -- What goes to the queue with this version; the next commit replaces it.
  outbox json not null,
  -- When the sweeper looks; null at rest.
  wake_at bigint,
  sweeps int not null default 0,
  -- Deliveries that were repeated and brought no new version.
  idle_wakes int not null default 0,
  created_at bigint not null,
  updated_at bigint not null,
  invocations int not null default 0,
  commits int not null default 1,
  calls bigint not null default 0,
  bytes_read bigint not null default 0,
  bytes_written bigint not null default 0
) with (fillfactor = 50);
create unique index saga_client_key on makegood.saga (owner, client_key) where client_key is not null;
create index saga_due on makegood.saga (wake_at) where wake_at is not null;
create index saga_recent on makegood.saga (created_at desc);
create index saga_owner on makegood.saga (owner, created_at desc);

-- The frozen plan.
create table makegood.node (
  saga text not null references makegood.saga (id) on delete cascade,
  epoch int not null,
  ix int not null,
  tool text not null,
  tool_version text not null,
  refs int[] not null,
  spec json not null,
  primary key (saga, epoch, ix)
);

-- The journal. `seq` is the version times 1000000 plus the place in the commit; `node` is -1 for what
-- concerns the whole saga.
create table makegood.fact (
  saga text not null,
  epoch int not null,
  node int not null,
  seq bigint not null,
  kind text not null,
  body json not null,
  primary key (saga, epoch, node, seq)
);

-- Writes saga, plan and first wake; a client key that was used before answers with its saga.
create function makegood.create_saga(
  p_id text, p_owner text, p_client_key text, p_title text, p_message text, p_head json, p_nodes json,
  p_now bigint, p_wake_at bigint, p_outbox json, p_bytes bigint, p_request text
) returns json language plpgsql as $$
declare
  existing makegood.saga;
begin
  insert into makegood.saga
    (id, owner, client_key, request, title, message, phase, head, outbox, wake_at, created_at, updated_at,
      bytes_written)
  values
    (p_id, p_owner, p_client_key, p_request, p_title, p_message, 'forward', p_head, p_outbox, p_wake_at, p_now, p_now, p_bytes)
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

-- Nodes of the plan from p_from to p_to, and those in p_open, with what is needed to act on them.
create function makegood.window(
  p_saga text, p_epoch int, p_from int, p_to int, p_open int[], p_past boolean
) returns json language plpgsql stable as $$
declare
  specs json;
  tools json;
  outputs json;
  past json;
  wanted int[];
  chosen int[];
begin
  select json_agg(n.spec order by n.ix), array_agg(n.ix) into specs, chosen
    from makegood.node n
    where n.saga = p_saga and n.epoch = p_epoch and ((n.ix >= p_from and n.ix < p_to) or n.ix = any (p_open));
  if specs is null then
    return '{"nodes":[]}';
  end if;
  select json_object_agg(t.name, t.definition) into tools
    from makegood.tool t
    where (t.name, t.version) in (
      select n.tool, n.tool_version from makegood.node n
      where n.saga = p_saga and n.epoch = p_epoch and n.ix = any (chosen));
  select array_agg(distinct r) into wanted
    from makegood.node n, unnest(n.refs) r
    where n.saga = p_saga and n.epoch = p_epoch and n.ix = any (chosen);
  if wanted is not null then
    select json_object_agg(f.node, f.body->'output') into outputs
      from makegood.fact f
      where f.saga = p_saga and f.epoch = p_epoch and f.node = any (wanted) and f.kind = 'done';
  end if;
  if p_past then
    select json_object_agg(g.node, json_build_object('started', g.started, 'params', g.params, 'done', g.done, 'output', g.output)) into past
      from (
        select f.node, bool_or(f.kind = 'started') as started, bool_or(f.kind = 'done') as done,
          (array_agg(f.body->'params') filter (where f.kind = 'started'))[1] as params,
          (array_agg(f.body->'output') filter (where f.kind = 'done'))[1] as output
        from makegood.fact f
        where f.saga = p_saga and f.epoch = p_epoch and f.node = any (chosen) and f.kind in ('started', 'done')
        group by f.node) g;
  end if;
  return json_build_object(
    'nodes', specs, 'tools', coalesce(tools, '{}'), 'outputs', coalesce(outputs, '{}'), 'past', coalesce(past, '{}'));
end $$;

-- All that an invocation needs to go on. With p_count the delivery is counted as one that may bring
-- nothing. The window is as wide as this saga's invocations usually get.
create function makegood.load_saga(p_id text, p_count boolean) returns json language plpgsql as $$
declare
  s makegood.saga;
  open int[];
  reach int;
  width int;
  unwinding boolean;
begin
  if p_count then
    update makegood.saga set idle_wakes = idle_wakes + 1 where id = p_id and wake_at is not null;
  end if;
  select * into s from makegood.saga where id = p_id;
  if not found then
    return null;
  end if;
  if s.wake_at is null then
    return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
      'window', '{"nodes":[]}'::json);
  end if;
  unwinding := s.phase = 'unwinding';
  reach := (s.head->>'cursor')::int;
  open := array(select k::int from json_object_keys(s.head->'open') k);
  width := case when s.invocations = 0 then 8 else greatest(2, least(32, reach / s.invocations + 1)) end;
  if unwinding then
    reach := (s.head->>'floor')::int - width;
  end if;
  return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
    'window', makegood.window(s.id, s.epoch, reach, reach + width, open, unwinding));
end $$;

-- Appends to the journal if the version still holds: the new version, or 0.
create function makegood.commit_saga(
  p_id text, p_version int, p_phase text, p_head json, p_records json, p_wake_at bigint, p_outbox json,
  p_now bigint, p_invocations int, p_calls bigint, p_read bigint, p_written bigint
) returns int language plpgsql as $$
declare
  e int;
begin
  update makegood.saga set
    version = p_version + 1, phase = p_phase, head = p_head, wake_at = p_wake_at, outbox = p_outbox,
    updated_at = p_now, idle_wakes = 0, commits = commits + 1, invocations = p_invocations, calls = p_calls,
    bytes_read = bytes_read + p_read, bytes_written = bytes_written + p_written
    where id = p_id and version = p_version
    returning epoch into e;
  if not found then
    return 0;
  end if;
  insert into makegood.fact (saga, epoch, node, seq, kind, body)
    select p_id, e, coalesce((r->>'node')::int, -1), (p_version + 1)::bigint * 1000000 + place, r->>'type', r
    from json_array_elements(p_records) with ordinality as given (r, place);
  return p_version + 1;
end $$;

-- Sagas that nobody woke in time. Each answer carries its sweep's number, so that its message is
-- not taken for a repeat of an earlier one.
create function makegood.sweep(p_now bigint, p_again bigint, p_limit int) returns json language plpgsql as $$
declare
  found json;
begin
  with due as (
    select id from makegood.saga where wake_at <= p_now order by wake_at limit p_limit for update skip locked
  ), woken as (
    update makegood.saga s set sweeps = s.sweeps + 1, wake_at = p_again from due where s.id = due.id
    returning s.id, s.version, s.sweeps
  )
  select json_agg(json_build_object('id', id, 'version', version, 'sweep', sweeps)) into found from woken;
  return coalesce(found, '[]');
end $$;

-- A saga as people see it: its row, its plan, and its journal after p_after.
create function makegood.follow_saga(p_id text, p_after bigint) returns json language plpgsql stable as $$
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
  end if;
  select json_agg(json_build_object('seq', f.seq, 'record', f.body) order by f.seq) into journal
    from makegood.fact f where f.saga = p_id and f.epoch = s.epoch and f.seq > p_after;
  return json_build_object(
    'id', s.id, 'owner', s.owner, 'title', s.title, 'message', s.message, 'phase', s.phase, 'version', s.version,
    'created_at', s.created_at, 'updated_at', s.updated_at, 'wake_at', s.wake_at,
    'counters', json_build_object('invocations', s.invocations, 'commits', s.commits, 'calls', s.calls,
      'bytes_read', s.bytes_read, 'bytes_written', s.bytes_written, 'sweeps', s.sweeps),
    'nodes', coalesce(plan, '[]'), 'journal', coalesce(journal, '[]'));
end $$;

-- The newest sagas, of one owner or of all, before a point in time.
create function makegood.list_sagas(p_owner text, p_before bigint, p_limit int) returns json language plpgsql stable as $$
declare
  found json;
begin
  select json_agg(json_build_object(
      'id', l.id, 'owner', l.owner, 'title', l.title, 'phase', l.phase, 'version', l.version,
      'created_at', l.created_at, 'updated_at', l.updated_at, 'invocations', l.invocations, 'commits', l.commits,
      'calls', l.calls) order by l.created_at desc, l.id desc) into found
    from (
      select * from makegood.saga s
      where (p_owner is null or s.owner = p_owner) and s.created_at < p_before
      order by s.created_at desc, s.id desc limit p_limit) l;
  return coalesce(found, '[]');
end $$;

-- Registers a tool's version; the same version with another definition is refused (false).
create function makegood.register_tool(p_definition json, p_now bigint) returns boolean language plpgsql as $$
declare
  known json;
begin
  select definition into known from makegood.tool
    where name = p_definition->>'name' and version = p_definition->>'version';
  if found then
    return known::jsonb = p_definition::jsonb;
  end if;
  update makegood.tool set current = false where name = p_definition->>'name' and current;
  insert into makegood.tool (name, version, definition, registered_at)
    values (p_definition->>'name', p_definition->>'version', p_definition, p_now);
  return true;
end $$;

-- The current definitions by name: those of a list of names, or with null all of them.
create function makegood.list_tools(p_names json) returns json language plpgsql stable as $$
begin
  if p_names is null then
    return coalesce((select json_object_agg(t.name, t.definition) from makegood.tool t where t.current), '{}');
  end if;
  return coalesce((
    select json_object_agg(t.name, t.definition) from makegood.tool t
    where t.current and t.name in (select json_array_elements_text(p_names))), '{}');
end $$;
