import { type Defect, LUA, REDIS, redis, SQLITE, sqlite } from './defect.js';

/** Those that use has shown, and that are about jobs. */
export const OF_USE: readonly Defect[] = [
  redis('early by a note', 'the notes by which an old entry is known are forgotten while it is in its list', [
    `${LUA}/lib/forget.lua`,
    `if topic and stands_in_list(id, topic) then`,
    `if false then`,
  ]),
  redis('not found', 'an expired job is listed, and find denies it', [
    `${REDIS}/inspect/find-queued.ts`,
    `  if (!listed && !asideTopic && lost.flaw === undefined) return undefined;`,
    `  if (lost.flaw === undefined) return undefined;`,
  ]),
  redis('a number without bounds', 'a time that only other clients would write is not clamped', [
    `${LUA}/lib/time.lua`,
    `return expires_at ~= '' and math.min(expires_at, LAST_MS) or ''`,
    `return expires_at`,
  ]),
  redis('the wrong order', 'jobs that come back stand in the opposite order', [
    `${LUA}/lib/line.lua`,
    `if a.place ~= b.place then return a.place > b.place end`,
    `if a.place ~= b.place then return a.place < b.place end`,
  ]),
  redis(
    'inherited attempts',
    'a job that an original client pushes has the attempts of the one before',
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
  redis('extend one, move all', 'to extend one lease moves all others of its reservation', [
    `${LUA}/extend.lua`,
    `if record and together == #record.rows then`,
    `if record and together > 0 then`,
  ]),
  redis('cancelled, they say', 'a remove of an id whose body is gone says that it was delayed', [
    `${LUA}/lib/lookup.lua`,
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
    'expires_at = min(expires_at + max(0, ? - max(?, ${DUE_AT})), ${LAST_TIME_MS})`;',
    'expires_at = min(expires_at + max(0, 0 * ? - max(?, ${DUE_AT})), ${LAST_TIME_MS})`;',
  ]),
  {
    name: 'paused, and not told',
    about: 'the explanation of a ready job does not say that its topic is paused',
    stores: ['redis', 'sqlite'],
    edits: [
      ['src/output/explain.ts', `return [since, before, ...paused(job, now)];`, `return [since, before];`],
    ],
  },
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
