import type * as results from '../../core/results.js';
import type * as views from '../../core/views.js';
import type * as contract from '../../core/store.js';
import type { ImportParams } from '../../core/store.js';
import type { FileProgress, Imported } from '../../core/transfer.js';
import type { Description, DiagnosisPart, Fault } from '../../core/faults.js';
import type { JobRecord } from '../../core/job.js';
import { TopicCounter } from '../../core/topic-counter.js';
import { describe } from './doctor/describe.js';
import { diagnose } from './doctor/diagnose.js';
import { mend } from './doctor/mend.js';
import { edit } from './edit.js';
import { hold } from './hold.js';
import { importJobs, importProgress } from './import-jobs.js';
import type { Connection } from './connection.js';
import { dueCounts } from './inspect/due-counts.js';
import { find } from './inspect/find.js';
import { health } from './inspect/health.js';
import { list } from './inspect/list.js';
import { scan } from './inspect/scan.js';
import { stats } from './inspect/stats.js';
import { usedPercent } from './inspect/used-percent.js';
import { lock, unlock } from './lock.js';
import { maintain, NOTHING_TO_MAINTAIN } from './maintain.js';
import type { OpenOptions } from './open.js';
import { pause, resume } from './pause.js';
import { promote } from './promote.js';
import { push } from './push.js';
import { remove } from './remove.js';
import { requeue } from './requeue.js';
import { reschedule } from './reschedule.js';
import { pop, reserve } from './reserve.js';
import { ack, extend, nack, release } from './settle.js';
import { StoreFile } from './store-file.js';
import { JobWaiter } from './wait.js';

/**
 * Jobs in one SQLite file, shared by the processes of one machine. A job is ready as soon as it is due, so the state
 * `due` does not occur, `promoted` is always 0, and a daemon only has to reclaim ended leases and delete expired
 * jobs and old dead letters. The store's clock is the machine's.
 */
export class SqliteStore implements contract.Store {
  readonly label: string;
  readonly needsPromotion = false;
  private readonly waiter: JobWaiter;

  private constructor(private readonly file: StoreFile) {
    this.label = file.label;
    this.waiter = new JobWaiter(file);
  }

  /**
   * Opens the store in a file; a file of an older version is migrated. An absent file is created by the first push
   * or pause, and by nothing that looks, takes or removes. Until then the store has no jobs, and takers wait for it;
   * a view fails, unless the folder is delayer's own.
   * @throws DelayerError `config_invalid` when the path names no file or another application's database;
   *   `store_absent` when there is no such folder; `store_corrupt`, `store_too_new`; `store_refused` when the file
   *   cannot be written, has a second name, or is on a network file system; `store_full`; `store_busy`
   */
  static async open(path: string, options: OpenOptions = {}): Promise<SqliteStore> {
    return new SqliteStore(await StoreFile.open(path, options));
  }

  /** Has this process created the file? */
  get isNew(): boolean {
    return this.file.isNew;
  }

  push(params: contract.PushParams): Promise<results.PushResult[]> {
    return this.file.useOrCreate((connection) => push(connection, params));
  }

  import(params: ImportParams): Promise<Imported> {
    return this.file.useOrCreate((connection) => importJobs(connection, params));
  }

  importProgress(file: string): Promise<FileProgress> {
    return this.file.use((connection) => importProgress(connection, file), { line: 0, refused: [] });
  }

  pop(params: contract.PopParams): Promise<results.Popped> {
    return this.file.use<results.Popped>((connection) => pop(connection, params), { jobs: [] });
  }

  reserve(params: contract.ReserveParams): Promise<results.Reserved> {
    return this.file.use<results.Reserved>((connection) => reserve(connection, params), { jobs: [] });
  }

  ack(params: contract.LeaseParams): Promise<boolean[]> {
    return this.file.use((connection) => ack(connection, params), noneHeld(params));
  }

  nack(params: contract.NackParams): Promise<results.NackResult[]> {
    const none = params.leases.map(() => ({ outcome: 'not_held' as const }));
    return this.file.use<results.NackResult[]>((connection) => nack(connection, params), none);
  }

  release(params: contract.LeaseParams): Promise<boolean[]> {
    return this.file.use((connection) => release(connection, params), noneHeld(params));
  }

  extend(params: contract.ExtendParams): Promise<(Date | undefined)[]> {
    const none = params.leases.map(() => undefined);
    return this.file.use<(Date | undefined)[]>((connection) => extend(connection, params), none);
  }

  /** An absent store has no jobs for the owner of a lock to take. */
  lock(params: contract.LockParams): Promise<boolean> {
    return this.file.use((connection) => lock(connection, params), true);
  }

  unlock(params: contract.LockParams): Promise<void> {
    return this.file.use((connection) => unlock(connection, params), undefined);
  }

  remove(params: contract.RemoveParams): Promise<results.RemoveResult[]> {
    const none = params.jobs.map(() => ({ removed: false }));
    return this.file.use<results.RemoveResult[]>((connection) => remove(connection, params), none);
  }

