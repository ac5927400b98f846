import type * as results from '../../core/results.js';
import type * as contract from '../../core/store.js';
import type { JobRecord } from '../../core/job.js';
import type { Connection } from './connection.js';
import { find } from './inspect/find.js';
import { health } from './inspect/health.js';
import { list } from './inspect/list.js';
import { stats } from './inspect/stats.js';
import { maintain } from './maintain.js';
import { type Opened, openConnection, type OpenOptions } from './open.js';
import { pause, resume } from './pause.js';
import { push } from './push.js';
import { remove } from './remove.js';
import { requeue } from './requeue.js';
import { pop, reserve } from './reserve.js';
import { ack, extend, nack, release } from './settle.js';
import { JobWaiter } from './wait.js';

/**
 * Jobs in one SQLite file, shared by the processes of one machine. A job is ready as soon as it is due,
 * so the state `due` does not occur, `promoted` is always 0, and a daemon has only ended leases, expired
 * jobs and old dead letters to look after. The store's clock is the machine's.
 */
export class SqliteStore implements contract.Store {
  readonly label: string;
  readonly needsPromotion = false;
  readonly isNew: boolean;
  private readonly connection: Connection;
  private readonly waiter: JobWaiter;

  private constructor({ connection, file, created }: Opened) {
    this.label = connection.label;
    this.isNew = created;
    this.connection = connection;
    this.waiter = new JobWaiter(connection, file);
  }

  /**
   * Opens the store in a file. The file and its folder are created when they are absent, for this user
   * alone; a file of an older version is migrated.
   * @throws DelayerError `config_invalid` when the path names no file or another application's
   *   database; `store_corrupt`, `store_too_new`; `store_refused` when the file cannot be written or is
   *   on a network file system; `store_full`; `store_busy`
   */
  static async open(path: string, options: OpenOptions = {}): Promise<SqliteStore> {
    return new SqliteStore(await openConnection(path, options));
  }

  push(params: contract.PushParams): Promise<results.PushResult[]> {
    return push(this.connection, params);
  }

  pop(params: contract.PopParams): Promise<results.Popped> {
    return pop(this.connection, params);
  }

  reserve(params: contract.ReserveParams): Promise<results.Reserved> {
    return reserve(this.connection, params);
  }

  ack(params: contract.LeaseParams): Promise<boolean[]> {
    return ack(this.connection, params);
  }

  nack(params: contract.NackParams): Promise<boolean[]> {
    return nack(this.connection, params);
  }

  release(params: contract.LeaseParams): Promise<boolean[]> {
    return release(this.connection, params);
  }

  extend(params: contract.ExtendParams): Promise<(Date | undefined)[]> {
    return extend(this.connection, params);
  }

  remove(params: contract.RemoveParams): Promise<results.RemoveResult[]> {
    return remove(this.connection, params);
  }

  requeue(params: contract.RequeueParams): Promise<results.RequeueResult[]> {
    return requeue(this.connection, params);
  }

  pause(params: contract.PauseParams): Promise<void> {
    return pause(this.connection, params);
  }

  resume(params: contract.TopicParams): Promise<void> {
    return resume(this.connection, params);
  }

  async maintain(): Promise<results.Maintenance> {
    await this.waiter.markPushes();
    return maintain(this.connection);
  }

  /** Nobody asks here: jobs need no daemon to become ready. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  retire(): Promise<void> {
    return Promise.resolve();
  }

  waitForReady(params: contract.WaitParams & contract.TopicParams): Promise<void> {
    return this.waiter.waitForReady(params);
  }

  waitForPush(params: contract.WaitParams): Promise<void> {
    return this.waiter.waitForPush(params);
  }

  stats(params: contract.StatsParams): Promise<results.Stats> {
    return stats(this.connection, params);
  }

  list(params: contract.ListParams): Promise<results.JobPage> {
    return list(this.connection, params);
  }

  find(params: { readonly id: Buffer }): Promise<JobRecord[]> {
    return find(this.connection, params);
  }

  health(): Promise<results.Problem[]> {
    return health();
  }

  now(): Promise<Date> {
    return Promise.resolve(new Date(this.connection.now()));
  }

  close(): Promise<void> {
    this.waiter.close();
    this.connection.close();
    return Promise.resolve();
  }
}
