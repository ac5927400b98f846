import { formatDuration } from '../core/duration.js';
import type { Blocker, Bytes, Flaw, JobRecord } from '../core/job.js';
import { escapeForTerminal } from './escape.js';

/** Sentences about what other clients, evictions and foreign keys leave behind. */

type WrongType = Extract<Blocker, { type: 'wrong_type' }>;

export const NEVER = 'It will never be delivered.';
const REMOVABLE = 'Removing it in any state takes it out of the queue.';

export function distance(at: Date, now: Date): string {
  return formatDuration(Math.abs(at.getTime() - now.getTime()));
}

const quote = (name: Bytes | undefined): string => `"${name ? escapeForTerminal(name) : ''}"`;

export const keyInTheWay = ({ key, found, wanted }: WrongType): string[] => [
  `It cannot move: the key ${JSON.stringify(key)} of Redis holds a ${found} where a ${wanted} belongs.`,
  'It can move when that key is renamed or deleted.',
];

/**
 * A key of a wrong type in the place of its body, or of its ready list.
 * @param otherwise what is said when there is no such key
 */
export function inTheWay(job: JobRecord, blocker: WrongType, otherwise: () => string[]): string[] {
  const { key, found } = blocker;
  if (job.state === 'expired')
    return [
      `The key ${JSON.stringify(key)} of Redis holds a ${found} in the place of its body.`,
      'It is not delivered before its body is back there.',
      `${REMOVABLE} That key is left alone.`,
    ];
  if (job.state === 'ready')
    return [
      `It was promoted, and in the place of its ready list the key ${JSON.stringify(key)} of Redis holds a ${found}.`,
      'It is delivered when that list is back in its place. If the list is lost, replacing the job puts it into the queue again.',
    ];
  return [...otherwise().slice(0, 1), ...keyInTheWay(blocker)];
}

export function bodyGone({ dueAt }: JobRecord, now: Date): string[] {
  const when = dueAt && dueAt > now ? `, due in ${distance(dueAt, now)},` : ', due by now,';
  return [
    `Its id is in the pool${when} and its body is gone: it expired, was taken or removed by another client, or was evicted by Redis; which is not known.`,
    NEVER,
    'Maintenance clears it away when it is due. Removing it in any state does so now.',
  ];
}

/** A hash that another client wrote, without one of the two fields of a job. */
export function bodyIncomplete({ body }: JobRecord): string[] {
  return [`${body ? 'Its topic' : 'Its body'} is missing: another client wrote it so.`, NEVER, REMOVABLE];
}

export function noEntry({ body, expiresAt }: JobRecord, now: Date): string[] {
  const until = expiresAt && expiresAt > now ? `, until Redis deletes it in ${distance(expiresAt, now)}` : '';
  return [
    `${body ? 'Its body is there' : 'A part of it is there'}, and its id is neither in the pool nor in a ready list: another client took it, and is about to delete the body or ended before it did.`,
    `No consumer gets it any more, and a removal leaves it alone${until}. A push of its id is a new job.`,
  ];
}

export function otherTopic({ topic }: JobRecord, listedIn: Bytes): string[] {
  return [
    `Its body belongs to the topic ${quote(topic)}, and its only entry is in the ready list of ${quote(listedIn)}: another client pushed it again.`,
    `delayer skips it; an original client that pops ${quote(listedIn)} gets it.`,
    REMOVABLE,
  ];
}

/** What is said about its entries in ready lists, besides its state. */
export function entries(flaw: Flaw | undefined): string[] {
  if (flaw?.type === 'old_entry')
    return [
      `An older entry of its id is in the ready list of ${quote(flaw.listedIn)}: an original client that pops that topic gets the job early, or though it belongs to another topic. delayer skips the entry.`,
    ];
  if (flaw?.type === 'doubled_entry')
    return [
      `It is in its ready list ${flaw.entries} times, as two original daemons leave it. It is delivered once.`,
    ];
  return [];
}
