import { type Defect, LUA, REDIS, redis } from './defect.js';

/** Others, in Redis. */
export const OF_REDIS: readonly Defect[] = [
  redis('release counts', 'a release does not take its attempt back', [
    `${LUA}/release.lua`,
    `  take_back(job)`,
    ``,
  ]),
  redis('half a lifetime', 'a job that is tried again keeps its old expiry', [
    `${LUA}/nack.lua`,
    `row[5] = math.min(due + lifetime, LAST_MS)`,
    `row[5] = math.max(row[5], due + 1)`,
  ]),
  redis('a millisecond late', 'a job is due a millisecond after its time', [
    `${LUA}/lib/time.lua`,
    `return '(' .. to_score(ms + 1)`,
    `return '(' .. to_score(ms)`,
  ]),
  redis('a millisecond too long', 'a job can be taken in the millisecond in which it expires', [
    `${LUA}/reserve.lua`,
    `if expires_at and (expires_at == '' or expires_at > now) then`,
    `if expires_at and (expires_at == '' or expires_at >= now) then`,
  ]),
  redis('buried for longer', 'a dead letter is kept for a millisecond more', [
    `${LUA}/lib/dead.lua`,
    `local is_kept = letter.delete_at == '' or letter.delete_at > now`,
    `local is_kept = letter.delete_at == '' or letter.delete_at >= now`,
  ]),
  redis('on top of another', 'a job that comes back takes the place of a newer one of its id', [
    `${LUA}/lib/comeback.lua`,
    `if is_taken(BUCKET .. job.row[2], now) then return false end`,
    ``,
  ]),
  redis(
    'asleep over a lease',
    'the next event that a consumer is told leaves out leases',
    [`${LUA}/reserve.lua`, `answer_nothing(math.min(lease_end, pause_end))`, `answer_nothing(pause_end)`],
    [`${LUA}/reserve.lua`, `answer_nothing(lease_end)`, `answer_nothing(math.huge)`],
  ),
  redis('a pause too long', 'a topic is paused at the end of its pause still', [
    `${LUA}/reserve.lua`,
    `if until_ms and until_ms > now then`,
    `if until_ms and until_ms >= now then`,
  ]),
  redis('the oldest letter', 'a requeue takes the oldest dead letter', [
    `${LUA}/requeue.lua`,
    `return table.remove(letters, i), letters`,
    `return table.remove(letters), letters`,
  ]),
  redis('two of one id', 'a requeue does not look whether its id lives', [
    `${LUA}/requeue.lua`,
    `elseif is_taken(BUCKET .. id, now) then`,
    `elseif false then`,
  ]),
  redis('delivered and kept', 'the body of a job stays where it was when it is taken', [
    `${LUA}/reserve.lua`,
    `if #buckets > 0 then call('UNLINK', unpack(buckets)) end`,
    ``,
  ]),
  redis('due in the past', 'a due time in the past comes before what is ready', [
    `${LUA}/push.lua`,
    `math.max(now, tonumber(due))`,
    `tonumber(due)`,
  ]),
  redis('any body is the same', 'a push with another body is told to be a repeat', [
    `${LUA}/lib/admit.lua`,
    `if found == topic and redis.call('HGET', bucket, 'body') == body then return 'repeated' end`,
    `if found == topic then return 'repeated' end`,
  ]),
  redis('revoke one, revoke all', 'a remove of a leased job revokes all leases of its reservation', [
    `${LUA}/revoke.lua`,
    `if row[1] ~= number then kept[#kept + 1] = row end`,
    ``,
  ]),
  redis('waiting in hand', 'a job that waits for another one of its id is counted as leased', [
    `${LUA}/count_leased.lua`,
    `answer[#answer + 1] = waits and 0 or count`,
    `answer[#answer + 1] = count`,
  ]),
  redis('extended in words', 'to extend a lease that stands alone answers, and does nothing', [
    `${LUA}/extend.lua`,
    `  if job and job.name ~= token then redis.call('ZADD', RESERVED, to_score(deadline), job.name) end`,
    ``,
  ]),
  redis('a page too far', 'a page of a list begins one job too late', [
    `${LUA}/lib/page.lua`,
    `redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1`,
    `redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 2`,
  ]),
  redis('asked again', 'a reserve that is sent again after a lost answer takes other jobs', [
    `${LUA}/reserve.lua`,
    `\nif record then`,
    `\nif false then`,
  ]),
  redis('scripts forgotten', 'a script that Redis has forgotten is not sent again', [
    `${REDIS}/scripts/run.ts`,
    `!error.message.includes('NOSCRIPT')`,
    `!error.message.includes('NO SCRIPT')`,
  ]),
  redis('acknowledged unseen', 'an ack of a whole reservation answers yes for jobs that were revoked', [
    `${LUA}/ack_all.lua`,
    `if length ~= HEAD + ROW * jobs or version ~= RECORD_VERSION then return 0 end`,
    `if version ~= RECORD_VERSION then return 0 end`,
  ]),
];
