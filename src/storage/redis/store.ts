import type { Description, DiagnosisPart, Fault } from '../../core/faults.js';
import type { JobRecord } from '../../core/job.js';
import type { FileProgress, Imported } from '../../core/transfer.js';
import type * as results from '../../core/results.js';
import type * as views from '../../core/views.js';
import type * as contract from '../../core/store.js';
import { DAEMON_SEEN_MS } from '../../core/store.js';
import type { AbortSignalLike } from '../../core/timer.js';
import { BodySweep } from './body-sweep.js';
import { Caller } from './caller.js';
import { Connection } from './connection.js';
import { hold } from './hold.js';
import { importJobs, importProgress } from './import-jobs.js';
import { EntrySearch } from './inspect/entries.js';
import { find } from './inspect/find.js';
import type { Finder } from './inspect/find-queued.js';
import type { KnownOriginals } from './inspect/original-daemons.js';
import type { Read } from './inspect/read.js';
import { nextDueInMs } from './inspect/next-due.js';
import { Keys } from './keys.js';
import { KeyWatch } from './key-watch.js';
import { maintain, type MaintainMemory, promotionSteps } from './maintain.js';
import { edit, promote, reschedule } from './move.js';
import { popByLease } from './pop.js';
import { push } from './push.js';
import { ReadySweep } from './ready-sweep.js';
import { remove } from './remove.js';
import { requeue } from './requeue.js';
import { reserve, type ReserveMemory } from './reserve.js';
import * as lockScripts from './scripts/lock.js';
import * as maintainScripts from './scripts/maintain.js';
import * as operateScripts from './scripts/operate.js';
import { ack, extend, nack, release } from './settle.js';
import { StuckJobs } from './stuck.js';
import type { RedisAddress } from './url.js';
import { type NextDue, PushListener, ReadyWaiter } from './wait.js';

const late = () => import('./late.js');

/** Jobs in Redis, laid out as the original Delayer does, with a few keys beside (keys.ts). */
export class RedisStore implements contract.Store {
  readonly label: string;
  readonly needsPromotion = true;
  private readonly connection: Connection;
  private readonly caller: Caller;
  private readonly memory: ReserveMemory & MaintainMemory;
  private readonly watch: KeyWatch;
  private readonly waiter: ReadyWaiter;
  private readonly listener: PushListener;
  private readonly originals: KnownOriginals = new Map();
  private readonly finder: Finder & { readonly search: EntrySearch };

  /**
   * @param shutdown once it is aborted, a Redis that hangs is waited for no longer than two seconds
   * @param pollMs how often a wait for ready jobs looks where it has to
   */
  constructor(address: RedisAddress, prefix: string, shutdown?: AbortSignalLike, pollMs?: number) {
    this.label = address.label;
    const keys = new Keys(prefix);
    this.connection = new Connection(address, shutdown);
    const caller = new Caller(this.connection, keys);
    this.caller = caller;
    const [stuck, sweep] = [new StuckJobs(), new ReadySweep(caller)];
    const bodies = new BodySweep(caller, sweep);
    this.watch = new KeyWatch(address, caller);
    const nextDue: NextDue = (target, track) => nextDueInMs(target, stuck.count, track);
    this.waiter = new ReadyWaiter(this.watch, keys, nextDue, pollMs);
    this.listener = new PushListener(this.watch, keys, nextDue);
    this.memory = { stuck, steps: promotionSteps(), sweep, bodies, waiter: this.waiter, mayClearAtMs: 0 };
    this.finder = { read: caller.read, keys, search: new EntrySearch(caller.read, keys) };
  }

  get reconnects(): number {
    return this.connection.reconnects;
  }

  async push(params: contract.PushParams): Promise<results.PushResult[]> {
    return push(this.caller, params);
  }

  async import(params: contract.ImportParams): Promise<Imported> {
    return importJobs(this.caller, params);
  }

  async importProgress(file: string): Promise<FileProgress> {
    return importProgress(this.caller, file);
  }

  async pop(params: contract.PopParams): Promise<results.Popped> {
    return popByLease(this, params);
  }

  async reserve(params: contract.ReserveParams): Promise<results.Reserved> {
    return reserve(this.caller, this.memory, params);
  }

  async ack(params: contract.LeaseParams): Promise<boolean[]> {
    return ack(this.caller, params);
  }

  async nack(params: contract.NackParams): Promise<results.NackResult[]> {
    return nack(this.caller, params);
  }

  async release(params: contract.LeaseParams): Promise<boolean[]> {
    return release(this.caller, params);
  }

