import { formatDuration } from '../core/duration.js';
import type { DelayerEvent, JobDeadEvent } from '../core/events.js';
import { escapeForTerminal } from '../output/escape.js';
import { printNote } from './stderr.js';

/** An event of a worker or daemon as a sentence; undefined where there is nothing to say. */
export function describeEvent(event: DelayerEvent): string | undefined {
  switch (event.type) {
    case 'store_lost':
      return `${event.error.message}; retrying until it works`;
    case 'store_back':
      return `${event.store} is back`;
    case 'pass_failed':
      return `${event.error.message}; the next pass retries`;
    case 'job_dead':
      return describeDeadLetter(event);
    case 'topics_paused':
      return 'all topics that were given are paused';
    case 'worker_halted':
      return `${event.failures} ${event.failures === 1 ? 'job' : 'jobs in a row'} failed; no more are taken`;
    case 'jobs_stuck':
      return `${event.jobs} due ${event.jobs === 1 ? 'job' : 'jobs'} cannot be moved because of a key of the wrong type; \`delayer inspect\` shows the key`;
    case 'jobs_unstuck':
      return 'the due jobs that could not be moved have been moved';
    case 'doubled_entries':
      return `removed ${event.entries} duplicate ${event.entries === 1 ? 'entry' : 'entries'} of ready jobs: an original daemon works on the same keys, and original clients that read such an entry take the queue for empty; run one kind of daemon`;
    case 'original_daemon':
      return `${describeOriginals(event.addresses)}: such a daemon duplicates ready entries when its tick falls near a full second, and loses jobs when it crashes between its ZREM and its LPUSH; stop it: this daemon does its work`;
    case 'original_daemon_gone':
      return 'no client polls like an original daemon any more';
    case 'wrong_types':
      return `${event.keys.map(({ key, found, wanted }) => `the key ${JSON.stringify(key)} holds a ${found}, where a ${wanted} belongs`).join(', and ')}: the work that needs it waits; rename or delete it`;
    case 'wrong_types_over':
      return 'the keys of a wrong type are gone';
    case 'clock_stepped': {
      const by = formatDuration(Math.abs(event.byMs));
      return `the clock of ${event.store} was set ${event.byMs > 0 ? 'ahead' : 'back'} by ${by}; jobs become due by this clock`;
    }
    case 'unnamed_bodies':
      return event.bodies === 0
        ? 'the bodies that no key refers to are gone'
        : `no key refers to ${event.bodies} ${event.bodies === 1 ? 'body' : 'bodies'}, as original clients leave them that crash while they take a job; \`delayer doctor\` lists them, \`serve --repair\` deletes them`;
    case 'announce_failed':
      return `${event.error.message}; \`delayer inspect\` will not show this daemon`;
    case 'maintained':
      return undefined;
  }
}

/** @param addresses of clients, at least one */
export function describeOriginals(addresses: readonly string[]): string {
  const { length } = addresses;
  const who = length === 1 ? 'a client polls' : `${length} clients poll`;
  return `${who} like an original daemon (${addresses.join(', ')})`;
}

/** The reason of a failed handler is the end of its stderr; its last line says most. */
function describeDeadLetter({ id, topic, attempts, reason }: JobDeadEvent): string {
  const after = attempts === undefined ? '' : ` after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const why = reason?.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return `the job "${escapeForTerminal(id)}" of "${escapeForTerminal(topic)}" is a dead letter${after}${why === '' ? '' : `: ${why}`}`;
}

/** Prints events on stderr. */
export function printEvent(event: DelayerEvent): void {
  const sentence = describeEvent(event);
  if (sentence !== undefined) printNote(sentence);
}
