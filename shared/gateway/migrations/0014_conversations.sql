-- Conversations: what somebody has said of which nothing is carried out yet, the saga that came of what was, and
-- what was said once and holds for all of it. Redis may have a copy; what is decided by is this row.

create table makegood.conversation (
  id text primary key,
  owner text not null,
  -- Grows with every message: who read an older one writes nothing.
  version int not null,
  state json not null,
  -- The newest saga that it started.
  saga text references makegood.saga (id) on delete set null,
  -- Since when something is asked of a saga that is not settled yet. What the queue loses of it the sweep finds.
  wish_since bigint,
  created_at bigint not null,
  updated_at bigint not null,
  expires_at bigint not null
);
create index conversation_owner on makegood.conversation (owner, updated_at);
create index conversation_expires on makegood.conversation (expires_at);
create index conversation_wish on makegood.conversation (wish_since) where wish_since is not null;
create index conversation_saga on makegood.conversation (saga);

-- The conversation that a saga was started in. It may have ended since.
alter table makegood.saga add column conversation text;

-- What a message is read against: the conversation, if it is this owner's and has not ended; the saga that the
-- message's key stands for, if it came before; and how far east of Greenwich the clock of the zone is now, of the
-- one that is given or else the conversation's. A zone that there is not is an error (22023).
create function makegood.open_conversation(p_owner text, p_id text, p_key text, p_zone text, p_now bigint)
returns json language plpgsql stable as $$
declare
  c makegood.conversation;
  keyed json;
  here text;
  moment timestamptz := to_timestamp(p_now / 1000.0);
  minutes int;
begin
  if p_id is not null then
    select * into c from makegood.conversation where id = p_id and owner = p_owner and (expires_at > p_now or wish_since is not null);
  end if;
  if p_key is not null then
    select json_build_object('saga', s.id, 'request', s.request, 'conversation', s.conversation, 'title', s.title,
        'confirm', s.reading->>'confirm') into keyed
      from makegood.saga s where s.owner = p_owner and s.client_key = p_key;
  end if;
  here := coalesce(p_zone, c.state->>'zone');
  if here is not null then
    minutes := round(extract(epoch from (moment at time zone here) - (moment at time zone 'UTC')) / 60);
  end if;
  return json_build_object(
    'conversation', case when c.id is not null then json_build_object(
      'version', c.version, 'state', c.state, 'saga', c.saga, 'wish_since', c.wish_since, 'expires_at', c.expires_at) end,
    'keyed', keyed, 'offset_minutes', minutes);
end $$;

-- Leaves an owner one conversation less than there may be, those that were not touched for longest going first. One
-- with an open wish stays.
create function makegood.forget_conversations(p_owner text, p_most int) returns void language sql as $$
  delete from makegood.conversation where id in (
    select id from makegood.conversation where owner = p_owner and wish_since is null
      order by updated_at desc, id offset greatest(p_most - 1, 0) for update skip locked)
$$;

-- Writes what a message came to where it started nothing. Answers with the new version, or with 0 where another
-- message was first; 0 as p_version makes a new one.
create function makegood.save_conversation(
  p_id text, p_owner text, p_version int, p_state json, p_wish_since bigint, p_now bigint, p_expires_at bigint, p_most int
) returns json language plpgsql as $$
begin
  if p_version = 0 then
    perform makegood.forget_conversations(p_owner, p_most);
    insert into makegood.conversation (id, owner, version, state, wish_since, created_at, updated_at, expires_at)
      values (p_id, p_owner, 1, p_state, p_wish_since, p_now, p_now, p_expires_at) on conflict do nothing;
  else
    update makegood.conversation set version = version + 1, state = p_state, wish_since = p_wish_since,
        updated_at = p_now, expires_at = p_expires_at
      where id = p_id and owner = p_owner and version = p_version and (expires_at > p_now or wish_since is not null);
  end if;
  return case when found then p_version + 1 else 0 end;
end $$;

