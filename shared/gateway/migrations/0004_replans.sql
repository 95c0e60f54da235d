-- Another plan in the place of what is left: nodes are appended to those that there are, in the commit that
-- tells of them. What is undone while the saga goes forward is undone as it was done, so its past is
-- loaded too.

-- As `commit_saga`, with nodes that are appended to the plan.
create function makegood.commit_plan(
  p_id text, p_version int, p_phase text, p_head json, p_records json, p_wake_at bigint, p_outbox json,
  p_now bigint, p_invocations int, p_calls bigint, p_read bigint, p_written bigint, p_nodes json
) returns int language plpgsql as $$
declare
  v int;
begin
  v := makegood.commit_saga(p_id, p_version, p_phase, p_head, p_records, p_wake_at, p_outbox, p_now, p_invocations,
    p_calls, p_read, p_written);
  if v > 0 then
    insert into makegood.node (saga, epoch, ix, tool, tool_version, refs, spec)
      select p_id, s.epoch, (n->>'ix')::int, n->>'tool', n->>'version',
        array(select r.value::int from json_each_text(coalesce(n->'refs', '{}')) r), n
      from json_array_elements(p_nodes) n, makegood.saga s where s.id = p_id;
  end if;
  return v;
end $$;

-- As `load_saga_3`, with the past of nodes also where a replan may have left something to undo.
create function makegood.load_saga_4(p_id text, p_count boolean) returns json language plpgsql as $$
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
    'window', makegood.window_3(s.id, s.epoch, reach, reach + width, open, past));
end $$;
