import type { ImportedJob } from '../imported-job.js';
import type { FileProgress, ImportProgress, Imported } from '../transfer.js';
import type { NewJob } from '../new-job.js';
import type { OnExisting, PushResult } from '../results.js';

export interface Producer {
  /** Adds jobs in order; answers in the same order. Each job succeeds or fails by itself. */
  push(params: PushParams): Promise<PushResult[]>;

  /**
   * Takes in jobs as they were in another store, each by itself: with their due times, expiry, attempts, key,
   * history and order. With `progress`, the same steps note how far the file is; when the file is elsewhere, nothing
   * is done. So such a call may be sent again after a broken connection: a second time it does nothing.
   */
  import(params: ImportParams): Promise<Imported>;

  /** How far a file was imported, and which lines were refused. Changes nothing. */
  importProgress(file: string): Promise<FileProgress>;
}

export interface PushParams {
  readonly jobs: readonly NewJob[];
  readonly onExisting: OnExisting;
}

export interface ImportParams {
  readonly jobs: readonly ImportedJob[];
  readonly onExisting: OnExisting;
  readonly progress?: ImportProgress | undefined;
  /** The file of which the jobs are refused lines; others of its lines are `before`. Each job has its line. */
  readonly retryOf?: string | undefined;
}
