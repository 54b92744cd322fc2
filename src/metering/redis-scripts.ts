/**
 * The arithmetic of gcra.ts on the clock of Redis, the one that all gateways see. ARGV: the share of what is left that may be
 * had ahead of need, then for each key interval and burst, both in milliseconds of refilling, what it costs, 0, and what is
 * asked for ahead of need; for a quota 0, its points, the cost, how long it lasts in milliseconds, and the same.
 * Answers whether all costs were taken; then for each key, in microseconds, from now until full and by how much it is over, and
 * what was given ahead; for a quota in thousandths the points used, and 0 or how long it lasts.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local share = tonumber(ARGV[1])
local state, before, over, granted = {}, {}, {}, 1
for i, key in ipairs(KEYS) do
  local each, depth, cost = tonumber(ARGV[5*i-3]), tonumber(ARGV[5*i-2]), tonumber(ARGV[5*i-1])
  local known = state[key] or tonumber(redis.call('GET', key) or '0')
  local after, beyond
  if each == 0 then
    before[i] = known
    after = known + cost
    beyond = after - depth
    if beyond > 0.001 then beyond = tonumber(ARGV[5*i]) else beyond = 0 end
  else
    before[i] = math.max(math.min(known, now + depth), now)
    after = before[i] + cost * each
    beyond = after - now - depth
    if beyond <= each / 1000 then beyond = 0 end
  end
  if beyond > 0 then granted = 0 else state[key] = after end
  over[i] = beyond
end
local extra = {}
if granted == 1 then
  for i, key in ipairs(KEYS) do
    local each, depth, asked = tonumber(ARGV[5*i-3]), tonumber(ARGV[5*i-2]), tonumber(ARGV[5*i+1])
    local given = 0
    if asked > 0 then
      local free = depth - state[key]
      if each > 0 then free = (now + free) / each end
      given = math.max(0, math.min(asked, math.floor(free * share)))
      state[key] = state[key] + given * (each > 0 and each or 1)
    end
    extra[i] = given
  end
end
local answer = {granted}
for i, key in ipairs(KEYS) do
  local isQuota = tonumber(ARGV[5*i-3]) == 0
  local shown = granted == 1 and state[key] or before[i]
  answer[3*i-1] = math.ceil((isQuota and shown or shown - now) * 1000)
  answer[3*i] = math.ceil(over[i] * 1000)
  answer[3*i+1] = extra[i] or 0
  if granted == 1 then
    if isQuota then redis.call('SET', key, string.format('%.17g', state[key]), 'PX', ARGV[5*i])
    elseif state[key] > now then
      redis.call('SET', key, string.format('%.17g', state[key]), 'PX', math.ceil(state[key] - now) + 1)
    end
  end
end
return answer
`;

/**
 * Gives back, or takes past empty; a batch whose name is known has been counted. A bucket that has expired is full. KEYS: the name of
 * the batch, then the buckets. ARGV: how long the name is known, then four for each bucket as above, with what is given back
 * for the cost.
 */
const SETTLE = `
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return {0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
for i = 2, #KEYS do
  local key, at = KEYS[i], 4 * (i - 1)
  local each, depth, points = tonumber(ARGV[at-2]), tonumber(ARGV[at-1]), tonumber(ARGV[at])
  local known = redis.call('GET', key)
  if each == 0 then
    if known then
      redis.call('SET', key, string.format('%.17g', math.max(0, tonumber(known) - points)), 'KEEPTTL')
    elseif points < 0 then
      redis.call('SET', key, string.format('%.17g', -points), 'PX', ARGV[at+1])
    end
  elseif known or points < 0 then
    local full = math.min(math.max(tonumber(known or '0'), now) - points * each, now + depth)
    if full <= now then redis.call('DEL', key)
    else redis.call('SET', key, string.format('%.17g', full), 'PX', math.ceil(full - now) + 1) end
  end
end
return {1}
`;

/**
 * A hash for each key: by process how many places it holds, until when, on the clock of Redis, and in which turn it said so. KEYS: the
 * keys. ARGV: the process, its turn, the length of a lease in milliseconds, the share that may be had ahead of need, then for
 * each key the most, those needed and those asked for ahead. Answers whether all was given; then for each key what was
 * given, or what is free.
 */
const ACQUIRE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local process, turn, lease, share = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local own, free, granted = {}, {}, 1
for i, key in ipairs(KEYS) do
  local sum = 0
  own[i] = 0
  local all = redis.call('HGETALL', key)
  for at = 1, #all, 2 do
    local places, untilMs = string.match(all[at+1], '^(%d+):(%d+):')
    if tonumber(untilMs) <= now then redis.call('HDEL', key, all[at])
    else
      sum = sum + places
      if all[at] == process then own[i] = tonumber(places) end
    end
  end
  free[i] = math.max(0, tonumber(ARGV[3*i+2]) - sum)
  if free[i] < tonumber(ARGV[3*i+3]) then granted = 0 end
end
local answer = {granted}
for i, key in ipairs(KEYS) do
  if granted == 1 then
    local needed, asked = tonumber(ARGV[3*i+3]), tonumber(ARGV[3*i+4])
    local given = needed + math.max(0, math.min(asked, math.floor((free[i] - needed) * share)))
    redis.call('HSET', key, process, string.format('%d:%d:%d', own[i] + given, now + lease, turn))
    redis.call('PEXPIRE', key, lease)
    answer[i+1] = given
  else answer[i+1] = free[i] end
end
return answer
`;

/** Gives back what a process held, and renews the rest. ARGV: the process, the length of a lease, then the places under each key. */
const RELEASE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local process, lease = ARGV[1], tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  local known = redis.call('HGET', key, process)
  if known then
    local places, turn = string.match(known, '^(%d+):%d+:(%d+)$')
    local left = places - ARGV[i+2]
    if left <= 0 then redis.call('HDEL', key, process)
    else
      redis.call('HSET', key, process, string.format('%d:%d:%s', left, now + lease, turn))
      redis.call('PEXPIRE', key, lease)
    end
  end
end
return {}
`;

/** Says what a process holds. ARGV: the process, its turn, the length of a lease, then the places under each key. */
const HOLD = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local process, turn, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for i, key in ipairs(KEYS) do
  local known = redis.call('HGET', key, process)
  local places = tonumber(ARGV[i+3])
  if not known or tonumber(string.match(known, ':(%d+)$')) < turn then
    if places == 0 then redis.call('HDEL', key, process)
    else
      redis.call('HSET', key, process, string.format('%d:%d:%d', places, now + lease, turn))
      redis.call('PEXPIRE', key, lease)
    end
  end
end
return {}
`;

/** By name, the scripts of buckets and of places. */
export const LIMIT_SCRIPTS = {
  takePoints: TAKE,
  settlePoints: SETTLE,
  acquirePlaces: ACQUIRE,
  releasePlaces: RELEASE,
  holdPlaces: HOLD,
} as const;
