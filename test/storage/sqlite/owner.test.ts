import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { expect } from 'chai';
import { failureOf } from '../../support/eventually.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { Queue } from '../../../src/core/queue.js';
import { SqliteStore } from '../../../src/storage/sqlite/store.js';
import { ids, useFolder } from './files.js';

const LINUX = existsSync('/proc/locks');

describe('locks, paths and permissions of an SQLite file', () => {
  const folder = useFolder();
  const job = (id: string) => ({ id, topic: 'topic', body: 'b' });
  const removeFile = () => {
    for (const end of ['', '-wal', '-shm']) rmSync(folder.path() + end, { force: true });
  };

  if (LINUX) {
    /** Whether this process has a lock on the file. Without it, another process that closes the file deletes its log. */
    const isLocked = () => {
      const { ino } = statSync(folder.path());
      return readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .some((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `));
    };

    it('a second queue of the same file in one process leaves the lock of the first when it is closed', async () => {
      const queue = await folder.openQueue();
      await queue.push(job('1'));
      expect(isLocked()).to.be.true;
      symlinkSync(folder.path(), folder.path('link.db'));
      for (const name of ['queue.db', 'link.db']) {
        const second = await folder.openQueue(name);
        await second.push(job(name));
        await second.close();
        expect(isLocked(), name).to.be.true;
      }
      const log = statSync(`${folder.path()}-wal`).ino;
      // A connection that does not see a lock would delete the log when it is closed.
      const other = openDatabase(folder.path());
      other.prepare('SELECT count(*) FROM job').get();
      other.close();
      expect(statSync(`${folder.path()}-wal`).ino).to.equal(log);
    });

    it('a queue that was closed and opened again holds the lock', async () => {
      await (await folder.openQueue()).close();
      const queue = await folder.openQueue();
      await queue.push(job('1'));
      expect(isLocked()).to.be.true;
    });

    it('a closed queue leaves no descriptor open', async () => {
      const openFiles = () => readdirSync('/proc/self/fd').length;
      const use = async () => {
        const queue = new Queue(await SqliteStore.open(folder.path()));
        await queue.push({ topic: 'topic', body: 'b' });
        await queue.pop('topic');
        await queue.stats();
        await queue.close();
      };
      await use();
      const before = openFiles();
      for (let i = 0; i < 20; i += 1) await use();
      expect(openFiles()).to.be.at.most(before);
      expect(readdirSync(folder.path('.')).sort()).to.deep.equal(['queue.db', 'queue.db-spare']);
    });
  }

  const lost: [what: string, lose: () => void][] = [
    ['deleted', removeFile],
    ['renamed', () => renameSync(folder.path(), folder.path('other.db'))],
    [
      'replaced',
      () => {
        const other = openDatabase(folder.path('new.db'));
        other.exec('CREATE TABLE a (b)');
        other.close();
        renameSync(folder.path('new.db'), folder.path());
      },
    ],
  ];
  for (const [what, lose] of lost) {
    it(`a push, a pop and stats fail with store_moved after the file was ${what}`, async () => {
      for (const call of [
        (queue: Queue) => queue.push(job('2')),
        (queue: Queue) => queue.pop('topic'),
        (queue: Queue) => queue.stats(),
      ]) {
        removeFile();
        const queue = await folder.openQueue();
        await queue.push(job('1'));
        lose();
        expect(await failureOf(call(queue))).to.include({ code: 'store_moved', exitCode: 69 });
      }
    });
  }

  it('the call after store_moved uses the file that is there then', async () => {
    const queue = await folder.openQueue();
    await queue.push(job('1'));
    removeFile();
    await failureOf(queue.pop('topic'));
    expect(await queue.pop('topic')).to.be.undefined;
    expect(existsSync(folder.path())).to.be.false;
    await queue.push(job('2'));
    const other = await folder.openQueue();
    expect((await other.pop('topic'))?.id.toString()).to.equal('2');
  });

  it('a wait fails within a second after the file was deleted, and the next wait uses the new file', async () => {
    const queue = await folder.openQueue();
    const woken = failureOf(queue.waitForReady('topic', { timeoutMs: 60_000 }));
    removeFile();
    expect(await woken).to.include({ code: 'store_moved' });
    const popped = queue.bpop('topic', { timeoutMs: 60_000 });
    const other = await folder.openQueue();
    await other.push(job('later'));
    expect((await popped)?.id.toString()).to.equal('later');
  });

  it('a file with a hard link is refused, when it is opened and while it is open', async () => {
    const queue = await folder.openQueue();
    await queue.push(job('1'));
    linkSync(folder.path(), folder.path('second.db'));
    for (const failure of [failureOf(queue.push(job('2'))), failureOf(folder.open('second.db'))]) {
      expect(await failure).to.include({ code: 'store_refused' });
      expect((await failure).message).to.contain('2 hard links');
    }
    unlinkSync(folder.path('second.db'));
    expect((await queue.popMany('topic', 9)).map(({ id }) => id.toString())).to.deep.equal(['1']);
  });

  describe('an absent SQLite file', () => {
    const absent = (name = 'queue.db') =>
      SqliteStore.open(folder.path(name)).then((store) => new Queue(store));

    it('pop, reserve, remove, requeue and maintain find nothing, and create nothing', async () => {
      const queue = await absent();
      expect(await queue.pop('topic')).to.be.undefined;
      expect((await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000 })).jobs).to.be.empty;
      expect(await queue.remove('id')).to.be.false;
      expect(await queue.requeue(['id'])).to.deep.equal(['none']);
      expect(await queue.maintain()).to.include({ promoted: 0, more: false });
      await queue.resume('topic');
      await queue.waitForReady('topic', { timeoutMs: 1 });
      await queue.waitForPush({ timeoutMs: 1 });
      await queue.close();
      expect(readdirSync(folder.path('.'))).to.be.empty;
    });

    it('a view fails with store_absent, and creates nothing', async () => {
      const queue = await absent();
      for (const view of [queue.stats(), queue.find('id'), queue.list('topic'), queue.health()])
        expect(await failureOf(view)).to.include({ code: 'store_absent', exitCode: 69 });
      await queue.close();
      expect(readdirSync(folder.path('.'))).to.be.empty;
    });

    it('a view is empty in delayer’s own folder', async () => {
      const store = await SqliteStore.open(folder.path('own/queue.db'), { ownFolder: true });
      const queue = new Queue(store);
      expect((await queue.stats()).topics).to.deep.equal([]);
      expect(await queue.find('id')).to.deep.equal([]);
      await queue.close();
      expect(readdirSync(folder.path('.'))).to.be.empty;
    });

    it('an absent folder is reported, and not created', async () => {
      const failure = await failureOf(absent('no/such/queue.db'));
      expect(failure).to.include({ code: 'store_absent', exitCode: 69 });
      expect(failure.message).to.contain(folder.path('no/such'));
      expect(readdirSync(folder.path('.'))).to.be.empty;
    });

    it('a push creates the file, and the queue is new from then on', async () => {
      const queue = await absent();
      expect(queue.isNew).to.be.false;
      await queue.push(job('1'));
      expect(queue.isNew).to.be.true;
      await queue.close();
    });

    it('five first pushes at once create one store', async () => {
      const queues = await Promise.all(Array.from({ length: 5 }, () => absent()));
      await Promise.all(queues.map((queue, i) => queue.push(job(`${i}`))));
      expect(queues.filter((queue) => queue.isNew)).to.have.length(1);
      const popped = await queues[0]?.popMany('topic', 9);
      expect(popped?.map(({ id }) => id.toString()).sort()).to.deep.equal(ids(5));
      for (const queue of queues) await queue.close();
    });
  });

  describe('permissions of a new SQLite file', () => {
    const modeOf = (path: string) => statSync(path).mode & 0o7777;

    it('the umask decides about a named file, and the files that SQLite keeps beside it', async () => {
      mkdirSync(folder.path('shared'), { mode: 0o2770 });
      const before = process.umask(0o002);
      try {
        await (await folder.openQueue('shared/queue.db')).push(job('1'));
      } finally {
        process.umask(before);
      }
      for (const end of ['', '-wal', '-shm', '-spare'])
        expect(modeOf(folder.path(`shared/queue.db${end}`)), end).to.equal(0o664);
    });

    it('a file in delayer’s own folder is for its user alone, whatever the umask', async () => {
      const before = process.umask(0);
      try {
        await (await folder.openQueue('own/queue.db', { ownFolder: true })).push(job('1'));
      } finally {
        process.umask(before);
      }
      expect(modeOf(folder.path('own'))).to.equal(0o700);
      for (const end of ['', '-wal', '-shm', '-spare'])
        expect(modeOf(folder.path(`own/queue.db${end}`)), end).to.equal(0o600);
    });
  });

  it('a bpop ends at its timeout or when it is aborted while another process holds the file', async () => {
    const queue = await folder.openQueue('queue.db', { busyDeadlineMs: 30_000 });
    const other = openDatabase(folder.path());
    other.exec('BEGIN IMMEDIATE');
    const stop = new AbortController();
    const calls = [queue.bpop('topic', { timeoutMs: 30 }), queue.bpop('topic', { signal: stop.signal })];
    expect(await calls[0]).to.be.undefined;
    stop.abort();
    expect(await calls[1]).to.be.undefined;
    other.exec('ROLLBACK');
    other.close();
    await queue.push(job('1'));
  });
});
