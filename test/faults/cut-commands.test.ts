import { DelayerError } from '../../src/core/errors.js';
import type { JobRecord } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import { HOUR_MS, must, only, reserve } from '../support/jobs.js';
import { type Cut, Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';
import { Measurement, SIZE } from './measure.js';

/** The number of commands that run at the same time, each on its own connection and topic. */
const LANES = 8;
/** One in four cuts comes before the request, the others before the reply. */
const REQUEST_EVERY = 4;

/** What a command reported: where its job is now, `unknown`, or `undone` if it reported that nothing was done. */
type Told = 'there' | 'gone' | 'unknown' | 'undone' | 'wrong answer';

interface Trial {
  /** On the connection that is cut. */
  readonly queue: Queue;
  /** On another connection. */
  readonly witness: Queue;
  readonly topic: string;
  readonly id: string;
}

/** A command that is cut, with whether its job exists before. */
interface Command {
  readonly name: string;
  readonly isThereBefore: boolean;
  /** Makes what the command needs. @returns the command */
  readonly prepare: (trial: Trial) => Promise<() => Promise<Told>>;
}

const saying = (isRight: boolean | undefined, told: Told): Told => (isRight === true ? told : 'wrong answer');

const pushed = async ({ witness, topic, id }: Trial, delayMs = 0) => {
  await witness.push({ topic, id, body: 'b', delayMs });
};

const leased = async (trial: Trial) => {
  await pushed(trial);
  return [only(await reserve(trial.witness, trial.topic))];
};

const COMMANDS: readonly Command[] = [
  {
    name: 'push',
    isThereBefore: false,
    prepare: ({ queue, topic, id }) =>
      Promise.resolve(async () => {
        const { outcome } = await queue.push({ topic, id, body: 'b', delayMs: HOUR_MS });
        return saying(outcome === 'pushed', 'there');
      }),
  },
  {
    name: 'pop',
    isThereBefore: true,
    prepare: async (trial) => {
      await pushed(trial);
      return async () => saying((await trial.queue.pop(trial.topic))?.id.toString() === trial.id, 'gone');
    },
  },
  {
    name: 'reserve',
    isThereBefore: true,
    prepare: async (trial) => {
      await pushed(trial);
      return async () => saying((await reserve(trial.queue, trial.topic)).length === 1, 'there');
    },
  },
  {
    name: 'ack',
    isThereBefore: true,
    prepare: async (trial) => {
      const jobs = await leased(trial);
      return async () => saying((await trial.queue.ack(jobs))[0], 'gone');
    },
  },
  {
    name: 'nack',
    isThereBefore: true,
    prepare: async (trial) => {
      const jobs = await leased(trial);
      return async () =>
        saying((await trial.queue.nack(jobs, { delayMs: HOUR_MS }))[0]?.outcome === 'retried', 'there');
    },
  },
  {
    name: 'release',
    isThereBefore: true,
    prepare: async (trial) => {
      const jobs = await leased(trial);
      return async () => saying((await trial.queue.release(jobs))[0], 'there');
    },
  },
  {
    name: 'extend',
    isThereBefore: true,
    prepare: async (trial) => {
      const jobs = await leased(trial);
      return async () => saying((await trial.queue.extend(jobs, HOUR_MS))[0] !== undefined, 'there');
    },
  },
  {
    name: 'remove',
    isThereBefore: true,
    prepare: async (trial) => {
      await pushed(trial, HOUR_MS);
      return async () => saying(await trial.queue.remove(trial.id), 'gone');
    },
  },
  {
    name: 'promote',
    isThereBefore: true,
    prepare: async (trial) => {
      await pushed(trial, HOUR_MS);
      return async () => saying((await trial.queue.promote([trial.id]))[0]?.promoted, 'there');
    },
  },
  {
    name: 'reschedule',
    isThereBefore: true,
    prepare: async (trial) => {
      await pushed(trial, HOUR_MS);
      const request = { id: trial.id, delayMs: 2 * HOUR_MS };
      return async () => saying((await trial.queue.reschedule([request]))[0]?.rescheduled, 'there');
    },
  },
  {
    name: 'edit',
    isThereBefore: true,
    prepare: async (trial) => {
      await pushed(trial, HOUR_MS);
      return async () => saying((await trial.queue.edit({ id: trial.id, body: 'c' })).edited, 'there');
    },
  },
  {
    name: 'requeue',
    isThereBefore: true,
    prepare: async (trial) => {
      await trial.witness.nack(await leased(trial), { dead: true });
      return async () => saying((await trial.queue.requeue([trial.id]))[0] === 'requeued', 'there');
    },
  },
];

/** Finds a job; a second time if it was seen in two places, because another lane may have promoted it meanwhile. */
async function lookFor({ witness, id }: Trial): Promise<readonly JobRecord[]> {
  const found = await witness.find(id);
  return found.length < 2 ? found : witness.find(id);
}

async function tellOf(command: () => Promise<Told>): Promise<Told> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof DelayerError)) throw error;
    if (error.code === 'outcome_unknown') return 'unknown';
    if (error.code === 'store_unreachable') return 'undone';
    throw error;
  }
}

