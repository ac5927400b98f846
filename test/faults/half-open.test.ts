import { DelayerError } from '../../src/core/errors.js';
import { must } from '../support/jobs.js';
import { Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';
import { idsInQueue } from './accounting.js';
import { Measurement, SIZE } from './measure.js';
import { balance } from './workers/ground.js';

/** The number of waits at the same time, each behind its own proxy. */
const LANES = 8;
const WAIT_MS = 60_000;

/** The requests of a bpop until it listens: the connection goes silent at one of them. */
const PLACES = [
  { text: 'EVALSHA', nth: 1 },
  { text: 'HELLO', nth: 1 },
  { text: 'TRACKING', nth: 1 },
  { text: 'subscribe', nth: 1 },
  { text: 'EVALSHA', nth: 2 },
];

function nthRequestWith({ text, nth }: { text: string; nth: number }): (request: Buffer) => boolean {
  let seen = 0;
  return (request) => request.includes(text) && (seen += 1) === nth;
}

describe('a bpop whose connection is half open:', () => {
  const redis = useRedis();
  const proxies: Proxy[] = [];
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });

  it('delivers its job once when the network is back, whichever reply was the last to come', async () => {
    const measured = new Measurement('connection half open under bpop', 'Redis');
    const witness = redis.queue();

    /** The network goes silent, a job is pushed, and the connection breaks. */
    const round = async (proxy: Proxy, number: number) => {
      const [topic, id] = [`topic-${number}`, `${number}`];
      const queue = redis.queue(proxy.url);
      // The first contact must succeed: a bpop waits only for a Redis that has answered before.
      await queue.now();
      const silent = proxy.before(nthRequestWith(must(PLACES[number % PLACES.length])), () => {
        proxy.hold();
        return Promise.resolve();
      });
      const popping = queue.bpop(topic, { timeoutMs: WAIT_MS }).catch((error: unknown) => {
        if (!(error instanceof DelayerError)) throw error;
        measured.add('pops that failed', 1);
        return error.jobs[0];
      });
      await silent;
      await witness.push({ topic, id, body: 'b' });
      proxy.drop();
      proxy.pass();
      const job = await popping;
      const taken = job === undefined ? [] : [job.id.toString()];
      const { lost, twice } = await balance(witness, topic, {
        pushed: new Set([id]),
        handled: new Set(taken),
      });
      measured.none('jobs lost', lost);
      const isKept = (await idsInQueue(witness, topic)).length > 0;
      measured.none('jobs delivered and kept, or twice', twice + (isKept && taken.length > 0 ? 1 : 0));
      measured.add('jobs delivered', taken.length);
      measured.add('connections half open', 1);
      await queue.close();
    };

    await witness.pop('topic'); // Loads the script.
    let next = 0;
    const lanes = Array.from({ length: LANES }, async () => {
      const proxy = await Proxy.to({ path: redis.server.socket });
      proxies.push(proxy);
      while (next < SIZE.halfOpen) await round(proxy, (next += 1));
    });
    await Promise.all(lanes);
    measured.atLeast('connections half open', SIZE.halfOpen, measured.counts['connections half open'] ?? 0);
    measured.end();
  });
});
