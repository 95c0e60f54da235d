-- What operators look at when something does not go on: what waits to be woken, what nothing can come of any more, who
-- is waited for, what there is of tools, and how much of all. Nothing is decided by it. Each answer is bounded, and found
-- by an index.

-- Few among many: what is dead, who takes nothing, what the queue does not know of, and who is waited for.
create index delivery_dead on makegood.delivery (received_at desc) where state = 'dead';
create index subscription_failing on makegood.subscription (updated_at desc)
  where state = 'disabled' or failing_since is not null;
create index schedule_unarmed on makegood.schedule (look_at) where not armed;
-- Not by `changed_at`, in whose order they are listed, for every update of a step's line changes that; and what changes a
-- column of an index cannot stay in its block ("heap-only"), and writes to every index of the table. A column of an index's
-- condition counts as well: `standing`, which there is no way round, for it is what is asked for. But a step comes to stand
-- otherwise a few times, and is tried again without end: those updates, by far the most of a line, stay in their block, as
-- the table's fillfactor has room for. `saga` and `node` never change. That no index has the order costs a sort of those who
-- are waited for, who are few.
create index step_view_people on makegood.step_view (saga, node) where standing in ('asking', 'held');
create index tool_view_tool on makegood.tool_view (tool, day);

-- Sagas in the order in which they are looked after next, after the one of that time and id; of what else is to be done
-- that which is due, after that of that time and mark; dead deliveries, the newest first, before the one of that time and
-- mark; and subscribers who take nothing, those that changed last first, before that one. Of two of the lists it says how
-- long they are: no more than a thousand lines are counted of each.
create function makegood.console_queue(p_now bigint, p_after bigint, p_saga text, p_due bigint, p_work text,
  p_before bigint, p_letter text, p_changed bigint, p_subscriber text, p_limit int)
returns json language plpgsql stable as $$
begin
  return json_build_object(
    'oldest', (select min(s.wake_at) from makegood.saga s where s.wake_at is not null),
    'overdue', (select count(*) from (select from makegood.saga s where s.wake_at <= p_now limit 1000) l),
    'sagas', coalesce((select json_agg(row_to_json(l) order by l.wake_at, l.id) from (
      select s.id, s.owner, s.title, s.phase, s.wake_at, s.updated_at, s.sweeps, s.idle_wakes
        from makegood.saga s where s.wake_at is not null and (s.wake_at, s.id) > (p_after, p_saga)
        order by s.wake_at, s.id limit p_limit) l), '[]'),
    'waiting_in_all', (select least(sum(l.lines), 1000)::int from (
      select count(*) as lines from (select from makegood.schedule c where not c.armed limit 1000) k
      union all
      select count(*) from (select from makegood.delivery d where d.due_at is not null limit 1000) k
      union all
      select count(*) from (select from makegood.conversation w where w.wish_since is not null limit 1000) k
      union all
      select count(*) from (
        select from makegood.subscription_cursor n join makegood.subscription b on b.id = n.subscription
          where n.due_at <= p_now and b.state = 'active' limit 1000) k
      union all
      select count(*) from (select from makegood.trace_due t where t.due_at <= p_now limit 1000) k) l),
    -- `mark` tells apart what is due at the same time: with it nothing is lost or shown twice where a page ends.
    'waiting', coalesce((select json_agg(row_to_json(l) order by l.due_at, l.mark) from (
      select * from (
        (select 'schedule' as what, c.id as name, c.owner, null as saga, c.updated_at as since, c.look_at as due_at,
            0 as tries, 'schedule/' || c.ref as mark
          from makegood.schedule c
          where not c.armed and c.look_at >= p_due and (c.look_at, 'schedule/' || c.ref) > (p_due, p_work)
          order by due_at, mark limit p_limit)
        union all
        (select 'delivery', d.source, d.owner, d.saga, d.received_at, d.due_at, d.tries,
            'delivery/' || d.source || '/' || d.key as mark
          from makegood.delivery d
          where d.due_at is not null and d.due_at >= p_due
            and (d.due_at, 'delivery/' || d.source || '/' || d.key) > (p_due, p_work)
          order by d.due_at, mark limit p_limit)
        union all
        (select 'wish', w.id, w.owner, w.saga, w.wish_since, w.wish_since, 0, 'wish/' || w.id as mark
          from makegood.conversation w
          where w.wish_since is not null and w.wish_since >= p_due and (w.wish_since, 'wish/' || w.id) > (p_due, p_work)
          order by w.wish_since, mark limit p_limit)
        union all
        (select 'news', b.id, b.owner, n.saga, n.since, n.due_at, n.tries, 'news/' || b.id || '/' || n.saga as mark
          from makegood.subscription_cursor n join makegood.subscription b on b.id = n.subscription
          where n.due_at <= p_now and b.state = 'active' and n.due_at >= p_due
            and (n.due_at, 'news/' || b.id || '/' || n.saga) > (p_due, p_work)
          order by n.due_at, mark limit p_limit)
        union all
        (select 'trace', t.saga, '', t.saga, t.since, t.due_at, t.tries, 'trace/' || t.saga as mark
          from makegood.trace_due t
          where t.due_at <= p_now and t.due_at >= p_due and (t.due_at, 'trace/' || t.saga) > (p_due, p_work)
          order by t.due_at, mark limit p_limit)) a
      order by a.due_at, a.mark limit p_limit) l), '[]'),
    'dead', coalesce((select json_agg(row_to_json(l) order by l.received_at desc, l.source || '/' || l.key desc) from (
      select d.source, d.key, d.owner, d.id, d.kind, d.received_at, d.rule, d.saga, d.tries, left(d.why, 500) as why,
          d.settled_at
        from makegood.delivery d
        where d.state = 'dead' and d.received_at <= p_before
          and (d.received_at, d.source || '/' || d.key) < (p_before, p_letter)
        order by d.received_at desc, d.source || '/' || d.key desc limit p_limit) l), '[]'),
    'subscribers_in_all', (select count(*) from (
      select from makegood.subscription b where b.state = 'disabled' or b.failing_since is not null limit 1000) l),
    'subscribers', coalesce((select json_agg(row_to_json(l) order by l.updated_at desc, l.id desc) from (
      select b.id, b.owner, b.kind, b.url, b.state, b.failing_since, b.shut_until, b.updated_at,
          left(coalesce(b.why, b.last_error), 500) as why,
          (select count(*) from (
            select from makegood.subscription_cursor n where n.subscription = b.id limit 1000) k) as behind
        from makegood.subscription b
        where (b.state = 'disabled' or b.failing_since is not null)
          and b.updated_at <= p_changed and (b.updated_at, b.id) < (p_changed, p_subscriber)
        order by b.updated_at desc, b.id desc limit p_limit) l), '[]'));
