import type { Redis } from 'ioredis';
import type { Queue } from '../../src/core/queue.js';
import { OriginalClient, OriginalDaemon } from '../interop/original.js';
import type { TestClock } from '../support/clock.js';
import { HOUR_MS, jobsOf, maintainAll, MINUTE_MS, reserve, RETRY_MS } from '../support/jobs.js';

/** A store in which a case puts a job. */
export interface Stage {
  readonly queue: Queue;
  readonly clock: TestClock;
  /** Original clients, on Redis only. */
  readonly others?: {
    readonly raw: Redis;
    readonly key: (rest: string) => string;
    readonly original: OriginalClient;
    readonly daemon: OriginalDaemon;
  };
}

export const ID = '32';
export const TOPIC = 'close_order';
const JOB = { id: ID, topic: TOPIC, body: 'b' } as const;

type Others = NonNullable<Stage['others']>;
type Case = (stage: Stage) => Promise<unknown>;
type OriginalCase = (stage: Stage & { others: Others }) => Promise<unknown>;

const delayed: Case = ({ queue }) => queue.push({ ...JOB, delayMs: HOUR_MS });
const ready: Case = async ({ queue, clock }) => {
  await queue.push(JOB);
  clock.advance(1);
  await maintainAll(queue);
};
const leased: Case = async (stage) => {
  await ready(stage);
  await reserve(stage.queue, TOPIC, 1, MINUTE_MS);
};
const dead: Case = async (stage) => {
  await leased(stage);
  const { lease = '' } = (await stage.queue.find(ID))[0] ?? {};
  await stage.queue.nack([lease], { dead: true });
};
/** Pushed and promoted by original clients alone. */
const promotedByOriginal: OriginalCase = async ({ others: { original, daemon } }) => {
  await original.push(ID, TOPIC, 'b', 0);
  await daemon.tick(Math.floor(Date.now() / 1000) + 1);
};
const waiting: Case = async (stage) => {
  await leased(stage);
  await stage.queue.push({ ...JOB, body: 'newer', delayMs: HOUR_MS });
  stage.clock.advance(MINUTE_MS + 1);
  await maintainAll(stage.queue);
};

const blockList: OriginalCase = ({ others: { raw, key } }) => raw.set(key(`ready_queue:${TOPIC}`), 'text');
const blockBody: OriginalCase = async ({ others: { raw, key } }) => {
  await raw.del(key(`job_bucket:${ID}`));
  await raw.set(key(`job_bucket:${ID}`), 'text');
};

