import type { StoreName } from './operations.js';

/** A defect that is planted to see whether the histories find it. */
export interface Defect {
  readonly name: string;
  /** What goes wrong, for the table in docs/reliability.md. */
  readonly about: string;
  readonly stores: readonly StoreName[];
  /** In which file which text, that is there once, is replaced by which. */
  readonly edits: readonly (readonly [file: string, find: string, replace: string])[];
}

const REDIS = 'src/storage/redis';
const LUA = `${REDIS}/lua`;
const SQLITE = 'src/storage/sqlite';

const redis = (name: string, about: string, ...edits: Defect['edits']): Defect => ({
  name,
  about,
  stores: ['redis'],
  edits,
});
const sqlite = (name: string, about: string, ...edits: Defect['edits']): Defect => ({
  name,
  about,
  stores: ['sqlite'],
  edits,
});

/** Those of the original that are about jobs, by their numbers in docs/protocol.md. */
const OF_THE_ORIGINAL: readonly Defect[] = [
  redis('original 1', 'a promoted job stays in the pool, and is promoted again', [
    `${LUA}/lib/promote.lua`,
    `redis.call('ZREMRANGEBYRANK', POOL, 0, count - 1) == count`,
    `redis.call('ZCARD', POOL) >= count`,
  ]),
  redis('original 3', 'an id in the pool whose body has expired stays there', [
    `${LUA}/lib/promote.lua`,
    `table.insert(sorted.expired, id)`,
    `sorted.stuck = sorted.stuck + 1`,
  ]),
  redis('original 4', 'a ready key of a wrong type: its job leaves the pool all the same', [
    `${LUA}/lib/promote.lua`,
    `      sorted.stuck = sorted.stuck + 1`,
    `      table.insert(sorted.expired, id)`,
  ]),
  redis('original 5', 'jobs due in one millisecond come in the order of their ids', [
    `${LUA}/lib/schedule.lua`,
    `micros = math.min(micros + 1, 999)`,
    `micros = 0`,
  ]),
  redis('original 6', 'what a consumer has in hand is written down nowhere', [
    `${LUA}/reserve.lua`,
    `  call('SET', INFLIGHT .. token, cmsgpack.pack(rows))`,
    ``,
  ]),
  redis('original 7', 'behind expired jobs a pop says that there is none', [
    `${LUA}/reserve.lua`,
    `  until at_end or full or #buckets == limit or looked_at + entries >= MOST_ENTRIES`,
    `  at_end = true until true`,
  ]),
  redis('original 8', 'the entry of a job that was ready stays when its id is pushed anew', [
    `${LUA}/push.lua`,
    `    for _, list in ipairs(old) do leave_list(list, id, list.topic == noted) end`,
    ``,
  ]),
  redis('original 9', 'a remove of a ready job answers false and deletes its body', [
    `${LUA}/remove.lua`,
    `  local waiting = remove_waiting(id, jobs_waiting, wanted_due)`,
    `  if not removed and state == 'ready' then redis.call('UNLINK', BUCKET .. id) end
  local waiting = remove_waiting(id, jobs_waiting, wanted_due)`,
  ]),
  redis('original 10', 'the id 0 is taken and thrown away', [
    `${LUA}/reserve.lua`,
    `if job[1] == topic and body then`,
    `if job[1] == topic and body and id ~= '0' then`,
  ]),
  {
    name: 'original 11',
    about: 'a ready lifetime of 0 is accepted',
    stores: ['redis', 'sqlite'],
    edits: [['src/core/validate.ts', 'if (ttlMs > 0) return ttlMs;', 'if (ttlMs >= 0) return ttlMs;']],
  },
  redis('original 14', 'jobs are due at whole seconds', [
    `${LUA}/lib/schedule.lua`,
    `texts[due] = to_score(due)`,
    `texts[due] = to_score(math.floor(due / 1000) * 1000)`,
  ]),
];

