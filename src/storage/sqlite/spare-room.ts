import { closeSync, constants, ftruncateSync, lstatSync, openSync } from 'node:fs';
import { statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { monotonicMs } from '../../core/timer.js';

/** Enough for SQLite to delete jobs, which it writes to its log first, and for what is kept of failed ones. */
const SPARE_BYTES = 1024 * 1024;
/** It has at most this part of what is free, so that a small disk keeps room for jobs. */
const SHARE = 1 / 4;
/**
 * By so much (bytes) it is given up at a time, so that other programs get no more of it than one call needs: to open
 * the file and take a job SQLite needs 32 KiB for the index of its log, and some pages in the log.
 */
const PORTION_BYTES = 64 * 1024;
/** A smaller one (bytes) is of no use. */
const LEAST_BYTES = 2 * PORTION_BYTES;
/** How often (ms) a process checks that it is there. */
const LOOK_MS = 10_000;

/**
 * Room that is reserved for the day on which the disk is full, because SQLite cannot even delete without writing to
 * its log. It is a file beside the store, of which a part is given up when there is no other room. The process takes
 * that part back at its end, when its log is gone; else it is made whole when there is plenty of room. On a file
 * system that compresses, or copies on write, giving it up may give back less.
 */
export class SpareRoom {
  private lookAtMs = -Infinity;
  private givenUpBytes = 0;

  /** @param file where it is kept */
  constructor(
    private readonly file: string,
    /** The file whose mode it gets. */
    private readonly store: string,
  ) {}

  /** Creates it when it is absent, or makes it larger, where there is room. Never fails. */
  keep(): void {
    if (monotonicMs() < this.lookAtMs) return;
    this.lookAtMs = monotonicMs() + LOOK_MS;
    try {
      const size = this.bytes();
      if (size >= SPARE_BYTES) return;
      const { bavail, bsize } = statfsSync(dirname(this.file));
      const share = (size + bavail * bsize) * SHARE;
      const wanted = Math.min(SPARE_BYTES, share - (share % PORTION_BYTES));
      if (wanted >= LEAST_BYTES) this.grow(size, wanted);
    } catch {
      // The store works without it.
    }
  }

  /** How much room (bytes) giving it up gives. */
  bytes(): number {
    const found = lstatSync(this.file, { throwIfNoEntry: false });
    return found?.isFile() === true ? found.size : 0;
  }

  /** Gives up a part of it; answers whether there was any. */
  letGo(): boolean {
    this.lookAtMs = monotonicMs() + LOOK_MS;
    const size = this.bytes();
    if (size <= PORTION_BYTES) return this.delete();
    try {
      this.write(constants.O_WRONLY, (handle) => {
        ftruncateSync(handle, size - PORTION_BYTES);
      });
    } catch {
      // Who may not write it may delete it, and a file system that copies on write may be too full to make it shorter.
      return this.delete();
    }
    this.givenUpBytes += PORTION_BYTES;
    return true;
  }

  /** Deletes it, for what a disk keeps for each file; answers whether it was there. */
  delete(): boolean {
    const size = this.bytes();
    try {
      unlinkSync(this.file);
    } catch {
      return false;
    }
    this.givenUpBytes += size;
    return true;
  }

  /** When the store is closed: takes back what this process has given up, before other programs do. Never fails. */
  takeBack(): void {
    if (this.givenUpBytes === 0) return;
    try {
      const size = this.bytes();
      this.grow(size, Math.min(SPARE_BYTES, size + this.givenUpBytes), true);
      this.givenUpBytes = 0;
    } catch {
      // Another process has the log open, or other programs were faster.
    }
  }

  /** @param keepPart whether less than `to` is of use, too */
  private grow(from: number, to: number, keepPart = false): void {
    if (from >= to) return;
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    this.write(from === 0 ? O_WRONLY | O_CREAT | O_EXCL : O_WRONLY, (handle) => {
      // Random bytes, because some file systems do not store zeros.
      const bytes = crypto().randomBytes(to - from);
      try {
        for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at, bytes.length - at, from + at);
      } catch (error) {
        if (!keepPart) ftruncateSync(handle, from);
        throw error;
      }
    });
  }

  /** Opens it itself, not what a symbolic link in its place names. */
  private write(flags: number, work: (handle: number) => void): void {
    const handle = openSync(this.file, flags | constants.O_NOFOLLOW, statSync(this.store).mode & 0o777);
    try {
      work(handle);
    } finally {
      closeSync(handle);
    }
  }
}

/** Loaded only when a file is made: loading takes 10 ms, a fifth of a short command. */
function crypto(): typeof import('node:crypto') {
  return createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
}