/** The rows of docs/commands.md that apply to both stores. */
export const CASES: Readonly<Record<string, Case>> = {
  delayed,
  'delayed, in a topic paused for longer': async (stage) => {
    await delayed(stage);
    await stage.queue.pause(TOPIC, { forMs: 2 * HOUR_MS });
  },
  'delayed, to be tried again': async (stage) => {
    await ready(stage);
    const jobs = await reserve(stage.queue, TOPIC);
    await stage.queue.nack(jobs, { delayMs: HOUR_MS, reason: 'no answer' });
  },
  'delayed, by its own retries': async (stage) => {
    await stage.queue.push({ ...JOB, retries: 3, backoff: { firstMs: HOUR_MS, lastMs: HOUR_MS } });
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      stage.clock.advance(2 * HOUR_MS);
      await maintainAll(stage.queue);
      await stage.queue.nack(await reserve(stage.queue, TOPIC), { reason: 'no answer' });
    }
  },
  'waiting for its id': waiting,
  'waiting, its id free again': async (stage) => {
    await waiting(stage);
    await stage.queue.push({ ...JOB, body: 'newer', delayMs: 0 }, { onExisting: 'replace' });
    stage.clock.advance(1);
    await stage.queue.pop(TOPIC);
  },
  'ready, the next': ready,
  'ready, its lease over': async (stage) => {
    await leased(stage);
    stage.clock.advance(MINUTE_MS + 16_000);
    await maintainAll(stage.queue);
  },
  'ready, with one before it': async (stage) => {
    await stage.queue.push({ topic: TOPIC, body: 'before' });
    await ready(stage);
  },
  'ready, with others before it': async (stage) => {
    await stage.queue.pushMany(jobsOf(TOPIC, 3));
    await ready(stage);
  },
  'ready, in a paused topic': async (stage) => {
    await ready(stage);
    await stage.queue.pause(TOPIC, { forMs: HOUR_MS });
  },
  'ready, in a topic paused without end': async (stage) => {
    await ready(stage);
    await stage.queue.pause(TOPIC);
  },
  leased,
  'leased, by one that has a name': async (stage) => {
    await ready(stage);
    const request = { topics: TOPIC, limit: 1, leaseMs: MINUTE_MS, holder: 'host:42' };
    await stage.queue.reserve({ ...request, retry: false });
  },
  'leased, by a move': async (stage) => {
    await ready(stage);
    await stage.queue.hold([{ id: ID }], { leaseMs: MINUTE_MS, holder: 'export:1' });
  },
  'leased, its id pushed again': async (stage) => {
    await leased(stage);
    await stage.queue.push({ ...JOB, body: 'newer', delayMs: HOUR_MS });
  },
  'leased, its lease over': async (stage) => {
    await leased(stage);
    stage.clock.advance(MINUTE_MS + 16_000);
  },
  dead: async (stage) => {
    await ready(stage);
    const jobs = await reserve(stage.queue, TOPIC);
    await stage.queue.nack(jobs, { dead: true, reason: 'no such order' });
  },
  'dead, no retry left': async (stage) => {
    await stage.queue.push({ ...JOB, retries: 1, backoff: { firstMs: 0, lastMs: 0 } });
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      stage.clock.advance(1);
      await maintainAll(stage.queue);
      const { jobs } = await stage.queue.reserve({ topics: TOPIC, limit: 1, leaseMs: MINUTE_MS });
      await stage.queue.nack(jobs, { reason: 'no answer' });
    }
  },
  'dead, by its leases': async (stage) => {
    await ready(stage);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await stage.queue.reserve({ topics: TOPIC, limit: 1, leaseMs: MINUTE_MS, retry: { retries: 1 } });
      stage.clock.advance(MINUTE_MS + 16_000);
      await maintainAll(stage.queue);
    }
  },
  'dead, without a reason or an end': async (stage) => {
    await ready(stage);
    await stage.queue.nack(await reserve(stage.queue, TOPIC), { dead: true, deadTtlMs: 0 });
  },
  'dead, its time over': async (stage) => {
    await ready(stage);
    await stage.queue.nack(await reserve(stage.queue, TOPIC), { dead: true, deadTtlMs: 1000 });
    stage.clock.advance(RETRY_MS);
  },
  'dead, its id pushed again': async (stage) => {
    await dead(stage);
    await delayed(stage);
  },
};

export const SQLITE_CASES: Readonly<Record<string, Case>> = {
  'expired, its body kept': async ({ queue, clock }) => {
    await queue.push({ ...JOB, ttlMs: MINUTE_MS });
    clock.advance(2 * MINUTE_MS);
  },
};

