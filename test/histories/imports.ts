import type { OnExisting } from '../../src/core/results.js';
import {
  IMPORT_MEMORY_MS,
  type Imported,
  type ImportOutcome,
  type ImportProgress,
  isRefused,
} from '../../src/core/transfer.js';
import type { Comeback } from './comeback.js';
import type { Attempt, ModelJob } from './job.js';
import type { Line } from './line.js';
import type { Rules } from './rules.js';

/** A job of another store. Times are ms since 1970, undefined if not known. */
export interface ModelImport {
  readonly id: string;
  readonly topic: string;
  readonly body: string;
  readonly dueAt: number | undefined;
  readonly expiresAt: number | undefined;
  readonly ttlMs: number | undefined;
  readonly attempts: number;
  readonly own: ModelJob['own'];
  readonly key: string | undefined;
  readonly history: readonly Attempt[];
  /** Since when it was leased. */
  readonly leasedAt: number | undefined;
  readonly isWaiting: boolean;
  readonly wasLeased: boolean;
  /** Of a dead letter. */
  readonly death: ModelDeath | undefined;
  /** In its file. */
  readonly line: number | undefined;
}

export interface ImportHow {
  readonly onExisting: OnExisting;
  readonly progress?: ImportProgress | undefined;
  readonly retryOf?: string | undefined;
}

/** How far a file is imported, since when, and which lines were refused. */
interface ModelFile {
  readonly line: number;
  readonly at: number;
  readonly refused: Set<number>;
}

interface ModelDeath {
  readonly failedAt: number | undefined;
  readonly deadUntil: number | undefined;
  readonly reason: string | undefined;
}

/** Imports, with the progress of their files. */
export class Imports {
  private readonly files = new Map<string, ModelFile>();

  constructor(
    private readonly line: Line,
    private readonly back: Comeback,
    private readonly rules: Rules,
    private readonly nextNumber: () => number,
  ) {}

  /** The line up to which a file is imported. */
  reached(file: string): number {
    return this.files.get(file)?.line ?? 0;
  }

  /** The lines up to there that were refused. */
  refused(file: string): number[] {
    return [...(this.files.get(file)?.refused ?? [])].sort((a, b) => a - b);
  }

  /** Whether the store may have forgotten the progress of a file. */
  mayBeForgotten(file: string, now: number): boolean {
    return (this.files.get(file)?.at ?? Infinity) + IMPORT_MEMORY_MS <= now;
  }

  forget(file: string): void {
    this.files.delete(file);
  }

  /** Imports jobs one by one; none if the progress of their file is not the expected one. */
  import(jobs: readonly ModelImport[], how: ImportHow, now: number): Imported {
    const { onExisting, progress, retryOf } = how;
    if (progress) {
      const reached = this.reached(progress.file);
      if (reached !== progress.from) return { outcomes: [], reached };
      const refused = progress.to === 0 ? [] : this.refused(progress.file);
      this.files.set(progress.file, { line: progress.to, at: now, refused: new Set(refused) });
    }
    const refused = this.files.get(progress?.file ?? retryOf ?? '')?.refused ?? new Set();
    const importLine = (job: ModelImport): ImportOutcome => {
      const { line = 0 } = job;
      if (retryOf !== undefined && !refused.has(line)) return 'before';
      const outcome = this.importOne(job, onExisting, now);
      if (isRefused(outcome)) refused.add(line);
      else refused.delete(line);
      return outcome;
    };
    return { outcomes: this.line.together(() => jobs.map(importLine)) };
  }

  private importOne(given: ModelImport, onExisting: OnExisting, now: number): ImportOutcome {
    if (given.death) return this.importLetter(given, given.death, now);
    const job = this.jobOf(given, now);
    if (job.expiresAt <= now) return 'expired';
    const living = this.line.living(job.id, now);
    if (living && given.isWaiting) return this.wait(job, now);
    const isSame = living?.topic === job.topic && living.body === job.body;
    if (living && given.wasLeased) return isSame ? 'repeated' : this.wait(job, now);
    if (living && onExisting !== 'replace') {
      if (isSame) return 'repeated';
      return onExisting === 'keep' ? 'kept' : 'conflict';
    }
    this.line.add(job, job.dueAt ?? now, now);
    if (!isToldByTimes(given)) this.line.remember(job);
    return living ? 'replaced' : 'imported';
  }

