import type { Redis } from 'ioredis';
import { DelayerError } from '../../../core/errors.js';
import { JOB_STATES, type JobRecord } from '../../../core/job.js';
import { DAEMON_SEEN_MS, type JobPage, type ListQuery, type Problem, type Survey } from '../../../core/store.js';
import { TopicTally } from '../../../core/topic-counter.js';
import type { Connection } from '../connection.js';
import type { Keys } from '../keys.js';
import * as scripts from '../scripts/index.js';

/** Jobs or keys that one call looks at: it holds Redis for a millisecond or two. */
const WINDOW = 250;
/** Keys of one SCAN step, which looks at names alone. */
const SCAN_WINDOW = 2000;
/** Entries of a ready list that `find` looks through for a job's place. */
const FIND_DEPTH = 100_000;

type LeasedRow = JobRecord & { lease: string; leaseUntil: Date };

/** Looks at what is in Redis, in bounded steps, and changes nothing. */
export class Surveyor {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  async survey(): Promise<Survey> {
    const tally = new TopicTally();
    const problems: Problem[] = [];
    await this.checkTypes(problems);
    if (problems.length === 0) {
      await this.countPool(tally, problems);
      await this.countLeased(tally);
    }
    await this.countReadyLists(tally, problems);
    await this.checkServer(problems);
    return { topics: tally.topics(), problems };
  }

  async list(topic: Buffer, query: ListQuery): Promise<JobPage> {
    const states = new Set(query.states ?? JOB_STATES);
    const jobs: JobRecord[] = [];
    let place: Place | undefined =
      query.cursor === undefined ? { phase: 'ready', skip: 0 } : readCursor(query.cursor);
    while (place && jobs.length < query.limit) {
      const step = await this.step(topic, place, query.limit - jobs.length, states);
      jobs.push(...step.jobs);
      place = step.next;
    }
    return {
      jobs,
      cursor: place && (await this.hasMore(topic, place, states)) ? writeCursor(place) : undefined,
    };
  }

  /** Is there a job from here on? A page is the last when none is. */
  private async hasMore(topic: Buffer, from: Place, states: ReadonlySet<string>): Promise<boolean> {
    for (let place: Place | undefined = from; place;) {
      const step: Step = await this.step(topic, place, 1, states);
      if (step.jobs.length > 0) return true;
      place = step.next;
    }
    return false;
  }

  async find(id: Buffer): Promise<JobRecord[]> {
    const found = await this.read((redis) => scripts.find(redis, this.keys, id, FIND_DEPTH));
    const leased = await this.findLeased([id]);
    if (!found) return leased;
    const { topic, body, inTheWay, ...rest } = found;
    const job = {
      id,
      ...rest,
      ...(topic.length > 0 ? { topic } : {}),
      ...(body.length > 0 ? { body } : {}),
    };
    if (inTheWay === undefined) return [job, ...leased];
    const obstacle = wrongTypeOf(this.keys.ready(topic).toString(), inTheWay, 'list').message;
    return [{ ...job, obstacle }, ...leased];
  }

  /** The leased jobs of these ids. */
  async findLeased(ids: readonly Buffer[]): Promise<LeasedRow[]> {
    const wanted = new Set(ids.map((id) => id.toString('latin1')));
    const only = ids.length === 1 && ids[0] ? { id: ids[0] } : {};
    const found: LeasedRow[] = [];
    for (let first = 0; ;) {
      const { lookedAt, rows } = await this.read((redis) =>
        scripts.listLeased(redis, this.keys, first, only),
      );
      for (const row of rows)
        if (wanted.has(row.id.toString('latin1'))) found.push({ ...row, state: 'leased' });
      if (lookedAt === 0) return found;
      first += lookedAt;
    }
  }

  private async read<T>(send: (redis: Redis) => Promise<T>): Promise<T> {
    return this.connection.run('read', send);
  }

