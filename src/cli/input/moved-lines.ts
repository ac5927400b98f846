import { statSync } from 'node:fs';
import { CONFIRM_START, isFileLine, parseFileLine } from '../../bulk/job-file.js';
import { DelayerError } from '../../core/errors.js';
import type { JobState } from '../../core/job.js';
import type { ImportRequest } from '../../core/requests.js';
import { parseImportLine } from './import-line.js';
import { openFile, splitLines } from './lines.js';

/** An unfinished move, as its file shows it. */
export interface UnfinishedMove {
  /** What names it. */
  readonly id: string;
  /** How many bytes its whole lines have. */
  readonly size: number;
  /** Of the jobs that are known to be moved. */
  readonly counts: Partial<Record<JobState, number>>;
  /** The jobs of the last step; it is not known whether they were removed. */
  readonly unknown: readonly ImportRequest[];
  /** The last line is a torn job: its step was not written whole, so none of its jobs was removed. */
  readonly isTorn: boolean;
  /** Until when the jobs of the last step were held in the store; absent where none was. */
  readonly heldUntil: Date | undefined;
}

/**
 * Reads the file of a move that is continued.
 * @param store where its jobs have to be from
 * @throws DelayerError `usage` where it is another file, or a move that is finished
 */
export async function readMoved(path: string, store: string): Promise<UnfinishedMove> {
  const { size: total } = statSync(path);
  const counts: Partial<Record<JobState, number>> = {};
  let pending: ImportRequest[] = [];
  let [size, id] = [0, ''];
  let heldUntil: Date | undefined;
  for await (const lines of splitLines(openFile(path))) {
    for (const { number, bytes = Buffer.alloc(0) } of lines) {
      if (size + bytes.length + 1 > total && size > 0)
        return { id, size, counts, unknown: pending, isTorn: !mayConfirm(bytes), heldUntil };
      size += bytes.length + 1;
      if (number === 1) id = idOfMove(bytes, path, store);
      else if (!isFileLine(bytes)) pending.push(...requestsOf(bytes));
      else {
        const line = parseFileLine(bytes);
        if (line.type === 'held') {
          heldUntil = line.until;
          continue;
        }
        if (line.type !== 'part') throw notGoingOn(`the file ${path} holds a finished move`);
        const moved = pending.filter((_, i) => !line.left.has(i));
        for (const { state = 'delayed' } of moved) counts[state] = (counts[state] ?? 0) + 1;
        [pending, heldUntil] = [[], undefined];
      }
    }
  }
  if (size === 0) throw notGoingOn(`the file ${path} exists already`);
  return { id, size, counts, unknown: pending, isTorn: false, heldUntil };
}

/**
 * Could a torn line be the one that says what was removed? It is written when the jobs of its step have left the
 * store.
 */
function mayConfirm(torn: Buffer): boolean {
  return torn.subarray(0, CONFIRM_START.length).equals(CONFIRM_START.subarray(0, torn.length));
}

function idOfMove(bytes: Buffer, path: string, store: string): string {
  const line = isFileLine(bytes) ? parseFileLine(bytes) : undefined;
  if (line?.type !== 'head' || line.kind !== 'moved') throw notGoingOn(`the file ${path} exists already`);
  if (line.store !== store)
    throw notGoingOn(`the file ${path} holds an unfinished move from ${String(line.store)}`);
  return typeof line.id === 'string' ? line.id : '';
}

const notGoingOn = (message: string): DelayerError =>
  new DelayerError('usage', message, {
    hint: 'Name another file: a move overwrites no file, because it may hold the only copy of its jobs.',
  });

function requestsOf(bytes: Buffer): ImportRequest[] {
  const request = parseImportLine(bytes);
  return request === undefined ? [] : [request];
}
