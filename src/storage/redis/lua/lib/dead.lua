-- needs: keys, time, record

-- The dead letters of one id are one LIST, DEAD_LETTER .. id, of packed records: version, topic, body, due
-- ms or '', ready lifetime in ms or '', attempts, reason, when it failed in ms, when it is deleted in ms or
-- '', extras (lib/extras.lua) or ''. The one that failed last is at the right. DEAD has the id by when the first
-- of them is deleted.

-- May a dead letter of that id be written, as far as the types of the keys go?
local function can_bury(id)
  local found = type_of(DEAD)
  return (found == 'zset' or found == 'none') and is_list_or_none(DEAD_LETTER .. id)
end

local function pack_letter(letter)
  return cmsgpack.pack({
    RECORD_VERSION, letter.topic, letter.body, letter.due, letter.ttl, letter.attempts, letter.reason,
    letter.failed_at, letter.delete_at, letter.extras,
  })
end

local function bury(job, reason, now, delete_at)
  local row = job.row
  redis.call('RPUSH', DEAD_LETTER .. row[2], pack_letter({
    topic = job.topic, body = row[3], due = row[4], ttl = ttl_of(row), attempts = row[6], reason = reason,
    failed_at = now, delete_at = delete_at, extras = row[9],
  }))
  redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end

local function is_letter(letter)
  return type(letter.topic) == 'string' and type(letter.body) == 'string' and type(letter.reason) == 'string'
    and is_time_or_none(letter.due) and is_time_or_none(letter.ttl) and is_time_or_none(letter.delete_at)
    and is_time_or_none(letter.failed_at) and type(letter.attempts) == 'number' and type(letter.extras) == 'string'
end

-- Nil when no version wrote it.
local function read_letter(id, packed)
  local record = unpack_array(packed)
  if not record or not is_version(record[1]) then return nil end
  expect_version(DEAD_LETTER .. id, record[1])
  local letter = {
    topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
    reason = record[7], failed_at = record[8], delete_at = record[9], extras = record[10],
  }
  return is_letter(letter) and letter or nil
end

-- The dead letters of an id, the one that failed last first, each with its packed record. Records that no version
-- wrote are skipped.
local function letters_of(id)
  local letters = {}
  local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
  for i = #packed, 1, -1 do
    local letter = read_letter(id, packed[i])
    if letter then
      letter.packed = packed[i]
      letters[#letters + 1] = letter
    end
  end
  return letters
end

-- Adds a letter to those of its id, in the order in which they failed. False when the same one is there.
local function keep_letter(id, letter)
  local later
  for _, other in ipairs(letters_of(id)) do
    local is_same = other.failed_at == letter.failed_at and other.topic == letter.topic and other.body == letter.body
    if is_same then return false end
    if other.failed_at ~= '' and other.failed_at > letter.failed_at then later = other end
  end
  if later then
    redis.call('LINSERT', DEAD_LETTER .. id, 'BEFORE', later.packed, pack_letter(letter))
  else
    redis.call('RPUSH', DEAD_LETTER .. id, pack_letter(letter))
  end
  redis.call('ZADD', DEAD, 'LT', letter.delete_at == '' and 'inf' or to_score(letter.delete_at), id)
  return true
end

-- Deletes letters of an id, and notes when the next of the remaining ones is to be deleted.
local function delete_letters(id, deleted, kept)
  local next_delete = math.huge
  for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
  for _, letter in ipairs(kept) do
    if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
  end
  if #kept == 0 then
    redis.call('ZREM', DEAD, id)
  else
    redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
  end
end

-- Deletes dead letters whose time is over, of up to `limit` ids; answers how many, and whether there are more.
local function delete_old_letters(now, limit)
  local deleted = 0
  local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    local old, kept = {}, {}
    for _, letter in ipairs(letters_of(id)) do
      local is_kept = letter.delete_at == '' or letter.delete_at > now
      table.insert(is_kept and kept or old, letter)
    end
    deleted = deleted + #old
    delete_letters(id, old, kept)
  end
  return deleted, #ids == limit
end