  /** One step of a listing: some jobs, and where the next step begins, or nothing at the end. */
  private async step(topic: Buffer, place: Place, most: number, states: ReadonlySet<string>): Promise<Step> {
    const wanted = (job: JobRecord) => states.has(job.state);
    switch (place.phase) {
      case 'ready': {
        if (!states.has('ready') && !states.has('dead')) return { jobs: [], next: leasedFrom(0) };
        const limit = Math.min(most, WINDOW);
        const { lookedAt, atEnd, rows } = await this.read((redis) =>
          scripts.listReady(redis, this.keys, topic, place.skip, limit),
        );
        const jobs = rows.flatMap(({ state, body, ...row }): JobRecord[] => {
          if (state === 'stale') return [];
          return [{ ...row, topic, state, ...(state === 'ready' ? { body } : {}) }];
        });
        const next: Place = atEnd ? leasedFrom(0) : { phase: 'ready', skip: place.skip + lookedAt };
        return { jobs: jobs.filter(wanted), next };
      }
      case 'leased': {
        if (!states.has('leased')) return { jobs: [], next: POOL_BEGIN };
        const { lookedAt, rows } = await this.read((redis) =>
          scripts.listLeased(redis, this.keys, place.skip, { topic }),
        );
        const rest = rows.slice(place.within).map((row): JobRecord => ({ ...row, state: 'leased' }));
        if (rest.length > most)
          return { jobs: rest.slice(0, most), next: { ...place, within: place.within + most } };
        return { jobs: rest, next: lookedAt === 0 ? POOL_BEGIN : leasedFrom(place.skip + lookedAt) };
      }
      case 'pool': {
        if (!states.has('due') && !states.has('delayed')) return { jobs: [] };
        const after = { score: place.score, id: Buffer.from(place.id, 'base64url') };
        const { last, now, rows } = await this.read((redis) =>
          scripts.listPool(redis, this.keys, topic, after, WINDOW, most),
        );
        const jobs = rows.map((row): JobRecord => {
          const state = row.dueAt.getTime() <= now ? 'due' : 'delayed';
          return { ...row, topic, state };
        });
        const pastDue = !states.has('delayed') && jobs.some((job) => job.state === 'delayed');
        const next: Place | undefined =
          last.score === '' || pastDue
            ? undefined
            : { phase: 'pool', score: last.score, id: last.id.toString('base64url') };
        return { jobs: jobs.filter(wanted), next };
      }
    }
  }

  private async countPool(tally: TopicTally, problems: Problem[]): Promise<void> {
    let last: scripts.PoolPlace = { score: '', id: Buffer.alloc(0) };
    let bodiless = 0;
    let wrongType = 0;
    do {
      const after = last;
      const part = await this.read((redis) => scripts.countPool(redis, this.keys, after, WINDOW));
      last = part.last;
      bodiless += part.bodiless;
      wrongType += part.wrongType;
      for (const { topic, delayed, due, firstDueAt } of part.topics) {
        const counts = tally.of(topic);
        counts.delayed += delayed;
        counts.due += due;
        counts.nextDueAt ??= firstDueAt;
      }
    } while (last.score !== '');
    if (bodiless > 0) {
      problems.push({
        code: 'bodies_gone',
        message: `${bodiless} ${bodiless === 1 ? 'job has' : 'jobs have'} lost the body and will never be delivered`,
        hint: 'They expired, or were evicted; the daemon clears them away when they are due.',
      });
    }
    if (wrongType > 0) {
      problems.push({
        code: 'wrong_type',
        message: `${wrongType} ${wrongType === 1 ? 'job has' : 'jobs have'} a key of the wrong type in place of the body`,
        hint: `Look at the keys ${this.keys.bucketStem}ID; delayer leaves them alone.`,
      });
    }
  }

  private async countLeased(tally: TopicTally): Promise<void> {
    for (let first = 0; ;) {
      const part = await this.read((redis) => scripts.countLeased(redis, this.keys, first));
      for (const { topic, jobs } of part.topics) tally.of(topic).leased += jobs;
      if (part.lookedAt === 0) return;
      first += part.lookedAt;
    }
  }

  private async countReadyLists(tally: TopicTally, problems: Problem[]): Promise<void> {
    const stem = Buffer.from(this.keys.readyStem);
    for await (const key of this.scan(this.keys.readyPattern)) {
      const topic = key.subarray(stem.length);
      const type = await this.read((redis) => redis.type(key));
      if (type === 'none') continue;
      if (type !== 'list') {
        problems.push(wrongTypeOf(key.toString(), type, 'list'));
        continue;
      }
      const counts = tally.of(Buffer.from(topic));
      for (let first = 0; ; first += WINDOW) {
        const part = await this.read((redis) =>
          scripts.countReady(redis, this.keys, topic, first, first + WINDOW - 1),
        );
        counts.ready += part.alive;
        counts.dead += part.dead;
        if (part.alive + part.dead + part.stale < WINDOW) break;
      }
    }
  }

