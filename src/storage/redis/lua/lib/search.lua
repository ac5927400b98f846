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

-- Searches a part of the records, from a rank on, for jobs of these ids that are leased or wait for another job of
-- their id, and calls `visit` with each, its record's name and deadline. Answers how many records it has looked at.
local function search_records(first, ids, visit)
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

  local function add(found, name, deadline)
    for _, job in ipairs(found) do
      if wanted[job.row[2]] then visit(job, name, deadline) end
    end
  end

  -- Records are read several at a time, because a call for each would take most of the time.
  local names = redis.call('ZRANGE', RESERVED, first, first + MOST_RECORDS - 1, 'WITHSCORES')
  for i = 1, #names, 2 * READ_AT_ONCE do
    local keys = {}
    for n = i, math.min(i + 2 * READ_AT_ONCE, #names) - 1, 2 do keys[#keys + 1] = INFLIGHT .. names[n] end
    -- MGET answers nil for a key of a wrong type.
    for k, packed in ipairs(redis.call('MGET', unpack(keys))) do
      local name, score = names[i + 2 * k - 2], names[i + 2 * k - 1]
      local id = waiting_id(name)
      if id and wanted[id] then add(waiting_jobs(id), name, from_score(score)) end
      if packed then
        bytes = bytes + #packed
        add(jobs_in(name, packed), name, from_score(score))
      end
    end
    looked_at = looked_at + #keys
    if jobs >= MOST_JOBS or bytes > MOST_BYTES_SEARCHED then break end
  end
  return looked_at
end
