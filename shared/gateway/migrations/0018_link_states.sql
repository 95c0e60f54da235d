-- A link as it is, whether or not it can still decide: for a page that says why it cannot.

create function makegood.show_link(p_hash text) returns json language sql stable as $$
  select json_build_object('saga', l.saga, 'node', l.node, 'params', l.params, 'stands_for', l.stands_for,
      'made_by', l.made_by, 'expires_at', l.expires_at, 'approve', l.approve)
    from makegood.link l where l.hash = p_hash
$$;

-- As `use_link`; but who decides the same again gets the same answer whatever they note, for it may be that nobody heard
-- the first time. The answer has the note of then.
create function makegood.use_link_2(p_hash text, p_approve boolean, p_note text, p_now bigint)
returns json language plpgsql as $$
declare
  l makegood.link;
begin
  update makegood.link set used_at = p_now, approve = p_approve, note = p_note
    where hash = p_hash and used_at is null and expires_at > p_now;
  select * into l from makegood.link where hash = p_hash and used_at is not null and approve = p_approve;
  if not found then
    return null;
  end if;
  return (makegood.link_row(l)::jsonb || jsonb_build_object('note', l.note))::json;
end $$;