  private async checkTypes(problems: Problem[]): Promise<void> {
    for (const [key, wanted] of [
      [this.keys.pool, 'zset'],
      [this.keys.reserved, 'zset'],
      [this.keys.readyDue, 'hash'],
    ] as const) {
      const type = await this.read((redis) => redis.type(key));
      if (type !== 'none' && type !== wanted) problems.push(wrongTypeOf(key, type, wanted));
    }
  }

  private async checkServer(problems: Problem[]): Promise<void> {
    const { info, save, now, daemons } = await this.read(async (redis) => {
      const [info, save, time, daemons] = await Promise.all([
        redis.info().catch(() => ''),
        redis.config('GET', 'save').catch(() => undefined),
        redis.time(),
        redis.zrange(this.keys.daemons, '0', '-1', 'WITHSCORES').catch(() => []),
      ]);
      return { info, save: save?.[1], now: Number(time[0]), daemons };
    });
    const seen = daemons.some(
      (value, i) => i % 2 === 1 && Number(value) * 1000 > now * 1000 - DAEMON_SEEN_MS,
    );
    if (!seen) {
      problems.push({
        code: 'no_daemon',
        message: 'No delayer daemon was seen (an original daemon leaves no trace)',
        hint: 'Run `delayer serve`; without it, due jobs become ready when delayer pops or drains.',
      });
    }
    if (/^aof_enabled:0/m.test(info) && save === '') {
      problems.push({
        code: 'no_persistence',
        message: 'Redis keeps nothing on disk: a restart loses every job',
        hint: 'Set `appendonly yes`.',
      });
    }
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction';
    if (policy !== 'noeviction') {
      const full = /^maxmemory:0\b/m.test(info) ? ', once a maxmemory is set' : '';
      problems.push({
        code: 'evicting',
        message: `Redis throws keys away when it is full (${policy})${full}: jobs can be lost`,
        hint: 'Set `maxmemory-policy noeviction`.',
      });
    }
  }

  private async *scan(pattern: string): AsyncGenerator<Buffer> {
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const from = cursor;
      const [next, keys] = (await this.read((redis) =>
        redis.callBuffer('SCAN', from, 'MATCH', pattern, 'COUNT', SCAN_WINDOW),
      )) as [Buffer, Buffer[]];
      cursor = next.toString();
      for (const key of keys) {
        // SCAN may name a key twice.
        const name = key.toString('latin1');
        if (!seen.has(name)) yield key;
        seen.add(name);
      }
    } while (cursor !== '0');
  }
}

function wrongTypeOf(key: string, found: string, wanted: string): Problem {
  return {
    code: 'wrong_type',
    message: `The key ${JSON.stringify(key)} holds a ${found}, where a ${wanted} belongs`,
    hint: 'Rename or delete it; delayer leaves it and its jobs alone.',
  };
}

/** Where a listing goes on. Opaque to users. */
type Place =
  | { readonly phase: 'ready'; readonly skip: number }
  /** `skip` requests, and `within` jobs of those that follow. */
  | { readonly phase: 'leased'; readonly skip: number; readonly within: number }
  | { readonly phase: 'pool'; readonly score: string; readonly id: string };

interface Step {
  readonly jobs: JobRecord[];
  readonly next?: Place | undefined;
}

const leasedFrom = (skip: number): Place => ({ phase: 'leased', skip, within: 0 });
const POOL_BEGIN: Place = { phase: 'pool', score: '', id: '' };

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function readCursor(text: string): Place {
  try {
    const place = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Record<string, unknown>>;
    const { phase, skip, within, score, id } = place;
    if (phase === 'ready' && isCount(skip)) return { phase, skip };
    if (phase === 'leased' && isCount(skip) && isCount(within)) return { phase, skip, within };
    if (
      phase === 'pool' &&
      typeof score === 'string' &&
      typeof id === 'string' &&
      /^(\d+(\.\d+)?)?$/.test(score)
    ) {
      return { phase, score, id };
    }
  } catch {
    // Falls through to the one error.
  }
  throw new DelayerError('usage', '--cursor is none that inspect has given', {
    hint: 'Take it from the page before, or leave it out.',
  });
}
