import { SCRIPTS } from '../scripts.generated.js';
import type { PoolPlace } from './list.js';
import { runScript, type Target, toBuffer, toRows, toText } from './run.js';

/** lua/count_pool.lua */
export async function countPool(target: Target, after: PoolPlace, limit: number) {
  const answer = await runScript(target, SCRIPTS.countPool, after.score, after.id, limit);
  return {
    last: { score: toText(answer[0]), id: toBuffer(answer[1]) },
    bodiless: Number(answer[2]),
    wrongType: Number(answer[3]),
    topics: [...toRows(answer, 4, 4)].map(([topic, delayed, due, first]) => ({
      topic: toBuffer(topic),
      delayed: Number(delayed),
      due: Number(due),
      firstDueAt: new Date(Number(first)),
    })),
  };
}

/** lua/count_ready.lua */
export async function countReady(target: Target, topic: Buffer, first: number, last: number) {
  const [ready, expired, stale] = await runScript(target, SCRIPTS.countReady, topic, first, last);
  return { ready: Number(ready), expired: Number(expired), stale: Number(stale) };
}

/** lua/count_leased.lua */
export async function countLeased(target: Target, first: number) {
  const answer = await runScript(target, SCRIPTS.countLeased, first);
  return {
    lookedAt: Number(answer[0]),
    topics: [...toRows(answer, 1, 3)].map(([topic, leased, waiting]) => ({
      topic: toBuffer(topic),
      leased: Number(leased),
      waiting: Number(waiting),
    })),
  };
}

/** lua/count_dead.lua */
export async function countDead(target: Target, first: number, limit: number) {
  const answer = await runScript(target, SCRIPTS.countDead, first, limit);
  return { lookedAt: Number(answer[0]), topics: answer.slice(1).map(toBuffer) };
}
