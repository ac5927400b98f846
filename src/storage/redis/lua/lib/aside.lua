-- needs: keys

-- SET_ASIDE has, by id, ready jobs that have a key of a wrong type in the place of their body: msgpack of the
-- version, the topic, the place in line as text or '', and when it was set aside in ms. Nil when no version wrote
-- the value.
local function read_aside(packed)
  local record = packed and unpack_array(packed)
  if not record or not is_version(record[1]) then return nil end
  expect_version(SET_ASIDE, record[1])
  return type(record[2]) == 'string' and record or nil
end
