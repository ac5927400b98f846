import type { OwnRetry } from './job.js';

/** When a job is due: so long after the store takes it in, or at a time of the store's clock. */
export type Due = { readonly delayMs: number } | { readonly atMs: number };

/** A job on its way into a store; checked, with its id. */
export interface NewJob extends OwnRetry {
  readonly id: Buffer;
  readonly topic: Buffer;
  readonly body: Buffer;
  readonly due: Due;
  /** Counts from the due time. */
  readonly ttlMs: number;
  /** In place of `ttlMs`, for a job that comes back: it expires when it would have expired before. */
  readonly expiresAtMs?: number | undefined;
}
