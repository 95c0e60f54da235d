-- Schedules: plans that the queue's clock starts. A row here is the truth; the queue is told of it, and
-- whoever finds that it does not know yet tells it again.

create table makegood.schedule (
  -- What the queue knows it by. One that is made anew under the same id is another.
  ref text primary key,
  owner text not null,
  id text not null,
  cron text not null,
  title text not null,
  -- The plan, and what goes with it, as they were asked for.
  request json not null,
  -- Tells the request apart from another one with the same id.
  fingerprint text not null,
  paused boolean not null default false,
  -- Deleted; the row stays until the queue has deleted it too.
  gone boolean not null default false,
  -- Counts the changes that the queue must be told of.
  revision int not null default 1,
  -- Whether the queue knows of the last of them.
  armed boolean not null default false,
  -- When the sweeper looks whether the queue has it as it should.
  look_at bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  last_error text,
  last_error_at bigint
);
create unique index schedule_id on makegood.schedule (owner, id) where not gone;
create index schedule_look on makegood.schedule (look_at);

-- What became of a schedule's last firings, by the queue's message. A message that comes again finds its
-- saga here.
create table makegood.firing (
  schedule text not null references makegood.schedule (ref) on delete cascade,
  message text not null,
  at bigint not null,
  saga text,
  error text,
  primary key (schedule, message)
);

-- A schedule as its owner sees it.
create function makegood.schedule_row(s makegood.schedule) returns json language sql immutable as $$
  select json_build_object(
    'ref', s.ref, 'owner', s.owner, 'id', s.id, 'cron', s.cron, 'title', s.title, 'paused', s.paused, 'gone', s.gone,
    'revision', s.revision, 'armed', s.armed, 'created_at', s.created_at, 'updated_at', s.updated_at,
    'last_error', s.last_error, 'last_error_at', s.last_error_at)
$$;

-- Writes a schedule. An id that there is already answers with its row.
create function makegood.create_schedule(
  p_ref text, p_owner text, p_id text, p_cron text, p_title text, p_request json, p_fingerprint text,
  p_now bigint, p_look_at bigint, p_most int
) returns json language plpgsql as $$
declare
  s makegood.schedule;
begin
  -- One after the other, so that they are counted.
  perform pg_advisory_xact_lock(hashtextextended('makegood.schedule ' || p_owner, 0));
  select * into s from makegood.schedule where owner = p_owner and id = p_id and not gone;
  if found then
    return json_build_object('created', false, 'same', s.fingerprint = p_fingerprint, 'schedule', makegood.schedule_row(s));
  end if;
  if (select count(*) from makegood.schedule where owner = p_owner and not gone) >= p_most then
    return json_build_object('created', false, 'same', false);
  end if;
  insert into makegood.schedule (ref, owner, id, cron, title, request, fingerprint, look_at, created_at, updated_at)
    values (p_ref, p_owner, p_id, p_cron, p_title, p_request, p_fingerprint, p_look_at, p_now, p_now)
    returning * into s;
  return json_build_object('created', true, 'same', true, 'schedule', makegood.schedule_row(s));
end $$;

-- One of an owner's, with its request and its last firings, the newest first.
create function makegood.find_schedule(p_owner text, p_id text) returns json language plpgsql stable as $$
declare
  s makegood.schedule;
  firings json;
begin
  select * into s from makegood.schedule where owner = p_owner and id = p_id and not gone;
  if not found then
    return null;
  end if;
  select json_agg(json_build_object('at', l.at, 'saga', l.saga, 'error', l.error) order by l.at desc, l.message) into firings
    from (
      select * from makegood.firing f where f.schedule = s.ref order by f.at desc, f.message limit 20) l;
  return json_build_object(
    'schedule', makegood.schedule_row(s), 'request', s.request, 'firings', coalesce(firings, '[]'));
end $$;

-- All of an owner's, by their ids.
create function makegood.list_schedules(p_owner text) returns json language plpgsql stable as $$
declare
  found json;
begin
  select json_agg(makegood.schedule_row(s) order by s.id) into found
    from makegood.schedule s where s.owner = p_owner and not s.gone;
  return coalesce(found, '[]');
end $$;

-- Pauses one or has it go on: its row, as it is then.
create function makegood.turn_schedule(
  p_owner text, p_id text, p_paused boolean, p_now bigint, p_look_at bigint
) returns json language plpgsql as $$
declare
  s makegood.schedule;
begin
  update makegood.schedule set
    paused = p_paused, revision = revision + 1, armed = false, look_at = p_look_at, updated_at = p_now
    where owner = p_owner and id = p_id and not gone and paused <> p_paused;
  select * into s from makegood.schedule where owner = p_owner and id = p_id and not gone;
  if not found then
    return null;
  end if;
  return makegood.schedule_row(s);
end $$;

-- Deletes one, for everybody but the queue: its row.
create function makegood.delete_schedule(p_owner text, p_id text, p_now bigint, p_look_at bigint) returns json language plpgsql as $$
declare
  s makegood.schedule;
