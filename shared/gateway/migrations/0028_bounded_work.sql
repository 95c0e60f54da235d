-- Nobody waits for views and traces, and nothing of them is lost: views are brought along for two seconds at most, a saga
-- that is called back after its end is told again, and traces are taken as far as one request bears them.

-- So many sagas that have something to tell, twenty at a time, for two seconds and what is begun by then: who sweeps or
-- counts waits for it, and what is left is told the next time.
create or replace function makegood.bring_views(p_limit int) returns int language plpgsql as $$
declare
  ends timestamptz := clock_timestamp() + interval '2 seconds';
  behind text[];
  told int := 0;
begin
  perform makegood.hold_views();
  -- A statement of its own: it sees what was told by whoever held them before.
  behind := array(
    select k.saga from makegood.view_cursor k join makegood.saga s on s.id = k.saga
      where not k.rests and s.version > k.version limit p_limit);
  for place in 0 .. (cardinality(behind) - 1) / 20 loop
    told := told + makegood.tell_views(behind[20 * place + 1 : 20 * place + 20]);
    exit when clock_timestamp() > ends;
  end loop;
  return told;
end $$;

-- Sagas that were called back after they had ended, and whose cursors still rest. Their commits wait for no cursor, as
-- no commit does: no key keeps one line from standing beside another.
create table makegood.view_reopened (saga text not null);

create function makegood.reopen_views() returns trigger language plpgsql as $$
begin
  insert into makegood.view_reopened (saga) values (new.id);
  return null;
end $$;
-- A child that is completed, and whose parent is undone.
create trigger reopen_views after update of phase on makegood.saga for each row
  when (old.phase in ('completed', 'made_good') and new.phase not in ('completed', 'made_good'))
  execute function makegood.reopen_views();

-- One at a time moves cursors: in this transaction nobody else does. Those of sagas that were called back rest no more.
create or replace function makegood.hold_views() returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('makegood.views', 0));
  with reopened as (delete from makegood.view_reopened returning saga)
  update makegood.view_cursor k set rests = false from reopened r where k.saga = r.saga;
end $$;

-- As it was, where a saga has no steps' lines any more too: those of one that was called back are made anew.
create or replace function makegood.tell_steps(p_saga text, p_after int, p_upto int) returns void language plpgsql as $$
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
  if p_after = 0 or replanned or not exists (select from makegood.step_view k where k.saga = p_saga) then
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

-- As it was; one that was called back meanwhile is told soon too.
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
  if g.id is null or c.version < g.version
    and (not c.rests or exists (select from makegood.view_reopened r where r.saga = p_saga)) then
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

-- Those that were called back before, and of which nothing was told since. Nobody commits until this is committed.
insert into makegood.view_reopened (saga)
  select k.saga from makegood.view_cursor k join makegood.saga s on s.id = k.saga
    where k.rests and (s.version > k.version or s.phase not in ('completed', 'made_good'));

-- The longest due, for whoever tells them: nobody else is given the same until p_held. Null where there are none. Of one
-- request's worth of words: plans and journals of 2,000,000 bytes, or one saga, however long. A try is counted when it
-- begins, since who dies of one counts nothing; what has been tried is taken by itself, after all else, so that it holds
-- nothing up. After five days it is given up.
create or replace function makegood.take_traces(p_now bigint, p_held bigint, p_most int) returns json
language plpgsql as $$
declare
  taken json;
begin
  delete from makegood.trace_due where since < p_now - 432000000;
  with due as (
    select t.saga, t.tries, t.due_at from makegood.trace_due t where t.due_at <= p_now
      order by t.tries, t.due_at, t.saga limit p_most for update skip locked
  ), sized as (
    select d.*, (select coalesce(sum(octet_length(f.body::text)), 0) from makegood.fact f where f.saga = d.saga)
      + (select coalesce(sum(octet_length(n.spec::text)), 0) from makegood.node n where n.saga = d.saga) as size
      from due d
  ), chosen as (
    select l.saga from (
      select s.saga, s.tries, row_number() over w as nth, sum(s.size) over w as upto
        from sized s window w as (order by s.tries, s.due_at, s.saga)) l
      where l.nth = 1 or l.tries = 0 and l.upto <= 2000000
  ), held as (
    update makegood.trace_due t set due_at = p_held, tries = t.tries + 1 from chosen c where t.saga = c.saga
      returning t.saga, t.tries - 1 as tries
  )
  select json_agg(row_to_json(h)) into taken from held h;
  if taken is null then
    return null;
  end if;
  -- A statement of its own, so that it sees at least the versions that are due.
  return (
    select json_agg(json_build_object('tries', h->'tries', 'story', makegood.follow_saga_4(h->>'saga', 0)))
      from json_array_elements(taken) h);
end $$;

-- As it was; the try was counted when it began.
create or replace function makegood.fail_traces(p_held bigint, p_told json, p_due_at bigint, p_forget bigint)
returns json language plpgsql as $$
declare
  gone int;
begin
  update makegood.trace_due t set due_at = p_due_at from json_array_elements(p_told) o
    where t.saga = o->>'saga' and t.due_at = p_held;
  delete from makegood.trace_due where since < p_forget;
  get diagnostics gone = row_count;
  return to_json(gone);
end $$;

-- As it was, by its two indexes: an `or` of them reads every saga.
create or replace function makegood.sagas_of_trace(p_trace text, p_own text, p_limit int) returns json
language sql stable as $$
  select coalesce(json_agg(o.id order by o.created_at, o.id), '[]') from (
    select g.id, g.created_at from (
      select t.saga from makegood.saga_trace t where t.trace = p_trace
      union
      select p_own where not exists (select from makegood.saga_trace t where t.saga = p_own)) f
    join makegood.saga g on g.id = f.saga
    order by g.created_at, g.id limit p_limit) o
$$;
