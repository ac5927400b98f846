import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import { newToken } from '../../../src/core/lease.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import type { OpenOptions } from '../../../src/storage/sqlite/open.js';
import type { Connection } from '../../../src/storage/sqlite/connection.js';
import { SqliteStore } from '../../../src/storage/sqlite/store.js';
import { failureOf } from '../../support/eventually.js';
import { startChild } from './children.js';
import { integrityOf, makeDatabase, newJob, useFolder } from './files.js';

const modeOf = (path: string) => statSync(path).mode & 0o777;

/** Opening alone creates nothing. */
async function openAndPush(path: string, options?: OpenOptions): Promise<void> {
  const store = await SqliteStore.open(path, options);
  try {
    await push(store, 'id');
  } finally {
    await store.close();
  }
}

async function refusalOf(path: string, options?: OpenOptions): Promise<DelayerError> {
  const error = await failureOf(openAndPush(path, options));
  if (!(error instanceof DelayerError)) throw error;
  expect(error.message).to.not.contain('\n');
  return error;
}

const push = (store: SqliteStore, ...ids: string[]) =>
  store.push({ jobs: ids.map((id) => newJob(id)), onExisting: 'refuse' });

function connectionOf(store: SqliteStore): Connection {
  return (store as unknown as { file: { connection: Connection } }).file.connection;
}

