import type { PushReceipt } from '../core/requests.js';
import { escapeForTerminal } from '../output/escape.js';
import { printInfo } from './stderr.js';

/** Reports that nothing was pushed. */
export function reportPush({ id, outcome, dueAt }: PushReceipt): void {
  const due = dueAt ? `, due ${dueAt.toISOString()}` : '';
  const name = `"${escapeForTerminal(id)}"`;
  if (outcome === 'repeated')
    printInfo(`the job ${name} exists with the same content${due}; nothing changed`);
  if (outcome === 'kept')
    printInfo(`a job with the id ${name} is there already${due}; it was left unchanged`);
}
