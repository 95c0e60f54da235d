-- The audit log: who did what, to what, when, from where, and what came of it. It is only added to, and each row holds
-- the hash of the one before, so that what somebody changes all the same is found out (docs/AUDIT.md).
--
-- A row is written by the transaction that does what it tells of: by triggers, so that no code can forget it.

create table makegood.audit (
  seq bigint primary key,
  -- By the database's clock, in milliseconds.
  at bigint not null,
  who text not null,
  verb text not null,
  target text not null,
  -- The address that it was asked from; empty where nobody knows.
  origin text not null,
  outcome text not null,
  -- SHA-256 in hexadecimal: of the row before, and over this one.
  previous text not null,
  hash text not null
);

-- A text as bytes of which no other texts in a row give the same: its length, and itself.
create function makegood.audit_field(p text) returns bytea language sql immutable as $$
  select convert_to(octet_length(convert_to(p, 'UTF8'))::text || ':' || p || ',', 'UTF8')
$$;

create function makegood.audit_hash(a makegood.audit) returns text language sql immutable as $$
  select encode(sha256(
    makegood.audit_field(a.previous) || makegood.audit_field(a.seq::text) || makegood.audit_field(a.at::text)
    || makegood.audit_field(a.who) || makegood.audit_field(a.verb) || makegood.audit_field(a.target)
    || makegood.audit_field(a.origin) || makegood.audit_field(a.outcome)), 'hex')
$$;

-- Whatever is added becomes the next row: who adds says neither its number, nor its time, nor its hash. Writers come
-- one after the other, until their transactions end, or two rows would have the same before them.
create function makegood.audit_chain() returns trigger language plpgsql as $$
declare
  last makegood.audit;
begin
  perform pg_advisory_xact_lock(7881698906146303845);
  select * into last from makegood.audit order by seq desc limit 1;
  new.seq := coalesce(last.seq, 0) + 1;
  new.at := greatest(coalesce(last.at, 0), (extract(epoch from clock_timestamp()) * 1000)::bigint);
  new.previous := coalesce(last.hash, repeat('0', 64));
  new.origin := coalesce(new.origin, current_setting('makegood.origin', true), '');
  new.hash := makegood.audit_hash(new);
  return new;
end $$;
create trigger audit_chain before insert on makegood.audit for each row execute function makegood.audit_chain();

create function makegood.audit_stays() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is only added to';
end $$;
create trigger audit_stays before update or delete or truncate on makegood.audit
  for each statement execute function makegood.audit_stays();

-- Says for the rest of this transaction where it comes from. True, so that it can stand before what it is said of.
create function makegood.comes_from(p_origin text) returns boolean language plpgsql as $$
begin
  perform set_config('makegood.origin', p_origin, true);
  return true;
end $$;

-- Notes what no table tells of: that somebody was refused.
create function makegood.note_audit(p_who text, p_verb text, p_target text, p_origin text, p_outcome text)
returns json language plpgsql as $$
begin
  insert into makegood.audit (who, verb, target, origin, outcome) values (p_who, p_verb, p_target, p_origin, p_outcome);
  return 'true';
end $$;

-- What people did to a saga: the journal says it, in the words of `core::saga::Fact`.
create function makegood.audit_fact() returns trigger language plpgsql as $$
declare
  step text;
begin
  if new.node >= 0 then
    select n.spec->>'id' into step from makegood.node n
      where n.saga = new.saga and n.epoch = new.epoch and n.ix = new.node;
  end if;
  insert into makegood.audit (who, verb, target, outcome) values (
    coalesce(new.body->>'by', new.body->'cause'->>'by', ''),
    case new.kind
      when 'decided' then case when (new.body->>'approve')::boolean then 'saga.approve' else 'saga.reject' end
      when 'retried' then 'saga.retry'
      when 'resolved' then 'saga.resolve'
      when 'paused' then 'saga.pause'
      when 'resumed' then 'saga.resume'
      when 'replanned' then 'saga.replan'
      else 'saga.cancel'
    end,
    new.saga || coalesce('/' || step, ''),
    -- Whoever holds a link decides in another's name: the mark in the note is a link's that was used.
    case when new.kind = 'decided' and exists (select from makegood.link l where l.saga = new.saga
        and l.node = new.node and l.stands_for = new.body->>'by' and l.used_at is not null
        and new.body->>'note' like '%(By the link ' || left(l.hash, 12) || ', which %') then 'ok, by a link'
      when new.kind = 'resolved' and (new.body->>'done')::boolean then 'done'
      when new.kind = 'resolved' then 'not done' else 'ok' end);
  return null;
