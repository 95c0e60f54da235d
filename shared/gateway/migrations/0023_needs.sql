-- Who needs a person, and why: what is stuck or has been unwinding for long, and what goes forward and cannot go on by
-- itself. It stands beside `alert`, which an older build may still read: such a one would take a saga that goes forward
-- for one that needs nobody any more.

create table makegood.need (
  saga text primary key references makegood.saga (id) on delete cascade,
  why text not null,
  -- Tells one occasion from the next: who was told of the one is told of the other.
  mark text not null,
  -- The saga's version when it was last looked at closely.
  version int not null,
  since bigint not null,
  -- How often somebody was told.
  said int not null default 0,
  due_at bigint not null
);
create index need_due on makegood.need (due_at);

-- What people were told of before.
insert into makegood.need (saga, why, mark, version, since, said, due_at)
  select a.saga, a.phase, case a.phase when 'stuck' then s.version::text else '' end, 0, a.since, a.said, a.due_at
  from makegood.alert a join makegood.saga s on s.id = a.saga;

-- What a saga needs a person for; all of it null where it needs none.
create type makegood.needed as (
  why text,
  mark text,
  -- The steps that it is about, or the tool.
  about text,
  since bigint,
  -- How long after `since` somebody is told.
  patience bigint
);

-- The nodes in work of a head. A head that no build can read brings none, and no error either.
create function makegood.open_nodes(p_head json)
returns table (ix text, job text, op text, tried numeric, since numeric) language sql immutable as $$
  select o.key, o.value->>'j', o.value->>'o',
      case when json_typeof(o.value->'n') = 'number' then (o.value->>'n')::numeric else 0 end,
      case when json_typeof(o.value->'s') = 'number' then (o.value->>'s')::numeric end
    from json_each(case when json_typeof(p_head->'open') = 'object' then p_head->'open' else '{}' end) o
$$;

-- The ids of some steps, for people.
create function makegood.names_of(p_saga text, p_epoch int, p_ixs text[]) returns text language sql stable as $$
  select coalesce(left(string_agg(n.spec->>'id', ', ' order by n.ix), 200), '')
    from makegood.node n where n.saga = p_saga and n.epoch = p_epoch and n.ix::text = any (p_ixs)
$$;

create function makegood.need_of(s makegood.saga, p_now bigint, p_patience bigint)
returns makegood.needed language plpgsql stable as $$
declare
  n makegood.needed;
  ixs text[];
  old text[];
  began numeric;
  mark text;
begin
  if s.phase = 'stuck' then
    ixs := array(select o.ix from makegood.open_nodes(s.head) o where o.job = 'held' order by o.ix);
    -- Nothing is committed while it rests: another version was stuck anew.
    return ('stuck', s.version::text, makegood.names_of(s.id, s.epoch, ixs), null, 0)::makegood.needed;
  end if;
  if s.phase not in ('forward', 'unwinding') then
    return n;
  end if;
  -- Each wake ends before anything is committed: the head cannot be read, a call ends every invocation, or
  -- the queue takes nothing.
  if s.idle_wakes >= 10 and s.updated_at <= p_now - p_patience then
    return ('silent', '', '', s.updated_at, 0)::makegood.needed;
  end if;
  if s.phase = 'unwinding' then
    return ('unwinding', '', '', null, p_patience)::makegood.needed;
  end if;
  if s.head->>'drifting' is not null and s.head->>'paused' = 'true' then
    return ('drifting', s.head->>'drifting', s.head->>'drifting', null, 0)::makegood.needed;
  end if;
  -- A query that failed beside the point of no return is held at nothing: what becomes of that settles it.
  ixs := array(select o.ix from makegood.open_nodes(s.head) o where o.job = 'held' and o.op is not null order by o.ix);
  if ixs <> '{}' then
    -- What is held since another time is held anew: a person has done something about it.
    mark := (select string_agg(o.ix || ':' || coalesce(o.since, 0), ',' order by o.ix) from makegood.open_nodes(s.head) o
      where o.ix = any (ixs));
    return ('held', mark, makegood.names_of(s.id, s.epoch, ixs), null, 0)::makegood.needed;
  end if;
  -- What a step's own saga needs, that one tells.
  select array_agg(o.ix), array_agg(o.ix) filter (where o.since <= p_now - p_patience), min(o.since) into ixs, old, began
    from makegood.open_nodes(s.head) o
    where o.job in ('do', 'ask', 'undo') and o.tried > 0 and not exists (
      select 1 from makegood.node m
      where m.saga = s.id and m.epoch = s.epoch and m.ix::text = o.ix
        and m.tool in ('run_saga', 'run_saga_for_good'));
  if s.head->'cause' is not null then
    return ('failing', '', makegood.names_of(s.id, s.epoch, ixs), null, p_patience)::makegood.needed;
  end if;
  if old is not null then
    return ('unsettled', '', makegood.names_of(s.id, s.epoch, old), began::bigint, 0)::makegood.needed;
  end if;
  return n;