describe('opening an SQLite file', () => {
  const folder = useFolder();

  it('an absent file in delayer’s own folder is created for this user alone, with its folders', async () => {
    const store = await folder.open('a/b/queue.db', { ownFolder: true });
    await push(store, 'id');
    expect(store.isNew).to.be.true;
    expect(modeOf(folder.path('a'))).to.equal(0o700);
    expect(modeOf(folder.path('a/b'))).to.equal(0o700);
    for (const end of ['', '-wal', '-shm']) {
      expect(modeOf(folder.path(`a/b/queue.db${end}`)), end).to.equal(0o600);
    }
  });

  it('an existing folder keeps its mode', async () => {
    mkdirSync(folder.path('mine'));
    chmodSync(folder.path('mine'), 0o750);
    await folder.open('mine/queue.db');
    expect(modeOf(folder.path('mine'))).to.equal(0o750);
  });

  it('an existing store is not new, and keeps its jobs', async () => {
    const first = await folder.open();
    await push(first, 'id');
    await first.close();
    const second = await folder.open();
    expect(second.isNew).to.be.false;
    expect(await second.find({ id: Buffer.from('id') })).to.have.length(1);
  });

  it('an empty file becomes a store', async () => {
    closeSync(openSync(folder.path(), 'w'));
    const store = await folder.open();
    expect(store.isNew).to.be.false;
    await push(store, 'id');
    expect(await store.find({ id: Buffer.from('id') })).to.have.length(1);
  });

  it('five stores that open an absent file at once create it once', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => folder.open()));
    expect(stores.filter((store) => store.isNew)).to.have.length(1);
    await Promise.all(stores.map((store, i) => push(store, `id${i}`)));
    expect((await stores[0]?.stats({ exact: true }))?.topics[0]?.ready).to.equal(5);
  });

  it('a connection uses WAL with synchronous=FULL', async () => {
    const store = await folder.open();
    const connection = connectionOf(store);
    expect(connection.get('PRAGMA store.synchronous')).to.deep.include({ synchronous: 2 });
    expect(connection.get('PRAGMA store.journal_mode')).to.deep.include({ journal_mode: 'wal' });
  });

  it('push, pop, ack, nack, remove, requeue and pause are synced to disk; reserve, release and extend are not', async () => {
    const store = await folder.open();
    const connection = connectionOf(store);
    const run = connection.run.bind(connection);
    const commits: unknown[] = [];
    connection.run = (sql, ...values) => {
      if (sql === 'COMMIT') commits.push(connection.get('PRAGMA store.synchronous'));
      run(sql, ...values);
    };
    const levels = async (work: Promise<unknown>) => {
      await work;
      return commits.splice(0).map((commit) => (commit as { synchronous: number }).synchronous);
    };
    const [topic, FULL, NORMAL] = [Buffer.from('topic'), 2, 1];
    let token = '';
    const reserve = async () => {
      token = newToken();
      const { jobs } = await store.reserve({ topics: [topic], limit: 1, leaseMs: 60_000, token });
      expect(jobs).to.have.length(1);
      return { leases: jobs.map(({ lease }) => lease) };
    };
    expect(await levels(push(store, '1', '2', '3', '4'))).to.deep.equal([FULL]);
    expect(await levels(store.pop({ topics: [topic], limit: 1 }))).to.deep.equal([FULL]);
    expect(await levels(reserve().then((held) => store.release(held)))).to.deep.equal([NORMAL, NORMAL]);
    const held = await reserve();
    expect(await levels(store.extend({ ...held, leaseMs: 60_000 }))).to.deep.equal([NORMAL, NORMAL]);
    expect(await levels(store.ack(held))).to.deep.equal([FULL]);
    const failed = await reserve();
    commits.length = 0;
    expect(
      await levels(store.nack({ ...failed, failure: { isDead: true, deadTtlMs: 0 }, jitter: 0 })),
    ).to.deep.equal([FULL]);
    const [id] = await store.find({ id: Buffer.from('4') });
    expect(id?.state).to.equal('ready');
    const jobs = [{ id: Buffer.from('4'), states: ['ready'] as const }];
    expect(await levels(store.remove({ jobs }))).to.deep.equal([FULL]);
    expect(
      await levels(store.requeue({ jobs: [{ id: Buffer.from('3'), delayMs: 0 }], keepAttempts: false })),
    ).to.deep.equal([FULL]);
    expect(await levels(store.pause({ topics: [topic] }))).to.deep.equal([FULL]);
    expect(await levels(store.resume({ topics: [topic] }))).to.deep.equal([FULL]);
  });

  describe('a file that is not a usable store is refused and left unchanged:', () => {
    const refused: [what: string, make: (path: string) => void, code: string, exitCode: number][] = [
      ['a file that is not a database', (path) => writeFileSync(path, 'hello\n'), 'store_corrupt', 69],
      [
        'a long file that is not a database',
        (path) => writeFileSync(path, 'x'.repeat(20_000)),
        'store_corrupt',
        69,
      ],
      [
        'the database of another application',
        (path) => makeDatabase(path, 'CREATE TABLE a (b)'),
        'config_invalid',
        78,
      ],
      [
        'the database of another application that has a log',
        (path) =>
          makeDatabase(path, 'PRAGMA journal_mode = WAL; CREATE TABLE a (b); INSERT INTO a VALUES (1)'),
        'config_invalid',
        78,
      ],
      [
        'an empty database with the mark of another application',
        (path) => makeDatabase(path, 'PRAGMA application_id = 7'),
        'config_invalid',
        78,
      ],
    ];
    for (const [what, make, code, exitCode] of refused) {
      it(what, async () => {
        make(folder.path());
        const before = readFileSync(folder.path());
        const error = await refusalOf(folder.path());
        expect([error.code, error.exitCode]).to.deep.equal([code, exitCode]);
        expect(error.message).to.contain(folder.path());
        expect(readFileSync(folder.path()).equals(before)).to.be.true;
      });
    }

    it('the database of another application whose tables are still in its log', async () => {
      const theirs = openDatabase(folder.path('theirs.db'));
      theirs.exec('PRAGMA journal_mode = WAL; CREATE TABLE a (b)');
      for (const end of ['', '-wal']) copyFileSync(folder.path(`theirs.db${end}`), folder.path() + end);
      theirs.close();
      const before = ['', '-wal'].map((end) => readFileSync(folder.path() + end, 'latin1'));
      expect(await refusalOf(folder.path())).to.include({ code: 'config_invalid', exitCode: 78 });
      expect(['', '-wal'].map((end) => readFileSync(folder.path() + end, 'latin1'))).to.deep.equal(before);
    });

    for (const isEmpty of [false, true]) {
      it(`${isEmpty ? 'an empty' : 'no'} file beside the log of one that was renamed; none is made`, async () => {
        const theirs = openDatabase(folder.path('theirs.db'));
        theirs.exec('PRAGMA journal_mode = WAL; CREATE TABLE a (b)');
        copyFileSync(folder.path('theirs.db-wal'), `${folder.path()}-wal`);
        theirs.close();
        if (isEmpty) writeFileSync(folder.path(), '');
        const error = await refusalOf(folder.path());
        expect(error).to.include({ code: 'config_invalid', exitCode: 78 });
        expect(error.message).to.match(/-wal is the log of another database, which was deleted or renamed$/);
        expect(existsSync(folder.path())).to.equal(isEmpty);
      });
    }

    it('a store of a newer version', async () => {
      await startChild(['push', folder.path(), 'id', 1]).ended();
      makeDatabase(folder.path(), 'PRAGMA user_version = 99');
      const before = readFileSync(folder.path());
      const error = await refusalOf(folder.path());
      expect([error.code, error.exitCode]).to.deep.equal(['store_too_new', 69]);
      expect(readFileSync(folder.path()).equals(before)).to.be.true;
    });

    it('a damaged store', async () => {
      await startChild(['batch', folder.path(), 'id', 5]).ended();
      const bytes = readFileSync(folder.path());
      bytes.fill(0xff, 4096);
      writeFileSync(folder.path(), bytes);
      const damaged = SqliteStore.open(folder.path()).then(async (opened) => {
        try {
          return await opened.find({ id: Buffer.from('id0-7') });
        } finally {
          await opened.close();
        }
      });
      expect(await failureOf(damaged)).to.include({ code: 'store_corrupt', exitCode: 69 });
    });
  });

  it('a folder in place of the file is refused', async () => {
    mkdirSync(folder.path());
    expect((await refusalOf(folder.path())).code).to.equal('config_invalid');
  });

  it('a file in place of the folder is refused', async () => {
    writeFileSync(folder.path('file'), '');
    expect((await refusalOf(folder.path('file/queue.db'))).code).to.equal('config_invalid');
    expect((await refusalOf(folder.path('file/folder/queue.db'))).code).to.equal('config_invalid');
  });

  if (existsSync('/proc/self')) {
    it('a place where nothing can be created is refused', async () => {
      expect((await refusalOf('/proc/queue.db')).code).to.equal('config_invalid');
      expect((await refusalOf('/proc/a/b/queue.db', { ownFolder: true })).code).to.equal('config_invalid');
    });
  }

  it('a path that is too long for SQLite is refused before anything is created, and the longest one works', async () => {
    // On the way SQLite follows a symbolic link, so the path behind it counts.
    const deep = join(folder.path(), ...Array.from({ length: 7 }, () => 'd'.repeat(50)));
    mkdirSync(deep, { recursive: true });
    symlinkSync(deep, folder.path('link'));
    const nameFor = (bytes: number) => 'n'.repeat(bytes - Buffer.byteLength(deep) - 1);
    for (const path of [join(deep, nameFor(505)), join(folder.path('link'), nameFor(505))]) {
      const refused = await refusalOf(path);
      expect(refused.code).to.equal('config_invalid');
      expect(refused.message).to.match(/its path has 505 bytes, and SQLite takes 504 at most$/);
    }
    expect(readdirSync(deep)).to.deep.equal([]);
    await openAndPush(join(deep, nameFor(504)));
  });

  it('a name after which SQLite can put nothing is refused before anything is created', async () => {
    const refused = await refusalOf(folder.path('n'.repeat(248)));
    expect(refused.code).to.equal('config_invalid');
    expect(refused.message).to.match(/its name is too long, because SQLite puts -journal after it$/);
    expect(readdirSync(folder.path('.'))).to.deep.equal([]);
    await openAndPush(folder.path('n'.repeat(247)));
  });

  it('a network file system is refused without creating a file, and the hint names Redis', async () => {
    const error = await refusalOf(folder.path(), { typeOfFileSystem: () => 0x6969 });
    expect(error.code).to.equal('store_refused');
    expect(error.message).to.contain('NFS');
    expect(error.hint).to.contain('redis://');
    expect(() => statSync(folder.path())).to.throw('ENOENT');
  });

  describe('opening an SQLite file without write permission', () => {
    // Root may write everywhere, so the test runs as another user then.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    const told = async (name?: string) =>
      (await startChild(['push', folder.path(name), 'id', 1], { uid }).ended()).join('\n');

    it('a read-only file is refused', async () => {
      await (await folder.open()).close();
      chmodSync(folder.path(), 0o444);
      expect(await told()).to.match(/^store_refused: .*queue\.db cannot be opened: permission denied$/);
    });

    it('a read-only folder is refused, with a store in it or without', async () => {
      mkdirSync(folder.path('closed'));
      await (await folder.open('closed/queue.db')).close();
      chmodSync(folder.path('closed/queue.db'), 0o666);
      chmodSync(folder.path('closed'), 0o555);
      expect(await told('closed/queue.db')).to.match(/^store_refused: .*permission denied$/);
      expect(await told('closed/other.db')).to.match(
        /^store_refused: .*cannot be created: permission denied/,
      );
    });
  });

  it('a closed store leaves a file that passes integrity_check', async () => {
    const store = await folder.open();
    await push(store, 'id');
    await store.close();
    expect(integrityOf(folder.path())).to.equal('ok');
  });
});
