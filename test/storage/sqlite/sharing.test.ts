import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { LONG_MS, reserve } from '../../support/jobs.js';
import { startChild } from './children.js';
import { ids, integrityOf, useFolder } from './files.js';

describe('processes that share an SQLite file', () => {
  const folder = useFolder();

  it('a bpop wakes at a push of another process', async () => {
    const queue = await folder.openQueue();
    const popped = queue.bpop('topic', { timeoutMs: 15_000 });
    const child = startChild(['push', folder.path(), 'id', 1]);
    expect((await popped)?.id.toString()).to.equal('id0');
    expect(await child.ended()).to.deep.equal(['id0']);
  });

  it('waitForPush ends when another process pushes', async () => {
    const store = await folder.open();
    await store.maintain();
    const woken = store.waitForPush({ maxMs: 60_000 });
    const child = startChild(['push', folder.path(), 'id', 1]);
    await woken;
    await child.ended();
    expect((await store.stats({ exact: true })).topics[0]?.ready).to.equal(1);
  });

  it('eight processes push while eight others pop, and each job is popped once', async function () {
    this.timeout(300_000);
    const queue = await folder.openQueue();
    const stems = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const pushers = stems.map((stem) => startChild(['push', folder.path(), stem, 100]));
    const poppers = stems.map(() => startChild(['pop', folder.path(), '', 100]));
    const pushed = (await Promise.all(pushers.map((child) => child.ended()))).flat();
    expect(pushed.sort()).to.deep.equal(stems.flatMap((stem) => ids(100, stem)).sort());
    const popped = (await Promise.all(poppers.map((child) => child.ended()))).flat();
    expect(popped.sort()).to.deep.equal(stems.flatMap((stem) => ids(100, stem)).sort());
    expect((await queue.stats()).topics).to.deep.equal([]);
    expect(integrityOf(folder.path())).to.equal('ok');
  });

  it('a process that is killed while it pushes loses no job whose push had returned', async () => {
    const queue = await folder.openQueue();
    const acknowledged: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const action = round % 2 === 0 ? 'push' : 'batch';
      const child = startChild([action, folder.path(), `${round}-`, 1_000_000]);
      await eventually(() => child.lines.length > 100 * round, { withinMs: 60_000, everyMs: 1 });
      await child.kill();
      acknowledged.push(...child.lines);
    }
    expect(integrityOf(folder.path())).to.equal('ok');
    const popped: string[] = [];
    for (;;) {
      const jobs = await queue.popMany('topic', 500);
      if (jobs.length === 0) break;
      popped.push(...jobs.map(({ id }) => id.toString()));
    }
    expect(new Set(popped).size).to.equal(popped.length);
    const found = new Set(popped);
    expect(acknowledged.filter((id) => !found.has(id))).to.deep.equal([]);
  });

  it('a process that is killed while it pops loses at most the job that it had not printed yet', async () => {
    let ahead = 0;
    const queue = await folder.openQueue('queue.db', { now: () => Date.now() + ahead });
    await queue.pushMany(ids(2000).map((id) => ({ id, topic: 'topic', body: 'b' })));
    const delivered: string[] = [];
    for (let round = 1; round <= 4; round += 1) {
      const child = startChild(['pop', folder.path(), '', 1_000_000]);
      await eventually(() => child.lines.length > 20 * round, { withinMs: 60_000, everyMs: 1 });
      await child.kill();
      delivered.push(...child.lines);
    }
    // Beyond the end of the lease of any job that a killed process had taken.
    ahead = 60_000;
    for (;;) {
      const jobs = await queue.popMany('topic', 500);
      if (jobs.length === 0) break;
      delivered.push(...jobs.map(({ id }) => id.toString()));
    }
    // Each kill may lose one job that was popped and not printed yet.
    expect(new Set(delivered).size).to.equal(delivered.length);
    expect(2000 - delivered.length).to.be.within(0, 4);
    expect(integrityOf(folder.path())).to.equal('ok');
  });

  describe('an SQLite file that is locked by another connection', () => {
    const hold = () => {
      const other = openDatabase(folder.path());
      other.exec('BEGIN IMMEDIATE');
      return {
        release: () => {
          other.exec('ROLLBACK');
          other.close();
        },
      };
    };

    it('a push waits for the file, and the process can read meanwhile', async () => {
      const queue = await folder.openQueue();
      const held = hold();
      const pushed = queue.push({ id: 'id', topic: 'topic', body: 'b' });
      await new Promise(setImmediate);
      expect((await queue.stats()).topics).to.deep.equal([]);
      held.release();
      expect((await pushed).outcome).to.equal('pushed');
    });

    it('maintain does not wait for the file when there is nothing to do', async () => {
      const queue = await folder.openQueue('queue.db', { busyDeadlineMs: 20 });
      await queue.push({ id: 'id', topic: 'topic', body: 'b' });
      const held = hold();
      const done = await queue.maintain();
      held.release();
      expect(done).to.include({ promoted: 0, expired: 0, reclaimed: 0, more: false });
    });

    it('a push fails with store_busy when the file stays locked', async () => {
      const queue = await folder.openQueue('queue.db', { busyDeadlineMs: 20 });
      const held = hold();
      const error = await failureOf(queue.push({ id: 'id', topic: 'topic', body: 'b' }));
      held.release();
      expect(error).to.include({ code: 'store_busy', exitCode: 69 });
      expect(error.message).to.contain(folder.path());
      expect(await queue.find('id')).to.deep.equal([]);
    });

    it('ack, nack, release and extend are done once the file is free, though their timeout is over or their signal aborted', async () => {
      const queue = await folder.openQueue();
      await queue.pushMany(ids(5).map((id) => ({ id, topic: 'topic', body: 'b' })));
      const leases = await reserve(queue, 'topic', 5);
      const over = [{ timeoutMs: 0 }, { signal: AbortSignal.abort() }];
      const held = hold();
      const calls = over.flatMap((limits, i) => [
        queue.ack(leases.slice(i, i + 1), limits),
        queue.nack(leases.slice(2, 3), { dead: true, ...limits }),
        queue.release(leases.slice(3, 4), limits),
        queue.extend(leases.slice(4), LONG_MS, limits),
      ]);
      // The pop shares a transaction with these calls, and is given up after the first try.
      expect(await queue.pop('topic', { timeoutMs: 0 })).to.be.undefined;
      held.release();
      const [acked, nacked, released, extended, ackedToo] = await Promise.all(calls);
      expect([acked, nacked, released, ackedToo]).to.deep.equal([
        [true],
        [{ outcome: 'dead' }],
        [true],
        [true],
      ]);
      expect(extended?.[0]).to.be.a('date');
      expect(await statesById(queue)).to.deep.equal({ 2: 'dead', 3: 'ready', 4: 'leased' });
    });

    it('an ack fails with store_busy when the file stays locked long after its timeout', async () => {
      const queue = await folder.openQueue();
      await queue.push({ id: 'id', topic: 'topic', body: 'b' });
      const leases = await reserve(queue, 'topic');
      const held = hold();
      const error = await failureOf(queue.ack(leases, { timeoutMs: 0 }));
      held.release();
      expect(error).to.include({ code: 'store_busy', exitCode: 69 });
      expect(await queue.ack(leases)).to.deep.equal([true]);
    }).timeout(10_000);
  });
});

async function statesById(queue: Queue): Promise<Record<string, string>> {
  const { jobs } = await queue.list('topic');
  return Object.fromEntries(jobs.map(({ id, state }) => [id.toString(), state]));
}
