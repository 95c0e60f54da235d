-- Traces. None is stored: each is made of a saga's row, plan and journal. Here is which sagas run in the trace of a caller,
-- and which are to be told to whoever collects traces.

-- A saga's own trace has the saga's id. One that was started in a caller's trace is found by that one here.
create table makegood.saga_trace (
  saga text primary key references makegood.saga (id) on delete cascade,
  trace text not null
);
create index saga_trace_trace on makegood.saga_trace (trace);

-- The head has the caller's `traceparent`: version, trace, span and flags.
create function makegood.note_caller() returns trigger language plpgsql as $$
begin
  insert into makegood.saga_trace (saga, trace) values (new.id, split_part(new.head->>'trace', '-', 2));
  return null;
end $$;
create trigger note_caller after insert on makegood.saga for each row
  when ((new.head->>'trace') is not null) execute function makegood.note_caller();

-- The ids of the sagas of a trace, the first first. p_own: the one whose own trace it would be.
create function makegood.sagas_of_trace(p_trace text, p_own text, p_limit int) returns json language sql stable as $$
  select coalesce(json_agg(o.id order by o.created_at, o.id), '[]') from (
    select g.id, g.created_at from makegood.saga g
      where (g.id = p_own and not exists (select from makegood.saga_trace t where t.saga = g.id))
        or g.id in (select t.saga from makegood.saga_trace t where t.trace = p_trace)
      order by g.created_at, g.id limit p_limit) o
$$;

-- As `follow_saga_3`, with what its caller came with.
create function makegood.follow_saga_4(p_id text, p_after bigint) returns json language plpgsql stable as $$
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
    'traceparent', s.head->>'trace',
    'nodes', coalesce(plan, '[]'), 'journal', coalesce(journal, '[]'));
end $$;

-- One row where traces are told to somebody. The sweep writes it, for it knows the settings.
create table makegood.trace_told (
  one boolean primary key default true check (one),
  -- When they were last told how many there are of what.
  counted_at bigint not null default 0
);

-- Whether it is time to tell that. Who is told so tells it, and nobody else does meanwhile.
create function makegood.time_to_count(p_now bigint, p_before bigint) returns json language plpgsql as $$
begin
  update makegood.trace_told set counted_at = p_now where counted_at <= p_before;
  return to_json(found);
end $$;

-- Sagas that have come to rest, and whose traces are to be told up to this version.
create table makegood.trace_due (
  saga text primary key references makegood.saga (id) on delete cascade,
  version int not null,
  -- Not before. While somebody is at it, when they must have ended.
  due_at bigint not null,
  tries int not null default 0,
  since bigint not null
);
create index trace_due_due on makegood.trace_due (due_at);

-- In the transaction that has it rest, and in each that writes something after that.
create function makegood.note_rest() returns trigger language plpgsql as $$
begin
  if exists (select from makegood.trace_told) then
    insert into makegood.trace_due (saga, version, due_at, since)
      values (new.id, new.version, new.updated_at, new.updated_at)
      on conflict (saga) do update set version = excluded.version;
  end if;
  return null;
end $$;
create trigger note_rest after update of version on makegood.saga for each row
  when (old.version <> new.version and new.phase in ('completed', 'made_good', 'stuck'))
  execute function makegood.note_rest();

-- The longest due, for whoever tells them: nobody else is given the same until p_held. Null where there are none.
create function makegood.take_traces(p_now bigint, p_held bigint, p_most int) returns json language plpgsql as $$
declare
  taken json;
begin
  with due as (
    select t.saga from makegood.trace_due t where t.due_at <= p_now
      order by t.due_at, t.saga limit p_most for update skip locked
  ), held as (
    update makegood.trace_due t set due_at = p_held from due d where t.saga = d.saga returning t.saga, t.tries
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

-- What was told, of those that have been held since: p_told is a list of sagas and versions. One that has moved on
-- meanwhile is due again. Answers with a saga that is due now, or null.
create function makegood.settle_traces(p_held bigint, p_told json, p_now bigint) returns json language plpgsql as $$
begin
  delete from makegood.trace_due t using json_array_elements(p_told) o
    where t.saga = o->>'saga' and t.due_at = p_held and t.version <= (o->>'version')::int;
  update makegood.trace_due t set due_at = p_now, tries = 0, since = p_now from json_array_elements(p_told) o
    where t.saga = o->>'saga' and t.due_at = p_held;
  return (select to_json(t.saga) from makegood.trace_due t where t.due_at <= p_now order by t.due_at, t.saga limit 1);
end $$;

-- What was not taken is due again then; what has been due since before p_forget is given up. Answers with how many were.
create function makegood.fail_traces(p_held bigint, p_told json, p_due_at bigint, p_forget bigint)
returns json language plpgsql as $$
declare
  gone int;
begin
  update makegood.trace_due t set due_at = p_due_at, tries = t.tries + 1 from json_array_elements(p_told) o
    where t.saga = o->>'saga' and t.due_at = p_held;
  delete from makegood.trace_due where since < p_forget;
  get diagnostics gone = row_count;
  return to_json(gone);
end $$;

-- As `sweep_5`. p_traces: whether traces are told to somebody; then one of the sagas to be told is among the lagging ones,
-- and where there is none, but nobody was told how many there are since p_counted, the newest saga.
create function makegood.sweep_6(
  p_now bigint, p_again bigint, p_limit int, p_schedules int, p_traces boolean, p_counted bigint
) returns json language plpgsql as $$
declare
  due text;
  swept json;
begin
  if p_traces then
    insert into makegood.trace_told (one) values (true) on conflict do nothing;
    select t.saga into due from makegood.trace_due t where t.due_at <= p_now order by t.due_at, t.saga limit 1;
    if due is null and exists (select from makegood.trace_told where counted_at <= p_counted) then
      select g.id into due from makegood.saga g order by g.created_at desc limit 1;
    end if;
  elsif exists (select from makegood.trace_told) then
    delete from makegood.trace_told;
    delete from makegood.trace_due;
  end if;
  swept := makegood.sweep_5(p_now, p_again, p_limit, p_schedules);
  if due is null or (swept->'lagging')::jsonb ? due then
    return swept;
  end if;
  return json_build_object(
    'sagas', swept->'sagas', 'schedules', swept->'schedules', 'lagging', (swept->'lagging')::jsonb || to_jsonb(due));
end $$;
