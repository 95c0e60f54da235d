-- Read models: what lists and counts are made of. They are projections of the journal, made by the transaction that
-- commits to it, and can be made of it anew at any time (docs/VIEWS.md). Nothing is decided by them.
--
-- What a record means for a line is said once, in `step_next`, `saga_turns` and `tool_answer`. `project` applies it to
-- the records of one commit; `fold_steps`, `fold_saga` and `tool_fold` to all that there are.

-- A line for each saga.
create table makegood.saga_view (
  saga text primary key,
  owner text not null,
  title text not null,
  phase text not null,
  priority text not null,
  -- The commit that it is as of.
  version int not null,
  created_at bigint not null,
  updated_at bigint not null,
  invocations int not null,
  commits int not null,
  calls bigint not null,
  -- Nothing new is started until somebody has it go on.
  paused boolean not null,
  -- Why it turned round: step, cancelled, deadline or budget.
  cause text
) with (fillfactor = 50);
create index saga_view_recent on makegood.saga_view (created_at desc);
create index saga_view_owner on makegood.saga_view (owner, created_at desc);
create index saga_view_phase on makegood.saga_view (phase, created_at desc);

-- A line for each step, as `core::saga::report` tells of it.
create table makegood.step_view (
  saga text not null,
  node int not null,
  step text not null,
  tool text not null,
  class text not null,
  -- As the journal has it; what a saga that turned round leaves unbegun is made of it by `step_standing`.
  standing text not null,
  -- A place that a list turned out not to have.
  beyond boolean not null,
  -- What it was refused or held with, until a person took it up.
  code text,
  -- Calls, of each kind.
  dos int not null,
  statuses int not null,
  undos int not null,
  -- Those that began and were not answered, by their numbers; an undo's is -1 less its number.
  under_way int[] not null,
  began_at bigint,
  changed_at bigint,
  -- In calls, all together, in milliseconds.
  took bigint not null,
  primary key (saga, node)
) with (fillfactor = 70);
create index step_view_tool on makegood.step_view (tool, saga);

-- What became of a tool's calls, by the owner of their sagas and the day (UTC) on which they were answered.
create table makegood.tool_view (
  owner text not null,
  tool text not null,
  day date not null,
  -- Of the saga's id: so that sagas that call the same tool do not wait for each other. What counts is the sum.
  lane int not null,
  calls bigint not null,
  done bigint not null,
  refused bigint not null,
  no_answer bigint not null,
  undone bigint not null,
  -- Undos that found nothing to undo.
  fenced bigint not null,
  took bigint not null,
  primary key (owner, tool, day, lane)
) with (fillfactor = 50);

-- A commit's records, and a saga's in their order.
create index fact_order on makegood.fact (saga, seq);

-- A step before its first record.
create function makegood.step_begin(n makegood.node) returns makegood.step_view language plpgsql immutable as $$
begin
  return row(n.saga, n.ix, n.spec->>'id', n.tool, n.spec->>'class', 'pending', false, null, 0, 0, 0, '{}'::int[],
    null, null, 0)::makegood.step_view;
end $$;

-- A step after one more record: one about itself, or a plan that has no use for it. `StepReport::tell` in SQL. A record
-- is read no more often than it must be, for its output may be long.
create function makegood.step_next(s makegood.step_view, f makegood.fact) returns makegood.step_view
language plpgsql immutable as $$
declare
  -- The kind of the call that began or ended, if one did.
  op text;
  number int;
  spent bigint;
  place int;
