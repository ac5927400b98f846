import { type Defect, LUA, redis, SQLITE, sqlite } from './defect.js';

/** Defects of promote, reschedule and edit. */
export const OF_CHANGES: readonly Defect[] = [
  redis('promote moves to the end', 'a promoted job stands behind the ready jobs', [
    `${LUA}/make_ready.lua`,
    `return math.min(-now * PLACES_PER_MS, place or 0)`,
    `return place and now or now`,
  ]),
  sqlite('promote moves to the end', 'a promoted job stands behind the ready jobs', [
    `${SQLITE}/promote.ts`,
    `const from = Math.min(-now * PLACES_PER_MS, first) - rows.length;`,
    `const from = Math.max(now, first) - rows.length;`,
  ]),
  redis('reschedule keeps the expiry', 'a job that is rescheduled or promoted keeps its old expiry', [
    `${LUA}/lib/redate.lua`,
    `return due + (lifetime > 0 and lifetime or DEFAULT_TTL_MS)`,
    `return math.max(due + 1, it.written_expiry)`,
  ]),
  redis('reschedule by from now', 'a job that is rescheduled by a distance is due that long from now', [
    `${LUA}/reschedule.lua`,
    `local due = ms + (how == 'delay' and now or how == 'by' and it.due or 0)`,
    `local due = ms + (how ~= 'at' and now or 0)`,
  ]),
  sqlite('reschedule by from now', 'a job that is rescheduled by a distance is due that long from now', [
    `${SQLITE}/reschedule.ts`,
    `row.dueAt + due.byMs`,
    `now + due.byMs`,
  ]),
  sqlite('reschedule keeps the expiry', 'a job that is rescheduled keeps its old expiry', [
    `${SQLITE}/reschedule.ts`,
    'UPDATE job SET place = ?1, due_at = NULL, expires_at = min(?1 + ${TTL_MS}, ${LAST_TIME_MS}) WHERE seq = ?2`;',
    'UPDATE job SET place = ?1, due_at = NULL, expires_at = max(?1 + 1, expires_at) WHERE seq = ?2`;',
  ]),
  redis('changed body not noticed', 'a job whose body has changed since it was looked at is acted on', [
    `${LUA}/lib/lookup.lua`,
    `return body == body_mark end`,
    `return true end`,
  ]),
  sqlite('changed body not noticed', 'a job whose body has changed since it was looked at is acted on', [
    `${SQLITE}/lookup.ts`,
    `AND (?3 IS NULL OR body = ?3)`,
    `AND (?3 IS NULL OR ?3 IS NOT NULL)`,
  ]),
  redis(
    'changed lifetime not noticed',
    'a job whose ready lifetime was edited since it was looked at is acted on',
    [`${LUA}/lib/lookup.lua`, `math.abs(found - expires_at) <= (exact_expiry and 0 or 1)`, `true`],
  ),
  sqlite(
    'changed lifetime not noticed',
    'a job whose ready lifetime was edited since it was looked at is acted on',
    [
      `${SQLITE}/lookup.ts`,
      `isTime(expiresAt, expiryDate(row.expiresAt)));`,
      `isTime(expiresAt, expiresAt));`,
    ],
  ),
  redis(
    'latest letter requeued',
    'a requeue takes the latest dead letter of an id, though an older one is meant',
    [
      `${LUA}/requeue.lua`,
      `find_letters(letters, failed_at, is_one, 1)`,
      `find_letters(letters, '', is_one, 1)`,
    ],
  ),
  sqlite(
    'latest letter requeued',
    'a requeue takes the latest dead letter of an id, though an older one is meant',
    [`${SQLITE}/requeue.ts`, `(?3 IS NULL OR failed_at = ?3)`, `(?3 IS NULL OR ?3 IS NOT NULL)`],
  ),
];
