-- Read models that cost a commit nothing. Each saga has a cursor: up to which of its commits the views tell of it.
-- Whoever counts brings them along first, and the sweep does, so that there is never much to bring. A saga's versions
-- are committed one after the other, so no cursor passes over a commit that becomes visible late, as one over all
-- journals would. Lists are made of the sagas' rows and of their plans (docs/VIEWS.md).
--
-- Functions that builds before this one call keep their names and what they answer. A build before this one, whose sweep
-- brings nothing along, brings all along when it counts.

-- Its lock is held until the migration is committed: what is told and what is committed are the same here.
drop trigger project on makegood.saga;
drop function makegood.project();

create table makegood.view_cursor (
  saga text primary key,
  -- The commit up to which it is told; 0: it was written, and nothing is told yet.
  version int not null,
  -- It is completed or made good, and all of it is told: there will be no more.
  rests boolean not null,
  -- As of that commit: nothing new is started until somebody has it go on.
  paused boolean not null default false,
  -- Why it turned round: step, cancelled, deadline or budget.
  cause text
) with (fillfactor = 70);
-- Of a saga without a line nobody can say what is told of it: `makegood views rebuild` can.
insert into makegood.view_cursor (saga, version, rests, paused, cause)
  select s.id, coalesce(v.version, s.version),
      s.phase in ('completed', 'made_good') and coalesce(v.version, s.version) = s.version, coalesce(v.paused, false),
      v.cause
    from makegood.saga s left join makegood.saga_view v on v.saga = s.id;
create index view_cursor_open on makegood.view_cursor (saga) where not rests;
create index view_cursor_turned on makegood.view_cursor (saga) where cause is not null;

drop function makegood.project_saga(makegood.saga);
drop function makegood.fold_saga(makegood.saga);
drop function makegood.saga_turns(makegood.saga_view, makegood.fact);
drop table makegood.saga_view;

-- A line for each saga: its row, and what its cursor tells.
create view makegood.saga_view as
  select s.id as saga, s.owner, s.title, s.phase, coalesce(s.head->>'priority', 'normal') as priority, s.version,
    s.created_at, s.updated_at, s.invocations, s.commits, s.calls, coalesce(k.paused, false) as paused, k.cause
  from makegood.saga s left join makegood.view_cursor k on k.saga = s.id;
create index saga_phase on makegood.saga (phase, created_at desc);
create index node_tool on makegood.node (tool, saga);

-- Steps have lines as long as their saga is neither completed nor made good: nothing counts them after that.
delete from makegood.step_view t
  where not exists (select from makegood.view_cursor k where k.saga = t.saga and not k.rests);
drop index makegood.step_view_tool;

-- One at a time writes to the tools' lines: they need no lanes any more.
drop view makegood.tool_fold;
drop view makegood.tool_answer;
alter table makegood.tool_view drop constraint tool_view_pkey;
with lanes as (delete from makegood.tool_view returning *)
insert into makegood.tool_view (owner, tool, day, lane, calls, done, refused, no_answer, undone, fenced, took)
  select owner, tool, day, 0, sum(calls), sum(done), sum(refused), sum(no_answer), sum(undone), sum(fenced), sum(took)
    from lanes group by owner, tool, day;
alter table makegood.tool_view drop column lane;
alter table makegood.tool_view add primary key (owner, tool, day);

-- A saga that is written has all of it told from its beginning.
create function makegood.note_views() returns trigger language plpgsql as $$
begin
  insert into makegood.view_cursor (saga, version, rests) values (new.id, 0, false)
    on conflict (saga) do update set version = 0, rests = false, paused = false, cause = null;
  return null;
end $$;
create trigger note_views after insert on makegood.saga for each row execute function makegood.note_views();

-- The first and the last place in the journal of the commits after one, up to another.
create function makegood.places(p_after int, p_upto int, out low bigint, out high bigint) language sql immutable as $$
  select (p_after + 1)::bigint * 1000000, p_upto::bigint * 1000000 + 999999
$$;

-- As `fold_steps`, made of its journal up to a place.
create function makegood.fold_steps_2(p_saga text, p_high bigint) returns setof makegood.step_view
language plpgsql stable as $$
declare
  t record;
  s makegood.step_view;