begin
  s.changed_at := (f.body->>'at')::bigint;
  s.beyond := false;
  case f.kind
    when 'started' then
      s.standing := 'running';
      s.dos := s.dos + 1;
      s.under_way := s.under_way || (f.body->>'attempt')::int;
      s.began_at := coalesce(s.began_at, s.changed_at);
    when 'done' then
      s.standing := 'done';
      op := 'do';
    when 'refused' then
      s.standing := 'refused';
      s.code := f.body->>'code';
      op := 'do';
    when 'unsettled' then
      op := f.body->>'op';
      s.standing := case op when 'undo' then 'undoing' else 'waiting' end;
    when 'undo_started' then
      s.standing := 'undoing';
      s.undos := s.undos + 1;
      s.under_way := s.under_way || (-1 - (f.body->>'attempt')::int);
    when 'undone' then
      s.standing := case when (f.body->>'found')::boolean then 'undone' else 'fenced' end;
      op := 'undo';
    when 'held' then
      s.standing := 'held';
      s.code := f.body->>'code';
    when 'waiting' then s.standing := 'waiting';
    when 'queued' then s.standing := 'queued';
    when 'shut' then
      if s.standing in ('pending', 'running', 'queued') then
        s.standing := 'waiting';
      end if;
    when 'skipped' then
      s.standing := 'skipped';
      s.beyond := f.body->>'why' = 'The list has no such item.';
    when 'asked' then s.standing := 'asking';
    when 'retried' then
      s.standing := 'waiting';
      s.code := null;
    when 'resolved' then s.code := null;
    when 'replanned' then
      if s.standing in ('pending', 'waiting', 'queued', 'asking', 'skipped', 'held') then
        s.standing := 'abandoned';
        s.code := null;
      end if;
    else null;
  end case;

  if op is null then
    return s;
  end if;
  number := (f.body->>'attempt')::int;
  -- A wait's end, and what a person said, are no calls.
  if f.kind = 'done' and number = 0 then
    return s;
  end if;
  spent := coalesce((f.body->>'took')::bigint, 0);
  s.took := s.took + spent;
  if op = 'status' then
    s.statuses := s.statuses + 1;
    return s;
  end if;
  place := array_position(s.under_way, case op when 'undo' then -1 - number else number end);
  if place is not null then
    s.under_way := s.under_way[:place - 1] || s.under_way[place + 1:];
  elsif op = 'undo' then
    s.undos := s.undos + 1;
  else
    -- Nobody wrote that it began: it only reads.
    s.dos := s.dos + 1;
    s.began_at := coalesce(s.began_at, s.changed_at - spent);
  end if;
  return s;
end $$;

-- The steps of a saga, made of its journal from the beginning. Another plan is told to every step that it drops.
create function makegood.fold_steps(p_saga text) returns setof makegood.step_view language plpgsql stable as $$
declare
  t record;
  s makegood.step_view;
begin
  for t in
    select n as node, a.fact
      from makegood.node n left join (
        select f.node as ix, f.seq, f as fact from makegood.fact f where f.saga = p_saga and f.node >= 0
        union all
        select k.ix, f.seq, f from makegood.fact f join makegood.node k on k.saga = f.saga and k.epoch = 0
          where f.saga = p_saga and f.epoch = 0 and f.node = -1 and f.kind = 'replanned'
            and k.ix < (f.body->>'from')::int and not (f.body->'kept')::jsonb @> to_jsonb(k.ix)) a on a.ix = n.ix
      where n.saga = p_saga and n.epoch = 0
      order by n.ix, a.seq
  loop
    if s.node is distinct from (t.node).ix then
      if s.node is not null then
        return next s;
      end if;
      s := makegood.step_begin(t.node);
    end if;
    if (t.fact).seq is not null then
      s := makegood.step_next(s, t.fact);
    end if;
  end loop;
  if s.node is not null then
    return next s;
  end if;
end $$;

-- A saga's line after a record that has it stop, go on or turn round.
create function makegood.saga_turns(v makegood.saga_view, f makegood.fact) returns makegood.saga_view
language plpgsql immutable as $$
begin
  v.paused := f.kind = 'paused';
  v.cause := coalesce(f.body->'cause'->>'why', v.cause);
  return v;
end $$;

-- A saga, made of its row and of its journal from the beginning.
create function makegood.fold_saga(s makegood.saga) returns makegood.saga_view language plpgsql stable as $$
declare
  f makegood.fact;
  v makegood.saga_view;
begin
  v.saga := s.id;
  v.owner := s.owner;
  v.title := s.title;
  v.phase := s.phase;
  v.version := s.version;
  v.priority := coalesce(s.head->>'priority', 'normal');
  v.created_at := s.created_at;
  v.updated_at := s.updated_at;
  v.invocations := s.invocations;
  v.commits := s.commits;
  v.calls := s.calls;
  v.paused := false;
  for f in
    select * from makegood.fact l
      where l.saga = s.id and l.epoch = 0 and l.node = -1 and l.kind in ('paused', 'resumed', 'unwinding') order by l.seq
  loop
    v := makegood.saga_turns(v, f);
  end loop;
  return v;
