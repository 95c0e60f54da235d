-- Subscribers: who is told of events, where, and how far each of them has been told. No event is stored for it: the
-- journal is the outbox. A cursor is there as long as a subscriber has something of a saga to be told, and is written by
-- the transaction that commits it.

create table makegood.subscription (
  id text primary key,
  owner text not null,
  -- webhook, or ably: of that there is one, which is everybody's.
  kind text not null,
  -- Of all users' sagas, and not of the owner's alone.
  everyone boolean not null,
  url text not null,
  -- Types of events, as `core::feed` has them, or `makegood.step.*`; none: all.
  types json not null,
  -- active, disabled
  state text not null default 'active',
  -- Why it is disabled.
  why text,
  -- Which of its secrets is the newest: they are derived, and stand nowhere.
  generation int not null default 1,
  -- Until then the one before is good as well.
  previous_until bigint,
  -- Since when what was brought last was not taken, and what came of it.
  failing_since bigint,
  last_error text,
  -- Who changed it last, for the audit log.
  changed_by text not null,
  created_at bigint not null,
  updated_at bigint not null
);
create index subscription_owner on makegood.subscription (owner);
create index subscription_everyone on makegood.subscription (id) where everyone;

-- Whose subscription it was may be gone: there is no reference, for whoever takes one away is not to hold up a commit.
create table makegood.subscription_cursor (
  subscription text not null,
  saga text not null references makegood.saga (id) on delete cascade,
  -- The last event that was taken, or is none of theirs.
  seq bigint not null,
  -- The saga's version that they are to be told up to.
  upto int not null,
  -- Not before. While somebody is at it, when they must have ended.
  due_at bigint not null,
  tries int not null default 0,
  failing_since bigint,
  -- Since when there is something to tell.
  since bigint not null,
  primary key (subscription, saga)
);
create index subscription_cursor_saga on makegood.subscription_cursor (saga);
create index subscription_cursor_due on makegood.subscription_cursor (due_at);

-- Every new version of a saga is to be told. Who was told of all before is told of what this commit adds: its records
-- have the version times 1000000 and more.
create function makegood.note_subscribers() returns trigger language plpgsql as $$
begin
  insert into makegood.subscription_cursor (subscription, saga, seq, upto, due_at, since)
    select b.id, new.id, case tg_op when 'INSERT' then 0 else new.version::bigint * 1000000 end, new.version,
        new.updated_at, new.updated_at
      from makegood.subscription b where b.owner = new.owner or b.everyone order by b.id
  on conflict (subscription, saga) do update set upto = excluded.upto;
  return null;
end $$;
-- One that is written as ended never began, and is nobody's news.
create trigger note_subscribers after insert on makegood.saga for each row
  when (new.phase = 'forward') execute function makegood.note_subscribers();
create trigger note_subscribers_again after update of version on makegood.saga for each row
  when (old.version <> new.version) execute function makegood.note_subscribers();

-- A subscription as people see it.
create function makegood.subscription_row(b makegood.subscription) returns json language sql immutable as $$
  select json_build_object(
    'id', b.id, 'owner', b.owner, 'kind', b.kind, 'everyone', b.everyone, 'url', b.url, 'types', b.types,
    'state', b.state, 'why', b.why, 'generation', b.generation, 'previous_until', b.previous_until,
    'failing_since', b.failing_since, 'last_error', b.last_error, 'created_at', b.created_at,
    'updated_at', b.updated_at)
$$;

-- Writes one: its row, or null where its owner has as many as there may be.
create function makegood.create_subscription(
  p_id text, p_owner text, p_everyone boolean, p_url text, p_types json, p_most int, p_now bigint, p_origin text
) returns json language plpgsql as $$
declare
  b makegood.subscription;
begin
  -- One after the other, so that they are counted.
  perform pg_advisory_xact_lock(hashtextextended('makegood.subscription ' || p_owner, 0));
  if (select count(*) from makegood.subscription where owner = p_owner and kind = 'webhook') >= p_most then
    return null;
  end if;
  perform makegood.comes_from(p_origin);
  insert into makegood.subscription (id, owner, kind, everyone, url, types, changed_by, created_at, updated_at)
    values (p_id, p_owner, 'webhook', p_everyone, p_url, p_types, p_owner, p_now, p_now)
    returning * into b;
  return makegood.subscription_row(b);
