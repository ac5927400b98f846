/** The library: open a queue; push, pop, remove and look. README.md has an example. */
export { openQueue, type OpenOptions } from './storage/open.js';
export type { Queue } from './core/queue.js';
export type {
  BpopOptions,
  CallOptions,
  LeaseLike,
  ListQuery,
  NackOptions,
  PushReceipt,
  PushRequest,
  ReserveRequest,
  TextOrBytes,
  Topics,
  WaitOptions,
} from './core/requests.js';
export type { DelayerEvent, OnEvent } from './core/events.js';
export { DelayerError, ERRORS, isTransient, type ErrorCode } from './core/errors.js';
export {
  DEFAULT_DEAD_TTL_MS,
  DEFAULT_TTL_MS,
  JOB_STATES,
  MAX_BODY_BYTES,
  MAX_LEASE_MS,
  MAX_REASON_BYTES,
} from './core/job.js';
export type { Blocker, Bytes, Flaw, Job, JobRecord, JobState, LeasedJob } from './core/job.js';
export type {
  FlawedJobs,
  JobPage,
  Maintenance,
  OnExisting,
  Problem,
  ProblemCode,
  PushResult,
  RemoveResult,
  RequeueResult,
  Reserved,
  Stats,
  TopicStats,
} from './core/results.js';
export type { AbortSignalLike } from './core/timer.js';
