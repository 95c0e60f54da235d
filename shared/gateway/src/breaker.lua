-- The breakers that all instances share: core/guard/breaker in Lua. KEYS: the states, by name; and those that
-- are not closed, each with the time until which it is shut (-1: for ever). ARGV: the time, or nothing for
-- Redis' own; then 18 words for each thing asked: verb, name, eleven rules, four of a call and the jitter.
-- Answers with the time, an answer each, and what is shut.
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local told = {string.format('%.0f', now)}
local function fresh(forced) return {forced = forced, trips = 0, til = 0, good = 0, row = 0, permits = {}, slots = {}} end
local function read(text)
  local b, n = fresh(0), {}
  if not text then return b end
  for word in string.gmatch(text, '%d+') do n[#n + 1] = tonumber(word) end
  b.forced, b.trips, b.til, b.good, b.row = n[1], n[2], n[3], n[4], n[5]
  for i = 7, 6 + n[6] do b.permits[#b.permits + 1] = n[i] end
  for i = 7 + n[6], #n, 4 do b.slots[#b.slots + 1] = {n[i], n[i + 1], n[i + 2], n[i + 3]} end
  return b
end
local function write(b)
  local n = {b.forced, b.trips, b.til, b.good, b.row, #b.permits}
  for _, e in ipairs(b.permits) do n[#n + 1] = e end
  for _, s in ipairs(b.slots) do for i = 1, 4 do n[#n + 1] = s[i] end end
  for i = 1, #n do n[i] = string.format('%.0f', n[i]) end
  return table.concat(n, ' ')
end
local function open(b, r, jitter)
  local trips = math.min(b.trips + 1, 20)
  local span = math.min(r.open * 2 ^ (trips - 1), r.cap)
  span = math.max(span - math.floor(math.floor(span / 4) * math.min(jitter, 1000) / 1000), 1)
  local n = fresh(0)
  n.trips, n.til = trips, now + span
  return n
end
local function ask(b, r)
  if b.forced == 1 then return 'shut', r.cap end
  if b.forced == 2 or b.trips == 0 then return 'go', 0 end
  if now < b.til then return 'shut', b.til - now end
  local left, first = {}, nil
  for _, e in ipairs(b.permits) do
    if e > now then
      left[#left + 1] = e
      if not first or e < first then first = e end
    end
  end
  b.permits = left
  if #left < r.permits then
    left[#left + 1] = now + r.lease
    return 'probe', now + r.lease
  end
  return 'shut', math.min(first - now, r.open)
end
local function count(b, r, seen)
  b.row = seen[2] < seen[1] and 0 or b.row + seen[1]
  local last = b.slots[#b.slots]
  local at = last and last[1] or 0
  if r.ms > 0 then
    at = math.max(math.floor(now / math.max(math.floor(r.ms / 10), 1)), at)
  elseif last and last[2] >= math.ceil(r.count / 10) then
    at = at + 1
  end
  if last and last[1] == at then
    for i = 1, 3 do last[i + 1] = last[i + 1] + seen[i] end
  else
    b.slots[#b.slots + 1] = {at, seen[1], seen[2], seen[3]}
  end
  local kept = {}
  for _, s in ipairs(b.slots) do if s[1] + 10 > at then kept[#kept + 1] = s end end
  b.slots = kept
end
local function tell(b, r, seen, permit, jitter)
  local probe = permit > 0
  for i, e in ipairs(b.permits) do
    if probe and e == permit then
      table.remove(b.permits, i)
      break
    end
  end
  if b.forced > 0 or seen[1] == 0 then return b end
  if b.trips == 0 then
    count(b, r, seen)
    local all = {0, 0, 0}
    for _, s in ipairs(b.slots) do for i = 1, 3 do all[i] = all[i] + s[i + 1] end end
    local function reaches(some, percent) return percent <= 100 and some * 100 >= percent * all[1] end
    local rate = all[1] >= r.calls and (reaches(all[2], r.failed) or reaches(all[3], r.slow))
    if b.row >= r.row or rate then return open(b, r, jitter) end
    return b
  end
  if not probe or now < b.til then return b end
  if seen[2] > 0 or (r.slow <= 100 and seen[3] > 0) then return open(b, r, jitter) end
  b.good = b.good + 1
  if b.good >= r.successes then return fresh(0) end
  return b
end
for i = 2, #ARGV, 18 do
  local function n(k) return tonumber(ARGV[i + k]) end
  local verb, name = ARGV[i], ARGV[i + 1]
  local r = {ms = n(2), count = n(3), calls = n(4), failed = n(5), slow = n(6), open = n(7), cap = n(8),
    permits = n(9), lease = n(10), successes = n(11), row = n(12)}
  local b = read(redis.call('HGET', KEYS[1], name))
  local word, span = 'ok', 0
  if verb == 'ask' then
    word, span = ask(b, r)
  elseif verb == 'tell' then
    b = tell(b, r, {n(13), n(14), n(15)}, n(16), n(17))
  elseif verb == 'force' then
    b = fresh(n(13))
  end
  told[#told + 1] = word .. string.format(' %.0f', span)
  redis.call('HSET', KEYS[1], name, write(b))
  if b.forced == 1 then
    redis.call('HSET', KEYS[2], name, '-1')
  elseif b.forced == 0 and b.trips > 0 then
    redis.call('HSET', KEYS[2], name, string.format('%.0f', b.til))
  else
    redis.call('HDEL', KEYS[2], name)
  end
end
for _, word in ipairs(redis.call('HGETALL', KEYS[2])) do told[#told + 1] = word end
return told
