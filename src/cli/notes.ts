import type { Bytes, JobState } from '../core/job.js';
import type { PushReceipt } from '../core/requests.js';
import { escapeForTerminal } from '../output/escape.js';
import { printNote } from './stderr.js';

/** Tells on stderr what a script that reads stdout alone would not notice. */
export function notePush({ id, outcome, dueAt }: PushReceipt): void {
  const due = dueAt ? `, due ${dueAt.toISOString()}` : '';
  const name = `"${escapeForTerminal(id)}"`;
  if (outcome === 'repeated')
    printNote(`the job ${name} exists with the same content${due}; nothing changed`);
  if (outcome === 'kept') printNote(`the job ${name} exists with other content${due}; it stays as it is`);
}

const WHY_NOT_REMOVED: Record<JobState, string> = {
  delayed: 'is not due yet',
  due: 'is due already',
  ready: 'is ready already',
  leased: 'is in the hands of a consumer',
  expired: 'is expired',
  dead: 'is a dead letter',
};

export function noteNotRemoved(id: Bytes, state: JobState | undefined): void {
  const why = state === undefined ? 'is not in the queue' : WHY_NOT_REMOVED[state];
  printNote(`the job "${escapeForTerminal(id)}" ${why}; it was not removed`);
}
