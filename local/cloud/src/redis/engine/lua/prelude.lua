-- Puts the libraries' dangerous parts away and has errors caught as Redis has them caught: as text.
-- Given are the place for globals, `plain` (an error's text) and `tabular` (an error as a table).
local G, plain, tabular = ...
local pcall, xpcall, resume = pcall, xpcall, coroutine.resume

local function settle(ok, ...)
  if ok then return ok, ... end
  return ok, plain(...)
end

local kept = {
  "_VERSION", "assert", "collectgarbage", "coroutine", "error", "gcinfo", "getmetatable", "ipairs", "math", "next",
  "pairs", "rawequal", "rawget", "rawset", "select", "setmetatable", "string", "table", "tonumber", "tostring", "type",
  "unpack",
}
for _, name in ipairs(kept) do G[name] = _G[name] end
string.dump = nil
function G.pcall(...) return settle(pcall(...)) end
function G.xpcall(f, handler)
  return xpcall(f, function(e) return handler(tabular(e)) end)
end
function coroutine.resume(...) return settle(resume(...)) end
return xpcall