end $$;

-- From here on Ably is told of everybody's sagas. True where it was not before.
create function makegood.open_ably(p_now bigint) returns json language plpgsql as $$
begin
  if exists (select from makegood.subscription where id = 'ably') then
    return 'false';
  end if;
  insert into makegood.subscription (id, owner, kind, everyone, url, types, changed_by, created_at, updated_at)
    values ('ably', '', 'ably', true, '', '[]', 'makegood', p_now, p_now) on conflict do nothing;
  return to_json(found);
end $$;

-- An owner's, or with null everybody's, the newest first.
create function makegood.list_subscriptions(p_owner text) returns json language sql stable as $$
  select coalesce(json_agg(makegood.subscription_row(b) order by b.created_at desc, b.id), '[]')
    from makegood.subscription b where b.kind = 'webhook' and (p_owner is null or b.owner = p_owner)
$$;

-- One of them, with how many sagas it has yet to be told something of; or null.
create function makegood.find_subscription(p_id text, p_owner text) returns json language sql stable as $$
  select json_build_object('subscription', makegood.subscription_row(b),
      'behind', (select count(*) from makegood.subscription_cursor c where c.subscription = b.id))
    from makegood.subscription b
    where b.id = p_id and b.kind = 'webhook' and (p_owner is null or b.owner = p_owner)
$$;

-- Takes one away, with all that it has yet to be told. False where there is none.
create function makegood.delete_subscription(p_id text, p_owner text, p_by text, p_now bigint, p_origin text)
returns json language plpgsql as $$
begin
  perform makegood.comes_from(p_origin);
  update makegood.subscription set changed_by = p_by, updated_at = p_now
    where id = p_id and kind = 'webhook' and (p_owner is null or owner = p_owner);
  if not found then
    return 'false';
  end if;
  delete from makegood.subscription where id = p_id;
  delete from makegood.subscription_cursor where subscription = p_id;
  return 'true';
end $$;

-- Gives one its next secret, and has the one before be good until then: its row, or null.
create function makegood.rotate_subscription(
  p_id text, p_owner text, p_previous_until bigint, p_by text, p_now bigint, p_origin text
) returns json language plpgsql as $$
declare
  b makegood.subscription;
begin
  perform makegood.comes_from(p_origin);
  update makegood.subscription set
    generation = generation + 1, previous_until = p_previous_until, changed_by = p_by, updated_at = p_now
    where id = p_id and kind = 'webhook' and (p_owner is null or owner = p_owner)
    returning * into b;
  if not found then
    return null;
  end if;
  return makegood.subscription_row(b);
end $$;

-- Has a disabled one go on, with what it missed: its row, or null.
create function makegood.enable_subscription(p_id text, p_owner text, p_by text, p_now bigint, p_origin text)
returns json language plpgsql as $$
declare
  b makegood.subscription;
begin
  perform makegood.comes_from(p_origin);
  update makegood.subscription set
    state = 'active', why = null, failing_since = null, last_error = null, changed_by = p_by, updated_at = p_now
    where id = p_id and kind = 'webhook' and (p_owner is null or owner = p_owner) and state = 'disabled';
  if found then
    update makegood.subscription_cursor set due_at = p_now, tries = 0, failing_since = null where subscription = p_id;
  end if;
  select * into b from makegood.subscription
    where id = p_id and kind = 'webhook' and (p_owner is null or owner = p_owner);
  if not found then
    return null;
  end if;
  return makegood.subscription_row(b);
end $$;

-- Brings nothing to one any more. What it misses is noted, and kept for 30 days. False where that was so before.
create function makegood.disable_subscription(p_id text, p_why text, p_now bigint) returns json language plpgsql as $$
begin
  update makegood.subscription set state = 'disabled', why = p_why, changed_by = 'makegood', updated_at = p_now
    where id = p_id and state = 'active';
  return to_json(found);
