import type { PushParams } from '../../../core/store.js';
import type { PushResult } from '../../../core/results.js';
import { packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { runScript, type Target, toDate } from './run.js';

/** A body of more goes as an argument of its own: it is not copied, and its size is Redis's own limit. */
const LARGE_BODY_BYTES = 16 * 1024;
/** Where push.lua finds the first of these in ARGV. */
const FIRST_LARGE = 4;

/** What push.lua answers, by its number. */
const OUTCOMES: readonly PushResult['outcome'][] = [
  'pushed',
  'replaced',
  'repeated',
  'kept',
  'conflict',
  'blocked',
];

/** lua/push.lua */
export async function push(target: Target, { jobs, onExisting }: PushParams): Promise<PushResult[]> {
  const packed: (Buffer | string | number)[] = [];
  const large: Buffer[] = [];
  for (const { id, topic, body, due, ttlMs, expiresAtMs } of jobs) {
    const dueAt = 'delayMs' in due ? due.delayMs : `${due.atMs}`;
    const isLarge = body.length > LARGE_BODY_BYTES;
    if (isLarge) large.push(body);
    const expiry = expiresAtMs === undefined ? ttlMs : `${expiresAtMs}`;
    packed.push(id, topic, isLarge ? FIRST_LARGE + large.length - 1 : body, dueAt, expiry);
  }
  const { wakeChannel } = target.keys;
  const answer = await runScript(target, SCRIPTS.push, onExisting, wakeChannel, packArray(packed), ...large);
  return jobs.map((_, i) => ({
    outcome: OUTCOMES[Number(answer[2 * i])] ?? 'unknown',
    dueAt: toDate(answer[2 * i + 1]),
  }));
}
