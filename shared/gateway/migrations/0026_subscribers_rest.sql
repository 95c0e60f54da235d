-- A subscriber that takes nothing is left alone, whatever there is to tell. Each saga's cursor waits longer and longer by
-- itself; but where a hundred sagas have news, that is a hundred invocations, each of which waits for who is silent.
--
-- A breaker in the subscription's row: after three failures in a row, of whatever sagas, nothing is brought for a while,
-- and then by one at a time, until something is taken. Builds before this one pass it over.

alter table makegood.subscription
  -- What was not taken in a row, of all sagas.
  add column tries int not null default 0,
  -- Nothing is brought before then.
  add column shut_until bigint,
  -- Somebody tries until then whether something is taken again.
  add column probe_until bigint;

-- As it was, with how long it is left alone.
create or replace function makegood.subscription_row(b makegood.subscription) returns json language sql immutable as $$
  select json_build_object(
    'id', b.id, 'owner', b.owner, 'kind', b.kind, 'everyone', b.everyone, 'url', b.url, 'types', b.types,
    'state', b.state, 'why', b.why, 'generation', b.generation, 'previous_until', b.previous_until,
    'failing_since', b.failing_since, 'last_error', b.last_error, 'shut_until', b.shut_until,
    'created_at', b.created_at, 'updated_at', b.updated_at)
$$;

-- Whether something may be brought to it now; where the last three were not taken, by one at a time.
create function makegood.may_bring(b makegood.subscription, p_now bigint) returns boolean language sql immutable as $$
  select b.state = 'active' and coalesce(b.shut_until, 0) <= p_now
    and (b.tries < 3 or coalesce(b.probe_until, 0) <= p_now)
$$;

-- As `take_cursors`, of subscribers to whom something may be brought. Of the journal each is given 1,000,000 bytes and
-- what is begun there: `more` says that there is more of it, `rest` that others are to be told as well.
create function makegood.take_cursors_2(p_saga text, p_now bigint, p_held bigint, p_most int, p_page int)
returns json language plpgsql as $$
declare
  probes text[];
  taken json;
  g makegood.saga;
  plan json;
  told json;
begin
  -- Nobody waits here, neither for a row of theirs nor for a cursor.
  probes := array(
    select b.id from makegood.subscription b
      where b.tries >= 3 and makegood.may_bring(b, p_now) and exists (
        select from makegood.subscription_cursor c
          where c.saga = p_saga and c.subscription = b.id and c.due_at <= p_now)
      for no key update of b skip locked);
  if cardinality(probes) > 0 then
    update makegood.subscription set probe_until = p_held where id = any (probes);
  end if;
  with due as (
    select c.subscription from makegood.subscription_cursor c join makegood.subscription b on b.id = c.subscription
      where c.saga = p_saga and c.due_at <= p_now
        and (b.tries < 3 and makegood.may_bring(b, p_now) or b.id = any (probes))
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
      'failing_since', t->'failing_since', 'journal', coalesce(p.journal, '[]'), 'more', coalesce(p.more, false)))
      into told
    from json_array_elements(taken) t
    join makegood.subscription b on b.id = t->>'subscription'
    cross join lateral (
      select json_agg(json_build_object('seq', l.seq, 'record', l.body) order by l.seq)
            filter (where l.before < 1000000) as journal,
          count(*) >= p_page or bool_or(l.before >= 1000000) as more
        from (
          select k.seq, k.body,
              sum(octet_length(k.body::text)) over (order by k.seq) - octet_length(k.body::text) as before
            from (
              select f.seq, f.body from makegood.fact f
                where f.saga = p_saga and f.epoch = g.epoch and f.seq > (t->>'seq')::bigint
                order by f.seq limit p_page) k) l) p;
  return json_build_object(
    'owner', g.owner, 'title', g.title, 'message', g.message, 'reading', g.reading, 'created_at', g.created_at,
    'nodes', coalesce(plan, '[]'), 'cursors', coalesce(told, '[]'),
    'rest', exists (
      select from makegood.subscription_cursor c join makegood.subscription b on b.id = c.subscription
        where c.saga = p_saga and c.due_at <= p_now and makegood.may_bring(b, p_now)));
end $$;

