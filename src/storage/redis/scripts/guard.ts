import { createHash } from 'node:crypto';
import type { JobState } from '../../../core/job.js';
import type { JobGuard } from '../../../core/store.js';

/** Guards of jobs as scripts read them: lua/lib/lookup.lua. */

let lastStates: readonly JobState[] = [];
let lastNames = '';

/** Names of states, joined as scripts search them; mostly the states of one job are those of the next. */
function namesOf(states: readonly JobState[]): string {
  const isSame = states.length === lastStates.length && states.every((state, i) => state === lastStates[i]);
  if (!isSame) [lastStates, lastNames] = [states, ` ${states.join(' ')} `];
  return lastNames;
}

/** A digest in place of the body: a body of a megabyte need not be sent again. */
const digestOf = (body: Buffer): string => createHash('sha1').update(body).digest('hex');

export const packGuard = ({ id, states, dueAt, topic, body, expiresAt }: JobGuard) => [
  ...[id, namesOf(states), dueAt?.getTime() ?? '', topic ?? ''],
  ...[body ? digestOf(body) : '', expiresAt?.getTime() ?? ''],
];

/** Whether a job that waits for another one of its id is meant, as scripts read it. */
export const packWaits = (isWaiting: boolean | undefined): number | '' =>
  isWaiting === undefined ? '' : Number(isWaiting);
