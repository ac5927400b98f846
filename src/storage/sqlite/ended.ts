import type { Attempt } from '../../core/job.js';
import type { Connection } from './connection.js';
import type { EndedLeases } from './lease.js';
import {
  formatPast,
  NOTE_COLUMNS,
  NOTE_OF_JOB,
  type NoteRow,
  type PastAttempt,
  pastOf,
  settingsOf,
  writeNotes,
} from './note.js';
import { bounded } from './rows.js';

const ENDED = `
SELECT ended.key AS at, job.seq, ${bounded('job.attempts')} + 1 AS attempt, job.noted = 1 AS isNoted, ${NOTE_COLUMNS}
FROM json_each(?) AS ended CROSS JOIN job ON job.seq = ended.value ${NOTE_OF_JOB}`;

/** A job whose lease has just ended. */
export interface EndedJob {
  readonly seq: number;
  /** Where it stands among those that have ended with it. */
  readonly at: number;
  /** Which attempt it was that has ended, from 1. */
  readonly attempt: number;
  readonly own: ReturnType<typeof settingsOf>['own'];
  readonly key: string;
  readonly past: PastAttempt[];
  readonly isNoted: boolean;
  readonly note: NoteRow;
}

/** How an attempt ended, whichever it was. */
export type AttemptEnd = Omit<Attempt, 'attempt' | 'startedAt' | 'endedAt'> & { readonly endedAt: number };

/** Within a transaction: the jobs of leases that have just ended, in their order; without any that somebody deleted. */
export function readEnded(connection: Connection, { seqs, numbers, token }: EndedLeases): EndedJob[] {
  if (seqs.length === 0) return [];
  const rows = connection.all(ENDED, JSON.stringify(seqs)) as (NoteRow & {
    seq: number;
    at: number;
    attempt: number;
    isNoted: 0 | 1 | null;
  })[];
  return rows.map(({ seq, at, attempt, isNoted, ...note }) => ({
    ...{ seq, at, attempt, note },
    own: settingsOf(note).own,
    key: note.noteKey ?? `${token}.${numbers[at]}`,
    past: pastOf(note.history),
    isNoted: isNoted === 1,
  }));
}

/** Adds the attempt that has ended to the past of its job; {@link noteEnded} writes it down. */
export function addAttempt({ past, attempt }: EndedJob, startedAt: number, end: AttemptEnd): void {
  past.push({ attempt, startedAt, ...end });
}

/** Within a transaction: keeps the key and the past of jobs whose leases have ended. */
export function noteEnded(connection: Connection, jobs: readonly EndedJob[]): void {
  writeNotes(
    connection,
    jobs.map(({ seq, isNoted, key, past, note }) => ({
      ...{ seq, isNew: !isNoted },
      note: { ...note, noteKey: key, history: past.length === 0 ? null : formatPast(past) },
    })),
  );
}

/** Within a transaction: keeps the keys of jobs that are released, for which nothing else changes. */
export function noteReleased(connection: Connection, ended: EndedLeases): void {
  const fresh = readEnded(connection, ended).filter(({ note }) => note.noteKey === null);
  noteEnded(connection, fresh);
}

/** Adds a job to those with the same key. */
export function addTo<K>(groups: Map<K, number[]>, key: K, seq: number): void {
  const group = groups.get(key);
  if (group) group.push(seq);
  else groups.set(key, [seq]);
}
