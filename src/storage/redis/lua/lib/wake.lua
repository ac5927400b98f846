-- Wakes those who wait for the next due time, which is this one now. If the user may not publish, they only wake
-- later.
local function wake(channel, due)
  redis.pcall('PUBLISH', channel, string.format('%d', due))
end
