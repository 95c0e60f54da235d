-- Who is to be told that a saga needs a person, or has been unwinding for long. The sweeper looks: a row
-- here is a saga that it has seen so.

create index saga_watched on makegood.saga (phase) where phase in ('stuck', 'unwinding');

create table makegood.alert (
  saga text primary key references makegood.saga (id) on delete cascade,
  -- How it stood when it was last looked at: stuck or unwinding.
  phase text not null,
  -- Since when it was seen so.
  since bigint not null,
  -- How often somebody was told.
  said int not null default 0,
  due_at bigint not null
);
create index alert_due on makegood.alert (due_at);

-- The alerts that are due, new ones first. One that is over is due once more, where somebody was told of it.
create function makegood.due_alerts(p_now bigint, p_patience bigint, p_limit int) returns json language plpgsql as $$
declare
  found json;
begin
  -- One sweep at a time tells.
  if not pg_try_advisory_xact_lock(hashtextextended('makegood.alert', 0)) then
    return '[]';
  end if;
  insert into makegood.alert (saga, phase, since, due_at)
    select s.id, s.phase, p_now, case s.phase when 'stuck' then p_now else p_now + p_patience end
    from makegood.saga s
    where s.phase in ('stuck', 'unwinding') and not exists (select 1 from makegood.alert a where a.saga = s.id)
    limit 1000
  on conflict do nothing;
  update makegood.alert a set
      phase = s.phase, since = p_now, due_at = case s.phase when 'stuck' then p_now else p_now + p_patience end
    from makegood.saga s where s.id = a.saga and s.phase <> a.phase and s.phase in ('stuck', 'unwinding');
  delete from makegood.alert a using makegood.saga s
    where s.id = a.saga and a.said = 0 and s.phase not in ('stuck', 'unwinding');
  select json_agg(json_build_object('saga', d.saga, 'phase', d.phase, 'owner', d.owner, 'title', d.title,
      'since', d.since, 'said', d.said)) into found
    from (
      select a.saga, s.phase, s.owner, s.title, a.since, a.said
      from makegood.alert a join makegood.saga s on s.id = a.saga
      where a.due_at <= p_now or s.phase not in ('stuck', 'unwinding')
      order by a.said, a.due_at limit p_limit) d;
  return coalesce(found, '[]');
end $$;

-- Somebody was told; who was told before meanwhile changes nothing. Without a next time it is over.
create function makegood.said_alert(p_saga text, p_said int, p_due_at bigint) returns json language plpgsql as $$
begin
  if p_due_at is null then
    delete from makegood.alert where saga = p_saga and said = p_said;
  else
    update makegood.alert set said = said + 1, due_at = p_due_at where saga = p_saga and said = p_said;
  end if;
  return 'true';
end $$;
