-- API keys: what a machine shows in place of a user's token. Of a key only the hash of its secret is here, so that
-- whoever reads the database, or a copy of it, cannot use it.

create table makegood.api_key (
  -- What stands in the key before its secret; by it people name the key.
  id text primary key,
  -- SHA-256 of the whole key, in hexadecimal.
  hash text not null unique,
  -- Whose sagas it starts and sees.
  owner text not null,
  role text not null,
  tier text not null,
  -- What it may do, with commas between.
  scopes text not null,
  -- What it is for, for people.
  note text not null,
  created_at bigint not null,
  expires_at bigint,
  revoked_at bigint,
  -- The day on which it was last used, in Greenwich.
  used_on date
);
create index api_key_owner on makegood.api_key (owner);

create function makegood.create_key(
  p_id text, p_hash text, p_owner text, p_role text, p_tier text, p_scopes text, p_note text, p_now bigint,
  p_expires_at bigint
) returns json language plpgsql as $$
begin
  insert into makegood.api_key (id, hash, owner, role, tier, scopes, note, created_at, expires_at)
    values (p_id, p_hash, p_owner, p_role, p_tier, p_scopes, p_note, p_now, p_expires_at);
  return 'true';
end $$;

-- Whom a key stands for: `{"owner", "role", "tier", "scopes", "expires_at"}`, or null where it is none, has expired or
-- was revoked. The day is written down once, so that a key that is used all day costs one write.
create function makegood.use_key(p_id text, p_hash text, p_now bigint) returns json language plpgsql as $$
declare
  k makegood.api_key;
  today date := (to_timestamp(p_now / 1000.0) at time zone 'utc')::date;
begin
  select * into k from makegood.api_key
    where id = p_id and hash = p_hash and revoked_at is null and (expires_at is null or expires_at > p_now);
  if not found then
    return null;
  end if;
  if k.used_on is distinct from today then
    update makegood.api_key set used_on = today where id = p_id;
  end if;
  return json_build_object('owner', k.owner, 'role', k.role, 'tier', k.tier, 'scopes', k.scopes,
    'expires_at', k.expires_at);
end $$;

-- All keys, or one owner's, the newest first, without their hashes.
create function makegood.list_keys(p_owner text) returns json language plpgsql stable as $$
begin
  return coalesce((select json_agg(json_build_object('id', k.id, 'owner', k.owner, 'role', k.role, 'tier', k.tier,
      'scopes', k.scopes, 'note', k.note, 'created_at', k.created_at, 'expires_at', k.expires_at,
      'revoked_at', k.revoked_at, 'used_on', k.used_on) order by k.created_at desc, k.id)
    from makegood.api_key k where p_owner is null or k.owner = p_owner), '[]');
end $$;

-- Takes a key back for good; false where there is none that could be.
create function makegood.revoke_key(p_id text, p_now bigint) returns json language plpgsql as $$
begin
  update makegood.api_key set revoked_at = p_now where id = p_id and revoked_at is null;
  return to_json(found);
end $$;
