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
    `return lifetime > 0 and within_bounds(due + lifetime) or it.expires_at`,
    `return lifetime > 0 and math.max(due + 1, it.expires_at) or it.expires_at`,
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
  redis('edit not guarded', 'a job whose body has changed meanwhile is edited', [
    `${LUA}/edit.lua`,
    `if if_body and body ~= if_body then return left_alone end`,
    ``,
  ]),
  sqlite('edit not guarded', 'a job whose body has changed meanwhile is edited', [
    `${SQLITE}/edit.ts`,
    `|| !isMeant(params, state, row) || !isBelieved)`,
    `|| !isMeant(params, state, row) || (!isBelieved && row.seq < 0))`,
  ]),
];