  hold(params: contract.HoldParams): Promise<results.HoldResult[]> {
    const none = params.jobs.map(() => ({ held: false }));
    return this.file.use<results.HoldResult[]>((connection) => hold(connection, params), none);
  }

  requeue(params: contract.RequeueParams): Promise<results.RequeueResult[]> {
    const none = params.jobs.map(() => 'none' as const);
    return this.file.use<results.RequeueResult[]>((connection) => requeue(connection, params), none);
  }

  promote(params: contract.PromoteParams): Promise<results.PromoteResult[]> {
    const none = params.jobs.map(() => ({ promoted: false }));
    return this.file.use<results.PromoteResult[]>((connection) => promote(connection, params), none);
  }

  reschedule(params: contract.RescheduleParams): Promise<results.RescheduleResult[]> {
    const none = params.jobs.map(() => ({ rescheduled: false }));
    return this.file.use<results.RescheduleResult[]>((connection) => reschedule(connection, params), none);
  }

  edit(params: contract.EditParams): Promise<results.EditResult> {
    return this.file.use<results.EditResult>((connection) => edit(connection, params), { edited: false });
  }

  pause(params: contract.PauseParams): Promise<void> {
    return this.file.useOrCreate((connection) => pause(connection, params));
  }

  resume(params: contract.TopicParams): Promise<void> {
    return this.file.use((connection) => resume(connection, params), undefined);
  }

  async maintain(params?: contract.MaintainParams): Promise<results.Maintenance> {
    await this.waiter.markPushes();
    return this.file.use((connection) => maintain(connection, params), NOTHING_TO_MAINTAIN);
  }

  /** Never asked for: jobs need no daemon to become ready. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  retire(): Promise<void> {
    return Promise.resolve();
  }

  daemons(): Promise<views.Daemon[]> {
    return Promise.resolve([]);
  }

  originalDaemons(): Promise<string[]> {
    return Promise.resolve([]);
  }

  waitForReady(params: contract.WaitParams & contract.TopicParams): Promise<void> {
    return this.waiter.waitForReady(params);
  }

  waitForPush(params: contract.WaitParams): Promise<void> {
    return this.waiter.waitForPush(params);
  }

  stats(params: contract.StatsParams): Promise<views.Stats> {
    const empty: views.Stats = { ...new TopicCounter(params.beyondMs !== undefined).sums(), consumers: [] };
    const { path, freeBytes } = this.file;
    const count = async (connection: Connection) => ({
      ...(await stats(connection, params)),
      usedPercent: usedPercent(path, freeBytes),
    });
    return this.file.view<views.Stats>(count, empty);
  }

  dueCounts(params: contract.DueCountsParams): Promise<views.DueCounts> {
    const none = { now: new Date(this.file.now()), counts: Array<number>(params.steps).fill(0) };
    return this.file.view<views.DueCounts>((connection) => dueCounts(connection, params), none);
  }

  list(params: contract.ListParams): Promise<views.JobPage> {
    return this.file.view<views.JobPage>((connection) => list(connection, params), { jobs: [] });
  }

  async *scan(params: contract.ScanParams): AsyncGenerator<views.ScanPart> {
    const parts = await this.file.view<AsyncIterable<views.ScanPart> | undefined>(
      (connection) => Promise.resolve(scan(connection, params)),
      undefined,
    );
    if (parts) yield* parts;
  }

  find(params: { readonly id: Buffer }): Promise<JobRecord[]> {
    return this.file.view<JobRecord[]>((connection) => find(connection, params), []);
  }

  /** No other client writes here; `health` reports rows that no version wrote. */
  findFlawed(): Promise<views.FlawedJobs> {
    const none: views.FlawedJobs = { jobs: [], more: false };
    return this.file.view<views.FlawedJobs>(() => Promise.resolve(none), none);
  }

  health(): Promise<views.Problem[]> {
    return this.file.view<views.Problem[]>(health, []);
  }

  async *diagnose(): AsyncGenerator<DiagnosisPart> {
    const parts = await this.file.view<AsyncIterable<DiagnosisPart> | undefined>(
      (connection) => Promise.resolve(diagnose(connection, this.file)),
      undefined,
    );
    if (parts) yield* parts;
  }

  mend({ faults }: { readonly faults: readonly Fault[] }): Promise<boolean[]> {
    const none = faults.map(() => false);
    return this.file.use((connection) => mend(connection, faults), none);
  }

  describe(): Promise<Description> {
    return this.file.view<Description>((connection) => describe(connection, this.file), {});
  }

  now(): Promise<Date> {
    return Promise.resolve(new Date(this.file.now()));
  }

  /** Writes that were asked for before are finished first. */
  async close(): Promise<void> {
    this.waiter.close();
    await this.file.close();
  }
}

const noneHeld = ({ leases }: contract.LeaseParams): boolean[] => leases.map(() => false);
