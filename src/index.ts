/** The library: open a queue, push, pop, remove and look. See README.md for an example. */
export { openQueue, type OpenOptions } from './storage/open.js';
export { Queue, type Bytes, type PushReceipt, type PushRequest } from './core/queue.js';
export { DelayerError, ERRORS, type ErrorCode } from './core/errors.js';
export {
  DEFAULT_TTL_MS,
  MAX_BODY_BYTES,
  type Job,
  type JobRecord,
  type JobState,
  type LeasedJob,
} from './core/job.js';
export type {
  JobPage,
  Lease,
  ListQuery,
  OnExisting,
  Popped,
  Problem,
  ProblemCode,
  Promotion,
  PushResult,
  RemoveResult,
  RemoveScope,
  Store,
  Survey,
  Taken,
  TopicCounts,
} from './core/store.js';
export { promoteUntil, type PromoterOptions, type PromoterTotals } from './daemon/promoter.js';
