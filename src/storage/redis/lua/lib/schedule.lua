-- needs: keys, time

-- A ZSET orders equal scores by member. Jobs due in the same millisecond keep the order of pushing all
-- the same: each gets one microsecond more than the last of them, up to 999; later ones tie.
local last_micros, texts = {}, {}

local function score_in_order(due)
  local micros = last_micros[due]
  if not micros then
    local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
    micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
    texts[due] = to_score(due)
  end
  micros = math.min(micros + 1, 999)
  last_micros[due] = micros
  return texts[due] .. string.format('%03d', micros)
end
