import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { Keys } from '../../../src/storage/redis/keys.js';
import { ReadySweep } from '../../../src/storage/redis/ready-sweep.js';

const [SOON, LATER] = [{ nextInMs: 2 }, { nextInMs: 60_000 }];

describe('the sweep through the ready lists', () => {
  /** The number of entries of each part that was read, of a list without end. */
  const parts: number[] = [];
  let taken = 0;
  const redis = {
    sendCommand: ({ args }: { args: string[] }) => {
      parts.push(Number(args.at(-1)));
      return Promise.resolve([0, taken, 5000, 0]);
    },
  } as unknown as Redis;
  const target = { redis, keys: new Keys('delayer') };
  const busyNever = { isBusy: false, isUntidy: false };
  let sweep: ReadySweep;

  beforeEach(async () => {
    parts.length = taken = 0;
    sweep = new ReadySweep({ run: (_mode, send) => send(target, false) });
    sweep.suspect([Buffer.from('topic')]);
    await sweep.step({ ...busyNever, ...LATER });
  });

  it('takes a part at each step while no job is due soon', async () => {
    await sweep.step({ ...busyNever, ...LATER });
    await sweep.step(busyNever);
    expect(parts).to.have.length(3);
    expect(new Set(parts).size).to.equal(1);
  });

  it('skips most steps while jobs are due soon', async () => {
    for (let step = 0; step < 200; step += 1) await sweep.step({ ...busyNever, ...SOON });
    expect(parts.length).to.be.below(20);
  });

  it('takes smaller parts while jobs are due soon, if it found something to clear', async () => {
    taken = 1;
    await sweep.step({ ...busyNever, ...LATER });
    await sweep.step({ ...busyNever, ...SOON });
    await sweep.step({ ...busyNever, ...SOON });
    const [long = 0, , ...short] = parts;
    expect(short).to.have.length(2);
    for (const entries of short) expect(entries).to.be.below(long);
  });
});
