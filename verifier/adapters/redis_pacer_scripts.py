"""What Redis does for its pacer, in Lua: each script is one step that nobody comes between. Time is the server's own,
in milliseconds.

Keys of a group: `s` its leases by their end, `w` processes that wait for one, by when they are taken to have gone, `g`
back-off and buckets, `c` its last connections. `processes` holds whoever beats, by the end of the beat. `since` is when
this Redis began to keep count: until all have told it what they hold (`settle`), it grants nothing.
"""

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

_SINCE = """
local since = redis.call('GET', KEYS[1])
if not since then
  redis.call('SET', KEYS[1], now)
  since = now
end
"""

_COUNT = """
local held, parties, seen = 0, 0, {}
local function party(name)
  if not seen[name] then seen[name] = true; parties = parties + 1 end
end
local function count(leases, waiting, me)
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now)
  party(me)
  for _, lease in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    local owner = string.match(lease, '^[^:]*')
    party(owner)
    if owner == me then held = held + 1 end
  end
  for _, name in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do party(name) end
end
"""

ACQUIRE = (
    _NOW
    + _SINCE
    + _COUNT
    + """
local leases, waiting = KEYS[2], KEYS[3]
local me, name = ARGV[1], ARGV[2]
local limit, lease, settle, again = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if now - since < settle then return math.ceil(settle - (now - since)) end
count(leases, waiting, me)
if redis.call('ZSCORE', leases, name) then return 0 end
local free = limit - redis.call('ZCARD', leases)
local waits = redis.call('ZSCORE', waiting, me)
local others = redis.call('ZCARD', waiting) - (waits and 1 or 0)
if free > 0 and (waits or free > others) then
  redis.call('ZADD', leases, now + lease, name)
  redis.call('PEXPIRE', leases, lease)
  redis.call('ZREM', waiting, me)
  return 0
end
if held >= math.max(1, math.floor(limit / parties)) then
  redis.call('ZREM', waiting, me)
  return 4 * again
end
redis.call('ZADD', waiting, now + 8 * again, me)
redis.call('PEXPIRE', waiting, 8 * again)
return again
"""
)
"""0 where the lease is granted, else the milliseconds after which to ask again. Who has fewer sessions than his part
and waits comes before who has enough."""

RELEASE = "return redis.call('ZREM', KEYS[1], ARGV[1])"

TAKE = (
    _NOW
    + _SINCE
    + _COUNT
    + """
local leases, waiting, state, last = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local me, flow, amount = ARGV[1], ARGV[2], tonumber(ARGV[3])
local minute, second, limit, turn = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local connecting, pause = flow == 'connections', 0
if connecting then pause = math.max(0, tonumber(redis.call('HGET', state, 'until') or 0) - now) end
if minute > 0 then
  local burst = math.max(1, math.floor(minute / 6))
  local pace = math.max(1, minute - burst) / 60000
  local tokens = tonumber(redis.call('HGET', state, flow))
  if tokens then
    tokens = math.min(burst, tokens + (now - redis.call('HGET', state, flow .. '@')) * pace)
  else
    tokens = now - since < 60000 and 0 or burst
  end
  tokens = tokens - amount
  redis.call('HSET', state, flow, string.format('%.6f', tokens), flow .. '@', now)
  pause = math.max(pause, -tokens / pace)
  redis.call('PEXPIRE', state, math.ceil(pause) + 120000)
end
if second > 0 then
  local oldest = redis.call('LINDEX', last, second - 1)
  if oldest then pause = math.max(pause, oldest + 1000 - now) end
  redis.call('LPUSH', last, math.ceil(now + pause))
  redis.call('LTRIM', last, 0, second - 1)
  redis.call('PEXPIRE', last, math.ceil(pause) + 2000)
end
if not connecting then return {math.ceil(pause)} end
count(leases, waiting, me)
local contended = 0
if redis.call('ZCARD', waiting) > (redis.call('ZSCORE', waiting, me) and 1 or 0) then
  local part = math.floor(limit / parties)
  if held > math.max(1, part) or (part == 0 and turn == 1) then contended = 1 end
end
local answer = {math.ceil(pause), contended}
for place = 6, #KEYS do
  local refusal = redis.call('GET', KEYS[place])
  if refusal then
    answer[#answer + 1] = refusal
    answer[#answer + 1] = redis.call('PTTL', KEYS[place])
  end
end
return answer
"""
)
"""{milliseconds to wait}, and for connections: 1 where another process should have a session of ours, and each refusal
with the milliseconds that it stands."""

BACK_OFF = (
    _NOW
    + """
local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local failures = ARGV[1] == '1' and 0 or tonumber(redis.call('HGET', KEYS[1], 'failures') or 0)
local pause = math.min(longest, first * 2 ^ math.min(failures, 32))
local till = math.max(now + pause, tonumber(redis.call('HGET', KEYS[1], 'until') or 0))
redis.call('HSET', KEYS[1], 'failures', failures + 1, 'until', math.ceil(till))
redis.call('PEXPIRE', KEYS[1], 3600000)
return 0
"""
)

BEAT = (
    _NOW
    + _SINCE
    + """
local me, lease = ARGV[1], tonumber(ARGV[2])
if ARGV[3] == '1' then redis.call('SET', KEYS[1], now) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + lease, me)
redis.call('PEXPIRE', KEYS[2], lease)
for place = 3, #KEYS do
  redis.call('ZADD', KEYS[place], now + lease, ARGV[place + 1])
  redis.call('PEXPIRE', KEYS[place], lease)
end
return redis.call('ZRANGE', KEYS[2], 0, -1)
"""
)
"""Says that this process lives and which sessions it holds, whether Redis knew of them or not; who else lives. Who
comes back after a while (third argument) has everybody wait until others who were away too have told the same."""
