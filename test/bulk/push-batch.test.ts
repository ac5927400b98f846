import { expect } from 'chai';
import { EventEmitter, once } from 'node:events';
import { DelayerError } from '../../src/core/errors.js';
import { toNewJob } from '../../src/core/validate.js';
import { LineRanges } from '../../src/bulk/line-ranges.js';
import { type BatchItem, type BatchResult, pushBatch } from '../../src/bulk/push-batch.js';
import { eventually, failureOf } from '../support/eventually.js';
import { unhandledDuring } from '../support/unhandled.js';
import { numbered, popAll, TOPIC, useQueue } from '../worker/world.js';

/** Lines in parts, as they are read from a file. */
// eslint-disable-next-line @typescript-eslint/require-await -- a file's lines are waited for
async function* items(count: number, bad: readonly number[] = []): AsyncGenerator<BatchItem[]> {
  for (let start = 0; start < count; start += 7) {
    yield numbered(Math.min(7, count - start)).map((i): BatchItem => {
      const line = start + Number(i) + 1;
      if (bad.includes(line)) return { line, error: new DelayerError('usage', 'bad') };
      return { line, job: toNewJob({ id: `${line - 1}`, topic: TOPIC, body: 'b' }) };
    });
  }
}

describe('pushBatch', () => {
  const world = useQueue();
  const results = async (input: AsyncIterable<BatchItem[]>) => {
    const all: BatchResult[] = [];
    for await (const chunk of pushBatch(world.queue, input, { onExisting: 'refuse' })) all.push(...chunk);
    return all;
  };

  it('a batch of many chunks is pushed and answered in order', async () => {
    const all = await results(items(1600));
    expect(all.map(({ line }) => line)).to.deep.equal(numbered(1600).map((n) => Number(n) + 1));
    expect(await popAll(world.queue)).to.deep.equal(numbered(1600));
  });

  it('lines that have come are pushed and answered while the input is idle', async () => {
    const answered = new EventEmitter();
    async function* idling(): AsyncGenerator<BatchItem[]> {
      yield* items(3);
      // This waits for ever unless the first three lines are answered before more input comes.
      await once(answered, 'three');
      yield [{ line: 4, job: toNewJob({ id: '3', topic: TOPIC, body: 'b' }) }];
    }
    const lines: number[] = [];
    for await (const chunk of pushBatch(world.queue, idling(), { onExisting: 'refuse' })) {
      lines.push(...chunk.map(({ line }) => line));
      if (lines.length === 3) answered.emit('three');
    }
    expect(lines).to.deep.equal([1, 2, 3, 4]);
  });

  it('an empty batch has no results', async () => {
    expect(await results(items(0))).to.be.empty;
  });

  it('bad lines have an error at their place, and the others are pushed', async () => {
    const all = await results(items(600, [1, 250, 251, 600]));
    expect(all.flatMap((one) => ('error' in one ? [one.line] : []))).to.deep.equal([1, 250, 251, 600]);
    expect(all).to.have.length(600);
    expect(await popAll(world.queue)).to.have.length(596);
  });

  it('when the store fails, the error names the lines that were not pushed, after the results of all before', async () => {
    let calls = 0;
    const failing = world.queueWith({
      push: (params) =>
        (calls += 1) === 3
          ? Promise.reject(new DelayerError('store_full', 'no room'))
          : world.store.push(params),
    });
    const lines: number[] = [];
    let failure: unknown;
    try {
      for await (const chunk of pushBatch(failing, items(5000), { onExisting: 'refuse' })) {
        lines.push(...chunk.map(({ line }) => line));
      }
    } catch (error) {
      failure = error;
    }
    expect(failure).to.be.instanceOf(DelayerError).with.property('code', 'store_full');
    const named = /lines (\d+) to (\d+) and all later lines were not pushed/.exec((failure as Error).message);
    expect(Number(named?.[1])).to.equal(lines.length + 1);
    expect(lines).to.deep.equal(numbered(lines.length).map((n) => Number(n) + 1));
  });

  it('when the outcome of a push is unknown, the error names the lines in doubt', async () => {
    const lost = () => Promise.reject(new DelayerError('outcome_unknown', 'the answer was lost'));
    const failing = world.queueWith({ push: lost });
    const failure = await failureOf(pushBatch(failing, items(10), { onExisting: 'refuse' }).next());
    expect(failure).to.include({ code: 'outcome_unknown' });
    expect(failure.message).to.equal(
      'the answer was lost; lines 1 to 10 may have been pushed or not, and no later line was pushed',
    );
  });

  it('a failure before its results are asked for is not an unhandled rejection', async () => {
    let calls = 0;
    const failing = world.queueWith({
      push: async (params) => {
        calls += 1;
        if (calls === 3) throw new DelayerError('store_full', 'no room');
        return world.store.push(params);
      },
    });
    const pushing = pushBatch(failing, items(750), { onExisting: 'refuse' });
    const unhandled = await unhandledDuring(async () => {
      const first = must(await pushing.next());
      const lines = [...first, ...must(await pushing.next())].map(({ line }) => line);
      expect(lines).to.deep.equal(numbered(500).map((n) => Number(n) + 1));
      await eventually(() => calls === 3);
      expect(await failureOf(pushing.next())).to.include({ code: 'store_full' });
    });
    expect(unhandled).to.be.empty;
  });

  it('one chunk of at most 1 MiB is under way at a time', async () => {
    const [under, sizes]: [number[], number[]] = [[], []];
    let inFlight = 0;
    const watched = world.queueWith({
      push: async ({ jobs }) => {
        under.push((inFlight += 1));
        sizes.push(jobs.reduce((sum, { body }) => sum + body.length, 0));
        await new Promise(setImmediate);
        inFlight -= 1;
        return jobs.map(() => ({ outcome: 'pushed' as const }));
      },
    });
    // eslint-disable-next-line @typescript-eslint/require-await -- a file's lines are waited for
    async function* large(): AsyncGenerator<BatchItem[]> {
      const body = Buffer.alloc(300_000, 1);
      for (let line = 1; line <= 40; line += 1) yield [{ line, job: toNewJob({ topic: TOPIC, body }) }];
    }
    for await (const chunk of pushBatch(watched, large(), { onExisting: 'refuse' }))
      expect(chunk).to.not.be.empty;
    expect(Math.max(...under)).to.equal(1);
    expect(Math.max(...sizes)).to.equal(900_000);
  });

  it('the next chunk is read and pushed before the results of the one before are asked for', async () => {
    const pushed: number[] = [];
    const watched = world.queueWith({
      push: (params) => {
        pushed.push(params.jobs.length);
        return world.store.push(params);
      },
    });
    const pushing = pushBatch(watched, items(600), { onExisting: 'refuse' });
    await pushing.next();
    expect(pushed).to.deep.equal([250, 250]);
    await pushing.return(undefined);
  });

  it('a chunk that is under way when the caller stops is awaited, and its results are given to onUnasked', async () => {
    const unasked: BatchResult[] = [];
    const pushing = pushBatch(world.queue, items(1000), {
      onExisting: 'refuse',
      onUnasked: (some) => unasked.push(...some),
    });
    const asked = must(await pushing.next());
    await pushing.return(undefined);
    const lines = [...asked, ...unasked].map(({ line }) => line);
    expect(lines).to.deep.equal(numbered(500).map((n) => Number(n) + 1));
    expect(await popAll(world.queue)).to.deep.equal(numbered(500));
  });

  it('lines are reported as ranges, which end at a line that was not pushed, and not at one without a job', () => {
    const lines = new LineRanges();
    expect(lines.toString()).to.equal('');
    lines.add(1, true);
    expect(lines.toString()).to.equal('line 1');
    lines.add(3, true);
    lines.add(4, false);
    lines.add(5, true);
    expect(lines.toString()).to.equal('lines 1 to 3 and 5');
    for (let line = 6; line < 100; line += 1) lines.add(line, line % 2 === 1);
    expect(lines.toString()).to.match(/^lines 1 to 3, 5, 7, .*41 and \d+ more ranges$/);
  });
});

function must(result: IteratorResult<BatchResult[]>): BatchResult[] {
  if (result.done === true) throw new Error('there are no more results, where some were expected');
  return result.value;
}
