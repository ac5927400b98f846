import type { Redis } from 'ioredis';
import { DelayerError } from '../../core/errors.js';
import type { JobRecord } from '../../core/job.js';
import { groupLeases, inOrderGiven, type LeaseGroup } from '../../core/lease.js';
import {
  DAEMON_SEEN_MS,
  type ExtendParams,
  type LeaseParams,
  type ListParams,
  type NackParams,
  type PauseParams,
  type PopParams,
  type ReadyWaitParams,
  type PushParams,
  type RemoveParams,
  type RequeueParams,
  type ReserveParams,
  type StatsParams,
  type Store,
  type TopicParams,
  type WaitParams,
} from '../../core/store.js';
import type {
  JobPage,
  Maintenance,
  Popped,
  Problem,
  PushResult,
  RemoveResult,
  RequeueResult,
  Reserved,
  Stats,
} from '../../core/results.js';
import type { AbortSignalLike } from '../../core/timer.js';
import { chunks, jobChunks } from '../chunk.js';
import { Connection, type RetryMode } from './connection.js';
import { outcomeUnknownError } from './errors.js';
import { find, findAway } from './inspect/find.js';
import { health } from './inspect/health.js';
import { list } from './inspect/list.js';
import { stats } from './inspect/stats.js';
import { Keys } from './keys.js';
import { popByLease } from './pop.js';
import { findWhatArrived } from './push-recovery.js';
import { removeChunk } from './remove.js';
import * as leaseScripts from './scripts/lease.js';
import * as maintainScripts from './scripts/maintain.js';
import * as operateScripts from './scripts/operate.js';
import type { AwayJob } from './scripts/list.js';
import { push } from './scripts/push.js';
import { reserve } from './scripts/reserve.js';
import type { Target } from './scripts/run.js';
import { StuckJobs } from './stuck.js';
import type { RedisAddress } from './url.js';
import { PushListener, ReadyWaiter } from './wait.js';

/** What one run of a script is given: so many jobs, or so many bytes of bodies, keep it under a few ms. */
const CHUNK = { jobs: 250, bytes: 1024 * 1024 };

/** Jobs in Redis, laid out as the original Delayer does, with a few keys beside (keys.ts). */
export class RedisStore implements Store {
  readonly label: string;
  readonly needsPromotion = true;
  private readonly keys: Keys;
  private readonly connection: Connection;
  private readonly waiter: ReadyWaiter;
  private readonly listener: PushListener;
  private readonly stuck = new StuckJobs();

  /** @param shutdown once it is aborted, a Redis that hangs is waited for no longer than two seconds */
  constructor(address: RedisAddress, prefix: string, shutdown?: AbortSignalLike) {
    this.label = address.label;
    this.keys = new Keys(prefix);
    this.connection = new Connection(address, shutdown);
    this.waiter = new ReadyWaiter(address, this.keys);
    this.listener = new PushListener(address, this.keys.wakeChannel);
  }

  async push({ jobs, onExisting }: PushParams): Promise<PushResult[]> {
    const results: PushResult[] = [];
    for (const chunk of jobChunks(jobs, CHUNK)) {
      results.push(...(await this.pushChunk({ jobs: chunk, onExisting })));
    }
    return results;
  }

  async pop(params: PopParams): Promise<Popped> {
    return popByLease(this, params);
  }

  async reserve(params: ReserveParams): Promise<Reserved> {
    for (;;) {
      const skip = this.stuck.count;
      const { revision } = this.waiter;
      const answer = await this.run('idempotent', (target) => reserve(target, params, skip));
      const { jobs, more, nextInMs, isPaused, stuck } = answer;
      if (jobs.length > 0 || !more) return { jobs, nextInMs, isPaused, revision };
      this.stuck.count = skip + stuck;
    }
  }

  async ack({ leases }: LeaseParams): Promise<boolean[]> {
    return this.byReservation(leases, async (group) => {
      return this.known(
        await this.run('idempotent', (target, again) => leaseScripts.ack(target, group, again)),
      );
    });
  }

  async nack({ leases, failure, reason = '' }: NackParams): Promise<boolean[]> {
    return this.byReservation(leases, (group) =>
      this.run('never', (target) => leaseScripts.nack(target, group, failure, reason)),
    );
  }