  async extend(params: contract.ExtendParams): Promise<(Date | undefined)[]> {
    return extend(this.caller, params);
  }

  async lock(params: contract.LockParams): Promise<boolean> {
    return this.caller.run('best-effort', (target) => lockScripts.lock(target, params));
  }

  async unlock(params: contract.LockParams): Promise<void> {
    await this.caller.run('best-effort', (target) => lockScripts.unlock(target, params));
  }

  async remove(params: contract.RemoveParams): Promise<results.RemoveResult[]> {
    return remove(this.caller, this.finder.search, params);
  }

  async hold(params: contract.HoldParams): Promise<results.HoldResult[]> {
    return hold(this.caller, params);
  }

  async requeue(params: contract.RequeueParams): Promise<results.RequeueResult[]> {
    return requeue(this.caller, params);
  }

  async promote(params: contract.PromoteParams): Promise<results.PromoteResult[]> {
    return promote(this.caller, params);
  }

  async reschedule({ jobs }: contract.RescheduleParams): Promise<results.RescheduleResult[]> {
    return reschedule(this.caller, jobs);
  }

  async edit(params: contract.EditParams): Promise<results.EditResult> {
    return edit(this.caller, params);
  }

  async pause(params: contract.PauseParams): Promise<void> {
    await this.caller.run('best-effort', (target) => operateScripts.pause(target, params));
  }

  async resume({ topics }: contract.TopicParams): Promise<void> {
    await this.caller.run('best-effort', (target) => operateScripts.resume(target, topics));
  }

  async maintain(params?: contract.MaintainParams): Promise<results.Maintenance> {
    return maintain(this.caller, this.memory, params);
  }

  async announce(params: contract.AnnounceParams): Promise<void> {
    await this.caller.run('best-effort', (target) =>
      maintainScripts.announce(target, params, 2 * DAEMON_SEEN_MS),
    );
  }

  async retire({ daemon }: { daemon: string }): Promise<void> {
    await this.caller.run('best-effort', ({ redis, keys }) =>
      Promise.all([redis.zrem(keys.daemons, daemon), redis.del(keys.daemonStem + daemon)]),
    );
  }

  async daemons(): Promise<views.Daemon[]> {
    const { readDaemons } = await late();
    return (await readDaemons(this.caller.read, this.caller.keys)).seen;
  }

  async originalDaemons({ signal, ...limits }: contract.CallLimits): Promise<string[] | undefined> {
    // Not with the views: serve asks for it, which needs none of them.
    const { originalDaemons } = await import('./inspect/original-daemons.js');
    const read: Read = (ask) => this.caller.run('read', ask, { signal, ...limits });
    return originalDaemons(read, this.originals, signal);
  }

  async stats(params: contract.StatsParams): Promise<views.Stats> {
    return (await late()).stats(this.caller.read, this.caller.keys, params);
  }

  async list(params: contract.ListParams): Promise<views.JobPage> {
    return (await late()).list(this.caller.read, params);
  }

  async *scan(params: contract.ScanParams): AsyncIterable<views.ScanPart> {
    yield* (await late()).scan(this.caller.read, this.caller.keys, params);
  }

  async find({ id }: { id: Buffer }): Promise<JobRecord[]> {
    return find(this.finder, id);
  }

  async dueCounts(params: contract.DueCountsParams): Promise<views.DueCounts> {
    return (await late()).dueCounts(this.caller.read, this.caller.keys, params);
  }

  async findFlawed({ limit }: { limit: number }): Promise<views.FlawedJobs> {
    return (await late()).findFlawed(this.finder, limit);
  }

  async health(params: contract.HealthParams): Promise<views.Problem[]> {
    return (await late()).health(this.caller.read, this.caller.keys, params);
  }

  async *diagnose(params: contract.DiagnoseParams): AsyncIterable<DiagnosisPart> {
    yield* (await late()).diagnose(this.finder, params);
  }

  async mend({ faults }: { readonly faults: readonly Fault[] }): Promise<boolean[]> {
    return (await late()).mend(this.caller, faults);
  }

  async describe(): Promise<Description> {
    return (await late()).describe(this.caller.read, this.caller.keys);
  }

  async now(): Promise<Date> {
    return this.caller.now();
  }

  async waitForReady(params: contract.ReadyWaitParams): Promise<void> {
    await this.waiter.wait(params);
  }

  async waitForPush(params: contract.PushWaitParams): Promise<void> {
    await this.listener.wait(params);
  }

  close(): Promise<void> {
    this.waiter.close();
    this.watch.close();
    this.connection.close();
    return Promise.resolve();
  }
}