begin
  for t in
    select n as node, a.fact
      from makegood.node n left join (
        select f.node as ix, f.seq, f as fact from makegood.fact f
          where f.saga = p_saga and f.node >= 0 and f.seq <= p_high
        union all
        select k.ix, f.seq, f from makegood.fact f join makegood.node k on k.saga = f.saga and k.epoch = 0
          where f.saga = p_saga and f.epoch = 0 and f.node = -1 and f.kind = 'replanned' and f.seq <= p_high
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
drop function makegood.fold_steps(text);

-- Whether what is between two places has a saga stand still or go on, and why it turned round there. Null: it says
-- nothing of that.
create function makegood.turns_of(p_saga text, p_low bigint, p_high bigint, out paused boolean, out cause text)
language sql stable as $$
  select (array_agg(f.kind = 'paused' order by f.seq desc))[1],
      (array_agg(f.body->'cause'->>'why' order by f.seq desc) filter (where f.body->'cause'->>'why' is not null))[1]
    from makegood.fact f
    where f.saga = p_saga and f.epoch = 0 and f.node = -1 and f.kind in ('paused', 'resumed', 'unwinding')
      and f.seq between p_low and p_high
$$;

-- What tools answered: a line for each record that tells of a call's end. What a person said, and what ended without a
-- call, is none.
create view makegood.tool_answer as
  select f.saga, f.seq, n.tool,
    (to_timestamp((f.body->>'at')::bigint / 1000) at time zone 'utc')::date as day,
    (f.kind = 'done')::int as done, (f.kind = 'refused')::int as refused, (f.kind = 'unsettled')::int as no_answer,
    (f.kind = 'undone' and f.body->>'found' = 'true')::int as undone,
    (f.kind = 'undone' and f.body->>'found' <> 'true')::int as fenced,
    coalesce((f.body->>'took')::bigint, 0) as took
  from makegood.fact f
  join makegood.node n on n.saga = f.saga and n.epoch = f.epoch and n.ix = f.node
  where f.kind in ('done', 'refused', 'unsettled', 'undone') and (f.body->>'attempt')::int > 0;

-- All of them that are told.
create view makegood.tool_fold as
  select s.owner, a.tool, a.day, count(*) as calls, sum(a.done)::bigint as done, sum(a.refused)::bigint as refused,
    sum(a.no_answer)::bigint as no_answer, sum(a.undone)::bigint as undone, sum(a.fenced)::bigint as fenced,
    sum(a.took)::bigint as took
  from makegood.view_cursor k
  join makegood.saga s on s.id = k.saga
  join makegood.tool_answer a on a.saga = k.saga and a.seq <= k.version::bigint * 1000000 + 999999
  group by s.owner, a.tool, a.day;

-- Has the lines of a saga's steps follow its commits after one, up to another.
create function makegood.tell_steps(p_saga text, p_after int, p_upto int) returns void language plpgsql as $$
declare
  r record := makegood.places(p_after, p_upto);
  nodes int[];
  replanned boolean;
  place int;
  s makegood.step_view;
  f makegood.fact;
begin
  if p_after > 0 then
    select array_agg(distinct l.node) filter (where l.node >= 0), bool_or(l.kind = 'replanned') into nodes, replanned
      from makegood.fact l where l.saga = p_saga and l.seq between r.low and r.high;
  end if;
  -- Another plan is told to every step that it drops.
  if p_after = 0 or replanned then
    delete from makegood.step_view where saga = p_saga;
    insert into makegood.step_view select * from makegood.fold_steps_2(p_saga, r.high);
    return;
  end if;
  foreach place in array coalesce(nodes, '{}') loop
    select * into s from makegood.step_view k where k.saga = p_saga and k.node = place;
    continue when not found;
    for f in
      select * from makegood.fact l
        where l.saga = p_saga and l.epoch = 0 and l.node = place and l.seq between r.low and r.high order by l.seq
    loop
      s := makegood.step_next(s, f);
    end loop;
    update makegood.step_view k set standing = s.standing, beyond = s.beyond, code = s.code, dos = s.dos,
        statuses = s.statuses, undos = s.undos, under_way = s.under_way, began_at = s.began_at,
        changed_at = s.changed_at, took = s.took
      where k.saga = p_saga and k.node = place;
  end loop;
end $$;

-- One at a time moves cursors: in this transaction nobody else does.
create function makegood.hold_views() returns void language sql as $$
  select pg_advisory_xact_lock(hashtextextended('makegood.views', 0))
$$;

-- Brings the views along to what these sagas have committed: how many of them had something to tell. What they commit
-- meanwhile is told the next time. Wants `hold_views`.
create function makegood.tell_views(p_sagas text[]) returns int language plpgsql as $$
declare
  sagas text[];
  told int[];
  upto int[];
  phases text[];
begin
  select array_agg(k.saga), array_agg(k.version), array_agg(s.version), array_agg(s.phase) into sagas, told, upto, phases
    from makegood.view_cursor k join makegood.saga s on s.id = k.saga
    where k.saga = any (p_sagas) and not k.rests and s.version > k.version;
  if sagas is null then
    return 0;
  end if;
  for place in 1 .. cardinality(sagas) loop
    if phases[place] not in ('completed', 'made_good') then
      perform makegood.tell_steps(sagas[place], told[place], upto[place]);
    elsif told[place] > 0 then
      delete from makegood.step_view where saga = sagas[place];
    end if;
  end loop;
  insert into makegood.tool_view as v
    select s.owner, a.tool, a.day, count(*), sum(a.done), sum(a.refused), sum(a.no_answer), sum(a.undone),
        sum(a.fenced), sum(a.took)
      from unnest(sagas, told, upto) c (saga, told, upto), makegood.places(c.told, c.upto) p, makegood.saga s,
        makegood.tool_answer a
      where s.id = c.saga and a.saga = c.saga and a.seq between p.low and p.high
      group by s.owner, a.tool, a.day
    on conflict (owner, tool, day) do update set
      calls = v.calls + excluded.calls, done = v.done + excluded.done, refused = v.refused + excluded.refused,
      no_answer = v.no_answer + excluded.no_answer, undone = v.undone + excluded.undone,
      fenced = v.fenced + excluded.fenced, took = v.took + excluded.took;
  update makegood.view_cursor k set version = c.upto, rests = c.phase in ('completed', 'made_good'),
      paused = coalesce(t.paused, k.paused), cause = coalesce(t.cause, k.cause)
    from unnest(sagas, told, upto, phases) c (saga, told, upto, phase), makegood.places(c.told, c.upto) p,
      makegood.turns_of(c.saga, p.low, p.high) t
    where k.saga = c.saga;
  return cardinality(sagas);
end $$;

-- The same of so many sagas that have something to tell.
create function makegood.bring_views(p_limit int) returns int language plpgsql as $$
begin
  perform makegood.hold_views();
  -- A statement of its own: it sees what was told by whoever held them before.
  return makegood.tell_views(array(
    select k.saga from makegood.view_cursor k join makegood.saga s on s.id = k.saga
      where not k.rests and s.version > k.version limit p_limit));
end $$;

-- Writes a saga's lines anew, and its cursor with them.
create function makegood.fold_views(s makegood.saga) returns void language plpgsql as $$
declare
  high bigint := s.version::bigint * 1000000 + 999999;
  rests boolean := s.phase in ('completed', 'made_good');
begin
  delete from makegood.step_view where saga = s.id;
  if not rests then
    insert into makegood.step_view select * from makegood.fold_steps_2(s.id, high);
  end if;
  insert into makegood.view_cursor as k (saga, version, rests, paused, cause)
    select s.id, s.version, rests, coalesce(t.paused, false), t.cause from makegood.turns_of(s.id, 0, high) t
    on conflict (saga) do update set
      version = excluded.version, rests = excluded.rests, paused = excluded.paused, cause = excluded.cause;
end $$;

-- Of a phase, and of those that have a step of a tool: made of the plans, which are there from the first moment.
create or replace function makegood.list_sagas_3(p_owner text, p_before bigint, p_limit int, p_phase text, p_tool text)
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
        and (p_tool is null or exists (
          select from makegood.node n where n.tool = p_tool and n.saga = v.saga and n.epoch = 0))
      order by v.created_at desc, v.saga desc limit p_limit) l), '[]');
