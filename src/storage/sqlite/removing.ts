import type { JobState } from '../../core/job.js';
import type { RemoveResult, RemoveScope } from '../../core/store.js';
import { findHeld, removeHeld } from './leases.js';
import type { Session } from './session.js';

/** Jobs that one transaction removes. */
const CHUNK_IDS = 500;

const FREE = 'SELECT seq, due_at AS dueAt, expires_at AS expiresAt FROM job WHERE id = ? AND leased = 0';
const DELETE = 'DELETE FROM job WHERE seq = ?';

/** Removes jobs by id; answers, in order, whether it did and what each was. */
export async function remove(
  session: Session,
  ids: readonly Buffer[],
  scope: RemoveScope,
): Promise<RemoveResult[]> {
  const results: RemoveResult[] = [];
  for (let i = 0; i < ids.length; i += CHUNK_IDS) {
    const chunk = ids.slice(i, i + CHUNK_IDS);
    results.push(...(await session.write((now) => removeChunk(session, chunk, scope, now))));
  }
  return results;
}

/** What a job that is not leased is at `now`. It is ready as soon as it is due. */
export function stateOf(job: { dueAt: number; expiresAt: number }, now: number): JobState {
  if (job.dueAt > now) return 'delayed';
  return job.expiresAt > now ? 'ready' : 'dead';
}

function removeChunk(
  session: Session,
  ids: readonly Buffer[],
  scope: RemoveScope,
  now: number,
): RemoveResult[] {
  const results = ids.map((id) => removeFree(session, id, scope, now));
  const missing = ids.filter((_, i) => results[i] === undefined);
  let held = missing.length > 0 ? findHeld(session, missing) : [];
  return results.map((result, i) => {
    if (result) return result;
    const leased = held.filter(({ id }) => ids[i]?.equals(id));
    if (leased.length === 0) return { removed: false };
    if (scope === 'delayed') return { removed: false, state: 'leased' };
    for (const lease of leased) removeHeld(session, lease);
    // The same id once more is that of none.
    held = held.filter((lease) => !leased.includes(lease));
    return { removed: true, state: 'leased' };
  });
}

/** Removes a job that is not leased; answers nothing when there is none of that id. */
function removeFree(session: Session, id: Buffer, scope: RemoveScope, now: number): RemoveResult | undefined {
  const job = session.get(FREE, id) as { seq: number; dueAt: number; expiresAt: number } | undefined;
  if (!job) return undefined;
  const state = stateOf(job, now);
  const removed = state === 'delayed' || scope === 'any';
  if (removed) session.run(DELETE, job.seq);
  return { removed, state };
}
