import { expect } from 'chai';
import { type BatchItem, type BatchResult, pushBatch } from '../../src/bulk/push-batch.js';
import type { Queue } from '../../src/core/queue.js';
import type { OnExisting } from '../../src/core/results.js';
import { toNewJob } from '../../src/core/validate.js';
import { SCRIPTS } from '../../src/storage/redis/scripts.generated.js';
import { eventually, failureOf } from '../support/eventually.js';
import { drain, idsOf, LONG_MS, must, textOf } from '../support/jobs.js';
import { Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';

describe('push --batch on a Redis that refuses or loses a part', () => {
  const ground = useRedis();
  let proxy: Proxy;
  /** Connected through the proxy. */
  let queue: Queue;
  /** Connected directly. */
  let witness: Queue;

  beforeEach(async () => {
    proxy = await Proxy.to({ path: ground.server.socket });
    queue = ground.queue(proxy.url);
    witness = ground.queue();
  });
  afterEach(() => proxy.close());

  async function push(items: readonly BatchItem[], onExisting: OnExisting = 'refuse') {
    const all: BatchResult[] = [];
    // eslint-disable-next-line @typescript-eslint/require-await -- a file's lines are waited for
    async function* input() {
      yield items;
    }
    for await (const results of pushBatch(queue, input(), { onExisting })) all.push(...results);
    return all;
  }
  const items = (count: number, job = (i: number) => ({ id: `${i}`, body: `${i}` })): BatchItem[] =>
    Array.from({ length: count }, (_, i) => ({ line: i + 1, job: toNewJob({ topic: 'topic', ...job(i) }) }));

  /** Matches the request of the nth chunk. */
  function nth(n: number): (request: Buffer) => boolean {
    let seen = 0;
    return (request) => request.includes(SCRIPTS.push.sha) && (seen += 1) === n;
  }

  /** Keeps Redis busy with a script for 700 ms; resolves when Redis answers BUSY. */
  async function keepBusy(): Promise<void> {
    await ground.raw.config('SET', 'lua-time-limit', '20');
    const now = "local function now() local t = redis.call('TIME'); return t[1] * 1000 + t[2] / 1000 end";
    const script = `${now}; local e = now() + 700; while now() < e do end`;
    const [busy, other] = [ground.server.client(), ground.server.client()];
    await Promise.all([busy.ping(), other.ping()]);
    busy.eval(script, 0).catch(() => undefined);
    await eventually(async () => {
      expect((await failureOf(other.ping())).message).to.contain('BUSY');
    });
  }

  /** Makes Redis a replica for 80 ms. */
  async function demote(): Promise<void> {
    await ground.raw.call('REPLICAOF', '127.0.0.1', '1');
    setTimeout(() => void ground.raw.call('REPLICAOF', 'NO', 'ONE'), 80);
  }

  for (const [what, refuse] of [
    [
      'a script that Redis has forgotten',
      async () => {
        await ground.raw.script('FLUSH');
      },
    ],
    ['a Redis that is busy', keepBusy],
    ['a Redis that becomes a replica for a moment', demote],
  ] as const) {
    it(`${what} does not change the order of chunks`, async () => {
      const refused = proxy.before(nth(2), refuse);
      const results = await push(items(1000));
      await refused;
      expect(results.every((one) => 'receipt' in one && one.receipt.outcome === 'pushed')).to.be.true;
      expect(idsOf(await drain(witness, 'topic'))).to.deep.equal(items(1000).map((_, i) => `${i}`));
    });
  }

  it('the last of several replacements of one id in different chunks wins, although one is refused for a while', async () => {
    const refused = proxy.before(nth(2), demote);
    const same = items(600, (i) => ({ id: i % 250 === 0 ? 'same' : `${i}`, body: `${i}` }));
    await push(same, 'replace');
    await refused;
    expect((await witness.find('same')).map(textOf)).to.deep.equal(['500']);
  });

  it('a broken connection leaves one chunk unknown, and each of its lines is reported', async () => {
    proxy.cut('request', { when: nth(3) });
    const results = await push(
      items(1000, (i) => ({ id: `${i}`, body: 'b' })),
      'refuse',
    );
    const unknown = results.flatMap((one) =>
      'receipt' in one && one.receipt.outcome === 'unknown' ? [one.line] : [],
    );
    expect(proxy.cuts).to.equal(1);
    expect([unknown.length, unknown[0], unknown.at(-1)]).to.deep.equal([250, 501, 750]);
    expect(must((await witness.stats()).totals.due)).to.equal(750);
  });

  it('a Redis that goes away makes the error name all lines in doubt, and no later line is pushed', async () => {
    const gone = proxy.before(nth(3), () => {
      proxy.refuse();
      return Promise.resolve();
    });
    const delayed = items(1000).map((one) =>
      'job' in one ? { ...one, job: { ...one.job, due: { delayMs: LONG_MS } } } : one,
    );
    const error = await failureOf(push(delayed));
    await gone;
    expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
    expect(error.message).to.contain(
      'lines 501 to 750 may have been pushed or not, and no later line was pushed',
    );
    expect((await witness.stats()).totals).to.include({ delayed: 500 });
  });
});