begin
  update makegood.schedule set
    gone = true, revision = revision + 1, armed = false, look_at = p_look_at, updated_at = p_now
    where owner = p_owner and id = p_id and not gone
    returning * into s;
  if not found then
    return null;
  end if;
  return makegood.schedule_row(s);
end $$;

-- The queue has been told of a revision: `settled`; `newer` where there is one of which it has yet to be
-- told; `none` where there is no such schedule any more. A deleted one is over with that.
create function makegood.settle_schedule(p_ref text, p_revision int, p_look_at bigint) returns json language plpgsql as $$
begin
  delete from makegood.schedule where ref = p_ref and revision = p_revision and gone;
  if found then
    return '"settled"';
  end if;
  update makegood.schedule set armed = true, look_at = p_look_at where ref = p_ref and revision = p_revision;
  if found then
    return '"settled"';
  end if;
  if exists (select from makegood.schedule where ref = p_ref) then
    return '"newer"';
  end if;
  return '"none"';
end $$;

-- The queue will not have it. One that was only just made is taken back; true where it was.
create function makegood.refuse_schedule(
  p_ref text, p_new boolean, p_error text, p_now bigint, p_look_at bigint
) returns json language plpgsql as $$
begin
  if p_new then
    delete from makegood.schedule where ref = p_ref;
    return to_json(found);
  end if;
  update makegood.schedule set last_error = p_error, last_error_at = p_now, look_at = p_look_at where ref = p_ref;
  return 'false';
end $$;

-- Schedules of which the queue may not know what it should.
create function makegood.due_schedules(p_now bigint, p_again bigint, p_limit int) returns json language plpgsql as $$
declare
  found json;
begin
  with due as (
    select ref from makegood.schedule where look_at <= p_now order by look_at limit p_limit for update skip locked
  ), seen as (
    update makegood.schedule s set look_at = p_again from due where s.ref = due.ref
    returning s as schedule
  )
  select json_agg(makegood.schedule_row(schedule)) into found from seen;
  return coalesce(found, '[]');
end $$;

-- As `sweep_2`, with those schedules.
create function makegood.sweep_3(p_now bigint, p_again bigint, p_limit int, p_schedules int) returns json language plpgsql as $$
begin
  return json_build_object(
    'sagas', makegood.sweep_2(p_now, p_again, p_limit),
    'schedules', makegood.due_schedules(p_now, p_again, p_schedules));
end $$;

-- What a firing needs to be carried out, and what became of it if it came before.
create function makegood.load_firing(p_ref text, p_message text) returns json language plpgsql stable as $$
declare
  s makegood.schedule;
  f makegood.firing;
begin
  select * into s from makegood.schedule where ref = p_ref and not gone;
  if not found then
    return null;
  end if;
  select * into f from makegood.firing where schedule = p_ref and message = p_message;
  return json_build_object('owner', s.owner, 'id', s.id, 'paused', s.paused, 'request', s.request,
    'met', f.message is not null, 'saga', f.saga);
end $$;

-- Makes room for a firing: the newest hundred of a schedule are kept.
create function makegood.trim_firings(p_ref text) returns void language sql as $$
  delete from makegood.firing f where f.schedule = p_ref and f.message in (
    select o.message from makegood.firing o where o.schedule = p_ref order by o.at desc, o.message offset 100)
$$;

-- Starts the saga of a firing, as `create_saga`, unless it was started before: then it answers with that
-- one. Null where the schedule has meanwhile been paused or deleted.
create function makegood.fire_schedule(
  p_ref text, p_message text,
  p_id text, p_owner text, p_client_key text, p_title text, p_said text, p_head json, p_nodes json,
  p_now bigint, p_wake_at bigint, p_outbox json, p_bytes bigint, p_request text
) returns json language plpgsql as $$
declare
  s makegood.schedule;
  before text;
  created json;
begin
  -- Held until this is committed: who pauses it waits, and so does the same firing once more.
  select * into s from makegood.schedule where ref = p_ref and not gone and not paused for update;
  if not found then
    return null;
  end if;
  select saga into before from makegood.firing where schedule = p_ref and message = p_message;
  if found then
    return case when before is null then null else json_build_object('id', before, 'created', false, 'same', true) end;
  end if;
  created := makegood.create_saga(p_id, p_owner, p_client_key, p_title, p_said, p_head, p_nodes, p_now, p_wake_at,
    p_outbox, p_bytes, p_request);
  insert into makegood.firing (schedule, message, at, saga) values (p_ref, p_message, p_now, created->>'id');
  update makegood.schedule set last_error = null, last_error_at = null where ref = p_ref and last_error is not null;
  perform makegood.trim_firings(p_ref);
  return created;
end $$;

-- A firing that nothing can come of: why.
create function makegood.miss_firing(p_ref text, p_message text, p_error text, p_now bigint) returns json language plpgsql as $$
begin
  update makegood.schedule set last_error = p_error, last_error_at = p_now where ref = p_ref and not gone;
  if not found then
    return 'false';
  end if;
  insert into makegood.firing (schedule, message, at, error) values (p_ref, p_message, p_now, p_error)
    on conflict do nothing;
  perform makegood.trim_firings(p_ref);
  return 'true';
end $$;
