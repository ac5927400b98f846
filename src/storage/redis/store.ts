import type { Redis } from 'ioredis';
import { chunks } from '../../core/chunks.js';
import { DelayerError } from '../../core/errors.js';
import type { Description, DiagnosisPart, Fault } from '../../core/faults.js';
import type { JobRecord } from '../../core/job.js';
import { groupLeases, inOrderGiven, type LeaseGroup } from '../../core/lease.js';
import type { ImportParams } from '../../core/store.js';
import type { Imported } from '../../core/moving.js';
import {
  type AnnounceParams,
  type CallLimits,
  DAEMON_SEEN_MS,
  type DiagnoseParams,
  type DueCountsParams,
  type EditParams,
  type ExtendParams,
  type HealthParams,
  type LeaseParams,
  type ListParams,
  type LockParams,
  type NackParams,
  type PauseParams,
  type PopParams,
  type PromoteParams,
  type PushParams,
  type PushWaitParams,
  type ReadyWaitParams,
  type RemoveParams,
  type RequeueParams,
  type RescheduleParams,
  type ReserveParams,
  type ScanParams,
  type StatsParams,
  type Store,
  type TopicParams,
} from '../../core/store.js';
import type {
  Burial,
  Daemon,
  DueCounts,
  EditResult,
  FlawedJobs,
  JobPage,
  Maintenance,
  NackResult,
  Popped,
  Problem,
  PromoteResult,
  PushResult,
  RemoveResult,
  RequeueResult,
  RescheduleResult,
  Reserved,
  ScanPart,
  Stats,
} from '../../core/results.js';
import { type AbortSignalLike, isTimeOver } from '../../core/timer.js';
import { jobChunks } from '../chunk.js';
import { Connection, type RetryMode } from './connection.js';
import { describe } from './doctor/describe.js';
import { diagnose } from './doctor/diagnose.js';
import { mend } from './doctor/mend.js';
import { outcomeUnknownError } from './errors.js';
import { dueCounts } from './inspect/due-counts.js';
import { readDaemons } from './inspect/daemons.js';
import { EntrySearch } from './inspect/entries.js';
import { importInChunks } from './import-jobs.js';
import { find, findAway } from './inspect/find.js';
import { findFlawed } from './inspect/flawed.js';
import { health } from './inspect/health.js';
import type { Finder } from './inspect/living.js';
import { list } from './inspect/list.js';
import { scan } from './inspect/scan.js';
import { stats } from './inspect/stats.js';
import { Keys } from './keys.js';
import { edit, type MoveSteps, promote, reschedule } from './move.js';
import { popByLease } from './pop.js';
import { pushChunk, type PushSteps } from './push-chunk.js';
import { findWhatArrived } from './push-recovery.js';
import { ReadySweep } from './ready-sweep.js';
import { removeChunk } from './remove.js';
import { nextDueInMs } from './inspect/next-due.js';
import { importJobs } from './scripts/import.js';
import * as leaseScripts from './scripts/lease.js';
import * as lockScripts from './scripts/lock.js';
import * as maintainScripts from './scripts/maintain.js';
import * as operateScripts from './scripts/operate.js';
import type { AwayJob } from './scripts/list.js';
import { clearEntries, type ClearedEntry, push } from './scripts/push.js';
import { reserve } from './scripts/reserve.js';
import type { Part, Target } from './scripts/run.js';
import { StuckJobs } from './stuck.js';
import type { RedisAddress } from './url.js';
import { PushListener, ReadyWaiter } from './wait.js';

/** What one run of a script is given: so many jobs, or so many bytes of bodies, keep it under a few ms. */
const CHUNK = { jobs: 250, bytes: 1024 * 1024 };

/** Runs a script; `again` when it was sent before, without an answer. */
type Send<T> = (target: Target, again: boolean) => Promise<T>;

