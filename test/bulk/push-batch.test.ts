import { expect } from 'chai';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayerError } from '../../src/core/errors.js';
import { toNewJob } from '../../src/core/queue.js';
import { type BulkItem, type BulkResult, pushBulk } from '../../src/bulk/push-batch.js';
import { failureOf } from '../support/eventually.js';
import { unhandledDuring } from '../support/unhandled.js';
import { changed, numbered, takeAll, TOPIC, useQueue } from '../worker/world.js';

/** Lines as a file gives them: some at a time. */
// eslint-disable-next-line @typescript-eslint/require-await -- a file's lines are waited for
async function* items(count: number, bad: readonly number[] = []): AsyncGenerator<BulkItem[]> {
  for (let start = 0; start < count; start += 7) {
    yield numbered(Math.min(7, count - start)).map((i): BulkItem => {
      const line = start + Number(i) + 1;
      if (bad.includes(line)) return { line, error: new DelayerError('usage', 'bad') };
      return { line, job: toNewJob({ id: `${line - 1}`, topic: TOPIC, body: 'b' }) };
    });
  }
}

describe('pushing in bulk', () => {
  const world = useQueue();
  const results = async (input: AsyncIterable<BulkItem[]>) => {
    const all: BulkResult[] = [];
    for await (const block of pushBulk(world.queue.store, input, 'refuse')) all.push(...block);
    return all;
  };

  it('pushes in order, over many blocks, and answers in order', async () => {
    const all = await results(items(1600));
    expect(all.map(({ line }) => line)).to.deep.equal(numbered(1600).map((n) => Number(n) + 1));
    expect(await takeAll(world.queue)).to.deep.equal(numbered(1600));
  });

  it('pushes and answers what has come when its input pauses', async () => {
    const answered = new EventEmitter();
    async function* pausing(): AsyncGenerator<BulkItem[]> {
      yield* items(3);
      // For ever, if nobody answers before more comes.
      await once(answered, 'three');
      yield [{ line: 4, job: toNewJob({ id: '3', topic: TOPIC, body: 'b' }) }];
    }
    const lines: number[] = [];
    for await (const block of pushBulk(world.queue.store, pausing(), 'refuse')) {
      lines.push(...block.map(({ line }) => line));
      if (lines.length === 3) answered.emit('three');
    }
    expect(lines).to.deep.equal([1, 2, 3, 4]);
  });

  it('has nothing to answer to nothing', async () => {
    expect(await results(items(0))).to.be.empty;
  });

  it('goes on after bad lines, and answers them in their places', async () => {
    const all = await results(items(600, [1, 250, 251, 600]));
    expect(all.flatMap((one) => ('error' in one ? [one.line] : []))).to.deep.equal([1, 250, 251, 600]);
    expect(all).to.have.length(600);
    expect(await takeAll(world.queue)).to.have.length(596);
  });

  it('names the lines that were not pushed when the store fails, after all answers before them', async () => {
    let calls = 0;
    const failing = changed(world.queue.store, {
      push: (jobs, onExisting) =>
        (calls += 1) === 3
          ? Promise.reject(new DelayerError('store_full', 'no room'))
          : world.queue.store.push(jobs, onExisting),
    });
    const lines: number[] = [];
    let failure: unknown;
    try {
      for await (const block of pushBulk(failing, items(5000), 'refuse')) {
        lines.push(...block.map(({ line }) => line));
      }
    } catch (error) {
      failure = error;
    }
    expect(failure).to.be.instanceOf(DelayerError).with.property('code', 'store_full');
    const named = /lines (\d+) to (\d+) were not pushed/.exec((failure as Error).message);
    expect(Number(named?.[1])).to.equal(lines.length + 1);
    expect(lines).to.deep.equal(numbered(lines.length).map((n) => Number(n) + 1));
  });

  it('says of lines that they may be pushed or not when nobody knows', async () => {
    const lost = () => Promise.reject(new DelayerError('outcome_unknown', 'the answer was lost'));
    const failing = changed(world.queue.store, { push: lost });
    const failure = await failureOf(pushBulk(failing, items(10), 'refuse').next());
    expect(failure).to.include({ code: 'outcome_unknown' });
    expect(failure.message).to.equal('the answer was lost; lines 1 to 10 may be pushed or not');
  });

  it('gives the answers before a block that fails, although that fails first', async () => {
    let calls = 0;
    const failed = new EventEmitter();
    const third = once(failed, 'third');
    const failing = changed(world.queue.store, {
      push: async (jobs, onExisting) => {
        calls += 1;
        if (calls === 3) {
          failed.emit('third');
          throw new DelayerError('store_full', 'no room');
        }
        if (calls === 2) await third;
        return world.queue.store.push(jobs, onExisting);
      },
    });
    const pushing = pushBulk(failing, items(750), 'refuse');
    const unhandled = await unhandledDuring(async () => {
      const lines = [...must(await pushing.next()), ...must(await pushing.next())].map(({ line }) => line);
      expect(lines).to.deep.equal(numbered(500).map((n) => Number(n) + 1));
      expect(await failureOf(pushing.next())).to.include({ code: 'store_full' });
    });
    expect(unhandled).to.be.empty;
  });

  it('has the first block alone under way, then three of them at most, of a megabyte at most', async () => {
    const under: number[] = [];
    const sizes: number[] = [];
    let inFlight = 0;
    const watched = changed(world.queue.store, {
      push: async (jobs) => {
        under.push((inFlight += 1));
        sizes.push(jobs.reduce((sum, { body }) => sum + body.length, 0));
        await sleep(5);
        inFlight -= 1;
        return jobs.map(() => ({ outcome: 'pushed' as const }));
      },
    });
    // eslint-disable-next-line @typescript-eslint/require-await -- a file's lines are waited for
    async function* large(): AsyncGenerator<BulkItem[]> {
      const body = Buffer.alloc(300_000, 1);
      for (let line = 1; line <= 40; line += 1) yield [{ line, job: toNewJob({ topic: TOPIC, body }) }];
    }
    for await (const block of pushBulk(watched, large(), 'refuse')) expect(block).to.not.be.empty;
    expect(under.slice(0, 4)).to.deep.equal([1, 1, 2, 3]);
    expect(Math.max(...under)).to.equal(3);
    expect(Math.max(...sizes)).to.equal(900_000);
  });
});

function must(result: IteratorResult<BulkResult[]>): BulkResult[] {
  if (result.done === true) throw new Error('there are no more results, where some were expected');
  return result.value;
}
