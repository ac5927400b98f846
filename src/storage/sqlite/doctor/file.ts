import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Fault } from '../../../core/faults.js';
import type { Connection } from '../connection.js';
import { STORE } from '../driver.js';
import { type FreeBytes, FULL_BYTES } from '../free-bytes.js';
import { besideFile } from '../open.js';
import type { StoreFile } from '../store-file.js';

/** Faults of the file itself: damage, a log that grows, a full disk, rights. */

/** How many messages of an integrity check are read. */
const MOST_MESSAGES = 100;
/**
 * Once all of the log is in the file, it is cut back to a quarter of this (bytes); a longer one shows that a reader
 * prevents it.
 */
const LONG_LOG_BYTES = 64 * 1024 * 1024;
/** Free room (bytes) that is too little for any file; for a large one a quarter of its size. */
const LITTLE_BYTES = 64 * 1024 * 1024;
const LITTLE_SHARE = 0.25;

const OF_INDEX = /(?:index|entry in index) (\w+)$/;

/** It reads the whole file, and blocks no other process. */
export function damage(connection: Connection): Fault[] {
  const rows = connection.all(`PRAGMA ${STORE}.integrity_check(${MOST_MESSAGES})`) as Record<
    string,
    string
  >[];
  const messages = rows.map((row) => Object.values(row)[0] ?? '').filter((text) => text !== 'ok');
  const indexes = new Set(messages.flatMap((text) => OF_INDEX.exec(text)?.[1] ?? []));
  const others = messages.filter((text) => !OF_INDEX.test(text));
  return [
    ...[...indexes].map((found): Fault => ({ kind: 'index_damaged', found })),
    ...others.map((found): Fault => ({ kind: 'file_damaged', found })),
  ];
}

export const logBytes = (file: string): number =>
  statSync(besideFile(file, 'wal'), { throwIfNoEntry: false })?.size ?? 0;

export function fileFaults({ path, isPrivate, freeBytes }: StoreFile): Fault[] {
  const faults: Fault[] = [];
  const log = logBytes(path);
  if (log > LONG_LOG_BYTES) faults.push({ kind: 'log_long', found: megabytes(log) });
  return [...faults, ...diskFaults(path, log, freeBytes), ...rightsFaults(path, isPrivate)];
}

function diskFaults(path: string, log: number, freeBytes: FreeBytes): Fault[] {
  let free;
  try {
    free = freeBytes(dirname(path));
  } catch {
    return [];
  }
  if (free < FULL_BYTES) return [{ kind: 'disk_full', found: megabytes(free) }];
  const wanted = Math.max(LITTLE_BYTES, LITTLE_SHARE * (statSync(path).size + log));
  return free < wanted ? [{ kind: 'disk_near', found: megabytes(free) }] : [];
}

/** Everyone who may write the file, or replace it in its folder, can change and lose any job. */
function rightsFaults(path: string, isPrivate: boolean): Fault[] {
  const [file, folder] = [statSync(path).mode, statSync(dirname(path)).mode];
  const isSticky = (folder & 0o1000) !== 0;
  const of = (found: string, mode: number, others: number): Fault[] =>
    (mode & others) === 0 ? [] : [{ kind: 'open_to_all', found, wanted: isPrivate ? 'go-rwx' : 'o-w' }];
  return [
    ...of(path, file, isPrivate ? 0o077 : 0o002),
    ...(isSticky ? [] : of(dirname(path), folder, isPrivate ? 0o077 : 0o002)),
  ];
}

const megabytes = (bytes: number): string => `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
