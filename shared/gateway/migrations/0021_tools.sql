-- What a tool gives is checked as it comes, so an invocation needs its output's schema too. What people say for it, no
-- invocation needs. The column's name stays: functions of the build before read it, and pass over what is new.

alter table makegood.tool drop column terms;
alter table makegood.tool add column terms json generated always as (
  (definition::jsonb - '{name,version,title,description,class,approval,examples}'::text[])::json
) stored;

-- When the tool's server was last asked what it says, whether or not it answered. `looked_at` is when it answered, and
-- said what it said when the tool was registered.
alter table makegood.tool add column asked_at bigint;
update makegood.tool set asked_at = looked_at;

-- As `look_at_tools`, but the server counts as asked only.
create function makegood.look_at_tools_2(p_since bigint, p_now bigint) returns json language plpgsql as $$
declare
  chosen text;
  tools json;
begin
  select t.definition->'mcp'->>'server' into chosen from makegood.tool t
    where t.current and t.definition->'mcp' is not null and coalesce(t.asked_at, t.looked_at, 0) < p_since
    order by coalesce(t.asked_at, t.looked_at, 0) limit 1;
  if chosen is null then
    return null;
  end if;
  update makegood.tool set asked_at = p_now where current and definition->'mcp'->>'server' = chosen;
  select json_agg(json_build_object('name', t.name, 'version', t.version, 'mcp', t.definition->'mcp')) into tools
    from makegood.tool t where t.current and t.definition->'mcp'->>'server' = chosen;
  return json_build_object('server', chosen, 'tools', tools);
end $$;

-- The servers of these tools in use said so now: `["name", …]`.
create function makegood.saw_tools(p_names json, p_now bigint) returns json language plpgsql as $$
begin
  update makegood.tool set looked_at = p_now
    where current and name in (select json_array_elements_text(p_names));
  return to_json(found);
end $$;
