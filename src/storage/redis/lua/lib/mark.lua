-- READY_KNOWN has the topics of long ready lists: what is known of each (its mark). Of one whose entries have their own
-- notes (lib/note.lua), the mark is a digest of the ids at the left end, and how many entries the list had when delayer
-- last saw it; of any other it is HAS_UNNOTED.
local MARKED_FROM, HAS_UNNOTED = 250, ''

local function read_mark(mark)
  local digest, entries = string.match(mark or '', '^(%x+) (%d+)$')
  return digest, tonumber(entries)
end