/** Jobs in Redis, laid out as the original Delayer does, with a few keys beside (keys.ts). */
export class RedisStore implements Store {
  readonly label: string;
  readonly needsPromotion = true;
  private readonly keys: Keys;
  private readonly connection: Connection;
  private readonly waiter: ReadyWaiter;
  private readonly listener: PushListener;
  private readonly stuck = new StuckJobs();
  private readonly sweep = new ReadySweep((mode, send) => this.run(mode, send));
  private readonly finder: Finder & { readonly search: EntrySearch };

  /**
   * @param shutdown once it is aborted, a Redis that hangs is waited for no longer than two seconds
   * @param pollMs how often a wait for ready jobs looks where it has to
   */
  constructor(address: RedisAddress, prefix: string, shutdown?: AbortSignalLike, pollMs?: number) {
    this.label = address.label;
    this.keys = new Keys(prefix);
    this.connection = new Connection(address, shutdown);
    this.waiter = new ReadyWaiter(address, this.keys, pollMs);
    this.listener = new PushListener(address, this.keys);
    const { read, keys } = this;
    this.finder = { read, keys, search: new EntrySearch(read, keys) };
  }

  get reconnects(): number {
    return this.connection.reconnects;
  }

  async push({ jobs, onExisting }: PushParams): Promise<PushResult[]> {
    const results: PushResult[] = [];
    for (const chunk of jobChunks(jobs, CHUNK)) {
      results.push(...(await pushChunk(this.pushSteps, { jobs: chunk, onExisting })));
    }
    return results;
  }

  async import(params: ImportParams): Promise<Imported> {
    const steps = {
      clear: this.pushSteps.clear,
      // Where it is noted how far the file is, a script that ran before does nothing.
      import: (some: ImportParams, cleared: readonly ClearedEntry[]) =>
        this.run(some.progress ? 'idempotent' : 'never', (target) => importJobs(target, some, cleared)),
    };
    return importInChunks(steps, params, CHUNK);
  }

  async pop(params: PopParams): Promise<Popped> {
    return popByLease(this, params);
  }

  async reserve(params: ReserveParams): Promise<Reserved> {
    const buried: Burial[] = [];
    for (let reclaimFirst = true; ;) {
      const skip = this.stuck.count;
      const { revision } = this.waiter;
      // Jobs that it has leased without an answer are nobody's loss: they come back when their lease ends.
      const answer = await this.run(
        'best-effort',
        (target) => reserve(target, params, { skip, reclaimFirst }),
        params,
      );
      reclaimFirst = answer !== 'leases have ended';
      if (answer === 'leases have ended') {
        buried.push(...(await this.run('best-effort', maintainScripts.reclaim, params)));
        continue;
      }
      if ('lockedMs' in answer) return { jobs: [], isLocked: true, nextInMs: answer.lockedMs };
      buried.push(...answer.buried);
      const { jobs, more, nextInMs, isPaused, stuck, isUntidy } = answer;
      if (isUntidy && !more) await this.sweep.tidy();
      if (jobs.length > 0 || !more || isTimeOver(params)) {
        const reserved = { jobs, nextInMs, isPaused, revision };
        return buried.length === 0 ? reserved : { ...reserved, buried };
      }
      this.stuck.count = skip + stuck;
    }
  }

  async ack(params: LeaseParams): Promise<boolean[]> {
    return this.byReservation(params, 'idempotent', async (target, group, again) =>
      this.known(await leaseScripts.ack(target, group, again)),
    );
  }

  async nack({ failure, jitter, ...params }: NackParams): Promise<NackResult[]> {
    return this.byReservation(params, 'never', (target, group) =>
      leaseScripts.nack(target, group, { failure, jitter }),
    );
  }

  async release(params: LeaseParams): Promise<boolean[]> {
    return this.byReservation(params, 'idempotent', async (target, group, again) =>
      this.known(await leaseScripts.release(target, group, again)),
    );
  }

  async extend({ leaseMs, ...params }: ExtendParams): Promise<(Date | undefined)[]> {
    return this.byReservation(params, 'idempotent', (target, group) =>
      leaseScripts.extend(target, group, leaseMs),
    );
  }

