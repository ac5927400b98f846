import type { Bytes, JobState } from '../core/job.js';
import type { PushReceipt } from '../core/requests.js';
import { escapeForTerminal } from '../output/escape.js';
import { printInfo, printNote, tellsOfSuccess } from './stderr.js';

/** Tells that nothing was pushed. */
export function notePush({ id, outcome, dueAt }: PushReceipt): void {
  const due = dueAt ? `, due ${dueAt.toISOString()}` : '';
  const name = `"${escapeForTerminal(id)}"`;
  if (outcome === 'repeated')
    printInfo(`the job ${name} exists with the same content${due}; nothing changed`);
  if (outcome === 'kept') printInfo(`the job ${name} exists with other content${due}; it stays as it is`);
}

const WHY_NOT_REMOVED: Record<JobState, string> = {
  delayed: 'is not due yet',
  due: 'is due already',
  ready: 'is ready already',
  leased: 'is in the hands of a consumer',
  expired: 'is expired',
  dead: 'is a dead letter',
};

/** Of so many ids it is told why they were not removed, where none was. */
const MAX_HELD_NOTES = 100;

/**
 * Tells why jobs were not removed. Where success is silent this waits for the end: a remove that has removed
 * one of several ids is a success.
 */
export class RemoveNotes {
  private readonly held: string[] = [];
  private count = 0;

  add(id: Bytes, state: JobState | undefined): void {
    const why = state === undefined ? 'is not in the queue' : WHY_NOT_REMOVED[state];
    const note = `the job "${escapeForTerminal(id)}" ${why}; it was not removed`;
    this.count += 1;
    if (tellsOfSuccess()) printInfo(note);
    else if (this.held.length < MAX_HELD_NOTES) this.held.push(note);
  }

  end(removed: number): void {
    if (removed > 0 || tellsOfSuccess()) return;
    for (const note of this.held) printNote(note);
    const more = this.count - this.held.length;
    if (more > 0) printNote(`${more} more were not removed`);
  }
}
