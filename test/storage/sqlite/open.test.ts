import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import type { OpenOptions } from '../../../src/storage/sqlite/open.js';
import type { Session } from '../../../src/storage/sqlite/connection.js';
import { SqliteStore } from '../../../src/storage/sqlite/store.js';
import { failureOf } from '../../support/eventually.js';
import { startChild } from './children.js';
import { integrityOf, makeDatabase, newJob, useFolder } from './files.js';

const modeOf = (path: string) => statSync(path).mode & 0o777;

async function refusalOf(path: string, options?: OpenOptions): Promise<DelayerError> {
  const error = await failureOf(SqliteStore.open(path, options));
  if (!(error instanceof DelayerError)) throw error;
  expect(error.message).to.not.contain('\n');
  return error;
}

describe('opening an SQLite store', () => {
  const folder = useFolder();

  it('makes the file and its folders for this user alone, and says so', async () => {
    const store = await folder.open('a/b/queue.db');
    await store.push([newJob('id')], 'refuse');
    expect(store.isNew).to.be.true;
    expect(modeOf(folder.path('a'))).to.equal(0o700);
    expect(modeOf(folder.path('a/b'))).to.equal(0o700);
    for (const end of ['', '-wal', '-shm']) {
      expect(modeOf(folder.path(`a/b/queue.db${end}`)), end).to.equal(0o600);
    }
  });

  it('leaves a folder that is there as it is', async () => {
    mkdirSync(folder.path('mine'));
    chmodSync(folder.path('mine'), 0o750);
    await folder.open('mine/queue.db');
    expect(modeOf(folder.path('mine'))).to.equal(0o750);
  });

  it('says that it made nothing when the file is there, and finds what is in it', async () => {
    const first = await folder.open();
    await first.push([newJob('id')], 'refuse');
    await first.close();
    const second = await folder.open();
    expect(second.isNew).to.be.false;
    expect(await second.find(Buffer.from('id'))).to.have.length(1);
  });

  it('takes an empty file as a store to be', async () => {
    closeSync(openSync(folder.path(), 'w'));
    const store = await folder.open();
    expect(store.isNew).to.be.false;
    await store.push([newJob('id')], 'refuse');
    expect(await store.find(Buffer.from('id'))).to.have.length(1);
  });

  it('makes one store of a file that many open at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => folder.open()));
    expect(stores.filter((store) => store.isNew)).to.have.length(1);
    await Promise.all(stores.map((store, i) => store.push([newJob(`id${i}`)], 'refuse')));
    expect((await stores[0]?.survey())?.topics[0]?.ready).to.equal(5);
  });

  it('has every commit on the disk when it returns', async () => {
    const store = await folder.open();
    const session = (store as unknown as { session: { get(sql: string): unknown } }).session;
    expect(session.get('PRAGMA synchronous')).to.deep.include({ synchronous: 2 });
    expect(session.get('PRAGMA journal_mode')).to.deep.include({ journal_mode: 'wal' });
  });

  it('has push, pop, confirm and remove on the disk when they return, and leases a bit later', async () => {
    const store = await folder.open();
    const session = (store as unknown as { session: Session }).session;
    const run = session.run.bind(session);
    const commits: unknown[] = [];
    session.run = (sql, ...values) => {
      if (sql === 'COMMIT') commits.push(session.get('PRAGMA synchronous'));
      return run(sql, ...values);
    };
    const levels = async (work: Promise<unknown>) => {
      await work;
      return commits.splice(0).map((commit) => (commit as { synchronous: number }).synchronous);
    };
    const [topic, FULL, NORMAL] = [Buffer.from('topic'), 2, 1];
    const take = async (token: string) => {
      const { jobs } = await store.take({ topic, limit: 1, leaseMs: 60_000, token });
      expect(jobs).to.have.length(1);
      return jobs;
    };
    expect(
      await levels(
        store.push(
          ['1', '2'].map((id) => newJob(id)),
          'refuse',
        ),
      ),
    ).to.deep.equal([FULL]);
    expect(await levels(store.pop(topic, 1))).to.deep.equal([FULL]);
    expect(await levels(take('one').then((jobs) => store.putBack(jobs)))).to.deep.equal([NORMAL, NORMAL]);
    const jobs = await take('two');
    expect(await levels(store.extend(jobs, 60_000))).to.deep.equal([NORMAL, NORMAL]);
    expect(await levels(store.confirm(jobs))).to.deep.equal([FULL]);
    expect(await levels(store.remove([Buffer.from('2')], 'any'))).to.deep.equal([FULL]);
  });

  describe('refuses, and rewrites nothing of', () => {
    const refused: [what: string, make: (path: string) => void, code: string, exitCode: number][] = [
      ['a file that is no database', (path) => writeFileSync(path, 'hello\n'), 'store_corrupt', 69],
      [
        'a long file that is no database',
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

    it('the database of another application whose tables stand in its log alone', async () => {
      const theirs = openDatabase(folder.path('theirs.db'));
      theirs.exec('PRAGMA journal_mode = WAL; CREATE TABLE a (b)');
      for (const end of ['', '-wal']) copyFileSync(folder.path(`theirs.db${end}`), folder.path() + end);
      theirs.close();
      const before = ['', '-wal'].map((end) => readFileSync(folder.path() + end, 'latin1'));
      expect(await refusalOf(folder.path())).to.include({ code: 'config_invalid', exitCode: 78 });
      expect(['', '-wal'].map((end) => readFileSync(folder.path() + end, 'latin1'))).to.deep.equal(before);
    });

    it('a store of a newer version', async () => {
      await startChild(['open', folder.path()]).ended();
      makeDatabase(folder.path(), 'PRAGMA user_version = 99');
      const before = readFileSync(folder.path());
      const error = await refusalOf(folder.path());
      expect([error.code, error.exitCode]).to.deep.equal(['store_too_new', 69]);
      expect(readFileSync(folder.path()).equals(before)).to.be.true;
    });

    it('a store that is damaged', async () => {
      await startChild(['batch', folder.path(), 'id', 5]).ended();
      const bytes = readFileSync(folder.path());
      bytes.fill(0xff, 4096);
      writeFileSync(folder.path(), bytes);
      const damaged = SqliteStore.open(folder.path()).then(async (opened) => {
        try {
          return await opened.find(Buffer.from('id0-7'));
        } finally {
          await opened.close();
        }
      });
      expect(await failureOf(damaged)).to.include({ code: 'store_corrupt', exitCode: 69 });
    });
  });

  it('refuses a folder in the place of the file', async () => {
    mkdirSync(folder.path());
    expect((await refusalOf(folder.path())).code).to.equal('config_invalid');
  });

  it('refuses a file in the place of the folder', async () => {
    writeFileSync(folder.path('file'), '');
    expect((await refusalOf(folder.path('file/queue.db'))).code).to.equal('config_invalid');
    expect((await refusalOf(folder.path('file/folder/queue.db'))).code).to.equal('config_invalid');
  });

  if (existsSync('/proc/self')) {
    it('refuses a place where the system lets nobody make a folder or a file', async () => {
      for (const path of ['/proc/queue.db', '/proc/a/b/queue.db']) {
        expect((await refusalOf(path)).code).to.equal('config_invalid');
      }
    });
  }

  it('refuses a network file system, makes no file there, and names Redis', async () => {
    const error = await refusalOf(folder.path(), { typeOfFileSystem: () => 0x6969 });
    expect(error.code).to.equal('store_refused');
    expect(error.message).to.contain('NFS');
    expect(error.hint).to.contain('redis://');
    expect(() => statSync(folder.path())).to.throw('ENOENT');
  });

  describe('as a user who may not write there', () => {
    // The superuser may write everywhere; another user then has to try.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    const told = async (name?: string) =>
      (await startChild(['open', folder.path(name)], uid).ended()).join('\n');

    it('refuses a file that is read-only', async () => {
      await (await folder.open()).close();
      chmodSync(folder.path(), 0o444);
      expect(await told()).to.match(
        /^store_refused: .*queue\.db cannot be opened: this user may not write there$/,
      );
    });

    it('refuses a folder that is read-only, with a store in it or without', async () => {
      mkdirSync(folder.path('closed'));
      await (await folder.open('closed/queue.db')).close();
      chmodSync(folder.path('closed/queue.db'), 0o666);
      chmodSync(folder.path('closed'), 0o555);
      expect(await told('closed/queue.db')).to.match(/^store_refused: .*this user may not write there$/);
      expect(await told('closed/other.db')).to.match(
        /^store_refused: .*cannot be made: this user may not write/,
      );
      expect(await told('closed/a/other.db')).to.match(
        /^store_refused: The folder .* cannot be made: this user/,
      );
    });
  });

  it('leaves a sound file behind', async () => {
    const store = await folder.open();
    await store.push([newJob('id')], 'refuse');
    await store.close();
    expect(integrityOf(folder.path())).to.equal('ok');
  });
});