end $$;

-- Steps that wait for a person, the longest first, after that one: whom an approval asks and what for, or what a step is
-- held with. The views are brought along first, as for counts. What each waits with is read of the lines of the page only.
create function makegood.console_people(p_after bigint, p_saga text, p_node int, p_limit int)
returns json language plpgsql volatile as $$
begin
  perform makegood.bring_views(5000);
  return coalesce((
    with found as materialized (
      select v.saga, v.node, v.step, v.tool, v.class, v.standing, v.changed_at, v.code, s.owner, s.title, s.phase
        from makegood.step_view v join makegood.saga s on s.id = v.saga
        where v.standing in ('asking', 'held') and (v.changed_at, v.saga, v.node) > (p_after, p_saga, p_node)
          -- Nobody is asked any more by what turned round.
          and (v.standing = 'held' or s.phase = 'forward')
        order by v.changed_at, v.saga, v.node limit p_limit
    )
    select json_agg(row_to_json(l) order by l.changed_at, l.saga, l.node) from (
      select v.*, coalesce((f.body->>'at')::bigint, v.changed_at) as since, (f.body->>'until')::bigint as until,
          coalesce(f.body->'params', '{}') as params, n.spec->'approval' as approval,
          left(f.body->>'detail', 500) as detail, f.body->>'op' as op,
          (select coalesce(json_agg(d.body->>'by' order by d.seq), '[]') from makegood.fact d
            where d.saga = v.saga and d.epoch = 0 and d.node = v.node and d.seq > f.seq and d.kind = 'decided'
              and (d.body->>'approve')::boolean) as agreed
        from found v
        join makegood.node n on n.saga = v.saga and n.epoch = 0 and n.ix = v.node
        left join lateral (
          select k.seq, k.body from makegood.fact k
            where k.saga = v.saga and k.epoch = 0 and k.node = v.node
              and k.kind = case v.standing when 'asking' then 'asked' else 'held' end
            order by k.seq desc limit 1) f on true) l), '[]');
end $$;

-- Tools by their names, after one: as in `show_tools`, without what only models and checks read, and what became of their
-- calls since a day.
create function makegood.console_tools(p_after text, p_since bigint, p_limit int) returns json
language plpgsql volatile as $$
begin
  perform makegood.bring_views(5000);
  return coalesce((select json_agg(row_to_json(l) order by l.name) from (
    select t.name, t.version, t.current, t.refused, t.registered_at, t.looked_at,
        t.definition->>'title' as title, t.definition->>'class' as class, t.definition->'mcp'->>'server' as server,
        case json_typeof(t.definition->'concurrency') when 'array' then t.definition->'concurrency'
          when 'object' then json_build_array(t.definition->'concurrency') else '[]' end as concurrency,
        t.definition->'rate' as rate,
        (t.definition->>'timeout_ms')::bigint as timeout_ms, t.definition->'approval' is not null as approval, c.*
      from (select distinct k.name from makegood.tool k where k.name > p_after order by k.name limit p_limit) k
      cross join lateral (
        select * from makegood.tool m where m.name = k.name
          order by m.current desc, m.registered_at desc limit 1) t
      cross join lateral (
        select coalesce(sum(v.calls), 0)::bigint as calls, coalesce(sum(v.done), 0)::bigint as done,
            coalesce(sum(v.refused), 0)::bigint as refused_calls, coalesce(sum(v.no_answer), 0)::bigint as no_answer,
            coalesce(sum(v.undone), 0)::bigint as undone, coalesce(sum(v.took), 0)::bigint as took
          from makegood.tool_view v
          where v.tool = k.name and v.day >= (to_timestamp(p_since / 1000) at time zone 'utc')::date) c) l), '[]');
end $$;

-- What the database is, what it was brought to, and how large its tables are: by its own estimate, for nothing is counted.
create function makegood.console_sizes() returns json language plpgsql stable as $$
begin
  return json_build_object(
    'server', current_setting('server_version'),
    'migration', (select max(m.name) from public.makegood_migrations m where m.name like 'makegood/%'),
    'bytes', pg_database_size(current_database()),
    'oldest', (select min(s.wake_at) from makegood.saga s where s.wake_at is not null),
    'tables', coalesce((select json_agg(row_to_json(l) order by l.bytes desc, l.name) from (
      select c.relname as name, greatest(c.reltuples, 0)::bigint as lines, pg_total_relation_size(c.oid) as bytes
        from pg_class c where c.relnamespace = 'makegood'::regnamespace and c.relkind = 'r'
        order by 3 desc, 1 limit 50) l), '[]'));
end $$;
