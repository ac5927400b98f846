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

-- The dead letters of an id, the one that failed last first, each with its packed record; all, or only the `oldest`.
-- Records that no version wrote are skipped.
local function letters_of(id, oldest)
  local letters = {}
  local packed = read('LRANGE', DEAD_LETTER .. id, 0, (oldest or 0) - 1) or {}
  for i = #packed, 1, -1 do
    local letter = read_letter(id, packed[i])
    if letter then
      letter.packed = packed[i]
      letters[#letters + 1] = letter
    end
  end
  return letters
end

-- The latest letter is the first of them. LREM finds the oldest at once, when those before it are gone.
local function drop_letters(id, letters)
  for i = #letters, 1, -1 do redis.call('LREM', DEAD_LETTER .. id, 1, letters[i].packed) end
end

-- When the first of these letters is deleted, or math.huge.
local function first_deletion(letters)
  local first = math.huge
  for _, letter in ipairs(letters) do
    if letter.delete_at ~= '' then first = math.min(first, letter.delete_at) end
  end
  return first
end

-- Deletes letters of an id, and notes when the next of the remaining ones is to be deleted.
local function delete_letters(id, deleted, kept)
  drop_letters(id, deleted)
  if #kept == 0 then
    redis.call('ZREM', DEAD, id)
  else
    local next_delete = first_deletion(kept)
    redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
  end
end

-- Letters are mostly deleted in the order in which they failed, so of an id with more letters than this only the
-- oldest are read, unless none of them is old. If a later one is to be deleted before all of these, it is deleted with
-- the next of them.
local MOST_LETTERS = 200

local function by_age(letters, now)
  local old, kept = {}, {}
  for _, letter in ipairs(letters) do
    local is_kept = letter.delete_at == '' or letter.delete_at > now
    table.insert(is_kept and kept or old, letter)
  end
  return old, kept
end

-- Answers how many letters of an id were deleted, how many were read, and whether the next ones may be old.
local function delete_old_of(id, now)
  if (read('LLEN', DEAD_LETTER .. id) or 0) > MOST_LETTERS then
    local old, kept = by_age(letters_of(id, MOST_LETTERS), now)
    if #old > 0 and #kept == 0 then
      drop_letters(id, old)
      return #old, #old, true
    elseif #old > 0 and first_deletion(kept) < math.huge then
      delete_letters(id, old, kept)
      return #old, #old + #kept, false
    end
  end
  local old, kept = by_age(letters_of(id), now)
  delete_letters(id, old, kept)
  return #old, #old + #kept, false
end

-- Deletes dead letters whose time is over, of up to `limit` ids, until it has read MOST_LETTERS of them; answers how
-- many, and whether there may be more.
local function delete_old_letters(now, limit)
  local deleted, looked_at = 0, 0
  local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
  for i, id in ipairs(ids) do
    local gone, seen, more = delete_old_of(id, now)
    deleted, looked_at = deleted + gone, looked_at + seen
    if more or (i < #ids and looked_at >= MOST_LETTERS) then return deleted, true end
  end
  return deleted, #ids == limit
end
