import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startChild } from './children.js';
import { useFolder } from './files.js';

describe('waits on an SQLite file', () => {
  const folder = useFolder();

  it('a bpop ends when the clock of the store is moved past the due time', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.push({ id: 'id', topic: 'topic', body: 'b', delayMs: 3_600_000 });
    const popped = queue.bpop('topic', { timeoutMs: 15_000 });
    await sleep(20); // Lets the wait begin; without it the test would pass, but prove less.
    now += 3_600_000;
    expect((await popped)?.id.toString()).to.equal('id');
  });

  it('a bpop on a paused topic goes on while jobs are pushed, and ends when the topic is resumed', async () => {
    const queue = await folder.openQueue();
    const other = await folder.openQueue();
    await queue.pause('topic');
    const popped = queue.bpop('topic', { timeoutMs: 15_000 });
    await other.push({ id: 'id', topic: 'topic', body: 'b' });
    await sleep(50);
    expect((await queue.find('id'))[0]?.state).to.equal('ready');
    await other.resume('topic');
    expect((await popped)?.id.toString()).to.equal('id');
  });

  it('a bpop on a paused topic ends when the pause is over', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.push({ id: 'id', topic: 'topic', body: 'b' });
    await queue.pause('topic', { forMs: 60_000 });
    const popped = queue.bpop('topic', { timeoutMs: 15_000 });
    await sleep(20);
    now += 60_000;
    expect((await popped)?.id.toString()).to.equal('id');
    expect((await queue.stats()).topics).to.be.empty;
  });

  it('a process that has waited exits by itself, even if it left its store open', async () => {
    const child = startChild(['wait', folder.path()]);
    expect(await child.ended()).to.deep.equal([]);
    expect(child.process.exitCode).to.equal(0);
  });
});
