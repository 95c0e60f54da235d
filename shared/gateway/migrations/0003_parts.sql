-- Steps for each item of a list, with alternatives, and left to a person: what an invocation loads says
-- how a node was done and undone. And how long calls take is learned.

-- How long nine of ten calls of a tool take, in milliseconds, of late.
create table makegood.tool_time (
  tool text not null,
  version text not null,
  took bigint not null,
  learned_at bigint not null,
  primary key (tool, version)
);

-- Learns from the newest sagas since p_since: a few hundred at most, so that it costs the same however
-- many there are. What was known before counts for three quarters, so that one bad minute is not the rule.
create function makegood.learn(p_since bigint, p_now bigint) returns int language plpgsql as $$
declare
  learned int;
begin
  insert into makegood.tool_time as known (tool, version, took, learned_at)
    select n.tool, n.tool_version,
        percentile_disc(0.9) within group (order by (f.body->>'took')::bigint), p_now
      from (select id, epoch from makegood.saga where created_at >= p_since order by created_at desc limit 200) s
      join makegood.fact f on f.saga = s.id and f.epoch = s.epoch and f.kind = 'done'
      join makegood.node n on n.saga = f.saga and n.epoch = f.epoch and n.ix = f.node
      join makegood.tool t on t.name = n.tool and t.version = n.tool_version
      where (f.body->>'attempt')::int > 0 and (f.body->>'at')::bigint >= p_since
      group by n.tool, n.tool_version
      having count(*) >= 5
  on conflict (tool, version) do update
    set took = (3 * known.took + excluded.took) / 4, learned_at = excluded.learned_at;
  get diagnostics learned = row_count;
  return learned;
end $$;

-- As `window_2`, with what was learned of the tools, and with how a node was done and undone.
create function makegood.window_3(
  p_saga text, p_epoch int, p_from int, p_to int, p_open int[], p_past boolean
) returns json language plpgsql stable as $$
declare
  specs json;
  tools json;
  drifted json;
  estimates json;
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
  select json_object_agg(t.name, t.definition), json_agg(t.name) filter (where not t.current),
      json_object_agg(t.name, l.took) filter (where l.took is not null) into tools, drifted, estimates
    from makegood.tool t left join makegood.tool_time l on l.tool = t.name and l.version = t.version
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
    select json_object_agg(g.node, json_build_object('started', g.started, 'params', g.params, 'done', g.done, 'output', g.output,
        'round', g.round, 'by_hand', g.by_hand, 'undone', g.undone)) into past
      from (
        select f.node, bool_or(f.kind = 'started') as started, bool_or(f.kind = 'done') as done,
          bool_or(f.kind = 'undone') as undone,
          coalesce(max((f.body->>'round')::int) filter (where f.kind = 'started'), 0) as round,
          coalesce(bool_or((f.body->>'attempt')::int = 0) filter (where f.kind = 'done'), false) as by_hand,
          (array_agg(f.body->'params') filter (where f.kind = 'started'))[1] as params,
          (array_agg(f.body->'output') filter (where f.kind = 'done'))[1] as output
        from makegood.fact f
        where f.saga = p_saga and f.epoch = p_epoch and f.node = any (chosen) and f.kind in ('started', 'done', 'undone')
        group by f.node) g;
  end if;
  return json_build_object(
    'nodes', specs, 'tools', coalesce(tools, '{}'), 'drifted', coalesce(drifted, '[]'),
    'estimates', coalesce(estimates, '{}'),
    'outputs', coalesce(outputs, '{}'), 'past', coalesce(past, '{}'));
end $$;

-- As `load_saga_2`, with that window.
create function makegood.load_saga_3(p_id text, p_count boolean) returns json language plpgsql as $$
declare
  s makegood.saga;
  open int[];
  reach int;
  width int;
  past boolean;
begin
  if p_count then
    update makegood.saga set idle_wakes = idle_wakes + 1 where id = p_id and wake_at is not null;
  end if;
  select * into s from makegood.saga where id = p_id;
  if not found then
    return null;
  end if;
  if s.phase in ('completed', 'made_good') then
    return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
      'window', '{"nodes":[]}'::json);
  end if;
  past := s.phase <> 'forward';
  reach := (s.head->>'cursor')::int;
  open := array(select k::int from json_object_keys(s.head->'open') k);
  width := case when s.invocations = 0 then 8 else greatest(2, least(32, reach / s.invocations + 1)) end;
  if s.phase = 'unwinding' then
    reach := (s.head->>'floor')::int - width;
  end if;
  return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
    'window', makegood.window_3(s.id, s.epoch, reach, reach + width, open, past));
end $$;

-- As `sweep`. That a saga had to be swept is a wake that brought nothing, and is counted as one.
create function makegood.sweep_2(p_now bigint, p_again bigint, p_limit int) returns json language plpgsql as $$
declare
  found json;
begin
  with due as (
    select id from makegood.saga where wake_at <= p_now order by wake_at limit p_limit for update skip locked
  ), woken as (
    update makegood.saga s set sweeps = s.sweeps + 1, idle_wakes = s.idle_wakes + 1, wake_at = p_again
    from due where s.id = due.id
    returning s.id, s.version, s.sweeps
  )
  select json_agg(json_build_object('id', id, 'version', version, 'sweep', sweeps)) into found from woken;
  return coalesce(found, '[]');
end $$;