  async release({ leases }: LeaseParams): Promise<boolean[]> {
    return this.byReservation(leases, async (group) => {
      return this.known(
        await this.run('idempotent', (target, again) => leaseScripts.release(target, group, again)),
      );
    });
  }

  async extend({ leases, leaseMs }: ExtendParams): Promise<(Date | undefined)[]> {
    return this.byReservation(leases, (group) =>
      this.run('idempotent', (target) => leaseScripts.extend(target, group, leaseMs)),
    );
  }

  async remove({ jobs }: RemoveParams): Promise<RemoveResult[]> {
    const results: RemoveResult[] = [];
    const steps = {
      removeLiving: (some: RemoveParams['jobs']) =>
        this.run('never', (target) => operateScripts.remove(target, some)),
      findAway: (ids: readonly Buffer[]) => findAway(this.read, ids),
      revoke: (some: readonly AwayJob[]) =>
        this.run('never', (target) => operateScripts.revoke(target, some)),
    };
    for (const chunk of chunks(jobs, CHUNK.jobs)) results.push(...(await removeChunk(steps, chunk)));
    return results;
  }

  async requeue({ ids, delayMs }: RequeueParams): Promise<RequeueResult[]> {
    const results: RequeueResult[] = [];
    for (const chunk of chunks(ids, CHUNK.jobs)) {
      const params = { ids: chunk, delayMs };
      results.push(...(await this.run('never', (target) => operateScripts.requeue(target, params))));
    }
    return results;
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
      const moved = done.promoted + done.expired + done.reclaimed + done.deleted;
      if (!done.more || moved > 0) return { ...done, stuck };
      this.stuck.count = stuck;
    }
  }

  async announce({ daemon }: { daemon: string }): Promise<void> {
    await this.run('best-effort', (target) => maintainScripts.announce(target, daemon, 2 * DAEMON_SEEN_MS));
  }

  async retire({ daemon }: { daemon: string }): Promise<void> {
    await this.run('best-effort', ({ redis, keys }) => redis.zrem(keys.daemons, daemon));
  }

  async stats(params: StatsParams): Promise<Stats> {
    return stats(this.read, this.keys, params);
  }

  async list(params: ListParams): Promise<JobPage> {
    return list(this.read, params);
  }

  async find({ id }: { id: Buffer }): Promise<JobRecord[]> {
    return find(this.read, id);
  }

  async health(): Promise<Problem[]> {
    return health(this.read, this.keys);
  }

  async now(): Promise<Date> {
    const [seconds, micros] = await this.read(({ redis }) => redis.time());
    return new Date(Number(seconds) * 1000 + Math.floor(Number(micros) / 1000));
  }

  async waitForReady(params: ReadyWaitParams): Promise<void> {
    await this.waiter.wait(params);
  }

  async waitForPush({ maxMs, signal }: WaitParams): Promise<void> {
    await this.listener.wait(maxMs, signal);
  }

  close(): Promise<void> {
    this.waiter.close();
    this.listener.close();
    this.connection.close();
    return Promise.resolve();
  }

  private async pushChunk(params: PushParams): Promise<PushResult[]> {
    try {
      return await this.run('never', (target) => push(target, params));
    } catch (error) {
      if (!(error instanceof DelayerError) || error.code !== 'outcome_unknown') throw error;
      return findWhatArrived((id) => this.find({ id }), params, error);
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

  private run<T>(mode: RetryMode, send: (target: Target, again: boolean) => Promise<T>): Promise<T> {
    return this.connection.run(mode, (redis: Redis, again) => send({ redis, keys: this.keys }, again));
  }

  private readonly read = <T>(send: (target: Target) => Promise<T>): Promise<T> => this.run('read', send);

  /** Asks for the leases of each reservation together, and answers in the order in which they were given. */
  private async byReservation<T>(
    leases: readonly string[],
    ask: (group: LeaseGroup) => Promise<T[]>,
  ): Promise<T[]> {
    const groups = groupLeases(leases);
    return inOrderGiven(groups, await Promise.all(groups.map(ask)));
  }
}
