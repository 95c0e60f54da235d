-- What was answered under a key where no saga was started, so that a message that comes again is answered as it was,
-- whatever was said since, and whether it names its conversation or began it. A key is its owner's, as that of a saga.

create table makegood.answer (
  owner text not null,
  key text not null,
  conversation text not null references makegood.conversation (id) on delete cascade,
  -- The message, and its answer or what it wished of a saga.
  answer json not null,
  answered_at bigint not null,
  primary key (owner, key)
);
create index answer_conversation on makegood.answer (conversation, answered_at);

-- As `open_conversation`, with what was answered under the message's key. Where that was in another conversation than
-- the one that is named, that other one is opened.
create function makegood.open_conversation_2(p_owner text, p_id text, p_key text, p_zone text, p_now bigint)
returns json language plpgsql stable as $$
declare
  a makegood.answer;
  opened json;
begin
  if p_key is not null then
    select * into a from makegood.answer where owner = p_owner and key = p_key;
  end if;
  opened := makegood.open_conversation(p_owner, coalesce(a.conversation, p_id), p_key, p_zone, p_now);
  return json_build_object(
    'conversation', opened->'conversation', 'keyed', opened->'keyed', 'offset_minutes', opened->'offset_minutes',
    'answered', case when a.key is not null then
      json_build_object('conversation', a.conversation, 'answer', a.answer) end);
end $$;

-- As `save_conversation`, with the answer under its key: both are written or neither. Of each conversation the last 20
-- are kept.
create function makegood.save_conversation_2(
  p_id text, p_owner text, p_version int, p_state json, p_wish_since bigint, p_now bigint, p_expires_at bigint, p_most int,
  p_key text, p_answer json
) returns json language plpgsql as $$
declare
  saved json;
begin
  saved := makegood.save_conversation(p_id, p_owner, p_version, p_state, p_wish_since, p_now, p_expires_at, p_most);
  if p_key is not null and saved::text <> '0' then
    insert into makegood.answer (owner, key, conversation, answer, answered_at) values (p_owner, p_key, p_id, p_answer, p_now);
    delete from makegood.answer where conversation = p_id and key in (
      select key from makegood.answer where conversation = p_id order by answered_at desc, key offset 20);
  end if;
  return saved;
exception when unique_violation then
  -- The same message was first, in a conversation of its own perhaps.
  return '0';
end $$;

-- As `settle_wish`; what was noted under the key of the message that wished it learns of it as well.
create function makegood.settle_wish_2(
  p_id text, p_owner text, p_since bigint, p_became text, p_why text, p_carried_out boolean, p_now bigint
) returns json language plpgsql as $$
declare
  settled json;
begin
  settled := makegood.settle_wish(p_id, p_owner, p_since, p_became, p_why, p_carried_out, p_now);
  if settled::text = 'true' then
    update makegood.answer a set answer = jsonb_set(a.answer::jsonb, '{wish}', c.state::jsonb -> 'wish')::json
      from makegood.conversation c
      where c.id = p_id and a.conversation = c.id and a.answer #>> '{wish,at}' = p_since::text;
  end if;
  return settled;
end $$;

-- What is wished of a saga, as long as that is not settled; and, where nothing is wished any more, the saga that
-- something was wished of last: it may be held still.
create function makegood.open_wish_2(p_id text, p_owner text, p_since bigint) returns json language sql stable as $$
  select json_build_object(
      'wish', case when wish_since = p_since then state->'wish' end,
      'saga', case when wish_since is null then state #>> '{wish,saga}' end)
    from makegood.conversation where id = p_id and owner = p_owner
$$;