end $$;

-- Counts, of one owner or of all; of tools since a time.
create or replace function makegood.count_views(p_owner text, p_since bigint) returns json language plpgsql volatile as $$
declare
  phases json;
  causes json;
  still bigint;
  standings json;
  tools json;
  oldest json;
begin
  -- Where the sweep has not come for long, the rest is brought along by the next ones.
  perform makegood.bring_views(5000);
  select json_object_agg(l.phase, l.n) into phases from (
    select s.phase, count(*) as n from makegood.saga s where p_owner is null or s.owner = p_owner
      group by s.phase) l;
  select json_object_agg(l.cause, l.n) into causes from (
    select k.cause, count(*) as n from makegood.view_cursor k join makegood.saga s on s.id = k.saga
      where (p_owner is null or s.owner = p_owner) and k.cause is not null group by k.cause) l;
  select count(*) into still from makegood.view_cursor k join makegood.saga s on s.id = k.saga
    where (p_owner is null or s.owner = p_owner) and s.phase in ('forward', 'unwinding') and k.paused and not k.rests;
  select json_object_agg(l.standing, l.n) into standings from (
    select makegood.step_standing(t, s.phase) as standing, count(*) as n
      from makegood.step_view t join makegood.saga s on s.id = t.saga
      where (p_owner is null or s.owner = p_owner) and s.phase in ('forward', 'unwinding', 'stuck') and not t.beyond
      group by 1) l;
  select json_agg(row_to_json(l) order by l.tool) into tools from (
    select v.tool, sum(v.calls)::bigint as calls, sum(v.done)::bigint as done, sum(v.refused)::bigint as refused,
        sum(v.no_answer)::bigint as no_answer, sum(v.undone)::bigint as undone, sum(v.fenced)::bigint as fenced,
        sum(v.took)::bigint as took
      from makegood.tool_view v
      where (p_owner is null or v.owner = p_owner)
        and v.day >= (to_timestamp(p_since / 1000) at time zone 'utc')::date
      group by v.tool having sum(v.calls) > 0) l;
  select json_build_object('id', s.id, 'owner', s.owner, 'title', s.title, 'phase', s.phase,
      'created_at', s.created_at) into oldest
    from makegood.saga s
    where (p_owner is null or s.owner = p_owner) and s.phase in ('forward', 'unwinding', 'stuck')
    order by s.created_at, s.id limit 1;
  return json_build_object('phases', coalesce(phases, '{}'), 'paused', still, 'causes', coalesce(causes, '{}'),
    'standings', coalesce(standings, '{}'), 'tools', coalesce(tools, '[]'), 'oldest_unfinished', oldest);