end $$;

-- What there is to be told of a saga now, for whoever tells it: nobody else is given the same until p_held. Null where
-- there is nothing.
create function makegood.take_cursors(p_saga text, p_now bigint, p_held bigint, p_most int, p_page int)
returns json language plpgsql as $$
declare
  taken json;
  g makegood.saga;
  plan json;
  told json;
begin
  with due as (
    select c.subscription from makegood.subscription_cursor c join makegood.subscription b on b.id = c.subscription
      where c.saga = p_saga and c.due_at <= p_now and b.state = 'active'
      order by c.due_at, c.subscription limit p_most for update of c skip locked
  ), held as (
    update makegood.subscription_cursor c set due_at = p_held from due d
      where c.saga = p_saga and c.subscription = d.subscription
      returning c.subscription, c.seq, c.upto, c.tries, c.failing_since
  )
  select json_agg(row_to_json(h)) into taken from held h;
  if taken is null then
    return null;
  end if;
  -- Statements of their own, so that they see at least what `upto` speaks of.
  select * into g from makegood.saga where id = p_saga;
  select json_agg(json_strip_nulls(json_build_object('ix', n.spec->'ix', 'epoch', n.spec->'epoch', 'id', n.spec->'id',
      'tool', n.spec->'tool', 'version', n.spec->'version', 'class', n.spec->'class', 'approval', n.spec->'approval'))
      order by n.ix) into plan
    from makegood.node n where n.saga = p_saga and n.epoch = g.epoch;
  select json_agg(json_build_object(
      'subscription', makegood.subscription_row(b), 'seq', t->'seq', 'upto', t->'upto', 'tries', t->'tries',
      'failing_since', t->'failing_since',
      'journal', coalesce((
        select json_agg(json_build_object('seq', l.seq, 'record', l.body) order by l.seq) from (
          select f.seq, f.body from makegood.fact f
            where f.saga = p_saga and f.epoch = g.epoch and f.seq > (t->>'seq')::bigint
            order by f.seq limit p_page) l), '[]'))) into told
    from json_array_elements(taken) t join makegood.subscription b on b.id = t->>'subscription';
  return json_build_object(
    'owner', g.owner, 'title', g.title, 'message', g.message, 'reading', g.reading, 'created_at', g.created_at,
    'nodes', coalesce(plan, '[]'), 'cursors', coalesce(told, '[]'));
end $$;

-- What was told, by whoever has held it since: `told` where that was all, `more` where there is more, `lost` where it is
-- another's by now. p_upto: what was held was told to its end. p_taken: something was brought, and taken.
create function makegood.settle_cursor(
  p_subscription text, p_saga text, p_held bigint, p_seq bigint, p_upto int, p_taken boolean, p_now bigint
) returns json language plpgsql as $$
begin
  if p_taken then
    update makegood.subscription set failing_since = null, last_error = null
      where id = p_subscription and failing_since is not null;
  end if;
  -- A commit that has come since has raised it, and one that comes now makes a new row.
  delete from makegood.subscription_cursor
    where subscription = p_subscription and saga = p_saga and due_at = p_held and upto = p_upto;
  if found then
    return '"told"';
  end if;
  update makegood.subscription_cursor set seq = p_seq, due_at = p_now, tries = 0, failing_since = null, since = p_now
    where subscription = p_subscription and saga = p_saga and due_at = p_held;
  return case when found then '"more"' else '"lost"' end;
end $$;

-- What was told, and that the next was not taken: it is due again then. False where it is another's by now.
create function makegood.fail_cursor(
  p_subscription text, p_saga text, p_held bigint, p_seq bigint, p_tries int, p_failing_since bigint, p_due_at bigint,
  p_error text
) returns json language plpgsql as $$
begin
  update makegood.subscription set failing_since = coalesce(failing_since, p_failing_since), last_error = p_error
    where id = p_subscription;
  update makegood.subscription_cursor set seq = p_seq, due_at = p_due_at, tries = p_tries, failing_since = p_failing_since
    where subscription = p_subscription and saga = p_saga and due_at = p_held;
  return to_json(found);
