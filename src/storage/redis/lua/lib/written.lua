-- needs: keys, time, note, aside

-- delayer's own hashes, by the names that their examination has, each with what reads a value of it: nil where no
-- version wrote it, and an error where a later one did.
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

-- '' where a version up to this one wrote it, newer, or strange.
local function who_wrote(hash, value)
  local ok, found = pcall(hash.reads, value)
  if not ok then return 'newer' end
  return found and '' or 'strange'
end
