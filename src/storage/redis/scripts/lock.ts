import { LOCK_MS } from '../../../core/lease.js';
import type { LockParams } from '../../../core/store.js';
import { SCRIPTS } from '../scripts.generated.js';
import { runScript, type Target } from './run.js';

/** lua/lock.lua */
export async function lock(target: Target, { name, owner }: LockParams): Promise<boolean> {
  const [hasIt] = await runScript(target, SCRIPTS.lock, name, owner, LOCK_MS);
  return hasIt === 1;
}

/** lua/unlock.lua */
export async function unlock(target: Target, { name, owner }: LockParams): Promise<void> {
  await runScript(target, SCRIPTS.unlock, name, owner);
}
