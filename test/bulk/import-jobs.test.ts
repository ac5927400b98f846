import { expect } from 'chai';
import { importJobs, type ImportItem, type ImportResult } from '../../src/bulk/import-jobs.js';
import { DelayerError } from '../../src/core/errors.js';
import type { Imported } from '../../src/core/transfer.js';
import type { Store } from '../../src/core/store.js';
import { toImportedJob } from '../../src/core/validate-import.js';
import { numbered, popAll, TOPIC, useQueue } from '../worker/world.js';

const FILE = 'jobs.ndjson';
/** More than two chunks. */
const COUNT = 600;

function* items(): Generator<ImportItem[]> {
  for (const id of numbered(COUNT)) {
    const line = Number(id) + 1;
    yield [
      { line, job: toImportedJob({ id, topic: TOPIC, body: 'b', state: 'delayed', dueAt: new Date(0) }) },
    ];
  }
}

describe('importJobs', () => {
  const world = useQueue();

  /** Imports all lines: `first` handles the first chunk, and `others` is given the answers to the others. */
  async function imported(
    first: (send: () => Promise<Imported>) => Promise<Imported>,
    others: (answer: Imported) => void,
  ): Promise<ImportResult[]> {
    let chunks = 0;
    const send: Store['import'] = async (params) => {
      if (params.jobs.length === 0) return world.store.import(params);
      chunks += 1;
      if (chunks === 1) return first(() => world.store.import(params));
      const answer = await world.store.import(params);
      others(answer);
      return answer;
    };
    const results: ImportResult[] = [];
    const queue = world.queueWith({ import: send });
    for await (const some of importJobs(queue, toAsync(items()), { onExisting: 'refuse', file: FILE }))
      results.push(...some);
    return results;
  }

  it('a chunk that reaches the store too early is sent again after the one before it, and no line is left out', async () => {
    const answers: Imported[] = [];
    let isOvertaken: () => void;
    const overtaken = new Promise<void>((resolve) => (isOvertaken = resolve));
    const results = await imported(
      async (send) => {
        await overtaken;
        return send();
      },
      (answer) => {
        answers.push(answer);
        isOvertaken();
      },
    );
    expect(answers[0]).to.deep.equal({ outcomes: [], reached: 0 });
    expect(results.map((one) => [one.line, 'outcome' in one && one.outcome])).to.deep.equal(
      numbered(COUNT).map((id) => [Number(id) + 1, 'imported']),
    );
    expect(await popAll(world.queue)).to.deep.equal(numbered(COUNT));
  });

  it('a chunk that fails ends the import with its error, and later chunks import nothing', async () => {
    const full = new DelayerError('store_full', 'no room');
    const answers: Imported[] = [];
    let failure: unknown;
    await imported(
      () => Promise.reject(full),
      (answer) => answers.push(answer),
    ).catch((error: unknown) => (failure = error));
    expect(failure).to.equal(full);
    expect(answers).to.deep.equal([{ outcomes: [], reached: 0 }]);
    expect(await popAll(world.queue)).to.deep.equal([]);
  });
});

// eslint-disable-next-line @typescript-eslint/require-await -- a file is read bit by bit
async function* toAsync<T>(all: Iterable<T>): AsyncGenerator<T> {
  yield* all;
}