end $$;

-- The lines of a saga that are not what the journal says. Of one that has something to tell: none, it is told soon.
create or replace function makegood.saga_differs(p_saga text)
returns table (view text, line text, there jsonb, should jsonb) language plpgsql stable as $$
declare
  g makegood.saga;
  c makegood.view_cursor;
  high bigint;
  now_rests boolean;
begin
  select * into g from makegood.saga s where s.id = p_saga;
  select * into c from makegood.view_cursor k where k.saga = p_saga;
  if g.id is null or c.version < g.version and not c.rests then
    return;
  end if;
  high := g.version::bigint * 1000000 + 999999;
  now_rests := g.phase in ('completed', 'made_good');
  return query
    select l.view, l.line, d.there, d.should
    from (
      select 'view_cursor' as view, p_saga as line, case when c.saga is not null then to_jsonb(c) end as there,
          jsonb_build_object('saga', g.id, 'version', g.version, 'rests', now_rests,
            'paused', coalesce(t.paused, false), 'cause', t.cause) as should
        from makegood.turns_of(p_saga, 0, high) t
      union all
      select 'step_view', p_saga || '/' || coalesce(w.step, v.step), to_jsonb(v), to_jsonb(w)
        from (select k.* from makegood.step_view k where k.saga = p_saga) v
        full join (select m.* from makegood.fold_steps_2(p_saga, high) m where not now_rests) w on w.node = v.node) l,
      makegood.line_differs(l.there, l.should) d
    where l.there is distinct from l.should;
end $$;

-- The tools' lines that are not what the journal says, as far as it is told. One that counts nothing is as good as none.
create or replace function makegood.tools_differ()
returns table (view text, line text, there jsonb, should jsonb) language plpgsql stable as $$
begin
  return query
    select 'tool_view', format('%s of %s on %s', l.tool, l.owner, l.day), d.there, d.should
    from (
      select coalesce(w.tool, v.tool) as tool, coalesce(w.owner, v.owner) as owner, coalesce(w.day, v.day) as day,
          to_jsonb(v) as there, to_jsonb(w) as should
        from (
          select * from makegood.tool_view k
            where (k.calls, k.done, k.refused, k.no_answer, k.undone, k.fenced, k.took) <> (0, 0, 0, 0, 0, 0, 0)) v
        full join makegood.tool_fold w on w.owner = v.owner and w.tool = v.tool and w.day = v.day) l,
      makegood.line_differs(l.there, l.should) d
    where l.there is distinct from l.should;
end $$;

-- As it was, of sagas that are brought along first.
create or replace function makegood.check_views(p_after text, p_limit int) returns json language plpgsql volatile as $$
declare
  chosen text[] := array(select s.id from makegood.saga s where s.id > p_after order by s.id limit p_limit);