/** Those that use has shown, and that are about jobs. */
const OF_USE: readonly Defect[] = [
  redis('early by a note', 'the notes by which an old entry is known are forgotten while it is in its list', [
    `${LUA}/lib/forget.lua`,
    `if topic and is_in_ready_list(id, topic) then`,
    `if false then`,
  ]),
  redis('not found', 'an expired job is listed, and find denies it', [
    `${REDIS}/inspect/living.ts`,
    `  if (!listed && !asideTopic && lost.flaw === undefined) return undefined;`,
    `  if (lost.flaw === undefined) return undefined;`,
  ]),
  redis('a number without bounds', 'a time that only other clients would write is not clamped', [
    `${LUA}/lib/time.lua`,
    `return at >= 0 and math.min(at, LAST_MS) or ''`,
    `return at >= 0 and at or ''`,
  ]),
  redis('the wrong order', 'jobs that come back stand in the opposite order', [
    `${LUA}/lib/line.lua`,
    `if a.place ~= b.place then return a.place > b.place end`,
    `if a.place ~= b.place then return a.place < b.place end`,
  ]),
  redis(
    'inherited attempts',
    'a job that an original client pushes has the attempts of the one before',
    [`${LUA}/lib/memo.lua`, `if not same_expiry or parts[5] ~= topic then return 0, '' end`, ``],
    [`${LUA}/lib/memo.lua`, `if parts[6] ~= redis.sha1hex(body) then return 0, '' end`, ``],
  ),
  redis('extend one, move all', 'to extend one lease moves all others of its reservation', [
    `${LUA}/extend.lua`,
    `if record and together == #record.rows then`,
    `if record and together > 0 then`,
  ]),
  redis('cancelled, they say', 'a remove of an id whose body is gone says that it was delayed', [
    `${LUA}/remove.lua`,
    `it.state = not is_whole and 'expired' or it.due > now and 'delayed' or 'due'`,
    `it.state = it.due > now and 'delayed' or 'due'`,
  ]),
  redis('expired while it waits', 'the lifetime of a job runs on while it is leased or waits', [
    `${LUA}/lib/waiting.lua`,
    `return math.min(expires_at + math.max(0, now - since), LAST_MS)`,
    `return expires_at`,
  ]),
  sqlite('expired in hand', 'the lifetime of a job runs on while it is leased or waits', [
    `${SQLITE}/return.ts`,
    `const awayMs = Math.max(0, now - reservedAt);`,
    `const awayMs = 0 * (now - reservedAt);`,
  ]),
  {
    name: 'a lease without end',
    about: 'a lease of any length is accepted',
    stores: ['redis', 'sqlite'],
    edits: [
      [
        'src/core/params.ts',
        `return toCount(given, 'lease in ms', MAX_LEASE_MS);`,
        `return Math.min(Number(given), MAX_LEASE_MS);`,
      ],
    ],
  },
];

