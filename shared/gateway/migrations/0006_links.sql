-- Links: a token that decides about one step, once, in somebody's name. Of the token only its hash is here,
-- so that whoever reads the database, or a copy of it, cannot decide with it.

create table makegood.link (
  -- SHA-256 of the token, in hexadecimal.
  hash text primary key,
  saga text not null references makegood.saga (id) on delete cascade,
  node int not null,
  -- Of the parameters that were shown: a decision is about these.
  params text not null,
  -- In whose name it decides, and who asked for it.
  stands_for text not null,
  made_by text not null,
  created_at bigint not null,
  expires_at bigint not null,
  -- What was decided with it.
  used_at bigint,
  approve boolean,
  note text
);
create index link_saga on makegood.link (saga);

create function makegood.link_row(l makegood.link) returns json language sql immutable as $$
  select json_build_object('saga', l.saga, 'node', l.node, 'params', l.params, 'stands_for', l.stands_for,
    'made_by', l.made_by, 'expires_at', l.expires_at)
$$;

-- Writes a link. False where the saga has as many as there may be.
create function makegood.create_link(
  p_hash text, p_saga text, p_node int, p_params text, p_for text, p_by text, p_now bigint, p_expires_at bigint,
  p_most int
) returns json language plpgsql as $$
begin
  -- One after the other, so that they are counted.
  perform from makegood.saga where id = p_saga for update;
  if (select count(*) from makegood.link where saga = p_saga) >= p_most then
    return 'false';
  end if;
  insert into makegood.link (hash, saga, node, params, stands_for, made_by, created_at, expires_at)
    values (p_hash, p_saga, p_node, p_params, p_for, p_by, p_now, p_expires_at);
  return 'true';
end $$;

-- A link that can still decide.
create function makegood.find_link(p_hash text, p_now bigint) returns json language plpgsql stable as $$
declare
  l makegood.link;
begin
  select * into l from makegood.link where hash = p_hash and used_at is null and expires_at > p_now;
  if not found then
    return null;
  end if;
  return makegood.link_row(l);
end $$;

-- Uses a link for this decision. Null where it cannot be used, or was used for another; who says the same
-- again gets the same answer.
create function makegood.use_link(p_hash text, p_approve boolean, p_note text, p_now bigint) returns json language plpgsql as $$
declare
  l makegood.link;
begin
  update makegood.link set used_at = p_now, approve = p_approve, note = p_note
    where hash = p_hash and used_at is null and expires_at > p_now;
  select * into l from makegood.link
    where hash = p_hash and used_at is not null and approve = p_approve and note = p_note;
  if not found then
    return null;
  end if;
  return makegood.link_row(l);
end $$;
