import { expect } from 'chai';
import { type Act, sweep } from '../../../src/bulk/sweep.js';
import { JOB_STATES } from '../../../src/core/job.js';
import type { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { idsOf, maintainAll, reserve } from '../../support/jobs.js';
import { useFolder } from './files.js';

const [LEAST, MOST] = ['-9223372036854775808', '9223372036854775807'];

describe('views of an SQLite file with values that delayer never writes', () => {
  const folder = useFolder();
  const now = Date.UTC(2026, 0, 1);
  const open = () => folder.openQueue('queue.db', { now: () => now });

  function change(sql: string): void {
    const other = openDatabase(folder.path());
    other.exec(sql);
    other.close();
  }

  function rows(sql: string): unknown[] {
    const other = openDatabase(folder.path());
    const found = other.prepare(sql).all();
    other.close();
    return found;
  }

  const push = (queue: Queue, ids: readonly string[], delayMs = 0) =>
    queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id, delayMs })));

  const said = async (queue: Queue) =>
    (await queue.health()).map(({ code, message }) => `${code} ${message}`);

  /** Lists all jobs in pages; returns their states by id, and fails if an id is listed twice. */
  async function listed(queue: Queue): Promise<Record<string, string>> {
    const states: Record<string, string> = {};
    let cursor: string | undefined;
    do {
      const page = await queue.list('topic', { limit: 2, cursor });
      for (const { id, state } of page.jobs) {
        expect(states).not.to.have.property(id.toString());
        states[id.toString()] = state;
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return states;
  }

  /** Returns the listed states, after checking that find and stats agree with them. */
  async function agreed(queue: Queue, ids: readonly string[]): Promise<Record<string, string>> {
    const states = await listed(queue);
    const { totals } = await queue.stats();
    for (const id of ids)
      expect(
        (await queue.find(id)).map(({ state }) => state as string),
        id,
      ).to.deep.equal(id in states ? [states[id]] : []);
    for (const state of JOB_STATES) {
      const count = Object.values(states).filter((one) => one === state).length;
      expect(totals[state], state).to.equal(count);
      expect((await queue.list('topic', { states: [state] })).jobs, state).to.have.length(count);
    }
    return states;
  }

  it('a job without an id is passed over by what acts on a selection, and said to be', async () => {
    const queue = await open();
    await push(queue, ['a', 'b', 'c'], 60_000);
    change("UPDATE job SET id = x'' WHERE id = CAST('b' AS BLOB)");
    const problems: string[] = [];
    const act: Act = async (jobs) => (await queue.promote(idsOf(jobs))).map(() => 'done');
    for await (const part of sweep(queue, { query: { topics: ['topic'] }, limit: Infinity }, act))
      problems.push(...part.problems.map(({ code }) => code));
    expect(idsOf(await queue.popMany('topic', 9)).sort()).to.deep.equal(['a', 'c']);
    expect(problems).to.deep.equal(['name_empty']);
  });

  it('a job with a negative or extreme place is listed, found and counted once, and reported by health', async () => {
    const queue = await open();
    const ids = ['least', 'negative', 'usual', 'far', 'most', 'most2'];
    await push(queue, ids);
    for (const [id, place] of Object.entries({
      least: LEAST,
      negative: -5,
      far: '9007199254740993',
      most: MOST,
      most2: MOST,
    }))
      change(`UPDATE job SET place = ${place} WHERE id = CAST('${id}' AS BLOB)`);
    expect(await agreed(queue, ids)).to.deep.equal({
      least: 'ready',
      negative: 'ready',
      usual: 'ready',
      far: 'delayed',
      most: 'delayed',
      most2: 'delayed',
    });
    expect(await said(queue)).to.deep.equal([
      'strange_values 5 jobs (one of them "least" of topic "topic") have a number that is out of range: it is read as the nearest valid one',
    ]);
    expect((await queue.find('usual'))[0]).to.include({ readyAhead: 2 });
    expect(await queue.removeMany(ids, { states: 'any' })).to.have.length(6);
    expect(await said(queue)).to.deep.equal([]);
  });

  it('views of a job with an extreme expiry, due time, row number or attempts agree, and health reports it', async () => {
    for (const [column, values] of [
      ['expires_at', [LEAST, '-1', MOST]],
      ['due_at', [LEAST, '-1', MOST]],
      ['attempts', [LEAST, '-1', MOST]],
      ['ttl_ms', [LEAST, '0', MOST]],
      ['seq', [LEAST, '-1', '9007199254740993']],
    ] as const) {
      for (const value of values) {
        const queue = await folder.openQueue(`${column}${value}.db`, { now: () => now });
        await push(queue, ['1', '2']);
        await push(queue, ['3'], 1000);
        const other = openDatabase(folder.path(`${column}${value}.db`));
        for (const id of column === 'seq' ? ['2'] : ['2', '3'])
          other.exec(`UPDATE job SET ${column} = ${value} WHERE id = CAST('${id}' AS BLOB)`);
        other.close();
        const states = await agreed(queue, ['1', '2', '3']);
        const isOver = column === 'expires_at' && value.startsWith('-');
        expect(states, column).to.deep.equal({ 1: 'ready', 2: isOver ? 'expired' : 'ready', 3: 'delayed' });
        expect((await said(queue)).join(), `${column} ${value}`).to.match(
          /^strange_values [12] jobs? \((one of them )?"2" of topic "topic"\) ha/,
        );
        await queue.close();
      }
    }
  });

  it('a job in an unknown state is reported by health, in no view, and left alone by pop, maintain and remove', async () => {
    for (const state of [LEAST, '-1', '4', MOST]) {
      const queue = await folder.openQueue(`${state}.db`, { now: () => now });
      await push(queue, ['dead']);
      await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: 1 });
      await push(queue, ['1', '2']);
      const other = openDatabase(folder.path(`${state}.db`));
      other.exec(
        `UPDATE job SET state = ${state}, attempts = ${MOST} WHERE CAST(id AS TEXT) IN ('1', 'dead')`,
      );
      // This number makes a call fail, so that numbers are mended.
      other.exec(`UPDATE job SET attempts = ${MOST} WHERE CAST(id AS TEXT) = '2'`);
      const before = other.prepare(`SELECT CAST(state AS TEXT), id FROM job WHERE state <> 0`).all();
      other.exec('UPDATE dead SET dead_until = 1');
      expect(await agreed(queue, ['1', 'dead'])).to.deep.equal({ 2: 'ready' });
      expect((await said(queue))[0]).to.equal(
        'strange_values 2 jobs (one of them "dead" of topic "topic") are in a state that this version of delayer does not know: they are left alone, and not counted',
      );
      expect(idsOf(await queue.popMany('topic', 9))).to.deep.equal(['2']);
      await maintainAll(queue);
      expect(await queue.requeue(['1', 'dead'])).to.deep.equal(['none', 'none']);
      expect(await queue.removeMany(['1', 'dead'], { states: 'any' })).to.deep.equal([
        { removed: false, state: undefined },
        { removed: false, state: undefined },
      ]);
      expect(other.prepare('SELECT CAST(state AS TEXT), id FROM job').all()).to.deep.equal(before);
      other.close();
      await queue.close();
    }
  });

  it('a leased job without a lease is reported by health, and ready again when its state is corrected', async () => {
    const queue = await open();
    await push(queue, ['1', '2']);
    await reserve(queue, 'topic', 2);
    expect(await said(queue)).to.deep.equal([]);
    change("UPDATE lease SET seqs = '[1]'");
    expect(await said(queue)).to.deep.equal([
      'strange_values 1 job ("2" of topic "topic") is marked as leased or waiting without an end: it is left alone',
    ]);
    change('UPDATE job SET state = 0 WHERE seq = 2');
    expect(await said(queue)).to.deep.equal([]);
    expect(idsOf(await queue.popMany('topic', 9))).to.deep.equal(['2']);
  });

  it('a waiting job without a time is reported by health, and can be removed as a delayed one', async () => {
    const queue = await open();
    await push(queue, ['1']);
    const jobs = await reserve(queue, 'topic');
    await push(queue, ['1']);
    await queue.release(jobs);
    expect(await said(queue)).to.deep.equal([]);
    change('DELETE FROM waiting');
    expect((await said(queue)).join()).to.match(
      /^strange_values 1 job \("1" of topic "topic"\) is marked as leased or waiting/,
    );
    expect((await queue.find('1')).map(({ state }) => state)).to.deep.equal(['ready', 'delayed']);
    expect(await queue.remove('1')).to.be.true;
    expect(await said(queue)).to.deep.equal([]);
  });

  it('a dead letter without its row in the table dead is listed, found, counted and requeued', async () => {
    const queue = await open();
    await push(queue, ['1']);
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    change('DELETE FROM dead');
    expect(await agreed(queue, ['1'])).to.deep.equal({ 1: 'dead' });
    expect(await queue.requeue(['1'])).to.deep.equal(['requeued']);
    expect(idsOf(await queue.popMany('topic', 9))).to.deep.equal(['1']);
  });

  it('leases, pauses and dead letters with invalid values are reported by their tables', async () => {
    const queue = await open();
    await push(queue, ['1', '2']);
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    await reserve(queue, 'topic');
    await queue.pause('other', { forMs: 1000 });
    change(`UPDATE lease SET seqs = '{}'`);
    change(`UPDATE dead SET failed_at = -1`);
    change(`UPDATE pause SET until_at = ${MOST}`);
    const before = rows('SELECT seqs FROM lease');
    expect((await said(queue)).at(-1)).to.match(
      /^strange_values 3 rows of the tables lease, dead, pause have a value that delayer does not write: /,
    );
    await maintainAll(queue);
    expect(rows('SELECT seqs FROM lease')).to.deep.equal(before);
  });

  it('SQLite refuses text in an integer column', async () => {
    await push(await open(), ['1']);
    for (const column of ['state', 'place', 'attempts', 'expires_at', 'due_at'])
      expect(() => {
        change(`UPDATE job SET ${column} = 'text'`);
      }, column).to.throw(/cannot store TEXT value in INTEGER column/);
  });
});