end $$;

-- What tools answered: a line for each record that tells of a call's end. What a person said, and what ended without a
-- call, is none.
create view makegood.tool_answer as
  select f.saga, f.seq, n.tool,
    (to_timestamp((f.body->>'at')::bigint / 1000) at time zone 'utc')::date as day, ascii(right(f.saga, 1)) & 15 as lane,
    (f.kind = 'done')::int as done, (f.kind = 'refused')::int as refused, (f.kind = 'unsettled')::int as no_answer,
    (f.kind = 'undone' and f.body->>'found' = 'true')::int as undone,
    (f.kind = 'undone' and f.body->>'found' <> 'true')::int as fenced,
    coalesce((f.body->>'took')::bigint, 0) as took
  from makegood.fact f
  join makegood.node n on n.saga = f.saga and n.epoch = f.epoch and n.ix = f.node
  where f.kind in ('done', 'refused', 'unsettled', 'undone') and (f.body->>'attempt')::int > 0;

-- All of them.
create view makegood.tool_fold as
  select s.owner, a.tool, a.day, a.lane, count(*) as calls, sum(a.done)::bigint as done,
    sum(a.refused)::bigint as refused, sum(a.no_answer)::bigint as no_answer, sum(a.undone)::bigint as undone, sum(a.fenced)::bigint as fenced,
    sum(a.took)::bigint as took
  from makegood.tool_answer a join makegood.saga s on s.id = a.saga
  group by s.owner, a.tool, a.day, a.lane;

-- Writes a saga's lines anew.
create function makegood.project_saga(s makegood.saga) returns void language plpgsql as $$
begin
  delete from makegood.step_view where saga = s.id;
  delete from makegood.saga_view where saga = s.id;
  insert into makegood.step_view select * from makegood.fold_steps(s.id);
  insert into makegood.saga_view select * from makegood.fold_saga(s);
end $$;

-- Has the views follow one commit.
create function makegood.project() returns trigger language plpgsql as $$
declare
  -- Where the commit's records are in the journal.
  low bigint := new.version::bigint * 1000000;
  high bigint := low + 999999;
  nodes int[];
  replanned boolean;
  turned boolean;
  answered boolean;
  known int;
  place int;
  v makegood.saga_view;
  s makegood.step_view;
  f makegood.fact;
begin
  select k.version into known from makegood.saga_view k where k.saga = new.id;
  if known >= new.version then
    return null;
  end if;
  select array_agg(distinct l.node), bool_or(l.kind = 'replanned'),
      bool_or(l.kind in ('paused', 'resumed', 'unwinding')),
      bool_or(l.kind in ('done', 'refused', 'unsettled', 'undone')) into nodes, replanned, turned, answered
    from makegood.fact l where l.saga = new.id and l.seq between low and high;

  if replanned or known is distinct from new.version - 1 then
    perform makegood.project_saga(new);
  else
    update makegood.saga_view k set phase = new.phase, version = new.version, updated_at = new.updated_at,
        invocations = new.invocations, commits = new.commits, calls = new.calls
      where k.saga = new.id;
    if turned then
      select * into v from makegood.saga_view k where k.saga = new.id;
      for f in
        select * from makegood.fact l
          where l.saga = new.id and l.seq between low and high and l.kind in ('paused', 'resumed', 'unwinding')
          order by l.seq
      loop
        v := makegood.saga_turns(v, f);
      end loop;
      update makegood.saga_view k set paused = v.paused, cause = v.cause where k.saga = new.id;
    end if;
    foreach place in array coalesce(nodes, '{}') loop
      select * into s from makegood.step_view k where k.saga = new.id and k.node = place;
      continue when not found;
      for f in
        select * from makegood.fact l
          where l.saga = new.id and l.epoch = 0 and l.node = place and l.seq between low and high order by l.seq
      loop
        s := makegood.step_next(s, f);
      end loop;
      update makegood.step_view k set standing = s.standing, beyond = s.beyond, code = s.code, dos = s.dos,
          statuses = s.statuses, undos = s.undos, under_way = s.under_way, began_at = s.began_at,
          changed_at = s.changed_at, took = s.took
        where k.saga = new.id and k.node = place;
    end loop;
  end if;

  if answered then
    -- Always in the same order, so that no two wait for each other in a ring.
    insert into makegood.tool_view as k
      select new.owner, a.tool, a.day, a.lane, count(*), sum(a.done), sum(a.refused), sum(a.no_answer), sum(a.undone),
        sum(a.fenced), sum(a.took)
      from makegood.tool_answer a where a.saga = new.id and a.seq between low and high
      group by a.tool, a.day, a.lane order by a.tool, a.day, a.lane
      on conflict (owner, tool, day, lane) do update set
        calls = k.calls + excluded.calls, done = k.done + excluded.done, refused = k.refused + excluded.refused,
        no_answer = k.no_answer + excluded.no_answer, undone = k.undone + excluded.undone,
        fenced = k.fenced + excluded.fenced, took = k.took + excluded.took;
  end if;
  return null;
