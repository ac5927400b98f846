import { LOCK_MS } from '../../../core/lease.js';
import type { LockParams } from '../../../core/store.js';
import { SCRIPTS } from '../scripts.generated.js';
import { runWithKey, type Target } from './run.js';

/** lua/lock.lua */
export async function lock(target: Target, { name, owner }: LockParams): Promise<boolean> {
  const [hasIt] = await runWithKey(target, SCRIPTS.lock, target.keys.lock(name), owner, LOCK_MS);
  return hasIt === 1;
}

/** lua/unlock.lua */
export async function unlock(target: Target, { name, owner }: LockParams): Promise<void> {
  await runWithKey(target, SCRIPTS.unlock, target.keys.lock(name), owner);
}