end $$;

-- Sagas of which somebody has long been owed news, the longest first. What is owed to nobody is forgotten, and what a
-- disabled one has missed for 30 days.
create function makegood.lagging_sagas(p_now bigint, p_limit int) returns json language plpgsql as $$
begin
  delete from makegood.subscription_cursor c where c.due_at <= p_now and not exists (
    select from makegood.subscription b
      where b.id = c.subscription and (b.state = 'active' or c.since > p_now - 2592000000));
  return coalesce((select json_agg(l.saga order by l.due_at, l.saga) from (
    select c.saga, min(c.due_at) as due_at
      from makegood.subscription_cursor c join makegood.subscription b on b.id = c.subscription
      where c.due_at <= p_now and b.state = 'active'
      group by c.saga order by 2, 1 limit p_limit) l), '[]');
end $$;

-- As `sweep_3`, with those sagas.
create function makegood.sweep_4(p_now bigint, p_again bigint, p_limit int, p_schedules int) returns json language plpgsql as $$
begin
  return json_build_object(
    'sagas', makegood.sweep_2(p_now, p_again, p_limit),
    'schedules', makegood.due_schedules(p_now, p_again, p_schedules),
    'lagging', makegood.lagging_sagas(p_now, p_limit));
end $$;

-- As `load_saga_5`, with whether anybody is to be told of what is committed.
create function makegood.load_saga_6(p_id text, p_count boolean) returns json language plpgsql as $$
declare
  s makegood.saga;
  open int[];
  reach int;
  width int;
  past boolean;
  subscribed boolean;
begin
  if p_count then
    update makegood.saga set idle_wakes = idle_wakes + 1 where id = p_id and wake_at is not null;
  end if;
  select * into s from makegood.saga where id = p_id;
  if not found then
    return null;
  end if;
  subscribed := exists (
    select from makegood.subscription b where (b.owner = s.owner or b.everyone) and b.state = 'active');
  if s.phase in ('completed', 'made_good') then
    return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
      'subscribed', subscribed, 'window', '{"nodes":[]}'::json);
  end if;
  past := s.phase <> 'forward' or (s.head->>'epoch')::int > 0;
  reach := (s.head->>'cursor')::int;
  open := array(select k::int from json_object_keys(s.head->'open') k);
  width := case when s.invocations = 0 then 8 else greatest(2, least(32, reach / s.invocations + 1)) end;
  if s.phase = 'unwinding' then
    reach := (s.head->>'floor')::int - width;
  end if;
  return json_build_object('owner', s.owner, 'version', s.version, 'idle_wakes', s.idle_wakes, 'head', s.head,
    'subscribed', subscribed, 'window', makegood.window_4(s.id, s.epoch, reach, reach + width, open, past));
end $$;

-- What is done to subscriptions, in the audit log.
create function makegood.audit_subscription() returns trigger language plpgsql as $$
begin
  insert into makegood.audit (who, verb, target, outcome) values (
    coalesce(new.changed_by, old.changed_by),
    case when tg_op = 'INSERT' then 'subscription.create' when tg_op = 'DELETE' then 'subscription.delete'
      when old.generation <> new.generation then 'subscription.rotate'
      when new.state = 'disabled' then 'subscription.disable' else 'subscription.enable' end,
    coalesce(new.id, old.id),
    case when tg_op = 'INSERT' and new.everyone then 'of everybody'
      when tg_op = 'INSERT' or tg_op = 'DELETE' then 'of ' || coalesce(new.owner, old.owner)
      else coalesce(new.why, 'ok') end);
  return null;
end $$;
create constraint trigger audit_subscription after insert on makegood.subscription deferrable initially deferred
  for each row execute function makegood.audit_subscription();
create constraint trigger audit_subscription_gone after delete on makegood.subscription deferrable initially deferred
  for each row execute function makegood.audit_subscription();
create constraint trigger audit_subscription_changed after update on makegood.subscription deferrable initially deferred
  for each row when ((old.generation, old.state) is distinct from (new.generation, new.state))
  execute function makegood.audit_subscription();
