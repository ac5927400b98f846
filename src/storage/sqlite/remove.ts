import type { JobState } from '../../core/job.js';
import type { RemoveResult, RemoveScope } from '../../core/store.js';
import { findHeld, removeHeld } from './lease.js';
import type { Session } from './connection.js';

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
  // A job that is leased may have a namesake that is not, and with `any` both go.
  const sought = scope === 'any' ? ids : ids.filter((_, i) => results[i] === undefined);
  let held = sought.length > 0 ? findHeld(session, sought) : [];
  if (scope === 'any') removeHeld(session, held);
  return results.map((result, i) => {
    const leased = held.filter(({ id }) => ids[i]?.equals(id));
    // The same id once more is that of none.
    if (scope === 'any') held = held.filter((lease) => !leased.includes(lease));
    if (result) return result;
    return leased.length > 0 ? { removed: scope === 'any', state: 'leased' } : { removed: false };
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