  async lock(params: LockParams): Promise<boolean> {
    return this.run('best-effort', (target) => lockScripts.lock(target, params));
  }

  async unlock(params: LockParams): Promise<void> {
    await this.run('best-effort', (target) => lockScripts.unlock(target, params));
  }

  async remove({ jobs }: RemoveParams): Promise<RemoveResult[]> {
    const results: RemoveResult[] = [];
    const steps = {
      remove: (some: readonly operateScripts.Removal[], cleared: readonly ClearedEntry[]) =>
        this.run('never', (target) => operateScripts.remove(target, some, cleared)),
      clear: this.pushSteps.clear,
      findAway: (ids: readonly Buffer[]) => findAway(this.read, ids),
      findEntries: (ids: readonly Buffer[]) => this.finder.search.find(ids),
      revoke: (some: readonly AwayJob[]) =>
        this.run('never', (target) => operateScripts.revoke(target, some)),
    };
    for (const chunk of chunks(jobs, CHUNK.jobs)) results.push(...(await removeChunk(steps, chunk)));
    return results;
  }

  async requeue({ jobs, keepAttempts }: RequeueParams): Promise<RequeueResult[]> {
    const results: RequeueResult[] = [];
    for (const chunk of chunks(jobs, CHUNK.jobs)) {
      const params = { jobs: chunk, keepAttempts };
      results.push(...(await this.run('never', (target) => operateScripts.requeue(target, params))));
    }
    return results;
  }

  async promote({ jobs }: PromoteParams): Promise<PromoteResult[]> {
    return promote(this.moveSteps, jobs);
  }

  async reschedule({ jobs }: RescheduleParams): Promise<RescheduleResult[]> {
    return reschedule(this.moveSteps, jobs);
  }

  async edit(params: EditParams): Promise<EditResult> {
    return edit(this.moveSteps, params);
  }

  async pause(params: PauseParams): Promise<void> {
    await this.run('best-effort', (target) => operateScripts.pause(target, params));
  }

  async resume({ topics }: TopicParams): Promise<void> {
    await this.run('best-effort', (target) => operateScripts.resume(target, topics));
  }

  async maintain(): Promise<Maintenance> {
    for (;;) {
      const skip = this.stuck.count;
      const done = await this.run('best-effort', (target) => maintainScripts.maintain(target, skip));
      const stuck = skip + done.stuck;
      // A step that met nothing but stuck jobs has to look behind them.
      const moved = done.promoted + done.expired + done.reclaimed + done.deleted + done.buried.length;
      this.sweep.suspect(done.suspects);
      if (!done.more || moved > 0) {
        const swept = await this.sweep.step({ isBusy: done.more, isUntidy: done.isUntidy });
        const { promoted, expired, reclaimed, deleted, buried, lateness, nextInMs } = done;
        return {
          promoted: promoted + swept.returned,
          expired: expired + swept.expired,
          ...{ reclaimed, deleted, stuck, nextInMs, more: done.more || swept.more },
          ...(buried.length > 0 && { buried }),
          ...(lateness && { lateness }),
          ...(swept.doubled > 0 && { doubled: swept.doubled }),
        };
      }
      this.stuck.count = stuck;
    }
  }

  async announce(params: AnnounceParams): Promise<void> {
    await this.run('best-effort', (target) => maintainScripts.announce(target, params, 2 * DAEMON_SEEN_MS));
  }

  async retire({ daemon }: { daemon: string }): Promise<void> {
    await this.run('best-effort', ({ redis, keys }) =>
      Promise.all([redis.zrem(keys.daemons, daemon), redis.del(keys.daemonStem + daemon)]),
    );
  }

  async daemons(): Promise<Daemon[]> {
    return (await readDaemons(this.read, this.keys)).seen;
  }

  async stats(params: StatsParams): Promise<Stats> {
    return stats(this.read, this.keys, params);
  }

