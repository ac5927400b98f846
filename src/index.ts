/** The library: open a queue; push, work, pop, remove and look. docs/library.md describes it. */
export { openQueue, type Queue } from './library.js';
export type { OpenOptions } from './storage/open.js';
export type { JobContext, JobDead, JobFailed, JobHandler, Signal, WorkOptions } from './worker/work.js';
export type { WorkResult } from './worker/result.js';
export type {
  BpopOptions,
  CallOptions,
  EditRequest,
  ImportOptions,
  ImportRequest,
  HoldOptions,
  HoldRequest,
  JobReference,
  LeaseLike,
  Lock,
  NackOptions,
  PopOptions,
  PromoteOptions,
  PushReceipt,
  PushRequest,
  RemoveRequest,
  RequeueOptions,
  RequeueRequest,
  RescheduleRequest,
  ReserveRequest,
  TextOrBytes,
  Topics,
  WaitOptions,
} from './core/requests.js';
export type {
  DaemonReport,
  DueCountsRequest,
  JobFilter,
  ListQuery,
  ScanQuery,
  StatsOptions,
  Daemon,
  DueCounts,
  Estimate,
  FlawedJobs,
  JobPage,
  Problem,
  ProblemCode,
  ScanPart,
  Stats,
  TopicStats,
} from './core/views.js';
export type { DelayerEvent, OnEvent } from './core/events.js';
export type { FileProgress, Imported, ImportOutcome, ImportProgress } from './core/transfer.js';
export { DelayerError, ERRORS, isTransient, type ErrorCode } from './core/errors.js';
export {
  DEFAULT_DEAD_TTL_MS,
  DEFAULT_TTL_MS,
  JOB_STATES,
  MAX_BODY_BYTES,
  MAX_HISTORY,
  MAX_LEASE_MS,
  MAX_REASON_BYTES,
} from './core/job.js';
export { DEFAULT_RETRY, MAX_RETRIES } from './core/retry-policy.js';
export type { RetryOptions, RetryPolicy } from './core/retry-policy.js';
export type {
  Attempt,
  Backoff,
  Blocker,
  Bytes,
  Flaw,
  Job,
  JobRecord,
  JobState,
  LeasedJob,
  OwnRetry,
} from './core/job.js';
export type {
  Burial,
  EditResult,
  HoldResult,
  Maintenance,
  NackResult,
  OnExisting,
  PromoteResult,
  PushResult,
  RemoveResult,
  RequeueResult,
  RescheduleResult,
  Reserved,
} from './core/results.js';
export type { AbortSignalLike } from './core/timer.js';
