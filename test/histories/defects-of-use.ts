import { type Defect, LUA, REDIS, redis, SQLITE, sqlite } from './defect.js';

/** Defects of jobs that were found in use. */
export const OF_USE: readonly Defect[] = [
  redis(
    'note deleted before its entry',
    'the note of an old entry is deleted while the entry is in its list',
    [`${LUA}/lib/forget.lua`, `if topic and stands_in_list(id, topic) then`, `if false then`],
  ),
  redis('listed and not found', 'an expired job is listed, but find does not find it', [
    `${REDIS}/inspect/find-queued.ts`,
    `  if (!listed && !asideTopic && lost.flaw === undefined) return undefined;`,
    `  if (lost.flaw === undefined) return undefined;`,
  ]),
  redis('time not clamped', 'a time that only other clients would write is not clamped', [
    `${LUA}/lib/time.lua`,
    `return expires_at ~= '' and math.min(expires_at, LAST_MS) or ''`,
    `return expires_at`,
  ]),
  redis('returned jobs reversed', 'jobs that come back stand in the opposite order', [
    `${LUA}/lib/line.lua`,
    `if a.place ~= b.place then return a.place > b.place end`,
    `if a.place ~= b.place then return a.place < b.place end`,
  ]),
  redis(
    'attempts inherited',
    'a job that an original client pushes has the attempts of the job before it',
    [
      `${LUA}/lib/memo.lua`,
      `if not is_same_expiry(parts[5], expires_at) or (due ~= '' and parts[4] ~= due) then return 0, '', '' end`,
      ``,
    ],
    [
      `${LUA}/lib/memo.lua`,
      `if parts[6] ~= topic or parts[7] ~= redis.sha1hex(body) then return 0, '', '' end`,
      ``,
    ],
  ),
  redis('extend moves other leases', 'extending one lease moves all others of its reservation', [
    `${LUA}/extend.lua`,
    `if record and together == #record.rows then`,
    `if record and together > 0 then`,
  ]),
  redis('missing body reported as delayed', 'a remove of an id whose body is gone reports a delayed job', [
    `${LUA}/lib/lookup.lua`,
    `it.state = not is_whole and 'expired' or it.due > now and 'delayed' or 'due'`,
    `it.state = it.due > now and 'delayed' or 'due'`,
  ]),
  redis('expiry while leased', 'the ready lifetime does not stand still while a job is leased or waits', [
    `${LUA}/lib/waiting.lua`,
    `return math.min(expires_at + math.max(0, now - since), LAST_MS)`,
    `return expires_at`,
  ]),
  sqlite('expiry while leased', 'the ready lifetime does not stand still while a job is leased or waits', [
    `${SQLITE}/return.ts`,
    'expires_at = min(expires_at + max(0, ? - max(?, ${DUE_AT})), ${LAST_TIME_MS})`;',
    'expires_at = min(expires_at + max(0, 0 * ? - max(?, ${DUE_AT})), ${LAST_TIME_MS})`;',
  ]),
  {
    name: 'pause not explained',
    about: 'the explanation of a ready job does not say that its topic is paused',
    stores: ['redis', 'sqlite'],
    edits: [
      ['src/output/explain.ts', `return [since, before, ...paused(job, now)];`, `return [since, before];`],
    ],
  },
  {
    name: 'unbounded lease',
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
