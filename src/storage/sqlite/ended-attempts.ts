import type { Attempt } from '../../core/job.js';
import type { Connection } from './connection.js';
import type { EndedLeases } from './lease.js';
import {
  formatPast,
  NO_NOTE,
  NOTE_COLUMNS,
  NOTE_OF_JOB,
  type NoteRow,
  type PastAttempt,
  pastOf,
  settingsOf,
  writeNotes,
} from './note.js';
import { MOST_ATTEMPTS } from './mend.js';

const FROM = 'FROM json_each(?) AS ended CROSS JOIN job ON job.seq = ended.value';
const COLUMNS = `ended.key AS at, job.seq, min(job.attempts, ${MOST_ATTEMPTS}) + 1 AS attempt`;
const ENDED = `SELECT ${COLUMNS} ${FROM}`;
const ENDED_NOTED = `SELECT ${COLUMNS}, ${NOTE_COLUMNS} ${FROM} ${NOTE_OF_JOB}`;

/** A job whose lease has just ended. */
export interface EndedJob {
  readonly seq: number;
  /** Where it stands among those that have ended with it. */
  readonly at: number;
  /** Which attempt it was that has ended, from 1. */
  readonly attempt: number;
  readonly own: ReturnType<typeof settingsOf>['own'];
  readonly past: PastAttempt[];
  /** As it was; its key is there. */
  readonly note: NoteRow;
}

/** How an attempt ended, whichever it was. */
export type AttemptEnd = Omit<Attempt, 'attempt' | 'startedAt' | 'endedAt'> & { readonly endedAt: number };

/** Within a transaction: the jobs of leases that have just ended, in their order; without any that somebody deleted. */
export function readEnded(connection: Connection, ended: EndedLeases): EndedJob[] {
  const { seqs, hasNotes } = ended;
  if (seqs.length === 0) return [];
  type Row = Pick<EndedJob, 'seq' | 'at' | 'attempt'> & Partial<NoteRow>;
  const rows = connection.all(hasNotes ? ENDED_NOTED : ENDED, JSON.stringify(seqs)) as Row[];
  return rows.map(({ seq, at, attempt, ...found }) => {
    const note = { ...NO_NOTE, ...found, noteKey: found.noteKey ?? firstKey(ended, at) };
    return { seq, at, attempt, note, own: settingsOf(note).own, past: pastOf(note.history) };
  });
}

/** The key of a job whose first lease has just ended. */
const firstKey = ({ token, numbers }: EndedLeases, at: number): string => `${token}.${numbers[at]}`;

/** Adds the attempt that has ended to the past of its job; {@link noteEnded} writes it down. */
export function addAttempt({ past, attempt }: EndedJob, startedAt: number, end: AttemptEnd): void {
  past.push({ attempt, startedAt, ...end });
}

/** Within a transaction that marks these jobs to have notes: keeps their keys, and their past with what was added. */
export function noteEnded(connection: Connection, jobs: readonly EndedJob[]): void {
  writeNotes(
    connection,
    jobs.map(({ seq, past, note }) => ({
      seq,
      note: { ...note, history: past.length === 0 ? null : formatPast(past) },
    })),
  );
}

/** Within a transaction that marks these jobs to have notes: keeps the keys of those that are released. */
export function noteReleased(connection: Connection, ended: EndedLeases): void {
  if (ended.hasNotes) noteEnded(connection, readEnded(connection, ended));
  else
    writeNotes(
      connection,
      ended.seqs.map((seq, at) => ({ seq, note: { ...NO_NOTE, noteKey: firstKey(ended, at) } })),
    );
}

/** Adds a job to those with the same key. */
export function addTo<K>(groups: Map<K, number[]>, key: K, seq: number): void {
  const group = groups.get(key);
  if (group) group.push(seq);
  else groups.set(key, [seq]);
}
