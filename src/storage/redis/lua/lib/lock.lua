-- needs: keys

-- A lock is a STRING that holds the name of its owner, and expires. Takes or renews it. Nil when the owner has it
-- now; otherwise how long another owner has it at most, in ms.
local function take_lock(name, owner, lock_ms)
  local lock = LOCK .. name
  local holder = look('string', 'GET', lock)
  if holder and holder ~= owner then
    -- delayer never writes a lock that does not expire.
    if redis.call('PTTL', lock) < 0 then redis.call('PEXPIRE', lock, lock_ms) end
    return redis.call('PTTL', lock)
  end
  -- Redis allows this when it is out of memory, and then allows the writes that follow.
  redis.call('PEXPIRE', lock, lock_ms)
  redis.call('SET', lock, owner, 'PX', lock_ms)
  return nil
end
