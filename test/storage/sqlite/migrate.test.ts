import { expect } from 'chai';
import { formatLease } from '../../../src/core/lease.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { MIGRATIONS } from '../../../src/storage/sqlite/migrations.generated.js';
import { SCHEMA_VERSION } from '../../../src/storage/sqlite/schema.js';
import { failureOf } from '../../support/eventually.js';
import { integrityOf, makeDatabase, useFolder } from './files.js';

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const TOKEN = '0190000000007000800000000000000a-00000001';

/** The schema that the first release created, without settings that each connection makes itself. */
const FIRST_RELEASE = `
CREATE TABLE job (
  seq INTEGER PRIMARY KEY,
  leased INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  topic BLOB NOT NULL,
  id BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX job_free ON job (id) WHERE leased = 0;
CREATE INDEX job_line ON job (topic, due_at) WHERE leased = 0;
CREATE INDEX job_expiry ON job (expires_at) WHERE leased = 0;
CREATE TABLE lease (
  token TEXT NOT NULL PRIMARY KEY,
  ends_at INTEGER NOT NULL,
  seqs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_end ON lease (ends_at);
PRAGMA application_id = 0x646c6179;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
`;

/**
 * A ready job, an expired one and a delayed one, a reservation of three jobs of which the second is acked, and a
 * job that waits for the delayed one, which has the same id.
 */
const JOBS = `
INSERT INTO job (seq, leased, attempts, due_at, expires_at, topic, id, body) VALUES
  (1, 0, 2, ${NOW - 60_000}, ${NOW + HOUR}, x'00ff', CAST('ready' AS BLOB), x'00ff0a'),
  (2, 0, 0, ${NOW - 60_000}, ${NOW - 1000}, CAST('topic' AS BLOB), CAST('expired' AS BLOB), x'01'),
  (3, 0, 0, ${NOW + HOUR}, ${NOW + 3 * HOUR}, CAST('topic' AS BLOB), CAST('delayed' AS BLOB), zeroblob(100000)),
  (4, 1, 0, ${NOW - 60_000}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('first' AS BLOB), x'02'),
  (6, 1, 1, ${NOW - 50_000}, ${NOW - 10_000}, CAST('topic' AS BLOB), CAST('third' AS BLOB), x'03'),
  (7, 1, 1, ${NOW - 60_000}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('delayed' AS BLOB), x'04');
INSERT INTO lease (token, ends_at, seqs) VALUES
  ('${TOKEN}', ${NOW + 5000}, '[4,null,6]'),
  ('${TOKEN}:7', ${NOW + 700}, '[7]');
`;

/** A ready job with a body of many pages, a leased job, one that waits for the ready job of its id, and a dead letter. */
const VERSION_3 = `
${MIGRATIONS.filter(({ version }) => version <= 3)
  .map(({ sql }) => sql)
  .join('')}
PRAGMA application_id = 0x646c6179;
PRAGMA user_version = 3;
PRAGMA journal_mode = WAL;
INSERT INTO job (seq, state, attempts, place, expires_at, topic, id, body) VALUES
  (1, 0, 0, ${NOW - 60_000}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('ready' AS BLOB), zeroblob(100000)),
  (2, 1, 1, ${NOW - 60_000}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('leased' AS BLOB), x'01'),
  (3, 2, 0, ${NOW - 60_000}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('ready' AS BLOB), x'0202'),
  (4, 3, 1, ${NOW - 60_000}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('dead' AS BLOB), x'030303');
INSERT INTO lease (token, ends_at, reserved_at, deadline, jobs, first, seqs) VALUES
  ('${TOKEN}', ${NOW + 5000}, ${NOW - 5000}, ${NOW + 5000}, 1, 1, '[2]');
INSERT INTO waiting VALUES (3, ${NOW + 700}, ${NOW - 700});
INSERT INTO dead VALUES (4, ${NOW - 1000}, ${NOW + HOUR}, 'why');
`;

