import { closeSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { monotonicMs } from '../../core/timer.js';

/** Enough for SQLite to take jobs away, which it notes in its log first. */
const SPARE_BYTES = 512 * 1024;
/** It is not made from the last room (bytes) that a disk has. */
const LEAST_FREE_BYTES = 4 * 1024 * 1024;
/** How often (ms) a process looks whether it is there. */
const LOOK_MS = 10_000;

/**
 * Room on the disk that is kept for the day on which it is full: SQLite cannot even delete without writing to its
 * log. It is a file beside the store, which is deleted when there is no other room, and made again later. Where
 * a file system compresses, or copies what it changes, that may not give back as much.
 */
export class SpareRoom {
  private lookAtMs = -Infinity;

  /** @param file where it is kept */
  constructor(
    private readonly file: string,
    /** Whose mode it is given. */
    private readonly store: string,
  ) {}

  /** Makes it when it is absent and there is plenty of room. It never fails. */
  keep(): void {
    if (monotonicMs() < this.lookAtMs) return;
    this.lookAtMs = monotonicMs() + LOOK_MS;
    try {
      if (statSync(this.file, { throwIfNoEntry: false }) !== undefined) return;
      const { bavail, bsize } = statfsSync(dirname(this.file));
      if (bavail * bsize >= LEAST_FREE_BYTES) this.make();
    } catch {
      // The store works without.
    }
  }

  /** Gives the room back. @returns whether there was any */
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
      // Not zeros, which some file systems do not keep.
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

/** Loaded when a file is made: it takes 10 ms, a fifth of a short command. */
function crypto(): typeof import('node:crypto') {
  return createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
}