  /** Makes a job, by default due now; its lifetime stood still while it was leased. */
  private jobOf(given: ModelImport, now: number): ModelJob {
    const { leasedAt = now } = given;
    const ttlMs = lifetimeOf(given);
    const dueAt = given.dueAt ?? now;
    const end = given.expiresAt ?? (ttlMs === undefined ? Infinity : this.back.byLast(dueAt + ttlMs));
    const expiresAt = this.back.byLast(end + Math.max(0, now - leasedAt));
    const lifetime = expiresAt < Infinity ? expiresAt - dueAt : undefined;
    // Redis keeps a lifetime only where the times do not tell it, and an expiry at the last possible time tells none.
    const isLost =
      !this.rules.knowsTimes &&
      expiresAt === this.back.byLast(Number.MAX_VALUE) &&
      (ttlMs === undefined || ttlMs === lifetime);
    return { ...this.keptOf(given), dueAt, expiresAt, ttlMs: isLost ? undefined : (ttlMs ?? lifetime) };
  }

  private keptOf({ id, topic, body, attempts, own, key, history }: ModelImport) {
    return { id, topic, body, attempts, own, key, history, number: this.nextNumber(), place: undefined };
  }

  /** Imports a waiting job, which waits for the job that has its id. */
  private wait(job: ModelJob, now: number): ImportOutcome {
    const isSame = (one: ModelJob) =>
      one.topic === job.topic && one.body === job.body && one.dueAt === job.dueAt;
    if (this.back.waitingFor(job.id).some((one) => isSame(one.job))) return 'repeated';
    this.line.setDue(job, job.dueAt ?? now);
    // The lifetime stands still from the due time on.
    this.back.wait(job, Math.max(now, job.dueAt ?? now), now);
    return 'imported';
  }

  private importLetter(given: ModelImport, death: ModelDeath, now: number): ImportOutcome {
    const { failedAt = now, deadUntil: deleteAt = Infinity, reason } = death;
    if (deleteAt <= now) return 'expired';
    const { letters } = this.back;
    const isSame = ({ topic, body }: ModelJob) => topic === given.topic && body === given.body;
    const ofId = letters.filter(({ job }) => job.id === given.id);
    if (ofId.some((one) => one.failedAt === failedAt && isSame(one.job))) return 'repeated';
    const { knowsTimes } = this.rules;
    const dueAt = given.dueAt ?? (knowsTimes ? failedAt : undefined);
    const ttlMs = lifetimeOf({ ...given, dueAt }) ?? (knowsTimes ? Infinity : undefined);
    const job = { ...this.keptOf(given), dueAt, expiresAt: Infinity, ttlMs };
    // Among those of its id in the order in which they failed.
    const later = ofId.find((one) => one.failedAt > failedAt);
    letters.splice(later ? letters.indexOf(later) : letters.length, 0, { job, failedAt, deleteAt, reason });
    return 'imported';
  }
}

/** The ready lifetime, by default the time from due time to expiry. */
function lifetimeOf({ dueAt, expiresAt, ttlMs }: ModelImport): number | undefined {
  if (ttlMs !== undefined || dueAt === undefined || expiresAt === undefined) return ttlMs;
  return expiresAt > dueAt ? expiresAt - dueAt : undefined;
}

/** Whether due time and expiry are all that must be kept of a job. */
function isToldByTimes(job: ModelImport): boolean {
  const { attempts, own, key, history, leasedAt, ttlMs, dueAt, expiresAt } = job;
  const isInTimes = ttlMs === undefined || (dueAt !== undefined && expiresAt === dueAt + ttlMs);
  const isNew = attempts === 0 && key === undefined && history.length === 0 && leasedAt === undefined;
  return isInTimes && isNew && own.retries === undefined && own.backoff === undefined;
}