-- As `create_saga_2`, with the conversation that it starts in: both are written or neither. `lost` is true where
-- another message was first; then nothing is.
create function makegood.create_saga_3(
  p_id text, p_owner text, p_client_key text, p_title text, p_message text, p_head json, p_nodes json,
  p_now bigint, p_wake_at bigint, p_outbox json, p_bytes bigint, p_request text, p_reading json,
  p_conversation text, p_version int, p_state json, p_expires_at bigint, p_most int
) returns json language plpgsql as $$
declare
  created json;
begin
  if p_version > 0 then
    perform from makegood.conversation
      where id = p_conversation and owner = p_owner and version = p_version and (expires_at > p_now or wish_since is not null) for update;
    if not found then
      return json_build_object('lost', true);
    end if;
  end if;
  created := makegood.create_saga_2(p_id, p_owner, p_client_key, p_title, p_message, p_head, p_nodes, p_now, p_wake_at,
    p_outbox, p_bytes, p_request, p_reading);
  if (created->>'created')::boolean then
    update makegood.saga set conversation = p_conversation where id = p_id;
    if p_version > 0 then
      update makegood.conversation set version = version + 1, state = p_state, saga = p_id,
          updated_at = p_now, expires_at = p_expires_at
        where id = p_conversation;
    else
      perform makegood.forget_conversations(p_owner, p_most);
      insert into makegood.conversation (id, owner, version, state, saga, created_at, updated_at, expires_at)
        values (p_conversation, p_owner, 1, p_state, p_id, p_now, p_now, p_expires_at);
    end if;
  end if;
  return json_build_object('saga', created, 'lost', false,
    'conversation', (select conversation from makegood.saga where id = created->>'id'));
end $$;

-- What is wished of a saga, as long as that is not settled.
create function makegood.open_wish(p_id text, p_owner text, p_since bigint) returns json language sql stable as $$
  select state->'wish' from makegood.conversation where id = p_id and owner = p_owner and wish_since = p_since
$$;

-- Writes down what became of a wish. Its messages are not open any more; where they were carried out, and the saga is
-- still the newest, they are a part of what its plan was made of. False where it was settled before.
create function makegood.settle_wish(
  p_id text, p_owner text, p_since bigint, p_became text, p_why text, p_carried_out boolean, p_now bigint
) returns json language plpgsql as $$
declare
  c makegood.conversation;
  s jsonb;
  messages jsonb;
  many int;
  said jsonb;
begin
  select * into c from makegood.conversation where id = p_id and owner = p_owner and wish_since = p_since for update;
  if not found then
    return 'false';
  end if;
  s := c.state::jsonb;
  messages := coalesce(s #> '{wish,messages}', '[]');
  many := jsonb_array_length(messages);
  said := coalesce(s->'said', '[]');
  if messages = (select coalesce(jsonb_agg(m order by o), '[]') from jsonb_array_elements(said) with ordinality l(m, o)
      where o <= many) then
    s := jsonb_set(s, '{said}', (select coalesce(jsonb_agg(m order by o), '[]')
      from jsonb_array_elements(said) with ordinality l(m, o) where o > many));
    if p_carried_out and c.saga = s #>> '{wish,saga}' then
      s := jsonb_set(s, '{made}', coalesce(s->'made', '[]') || messages);
    end if;
  end if;
  s := jsonb_set(s, '{wish,became}', to_jsonb(p_became));
  if p_why is not null then
    s := jsonb_set(s, '{wish,why}', to_jsonb(p_why));
  end if;
  update makegood.conversation set version = version + 1, state = s::json, wish_since = null, updated_at = p_now
    where id = p_id;
  return 'true';
end $$;

-- Removes conversations that have ended, and lists those whose wish is open since then or longer.
create function makegood.sweep_conversations(p_now bigint, p_since bigint, p_limit int) returns json language plpgsql as $$
begin
  delete from makegood.conversation where id in (
    select id from makegood.conversation where expires_at <= p_now and wish_since is null
      order by expires_at limit p_limit for update skip locked);
  return coalesce((select json_agg(json_build_object('id', w.id, 'owner', w.owner, 'since', w.wish_since))
    from (select * from makegood.conversation where wish_since <= p_since order by wish_since limit p_limit) w), '[]');
end $$;
