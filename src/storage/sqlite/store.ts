import type { JobRecord, NewJob } from '../../core/job.js';
import type {
  JobPage,
  Lease,
  ListQuery,
  OnExisting,
  Popped,
  Promotion,
  PushResult,
  RemoveResult,
  RemoveScope,
  Store,
  Survey,
  Taken,
  TakeRequest,
} from '../../core/store.js';
import * as leases from './lease.js';
import { list } from './inspect/list.js';
import { type Opened, type OpenOptions, openSession } from './open.js';
import { push } from './push.js';
import { remove } from './remove.js';
import type { Session } from './connection.js';
import { find, survey } from './inspect/stats.js';
import { msUntil, nextEvent, pop, take } from './reserve.js';
import { promote } from './maintain.js';
import { ChangeWaiter } from './wait.js';

const NEWEST = 'SELECT max(seq) AS seq FROM job';
const FIRST = 'SELECT 1 FROM job WHERE topic = ? AND leased = 0 AND due_at <= ? LIMIT 1';

/**
 * Jobs in one SQLite file, shared by the processes of one machine. A job is ready as soon as it is due,
 * so the state `due` does not occur, `promoted` is always 0, and a daemon has only leases that ran out
 * and dead jobs to look after. The store's clock is the machine's.
 */
export class SqliteStore implements Store {
  readonly label: string;
  readonly needsPromotion = false;
  /** Did opening it make the file? */
  readonly isNew: boolean;
  private readonly session: Session;
  private readonly waiter: ChangeWaiter;
  /** The job that was pushed last when `promote` or `waitForPush` looked. */
  private newestSeen: number | undefined;

  private constructor({ session, file, created }: Opened) {
    this.label = session.label;
    this.isNew = created;
    this.session = session;
    this.waiter = new ChangeWaiter(session, file);
  }

  /**
   * Opens the store in a file. The file and its folder are made when they are absent, for this user alone.
   * @throws DelayerError `config_invalid` when the path names no file or another application's
   *   database; `store_corrupt`, `store_too_new`; `store_refused` when the file cannot be written or is
   *   on a network file system; `store_full`; `store_busy`
   */
  static async open(path: string, options: OpenOptions = {}): Promise<SqliteStore> {
    return new SqliteStore(await openSession(path, options));
  }

  async push(jobs: readonly NewJob[], onExisting: OnExisting): Promise<PushResult[]> {
    return push(this.session, jobs, onExisting);
  }

  async promote(): Promise<Promotion> {
    this.newestSeen = await this.session.read(() => this.newest());
    return promote(this.session);
  }

  async pop(topic: Buffer, limit: number): Promise<Popped> {
    return pop(this.session, topic, limit);
  }

  async take(request: TakeRequest): Promise<Taken> {
    return take(this.session, request);
  }

  async confirm(held: readonly Lease[]): Promise<boolean[]> {
    return leases.confirm(this.session, held);
  }

  async putBack(held: readonly Lease[]): Promise<void> {
    await leases.putBack(this.session, held);
  }

  async extend(held: readonly Lease[], leaseMs: number): Promise<(Date | undefined)[]> {
    return leases.extend(this.session, held, leaseMs);
  }

  async remove(ids: readonly Buffer[], scope: RemoveScope): Promise<RemoveResult[]> {
    return remove(this.session, ids, scope);
  }

  async waitForReady(topic: Buffer, maxMs: number, signal?: AbortSignal): Promise<void> {
    const look = (now: number) =>
      this.session.get(FIRST, topic, now)
        ? 0
        : (msUntil(nextEvent(this.session, topic, now), now) ?? Infinity);
    await this.waiter.until(look, maxMs, signal);
  }

  async waitForPush(maxMs: number, signal?: AbortSignal): Promise<void> {
    const look = () => {
      const newest = this.newest();
      const seen = this.newestSeen ?? newest;
      // When the newest job leaves, the next one may get its number.
      this.newestSeen = newest;
      return newest > seen ? 0 : Infinity;
    };
    await this.waiter.until(look, maxMs, signal);
  }

  async survey(): Promise<Survey> {
    return survey(this.session);
  }

  async list(topic: Buffer, query: ListQuery): Promise<JobPage> {
    return list(this.session, topic, query);
  }

  async find(id: Buffer): Promise<JobRecord[]> {
    return find(this.session, id);
  }

  /** Nobody asks here: jobs need no daemon to become ready. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  retire(): Promise<void> {
    return Promise.resolve();
  }

  now(): Promise<Date> {
    return Promise.resolve(new Date(this.session.now()));
  }

  close(): Promise<void> {
    this.waiter.close();
    this.session.close();
    return Promise.resolve();
  }

  private newest(): number {
    return (this.session.get(NEWEST) as { seq: number | null }).seq ?? 0;
  }
}