end $$;
-- At the end of the commit: its records and the steps that it adds are there then, and a tool's line is held for as
-- short as can be. It comes before the audit log's triggers, which were queued later, so that all take locks in one order.
create constraint trigger project after insert or update of version on makegood.saga deferrable initially deferred
  for each row execute function makegood.project();

-- As `list_sagas_2`, of a phase, and of those that have a step of a tool.
create function makegood.list_sagas_3(p_owner text, p_before bigint, p_limit int, p_phase text, p_tool text)
returns json language plpgsql stable as $$
begin
  return coalesce((select json_agg(json_build_object(
      'id', l.saga, 'owner', l.owner, 'title', l.title, 'phase', l.phase, 'version', l.version,
      'priority', l.priority, 'created_at', l.created_at, 'updated_at', l.updated_at, 'invocations', l.invocations,
      'commits', l.commits, 'calls', l.calls) order by l.created_at desc, l.saga desc)
    from (
      select * from makegood.saga_view v
      where (p_owner is null or v.owner = p_owner) and v.created_at < p_before
        and (p_phase is null or v.phase = p_phase)
        and (p_tool is null or exists (select from makegood.step_view t where t.tool = p_tool and t.saga = v.saga))
      order by v.created_at desc, v.saga desc limit p_limit) l), '[]');
end $$;

-- How a step stands in a saga of this phase: what was not begun by one that turned round, never will be.
create function makegood.step_standing(s makegood.step_view, p_phase text) returns text language sql immutable as $$
  select case when p_phase <> 'forward'
      and (s.standing = 'pending' or s.standing in ('waiting', 'queued', 'asking') and s.dos = 0)
    then 'abandoned' else s.standing end
$$;

-- Counts, of one owner or of all; of tools since a time.
create function makegood.count_views(p_owner text, p_since bigint) returns json language plpgsql stable as $$
declare
  phases json;
  causes json;
  still bigint;
  standings json;
  tools json;
  oldest json;
begin
  select json_object_agg(l.phase, l.n) into phases from (
    select v.phase, count(*) as n from makegood.saga_view v where p_owner is null or v.owner = p_owner
      group by v.phase) l;
  select json_object_agg(l.cause, l.n) into causes from (
    select v.cause, count(*) as n from makegood.saga_view v
      where (p_owner is null or v.owner = p_owner) and v.cause is not null group by v.cause) l;
  select count(*) into still from makegood.saga_view v
    where (p_owner is null or v.owner = p_owner) and v.phase in ('forward', 'unwinding') and v.paused;
  select json_object_agg(l.standing, l.n) into standings from (
    select makegood.step_standing(t, v.phase) as standing, count(*) as n
      from makegood.saga_view v join makegood.step_view t on t.saga = v.saga
      where (p_owner is null or v.owner = p_owner) and v.phase in ('forward', 'unwinding', 'stuck') and not t.beyond
      group by 1) l;
  select json_agg(row_to_json(l) order by l.tool) into tools from (
    select v.tool, sum(v.calls)::bigint as calls, sum(v.done)::bigint as done, sum(v.refused)::bigint as refused,
        sum(v.no_answer)::bigint as no_answer, sum(v.undone)::bigint as undone, sum(v.fenced)::bigint as fenced,
        sum(v.took)::bigint as took
      from makegood.tool_view v
      where (p_owner is null or v.owner = p_owner)
        and v.day >= (to_timestamp(p_since / 1000) at time zone 'utc')::date
      group by v.tool having sum(v.calls) > 0) l;
  select json_build_object('id', v.saga, 'owner', v.owner, 'title', v.title, 'phase', v.phase,
      'created_at', v.created_at) into oldest
    from makegood.saga_view v
    where (p_owner is null or v.owner = p_owner) and v.phase in ('forward', 'unwinding', 'stuck')
    order by v.created_at, v.saga limit 1;
  return json_build_object('phases', coalesce(phases, '{}'), 'paused', still, 'causes', coalesce(causes, '{}'),
    'standings', coalesce(standings, '{}'), 'tools', coalesce(tools, '[]'), 'oldest_unfinished', oldest);