  async list(params: ListParams): Promise<JobPage> {
    return list(this.read, params);
  }

  scan(params: ScanParams): AsyncIterable<ScanPart> {
    return scan(this.read, this.keys, params);
  }

  async find({ id }: { id: Buffer }): Promise<JobRecord[]> {
    return find(this.finder, id);
  }

  async dueCounts(params: DueCountsParams): Promise<DueCounts> {
    return dueCounts(this.read, this.keys, params);
  }

  async findFlawed({ limit }: { limit: number }): Promise<FlawedJobs> {
    return findFlawed(this.finder, limit);
  }

  async health(params: HealthParams): Promise<Problem[]> {
    return health(this.read, this.keys, params);
  }

  diagnose(params: DiagnoseParams): AsyncIterable<DiagnosisPart> {
    return diagnose(this.finder, params);
  }

  async mend({ faults }: { readonly faults: readonly Fault[] }): Promise<boolean[]> {
    const { keys } = this;
    const edit = (params: EditParams) => this.edit(params);
    return mend({ run: (mode, send) => this.run(mode, send), keys, edit }, faults);
  }

  async describe(): Promise<Description> {
    return describe(this.read, this.keys);
  }

  async now(): Promise<Date> {
    const [seconds, micros] = await this.read(({ redis }) => redis.time());
    return new Date(Number(seconds) * 1000 + Math.floor(Number(micros) / 1000));
  }

  async waitForReady(params: ReadyWaitParams): Promise<void> {
    await this.waiter.wait(params);
  }

  async waitForPush(params: PushWaitParams): Promise<void> {
    await this.listener.wait(params, () => this.read((target) => nextDueInMs(target, this.stuck.count)));
  }

  close(): Promise<void> {
    this.waiter.close();
    this.listener.close();
    this.connection.close();
    return Promise.resolve();
  }

  private readonly pushSteps: PushSteps = {
    push: (params, cleared) => this.pushPart(params, cleared),
    clear: (topic, from, ids) => this.run('best-effort', (target) => clearEntries(target, topic, from, ids)),
  };

  private readonly moveSteps: MoveSteps = {
    read: (send) => this.read(send),
    act: (send) => this.run('never', send),
    clear: this.pushSteps.clear,
    findAway: (ids) => findAway(this.read, ids),
  };

  private async pushPart(params: PushParams, cleared: readonly ClearedEntry[]): Promise<Part<PushResult>> {
    try {
      return await this.run('never', (target) => push(target, params, cleared));
    } catch (error) {
      if (!(error instanceof DelayerError) || error.code !== 'outcome_unknown') throw error;
      const results = await findWhatArrived(
        (id) => find({ read: this.read, keys: this.keys }, id),
        params,
        error,
      );
      return { results };
    }
  }

  private known(held: readonly (boolean | undefined)[]): boolean[] {
    return held.map((one) => {
      if (one !== undefined) return one;
      throw outcomeUnknownError(
        this.label,
        'its answer was lost, and it was asked again after the first deadline of the lease',
      );
    });
  }

  private run<T>(mode: RetryMode, send: Send<T>, limits?: CallLimits): Promise<T> {
    return this.connection.run(
      mode,
      (redis: Redis, again) => send({ redis, keys: this.keys }, again),
      limits,
    );
  }

  private readonly read = <T>(send: (target: Target) => Promise<T>): Promise<T> => this.run('read', send);

  /** Asks for the leases of each reservation together, and answers in the order in which they were given. */
  private async byReservation<T>(
    { leases, ...limits }: LeaseParams,
    mode: RetryMode,
    ask: (target: Target, group: LeaseGroup, again: boolean) => Promise<T[]>,
  ): Promise<T[]> {
    const groups = groupLeases(leases);
    const answers = groups.map((group) =>
      this.run(mode, (target, again) => ask(target, group, again), limits),
    );
    return inOrderGiven(groups, await Promise.all(answers));
  }
}
