import { type Defect, LUA } from './defect.js';

/**
 * Limits from which on a script of Redis works in another way, or in several steps: from a thousand entries or leases
 * on. The histories never have so many, so these edits lower the limits to a few; nothing may differ then either.
 * Limits of time and bytes stay, and those that docs/protocol.md names as limits of what is searched.
 */
export const SMALL_LIMITS: Pick<Defect, 'name' | 'edits'> = {
  name: 'small limits',
  edits: [
    [`${LUA}/lib/mark.lua`, `MARKED_FROM, HAS_UNNOTED = 250, ''`, `MARKED_FROM, HAS_UNNOTED = 2, ''`],
    [`${LUA}/lib/known.lua`, `SHORT_LIST, DIGEST_IDS = 1000, 8`, `SHORT_LIST, DIGEST_IDS = 4, 2`],
    [`${LUA}/lib/known.lua`, `REPEATED_WITHIN = 250`, `REPEATED_WITHIN = 2`],
    [`${LUA}/lib/known.lua`, `NOTES_OF_A_RUN = 750`, `NOTES_OF_A_RUN = 6`],
    [`${LUA}/lib/leave.lua`, `TICK, AROUND = 3, 2000, 100`, `TICK, AROUND = 3, 2000, 1`],
    [`${LUA}/lib/lookup.lua`, `MANY, WALKED_BY_MANY = 8,`, `MANY, WALKED_BY_MANY = 2,`],
    [`${LUA}/lib/clear.lua`, `READ_LIST_FROM = 8`, `READ_LIST_FROM = 2`],
    [`${LUA}/lib/clear.lua`, `MOST_MOVED, OVERLAP = 5000, 100`, `MOST_MOVED, OVERLAP = 3, 1`],
    [
      `${LUA}/lib/clear.lua`,
      `if not may_walk(READY .. list.topic, 2 * list.entries) then return nil end`,
      `if list.entries > SHORT_LIST then return nil end`,
    ],
    [
      `${LUA}/clear_entries.lua`,
      `WINDOW, FEW_IDS, WALK = 5000, 4, 400000`,
      `WINDOW, FEW_IDS, WALK = 3, 1, 3`,
    ],
    [`${LUA}/clear_entries.lua`, `MOST_OF_ID = 100, 1000`, `MOST_OF_ID = 1, 2`],
    [
      `${LUA}/lib/search.lua`,
      `FEW_IDS, READ_AT_ONCE = 2000, 2097152, 1000, 8, 10`,
      `FEW_IDS, READ_AT_ONCE = 2, 2097152, 2, 1, 1`,
    ],
    [`${LUA}/list_leased.lua`, `MOST_JOBS = 200, 500`, `MOST_JOBS = 2, 2`],
    [`${LUA}/count_leased.lua`, `MOST_JOBS = 200, 500`, `MOST_JOBS = 2, 2`],
    [`${LUA}/list_aside.lua`, `MOST_JOBS = 200`, `MOST_JOBS = 1`],
    [`${LUA}/lib/dead.lua`, `MOST_LETTERS = 200`, `MOST_LETTERS = 2`],
    [`${LUA}/lib/letters.lua`, `READ_AT_ONCE = 100`, `READ_AT_ONCE = 2`],
    [`${LUA}/lib/letters.lua`, `FEW_LETTERS = 20`, `FEW_LETTERS = 1`],
    [`${LUA}/list_dead.lua`, `MOST = 250`, `MOST = 3`],
    [`${LUA}/count_dead.lua`, `MOST = 250`, `MOST = 3`],
    [`${LUA}/maintain.lua`, `delete_old_letters(now, 20)`, `delete_old_letters(now, 1)`],
    [`${LUA}/lib/forget.lua`, `READ_FROM, WALKS_OF_A_READ = 5, 20`, `READ_FROM, WALKS_OF_A_READ = 2, 20`],
    [`${LUA}/sweep.lua`, `WRITTEN_OF = 25`, `WRITTEN_OF = 2`],
  ],
};
