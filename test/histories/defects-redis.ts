import { type Defect, LUA, REDIS, redis } from './defect.js';

/** Other defects, on Redis. */
export const OF_REDIS: readonly Defect[] = [
  redis('release counts as attempt', 'a release does not take its attempt back', [
    `${LUA}/release.lua`,
    `  take_back(job)`,
    ``,
  ]),
  redis('retry keeps the expiry', 'a job that is retried keeps its old expiry', [
    `${LUA}/nack.lua`,
    `row[5] = math.min(due + lifetime, LAST_MS)`,
    `row[5] = math.max(row[5], due + 1)`,
  ]),
  redis('due a millisecond late', 'a job is ready a millisecond after its due time', [
    `${LUA}/lib/time.lua`,
    `return '(' .. to_score(ms + 1)`,
    `return '(' .. to_score(ms)`,
  ]),
  redis('taken as it expires', 'a job can be taken in the millisecond in which it expires', [
    `${LUA}/reserve.lua`,
    `if expires_at and (expires_at == '' or expires_at > now) then`,
    `if expires_at and (expires_at == '' or expires_at >= now) then`,
  ]),
  redis('dead letter a millisecond too long', 'a dead letter is kept a millisecond longer', [
    `${LUA}/lib/dead.lua`,
    `local is_kept = letter.delete_at == '' or letter.delete_at > now`,
    `local is_kept = letter.delete_at == '' or letter.delete_at >= now`,
  ]),
  redis('newer job overwritten', 'a job that comes back overwrites a newer job of its id', [
    `${LUA}/lib/comeback.lua`,
    `if is_taken(BUCKET .. job.row[2], now) then return false end`,
    ``,
  ]),
  redis(
    'next event without leases',
    'the next event that a consumer is told does not include ends of leases',
    [`${LUA}/reserve.lua`, `answer_nothing(math.min(lease_end, pause_end))`, `answer_nothing(pause_end)`],
    [`${LUA}/reserve.lua`, `answer_nothing(lease_end)`, `answer_nothing(math.huge)`],
  ),
  redis(
    'pause a millisecond too long',
    'a topic is still paused in the millisecond in which its pause ends',
    [`${LUA}/reserve.lua`, `if until_ms and until_ms > now then`, `if until_ms and until_ms >= now then`],
  ),
  redis('work in hand doubled', 'a push with keep pushes an id whose job is leased', [
    `${LUA}/push.lua`,
    `local function note_away(job) is_away[job.row[2]] = 'away' end`,
    `local function note_away() end`,
  ]),
  redis('oldest dead letter requeued', 'a requeue takes the oldest dead letter', [
    `${LUA}/requeue.lua`,
    `  return letters, letter or find_letters(letters, failed_at, is_one, 1)[1]`,
    `  local found = find_letters(letters, failed_at, is_one)
  return letters, letter or found[#found]`,
  ]),
  redis(
    'requeue ignores duplicate id',
    'a requeue does not check whether another job of the id is in the queue',
    [`${LUA}/requeue.lua`, `elseif is_taken(BUCKET .. id, now) then`, `elseif false then`],
  ),
  redis('body not deleted', 'the body of a job stays in place when the job is taken', [
    `${LUA}/reserve.lua`,
    `if #buckets > 0 then call('UNLINK', unpack(buckets)) end`,
    ``,
  ]),
  redis('due time in the past', 'a job with a due time in the past comes before ready jobs', [
    `${LUA}/push.lua`,
    `math.max(now, tonumber(due))`,
    `tonumber(due)`,
  ]),
  redis('other body counts as repeat', 'a push with another body is reported as a repeat', [
    `${LUA}/lib/admit.lua`,
    `if found == topic and redis.call('HGET', bucket, 'body') == body then return 'repeated' end`,
    `if found == topic then return 'repeated' end`,
  ]),
  redis('remove revokes all leases', 'a remove of a leased job revokes all leases of its reservation', [
    `${LUA}/revoke.lua`,
    `  forget_jobs(token, record, held)`,
    `  keep_rows(token, record, {})`,
  ]),
  redis('waiting job counted as leased', 'a job that waits for another one of its id is counted as leased', [
    `${LUA}/count_leased.lua`,
    `answer[#answer + 1] = waits and 0 or count`,
    `answer[#answer + 1] = count`,
  ]),
  redis(
    'extend does nothing',
    'extending a lease that was extended alone before succeeds, and does nothing',
    [
      `${LUA}/extend.lua`,
      `  if job and job.name ~= token then redis.call('ZADD', RESERVED, to_score(deadline), job.name) end`,
      ``,
    ],
  ),
  redis('page skips a job', 'a page of a list begins one job too late', [
    `${LUA}/lib/page.lua`,
    `redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1`,
    `redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 2`,
  ]),
  redis(
    'repeated reserve takes other jobs',
    'a reserve that is sent again after a lost answer takes other jobs',
    [`${LUA}/reserve.lua`, `\nif record then`, `\nif false then`],
  ),
  redis('flushed script not sent again', 'a script that Redis has flushed is not sent again', [
    `${REDIS}/scripts/run.ts`,
    `!error.message.includes('NOSCRIPT')`,
    `!error.message.includes('NO SCRIPT')`,
  ]),
  redis('revoked jobs acknowledged', 'an ack of a whole reservation succeeds for jobs that were revoked', [
    `${LUA}/ack_all.lua`,
    `if length ~= HEAD + ROW * jobs or version ~= RECORD_VERSION then return 0 end`,
    `if version ~= RECORD_VERSION then return 0 end`,
  ]),
];
