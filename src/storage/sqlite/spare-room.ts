import { closeSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { monotonicMs } from '../../core/timer.js';

/** Enough for SQLite to delete jobs, which it writes to its log first, and for what is kept of failed ones. */
const SPARE_BYTES = 1024 * 1024;
/** It is not made when the disk has less free room (bytes) than this. */
const LEAST_FREE_BYTES = 4 * 1024 * 1024;
/** How often (ms) a process checks that it is there. */
const LOOK_MS = 10_000;

/**
 * Room that is reserved for the day on which the disk is full, because SQLite cannot even delete without writing to
 * its log. It is a file beside the store, which is deleted when there is no other room, and made again later. On a
 * file system that compresses, or copies on write, deleting it may give back less.
 */
export class SpareRoom {
  private lookAtMs = -Infinity;

  /** @param file where it is kept */
  constructor(
    private readonly file: string,
    /** The file whose mode it gets. */
    private readonly store: string,
  ) {}

  /** Creates it when it is absent and there is plenty of room. Never fails. */
  keep(): void {
    if (monotonicMs() < this.lookAtMs) return;
    this.lookAtMs = monotonicMs() + LOOK_MS;
    try {
      if (statSync(this.file, { throwIfNoEntry: false }) !== undefined) return;
      const { bavail, bsize } = statfsSync(dirname(this.file));
      if (bavail * bsize >= LEAST_FREE_BYTES) this.make();
    } catch {
      // The store works without it.
    }
  }

  /** How much room (bytes) deleting it gives. */
  bytes(): number {
    return statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Deletes it; answers whether it was there. */
  letGo(): boolean {
    this.lookAtMs = monotonicMs() + LOOK_MS;
    try {
      unlinkSync(this.file);
      return true;
    } catch {
      return false;
    }
  }

  private make(): void {
    const handle = openSync(this.file, 'wx', statSync(this.store).mode & 0o777);
    try {
      // Random bytes, because some file systems do not store zeros.
      const bytes = crypto().randomBytes(SPARE_BYTES);
      for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
      closeSync(handle);
    } catch (error) {
      closeSync(handle);
      unlinkSync(this.file);
      throw error;
    }
  }
}

/** Loaded only when a file is made: loading takes 10 ms, a fifth of a short command. */
function crypto(): typeof import('node:crypto') {
  return createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
}
