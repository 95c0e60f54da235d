-- A step that is a saga of its own: the two tools that run one, how a child is found by the key of the step
-- that it runs for, and what keeps a late start of one out.

-- As `definitions` of the core has them.
insert into makegood.tool (name, version, definition, current, registered_at) values
  ('run_saga', '1', '{"name":"run_saga","version":"1","title":"Run a saga","description":"Carries a plan out as a saga of its own, all of whose steps can be undone.","class":"compensatable","repeat":{"keyed":{"ttl_ms":316224000000}},"status":false,"fence":true,"timeout_ms":5000,"estimate_ms":100,"retry":{"attempts":5,"base_ms":200,"cap_ms":60000},"cost_minor":0,"input":{"type":"object","properties":{"budget":{"type":"object"},"deadline_ms":{"type":"integer"},"output":{"type":"object"},"plan":{"type":"object"}},"required":["plan"],"additionalProperties":false},"output":{"type":"object","properties":{"output":{"additionalProperties":{}},"saga":{"type":"string"}}}}', true, 0),
  ('run_saga_for_good', '1', '{"name":"run_saga_for_good","version":"1","title":"Run a saga for good","description":"Carries a plan out as a saga of its own, after which there is no way back.","class":"pivot","repeat":{"keyed":{"ttl_ms":316224000000}},"status":false,"fence":false,"timeout_ms":5000,"estimate_ms":100,"retry":{"attempts":5,"base_ms":200,"cap_ms":60000},"cost_minor":0,"input":{"type":"object","properties":{"budget":{"type":"object"},"deadline_ms":{"type":"integer"},"output":{"type":"object"},"plan":{"type":"object"}},"required":["plan"],"additionalProperties":false},"output":{"type":"object","properties":{"output":{"additionalProperties":{}},"saga":{"type":"string"}}}}', true, 0)
on conflict do nothing;

-- The saga that was started with a client's key, or null.
create function makegood.saga_of_key(p_owner text, p_client_key text) returns json language plpgsql stable as $$
begin
  return (select to_json(s.id) from makegood.saga s where s.owner = p_owner and s.client_key = p_client_key);
end $$;

-- Takes a client's key for good: whoever starts a saga with it finds one that was made good before it began.
-- Where the key is taken already, it answers with the saga that has it.
create function makegood.bury_saga(
  p_id text, p_owner text, p_client_key text, p_title text, p_message text, p_head json, p_now bigint, p_request text
) returns json language plpgsql as $$
declare
  existing text;
begin
  insert into makegood.saga
    (id, owner, client_key, request, title, message, phase, head, outbox, wake_at, created_at, updated_at)
  values
    (p_id, p_owner, p_client_key, p_request, p_title, p_message, 'made_good', p_head, '[]', null, p_now, p_now)
  on conflict do nothing;
  if found then
    return json_build_object('id', p_id, 'created', true, 'same', true);
  end if;
  select s.id into existing from makegood.saga s where s.owner = p_owner and s.client_key = p_client_key;
  return json_build_object('id', existing, 'created', false, 'same', true);
end $$;
