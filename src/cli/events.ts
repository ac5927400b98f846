import { formatDuration } from '../core/duration.js';
import type { DelayerEvent, JobDeadEvent } from '../core/events.js';
import { escapeForTerminal } from '../output/escape.js';
import { printNote } from './stderr.js';

/** An event of a worker or daemon as a sentence; undefined where there is nothing to say. */
export function describeEvent(event: DelayerEvent): string | undefined {
  switch (event.type) {
    case 'store_lost':
      return `${event.error.message}; trying again until it works`;
    case 'store_back':
      return `${event.store} is back`;
    case 'pass_failed':
      return `${event.error.message}; the next pass tries again`;
    case 'job_dead':
      return describeDeadLetter(event);
    case 'topics_paused':
      return 'every topic that was named is paused';
    case 'worker_halted':
      return `${event.failures} ${event.failures === 1 ? 'job' : 'jobs in a row'} failed; no more are taken`;
    case 'jobs_stuck':
      return `${event.jobs} due ${event.jobs === 1 ? 'job' : 'jobs'} cannot be moved: a key of the wrong type is in the way; \`delayer inspect\` names it`;
    case 'jobs_unstuck':
      return 'the due jobs that were stuck have been moved';
    case 'doubled_entries':
      return `took ${event.entries} second ${event.entries === 1 ? 'entry' : 'entries'} of ready jobs away: an original daemon works on the same keys, and original clients that meet such an entry take the queue for empty; run one kind of daemon`;
    case 'original_daemon':
      return `${describeOriginals(event.addresses)}: such a daemon doubles ready entries when its tick falls near a full second, and loses jobs when it crashes between its ZREM and its LPUSH; stop it, this one does its work`;
    case 'original_daemon_gone':
      return 'no client polls as an original daemon does any more';
    case 'wrong_types':
      return `${event.keys.map(({ key, found, wanted }) => `the key ${JSON.stringify(key)} holds a ${found}, where a ${wanted} belongs`).join(', and ')}: what needs it waits; rename or delete it`;
    case 'wrong_types_over':
      return 'the keys that held a wrong type hold it no more';
    case 'clock_stepped': {
      const by = formatDuration(Math.abs(event.byMs));
      return `the clock of ${event.store} was set ${event.byMs > 0 ? 'ahead' : 'back'} by ${by}; jobs are due by it`;
    }
    case 'unnamed_bodies':
      return event.bodies === 0
        ? 'the bodies that no key named are gone'
        : `${event.bodies} ${event.bodies === 1 ? 'body is' : 'bodies are'} named by no key, as an original client leaves one that dies while it takes a job; \`delayer doctor\` lists them, \`serve --repair\` removes them`;
    case 'announce_failed':
      return `${event.error.message}; \`delayer inspect\` will not know of this daemon`;
    case 'maintained':
      return undefined;
  }
}

/** @param addresses of clients, at least one */
export function describeOriginals(addresses: readonly string[]): string {
  const { length } = addresses;
  const who = length === 1 ? 'a client polls' : `${length} clients poll`;
  return `${who} as an original daemon does (${addresses.join(', ')})`;
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
