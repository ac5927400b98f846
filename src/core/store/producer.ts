import type { ImportedJob } from '../imported-job.js';
import type { ImportProgress, Imported } from '../transfer.js';
import type { NewJob } from '../new-job.js';
import type { OnExisting, PushResult } from '../results.js';

export interface Producer {
  /** Adds jobs in order; answers in the same order. Each job stands or falls by itself. */
  push(params: PushParams): Promise<PushResult[]>;

  /**
   * Takes in jobs as they were in another store, each by itself: due times, expiry, attempts, key, history and order
   * are what they were. Where `progress` is given, it is noted in the same steps how far its file is; nothing is done
   * when the file is elsewhere. Such a call may run again because a connection broke, for then it does nothing.
   */
  import(params: ImportParams): Promise<Imported>;
}

export interface PushParams {
  readonly jobs: readonly NewJob[];
  readonly onExisting: OnExisting;
}

export interface ImportParams {
  readonly jobs: readonly ImportedJob[];
  readonly onExisting: OnExisting;
  readonly progress?: ImportProgress | undefined;
}
