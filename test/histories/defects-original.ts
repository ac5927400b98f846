import { type Defect, LUA, redis } from './defect.js';

/** Defects of the original that are about jobs, by their numbers in docs/protocol.md. */
export const OF_THE_ORIGINAL: readonly Defect[] = [
  redis('original 1', 'a job is promoted twice', [
    `${LUA}/lib/promote.lua`,
    `redis.call('LPUSH', READY .. topic, unpack(of_topic))`,
    `redis.call('LPUSH', READY .. topic, of_topic[1], unpack(of_topic))`,
  ]),
  redis('original 3', 'an id in the pool whose body has expired stays there', [
    `${LUA}/lib/promote.lua`,
    `expired[#expired + 1] = id`,
    `stuck = stuck + 1`,
  ]),
  redis('original 4', 'although the ready key has a wrong type, its job leaves the pool', [
    `${LUA}/lib/promote.lua`,
    `      stuck = stuck + 1`,
    `      expired[#expired + 1] = id`,
  ]),
  redis('original 5', 'jobs due in one millisecond are delivered in the order of their ids', [
    `${LUA}/lib/schedule.lua`,
    `if micros < 999 then line.micros = micros + 1 end`,
    `line.micros = 0`,
  ]),
  redis(
    'original 6',
    'the jobs that a consumer takes are recorded nowhere',
    [`${LUA}/reserve.lua`, `  call('SET', INFLIGHT .. token, packed_lease)`, ``],
    [
      `${LUA}/reserve.lua`,
      `  call('SET', INFLIGHT .. token, pack_lease(topic, 1))`,
      `  pack_lease(topic, 1)`,
    ],
  ),
  redis('original 7', 'a pop that meets expired jobs says that there is no job', [
    `${LUA}/reserve.lua`,
    `  until at_end or full or #buckets == limit or looked_at + entries >= MOST_ENTRIES`,
    `  at_end = true until true`,
  ]),
  redis('original 8', 'when the id of a ready job is pushed again, the old entry stays', [
    `${LUA}/lib/admit.lua`,
    `  for _, list in ipairs(before.old) do leave_list(list, id, list.topic == before.noted) end`,
    ``,
  ]),
  redis('original 9', 'a remove of a ready job answers false, but deletes its body', [
    `${LUA}/remove.lua`,
    `  local unclear = plan.removed and leave_with_others(id, it)`,
    `  if not plan.removed and it.state == 'ready' then redis.call('UNLINK', BUCKET .. id) end
  local unclear = plan.removed and leave_with_others(id, it)`,
  ]),
  redis('original 10', 'the id 0 is taken and discarded', [
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
  redis('original 14', 'jobs are due only at whole seconds', [
    `${LUA}/lib/schedule.lua`,
    `local text, from = to_score(due),`,
    `local text, from = to_score(math.floor(due / 1000) * 1000),`,
  ]),
];
