import type { Problem } from '../../../core/views.js';
import type { Flawed } from '../scripts/count.js';

/** How many names a message lists; the rest are counted. */
const NAMED = 3;

export function wrongTypeProblem(key: string, found: string, wanted: string): Problem {
  return {
    code: 'wrong_type',
    message: `The key ${JSON.stringify(key)} holds a ${found}, where a ${wanted} belongs`,
    hint: 'Rename or delete it; delayer leaves it and its jobs alone.',
  };
}

/** Values of a key that no version wrote; they count as absent. */
export function strangeValues(key: string, found: number, name: string): Problem {
  const values =
    found === 1
      ? 'value that delayer did not write, that'
      : 'values that delayer did not write, one of them that';
  return {
    code: 'strange_values',
    message: `The key ${JSON.stringify(key)} has ${found} ${values} of ${JSON.stringify(name)}`,
    hint: 'Values that cannot be read count as absent and are left unchanged; delete them from the key.',
  };
}

/** What was found wrong while counting jobs. */
export function jobProblems(found: {
  /** Jobs of the pool without a body, and what stands in its place. */
  readonly bodiless: readonly Flawed[];
  /** Entries of ready lists. */
  readonly flawed: readonly Flawed[];
  /** Jobs that are in their ready list more than once. */
  readonly doubled: number;
  /** Keys of records. */
  readonly goneRecords: readonly string[];
}): Problem[] {
  const isOld = ({ what }: Flawed) => what === 'pooled' || what === 'other';
  const isGone = ({ what }: Flawed) => ['none', 'hash', 'incomplete'].includes(what);
  const bodies = [...found.bodiless, ...found.flawed.filter((one) => !isOld(one))];
  const gone = bodies.filter(isGone).length;
  return [
    ...bodiesGone(gone),
    ...wrongBodies(bodies.length - gone),
    ...oldEntries(found.flawed.filter(isOld).length),
    ...doubledEntries(found.doubled),
    ...recordsGone(found.goneRecords),
  ];
}

const jobsHave = (count: number): string => `${count} ${count === 1 ? 'job has' : 'jobs have'}`;

function bodiesGone(count: number): Problem[] {
  if (count === 0) return [];
  return [
    {
      code: 'bodies_gone',
      message: `${jobsHave(count)} lost the body and will never be delivered`,
      hint: 'They expired, or were taken, removed or evicted. The daemon clears them away when they are due; removing them in any state does so at once.',
    },
  ];
}

function wrongBodies(count: number): Problem[] {
  if (count === 0) return [];
  return [
    {
      code: 'wrong_type',
      message: `${jobsHave(count)} a key of the wrong type in place of the body`,
      hint: 'Rename or delete the keys; removing the jobs in any state takes them out of the queue and leaves the keys alone.',
    },
  ];
}

function oldEntries(count: number): Problem[] {
  if (count === 0) return [];
  const entries = count === 1 ? 'entry of a ready list is' : 'entries of ready lists are';
  return [
    {
      code: 'old_entries',
      message: `${count} ${entries} of a job that is not ready, or of another topic: original clients would get it early`,
      hint: 'delayer skips them. A daemon of delayer removes them, but not the only entry of a job of another topic: doctor moves it into the list of that topic.',
    },
  ];
}

function doubledEntries(count: number): Problem[] {
  if (count === 0) return [];
  return [
    {
      code: 'doubled_entries',
      message: `${count} ready ${count === 1 ? 'job is' : 'jobs are'} in the ready list more than once, as two original daemons leave them`,
      hint: 'Each is delivered once, and a daemon of delayer removes the duplicate entries; an original client that reads one takes the queue for empty. Run one kind of daemon.',
    },
  ];
}

function recordsGone(keys: readonly string[]): Problem[] {
  if (keys.length === 0) return [];
  const named = keys.slice(0, NAMED).map((key) => JSON.stringify(key));
  const rest = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
  const records =
    keys.length === 1 ? 'record of leased or dead jobs is' : 'records of leased or dead jobs are';
  return [
    {
      code: 'records_gone',
      message: `${keys.length} ${records} gone, of a wrong type or not written by delayer: ${named.join(', ')}${rest}`,
      hint: 'Restore the keys from a backup, or delete them: references to a missing key are cleared away when their time has passed.',
    },
  ];
}
