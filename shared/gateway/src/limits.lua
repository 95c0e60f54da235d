local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local function text(n) return string.format('%.0f', n) end
local factor = tonumber(redis.call('GET', KEYS[1])) or 1000
local wanted = tonumber(ARGV[1])
if wanted > 0 then
  factor = wanted > factor and math.ceil((factor * 3 + wanted) / 4) or math.floor((factor * 3 + wanted) / 4)
  redis.call('SET', KEYS[1], text(factor), 'PX', 60000)
end
local answer, all, kept, spent = {now, factor}, true, {}, {}
for i = 2, #KEYS do
  local advance, capacity = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local tat = tonumber(redis.call('GET', KEYS[i])) or 0
  answer[i + 1] = tat
  if tat > now + capacity then
    tat = now + capacity
    kept[i] = tat
  end
  spent[i] = math.max(tat, now) + advance
  all = all and spent[i] <= now + capacity
end
for i = 2, #KEYS do
  local tat = all and spent[i] or kept[i]
  if tat then redis.call('SET', KEYS[i], text(tat), 'PX', text(math.ceil((tat - now) / 1000) + 2)) end
end
return answer
