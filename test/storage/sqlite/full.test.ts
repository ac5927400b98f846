import { expect } from 'chai';
import { statSync } from 'node:fs';
import { failureOf } from '../../support/eventually.js';
import { ids, integrityOf, useFolder } from './files.js';

describe('a full disk under an SQLite file', () => {
  const folder = useFolder();
  const body = 'x'.repeat(1000);

  it('stats return how full the disk is, as the share of the file in file plus free space', async () => {
    let free = Infinity;
    const queue = await folder.openQueue('queue.db', { freeBytes: () => free });
    expect((await queue.stats()).usedPercent).to.equal(0);
    free = Math.max(statSync(folder.path()).size, 2 * 1024 * 1024);
    expect((await queue.stats()).usedPercent).to.equal(
      Math.floor((100 * statSync(folder.path()).size) / (statSync(folder.path()).size + free)),
    );
    // Pushes fail, however small the file is.
    free = 2 * 1024 * 1024 - 1;
    expect((await queue.stats()).usedPercent).to.equal(100);
  });

  it('a push to a full disk fails and loses nothing, and works again when there is room', async () => {
    const queue = await folder.openQueue('queue.db', { maxPages: 100 });
    const pushed: string[] = [];
    const fill = async () => {
      for (const id of ids(10_000)) {
        await queue.push({ id, topic: 'topic', body });
        pushed.push(id);
      }
    };
    expect(await failureOf(fill())).to.include({ code: 'store_full', exitCode: 69 });
    expect(pushed).to.have.length.greaterThan(100);
    expect(integrityOf(folder.path())).to.equal('ok');

    const popped = (await queue.popMany('topic', 20)).map(({ id }) => id.toString());
    expect(popped).to.deep.equal(pushed.slice(0, 20));
    await queue.push({ id: 'later', topic: 'topic', body });
    const rest: string[] = [];
    for (
      let jobs = await queue.popMany('topic', 20);
      jobs.length > 0;
      jobs = await queue.popMany('topic', 20)
    ) {
      rest.push(...jobs.map(({ id }) => id.toString()));
    }
    expect(rest).to.deep.equal([...pushed.slice(20), 'later']);
    expect(integrityOf(folder.path())).to.equal('ok');
  });

  it('a batch that meets a full disk is pushed not at all, at whatever page the disk is full', async () => {
    const jobs = ids(100).map((id) => ({ id, topic: 'topic', body }));
    let maxPages = 10;
    for (; ; maxPages += 1) {
      const name = `${maxPages}.db`;
      const queue = await folder.openQueue(name, { maxPages });
      const failure = await queue.pushMany(jobs).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(integrityOf(folder.path(name)), name).to.equal('ok');
      if (failure === undefined) break;
      expect(failure, name).to.include({ code: 'store_full' });
      expect((await queue.stats()).topics, name).to.deep.equal([]);
    }
    expect(maxPages).to.be.greaterThan(30);
  });
});
