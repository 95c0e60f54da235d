-- As `register_tool`; an older version that is registered again, as by a build that was rolled back, is
-- the current one again. What is registered under a version is never changed: false says that it differs.
create function makegood.register_tool_2(p_definition json, p_now bigint) returns boolean language plpgsql as $$
declare
  known json;
begin
  select definition into known from makegood.tool
    where name = p_definition->>'name' and version = p_definition->>'version';
  if not found then
    return makegood.register_tool(p_definition, p_now);
  end if;
  if known::jsonb <> p_definition::jsonb then
    return false;
  end if;
  update makegood.tool set current = false
    where name = p_definition->>'name' and current and version <> p_definition->>'version';
  update makegood.tool set current = true
    where name = p_definition->>'name' and version = p_definition->>'version' and not current;
  return true;
end $$;
