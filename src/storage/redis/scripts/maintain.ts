import type { Maintenance } from '../../../core/results.js';
import { SCRIPTS } from '../scripts.generated.js';
import { runScript, type Target, toWaitMs } from './run.js';

/** Jobs that one run of maintain or reserve moves at most: a run stays under a few ms. */
export const PROMOTE_LIMIT = 250;

/** lua/maintain.lua */
export async function maintain(target: Target, skip: number): Promise<Maintenance> {
  const answer = await runScript(target, SCRIPTS.maintain, skip, PROMOTE_LIMIT);
  const [promoted, expired, reclaimed, deleted, stuck, more, next] = answer;
  return {
    promoted: Number(promoted),
    expired: Number(expired),
    reclaimed: Number(reclaimed),
    deleted: Number(deleted),
    stuck: Number(stuck),
    more: more === 1,
    nextInMs: toWaitMs(next),
  };
}

/** lua/announce.lua */
export async function announce(target: Target, daemon: string, forgetMs: number): Promise<void> {
  await runScript(target, SCRIPTS.announce, target.keys.daemons, daemon, forgetMs);
}