-- As `settle_cursor`. What is taken has everything brought again.
create function makegood.settle_cursor_2(
  p_subscription text, p_saga text, p_held bigint, p_seq bigint, p_upto int, p_taken boolean, p_now bigint
) returns json language plpgsql as $$
begin
  if p_taken then
    update makegood.subscription set
      failing_since = null, last_error = null, tries = 0, shut_until = null, probe_until = null
      where id = p_subscription and (failing_since is not null or tries > 0 or shut_until is not null);
  else
    -- It wanted none of that: who comes next tries.
    update makegood.subscription set probe_until = null where id = p_subscription and probe_until = p_held;
  end if;
  return makegood.settle_cursor(p_subscription, p_saga, p_held, p_seq, p_upto, false, p_now);
end $$;

-- As `fail_cursor`, and when it is due, which is not before its subscriber is to be left alone no more; null where it is
-- another's by now. p_taken: something was taken before that. p_after: so long the subscriber wants to be left alone.
create function makegood.fail_cursor_2(
  p_subscription text, p_saga text, p_held bigint, p_seq bigint, p_tries int, p_failing_since bigint, p_due_at bigint,
  p_error text, p_taken boolean, p_after bigint, p_now bigint
) returns json language plpgsql as $$
declare
  b makegood.subscription;
begin
  select * into b from makegood.subscription where id = p_subscription for no key update;
  if p_taken then
    b.tries := 0;
    b.failing_since := null;
    b.shut_until := null;
  end if;
  -- What had begun when it was shut says nothing new.
  if coalesce(b.shut_until, 0) <= p_now then
    b.tries := b.tries + 1;
    b.shut_until := case when b.tries >= 3 then p_now + least(600000, 15000 * (1 << (least(b.tries, 9) - 3))) end;
  end if;
  if p_after > 0 then
    b.shut_until := greatest(b.shut_until, p_now + p_after);
  end if;
  update makegood.subscription set
    failing_since = coalesce(b.failing_since, p_failing_since), last_error = p_error, tries = b.tries,
    shut_until = b.shut_until, probe_until = nullif(probe_until, p_held)
    where id = p_subscription;
  update makegood.subscription_cursor set
    seq = p_seq, due_at = greatest(p_due_at, b.shut_until), tries = p_tries, failing_since = p_failing_since
    where subscription = p_subscription and saga = p_saga and due_at = p_held;
  return case when found then to_json(greatest(p_due_at, b.shut_until)) end;
end $$;

-- As it was; it begins anew.
create or replace function makegood.enable_subscription(
  p_id text, p_owner text, p_by text, p_now bigint, p_origin text
) returns json language plpgsql as $$
declare
  b makegood.subscription;
begin
  perform makegood.comes_from(p_origin);
  update makegood.subscription set
    state = 'active', why = null, failing_since = null, last_error = null, tries = 0, shut_until = null,
    probe_until = null, changed_by = p_by, updated_at = p_now
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

-- As it was, of subscribers to whom something may be brought, each in turn, so that none who has missed much comes before
-- all others. Of Ably it is forgotten after five days in which it took nothing. No commit waits for what is forgotten.
create or replace function makegood.lagging_sagas(p_now bigint, p_limit int) returns json language plpgsql as $$
begin
  delete from makegood.subscription_cursor f using (
    select c.subscription, c.saga from makegood.subscription_cursor c
      where c.due_at <= p_now and not exists (
        select from makegood.subscription b
          where b.id = c.subscription and case
            when b.kind = 'ably' then least(p_now - c.since, p_now - b.failing_since) < 432000000
              or b.failing_since is null
            else b.state = 'active' or c.since > p_now - 2592000000 end)
      limit 10000 for update of c skip locked) g
    where f.subscription = g.subscription and f.saga = g.saga;
  return coalesce((select json_agg(l.saga order by l.place, l.due_at, l.saga) from (
    select d.saga, min(d.place) as place, min(d.due_at) as due_at
      from (
        select c.saga, c.due_at, b.tries,
            row_number() over (partition by c.subscription order by c.due_at, c.saga) as place
          from makegood.subscription_cursor c join makegood.subscription b on b.id = c.subscription
          where c.due_at <= p_now and makegood.may_bring(b, p_now)) d
      where d.tries < 3 or d.place = 1
      group by d.saga order by 2, 3, 1 limit p_limit) l), '[]');
end $$;