end $$;

-- A line as it is and as it should be: what differs, or nothing. Null in place of what is not there.
create function makegood.line_differs(p_there jsonb, p_should jsonb, out there jsonb, out should jsonb)
language sql immutable as $$
  select
      case when p_there is not null then
        coalesce(jsonb_object_agg(k, p_there->k) filter (where p_should is not null), '{}') end,
      case when p_should is not null then
        coalesce(jsonb_object_agg(k, p_should->k) filter (where p_there is not null), '{}') end
    from jsonb_object_keys(coalesce(p_should, p_there)) k where p_there->k is distinct from p_should->k
$$;

-- The lines of a saga that are not what the journal says.
create function makegood.saga_differs(p_saga text) returns table (view text, line text, there jsonb, should jsonb)
language plpgsql stable as $$
begin
  return query
    select l.view, l.line, d.there, d.should
    from (
      select 'saga_view' as view, p_saga as line, to_jsonb(v) as there, to_jsonb(w) as should
        from (select k.* from makegood.saga_view k where k.saga = p_saga) v
        full join (select m.* from makegood.saga s, makegood.fold_saga(s) m where s.id = p_saga) w on w.saga = v.saga
      union all
      select 'step_view', p_saga || '/' || coalesce(w.step, v.step), to_jsonb(v), to_jsonb(w)
        from (select k.* from makegood.step_view k where k.saga = p_saga) v
        full join (select m.* from makegood.fold_steps(p_saga) m) w on w.node = v.node) l,
      makegood.line_differs(l.there, l.should) d
    where l.there is distinct from l.should;
end $$;

-- The tools' lines that are not what the journal says. One that counts nothing is as good as none.
create function makegood.tools_differ() returns table (view text, line text, there jsonb, should jsonb)
language plpgsql stable as $$
begin
  return query
    select 'tool_view', format('%s of %s on %s, lane %s', l.tool, l.owner, l.day, l.lane), d.there, d.should
    from (
      select coalesce(w.tool, v.tool) as tool, coalesce(w.owner, v.owner) as owner, coalesce(w.day, v.day) as day,
          coalesce(w.lane, v.lane) as lane, to_jsonb(v) as there, to_jsonb(w) as should
        from (
          select * from makegood.tool_view k
            where (k.calls, k.done, k.refused, k.no_answer, k.undone, k.fenced, k.took) <> (0, 0, 0, 0, 0, 0, 0)) v
        full join makegood.tool_fold w
          on w.owner = v.owner and w.tool = v.tool and w.day = v.day and w.lane = v.lane) l,
      makegood.line_differs(l.there, l.should) d
    where l.there is distinct from l.should;
end $$;

-- Looks at so many sagas after one, in the order of their ids: how many there were, the last of them, how many lines
-- differ, and the first of these.
create function makegood.check_views(p_after text, p_limit int) returns json language plpgsql stable as $$
begin
  return (
    with looked as (select s.id from makegood.saga s where s.id > p_after order by s.id limit p_limit),
      found as (select d.* from looked l, makegood.saga_differs(l.id) d)
    select json_build_object('sagas', (select count(*) from looked), 'last', (select max(id) from looked),
      'differ', (select count(*) from found),
      'first', coalesce((select json_agg(row_to_json(f)) from (
        select * from found order by line, view limit 20) f), '[]')));
