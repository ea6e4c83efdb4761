// Each script decides about one request and counts it, in one step that no other can interrupt. All times are nanoseconds.
// KEYS: meta, data, deduplication. ARGV: limit, window, bucket, best effort, wanted, now, whether there is a deduplication id.
// The answer: units granted, and nanoseconds for which they hold.

const HEAD = `
local meta, data, dedup = KEYS[1], KEYS[2], KEYS[3]
local limit, window, bucket = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local best, wanted, now = ARGV[4] == "1", tonumber(ARGV[5]), tonumber(ARGV[6])
local SKEW = 5000000000
local function text(n) return string.format("%.0f", n) end
local function ms(ns) return text(math.max(1, math.ceil(ns / 1000000))) end
if ARGV[7] == "1" then
  local old = redis.call("HMGET", dedup, "token", "expire")
  if old[1] and old[2] and now < tonumber(old[2]) then
    return {tonumber(old[1]), text(tonumber(old[2]) - now)}
  end
end
local function grant(units, remaining)
  if ARGV[7] == "1" then
    redis.call("HSET", dedup, "token", text(units), "expire", text(now + remaining))
    redis.call("PEXPIRE", dedup, ms(remaining))
  end
  return {units, text(remaining)}
end
`;

/** One window after the other, each beginning with its first request. */
export const FIXED_WINDOW = `${HEAD}
local state = redis.call("HMGET", meta, "token", "expire")
local used, expire = tonumber(state[1]), tonumber(state[2])
if not used or not expire or now >= expire then
  used, expire = 0, now + window
  redis.call("HSET", meta, "token", "0", "expire", text(expire))
  redis.call("PEXPIRE", meta, ms(window))
elseif expire - now > window then
  -- The clock was set back.
  expire = now + window
  redis.call("HSET", meta, "expire", text(expire))
end
local units = 0
if used + wanted <= limit then units = wanted elseif best and used < limit then units = limit - used end
if units <= 0 then return {0, "0"} end
redis.call("HSET", meta, "token", text(used + units))
return grant(units, expire - now)
`;

/** The window ends now; it moves on by buckets. */
export const ROLLING_WINDOW = `${HEAD}
local state = redis.call("HMGET", meta, "token", "bucket.token", "bucket.timestamp", "key")
local total, current = tonumber(state[1]) or 0, tonumber(state[2]) or 0
local start, counter = tonumber(state[3]), tonumber(state[4]) or 0
if not start then start = now end
if start - now > SKEW then
  -- The clock was set back: what was taken is held for one window from now.
  local back = start - now
  for _, member in ipairs(redis.call("ZRANGE", data, 0, -1)) do
    redis.call("ZINCRBY", data, text(-back), member)
  end
  start = now
end
if now - start + 1 > bucket then
  if current > 0 then
    redis.call("ZADD", data, text(start), text(counter) .. "." .. text(current))
    counter = counter + 1
  end
  current, start = 0, now
end
for _, member in ipairs(redis.call("ZRANGEBYSCORE", data, "-inf", text(now - window))) do
  total = total - (tonumber(string.match(member, "%.(%d+)$")) or 0)
end
redis.call("ZREMRANGEBYSCORE", data, "-inf", text(now - window))
if total < 0 then total = 0 end
local units = 0
local left = limit - total
if left >= wanted then units = wanted elseif best and left > 0 then units = left end
if units > 0 then
  total = total + units
  current = current + units
end
redis.call("HSET", meta, "token", text(total), "bucket.token", text(current), "bucket.timestamp", text(start), "key", text(counter))
redis.call("PEXPIRE", meta, ms(window + bucket))
redis.call("PEXPIRE", data, ms(window + bucket))
if units <= 0 then return {0, "0"} end
return grant(units, window)
`;
