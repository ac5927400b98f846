import type { JobState } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import type { Stats } from '../../src/core/views.js';
import { claimsOf } from './claims.js';
import type { Ground } from './ground.js';
import type { Seen } from './job.js';
import { TOPICS } from './operations.js';
import { readyLists } from './redis-lists.js';
import { toSeen } from './views.js';

/** The views of a store at one time. */
export interface Views {
  readonly found: ReadonlyMap<string, readonly Seen[]>;
  readonly listed: ReadonlyMap<string, readonly Seen[]>;
  readonly stats: Stats;
  /** Undefined if it was not asked for. */
  readonly cheap: Stats | undefined;
  /** The ready lists of Redis by topic, the next entry to pop first. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

/** How the views are asked for, which must not change what they show. */
export interface Asking {
  readonly ids: readonly string[];
  /** Jobs per page. */
  readonly page: number;
  readonly cheap: boolean;
}

/**
 * Reads the views of a store. They depend only on what is stored and on the time, so the last answers are used again
 * while both are unchanged, as after a third of the steps.
 */
export class Looker {
  private fingerprint = '';
  private last: Views | undefined;

  constructor(private readonly ground: Ground) {}

  /** The jobs in these states that are over and not cleared away yet. */
  async lookAtOver(states: readonly JobState[]): Promise<readonly Seen[]> {
    const { jobs } = await this.ground.viewer.list(TOPICS, { states, limit: 1000 });
    return jobs.map(toSeen);
  }

  async look({ ids, page, cheap }: Asking): Promise<Views> {
    const { viewer } = this.ground;
    const now = this.ground.clock.now();
    const fingerprint = `${await this.ground.fingerprint()} ${now}`;
    const last = fingerprint === this.fingerprint ? this.last : undefined;
    const [found, listed, stats, cheapStats, lists] = await Promise.all([
      mapOf(ids, (id) => last?.found.get(id) ?? find(viewer, id, now)),
      last?.listed ?? mapOf(TOPICS, (topic) => listAll(viewer, topic, page)),
      last?.stats ?? viewer.stats(),
      cheap ? (last?.cheap ?? viewer.stats({ exact: false })) : last?.cheap,
      last?.lists ?? readyLists(this.ground),
    ]);
    this.fingerprint = fingerprint;
    this.last = {
      found: new Map([...(last?.found ?? []), ...found]),
      listed,
      stats,
      cheap: cheapStats,
      lists,
    };
    return this.last;
  }
}

/** Lists the jobs of a topic page by page. */
export async function listAll(
  queue: Queue,
  topic: string,
  limit: number,
  query: Parameters<Queue['list']>[1] = {},
): Promise<Seen[]> {
  const jobs: Seen[] = [];
  let cursor: string | undefined;
  do {
    const page = await queue.list(topic, { ...query, limit, cursor });
    jobs.push(...page.jobs.map(toSeen));
    ({ cursor } = page);
  } while (cursor !== undefined);
  return jobs;
}

async function find(queue: Queue, id: string, now: number): Promise<Seen[]> {
  const jobs = await queue.find(id);
  return jobs.map((job) => ({ ...toSeen(job), says: claimsOf(job, now, jobs) }));
}

async function mapOf<K, V>(keys: readonly K[], value: (key: K) => V | Promise<V>): Promise<Map<K, V>> {
  return new Map(await Promise.all(keys.map(async (key) => [key, await value(key)] as const)));
}
