import { monotonicMs } from '../../core/timer.js';
import { DelayerError } from '../../core/errors.js';
import { popByLease } from '../../core/lease.js';
import type { JobRecord, NewJob } from '../../core/job.js';
import {
  DAEMON_SEEN_MS,
  type JobPage,
  type Lease,
  type ListQuery,
  type OnExisting,
  type Popped,
  type Promotion,
  type PushResult,
  type RemoveResult,
  type RemoveScope,
  type Store,
  type Survey,
  type Taken,
  type TakeRequest,
} from '../../core/store.js';
import type { RedisAddress } from './url.js';
import { Connection, outcomeUnknown } from './connection.js';
import { Keys } from './keys.js';
import * as scripts from './scripts/index.js';
import { Surveyor } from './inspect/inspector.js';
import { PushListener, ReadyWaiters } from './wait.js';

/** Arguments of one script: so many jobs, or so many bytes of bodies, keep a run under a few ms. */
const CHUNK_JOBS = 250;
const CHUNK_BYTES = 1024 * 1024;
/** Stuck jobs are looked at this often (ms). */
const LOOK_AT_STUCK_MS = 2000;

/** Jobs in Redis, laid out as the original Delayer does, with a few keys beside (keys.ts). */
export class RedisStore implements Store {
  readonly label: string;
  readonly needsPromotion = true;
  private readonly keys: Keys;
  private readonly connection: Connection;
  private readonly surveyor: Surveyor;
  private readonly waiters: ReadyWaiters;
  private readonly listener: PushListener;
  private readonly stuck = new StuckJobs();
  /** The first job of an answer, by how many came with it: who confirms as many at once confirms all. */
  private readonly taken = new WeakMap<Lease, number>();

  constructor(address: RedisAddress, prefix: string, ending?: AbortSignal) {
    this.label = address.label;
    this.keys = new Keys(prefix);
    this.connection = new Connection(address, ending);
    this.surveyor = new Surveyor(this.connection, this.keys);
    this.waiters = new ReadyWaiters(address, this.keys);
    this.listener = new PushListener(address, this.keys.wakeChannel);
  }

  async push(jobs: readonly NewJob[], onExisting: OnExisting): Promise<PushResult[]> {
    const results: PushResult[] = [];
    for (const chunk of chunksOf(jobs)) results.push(...(await this.pushChunk(chunk, onExisting)));
    return results;
  }

  async promote(): Promise<Promotion> {
    for (;;) {
      const skip = this.stuck.count;
      const done = await this.connection.run('harmless', (redis) => scripts.promote(redis, this.keys, skip));
      const stuck = skip + done.stuck;
      // A step that met nothing but stuck jobs has to look behind them.
      if (!done.more || done.promoted + done.expired + done.returned > 0) return { ...done, stuck };
      this.stuck.count = stuck;
    }
  }

  async pop(topic: Buffer, limit: number): Promise<Popped> {
    return popByLease(this, topic, limit);
  }

  async take(request: TakeRequest): Promise<Taken> {
    for (;;) {
      const skip = this.stuck.count;
      const answer = await this.connection.run('repeat', (redis) =>
        scripts.take(redis, this.keys, request, skip),
      );
      if (answer.jobs.length > 0 || !answer.more) {
        if (answer.jobs[0]) this.taken.set(answer.jobs[0], answer.jobs.length);
        return { jobs: answer.jobs, nextInMs: answer.nextInMs };
      }
      this.stuck.count = skip + answer.stuck;
    }
  }

  async confirm(leases: readonly Lease[]): Promise<boolean[]> {
    return this.byRequest(leases, async (request) => {
      const { first, token, numbers } = request;
      const all = numbers.length === this.taken.get(first) && numbers.every((n, i) => Number(n) === i + 1);
      const held = await this.connection.run('repeat', async (redis, again) => {
        if (all && (await scripts.confirmAll(redis, this.keys, token, numbers.length))) {
          return numbers.map(() => true);
        }
        return scripts.confirm(redis, this.keys, request, again);
      });
      return held.map((one) => {
        if (one === undefined) throw outcomeUnknown(this.label, 'its answer came after the lease had ended');
        return one;
      });
    });
  }

