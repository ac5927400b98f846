import { expect } from 'chai';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { examine } from '../../src/bulk/doctor.js';
import { newToken } from '../../src/core/lease.js';
import type { Queue } from '../../src/core/queue.js';
import { openDatabase } from '../../src/storage/sqlite/driver.js';
import { useFolder } from '../storage/sqlite/files.js';
import { useCli } from '../support/cli.js';
import { HOUR_MS, jobsOf, reserve } from '../support/jobs.js';
import { fixAll, heal, kindsOf, type Plant } from './patient.js';

const DAY_MS = 24 * HOUR_MS;
const MANY = 1000;

describe('doctor on SQLite', () => {
  const folder = useFolder();
  const cli = useCli(() => ({ DELAYER_STORE: `sqlite:${folder.path()}` }));
  let queue: Queue;
  let [now, free] = [0, Infinity];

  /** Writes into the file as another program does. */
  const sql = (...statements: readonly string[]) => {
    const database = openDatabase(folder.path());
    try {
      for (const statement of statements) database.exec(statement);
    } finally {
      database.close();
    }
  };
  /** Replaces a text in the first page of a table or index, as a failing disk does. */
  const overwrite = (name: string, text: string, other: string) => {
    sql('PRAGMA wal_checkpoint(TRUNCATE)');
    const database = openDatabase(folder.path());
    const found = database.prepare('SELECT rootpage AS page FROM sqlite_schema WHERE name = ?').get(name);
    database.close();
    const from = ((found as { page: number }).page - 1) * 4096;
    const file = readFileSync(folder.path());
    const page = file.subarray(from, from + 4096).toString('latin1');
    file.write(page.replaceAll(text, other), from, 'latin1');
    writeFileSync(folder.path(), file, { flag: 'r+' });
    // Connections that have the page in memory read it again.
    sql('PRAGMA user_version = 5');
  };
  const push = (id: string, delayMs = HOUR_MS) => queue.push({ id, topic: 'topic', body: id, delayMs });
  /** Pushes a job of each state, with the state as id. */
  const fill = async () => {
    await push('leased', 0);
    await reserve(queue, 'topic');
    await push('waiting', 0);
    const waiting = await reserve(queue, 'topic');
    await push('waiting');
    await queue.release(waiting);
    await push('dead', 0);
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    await push('ready', 0);
    await push('delayed');
  };
  /** The condition of a row in the table `job`. */
  const of = (id: string, state: number) => `id = CAST('${id}' AS BLOB) AND state = ${state}`;
  const seqOf = (id: string, state: number) => `(SELECT seq FROM job WHERE ${of(id, state)})`;
  const ALL = ['leased', 'dead', 'ready', 'delayed'];

  beforeEach(async () => {
    [now, free] = [Date.now(), Infinity];
    queue = await folder.openQueue(undefined, { freeBytes: () => free });
  });

  const run = async (words: readonly string[], command: string): Promise<void> => {
    if (words[0] === 'sqlite3') {
      expect(words[1]).to.equal(folder.path());
      sql(words[2] ?? '');
      return;
    }
    const outcome = await cli.sh(command);
    expect(outcome, `${command}\n${outcome.stderr}`).to.include({ code: 0 });
  };

  /** A fault in a file with a job in each state. */
  const inRow = (
    name: string,
    kinds: Plant['kinds'],
    statement: string | (() => string),
    kept: readonly string[] = ALL,
    more: Partial<Plant> = {},
  ): Plant => ({
    name,
    plant: async () => {
      await fill();
      sql(typeof statement === 'string' ? statement : statement());
    },
    kinds,
    kept,
    ...more,
  });
  const column = (table: string, name: string, value: string, where = 'true', kept = ALL): Plant =>
    inRow(
      `${name} of ${table} is ${value}`,
      ['number_strange'],
      `UPDATE ${table} SET ${name} = ${value} WHERE ${where}`,
      kept,
    );

  const plants: readonly Plant[] = [
    column('job', 'attempts', '-1', of('ready', 0)),
    column('job', 'attempts', '1000000000000000', of('ready', 0)),
    column('job', 'place', '-9223372036854775808', of('ready', 0)),
    column('job', 'place', '-5', of('delayed', 0)),
    column('job', 'due_at', '-5', of('ready', 0)),
    column('job', 'expires_at', '-1', of('ready', 0)),
    column('job', 'expires_at', '9223372036854775807', of('ready', 0)),
    column('job', 'ttl_ms', '0', of('ready', 0)),
    column('job', 'ttl_ms', '9223372036854775807', of('ready', 0)),
    column('job', 'seq', '9223372036854775807', of('ready', 0)),
    column('job', 'seq', '-7', of('ready', 0)),
    column('lease', 'ends_at', '-1'),
    column('lease', 'reserved_at', '-1'),
    column('lease', 'deadline', '9223372036854775807'),
    column('lease', 'jobs', '0'),
    column('lease', 'first', '-1'),
    column('lease', 'policy', `'['`),
    column('waiting', 'since', '-1'),
    column('waiting', 'again_at', '9223372036854775807'),
    column('dead', 'failed_at', '-1'),
    column('dead', 'dead_until', '-1'),
    column('dead', 'dead_until', '9223372036854775807'),
    inRow(
      'until_at of pause is -1',
      ['number_strange'],
      `INSERT INTO pause VALUES (CAST('other' AS BLOB), -1)`,
    ),
    inRow('line of imported is -1', ['number_strange'], `INSERT INTO imported VALUES ('file', -1, 5)`),
    column('clock', 'uptime_ms', '-1'),
    inRow(
      'a job is due later than any valid time',
      ['due_out_of_range'],
      `UPDATE job SET place = 9000000000000000, expires_at = 9000000000000000 WHERE ${of('delayed', 0)}`,
    ),
    inRow(
      'a job expires before it is due',
      ['expires_before_due'],
      `UPDATE job SET expires_at = place - 1000 WHERE ${of('delayed', 0)}`,
    ),
    inRow(
      'a job is in an unknown state',
      ['state_unknown'],
      `UPDATE job SET state = 7 WHERE ${of('ready', 0)}`,
    ),
    inRow(
      'a job is in an unknown state, and a newer job of its id is in the queue',
      ['state_unknown'],
      `UPDATE job SET state = 7 WHERE ${of('waiting', 2)}; DELETE FROM waiting`,
    ),
    inRow(
      'a job is in a negative state',
      ['state_unknown'],
      `UPDATE job SET state = -1 WHERE ${of('ready', 0)}`,
    ),
    inRow('a job has no id', ['name_empty'], `UPDATE job SET id = x'' WHERE ${of('ready', 0)}`, [
      'leased',
      'dead',
      'delayed',
    ]),
    inRow('a job has no topic', ['name_empty'], `UPDATE job SET topic = x'' WHERE ${of('ready', 0)}`),
    inRow(
      'a job is leased, and no lease has it',
      ['job_unheld'],
      `UPDATE job SET state = 1 WHERE ${of('ready', 0)}`,
    ),
    inRow(
      'a job is leased, no lease has it, and a newer job of its id is in the queue',
      ['job_unheld'],
      `UPDATE job SET state = 1 WHERE ${of('waiting', 2)}; DELETE FROM waiting`,
    ),
    inRow('a job is waiting and not in the table of waiting jobs', ['job_unheld'], 'DELETE FROM waiting'),
    inRow('the lease of a job was deleted', ['job_unheld'], 'DELETE FROM lease'),
    inRow('a dead letter has no time of death', ['dead_unexplained'], 'DELETE FROM dead'),
    inRow(
      'the jobs of a lease are not JSON',
      ['job_unheld', 'lease_unreadable'],
      `UPDATE lease SET seqs = '['`,
    ),
    inRow(
      'the jobs of a lease are not an array',
      ['job_unheld', 'lease_unreadable'],
      `UPDATE lease SET seqs = '{}'`,
    ),
    inRow(
      'a lease ends in a year',
      ['lease_too_long'],
      () => `UPDATE lease SET ends_at = ${now + 365 * DAY_MS}`,
    ),
    inRow('a lease ended an hour ago', ['leases_ended'], () => `UPDATE lease SET ends_at = ${now - HOUR_MS}`),
    inRow(
      'nobody has looked at a waiting job for an hour',
      ['waiting_overdue'],
      () => `UPDATE waiting SET again_at = ${now - HOUR_MS}`,
    ),
    inRow('the job of a lease was deleted', ['lease_of_nothing'], `DELETE FROM job WHERE state = 1`, [
      'ready',
      'dead',
    ]),
    inRow(
      'a job is in two leases',
      ['held_twice'],
      () =>
        `INSERT INTO lease (token, ends_at, reserved_at, deadline, jobs, first, seqs) SELECT '${newToken()}', ends_at - 5, reserved_at, deadline, jobs, first, seqs FROM lease`,
    ),
    inRow('a job that waits was deleted', ['row_left'], 'DELETE FROM job WHERE state = 2'),
    inRow('a dead letter was deleted', ['row_left'], 'DELETE FROM job WHERE state = 3', ['ready']),
    inRow(
      'a dead letter has outlived its end',
      ['dead_past'],
      () => `UPDATE dead SET dead_until = ${now - HOUR_MS}`,
      ['ready'],
    ),
    ...['retries = -5', 'first_ms = 5', `history = '['`].map((broken) =>
      inRow(
        `a job has ${broken}`,
        ['settings_broken'],
        () =>
          `INSERT OR REPLACE INTO extras (seq) VALUES (${seqOf('ready', 0)}); UPDATE extras SET ${broken} WHERE seq = ${seqOf('ready', 0)}; UPDATE job SET has_extras = 1 WHERE ${of('ready', 0)}`,
      ),
    ),
    inRow(
      'extras of jobs that are gone pile up',
      ['extras_unused'],
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY}) INSERT INTO extras (seq, key) SELECT 5000 + i, 'key' FROM n`,
    ),
    inRow(
      'a lock ends in an hour',
      ['lock_endless'],
      () => `INSERT INTO lock VALUES (x'61', 'owner', ${now + HOUR_MS})`,
    ),
    ...['job_line', 'job_id', 'lease_end'].map((index) =>
      inRow(`the index ${index} is missing`, ['index_missing'], `DROP INDEX ${index}`),
    ),
    inRow(
      'a trigger was added',
      ['schema_foreign'],
      'CREATE TRIGGER other AFTER DELETE ON dead BEGIN DELETE FROM extras; END',
    ),
    inRow('a table was added', ['schema_foreign'], 'CREATE TABLE other (a)'),
    {
      name: 'an index disagrees with its table',
      plant: async () => {
        await fill();
        overwrite('job_line', 'topic', 'tapic');
      },
      kinds: ['index_damaged'],
      kept: ALL,
    },
    {
      name: 'expired jobs pile up',
      plant: async () => {
        await fill();
        await queue.pushMany(jobsOf('old', 100, { ttlMs: 1000 }));
        sql(
          `UPDATE job SET place = place - 7200000, expires_at = expires_at - 7200000 WHERE topic = CAST('old' AS BLOB)`,
        );
      },
      kinds: ['jobs_expired'],
      kept: ALL,
    },
    {
      name: 'the disk is nearly full',
      plant: () => (free = 20 * 1024 * 1024),
      kinds: ['disk_near'],
      mend: () => (free = Infinity),
    },
    {
      name: 'the disk is full',
      plant: () => (free = 4096),
      kinds: ['disk_full'],
      mend: () => (free = Infinity),
    },
    {
      name: 'the file is writable by everyone',
      plant: () => chmodSync(folder.path(), 0o666),
      kinds: ['open_to_all'],
    },
    {
      name: 'the folder is writable by everyone',
      plant: () => chmodSync(folder.path('.'), 0o777),
      kinds: ['open_to_all'],
    },
    {
      name: 'the clock was set back',
      plant: async () => {
        await fill();
        sql('UPDATE clock SET jumped_ms = -3600000');
      },
      kinds: ['clock_jumped'],
      mend: () => sql('UPDATE clock SET jumped_ms = 0'),
      kept: ALL,
    },
    {
      name: 'a long read lets the write-ahead log grow',
      plant: async () => {
        const body = Buffer.alloc(4 * 1024 * 1024, 'x');
        const reader = openDatabase(folder.path());
        reader.exec('BEGIN; SELECT count(*) FROM job');
        for (let i = 0; i < 17; i += 1) await queue.push({ id: `${i}`, topic: 'large', body });
        reader.close();
      },
      kinds: ['log_long'],
      kept: ['0', '16'],
    },
  ];

  for (const fault of plants)
    it(`finds this fault, and its remedies mend it: ${fault.name}`, async () => {
      await heal(queue, { label: queue.label, flags: {} }, fault, run);
    });

  it('reports a table with other columns or a missing table as changed, and examines nothing else', async () => {
    await fill();
    sql('ALTER TABLE dead ADD COLUMN other TEXT');
    expect(kindsOf(await examine(queue, {}))).to.deep.equal(['table_changed']);
    sql('ALTER TABLE dead DROP COLUMN other', 'DROP TABLE extras');
    expect(kindsOf(await examine(queue, {}))).to.deep.equal(['table_changed']);
  });

  it('reports a damaged page and does not mend it', async () => {
    await fill();
    overwrite('waiting_again', '\x00', '\xff');
    const findings = await examine(queue, {});
    expect(kindsOf(findings)).to.deep.equal(['file_damaged']);
    await fixAll(queue);
    expect(kindsOf(await examine(queue, {}))).to.deep.equal(['file_damaged']);
  });

  it('finds no fault in jobs that were imported without an expiry', async () => {
    const job = { topic: 'topic', body: 'b', dueAt: new Date(now + HOUR_MS) };
    await queue.import([
      { ...job, id: '1' },
      { ...job, id: '2', state: 'dead' },
    ]);
    expect(kindsOf(await examine(queue, {}))).to.deep.equal([]);
  });

  it('finds no fault in a held job, and mends its lease without changing the job', async () => {
    await push('held');
    const [held] = await queue.hold([{ id: 'held' }], { leaseMs: HOUR_MS, holder: 'operator' });
    expect(kindsOf(await examine(queue, {}))).to.deep.equal([]);
    sql('UPDATE lease SET reserved_at = -1');
    await fixAll(queue);
    expect(await queue.release([held?.lease ?? ''])).to.deep.equal([true]);
    expect((await queue.find('held')).map(({ state, attempts }) => [state, attempts])).to.deep.equal([
      ['delayed', 0],
    ]);
  });

  it('says that there may be more findings of a kind when it stops looking for them', async () => {
    await push('1');
    for (const [rows, mayBeMore] of [
      [999, undefined],
      [1000, true],
    ] as const) {
      sql(
        'DELETE FROM waiting',
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
         INSERT INTO waiting (seq, again_at, since) SELECT 1000 + i, ${now + DAY_MS}, ${now} FROM n`,
      );
      const [finding] = await examine(queue, {});
      expect([finding?.kind, finding?.count, finding?.mayBeMore]).to.deep.equal([
        'row_left',
        rows,
        mayBeMore,
      ]);
    }
  });

  it('keeps expired jobs before it removes them', async () => {
    await queue.pushMany(jobsOf('old', 120, { ttlMs: 1000 }));
    sql(`UPDATE job SET place = place - 7200000, expires_at = expires_at - 7200000`);
    const kept = await fixAll(queue);
    expect(kept.map(({ body }) => body?.toString()).sort()).to.deep.equal(
      jobsOf('old', 120)
        .map(({ body }) => body)
        .sort(),
    );
    expect((await queue.stats()).totals).to.include({ expired: 0 });
  });
});