export const REDIS_CASES: Readonly<Record<string, OriginalCase>> = {
  'delayed, never to expire': async (stage) => {
    await delayed(stage);
    await stage.others.raw.persist(stage.others.key(`job_bucket:${ID}`));
  },
  'delayed, with a body that goes before': async (stage) => {
    await delayed(stage);
    await stage.others.raw.expire(stage.others.key(`job_bucket:${ID}`), 60);
  },
  'delayed, with a key in its way': async (stage) => {
    await delayed(stage);
    await blockList(stage);
  },
  'delayed, with an older entry': async (stage) => {
    await ready(stage);
    await stage.others.original.push(ID, TOPIC, 'newer', 3600);
  },
  'waiting, with a key in its way': async (stage) => {
    await leased(stage);
    await blockBody(stage);
    stage.clock.advance(MINUTE_MS + 1);
    await maintainAll(stage.queue);
  },
  'due, and no daemon is there': async ({ queue, clock }) => {
    await queue.push({ ...JOB, delayMs: MINUTE_MS });
    clock.advance(MINUTE_MS + 16_000);
  },
  'due, with a daemon at work': async ({ queue, clock }) => {
    await queue.push({ ...JOB, delayMs: MINUTE_MS });
    clock.advance(MINUTE_MS + 16_000);
    await queue.announce('daemon');
  },
  'due, with a key in its way': async (stage) => {
    await stage.queue.push({ ...JOB, delayMs: MINUTE_MS });
    await blockList(stage);
    stage.clock.advance(MINUTE_MS + 1);
    await maintainAll(stage.queue);
  },
  'ready, with thousands before it': async (stage) => {
    await stage.queue.pushMany(jobsOf(TOPIC, 2600));
    await ready(stage);
  },
  'ready, promoted by an original daemon': promotedByOriginal,
  'ready, twice in its list': async (stage) => {
    await ready(stage);
    await stage.others.raw.lpush(stage.others.key(`ready_queue:${TOPIC}`), ID);
  },
  'ready, its list overwritten': async (stage) => {
    await ready(stage);
    await blockList(stage);
  },
  expired: async ({ queue, clock }) => {
    await queue.push({ ...JOB, ttlMs: MINUTE_MS });
    await maintainAll(queue);
    clock.advance(2 * MINUTE_MS);
  },
  'expired before its time': async (stage) => {
    await ready(stage);
    await stage.others.original.remove(ID);
  },
  'expired, promoted by an original daemon': async (stage) => {
    await promotedByOriginal(stage);
    await stage.others.original.remove(ID);
  },
  'in the pool without a body': async (stage) => {
    await delayed(stage);
    await stage.others.raw.del(stage.others.key(`job_bucket:${ID}`));
  },
  'without a body, by its hash': async (stage) => {
    await delayed(stage);
    await stage.others.raw.hdel(stage.others.key(`job_bucket:${ID}`), 'body');
  },
  'without a body, but a key in its place': async (stage) => {
    await delayed(stage);
    await blockBody(stage);
  },
  'taken by an original client': async (stage) => {
    await ready(stage);
    await stage.others.raw.rpop(stage.others.key(`ready_queue:${TOPIC}`));
  },
  'in the list of another topic': async (stage) => {
    await promotedByOriginal(stage);
    await stage.others.raw.hset(stage.others.key(`job_bucket:${ID}`), 'topic', 'other');
  },
};

/** Other ways into the same states; each has the explanation of its row. */
export const MORE_CASES: readonly (readonly [row: string, how: string, make: OriginalCase])[] = [
  [
    'delayed, with an older entry',
    'the older entry is in the list of another topic',
    async (stage) => {
      await ready(stage);
      await stage.others.original.push(ID, 'other', 'newer', 3600);
    },
  ],
  [
    'in the pool without a body',
    'an original client pops an older entry of it',
    async (stage) => {
      await ready(stage);
      await stage.others.original.push(ID, TOPIC, 'newer', 3600);
      await stage.others.original.pop(TOPIC);
    },
  ],
  [
    'in the pool without a body',
    'its body expired before it was due',
    async (stage) => {
      await stage.queue.push({ ...JOB, delayMs: HOUR_MS });
      await stage.others.raw.expire(stage.others.key(`job_bucket:${ID}`), 60);
      stage.clock.advance(2 * HOUR_MS);
    },
  ],
  [
    'without a body, but a key in its place',
    'it is ready',
    async (stage) => {
      await ready(stage);
      await blockBody(stage);
    },
  ],
  [
    'without a body, but a key in its place',
    'a consumer has set it aside',
    async (stage) => {
      await ready(stage);
      await blockBody(stage);
      await stage.queue.pop(TOPIC);
    },
  ],
  [
    'without a body, by its hash',
    'it is ready',
    async (stage) => {
      await ready(stage);
      await stage.others.raw.hdel(stage.others.key(`job_bucket:${ID}`), 'body');
    },
  ],
  [
    'waiting, with a key in its way',
    'the key is its ready list',
    async (stage) => {
      await leased(stage);
      await blockList(stage);
      stage.clock.advance(MINUTE_MS + 1);
      await maintainAll(stage.queue);
    },
  ],
  [
    'taken by an original client',
    'the original daemon had promoted it',
    async (stage) => {
      await promotedByOriginal(stage);
      await stage.others.raw.rpop(stage.others.key(`ready_queue:${TOPIC}`));
    },
  ],
  [
    'ready, twice in its list',
    'other jobs are between its entries',
    async (stage) => {
      await ready(stage);
      await stage.queue.pushMany(jobsOf(TOPIC, 3));
      stage.clock.advance(1);
      await maintainAll(stage.queue);
      await stage.others.raw.lpush(stage.others.key(`ready_queue:${TOPIC}`), ID);
    },
  ],
];