begin
  perform makegood.hold_views();
  perform makegood.tell_views(chosen);
  -- As of one moment.
  return (
    with found as (select d.* from unnest(chosen) l (id), makegood.saga_differs(l.id) d)
    select json_build_object('sagas', cardinality(chosen), 'last', chosen[cardinality(chosen)],
      'differ', (select count(*) from found),
      'first', coalesce((select json_agg(row_to_json(f)) from (
        select * from found order by line, view limit 20) f), '[]')));
end $$;

-- As it was: at lines of sagas that there are not, and at the tools.
create or replace function makegood.check_views_rest() returns json language plpgsql stable as $$
begin
  return (
    with found as (
      select 'view_cursor' as view, v.saga as line, '{}'::jsonb as there, null::jsonb as should
        from makegood.view_cursor v where not exists (select from makegood.saga s where s.id = v.saga)
      union all
      select 'step_view', v.saga || '/' || v.step, '{}', null from makegood.step_view v
        where not exists (select from makegood.saga s where s.id = v.saga)
      union all
      select * from makegood.tools_differ())
    select json_build_object('sagas', 0, 'last', null, 'differ', (select count(*) from found),
      'first', coalesce((select json_agg(row_to_json(f)) from (
        select * from found order by view, line limit 20) f), '[]')));
end $$;

-- As it was. Cursors are held before the sagas' rows, as everywhere.
create or replace function makegood.rebuild_views(p_after text, p_limit int) returns json language plpgsql as $$
declare
  chosen text[];
  mended int := 0;
  s makegood.saga;
begin
  perform makegood.hold_views();
  chosen := array(select l.id from makegood.saga l where l.id > p_after order by l.id limit p_limit for no key update);
  perform makegood.tell_views(chosen);
  for s in select * from makegood.saga l where l.id = any (chosen) loop
    if exists (select from makegood.saga_differs(s.id)) then
      perform makegood.fold_views(s);
      mended := mended + 1;
    end if;
  end loop;
  return json_build_object('sagas', cardinality(chosen), 'last', chosen[cardinality(chosen)], 'mended', mended);
end $$;

-- As it was: what a tool's line lacks of what is told is added to it, or taken from it.
create or replace function makegood.rebuild_views_rest() returns json language plpgsql as $$
declare
  written int;
  mended int;
begin
  perform makegood.hold_views();
  delete from makegood.step_view v where not exists (select from makegood.saga s where s.id = v.saga);
  get diagnostics mended = row_count;
  delete from makegood.view_cursor v where not exists (select from makegood.saga s where s.id = v.saga);
  get diagnostics written = row_count;
  mended := mended + written;
  insert into makegood.tool_view as v
    select * from (
      select coalesce(w.owner, t.owner) as owner, coalesce(w.tool, t.tool) as tool, coalesce(w.day, t.day) as day,
          coalesce(w.calls, 0) - coalesce(t.calls, 0) as calls, coalesce(w.done, 0) - coalesce(t.done, 0) as done,
          coalesce(w.refused, 0) - coalesce(t.refused, 0) as refused,
          coalesce(w.no_answer, 0) - coalesce(t.no_answer, 0) as no_answer,
          coalesce(w.undone, 0) - coalesce(t.undone, 0) as undone,
          coalesce(w.fenced, 0) - coalesce(t.fenced, 0) as fenced, coalesce(w.took, 0) - coalesce(t.took, 0) as took
        from makegood.tool_view t
        full join makegood.tool_fold w on w.owner = t.owner and w.tool = t.tool and w.day = t.day) d
      where (d.calls, d.done, d.refused, d.no_answer, d.undone, d.fenced, d.took) <> (0, 0, 0, 0, 0, 0, 0)
    on conflict (owner, tool, day) do update set
      calls = v.calls + excluded.calls, done = v.done + excluded.done, refused = v.refused + excluded.refused,
      no_answer = v.no_answer + excluded.no_answer, undone = v.undone + excluded.undone,
      fenced = v.fenced + excluded.fenced, took = v.took + excluded.took;
  get diagnostics written = row_count;
  mended := mended + written;
  return json_build_object('sagas', 0, 'last', null, 'mended', mended);
end $$;

-- As `sweep_4`, and it brings the views along. Where somebody does that already, or cannot, sagas are woken all the same.
create function makegood.sweep_5(p_now bigint, p_again bigint, p_limit int, p_schedules int) returns json language plpgsql as $$
begin
  begin
    if pg_try_advisory_xact_lock(hashtextextended('makegood.views', 0)) then
      perform makegood.bring_views(2000);
    end if;
  exception when others then
    raise warning 'the views are not brought along: %', sqlerrm;
  end;
  return makegood.sweep_4(p_now, p_again, p_limit, p_schedules);
end $$;
