-- KEYS: when the last calls left, the latest first; and when the next may ask of those who came too early. ARGV: how
-- many calls may leave in how long a span; and who asks: `first`, `again` who was sent away, `anyway` who leaves all
-- the same. Answers with how long to wait. As many are kept, and as long, as any version of the tool may count.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function text(n) return string.format('%.0f', n) end
local calls, span = tonumber(ARGV[1]), tonumber(ARGV[2])
local oldest = tonumber(redis.call('LINDEX', KEYS[1], text(calls - 1))) or now - span
local line = tonumber(redis.call('GET', KEYS[2])) or now
local free = oldest + span
if ARGV[3] == 'anyway' or (free <= now and (ARGV[3] == 'again' or line <= now)) then
  redis.call('LPUSH', KEYS[1], text(now))
  redis.call('LTRIM', KEYS[1], '0', '9999')
  redis.call('PEXPIRE', KEYS[1], text(math.max(span, redis.call('PTTL', KEYS[1]))))
  return 0
end
local at = math.max(free, line, now + 1)
redis.call('SET', KEYS[2], text(at + math.ceil(span / calls)), 'PX', text(at - now + span))
return at - now
