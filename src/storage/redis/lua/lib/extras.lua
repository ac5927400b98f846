-- needs: keys, time

-- What delayer keeps of a job besides its content, times and attempts is one packed value, '' when there is nothing:
-- its key, or '' until it is known (key_of); its own retries or ''; the first and the last pause of its own backoff
-- in ms, or ''; its history or ''. The history is an array of ATTEMPT elements for each attempt that has ended,
-- oldest first: its number, when it began in ms or '', when it ended in ms, outcome, exit code or '', signal or '',
-- reason or ''. The history is packed separately, because a reserve does not read it.
local EXTRAS, ATTEMPT = 5, 7
-- MAX_HISTORY and MAX_RETRIES of the core.
local MOST_ATTEMPTS, MOST_RETRIES = 10, 1000000

-- { key, retries, first, last, history }, or nil when no version wrote it.
local function read_extras(packed)
  if packed == '' then return { '', '', '', '', '' } end
  local extras = unpack_array(packed)
  if not extras or #extras ~= EXTRAS then return nil end
  return type(extras[1]) == 'string' and type(extras[5]) == 'string' and extras or nil
end

-- What is wrong with a job's own retry settings, or nil.
local function flaw_of(extras)
  if not extras then return 'they cannot be read' end
  local _, retries, first, last = unpack(extras)
  local is_count = type(retries) == 'number' and retries >= 0 and retries <= MOST_RETRIES and retries % 1 == 0
  if retries ~= '' and not is_count then return 'the number of retries is not valid' end
  if first == '' and last == '' then return nil end
  if type(first) ~= 'number' or type(last) ~= 'number' or not is_time_or_none(first) or not is_time_or_none(last) then
    return 'a pause of the backoff is not valid'
  end
  return first > last and 'the first pause of the backoff is longer than the last' or nil
end

-- The key of a leased job that has none yet is made from its first lease.
local function key_of(extras, name, number)
  if extras[1] ~= '' then return extras[1] end
  return string.match(name, '^[^.:]*') .. '.' .. number
end

-- The history in extras; {} when there is none, or no version wrote it.
local function history_of(extras)
  local history = extras[5] ~= '' and unpack_array(extras[5]) or {}
  return #history % ATTEMPT == 0 and history or {}
end

-- A job that comes back from a lease keeps its key.
local function keep_key(job)
  local extras = read_extras(job.row[9])
  if not extras or extras[1] ~= '' then return end
  extras[1] = key_of(extras, job.name, job.row[1])
  job.row[9] = cmsgpack.pack(extras)
end

-- Adds the attempt that ends now to the history of a leased job; when there are too many, the oldest is dropped.
-- Answers the history. Extras that no version wrote stay as they are.
local function end_attempt(job, now, outcome, exit_code, signal, reason)
  local row, extras = job.row, read_extras(job.row[9])
  if not extras then return {} end
  local history = history_of(extras)
  local kept = { unpack(history, math.max(0, #history - ATTEMPT * (MOST_ATTEMPTS - 1)) + 1) }
  local since = job.since and job.since > 0 and job.since or ''
  for _, value in ipairs({ row[6], since, now, outcome, exit_code, signal, reason }) do kept[#kept + 1] = value end
  extras[1], extras[5] = key_of(extras, job.name, row[1]), cmsgpack.pack(kept)
  row[9] = cmsgpack.pack(extras)
  return kept
end
