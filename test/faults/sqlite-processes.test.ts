import { DatabaseSync } from '@photostructure/sqlite';
import { expect } from 'chai';
import { join } from 'node:path';
import { drainFollow } from '../../src/worker/follow.js';
import { printHandler } from '../../src/worker/handlers/print.js';
import { linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { idsOf } from '../support/jobs.js';
import { batchOf, expectAllAccountedFor, idsInQueue, numbered, pushAll } from './accounting.js';
import { Measurement, SIZE } from './measure.js';

const TOPIC = 'topic';

describe('many processes on one SQLite file:', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${join(home, 'queue.db')}` }));

  const expectIntact = () => {
    const database = new DatabaseSync(join(cli.home, 'queue.db'), { readOnly: true });
    try {
      expect(database.prepare('PRAGMA integrity_check').all()).to.deep.equal([{ integrity_check: 'ok' }]);
    } finally {
      database.close();
    }
  };

  it('four producers and four consumers at once lose no job, deliver none twice, and leave a sound file', async () => {
    const ids = numbered(6000);
    const consumers = numbered(4).map(() => cli.start(['drain', TOPIC, '--follow', '--output', 'id']));
    const producers = await Promise.all(
      numbered(4).map((n) =>
        cli.run(['push', '--batch'], {
          stdin: batchOf(TOPIC, ids.slice(Number(n) * 1500, (Number(n) + 1) * 1500)),
        }),
      ),
    );
    for (const { code, stderr } of producers) expect(code, stderr).to.equal(0);
    await eventually(() => consumers.reduce((sum, one) => sum + one.lines.length, 0) >= ids.length, {
      withinMs: 30_000,
      everyMs: 50,
    });
    const ended = await Promise.all(consumers.map((one) => one.end()));
    for (const { signal, stderr } of ended) expect(signal, stderr).to.equal('SIGTERM');
    await expectAllAccountedFor(await cli.queue(), TOPIC, {
      pushed: producers.flatMap(linesOf),
      delivered: ended.flatMap(linesOf),
    });
    expectIntact();
  });

  it('a worker that is ended while another process holds the file still acks what it delivered', async () => {
    const queue = await cli.queue();
    await pushAll(queue, TOPIC, numbered(10));
    const [other, stop] = [new DatabaseSync(join(cli.home, 'queue.db')), new AbortController()];
    const delivered: string[] = [];
    const handler = printHandler((jobs) => {
      delivered.push(...idsOf(jobs));
      other.exec('BEGIN IMMEDIATE');
      stop.abort();
      return Promise.resolve(jobs.length);
    });
    const ended = drainFollow(queue, {
      topics: [Buffer.from(TOPIC)],
      handler,
      signal: stop.signal,
      onEvent: ({ type }) => expect.fail(type),
    });
    await eventually(() => stop.signal.aborted);
    // Another caller, whose timeout is longer than the pauses between two tries, finds the file locked too.
    expect(await (await cli.queue()).pop(TOPIC, { timeoutMs: 50 })).to.be.undefined;
    other.exec('ROLLBACK');
    other.close();
    expect(await ended).to.include({ done: 10, lateAcks: 0 });
    await expectAllAccountedFor(queue, TOPIC, { pushed: numbered(10), delivered });
  });

  it('twelve pushes at once create an absent file, and none is lost', async () => {
    const pushes = await Promise.all(numbered(12).map((id) => cli.run(['push', TOPIC, 'b', '--id', id])));
    for (const { code, stderr } of pushes) expect(code, stderr).to.equal(0);
    const pops = await Promise.all(numbered(12).map(() => cli.run(['pop', TOPIC, '--output', 'id'])));
    for (const { code, stderr } of pops) expect(code, stderr).to.equal(0);
    expect(pops.flatMap(linesOf).sort()).to.deep.equal(numbered(12).sort());
    expectIntact();
  });

  it('each of four waiting bpops gets one of four pushed jobs', async () => {
    const waiters = numbered(4).map(() => cli.start(['bpop', TOPIC, '--output', 'id']));
    const queue = await cli.queue();
    await pushAll(queue, TOPIC, numbered(4));
    const outcomes = await Promise.all(waiters.map((one) => one.ended));
    await expectAllAccountedFor(queue, TOPIC, { pushed: numbered(4), delivered: outcomes.flatMap(linesOf) });
    for (const { code } of outcomes) expect(code).to.equal(0);
  });

  it('processes that are killed with -9 while they commit lose no job that they printed, and leave a sound file', async () => {
    const acknowledged: string[] = [];
    const tried: string[] = [];
    const measured = new Measurement('processes killed -9 while they commit', 'SQLite');
    for (let kill = 0; kill < SIZE.commitKills; kill += 1) {
      const ids = numbered(6000, kill * 6000);
      const batch = cli.start(['push', '--batch'], { stdin: batchOf(TOPIC, ids, 3600) });
      await batch.printed(250 * ((kill % 4) + 1));
      acknowledged.push(...linesOf(await batch.end('SIGKILL')));
      tried.push(...ids);
      measured.add('kills', 1);
      expectIntact();
    }
    measured.add('jobs acknowledged', acknowledged.length);
    const queue = await cli.queue();
    const there = new Set(await idsInQueue(queue, TOPIC));
    measured.none('acknowledged jobs lost', acknowledged.filter((id) => !there.has(id)).length);
    expect(acknowledged.length).to.be.lessThan(tried.length);
    // Pushing all batches again completes them: repeated pushes change nothing.
    await pushAll(queue, TOPIC, tried, 3_600_000);
    await expectAllAccountedFor(queue, TOPIC, { pushed: tried });
    measured.end();
  });
});
