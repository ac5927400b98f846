-- The keys, and the prefixes of keys, as in Keys (keys.ts). A script is given those that it uses.
local POOL = KEYS.pool
local RESERVED = KEYS.reserved
local READY_DUE = KEYS.readyDue
local BUCKET = KEYS.bucketStem
local READY = KEYS.readyStem
local INFLIGHT = KEYS.inflightStem
local DEAD = KEYS.dead
local DEAD_LETTER = KEYS.deadLetterStem
local PAUSED = KEYS.paused
local WAITING = KEYS.waitingStem
local READY_KNOWN = KEYS.readyKnown
local SET_ASIDE = KEYS.setAside
local LOCK = KEYS.lockStem
local DAEMONS = KEYS.daemons
local DAEMON = KEYS.daemonStem
local IMPORT = KEYS.importStem
local TOPICS = KEYS.topics

-- The version of every packed record. A record of a later version belongs to a later delayer and is not touched.
local RECORD_VERSION = 3
-- Elements in the head of a record of leased jobs, and of each job in it (lib/record.lua).
local HEAD, ROW = 7, 9

local function type_of(key)
  return redis.call('TYPE', key).ok
end

-- Is this key a list, or absent, so that ids can be pushed to it?
local function is_list_or_none(key)
  local found = type_of(key)
  return found == 'list' or found == 'none'
end

-- Raises an error that names the key, before anything was written. An absent key counts as of every type. The error
-- is a string, because Redis 6.2 cannot raise tables.
local function expect_type(key, wanted)
  local found = type_of(key)
  if found ~= 'none' and found ~= wanted then
    error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
  end
end

-- Raises an error that names the key of a record of a later version.
local function expect_version(key, version)
  if version > RECORD_VERSION then
    error('NEWERRECORD ' .. version .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
  end
end

-- An array that was packed, or nil.
local function unpack_array(packed)
  local ok, array = pcall(cmsgpack.unpack, packed)
  return ok and type(array) == 'table' and array or nil
end

-- Earlier versions than this one were never released.
local function is_version(value)
  return type(value) == 'number' and value >= RECORD_VERSION and value < 1000 and value % 1 == 0
end

-- The answer of a command, or nil when its key is of another type than it needs.
local function read(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end

-- The answer of a command. When its key is of another type than `wanted`, raises an error that names the key. This
-- saves asking for the type first.
local function look(wanted, command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then
    expect_type(key, wanted)
    error(reply.err)
  end
  return reply
end

-- The answer of HMGET, or nil when the key is not a hash.
local function fields(key, ...)
  return read('HMGET', key, ...)
end