describe('an SQLite file of an older or newer version', () => {
  const folder = useFolder();
  let now = NOW;
  beforeEach(() => {
    now = NOW;
  });
  const openQueue = () => folder.openQueue('queue.db', { now: () => now });
  const versionOf = () => {
    const database = openDatabase(folder.path());
    try {
      return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
    } finally {
      database.close();
    }
  };

  const layoutOf = (name: string) => {
    const database = openDatabase(folder.path(name));
    try {
      return database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
    } finally {
      database.close();
    }
  };

  it('migrations are numbered from 1 without gaps', () => {
    expect(MIGRATIONS.map(({ version }) => version)).to.deep.equal(MIGRATIONS.map((_, i) => i + 1));
    expect(SCHEMA_VERSION).to.equal(MIGRATIONS.length);
  });

  it('the first migration is the schema of the first release', () => {
    makeDatabase(folder.path('a.db'), MIGRATIONS[0]?.sql ?? '');
    makeDatabase(folder.path('b.db'), FIRST_RELEASE);
    expect(layoutOf('a.db')).to.deep.equal(layoutOf('b.db'));
  });

  it('a file of the first release keeps each job in its state', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE + JOBS);
    const queue = await openQueue();
    expect(versionOf()).to.equal(SCHEMA_VERSION);
    expect((await queue.stats()).totals).to.deep.equal({
      delayed: 2,
      due: 0,
      ready: 1,
      leased: 2,
      expired: 1,
      dead: 0,
    });
    expect((await queue.find('ready'))[0]).to.deep.include({
      state: 'ready',
      topic: Buffer.from([0, 0xff]),
      body: Buffer.from([0, 0xff, 0x0a]),
      dueAt: new Date(NOW - 60_000),
      expiresAt: new Date(NOW + HOUR),
      attempts: 2,
    });
    const [newer, waiting] = await queue.find('delayed');
    expect(newer).to.include({ state: 'delayed' }).and.not.have.property('blockedBy');
    expect(newer?.body).to.have.length(100_000);
    expect(waiting).to.deep.include({ state: 'delayed', blockedBy: { type: 'duplicate_id' }, attempts: 1 });
    await queue.close();
    expect(integrityOf(folder.path())).to.equal('ok');
  });

  it('leases of the first release end and bring their jobs back, even one past its ready lifetime', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE + JOBS);
    const queue = await openQueue();
    expect((await queue.find('third'))[0]).to.deep.include({
      state: 'leased',
      lease: formatLease({ token: TOKEN, number: 3, count: 3, deadlineMs: NOW + 5000 }),
      leaseUntil: new Date(NOW + 5000),
      attempts: 2,
    });
    now += 5000;
    expect((await queue.maintain()).reclaimed).to.equal(2);
    const popped = await queue.popMany('topic', 9);
    expect(popped.map(({ id, attempts }) => [id.toString(), attempts])).to.deep.equal([
      ['first', 2],
      ['third', 3],
    ]);
  });

  it('a lease of the first release can be acked by the lease string that find returns', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE + JOBS);
    const queue = await openQueue();
    const [first, third] = [await queue.find('first'), await queue.find('third')];
    const leases = [...first, ...third].map(({ lease }) => lease ?? '');
    expect(await queue.ack(leases)).to.deep.equal([true, true]);
    expect((await queue.stats()).totals.leased).to.equal(0);
  });

  it('a job of the first release that waited for a duplicate comes back', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE + JOBS);
    const queue = await openQueue();
    const database = openDatabase(folder.path());
    database.exec('DELETE FROM job WHERE seq = 3');
    database.close();
    now += 1000;
    expect((await queue.maintain()).reclaimed).to.equal(1);
    expect((await queue.popMany('topic', 9)).map(({ body }) => body)).to.deep.equal([Buffer.from([4])]);
  });

  it('leases of the first release have no retry policy, and their ends are recorded in the history', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE + JOBS);
    const queue = await openQueue();
    now += 5000;
    await queue.maintain();
    const [third] = await queue.find('third');
    expect(third?.history?.map(({ attempt, outcome }) => [attempt, outcome])).to.deep.equal([
      [2, 'lease_ended'],
    ]);
    const { jobs } = await queue.reserve({ topics: 'topic', limit: 9, leaseMs: 1000 });
    expect(jobs.map(({ key }) => key)).to.deep.equal([`${TOKEN}.1`, `${TOKEN}.3`]);
  });

  it('a file of version 3 keeps each job in its state, and they can be nacked, requeued and popped', async () => {
    makeDatabase(folder.path(), VERSION_3);
    const queue = await openQueue();
    expect(versionOf()).to.equal(SCHEMA_VERSION);
    const states: Record<string, readonly string[]> = {};
    for (const id of ['ready', 'leased', 'dead'])
      states[id] = (await queue.find(id)).map(({ state }) => state);
    expect(states).to.deep.equal({ ready: ['ready', 'delayed'], leased: ['leased'], dead: ['dead'] });
    const [leased] = await queue.find('leased');
    const [dead] = await queue.find('dead');
    expect(leased).to.include({ attempts: 2 }).and.not.have.any.keys('history', 'retries');
    expect(leased?.leasedBy).to.be.undefined;
    expect(dead).to.include({ reason: 'why', attempts: 1 });
    expect(await queue.nack([leased?.lease ?? ''], { delayMs: 0 })).to.deep.equal([
      { outcome: 'retried', dueAt: new Date(NOW) },
    ]);
    expect(await queue.requeue(['dead'])).to.deep.equal(['requeued']);
    now += 1000;
    const bodies = (await queue.popMany('topic', 9)).map(({ body, attempts }) => [body.length, attempts]);
    expect(bodies).to.deep.equal([
      [100_000, 1],
      [1, 3],
      [3, 1],
    ]);
    now += 1000;
    expect((await queue.popMany('topic', 9)).map(({ body }) => body.length)).to.deep.equal([2]);
    await queue.close();
    expect(integrityOf(folder.path())).to.equal('ok');
  });

  it('a file of version 4 keeps its jobs, and can record the progress of imports', async () => {
    const version4 = MIGRATIONS.filter(({ version }) => version <= 4);
    makeDatabase(
      folder.path(),
      `${version4.map(({ sql }) => sql).join('')}
      PRAGMA application_id = 0x646c6179; PRAGMA user_version = 4; PRAGMA journal_mode = WAL;
      INSERT INTO job (seq, place, expires_at, topic, id, body)
      VALUES (1, ${NOW}, ${NOW + HOUR}, CAST('topic' AS BLOB), CAST('old' AS BLOB), x'01')`,
    );
    const queue = await openQueue();
    const progress = { file: 'file', from: 0, to: 1 };
    const job = { id: 'new', topic: 'topic', body: 'b', line: 1 };
    expect((await queue.import([job], { progress })).outcomes).to.deep.equal(['imported']);
    expect((await queue.import([job], { progress })).reached).to.equal(1);
    expect((await queue.popMany('topic', 9)).map(({ id }) => id.toString())).to.deep.equal(['old', 'new']);
    expect(versionOf()).to.equal(SCHEMA_VERSION);
  });

  it('an empty file of the first release can be opened by four stores at once', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE);
    const queues = await Promise.all(Array.from({ length: 4 }, openQueue));
    await Promise.all(queues.map((queue, i) => queue.push({ id: `${i}`, topic: 'topic', body: 'b' })));
    expect((await queues[0]?.stats())?.totals.ready).to.equal(4);
  });

  it('a migration that fails changes nothing', async () => {
    makeDatabase(folder.path(), `${FIRST_RELEASE + JOBS} CREATE TABLE pause (other)`);
    const before = layoutOf('queue.db');
    expect(await failureOf(openQueue())).to.include({ code: 'store_refused' });
    expect(layoutOf('queue.db')).to.deep.equal(before);
    expect(versionOf()).to.equal(1);
  });

  it('a file that another process is migrating is waited for until openTimeoutMs, and can be opened later', async () => {
    makeDatabase(folder.path(), FIRST_RELEASE + JOBS);
    const other = openDatabase(folder.path());
    other.exec('BEGIN IMMEDIATE');
    try {
      const error = await failureOf(folder.openQueue('queue.db', { openTimeoutMs: 30 }));
      expect(error).to.include({ code: 'store_busy', exitCode: 69 });
      expect(error.message).to.match(/is busy: another process is creating or migrating it$/);
      expect(versionOf()).to.equal(1);
      other.exec('ROLLBACK');
    } finally {
      other.close();
    }
    const queue = await folder.openQueue('queue.db', { openTimeoutMs: 30_000 });
    expect((await queue.stats()).topics).to.not.be.empty;
    expect(versionOf()).to.equal(SCHEMA_VERSION);
  });

  it('a file of a newer version is refused with both versions', async () => {
    await (await openQueue()).close();
    makeDatabase(folder.path(), `PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    const error = await failureOf(openQueue());
    expect(error).to.include({ code: 'store_too_new', exitCode: 69 });
    expect(error.message).to.match(
      new RegExp(`queue\\.db has version ${SCHEMA_VERSION + 1} of the format.* supports ${SCHEMA_VERSION}$`),
    );
  });

  it('a file that is migrated while it is open is refused at the next call, with both versions', async () => {
    const queue = await openQueue();
    const { jobs } = await queue
      .push({ id: 'id', topic: 'topic', body: 'b' })
      .then(() => queue.reserve({ topics: 'topic', limit: 1, leaseMs: HOUR }));
    makeDatabase(
      folder.path(),
      `ALTER TABLE job RENAME COLUMN place TO position; PRAGMA user_version = ${SCHEMA_VERSION + 1}`,
    );
    const calls = [
      () => queue.push({ id: 'other', topic: 'topic', body: 'b' }),
      () => queue.pop('topic'),
      () => queue.ack(jobs),
      () => queue.extend(jobs, HOUR),
      () => queue.find('id'),
      () => queue.list('topic'),
      () => queue.stats(),
      () => queue.maintain(),
      () => queue.bpop('topic', { timeoutMs: 1000 }),
    ];
    for (const call of calls) {
      const error = await failureOf(call());
      expect(error, call.toString()).to.include({ code: 'store_too_new', exitCode: 69 });
      expect(error.message).to.contain(`migrated to version ${SCHEMA_VERSION + 1}`);
      expect(error.message).to.contain(`supports ${SCHEMA_VERSION}`);
    }
  });
});
