import { expect } from 'chai';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { Session } from '../../../src/storage/sqlite/connection.js';
import { failureOf } from '../../support/eventually.js';
import { useFolder } from './files.js';

describe('what is written to an SQLite store in one go', () => {
  const folder = useFolder();
  let session: Session;
  let commits: number;
  beforeEach(() => {
    const database = openDatabase(folder.path());
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE number (n INTEGER)');
    session = new Session(database, 'the store', Date.now, 20);
    commits = 0;
    session.onCommit = () => {
      commits += 1;
    };
  });
  afterEach(() => {
    session.close();
  });

  const insert = (n: number) => () => {
    session.run('INSERT INTO number (n) VALUES (?)', n);
    return n;
  };
  const numbers = () => session.all('SELECT n FROM number').map((row) => (row as { n: number }).n);
  const fail = (n: number) => () => {
    insert(n)();
    throw Object.assign(new Error('of no use'), { code: 'ERR_SQLITE_ERROR', errcode: 1 });
  };

  it('is committed in one go, in order, and answered each', async () => {
    const done = await Promise.all([
      session.write(insert(1)),
      session.writeSoon(insert(2)),
      session.write(insert(3)),
    ]);
    expect(done).to.deep.equal([1, 2, 3]);
    expect(commits).to.equal(1);
    expect(numbers()).to.deep.equal([1, 2, 3]);
  });

  it('and waited for in between is committed one after the other', async () => {
    await session.write(insert(1));
    await session.write(insert(2));
    expect(commits).to.equal(2);
  });

  it('is on the disk when it returns, unless nothing of it has to be', async () => {
    const synchronous = () => (session.get('PRAGMA synchronous') as { synchronous: number }).synchronous;
    const [normal, full] = [1, 2];
    expect(await session.write(synchronous)).to.equal(full);
    expect(await Promise.all([session.writeSoon(synchronous)])).to.deep.equal([normal]);
    const both = [session.writeSoon(synchronous), session.write(synchronous)];
    expect(await Promise.all(both)).to.deep.equal([full, full]);
  });

  it('stands or falls each by itself', async () => {
    const [first, second, third] = [
      session.write(insert(1)),
      failureOf(session.write(fail(2))),
      session.write(insert(3)),
    ];
    expect(await first).to.equal(1);
    expect((await second).message).to.contain('of no use');
    expect(await third).to.equal(3);
    expect(numbers()).to.deep.equal([1, 3]);
  });

  it('does not hold the file for longer than a few, however much it is', async () => {
    const slow = (n: number) => () => {
      const until = performance.now() + 11;
      while (performance.now() < until);
      return insert(n)();
    };
    const done = await Promise.all([1, 2, 3].map((n) => session.write(slow(n))));
    expect(done).to.deep.equal([1, 2, 3]);
    expect(commits).to.equal(3);
  });

  it('fails as one while another connection holds the file, and goes on after that', async () => {
    const other = openDatabase(folder.path());
    other.exec('BEGIN IMMEDIATE');
    const failures = await Promise.all([1, 2].map((n) => failureOf(session.write(insert(n)))));
    for (const failure of failures) expect(failure).to.include({ code: 'store_busy' });
    other.exec('ROLLBACK');
    other.close();
    await session.write(insert(3));
    expect(numbers()).to.deep.equal([3]);
  });

  it('fails when the store is closed before it is done', async () => {
    const writing = [1, 2].map((n) => failureOf(session.write(insert(n))));
    session.close();
    for (const failure of await Promise.all(writing)) expect(failure.message).to.contain('was closed before');
  });
});
