-- needs: keys, time, record, waiting

-- Limits of a run that searches records: records, bytes that are searched, jobs that are unpacked. A record is unpacked
-- only if an id is found in its bytes; with many ids, looking them up takes a microsecond for each unpacked job.
local MOST_RECORDS, MOST_BYTES_SEARCHED, MOST_JOBS, FEW_IDS, READ_AT_ONCE = 2000, 2097152, 1000, 8, 10

-- A record of a later version has to be read, so that the error names it. The version follows the head of the array.
local function may_be_later(packed)
  local head = string.byte(packed, 1)
  local version = string.byte(packed, head == 0xdc and 4 or head == 0xdd and 6 or 2) or 0
  return version > RECORD_VERSION and version < 0x80
end

-- Searches records, given as names and scores, for jobs of these ids, and calls `visit` with each, its record's name
-- and deadline. Answers how many records it has looked at: at least one, and all of them unless that takes too long.
local function search_records(names, ids, visit)
  local wanted, packed_ids, looked_at, jobs, bytes = {}, {}, 0, 0, 0
  for _, id in ipairs(ids) do
    wanted[id] = true
    packed_ids[#packed_ids + 1] = cmsgpack.pack(id)
  end
  local is_few = #packed_ids <= FEW_IDS

  local function may_hold(packed)
    if not is_few or may_be_later(packed) then return true end
    for _, packed_id in ipairs(packed_ids) do
      if string.find(packed, packed_id, 1, true) then return true end
    end
    return false
  end

  -- The jobs of a record, if one of the ids may be among them.
  local function jobs_in(name, packed)
    local record, found = may_hold(packed) and read_record(INFLIGHT .. name, packed), {}
    for _, row in ipairs(record and record.rows or {}) do found[#found + 1] = job_of(record, name, row) end
    jobs = jobs + #found
    return found
  end

  -- Records are read several at a time, because a call for each would take most of the time.
  for i = 1, #names, 2 * READ_AT_ONCE do
    local keys = {}
    for n = i, math.min(i + 2 * READ_AT_ONCE, #names) - 1, 2 do keys[#keys + 1] = INFLIGHT .. names[n] end
    -- MGET answers nil for a key of a wrong type, and where jobs wait under another key.
    for k, packed in ipairs(redis.call('MGET', unpack(keys))) do
      local name, score = names[i + 2 * k - 2], names[i + 2 * k - 1]
      bytes = bytes + (packed and #packed or 0)
      for _, job in ipairs(packed and jobs_in(name, packed) or {}) do
        if wanted[job.row[2]] then visit(job, name, from_score(score)) end
      end
    end
    looked_at = looked_at + #keys
    if jobs >= MOST_JOBS or bytes > MOST_BYTES_SEARCHED then break end
  end
  return looked_at
end

-- Calls `visit` with each job that waits for another one of these ids, its record's name and the time of the next
-- look. This comes after all records: a job that begins to wait while they are searched is found here.
local function search_waiting(ids, visit)
  local lists = {}
  for i, id in ipairs(ids) do lists[i] = WAITING .. id end
  if #lists == 0 or redis.call('EXISTS', unpack(lists)) == 0 then return end
  for _, id in ipairs(ids) do
    local name = ':' .. id
    for _, job in ipairs(waiting_jobs(id)) do
      visit(job, name, from_score(redis.call('ZSCORE', RESERVED, name) or 0))
    end
  end
end
