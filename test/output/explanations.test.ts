import { expect } from 'chai';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRecord } from '../../src/core/job.js';
import { Queue } from '../../src/core/queue.js';
import { explain } from '../../src/output/explain.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { OriginalClient, OriginalDaemon } from '../interop/original.js';
import { MovableClock } from '../support/clock.js';
import { drain, HOUR_MS, idsOf, must, RETRY_MS } from '../support/jobs.js';
import { keyspaceOf, useRedis } from '../support/redis.js';
import { CASES, ID, MORE_CASES, REDIS_CASES, SQLITE_CASES, type Stage, TOPIC } from './explanation-cases.js';

/** The table of docs/commands.md: the sentences of each row, as a pattern. */
function documented(): Map<string, RegExp> {
  const text = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('## Why a job is where it is\n');
  const [table = ''] = section.split(/\n\n(?=`inspect` counts)/);
  const rows = [...table.matchAll(/^\| ([^|]+?) \| [^|]+ \| ([^|]+?) \|$/gm)].slice(1);
  const pattern = (sentences: string) =>
    new RegExp(`^${sentences.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.+?')}$`);
  return new Map(rows.map(([, name = '', sentences = '']) => [name, pattern(sentences)]));
}

const rows = documented();

/** The job that a row is about: one that is not the newer one which stands in its way. */
function subjectOf(row: string, jobs: readonly JobRecord[]): JobRecord {
  const wanted = row.startsWith('waiting') ? 'delayed' : row.split(',')[0];
  const found = row.startsWith('waiting')
    ? jobs.find(({ isWaiting }) => isWaiting)
    : (jobs.find(({ state }) => state === wanted) ?? jobs[0]);
  return must(found);
}

async function explained(stage: Stage, row: string): Promise<{ job: JobRecord; said: string }> {
  const [jobs, now] = [await stage.queue.find(ID), await stage.queue.now()];
  const job = subjectOf(row, jobs);
  return { job, said: explain(job, now, jobs).join(' ') };
}

/** What list and stats say of it is what find says. */
async function expectViewsAgree({ queue }: Stage, job: JobRecord): Promise<void> {
  const { topics = [], totals } = await queue.stats();
  const listed: JobRecord[] = [];
  for (const { topic } of topics) {
    const { jobs, problems } = await queue.list(topic, { limit: 5000 });
    if (problems) return; // A key of the wrong type hides some.
    listed.push(...jobs);
  }
  for (const state of ['delayed', 'due', 'ready', 'leased', 'expired', 'dead'] as const) {
    expect(listed.filter((one) => one.state === state).length, `listed as ${state}`).to.equal(totals[state]);
  }
  const same = listed.filter((one) => one.id.equals(job.id)).map(({ state }) => state);
  const isNowhere = ['no_entry', 'body_gone', 'other_topic'].includes(job.flaw?.type ?? '');
  const isInPoolAlone = job.state === 'expired' && job.flaw !== undefined && job.readyAhead === undefined;
  if (!isNowhere && !isInPoolAlone && job.blockedBy?.type !== 'wrong_type')
    expect(same).to.include(job.state);
}

/** What is said of what will happen does happen. */
async function expectTrue(stage: Stage, job: JobRecord, said: string): Promise<void> {
  const { queue, clock, others } = stage;
  const popped = async () => idsOf(await drain(queue, [TOPIC, 'other']));
  const isPaused = said.includes('is paused');
  if (isPaused) expect(await queue.pop(TOPIC)).to.be.undefined;
  if (said.includes('until it is resumed')) await queue.resume(TOPIC);
  if (said.includes('leaves it alone')) {
    expect(await queue.removeMany([ID], { states: 'any' })).to.deep.include({
      removed: false,
      state: job.state,
    });
    expect(await queue.find(ID)).to.have.length(1);
    expect(await popped()).to.not.include(ID);
  } else if (said.includes('goes on when that key is renamed')) {
    const { blockedBy } = job;
    if (blockedBy?.type === 'wrong_type') await must(others).raw.del(blockedBy.key);
    clock.advance(HOUR_MS);
    expect(await popped()).to.include(ID);
  } else if (said.includes('Removing it in any state')) {
    if (said.includes('passes over it')) expect(await popped()).to.not.include(ID);
    else {
      expect(await queue.removeMany([ID], { states: 'any' })).to.deep.include({
        removed: true,
        state: 'expired',
      });
      expect((await queue.find(ID)).map(({ state, flaw }) => [state, flaw])).to.deep.equal([]);
    }
  } else if (said.includes('never be delivered')) {
    expect(await popped()).to.not.include(ID);
    clock.advance(30 * 24 * HOUR_MS);
    expect(await popped()).to.not.include(ID);
  } else if (said.includes('be requeued before')) {
    expect(await queue.requeue([ID])).to.deep.equal(['duplicate_id']);
  } else if (said.includes('It failed for good')) {
    expect(await queue.requeue([ID])).to.deep.equal(['requeued']);
    expect(await popped()).to.deep.equal([ID]);
  } else if (said.includes('Another job of its id')) {
    await queue.removeMany([ID], { states: ['delayed'] });
  } else if (said.includes('It was promoted, and')) {
    expect(
      (await queue.push({ id: ID, topic: 'other', body: 'b' }, { onExisting: 'replace' })).outcome,
    ).to.equal('replaced');
  } else {
    if (job.state === 'ready' && isPaused) clock.advance(HOUR_MS + 1);
    const ahead = job.readyAhead ?? job.readyAheadAtMost ?? 0;
    if (job.state === 'delayed' && !job.isWaiting) {
      clock.stop();
      clock.set(must(job.dueAt).getTime() - 1);
      if (said.includes('given the job early')) {
        expect(await popped()).to.not.include(ID);
        expect(await must(others).original.pop(TOPIC)).to.include({});
        return;
      }
      expect(await popped()).to.be.empty;
      clock.advance(isPaused ? 2 * HOUR_MS : 1);
    } else if (job.leaseUntil) clock.set(Math.max(clock.now(), job.leaseUntil.getTime() + 1));
    else if (job.isWaiting) clock.advance(RETRY_MS);
    const ids = await popped();
    if (job.readyAheadAtMost === undefined) expect(ids.indexOf(ID)).to.equal(ahead);
    else expect(ids.indexOf(ID)).to.be.within(0, ahead);
    expect(ids.filter((id) => id === ID)).to.have.length(1);
  }
}

