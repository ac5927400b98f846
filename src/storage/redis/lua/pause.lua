-- Pauses topics for delayer's consumers, or resumes them.
-- include: keys, time
-- ARGV: for how long in ms, '' for until they are resumed, or -1 to resume them; then the topics
-- Answers: nothing
expect_type(PAUSED, 'hash')
local until_ms = ARGV[1] == '' and 'inf' or string.format('%d', now_ms() + tonumber(ARGV[1]))
for i = 2, #ARGV do
  if ARGV[1] == '-1' then
    redis.call('HDEL', PAUSED, ARGV[i])
  else
    redis.call('HSET', PAUSED, ARGV[i], until_ms)
  end
end
return {}
