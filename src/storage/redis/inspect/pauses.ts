import type { Keys } from '../keys.js';
import { toPauseEnd } from '../scripts/find.js';
import type { Read } from './read.js';

/** Every paused topic, and until when (ms); `Infinity` until it is resumed. */
export async function readPauses(read: Read, keys: Keys): Promise<{ topic: Buffer; untilMs: number }[]> {
  const { pauses, nowMs } = await read(async ({ redis }) => {
    const [pauses, time] = await Promise.all([
      // A key with a wrong type pauses nothing.
      redis.callBuffer('HGETALL', keys.paused).catch(() => []) as Promise<Buffer[]>,
      redis.time(),
    ]);
    return { pauses, nowMs: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000) };
  });
  const paused: { topic: Buffer; untilMs: number }[] = [];
  for (let i = 0; i < pauses.length; i += 2) {
    const [topic, untilMs] = [pauses[i], toPauseEnd(String(pauses[i + 1]))];
    if (topic && untilMs !== undefined && untilMs > nowMs) paused.push({ topic, untilMs });
  }
  return paused;
}
