import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { printHandler } from '../../../src/worker/handlers/print.js';
import { drainLoop } from '../../../src/worker/loop.js';
import { drainPass } from '../../../src/worker/pass.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { idsOf, jobsOf, LONG_MS, must, reserve, SECOND_MS, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** Far less than the 15 s after which a Redis that hangs is given up. */
const SHORT_MS = 100;

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

describe('a Redis that hangs', function () {
  this.timeout(12_000);
  const ground = useRedis({ movableClock: true });
  const topics = [Buffer.from('topic')];
  const job = { id: '1', topic: 'topic', body: 'b' };
  const nothing = printHandler(() => Promise.resolve(0));
  let queue: Queue;

  beforeEach(() => {
    queue = ground.queue();
  });
  afterEach(() => ground.server.thaw());

  /** Makes the next request hang on a connection that has worked before. */
  async function hang(): Promise<void> {
    await queue.find('warm');
    ground.server.freeze();
  }

  for (const [when, begin] of [
    ['from the start', () => ground.server.freeze()],
    ['after it worked', hang],
  ] as const) {
    it(`ends a bpop and a drain loop when their time is over, with store_unreachable (${when})`, async () => {
      await begin();
      const options = { topics, handler: nothing, signal: new AbortController().signal };
      const window = { stepMs: SHORT_MS, forMs: SHORT_MS, onEvent: () => undefined };
      const calls = [
        queue.bpop('topic', { timeoutMs: SHORT_MS }),
        drainLoop(queue, { ...options, ...window }),
      ];
      for (const error of await Promise.all(calls.map(failureOf))) {
        expect(error).to.include({ code: 'store_unreachable', exitCode: 69 });
        expect(error.message).to.match(/no answer within \d+ ms \(ETIMEDOUT\)/);
      }
    });

    it(`ends a bpop and a drain when their signal is aborted (${when})`, async () => {
      await begin();
      const { signal, abort } = abortable();
      const waiting = queue.bpop('topic', { signal });
      const draining = failureOf(drainPass(queue, { topics, handler: nothing, signal }));
      await new Promise(setImmediate);
      abort();
      expect(await waiting).to.be.undefined;
      expect(await draining).to.include({ code: 'store_unreachable' });
    });
  }

  it('loses no job of a bpop that timed out: a job that it took comes back', async () => {
    await queue.push(job);
    await hang();
    expect(await failureOf(queue.bpop('topic', { timeoutMs: SHORT_MS }))).to.include({ exitCode: 69 });
    const other = ground.queue();
    ground.server.thaw();
    // The request was sent, so Redis executes it when it goes on.
    await eventually(async () => (await other.stats()).totals.leased === 1);
    ground.clock.advance(11 * SECOND_MS);
    expect(textOf(await other.pop('topic'))).to.equal('b');
  });

  it('is not sent a request later that was given up before it was sent', async () => {
    await queue.push(job);
    ground.server.freeze();
    const late = ground.queue();
    expect(await failureOf(late.pop('topic', { timeoutMs: SHORT_MS }))).to.include({ exitCode: 69 });
    ground.server.thaw();
    // By now the connection is made, and the request would have been sent.
    expect(await late.find('none')).to.be.empty;
    expect((await queue.stats()).totals).to.include({ leased: 0 });
  });

  it('does not end other calls on the same queue when one is given up', async () => {
    await hang();
    const pushing = queue.push(job);
    expect(await failureOf(queue.pop('topic', { timeoutMs: SHORT_MS }))).to.include({ exitCode: 69 });
    ground.server.thaw();
    expect((await pushing).outcome).to.equal('pushed');
  });

  it('leaves the outcome of an ack that timed out unknown, and of a push when its queue is closed', async () => {
    await queue.push(job);
    const other = ground.queue();
    const leases = await reserve(other, 'topic');
    ground.server.freeze();
    const calls = [other.ack(leases, { timeoutMs: SHORT_MS }), queue.push(job)].map(failureOf);
    await queue.close();
    for (const error of await Promise.all(calls)) expect(error).to.include({ code: 'outcome_unknown' });
  });
});

describe('many due jobs of another topic in Redis', () => {
  const ground = useRedis({ movableClock: true });

  async function pushDue(queue: Queue): Promise<void> {
    await queue.pushMany(jobsOf('other', 5000, { delayMs: LONG_MS }));
    ground.clock.advance(LONG_MS);
  }

  it('do not delay the end of a bpop at its timeout or abort', async () => {
    const queue = ground.queue();
    await pushDue(queue);
    expect(await queue.bpop('topic', { timeoutMs: 0 })).to.be.undefined;
    expect(must((await queue.stats()).totals.due)).to.be.above(0);
    const { signal, abort } = abortable();
    const waiting = queue.bpop('topic', { signal });
    abort();
    expect(await waiting).to.be.undefined;
    expect(must((await queue.stats()).totals.due)).to.be.above(0);
  });

  it('do not keep a ready job of the popped topic waiting', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await queue.maintain();
    await pushDue(queue);
    expect(idsOf(await queue.popMany('topic', 1, { timeoutMs: 0 }))).to.deep.equal(['1']);
    expect(must((await queue.stats()).totals.due)).to.be.above(0);
  });
});
