import { expect } from 'chai';
import { Connection } from '../../../src/storage/sqlite/connection.js';
import { attach, newDatabase, openDatabase } from '../../../src/storage/sqlite/driver.js';
import { failureOf } from '../../support/eventually.js';
import { useFolder } from './files.js';

describe('writes of an SQLite connection', () => {
  const folder = useFolder();
  let connection: Connection;
  let commits: number;
  beforeEach(() => {
    openDatabase(folder.path()).close();
    const database = newDatabase();
    attach(database, folder.path(), 'rw');
    database.exec(
      'PRAGMA store.journal_mode = WAL; PRAGMA store.synchronous = FULL; CREATE TABLE store.number (n INTEGER)',
    );
    connection = new Connection(database, {
      label: 'the file',
      file: folder.path(),
      now: Date.now,
      busyDeadlineMs: 20,
    });
    commits = 0;
    connection.hooks.onCommit = () => {
      commits += 1;
    };
  });
  afterEach(() => {
    connection.close();
  });

  const insert = (n: number) => () => {
    connection.run('INSERT INTO number (n) VALUES (?)', n);
    return n;
  };
  const numbers = () => connection.all('SELECT n FROM number').map((row) => (row as { n: number }).n);
  const fail = (n: number) => () => {
    insert(n)();
    throw Object.assign(new Error('no such thing'), { code: 'ERR_SQLITE_ERROR', errcode: 1 });
  };

  it('writes that are requested together are committed together, in order, each with its own result', async () => {
    const done = await Promise.all([
      connection.write(insert(1)),
      connection.writeSoon(insert(2)),
      connection.write(insert(3)),
    ]);
    expect(done).to.deep.equal([1, 2, 3]);
    expect(commits).to.equal(1);
    expect(numbers()).to.deep.equal([1, 2, 3]);
  });

  it('writes that are awaited one by one are committed one by one', async () => {
    await connection.write(insert(1));
    await connection.write(insert(2));
    expect(commits).to.equal(2);
  });

  it('a commit is synced to disk, unless all its writes are writeSoon', async () => {
    const synchronous = () =>
      (connection.get('PRAGMA store.synchronous') as { synchronous: number }).synchronous;
    const [normal, full] = [1, 2];
    expect(await connection.write(synchronous)).to.equal(full);
    expect(await Promise.all([connection.writeSoon(synchronous)])).to.deep.equal([normal]);
    const both = [connection.writeSoon(synchronous), connection.write(synchronous)];
    expect(await Promise.all(both)).to.deep.equal([full, full]);
  });

  it('a write that fails does not roll back the others of its commit', async () => {
    const [first, second, third] = [
      connection.write(insert(1)),
      failureOf(connection.write(fail(2))),
      connection.write(insert(3)),
    ];
    expect(await first).to.equal(1);
    expect((await second).message).to.contain('no such thing');
    expect(await third).to.equal(3);
    expect(numbers()).to.deep.equal([1, 3]);
  });

  it('slow writes are committed one by one, so that the file is not locked for long', async () => {
    const slow = (n: number) => () => {
      const until = performance.now() + 11;
      while (performance.now() < until);
      return insert(n)();
    };
    const done = await Promise.all([1, 2, 3].map((n) => connection.write(slow(n))));
    expect(done).to.deep.equal([1, 2, 3]);
    expect(commits).to.equal(3);
  });

  it('writes fail together while another connection holds the file, and succeed after that', async () => {
    const other = openDatabase(folder.path());
    other.exec('BEGIN IMMEDIATE');
    const failures = await Promise.all([1, 2].map((n) => failureOf(connection.write(insert(n)))));
    for (const failure of failures) expect(failure).to.include({ code: 'store_busy' });
    other.exec('ROLLBACK');
    other.close();
    await connection.write(insert(3));
    expect(numbers()).to.deep.equal([3]);
  });

  it('writes that are pending when the connection is closed fail', async () => {
    const writing = [1, 2].map((n) => failureOf(connection.write(insert(n))));
    connection.close();
    for (const failure of await Promise.all(writing)) expect(failure.message).to.contain('was closed before');
  });
});
