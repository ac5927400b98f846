-- needs: keys

-- SORT reads the topics of many jobs with one command, in a quarter of the time of a HGET for each. Redis refuses it
-- in a cluster, when it is out of memory, and to some users, and its pattern cannot contain a star of the prefix.
-- For few jobs it is not worth it: it would change the encoding of a short sorted set.
local MANY = 200

-- The topic of a job, false when there is none, or a table with an error when the key of the body is not a hash.
local function topic_of_id(id)
  return redis.pcall('HGET', BUCKET .. id, 'topic')
end

-- The topics of so many jobs of a list or sorted set from an index on: for each a string, or something else where
-- `topic_of_id` tells what it is.
-- read_ids: answers their ids; it is asked where they are needed
local function topics_of(key, first, count, read_ids)
  if count >= MANY and not string.find(BUCKET, '*', 1, true) then
    local pattern = BUCKET .. '*->topic'
    local found = redis.pcall('SORT', key, 'BY', 'nosort', 'LIMIT', first, count, 'GET', pattern)
    if not found.err and #found == count then return found end
  end
  local topics = {}
  for i, id in ipairs(read_ids()) do topics[i] = topic_of_id(id) end
  return topics
end