end $$;

-- Looks at the rest: at lines of sagas that there are not, and at the tools.
create function makegood.check_views_rest() returns json language plpgsql stable as $$
begin
  return (
    with found as (
      select 'saga_view' as view, v.saga as line, '{}'::jsonb as there, null::jsonb as should from makegood.saga_view v
        where not exists (select from makegood.saga s where s.id = v.saga)
      union all
      select 'step_view', v.saga || '/' || v.step, '{}', null from makegood.step_view v
        where not exists (select from makegood.saga s where s.id = v.saga)
      union all
      select * from makegood.tools_differ())
    select json_build_object('sagas', 0, 'last', null, 'differ', (select count(*) from found),
      'first', coalesce((select json_agg(row_to_json(f)) from (
        select * from found order by view, line limit 20) f), '[]')));
end $$;

-- Makes anew what differs of so many sagas after one: how many there were, the last of them, and how many were mended.
-- Their commits wait as long as that takes.
create function makegood.rebuild_views(p_after text, p_limit int) returns json language plpgsql as $$
declare
  chosen text[];
  mended int := 0;
  s makegood.saga;
begin
  chosen := array(select l.id from makegood.saga l where l.id > p_after order by l.id limit p_limit for no key update);
  for s in select * from makegood.saga l where l.id = any (chosen) loop
    if exists (select from makegood.saga_differs(s.id)) then
      perform makegood.project_saga(s);
      mended := mended + 1;
    end if;
  end loop;
  return json_build_object('sagas', cardinality(chosen), 'last', chosen[cardinality(chosen)], 'mended', mended);
end $$;

-- The rest. What a tool's line lacks is added to it, or taken from it, as of one moment: so nobody has to wait, and
-- what is committed meanwhile is added to it as well.
create function makegood.rebuild_views_rest() returns json language plpgsql as $$
declare
  written int;
  mended int;
begin
  delete from makegood.step_view v where not exists (select from makegood.saga s where s.id = v.saga);
  get diagnostics mended = row_count;
  delete from makegood.saga_view v where not exists (select from makegood.saga s where s.id = v.saga);
  get diagnostics written = row_count;
  mended := mended + written;
  insert into makegood.tool_view as v
    select * from (
      select coalesce(w.owner, t.owner) as owner, coalesce(w.tool, t.tool) as tool, coalesce(w.day, t.day) as day,
          coalesce(w.lane, t.lane) as lane, coalesce(w.calls, 0) - coalesce(t.calls, 0) as calls,
          coalesce(w.done, 0) - coalesce(t.done, 0) as done, coalesce(w.refused, 0) - coalesce(t.refused, 0) as refused,
          coalesce(w.no_answer, 0) - coalesce(t.no_answer, 0) as no_answer,
          coalesce(w.undone, 0) - coalesce(t.undone, 0) as undone,
          coalesce(w.fenced, 0) - coalesce(t.fenced, 0) as fenced, coalesce(w.took, 0) - coalesce(t.took, 0) as took
        from makegood.tool_view t
        full join makegood.tool_fold w
          on w.owner = t.owner and w.tool = t.tool and w.day = t.day and w.lane = t.lane) d
      where (d.calls, d.done, d.refused, d.no_answer, d.undone, d.fenced, d.took) <> (0, 0, 0, 0, 0, 0, 0)
      order by d.owner, d.tool, d.day, d.lane
    on conflict (owner, tool, day, lane) do update set
      calls = v.calls + excluded.calls, done = v.done + excluded.done, refused = v.refused + excluded.refused,
      no_answer = v.no_answer + excluded.no_answer, undone = v.undone + excluded.undone,
      fenced = v.fenced + excluded.fenced, took = v.took + excluded.took;
  get diagnostics written = row_count;
  mended := mended + written;
  return json_build_object('sagas', 0, 'last', null, 'mended', mended);
end $$;

-- What there is already. The trigger's lock keeps others from committing until this migration has.
insert into makegood.step_view select t.* from makegood.saga s, makegood.fold_steps(s.id) t;
insert into makegood.saga_view select v.* from makegood.saga s, makegood.fold_saga(s) v;
insert into makegood.tool_view select * from makegood.tool_fold;
