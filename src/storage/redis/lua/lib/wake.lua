-- Wakes whoever waits for the next due time, which is now that one. A user who may not publish loses no more than
-- the early wake.
local function wake(channel, due)
  redis.pcall('PUBLISH', channel, string.format('%d', due))
end
