import { expect } from 'chai';
import { openQueue, type Queue } from '../../src/library.js';
import type { JobHandler, WorkOptions } from '../../src/worker/work.js';
import { forEachStore } from '../support/cli.js';
import { eventually, failureOf } from '../support/eventually.js';
import { LONG_MS, only } from '../support/jobs.js';
import { warningsOf } from '../support/warnings.js';

const TOPIC = 'topic';
/** A backoff without pauses. */
const AT_ONCE = { firstMs: 0, lastMs: 0 };

function revokedProxy(): Error {
  const { proxy, revoke } = Proxy.revocable(new Error(), {});
  revoke();
  return proxy;
}

describe('queue.work of the library', () => {
  forEachStore((cli) => {
    async function withQueue<T>(use: (queue: Queue) => Promise<T>): Promise<T> {
      const { DELAYER_STORE = '', DELAYER_PREFIX } = cli.env;
      const queue = await openQueue(DELAYER_STORE, { prefix: DELAYER_PREFIX });
      try {
        return await use(queue);
      } finally {
        await queue.close();
      }
    }

    const jobs = (...ids: string[]) => ids.map((id) => ({ id, topic: TOPIC, body: `body of ${id}` }));

    it('a job is done when the function has returned, and work ends when its signal is aborted', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a', 'b', 'c'));
        const ending = new AbortController();
        const bodies: string[] = [];
        const result = await queue.work(
          TOPIC,
          (job) => {
            bodies.push(job.body.toString());
            if (bodies.length === 3) ending.abort();
            return Promise.resolve();
          },
          { signal: ending.signal },
        );
        expect(bodies).to.deep.equal(['body of a', 'body of b', 'body of c']);
        expect(result).to.include({ done: 3, retried: 0, dead: 0, released: 0 });
        expect((await queue.stats()).topics).to.deep.equal([]);
      }));

    it('a job is done whatever the function does to its argument', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        const change = (job: object) => Promise.resolve(void Object.assign(job, { lease: 'x', id: 'y' }));
        const result = await queue.work(TOPIC, change, { max: 1 });
        expect(result).to.include({ done: 1 });
        expect(await queue.find('a')).to.deep.equal([]);
      }));

    it('a job whose function throws is retried by the policy, and then becomes a dead letter with the error as reason', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        const attempts: number[] = [];
        const ending = new AbortController();
        const result = await queue.work(
          TOPIC,
          (job) => {
            attempts.push(job.attempts);
            if (job.attempts === 3) ending.abort();
            throw new Error('the shop is closed');
          },
          { signal: ending.signal, retry: { retries: 2, backoff: AT_ONCE } },
        );
        expect(attempts).to.deep.equal([1, 2, 3]);
        expect(result).to.include({ done: 0, retried: 2, dead: 1 });
        expect(only(await queue.find('a'))).to.include({ state: 'dead', reason: 'the shop is closed' });
      }));

    it('the function can return when its job is retried, or that it is dead', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('later', 'never'));
        const outcome = {
          later: { retryInMs: LONG_MS },
          never: { dead: true, reason: 'no such order' },
        } as const;
        await queue.work(
          TOPIC,
          (job) => Promise.resolve(outcome[job.id.toString() as keyof typeof outcome]),
          {
            max: 2,
          },
        );
        expect(only(await queue.find('later'))).to.include({ state: 'delayed', attempts: 1 });
        expect(only(await queue.find('never'))).to.include({ state: 'dead', reason: 'no such order' });
      }));

    for (const returned of [
      true,
      false,
      0,
      '',
      'ok',
      {},
      [],
      { ok: true, reason: 'paid' },
      Buffer.from('x'),
    ]) {
      it(`a job is done when its function returns ${JSON.stringify(returned)}, as a function without types may`, () =>
        withQueue(async (queue) => {
          await queue.pushMany(jobs('a'));
          const handler = (() => Promise.resolve(returned)) as unknown as JobHandler;
          expect(await queue.work(TOPIC, handler, { max: 1 })).to.include({ done: 1, retried: 0, dead: 0 });
          expect(await queue.find('a')).to.deep.equal([]);
        }));
    }

    for (const [returned, problem] of [
      [{ dead: false }, 'dead is not true: false'],
      [{ retryInMs: -1 }, 'retryInMs must not be negative'],
      [{ retryInMs: '5' }, 'retryInMs is not a number of milliseconds'],
      [{ dead: true, retryInMs: 1 }, 'unknown field of an outcome: "retryInMs"'],
      [{ reason: 5 }, 'The reason is not a string: 5'],
    ] as const) {
      it(`an attempt fails with what is wrong when its function returns ${JSON.stringify(returned)}`, () =>
        withQueue(async (queue) => {
          await queue.pushMany(jobs('a'));
          const handler = (() => Promise.resolve(returned)) as unknown as JobHandler;
          await queue.work(TOPIC, handler, {
            max: 1,
            retry: { backoff: { firstMs: LONG_MS, lastMs: LONG_MS } },
          });
          const { history = [], state } = only(await queue.find('a'));
          expect(state).to.equal('delayed');
          expect(only(history).reason).to.equal(`the function returned an invalid outcome: ${problem}`);
        }));
    }

    for (const [what, thrown] of Object.entries({
      'an object that cannot be made a text': Object.create(null) as Error,
      'an error whose message cannot be read': Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error('no message');
        },
      }),
      'a proxy that was revoked': revokedProxy(),
    })) {
      it(`an attempt fails when its function throws ${what}`, () =>
        withQueue(async (queue) => {
          await queue.pushMany(jobs('a'));
          const handler = () => Promise.reject(thrown);
          expect(await queue.work(TOPIC, handler, { max: 1 })).to.include({ retried: 1 });
        }));
    }

    it('the work goes on, with a warning, when its listener throws', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a', 'b'));
        const warnings = await warningsOf(async () => {
          const result = await queue.work(TOPIC, () => Promise.reject(new Error('never')), {
            max: 2,
            retry: { retries: 0 },
            onEvent: () => {
              throw new Error('the log is full');
            },
          });
          expect(result).to.include({ dead: 2 });
        });
        const warning = 'DelayerWarning: onEvent failed at the event job_dead: the log is full';
        expect(warnings).to.deep.equal([warning, warning]);
      }));

    it('when the queue is closed, the job in hand is finished and acknowledged, and no other one is taken', async () => {
      let finish = (): void => undefined;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      let begun: string[] = [];
      await withQueue(async (queue) => {
        await queue.pushMany(jobs('a', 'b'));
        const work = queue.work(TOPIC, (job) => {
          begun = [...begun, job.id.toString()];
          return finished;
        });
        await eventually(() => begun.length === 1);
        const closed = queue.close();
        expect(await failureOf(queue.push({ topic: TOPIC, body: 'c' }))).to.have.property('code', 'usage');
        finish();
        await closed;
        expect(await work).to.include({ done: 1, released: 0 });
        expect(await failureOf(queue.work(TOPIC, () => Promise.resolve()))).to.have.property('code', 'usage');
      });
      await withQueue(async (queue) => {
        expect(begun).to.deep.equal(['a']);
        expect(await queue.find('a')).to.deep.equal([]);
        expect(only(await queue.find('b'))).to.include({ state: 'ready', attempts: 0 });
      });
    });

    it('a function can close the queue, and its job is acknowledged all the same', async () => {
      await withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        expect(await queue.work(TOPIC, () => queue.close())).to.include({ done: 1 });
      });
      await withQueue(async (queue) => {
        expect(await queue.find('a')).to.deep.equal([]);
      });
    });

    it('work that waits for jobs ends when the queue is closed', () =>
      withQueue(async (queue) => {
        const work = queue.work(TOPIC, () => Promise.resolve());
        await queue.now();
        await queue.close();
        expect(await work).to.include({ done: 0 });
      }));

    it('`concurrency` functions run at once, and only their jobs are leased', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a', 'b', 'c'));
        let free = (): void => undefined;
        const held = new Promise<void>((resolve) => (free = resolve));
        let inHand = 0;
        const work = queue.work(
          TOPIC,
          () => {
            inHand += 1;
            return held;
          },
          { concurrency: 2, max: 3 },
        );
        await eventually(() => inHand === 2);
        expect((await queue.stats()).topics[0]?.leased).to.equal(2);
        free();
        expect(await work).to.include({ done: 3 });
      }));

    it('a function that exceeds timeoutMs gets an abort, and its job fails', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        let wasTold = false;
        await queue.work(
          TOPIC,
          (_, { signal }) =>
            new Promise(() => {
              signal.addEventListener('abort', () => (wasTold = true));
            }),
          { max: 1, timeoutMs: 50, retry: { backoff: { firstMs: LONG_MS, lastMs: LONG_MS } } },
        );
        expect(wasTold).to.be.true;
        const job = only(await queue.find('a'));
        expect(job).to.include({ state: 'delayed', attempts: 1 });
        expect(only(job.history ?? [])).to.include({ outcome: 'retried', reason: 'timed out after 50 ms' });
      }));

    it('a function whose lease was lost gets an abort, and its result is ignored', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        let wasTold = false;
        const result = await queue.work(
          TOPIC,
          async (_, { signal }) => {
            await queue.removeMany(['a'], { states: 'any' });
            await queue.push({ id: 'a', topic: TOPIC, body: 'a newer one', delayMs: LONG_MS });
            await new Promise<void>((resolve) => {
              signal.addEventListener('abort', () => {
                wasTold = true;
                resolve();
              });
            });
          },
          // Leases are renewed, and lost ones noticed, after a third of this time.
          { max: 1, leaseMs: 600 },
        );
        expect(wasTold).to.be.true;
        expect(result).to.include({ done: 0 });
        expect(only(await queue.find('a'))).to.include({ state: 'delayed', attempts: 0 });
      }));

    it('the work goes on after a job was removed during its function', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a', 'b', 'c'));
        const done: string[] = [];
        const ending = new AbortController();
        const result = await queue.work(
          TOPIC,
          async ({ id }, { signal }) => {
            if (id.toString() === 'a') {
              await queue.removeMany(['a'], { states: 'any' });
              await new Promise((resolve) => signal.addEventListener('abort', resolve));
            }
            done.push(id.toString());
            if (done.length === 3) ending.abort();
          },
          { signal: ending.signal, leaseMs: 600 },
        );
        expect(done.sort()).to.deep.equal(['a', 'b', 'c']);
        expect(result).to.include({ done: 2, settled: 1 });
      }));

    it('`abort` stops the running functions, and releases their jobs without counting an attempt', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        const [ending, abort] = [new AbortController(), new AbortController()];
        let wasTold = false;
        const work = queue.work(
          TOPIC,
          (_, { signal }) =>
            new Promise(() => {
              signal.addEventListener('abort', () => (wasTold = true));
              ending.abort();
              abort.abort();
            }),
          { signal: ending.signal, abort: abort.signal },
        );
        expect(await work).to.include({ done: 0, released: 1 });
        expect(wasTold).to.be.true;
        expect(only(await queue.find('a'))).to.include({ state: 'ready', attempts: 0 });
      }));

    it('`abort` alone ends work that waits for jobs', () =>
      withQueue(async (queue) => {
        const abort = new AbortController();
        await queue.pushMany(jobs('a'));
        // The job is acknowledged before the next one is looked for.
        const isDone = async () => (await queue.find('a')).length === 0;
        const work = queue.work(TOPIC, () => Promise.resolve(), { abort: abort.signal });
        await eventually(isDone);
        abort.abort();
        expect(await work).to.include({ done: 1, released: 0 });
      }));

    it('`abort` that has aborted before lets no job begin', () =>
      withQueue(async (queue) => {
        await queue.pushMany(jobs('a'));
        const result = await queue.work(TOPIC, () => Promise.resolve(), { abort: AbortSignal.abort() });
        expect(result).to.include({ done: 0 });
        expect(only(await queue.find('a'))).to.include({ attempts: 0 });
      }));

    it('wrong options are refused as wrong usage', () =>
      withQueue(async (queue) => {
        const done = () => Promise.resolve();
        for (const options of [
          { concurrency: 0 },
          { leaseMs: 25 * 86_400_000 },
          { timeoutMs: -1 },
          { max: 0 },
          { retry: { retries: -1 } },
          { signal: 'now' },
          { retry: null },
          { retry: false },
          { holder: null },
          { onEvent: 5 },
          { abort: null },
          { concurency: 2 },
        ] as unknown as WorkOptions[]) {
          const error = await queue.work(TOPIC, done, options).catch((thrown: unknown) => thrown);
          expect(error, JSON.stringify(options)).to.include({ code: 'usage' });
        }
      }));
  });
});