end $$;
-- At the commit, so that the chain is held for as short as can be, and nothing is waited for while it is held.
create constraint trigger audit_fact after insert on makegood.fact deferrable initially deferred for each row
  -- A pause that has a reason is the engine's own.
  when ((new.kind in ('decided', 'retried', 'resolved', 'paused', 'resumed', 'replanned')
      and (new.kind <> 'paused' or coalesce(new.body->>'why', '') = ''))
    or (new.kind = 'unwinding' and new.body->'cause'->>'why' = 'cancelled'))
  execute function makegood.audit_fact();

-- A voice that was handed out.
create function makegood.audit_link() returns trigger language plpgsql as $$
declare
  step text;
begin
  select n.spec->>'id' into step from makegood.node n where n.saga = new.saga and n.epoch = 0 and n.ix = new.node;
  insert into makegood.audit (who, verb, target, outcome)
    values (new.made_by, 'link.make', new.saga || coalesce('/' || step, ''), 'for ' || new.stands_for);
  return null;
end $$;
create constraint trigger audit_link after insert on makegood.link deferrable initially deferred for each row
  execute function makegood.audit_link();

-- Tools that come into use, and go out of it. Who holds the database does that, or the sweep.
create function makegood.audit_tool() returns trigger language plpgsql as $$
begin
  insert into makegood.audit (who, verb, target, outcome) values (
    'database:' || session_user, case when new.current then 'tool.register' else 'tool.retire' end,
    new.name || '@' || new.version, case when new.current then 'ok' else coalesce(new.refused, 'another version') end);
  return null;
end $$;
create constraint trigger audit_tool after insert on makegood.tool deferrable initially deferred for each row
  execute function makegood.audit_tool();
create constraint trigger audit_tool_current after update on makegood.tool deferrable initially deferred for each row
  when (old.current is distinct from new.current) execute function makegood.audit_tool();

-- Keys, made, changed and taken back by whoever holds the database.
create function makegood.audit_key() returns trigger language plpgsql as $$
begin
  insert into makegood.audit (who, verb, target, outcome) values (
    'database:' || session_user,
    case when tg_op = 'INSERT' then 'key.create' when tg_op = 'DELETE' then 'key.delete'
      when old.revoked_at is null and new.revoked_at is not null then 'key.revoke' else 'key.change' end,
    coalesce(new.id, old.id), 'of ' || coalesce(new.owner, old.owner));
  return null;
end $$;
create constraint trigger audit_key after insert on makegood.api_key deferrable initially deferred for each row
  execute function makegood.audit_key();
create constraint trigger audit_key_gone after delete on makegood.api_key deferrable initially deferred for each row
  execute function makegood.audit_key();
-- That one was used is no deed.
create constraint trigger audit_key_changed after update on makegood.api_key deferrable initially deferred for each row
  when ((old.hash, old.owner, old.role, old.tier, old.scopes, old.expires_at, old.revoked_at)
    is distinct from (new.hash, new.owner, new.role, new.tier, new.scopes, new.expires_at, new.revoked_at))
  execute function makegood.audit_key();

-- What this database was brought to.
create function makegood.audit_migration() returns trigger language plpgsql as $$
begin
  insert into makegood.audit (who, verb, target, outcome)
    values ('database:' || session_user, 'migration.apply', new.name, 'sha256:' || new.sha256);
  return null;
end $$;
create constraint trigger audit_migration after insert on public.makegood_migrations deferrable initially deferred
  for each row execute function makegood.audit_migration();

-- Rows before one, the newest first: `{"entries": […], "head": {"seq", "hash"} or null}`.
create function makegood.list_audit(p_before bigint, p_limit int) returns json language plpgsql stable as $$
begin
  return json_build_object(
    'entries', coalesce((select json_agg(row_to_json(l) order by l.seq desc) from (
      select * from makegood.audit where seq < p_before order by seq desc limit p_limit) l), '[]'),
    'head', (select json_build_object('seq', h.seq, 'hash', h.hash) from makegood.audit h order by h.seq desc limit 1));
end $$;

-- Rows after one, in their order.
create function makegood.follow_audit(p_after bigint, p_limit int) returns json language plpgsql stable as $$
begin
  return coalesce((select json_agg(row_to_json(l) order by l.seq) from (
    select * from makegood.audit where seq > p_after order by seq limit p_limit) l), '[]');
end $$;
