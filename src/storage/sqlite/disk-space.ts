import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import type { RoomTried, SpaceWatch } from './connection-parts.js';
import type { Connection } from './connection.js';
import { STORE } from './driver.js';
import { askDisk } from './free-bytes.js';
import { besideFile } from './open.js';
import type { SpareRoom } from './spare-room.js';
import { MAKE_ROOM } from './system-errors.js';

/** With less free room (bytes) the log is kept short: four times the size to which it may otherwise grow. */
const SCARCE_BYTES = 64 * 1024 * 1024;
/** After so many pages the log is moved into the file: see `SETTINGS`. */
const LONG_LOG_PAGES = 4000;
/**
 * The same when there is little room: a quarter of what the spare file gives back. The rest is for larger
 * transactions and for the file, because moving the log may add a page to it, and a log without room to be moved
 * would stop all writes.
 */
const SHORT_LOG_PAGES = 64;
/** How much room (bytes) a push leaves for the log of calls that take jobs. */
const LEFT_FREE_BYTES = 1024 * 1024;
/** How long (bytes) that log may become by taking or ending some hundred jobs at once, as a worker does. */
const LOG_BYTES = 512 * 1024;
/** What failing jobs leave for the file itself (bytes): leases need some of it, until their jobs are gone. */
const LEFT_FOR_FILE_BYTES = 64 * 1024;
const STILL_TAKEABLE =
  'Make room on that disk, then try again; what was pushed before is safe, and taking jobs still works.';
/** How often (ms) a process asks how much room is free; when there is little, at each push. */
const LOOK_MS = 50;

/**
 * Makes sure that jobs can be taken from a file on a full disk. This needs room in the log, and the log can be
 * emptied only if the file can grow. So a push fails before all room is used up, and what is kept of failed jobs
 * leaves room as well.
 */
export class DiskSpace implements SpaceWatch {
  isScarce = false;
  private lookAtMs = -Infinity;

  constructor(
    private readonly connection: Connection,
    private readonly file: string,
    private readonly spare: SpareRoom,
  ) {}

  /** Before a transaction. */
  look(nowMs: number): void {
    if (nowMs < this.lookAtMs) return;
    this.lookAtMs = nowMs + LOOK_MS;
    const isScarce = this.freeBytes() < SCARCE_BYTES;
    if (isScarce === this.isScarce) return;
    this.isScarce = isScarce;
    this.connection.exec(`PRAGMA wal_autocheckpoint = ${isScarce ? SHORT_LOG_PAGES : LONG_LOG_PAGES}`);
  }

  /**
   * Before the end of a transaction that adds jobs.
   * @throws DelayerError `store_full`
   */
  assertEnough(): void {
    if (!this.isScarce) return;
    const [free, growth] = [this.freeBytes(), this.growth()];
    if (free >= growth + LEFT_FREE_BYTES) return;
    const isTakeable = free + this.spare.bytes() >= growth + LOG_BYTES;
    throw new DelayerError('store_full', `${this.connection.label} has no space left on its disk`, {
      hint: isTakeable ? STILL_TAKEABLE : MAKE_ROOM,
    });
  }

  /**
   * Within a transaction: may it add so many bytes about jobs that are there already, so that jobs can still be taken
   * after it? Pages of the file that jobs have left are used first, and the reserve counts as room.
   */
  hasRoomFor(bytes: number): boolean {
    if (!this.isScarce) return true;
    const unused = this.pragma('freelist_count') * this.pragma('page_size');
    const growth = this.growth() + Math.max(0, bytes + LEFT_FOR_FILE_BYTES - unused);
    const toCome = Math.max(0, LOG_BYTES - this.logBytes());
    return this.freeBytes() + this.spare.bytes() >= growth + toCome;
  }

  /** The disk is full. @returns whether it is of use to try again */
  makeRoom(error: DelayerError, tried: RoomTried): boolean {
    const isFirst = !tried.isEmptied;
    tried.isEmptied = true;
    // The log keeps its length here, because other programs may take what it gives back.
    if (isFirst && this.logBytes() > 0 && this.emptyLog('RESTART')) return true;
    // Without a cause it was not SQLite that failed: what was to be kept of failed jobs left the room for taking jobs.
    if (tried.frees && error.cause !== undefined && this.spare.letGo()) {
      // This may have failed before for want of the room that there is now.
      this.emptyLog('RESTART');
      return true;
    }
    if (tried.isCut || this.logBytes() === 0) return false;
    tried.isCut = true;
    return this.emptyLog('TRUNCATE');
  }

  /** By how much (bytes) the file grows when its log is moved into it. */
  private growth(): number {
    return Math.max(0, this.pragma('page_count') * this.pragma('page_size') - statSync(this.file).size);
  }

  private logBytes(): number {
    return statSync(besideFile(this.file, 'wal'), { throwIfNoEntry: false })?.size ?? 0;
  }

  private pragma(name: string): number {
    return Object.values(this.connection.get(`PRAGMA ${STORE}.${name}`) as Record<string, number>)[0] ?? 0;
  }

  private emptyLog(mode: 'RESTART' | 'TRUNCATE'): boolean {
    try {
      const { busy } = this.connection.get(`PRAGMA ${STORE}.wal_checkpoint(${mode})`) as { busy: number };
      return busy === 0;
    } catch {
      return false;
    }
  }

  private freeBytes(): number {
    try {
      return askDisk(dirname(this.file));
    } catch {
      // Not every file system reports its free room.
      return Infinity;
    }
  }
}
