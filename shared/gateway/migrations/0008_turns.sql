-- Turns: how many calls may be under way at once, over all sagas. A row is a call that is under way, or a step
-- that waits until one may be. Either is a lease by the database's clock, which is one for all workers: what
-- is dead stands in nobody's way for long.

create table makegood.turn (
  saga text not null,
  node int not null,
  op text not null,
  -- What it counts for, and of each how many there may be.
  keys text[] not null,
  limits int[] not null,
  -- The higher goes first, then who has waited longer.
  rank int not null,
  asked_at bigint not null,
  -- The invocation whose call it is, a dot, and how often that had asked; null while it waits.
  holder text,
  until bigint not null,
  -- When a waiter was last told that its turn has come.
  told_at bigint not null default 0,
  primary key (saga, node, op)
);
create index turn_held on makegood.turn using gin (keys) where holder is not null;
create index turn_waits on makegood.turn using gin (keys) where holder is null;
create index turn_until on makegood.turn (until);

create function makegood.turn_clock() returns bigint language sql volatile as $$
  select (extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- One after the other for each key, so that they are counted; always in the same order.
create function makegood.lock_turns(p_keys text[]) returns void language plpgsql as $$
declare
  l bigint;
begin
  for l in select distinct hashtextextended('makegood.turn ' || k, 0) from unnest(p_keys) k order by 1 loop
    perform pg_advisory_xact_lock(l);
  end loop;
end $$;

-- The waiters for these keys that may go now, each if there is room left for it under all that it counts for.
-- One that has no room itself stands in nobody's way. Of those that count for the same keys no more than
-- their smallest limit can fit, so that no more of them are looked at, however many there are.
create function makegood.next_turns(p_keys text[], p_now bigint) returns setof makegood.turn language plpgsql as $$
declare
  w makegood.turn;
  k text;
  used jsonb := '{}';
  fits boolean;
begin
  for w in
    select l.saga, l.node, l.op, l.keys, l.limits, l.rank, l.asked_at, l.holder, l.until, l.told_at
    from (
      select t.*, row_number() over (partition by t.keys order by t.rank desc, t.asked_at, t.saga, t.node) as nth
      from makegood.turn t where t.keys && p_keys and t.holder is null and t.until > p_now) l
    where l.nth <= (select min(m) from unnest(l.limits) m)
    order by l.rank desc, l.asked_at, l.saga, l.node limit 1000
  loop
    fits := true;
    for i in 1 .. cardinality(w.keys) loop
      k := w.keys[i];
      if not used ? k then
        used := used || jsonb_build_object(k, (
          select count(*) from makegood.turn t where t.keys @> array[k] and t.holder is not null and t.until > p_now));
      end if;
      fits := fits and (used->>k)::int < w.limits[i];
    end loop;
    if fits then
      foreach k in array w.keys loop
        used := used || jsonb_build_object(k, (used->>k)::int + 1);
      end loop;
      return next w;
    end if;
  end loop;
end $$;

-- Takes a turn for a call, or a place in line: true where the call may leave. Who asks again keeps the place;
-- an invocation that holds it has it still, under a new name, so that what is on its way under the old one
-- does not give it back. An undo or a status has its turn at once, and counts.
create function makegood.take_turn(
  p_saga text, p_node int, p_op text, p_holder text, p_limits json, p_rank int, p_lease bigint, p_wait bigint
) returns json language plpgsql as $$
declare
  ks text[];
  ls int[];
  now bigint;
  mine makegood.turn;
begin
  select array_agg(l->>0 order by l->>0), array_agg((l->>1)::int order by l->>0) into ks, ls
    from json_array_elements(p_limits) l;
  perform makegood.lock_turns(ks);
  now := makegood.turn_clock();
  delete from makegood.turn t where (t.saga, t.node, t.op) in (
    select o.saga, o.node, o.op from makegood.turn o where o.until < now - 600000 limit 100 for update skip locked);
  select * into mine from makegood.turn t where t.saga = p_saga and t.node = p_node and t.op = p_op;
  if mine.holder is not null and mine.until > now and p_op = 'do' then
    if split_part(mine.holder, '.', 1) <> split_part(p_holder, '.', 1) then
      -- Another invocation of the same saga has it under way.
      return 'false';
    end if;
    update makegood.turn t set holder = p_holder, until = greatest(t.until, now + p_lease)
      where t.saga = p_saga and t.node = p_node and t.op = p_op;
    return 'true';
  end if;
  insert into makegood.turn (saga, node, op, keys, limits, rank, asked_at, holder, until)
    values (p_saga, p_node, p_op, ks, ls, p_rank,
      case when mine.saga is not null and mine.holder is null then mine.asked_at else now end,
      case when p_op <> 'do' then p_holder end,
      now + case when p_op <> 'do' then p_lease else p_wait end)
    on conflict (saga, node, op) do update set
      keys = excluded.keys, limits = excluded.limits, rank = excluded.rank, asked_at = excluded.asked_at,
      holder = excluded.holder, until = excluded.until, told_at = 0;
  if p_op <> 'do' then
    return 'true';
  end if;
  -- Where all is taken, nobody need be compared.
  if exists (
    select from unnest(ks, ls) u (k, l)
    where (select count(*) from makegood.turn t where t.keys @> array[u.k] and t.holder is not null and t.until > now) >= u.l)
  then
    return 'false';
  end if;
  if not exists (select from makegood.next_turns(ks, now) n where n.saga = p_saga and n.node = p_node and n.op = p_op) then
    return 'false';
  end if;
  update makegood.turn t set holder = p_holder, until = now + p_lease
    where t.saga = p_saga and t.node = p_node and t.op = p_op;
  return 'true';
end $$;

-- Gives back calls that are over, by the names that they were asked for under, and places in line, which have
-- none. Answers with the waiters whose turn has come by that, unless they were told so just now.
create function makegood.leave_turns(p_saga text, p_calls json) returns json language plpgsql as $$
declare
  ks text[];
  now bigint;
  come json;
begin
  select array_agg(distinct k) into ks
    from json_array_elements(p_calls) c
    join makegood.turn t on t.saga = p_saga and t.node = (c->>0)::int and t.op = c->>1, unnest(t.keys) k;
  if ks is null then
    return '[]';
  end if;
  perform makegood.lock_turns(ks);
  now := makegood.turn_clock();
  delete from makegood.turn t using json_array_elements(p_calls) c
    where t.saga = p_saga and t.node = (c->>0)::int and t.op = c->>1 and t.holder is not distinct from c->>2;
  with told as (
    update makegood.turn t set told_at = now
      from (select * from makegood.next_turns(ks, now) limit 8) n
      where t.saga = n.saga and t.node = n.node and t.op = n.op and t.told_at < now - 10000
      returning t.saga, t.node
  )
  select json_agg(json_build_object('saga', s.id, 'node', told.node, 'version', s.version)) into come
    from told join makegood.saga s on s.id = told.saga and s.wake_at is not null;
  return coalesce(come, '[]');
end $$;

-- As `follow_saga`, with the saga's priority.
create function makegood.follow_saga_2(p_id text, p_after bigint) returns json language plpgsql stable as $$
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
    'priority', coalesce(s.head->>'priority', 'normal'),
    'created_at', s.created_at, 'updated_at', s.updated_at, 'wake_at', s.wake_at,
    'counters', json_build_object('invocations', s.invocations, 'commits', s.commits, 'calls', s.calls,
      'bytes_read', s.bytes_read, 'bytes_written', s.bytes_written, 'sweeps', s.sweeps),
    'nodes', coalesce(plan, '[]'), 'journal', coalesce(journal, '[]'));
end $$;

-- As `list_sagas`, with their priorities.
create function makegood.list_sagas_2(p_owner text, p_before bigint, p_limit int) returns json language plpgsql stable as $$
declare
  found json;
begin
  select json_agg(json_build_object(
      'id', l.id, 'owner', l.owner, 'title', l.title, 'phase', l.phase, 'version', l.version,
      'priority', coalesce(l.head->>'priority', 'normal'),
      'created_at', l.created_at, 'updated_at', l.updated_at, 'invocations', l.invocations, 'commits', l.commits,
      'calls', l.calls) order by l.created_at desc, l.id desc) into found
    from (
      select * from makegood.saga s
      where (p_owner is null or s.owner = p_owner) and s.created_at < p_before
      order by s.created_at desc, s.id desc limit p_limit) l;
  return coalesce(found, '[]');
end $$;
