import type { JobState } from '../core/job.js';
import type { PushReceipt } from '../core/queue.js';
import { escapeForTerminal } from '../output/escape.js';
import { say } from './stderr.js';

/** Says on stderr what a script that reads stdout alone would not notice. */
export function notePush({ id, outcome, dueAt }: PushReceipt): void {
  const due = dueAt ? `, due ${dueAt.toISOString()}` : '';
  const name = `"${escapeForTerminal(id)}"`;
  if (outcome === 'repeated')
    say(`the job ${name} was there already with this content${due}; nothing changed`);
  if (outcome === 'kept')
    say(`the job ${name} was there already with other content${due}; it stays as it is`);
}

const WHY_NOT_REMOVED: Record<JobState, string> = {
  delayed: 'is not due yet',
  due: 'is due already',
  ready: 'is ready already',
  leased: 'is being worked on',
  dead: 'is dead',
};

export function noteNotRemoved(id: Buffer, state: JobState | undefined): void {
  const why = state === undefined ? 'is not in the queue' : WHY_NOT_REMOVED[state];
  say(`the job "${escapeForTerminal(id)}" ${why}; nothing was removed`);
}
