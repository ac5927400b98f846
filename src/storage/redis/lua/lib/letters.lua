-- needs: keys, time, record, dead

-- An id may have very many letters, and those that are looked for are mostly the latest. So the letters of an id are
-- read in parts of MOST_LETTERS, the latest first, as far as is needed.
local READ_AT_ONCE = 100

-- Reads the oldest letters of an id, so many, from the latest of them on. `take` is given each, nil for one that no
-- version wrote, and its packed record, until it answers true. Answers how many are left. New letters come behind them.
local function read_oldest(id, older, take)
  while older > 0 do
    local packed = read('LRANGE', DEAD_LETTER .. id, math.max(0, older - READ_AT_ONCE), older - 1) or {}
    if #packed == 0 then return 0 end
    for i = #packed, 1, -1 do
      older = older - 1
      if take(read_letter(id, packed[i]), packed[i]) then return older end
    end
  end
  return 0
end

local function count_letters(id)
  return read('LLEN', DEAD_LETTER .. id) or 0
end

local function open_letters(id)
  return {
    id = id, count = count_letters(id), read = 0,
    -- Those that were read, the latest first, and also by when they failed.
    letters = {}, by_failure = {}, taken = {},
  }
end

local function read_part(open)
  local from = -open.read - MOST_LETTERS
  local packed = redis.call('LRANGE', DEAD_LETTER .. open.id, from, -open.read - 1)
  if #packed == 0 then open.count = open.read end
  for i = #packed, 1, -1 do
    open.read = open.read + 1
    local letter = read_letter(open.id, packed[i])
    if letter then
      letter.index = -open.read
      open.letters[#open.letters + 1] = letter
      open.by_failure[letter.failed_at] = open.by_failure[letter.failed_at] or {}
      table.insert(open.by_failure[letter.failed_at], letter)
    end
  end
end

-- The letters that are meant and were not taken before: of those that failed then, or of all where `failed_at` is ''.
-- Stops reading when it has `enough` of them.
local function find_letters(open, failed_at, is_one, enough)
  while true do
    local found = {}
    for _, letter in ipairs(failed_at == '' and open.letters or open.by_failure[failed_at] or {}) do
      if not letter.is_taken and is_one(letter) then found[#found + 1] = letter end
      if #found == enough then return found end
    end
    if open.read >= open.count or (failed_at ~= '' and #found > 0) then return found end
    read_part(open)
  end
end

local function letter_at(id, index)
  return read_letter(id, redis.call('LINDEX', DEAD_LETTER .. id, index))
end

-- Of many letters, which stand in the order in which they failed, those before an index did not fail later than then,
-- and those from there on did.
local function index_after(id, count, failed_at)
  local function is_later(index)
    local letter = letter_at(id, index)
    return letter and letter.failed_at ~= '' and letter.failed_at > failed_at
  end
  -- A file mostly has the latest first.
  if count == 0 or is_later(0) then return 0 end
  local low, high = 1, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_later(middle) then high = middle else low = middle + 1 end
  end
  return low
end

-- The letter of many that failed then and is meant. The next one that is looked for is mostly the one before it.
local function find_among_many(open, failed_at, is_one)
  local index = (open.last_found or 0) - 1
  local letter = index >= 0 and letter_at(open.id, index)
  if not letter or letter.failed_at ~= failed_at then index = index_after(open.id, open.count, failed_at) - 1 end
  for i = index, 0, -1 do
    letter = letter_at(open.id, i)
    if not letter or letter.failed_at ~= failed_at then return nil end
    if is_one(letter) then
      open.last_found, letter.index = i, i - open.count
      return letter
    end
  end
end

local function take_letters(open, letters)
  for _, letter in ipairs(letters) do
    letter.is_taken = true
    table.insert(open.taken, letter)
  end
end

-- Deletes letters by their places, in time that hardly depends on how many there are: each is overwritten, and then
-- all of these are removed. No letter is empty. Others of the id may be looked for afterwards, and not be deleted: they
-- have other places by then.
local function delete_taken(open)
  local key, taken, last, of_read = DEAD_LETTER .. open.id, open.taken, 0, 0
  if #taken == open.count then
    redis.call('UNLINK', key)
    redis.call('ZREM', DEAD, open.id)
    open.read, open.count = 0, 0
    return
  end
  for _, letter in ipairs(taken) do
    redis.call('LSET', key, letter.index, '')
    last = math.max(last, -letter.index)
    if -letter.index <= open.read then of_read = of_read + 1 end
  end
  redis.call('LREM', key, last <= open.count / 2 and -#taken or #taken, '')
  open.read, open.count = open.read - of_read, open.count - #taken
  -- Where many are left, their note stays as it is: they are looked at too early at worst.
  if open.count <= MOST_LETTERS then delete_letters(open.id, {}, letters_of(open.id)) end
end

local function is_same_letter(one, other)
  return one.failed_at == other.failed_at and one.topic == other.topic and one.body == other.body
end

local FEW_LETTERS = 20

-- Where a letter belongs among those of its id; nil when the same one is there. A clock that was set back may have left
-- letters in another order: of few, all are compared.
local function index_for(id, letter)
  local count = count_letters(id)
  local is_few = count <= FEW_LETTERS
  local index = is_few and count or index_after(id, count, letter.failed_at)
  for i = index - 1, 0, -1 do
    local other = letter_at(id, i)
    if other and is_same_letter(other, letter) then return nil end
    local is_later = other and other.failed_at ~= '' and other.failed_at > letter.failed_at
    if is_few and is_later then index = i end
    if not is_few and not (other and other.failed_at == letter.failed_at) then break end
  end
  return index, count
end

-- Adds a letter to those of its id, in the order in which they failed. False when the same one is there.
local function keep_letter(id, letter)
  local key = DEAD_LETTER .. id
  local index, count = index_for(id, letter)
  if not index then return false end
  if index == count then
    redis.call('RPUSH', key, pack_letter(letter))
  elseif index == 0 then
    redis.call('LPUSH', key, pack_letter(letter))
  else
    redis.call('LINSERT', key, 'BEFORE', redis.call('LINDEX', key, index), pack_letter(letter))
  end
  redis.call('ZADD', DEAD, 'LT', letter.delete_at == '' and 'inf' or to_score(letter.delete_at), id)
  return true
end
