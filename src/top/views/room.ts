import type { Size } from '../state.js';

/** How the lines of the screen are divided, from the top. */
export interface Room {
  /** Lines about the store or topic. */
  readonly header: number;
  /** The head of the table, where there is one. */
  readonly head: number;
  /** Rows of the table. */
  readonly rows: number;
  /** The status or a question. */
  readonly status: number;
  /** The keys of this view. */
  readonly keys: number;
}

/** The lines between header and status. */
export function heightOf(size: Size): number {
  const { head, rows } = roomOf(size);
  return head + rows;
}

/** A low screen keeps some rows and the status; the rest is left out. */
export function roomOf({ rows: lines }: Size): Room {
  const header = lines >= 12 ? 3 : lines >= 6 ? 1 : 0;
  const head = lines >= 4 ? 1 : 0;
  const status = lines >= 2 ? 1 : 0;
  const keys = lines >= 8 ? 1 : 0;
  return { header, head, status, keys, rows: Math.max(1, lines - header - head - status - keys) };
}
