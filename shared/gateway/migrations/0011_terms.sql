-- What an invocation needs of a tool: its terms, which are half of its definition or less. What it means,
-- what it gives, and who agrees to it were settled when the plan was frozen.

alter table makegood.tool add column terms json generated always as (
  (definition::jsonb - '{name,version,title,description,class,approval,output}'::text[])::json
) stored;

-- As `window_3`, with the terms of the tools.
create function makegood.window_4(
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
  select json_object_agg(t.name, t.terms), json_agg(t.name) filter (where not t.current),
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

-- As `load_saga_4`, with that window.
create function makegood.load_saga_5(p_id text, p_count boolean) returns json language plpgsql as $$
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
  past := s.phase <> 'forward' or (s.head->>'epoch')::int > 0;
  reach := (s.head->>'cursor')::int;
  open := array(select k::int from json_object_keys(s.head->'open') k);
  width := case when s.invocations = 0 then 8 else greatest(2, least(32, reach / s.invocations + 1)) end;
  if s.phase = 'unwinding' then
    reach := (s.head->>'floor')::int - width;
  end if;
  return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
    'window', makegood.window_4(s.id, s.epoch, reach, reach + width, open, past));
end $$;
