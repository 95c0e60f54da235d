-- Tools of MCP servers: whether the server still says what it said when they were registered. One that says
-- something else is refused: it is not current any more, and why stands beside it.

alter table makegood.tool add column looked_at bigint, add column refused text;

-- As `register_tool_2`; whoever registers a tool approves of it.
create function makegood.register_tool_3(p_definition json, p_now bigint) returns boolean language plpgsql as $$
begin
  if not makegood.register_tool_2(p_definition, p_now) then
    return false;
  end if;
  update makegood.tool set refused = null, looked_at = p_now
    where name = p_definition->>'name' and version = p_definition->>'version';
  return true;
end $$;

-- The server that nobody has looked at since then, the longest ago first, with what is current of its tools:
-- `{"server": …, "tools": [{"name", "version", "mcp"}]}`, or null. It counts as looked at now.
create function makegood.look_at_tools(p_since bigint, p_now bigint) returns json language plpgsql as $$
declare
  chosen text;
  tools json;
begin
  select t.definition->'mcp'->>'server' into chosen from makegood.tool t
    where t.current and t.definition->'mcp' is not null and coalesce(t.looked_at, 0) < p_since
    order by coalesce(t.looked_at, 0) limit 1;
  if chosen is null then
    return null;
  end if;
  update makegood.tool set looked_at = p_now where current and definition->'mcp'->>'server' = chosen;
  select json_agg(json_build_object('name', t.name, 'version', t.version, 'mcp', t.definition->'mcp')) into tools
    from makegood.tool t where t.current and t.definition->'mcp'->>'server' = chosen;
  return json_build_object('server', chosen, 'tools', tools);
end $$;

-- Takes a tool's version out of use, if it is in use: no plan can name the tool, and a saga that has a step of it
-- to begin holds on, until somebody registers it again.
create function makegood.refuse_tool(p_name text, p_version text, p_why text) returns json language plpgsql as $$
begin
  update makegood.tool set current = false, refused = p_why where name = p_name and version = p_version and current;
  return to_json(found);
end $$;

-- Takes a tool out of use by hand, whatever its version; false where there is none in use.
create function makegood.remove_tool(p_name text) returns boolean language plpgsql as $$
begin
  update makegood.tool set current = false, refused = 'removed' where name = p_name and current;
  return found;
end $$;

-- Of every tool the version in use, or, where none is, that which was registered last, in the order of their
-- names: `[{"name", "version", "current", "refused", "registered_at", "looked_at", "definition"}]`.
create function makegood.show_tools() returns json language plpgsql stable as $$
begin
  return coalesce((select json_agg(row_to_json(l) order by l.name) from (
    select distinct on (t.name) t.name, t.version, t.current, t.refused, t.registered_at, t.looked_at, t.definition
      from makegood.tool t order by t.name, t.current desc, t.registered_at desc) l), '[]');
end $$;