  async putBack(leases: readonly Lease[]): Promise<void> {
    // The request taken last goes first, as its jobs do: each comes to stand before what was put back ahead of it.
    for (const request of groupByRequest(leases).reverse()) {
      await this.connection.run('repeat', (redis) => scripts.putBack(redis, this.keys, request));
    }
  }

  async extend(leases: readonly Lease[], leaseMs: number): Promise<(Date | undefined)[]> {
    return this.byRequest(leases, (request) =>
      this.connection.run('repeat', (redis) => scripts.extend(redis, this.keys, request, leaseMs)),
    );
  }

  async remove(ids: readonly Buffer[], scope: RemoveScope): Promise<RemoveResult[]> {
    const answers: RemoveResult[] = [];
    for (let start = 0; start < ids.length; start += CHUNK_JOBS) {
      answers.push(...(await this.removeChunk(ids.slice(start, start + CHUNK_JOBS), scope)));
    }
    return answers;
  }

  async waitForReady(topic: Buffer, maxMs: number, signal?: AbortSignal): Promise<void> {
    await this.waiters.wait(topic, maxMs, signal);
  }

  async waitForPush(maxMs: number, signal?: AbortSignal): Promise<void> {
    await this.listener.wait(maxMs, signal);
  }

  async survey(): Promise<Survey> {
    return this.surveyor.survey();
  }

  async list(topic: Buffer, query: ListQuery): Promise<JobPage> {
    return this.surveyor.list(topic, query);
  }

  async find(id: Buffer): Promise<JobRecord[]> {
    return this.surveyor.find(id);
  }

  async announce(daemon: string): Promise<void> {
    await this.connection.run('harmless', (redis) =>
      scripts.announce(redis, this.keys, daemon, 2 * DAEMON_SEEN_MS),
    );
  }

  async retire(daemon: string): Promise<void> {
    await this.connection.run('harmless', (redis) => redis.zrem(this.keys.daemons, daemon));
  }

  async now(): Promise<Date> {
    const [seconds, micros] = await this.connection.run('read', (redis) => redis.time());
    return new Date(Number(seconds) * 1000 + Math.floor(Number(micros) / 1000));
  }

  close(): Promise<void> {
    this.waiters.close();
    this.listener.close();
    this.connection.close();
    return Promise.resolve();
  }

  private async pushChunk(chunk: readonly NewJob[], onExisting: OnExisting): Promise<PushResult[]> {
    try {
      return await this.connection.run('once', (redis) => scripts.push(redis, this.keys, chunk, onExisting));
    } catch (error) {
      if (!(error instanceof DelayerError) || error.code !== 'outcome_unknown') throw error;
      return this.lookWhatArrived(chunk, onExisting, error);
    }
  }

  /**
   * The answer to a push was lost. What stands there with the same content has arrived; of the rest,
   * and of replacements, nobody knows. Looking never pushes twice.
   */
  private async lookWhatArrived(
    chunk: readonly NewJob[],
    onExisting: OnExisting,
    lost: DelayerError,
  ): Promise<PushResult[]> {
    try {
      return await Promise.all(
        chunk.map(async ({ id, topic, body }) => {
          // A leased job of that id was there before this push, or its namesake was; a dead one keeps nobody out.
          const found = (await this.find(id)).filter(({ state }) => state !== 'leased' && state !== 'dead');
          const same = found.find(
            (job) => job.topic?.equals(topic) === true && job.body?.equals(body) === true,
          );
          if (same && onExisting !== 'replace') return { outcome: 'pushed' as const, dueAt: same.dueAt };
          if (found.length > 0 && onExisting === 'refuse') return { outcome: 'conflict' as const };
          if (found.length > 0 && onExisting === 'keep') return { outcome: 'kept' as const };
          return { outcome: 'unknown' as const };
        }),
      );
    } catch {
      throw lost;
    }
  }