describe('explanations', () => {
  const proven = new Set<string>();

  const prove = async (row: string, stage: Stage, looking: () => Promise<unknown>) => {
    const before = await looking();
    const { job, said } = await explained(stage, row);
    expect(said).to.match(must(rows.get(row)));
    await expectViewsAgree(stage, job);
    await stage.queue.stats({ exact: false });
    await stage.queue.health();
    await stage.queue.findFlawed();
    expect(await looking(), 'what is in the store after looking').to.deep.equal(before);
    await expectTrue(stage, job, said);
    proven.add(row);
  };

  describe('on Redis', () => {
    const ground = useRedis({ movableClock: true });
    const key = (rest: string) => `${ground.prefix}:${rest}`;
    const stageOf = (): Stage & { others: NonNullable<Stage['others']> } => ({
      queue: ground.queue(),
      clock: ground.clock,
      others: {
        raw: ground.raw,
        key,
        original: new OriginalClient(ground.raw, ground.prefix),
        daemon: new OriginalDaemon(ground.raw, ground.prefix),
      },
    });
    const keyspace = () => keyspaceOf(ground.raw, key('*'));

    for (const [row, make] of Object.entries({ ...CASES, ...REDIS_CASES })) {
      it(`a job that is ${row} is explained truly, and looking changes nothing`, async () => {
        const stage = stageOf();
        await make(stage);
        await prove(row, stage, keyspace);
      });
    }
    for (const [row, how, make] of MORE_CASES) {
      it(`a job that is ${row} is explained truly when ${how}`, async () => {
        const stage = stageOf();
        await make(stage);
        await prove(row, stage, keyspace);
      });
    }

    it('remove tells of a job what find told, and removes it where it is delayed', async () => {
      for (const [row, make] of Object.entries({ ...CASES, ...REDIS_CASES })) {
        await ground.raw.flushdb();
        ground.clock.reset();
        const stage = stageOf();
        await make(stage);
        const jobs = await stage.queue.find(ID);
        const isDelayed = jobs.some(({ state }) => state === 'delayed');
        // Of an entry that is nobody's note it knows only where it looks for expired jobs: it need not be slow.
        if (row === 'expired, promoted by an original daemon') continue;
        const [result] = await stage.queue.removeMany([ID]);
        expect(result, row).to.deep.equal({
          removed: isDelayed,
          state: isDelayed ? 'delayed' : jobs[0]?.state,
        });
      }
    });
  });

  describe('on SQLite', () => {
    let dir = '';
    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'delayer-explain-'));
      const store = await SqliteStore.open(join(dir, 'empty.db'));
      await store.push({ jobs: [], onExisting: 'refuse' });
      await store.close();
    });
    after(() => {
      rmSync(dir, { recursive: true, force: true });
    });

    for (const [row, make] of Object.entries({ ...CASES, ...SQLITE_CASES })) {
      it(`a job that is ${row} is explained truly`, async () => {
        const path = join(mkdtempSync(join(dir, 'test-')), 'queue.db');
        copyFileSync(join(dir, 'empty.db'), path);
        const clock = new MovableClock();
        const queue = new Queue(await SqliteStore.open(path, { now: () => clock.now() }));
        try {
          await make({ queue, clock });
          await prove(row, { queue, clock }, () => Promise.resolve(readFileSync(path)));
        } finally {
          await queue.close();
        }
      });
    }
  });

  it('docs/commands.md has a row for each case, and each of its rows has one', () => {
    const cases = Object.keys({ ...CASES, ...REDIS_CASES, ...SQLITE_CASES });
    expect([...rows.keys()]).to.have.members(cases);
    expect(proven.size === 0 || proven.size === rows.size, 'all of them were brought about').to.equal(true);
  });
});
