import { copyFileSync, openSync, closeSync, readFileSync, statSync, writeSync } from 'node:fs';
import { expect } from 'chai';
import { integrityOf, useFolder } from './files.js';

const PAGE_BYTES = 4096;
const LOG_HEAD_BYTES = 32;
const FRAME_HEAD_BYTES = 24;

/** The last version of the first page in a log. https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
function firstPageIn(log: Buffer): Buffer {
  let page: Buffer = Buffer.alloc(0);
  for (let at = LOG_HEAD_BYTES; at < log.length; at += FRAME_HEAD_BYTES + PAGE_BYTES)
    if (log.readUInt32BE(at) === 1)
      page = log.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + PAGE_BYTES);
  return page;
}

describe('an SQLite file whose log was being brought into it when its process was killed', () => {
  const folder = useFolder();

  it('is opened with all its jobs, though its first page counts more pages than it has', async () => {
    const queue = await folder.openQueue('queue.db');
    const body = Buffer.alloc(20_000, 'x');
    await queue.pushMany(Array.from({ length: 100 }, (_, i) => ({ id: `${i}`, topic: 'topic', body })));
    for (const end of ['', '-wal'])
      copyFileSync(folder.path(`queue.db${end}`), folder.path(`killed.db${end}`));
    const killed = folder.path('killed.db');
    const page = firstPageIn(readFileSync(`${killed}-wal`));
    const handle = openSync(killed, 'r+');
    writeSync(handle, page, 0, PAGE_BYTES, 0);
    closeSync(handle);
    expect(page.readUInt32BE(28)).to.be.above(statSync(killed).size / PAGE_BYTES);
    const again = await folder.openQueue('killed.db');
    expect((await again.stats()).topics[0]?.ready).to.equal(100);
    expect((await again.pop('topic'))?.body).to.deep.equal(body);
    await again.close();
    expect(integrityOf(killed)).to.equal('ok');
  });
});