end $$;

-- Whether it is worth looking closer: most of what goes forward works or waits, and has none of these words in its head.
create function makegood.may_need(p_phase text, p_head text, p_idle_wakes int, p_created_at bigint, p_since bigint)
returns boolean language sql immutable as $$
  select p_phase <> 'forward' or p_idle_wakes >= 10
    or strpos(p_head, '"held"') > 0 or strpos(p_head, '"drifting"') > 0 or strpos(p_head, '"cause"') > 0
    or (p_created_at <= p_since
      and (strpos(p_head, '"do"') > 0 or strpos(p_head, '"ask"') > 0 or strpos(p_head, '"undo"') > 0))
$$;

-- As `due_alerts`, of all needs.
create function makegood.due_alerts_2(p_now bigint, p_patience bigint, p_limit int) returns json language plpgsql as $$
declare
  found json;
begin
  -- One sweep at a time tells.
  if not pg_try_advisory_xact_lock(hashtextextended('makegood.alert', 0)) then
    return '[]';
  end if;
  -- What was looked at, and has committed nothing since, is not looked at again before it is due.
  insert into makegood.need as a (saga, why, mark, version, since, due_at)
    select s.id, n.why, n.mark, s.version, coalesce(n.since, p_now), coalesce(n.since, p_now) + n.patience
    from makegood.saga s cross join lateral makegood.need_of(s, p_now, p_patience) n
    where (s.phase = 'stuck' or s.wake_at is not null)
      and makegood.may_need(s.phase, s.head::text, s.idle_wakes, s.created_at, p_now - p_patience)
      and not exists (select 1 from makegood.need k where k.saga = s.id and k.version = s.version)
      and n.why is not null
    limit 1000
  on conflict (saga) do update set
    why = excluded.why, mark = excluded.mark, version = excluded.version,
    since = case when (a.why, a.mark) = (excluded.why, excluded.mark) then a.since else excluded.since end,
    due_at = case when (a.why, a.mark) = (excluded.why, excluded.mark) then a.due_at else excluded.due_at end;
  delete from makegood.need a using makegood.saga s
    where s.id = a.saga and a.said = 0 and a.version <> s.version
      and (makegood.need_of(s, p_now, p_patience)).why is null;
  select json_agg(json_build_object('saga', d.saga, 'why', d.why, 'about', d.about, 'phase', d.phase, 'owner', d.owner,
      'title', d.title, 'since', d.since, 'said', d.said)) into found
    from (
      select a.saga, coalesce(n.why, 'over') as why, coalesce(n.about, '') as about, s.phase, s.owner, s.title, a.since,
        a.said
      from makegood.need a
      join makegood.saga s on s.id = a.saga
      cross join lateral makegood.need_of(s, p_now, p_patience) n
      where (a.due_at <= p_now or a.version <> s.version) and (a.due_at <= p_now or n.why is null)
      order by a.said, a.due_at limit p_limit) d;
  return coalesce(found, '[]');
end $$;

-- As `said_alert`.
create function makegood.said_alert_2(p_saga text, p_said int, p_due_at bigint) returns json language plpgsql as $$
begin
  if p_due_at is null then
    delete from makegood.need where saga = p_saga and said = p_said;
  else
    update makegood.need set said = said + 1, due_at = p_due_at where saga = p_saga and said = p_said;
  end if;
  return 'true';
end $$;
