import { createHash } from 'node:crypto';
import type { JobState } from '../../../core/job.js';
import type { JobGuard } from '../../../core/store.js';
import type { Packable } from '../msgpack.js';

/** Guards of jobs as scripts read them: lua/lib/lookup.lua. */

let lastStates: readonly JobState[] = [];
let lastNames = '';

/** Names of states, joined as scripts search them; mostly the states of one job are those of the next. */
function namesOf(states: readonly JobState[]): string {
  const isSame = states.length === lastStates.length && states.every((state, i) => state === lastStates[i]);
  if (!isSame) [lastStates, lastNames] = [states, ` ${states.join(' ')} `];
  return lastNames;
}

/** As is_content of lua/lib/lookup.lua. */
const LONG_BODY = 1024;

/** What a body is known by: a long one by its digest, so that it need not be sent again; an empty one too. */
const packBody = (body: Buffer): Buffer | string =>
  body.length > 0 && body.length <= LONG_BODY ? body : createHash('sha1').update(body).digest('hex');

/** Adds a guard to values that are packed. */
export function addGuard(values: Packable[], { id, states, dueAt, topic, body, expiresAt }: JobGuard): void {
  values.push(id, namesOf(states), dueAt ? dueAt.getTime() : '', topic ?? '');
  values.push(body ? packBody(body) : '', expiresAt ? expiresAt.getTime() : '');
}

/** Whether a job that waits for another one of its id is meant, as scripts read it. */
export const packWaits = (isWaiting: boolean | undefined): number | '' =>
  isWaiting === undefined ? '' : Number(isWaiting);
