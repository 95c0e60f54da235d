-- Webhooks: every delivery that is its sender's, kept before the sender is told that it was. What is to be done about it
-- was read from it when it came, and stands in its row.

create table makegood.delivery (
  source text not null,
  -- The same for every attempt to bring it: what makes it one.
  key text not null,
  owner text not null,
  -- In the sender's words.
  id text,
  kind text,
  received_at bigint not null,
  body bytea not null,
  -- Attempts after the first.
  repeats int not null default 0,
  -- pending, done, ignored (no rule fits it), dead (nothing can come of it, or nothing came in time).
  state text not null,
  rule text,
  act json,
  -- The saga that it is for, or that it started. An event's is chosen once.
  saga text,
  tries int not null default 0,
  -- When somebody is to look at it again; null where it is settled.
  due_at bigint,
  -- An event that has no place by then is dead.
  until bigint,
  why text,
  settled_at bigint,
  primary key (source, key)
);
create index delivery_due on makegood.delivery (due_at) where due_at is not null;
create index delivery_owner on makegood.delivery (owner, received_at desc);
create index delivery_received on makegood.delivery (received_at);

-- Who waits for something from outside, by its name. What a step is does not change once it is written.
create index node_waits on makegood.node ((spec->'wait'->'event'->>'name'))
  where spec->'wait'->'event'->>'name' is not null;

-- Takes a delivery in. One that is there is left as it is, and counted.
create function makegood.take_delivery(
  p_source text, p_key text, p_owner text, p_id text, p_kind text, p_body text, p_state text, p_rule text, p_act json,
  p_why text, p_now bigint, p_due_at bigint, p_until bigint
) returns json language plpgsql as $$
declare
  d makegood.delivery;
begin
  insert into makegood.delivery (source, key, owner, id, kind, received_at, body, state, rule, act, why, due_at, until, settled_at)
    values (p_source, p_key, p_owner, p_id, p_kind, p_now, decode(p_body, 'base64'), p_state, p_rule, p_act, p_why,
      case when p_state = 'pending' then p_due_at end, case when p_state = 'pending' then p_until end,
      case when p_state <> 'pending' then p_now end)
    on conflict do nothing;
  if found then
    return json_build_object('new', true, 'state', p_state);
  end if;
  update makegood.delivery set repeats = repeats + 1 where source = p_source and key = p_key returning * into d;
  return json_build_object('new', false, 'state', d.state);
end $$;

-- A delivery about which something is to be done; null where that is settled. An event's saga is found here: the one
-- that it names; or the one that was started with its key; or, of those that go on, the oldest that waits for its name. It
-- is of the source's owner, and stays the same once it is found.
create function makegood.aim_delivery(p_source text, p_key text) returns json language plpgsql as $$
declare
  d makegood.delivery;
  e json;
begin
  select * into d from makegood.delivery where source = p_source and key = p_key and state = 'pending' for update;
  if not found then
    return null;
  end if;
  e := d.act->'event';
  if d.saga is null and e is not null then
    if e->>'saga' is not null then
      select s.id into d.saga from makegood.saga s where s.id = e->>'saga' and s.owner = d.owner;
    elsif e->>'key' is not null then
      select s.id into d.saga from makegood.saga s where s.owner = d.owner and s.client_key = e->>'key';
    else
      select s.id into d.saga from makegood.node n join makegood.saga s on s.id = n.saga
        where n.spec->'wait'->'event'->>'name' = e->>'name' and s.owner = d.owner and s.phase = 'forward'
          and not exists (select from makegood.fact f
            where f.saga = n.saga and f.epoch = n.epoch and f.node = n.ix and f.kind not in ('waiting', 'started'))
        order by s.created_at, s.id limit 1;
    end if;
    if d.saga is not null then
      update makegood.delivery set saga = d.saga where source = p_source and key = p_key;
    end if;
  end if;
  return json_build_object('owner', d.owner, 'id', d.id, 'kind', d.kind, 'received_at', d.received_at, 'act', d.act,
    'saga', d.saga, 'tries', d.tries, 'until', d.until);
end $$;

-- Writes down what became of a delivery. False where that was settled before.
create function makegood.settle_delivery(
  p_source text, p_key text, p_state text, p_saga text, p_why text, p_due_at bigint, p_now bigint
) returns json language plpgsql as $$
begin
  update makegood.delivery set state = p_state, saga = coalesce(p_saga, saga), why = p_why, tries = tries + 1,
      due_at = case when p_state = 'pending' then p_due_at end,
      settled_at = case when p_state <> 'pending' then p_now end
    where source = p_source and key = p_key and state = 'pending';
  return to_json(found);
end $$;

-- Forgets what was settled and came before then, and lists what is due: each is due again later.
create function makegood.sweep_deliveries(p_forget bigint, p_now bigint, p_again_at bigint, p_limit int)
returns json language plpgsql as $$
declare
  due json;
begin
  delete from makegood.delivery where (source, key) in (
    select source, key from makegood.delivery where received_at < p_forget and due_at is null
      order by received_at limit p_limit for update skip locked);
  with found as (
    select source, key, due_at from makegood.delivery where due_at <= p_now order by due_at limit p_limit for update skip locked
  ), told as (
    update makegood.delivery d set due_at = p_again_at from found f where d.source = f.source and d.key = f.key
      returning d.source, d.key, f.due_at
  )
  select json_agg(json_build_object('source', source, 'key', key) order by due_at, source, key) into due from told;
  return coalesce(due, '[]');
end $$;

-- An owner's deliveries, the newest first, without what is in them.
create function makegood.list_deliveries(p_owner text, p_before bigint, p_limit int) returns json language sql stable as $$
  select coalesce(json_agg(json_build_object('source', source, 'key', key, 'id', id, 'kind', kind,
      'received_at', received_at, 'bytes', octet_length(body), 'repeats', repeats, 'state', state, 'rule', rule,
      'saga', saga, 'tries', tries, 'due_at', due_at, 'why', why, 'settled_at', settled_at)
      order by received_at desc, source, key), '[]')
    from (select * from makegood.delivery where owner = p_owner and received_at < p_before
      order by received_at desc, source, key limit p_limit) d
$$;
