-- Ends leases with their jobs ready again, as if they had not been taken.
-- include: keys, time, lease
-- ARGV: the leases, in the order in which their jobs were taken
-- Answers: how many came back
local now, returned = now_ms(), 0
for i = #ARGV, 1, -1 do
  if put_back(ARGV[i], now, false) == 'returned' then returned = returned + 1 end
end
return returned
