import { dueMsOf } from '../score.js';
import type { Target } from '../scripts/run.js';

/**
 * In how many ms the next job of the pool is due; 0 when it is due, Infinity when there is none. It takes two
 * commands of a microsecond, so it can be called a hundred times a second to notice pushes of other clients.
 * @param skip due jobs to pass over, which cannot be moved
 * @param track is called right before the pool is read
 */
export async function nextDueInMs(
  { redis, keys }: Target,
  skip: number,
  track?: () => void,
): Promise<number> {
  const at = String(skip);
  const time = redis.time();
  track?.();
  const [[seconds, micros], first] = await Promise.all([
    time,
    // What stands there is for the next step of maintenance to tell.
    redis.zrange(keys.pool, at, at, 'WITHSCORES').catch(() => ['', '0']),
  ]);
  const score = first[1];
  if (score === undefined) return Infinity;
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  return Math.max(0, dueMsOf(score) - nowMs);
}