  private async removeChunk(ids: readonly Buffer[], scope: RemoveScope): Promise<RemoveResult[]> {
    const remove = (some: readonly Buffer[]) =>
      this.connection.run('once', (redis) => scripts.remove(redis, this.keys, some, scope));
    const results = await remove(ids);
    const any = scope === 'any';
    const missing = ids.filter((_, i) => any || results[i]?.state === undefined);
    if (missing.length === 0) return results;
    const leased = await this.surveyor.findLeased(missing);
    const held = any ? await this.confirm(leased) : leased.map(() => true);
    const ended = new Set(leased.flatMap(({ id }, i) => (held[i] === true ? [nameOf(id)] : [])));
    // A lease that ended meanwhile has put its job back, to be removed there.
    const gone = ids.filter((id, i) => any && results[i]?.state === undefined && !ended.has(nameOf(id)));
    const again = gone.length > 0 ? await remove(gone) : [];
    return ids.map((id, i) => {
      const result = results[i] ?? { removed: false };
      if (result.state !== undefined) return result;
      if (ended.has(nameOf(id))) return { removed: any, state: 'leased' };
      return again[gone.indexOf(id)] ?? result;
    });
  }

  /** Asks for the leases of each request together, and answers in the order in which they were given. */
  private async byRequest<T>(leases: readonly Lease[], ask: (request: Group) => Promise<T[]>): Promise<T[]> {
    const groups = groupByRequest(leases);
    const answers = await Promise.all(groups.map(ask));
    if (groups.length === 1) return answers[0] ?? [];
    const byName = new Map(
      groups.flatMap(({ token, numbers }, g) =>
        numbers.map((n, i): [string, T] => [`${token}.${n}`, answers[g]?.[i] as T]),
      ),
    );
    return leases.map(({ lease }) => byName.get(lease) as T);
  }
}

/**
 * How many due jobs at the head of the pool are stuck behind a key of a wrong type. Looking at all of them
 * anew each time would keep Redis busy; after a while it is done, for the key may be gone.
 */
class StuckJobs {
  private known = 0;
  private countedAt = -Infinity;

  get count(): number {
    return monotonicMs() - this.countedAt < LOOK_AT_STUCK_MS ? this.known : 0;
  }

  /** Counting begins at 0, which is when it has to begin anew later. */
  set count(jobs: number) {
    if (this.count === 0) this.countedAt = monotonicMs();
    this.known = jobs;
  }
}

const nameOf = (id: Buffer): string => id.toString('latin1');

interface Group extends scripts.RequestLeases {
  readonly first: Lease;
  readonly numbers: string[];
}

/** Leases by the request that took them, in the order of their first. */
function groupByRequest(leases: readonly Lease[]): Group[] {
  const groups = new Map<string, Group>();
  for (const first of leases) {
    const { lease, leaseUntil } = first;
    const dot = lease.lastIndexOf('.');
    const token = lease.slice(0, dot);
    const group = groups.get(token) ?? { first, token, until: leaseUntil, numbers: [] };
    groups.set(token, group);
    const number = lease.slice(dot + 1);
    // No job has the number 0: what is no lease's name is not held.
    group.numbers.push(/^\d+$/.test(number) ? number : '0');
  }
  return [...groups.values()];
}

function* chunksOf(jobs: readonly NewJob[]): Generator<NewJob[]> {
  let chunk: NewJob[] = [];
  let bytes = 0;
  for (const job of jobs) {
    if (chunk.length >= CHUNK_JOBS || (bytes > 0 && bytes + job.body.length > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(job);
    bytes += job.body.length;
  }
  if (chunk.length > 0) yield chunk;
}
