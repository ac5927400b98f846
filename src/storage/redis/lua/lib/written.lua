-- needs: keys, time, note, aside

-- delayer's own hashes, by the names that examine_hash.lua uses, each with the function that reads a value: nil when
-- no version wrote it, and an error when a later one did.
local HASHES = {
  notes = { key = READY_DUE, reads = read_note },
  aside = { key = SET_ASIDE, reads = read_aside },
  paused = {
    key = PAUSED,
    reads = function(value)
      return (value == 'inf' or string.find(value, '^%d+$')) and value or nil
    end,
  },
}

-- '' when a version up to this one wrote it; else `newer` or `strange`.
local function who_wrote(hash, value)
  local ok, found = pcall(hash.reads, value)
  if not ok then return 'newer' end
  return found and '' or 'strange'
end