describe('a connection to Redis that is cut during each command:', () => {
  const redis = useRedis();
  const proxies: Proxy[] = [];
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });

  /** Connects and loads the scripts, so that the requests that are cut are the commands themselves. */
  async function openLane(lane: number): Promise<{ proxy: Proxy; trialOf: (id: string) => Trial }> {
    const proxy = await Proxy.to({ path: redis.server.socket });
    proxies.push(proxy);
    const [queue, witness] = [redis.queue(proxy.url), redis.queue()];
    const trialOf = (id: string) => ({ queue, witness, topic: `topic-${lane}`, id: `${lane}-${id}` });
    for (const { name, prepare } of COMMANDS) {
      await (
        await prepare(trialOf(name))
      )();
      await witness.removeMany([trialOf(name).id], { states: 'any' });
    }
    return { proxy, trialOf };
  }

  /** Cuts one command, and compares where its job is with what the command reported. */
  async function cutOne(proxy: Proxy, command: Command, trial: Trial, nth: number): Promise<void> {
    const run = await command.prepare(trial);
    const cut: Cut = nth % REQUEST_EVERY === 0 ? 'request' : 'reply';
    const before = proxy.cuts;
    proxy.cut(cut, { when: (request) => request.includes('EVAL') });
    const told = await tellOf(run);
    proxy.pass();
    const found = await lookFor(trial);
    measured.add('cuts', proxy.cuts - before);
    if (told === 'unknown') measured.add('times that the outcome was told to be unknown', 1);
    measured.none('wrong answers', told === 'wrong answer' ? 1 : 0);
    measured.none('jobs twice', found.length > 1 ? 1 : 0);
    const isThere = told === 'there' || (told === 'undone' && command.isThereBefore);
    const isGone = told === 'gone' || (told === 'undone' && !command.isThereBefore);
    measured.none('jobs lost', isThere && found.length === 0 ? 1 : 0);
    measured.none('jobs there that were told to be gone', isGone && found.length > 0 ? 1 : 0);
    await trial.witness.removeMany([trial.id], { states: 'any' });
  }

  let measured: Measurement;

  it('each command is done, not done, or reported as outcome_unknown, and no job is lost or there twice', async () => {
    measured = new Measurement('a command cut before its reply, or its request', 'Redis');
    let nth = 0;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const { proxy, trialOf } = await openLane(lane);
      while (nth < SIZE.cuts) {
        nth += 1;
        const round = Math.floor(nth / COMMANDS.length);
        await cutOne(proxy, must(COMMANDS[nth % COMMANDS.length]), trialOf(`${nth}`), round);
      }
    });
    await Promise.all(lanes);
    measured.atLeast('cuts', SIZE.cuts, measured.counts.cuts ?? 0);
    measured.end();
  });
});