const OF_REDIS: readonly Defect[] = [
  redis('release counts', 'a release does not take its attempt back', [
    `${LUA}/release.lua`,
    `math.max(0, job.row[6] - 1)`,
    `job.row[6]`,
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
  redis('asleep over a lease', 'the next event that a consumer is told leaves out leases', [
    `${LUA}/reserve.lua`,
    `next_in(now, math.min(lease_end, pause_end))`,
    `next_in(now, pause_end)`,
  ]),
  redis('a pause too long', 'a topic is paused at the end of its pause still', [
    `${LUA}/reserve.lua`,
    `if until_ms and until_ms > now then`,
    `if until_ms and until_ms >= now then`,
  ]),
  redis('the oldest letter', 'a requeue takes the oldest dead letter', [
    `${LUA}/requeue.lua`,
    `table.remove(letters, 1)`,
    `table.remove(letters)`,
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
    `${LUA}/push.lua`,
    `if found == topic and call('HGET', bucket, 'body') == body then return 'repeated' end`,
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
    `redis.call('ZRANK', POOL, id) + 1`,
    `redis.call('ZRANK', POOL, id) + 2`,
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

const OF_SQLITE: readonly Defect[] = [
  sqlite('a lost lease is free', 'a lease that ended does not count as an attempt', [
    `${SQLITE}/maintain.ts`,
    `{ reservedAt, attempts: 1 }`,
    `{ reservedAt, attempts: 0 }`,
  ]),
  sqlite('release counts', 'a release counts as an attempt', [
    `${SQLITE}/settle.ts`,
    `{ reservedAt, attempts: 0 }`,
    `{ reservedAt, attempts: 1 }`,
  ]),
  sqlite('half a lifetime', 'a job that is tried again keeps its old expiry', [
    `${SQLITE}/return.ts`,
    `expires_at = min(? + \${TTL_MS}, \${LAST_TIME_MS})\`;`,
    `expires_at = max(? + 1, expires_at)\`;`,
  ]),
  sqlite(
    'on top of another',
    'a job that comes back takes the place of a newer one of its id',
    [
      `${SQLITE}/return.ts`,
      `return new Set(rows.filter((row) => !isExpired(row)).map(({ seq }) => seq));`,
      `deleteJobs(connection, rows.map(({ other }) => other)); return new Set();`,
    ],
    [`${SQLITE}/return.ts`, `import { changeJobs,`, `import { deleteJobs, changeJobs,`],
  ),
  sqlite('the younger first', 'of jobs due together the one that was pushed last comes first', [
    `${SQLITE}/head.ts`,
    'ORDER BY place, seq LIMIT ?3 + 0',
    'ORDER BY place, seq DESC LIMIT ?3 + 0',
  ]),
  sqlite('a millisecond too long', 'a job can be taken in the millisecond in which it expires', [
    `${SQLITE}/head.ts`,
    `ready = found.filter(({ expiresAt }) => expiresAt > now);`,
    `ready = found.filter(({ expiresAt }) => expiresAt >= now);`,
  ]),
  sqlite('the next topic first', 'behind an expired job the next topic is served first', [
    `${SQLITE}/head.ts`,
    `if (ready.length >= limit || found.length < window)`,
    `if (ready.length > 0 || found.length < window)`,
  ]),
  sqlite('extend one, move all', 'to extend one lease moves all others of its reservation', [
    `${SQLITE}/lease.ts`,
    `if (together.size === record.seqs.filter((seq) => seq !== null).length)`,
    `if (together.size > 0)`,
  ]),
  sqlite('the oldest letter', 'a requeue takes the oldest dead letter', [
    `${SQLITE}/requeue.ts`,
    `ORDER BY failed_at DESC, seq DESC LIMIT 1`,
    `ORDER BY failed_at, seq LIMIT 1`,
  ]),
  sqlite('buried for longer', 'a dead letter is kept for a millisecond more', [
    `${SQLITE}/dead.ts`,
    `WHERE dead_until <= ? ORDER BY`,
    `WHERE dead_until < ? ORDER BY`,
  ]),
  sqlite('death is free', 'the attempt of which a job died does not count', [
    `${SQLITE}/dead.ts`,
    `changeJobs(connection, BURY, seqs, 1);`,
    `changeJobs(connection, BURY, seqs, 0);`,
  ]),
  sqlite(
    'a pause too long',
    'a topic is paused at the end of its pause still',
    [
      `${SQLITE}/pause.ts`,
      `WHERE until_at > ? OR until_at IS NULL`,
      `WHERE until_at >= ? OR until_at IS NULL`,
    ],
    [`${SQLITE}/pause.ts`, `DELETE FROM pause WHERE until_at <= ?`, `DELETE FROM pause WHERE until_at < ?`],
  ),
  sqlite('waiting for nobody', 'a job that waited and was removed is looked for again', [
    `${SQLITE}/remove.ts`,
    `if (row.state === WAITING) stopWaiting(connection, row.seq);`,
    `if (row.state === WAITING) void stopWaiting;`,
  ]),
  sqlite('expired, and in the way', 'an expired job refuses a push of its id', [
    `${SQLITE}/push.ts`,
    `const isExpired = existing.expiresAt <= now;`,
    `const isExpired = existing.expiresAt < 0 * now;`,
  ]),
  sqlite('expired ones before', 'expired jobs are counted among those that come before a job', [
    `${SQLITE}/inspect/find.ts`,
    `ahead.jobs - expired.jobs`,
    `ahead.jobs`,
  ]),
  sqlite('asleep over a lease', 'the next event that a consumer is told leaves out leases', [
    `${SQLITE}/agenda.ts`,
    `return Math.min(leaseEnd, waitingAgain, ...due);`,
    `return Math.min(leaseEnd * Infinity, waitingAgain, ...due);`,
  ]),
  sqlite('the id 0', 'the id 0 is taken and thrown away', [
    `${SQLITE}/head.ts`,
    `ready = found.filter(({ expiresAt }) => expiresAt > now);`,
    `ready = found.filter(({ expiresAt, id }) => expiresAt > now && String(id) !== '48' && bytesOf(id).toString() !== '0');`,
  ]),
];

export const DEFECTS: readonly Defect[] = [...OF_THE_ORIGINAL, ...OF_USE, ...OF_REDIS, ...OF_SQLITE];
