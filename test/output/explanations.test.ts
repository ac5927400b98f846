import { expect } from 'chai';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JOB_STATES, type JobRecord } from '../../src/core/job.js';
import { Queue } from '../../src/core/queue.js';
import { explain } from '../../src/output/explain.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { OriginalClient, OriginalDaemon } from '../interop/original.js';
import { MovableClock } from '../support/clock.js';
import { DAY_MS, drain, HOUR_MS, idsOf, MINUTE_MS, must, RETRY_MS } from '../support/jobs.js';
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

/** The job that a row is about, of several with its id: not the newer one that blocks it. */
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

/** list and stats agree with find. */
async function expectViewsAgree(
  { queue }: Stage,
  { id, state, topic, flaw, blockedBy }: JobRecord,
): Promise<void> {
  const { topics } = await queue.stats();
  const listed: JobRecord[] = [];
  for (const { topic } of topics) {
    const { jobs, problems } = await queue.list(topic, { limit: 5000 });
    if (problems) return; // A key of the wrong type hides some.
    listed.push(...jobs);
  }
  // Jobs that expired in the pool are counted in the totals only.
  for (const state of JOB_STATES) {
    const counted = topics.reduce((sum, row) => sum + (row[state] ?? 0), 0);
    expect(listed.filter((one) => one.state === state).length, `listed as ${state}`).to.equal(counted);
  }
  const same = listed.filter((one) => one.id.equals(id)).map((one) => one.state);
  // list cannot show a job whose topic is unknown, whose ready list was overwritten, or that is in no list.
  const isHidden = blockedBy?.type === 'wrong_type' && (topic === undefined || state === 'ready');
  const isInNoList = ['no_entry', 'body_gone', 'other_topic', 'body_incomplete'].includes(flaw?.type ?? '');
  if (!isInNoList && !isHidden) expect(same).to.include(state);
}

type Claim = readonly [said: string, prove: (stage: Stage, job: JobRecord) => Promise<void>];

const popped = async ({ queue }: Stage) => idsOf(await drain(queue, [TOPIC, 'other']));

async function isRemovable({ queue }: Stage): Promise<void> {
  expect(await queue.removeMany([ID], { states: 'any' })).to.deep.equal([
    { removed: true, state: 'expired' },
  ]);
  expect(await queue.find(ID)).to.deep.equal([]);
}

/** Words of explanations, and how to test what they claim. The first one that an explanation contains is tested. */
const CLAIMS: readonly Claim[] = [
  [
    'leaves it alone',
    async (stage) => {
      expect(await stage.queue.removeMany([ID], { states: 'any' })).to.deep.equal([
        { removed: false, state: undefined },
      ]);
      expect(await stage.queue.find(ID)).to.have.length(1);
      expect(await popped(stage)).to.not.include(ID);
    },
  ],
  [
    'can move when that key is renamed',
    async (stage, { blockedBy }) => {
      if (blockedBy?.type === 'wrong_type') await must(stage.others).raw.del(blockedBy.key);
      stage.clock.advance(HOUR_MS);
      expect(await popped(stage)).to.include(ID);
    },
  ],
  [
    'delayer skips it',
    async (stage) => {
      expect(await popped(stage)).to.not.include(ID);
    },
  ],
  ['Removing it in any state', isRemovable],
  [
    'not delivered unless it is requeued, and is soon cleared away',
    async (stage) => {
      expect(await stage.queue.requeue([ID])).to.deep.equal(['requeued']);
      expect(await popped(stage)).to.deep.equal([ID]);
      await stage.queue.push({ id: ID, topic: TOPIC, body: 'b', ttlMs: 1 });
      stage.clock.advance(MINUTE_MS + 1);
      await stage.queue.maintain();
      expect(await stage.queue.find(ID)).to.deep.equal([]);
    },
  ],
  [
    'never be delivered',
    async (stage) => {
      expect(await popped(stage)).to.not.include(ID);
      stage.clock.advance(30 * DAY_MS);
      expect(await popped(stage)).to.not.include(ID);
    },
  ],
  [
    'cannot be requeued',
    async ({ queue }) => {
      expect(await queue.requeue([ID])).to.deep.equal(['duplicate_id']);
    },
  ],
  [
    'It failed permanently',
    async (stage) => {
      expect(await stage.queue.requeue([ID])).to.deep.equal(['requeued']);
      expect(await popped(stage)).to.deep.equal([ID]);
    },
  ],
  [
    'replacing the job puts it into the queue again',
    async ({ queue }) => {
      const again = queue.push({ id: ID, topic: 'other', body: 'b' }, { onExisting: 'replace' });
      expect((await again).outcome).to.equal('replaced');
    },
  ],
  [
    'Another job of its id is in the queue',
    async (stage, { leaseUntil }) => {
      // It waits now or after its lease, and comes back when the other one is gone.
      if (leaseUntil) stage.clock.set(leaseUntil.getTime() + 1);
      await stage.queue.maintain();
      const others = (await stage.queue.find(ID)).map(({ isWaiting = false }) => isWaiting);
      expect(others).to.deep.equal([false, true]);
      await stage.queue.push({ id: ID, topic: 'other', body: 'b' }, { onExisting: 'replace' });
      stage.clock.advance(RETRY_MS);
      await stage.queue.pop('other');
      stage.clock.advance(RETRY_MS);
      expect(await popped(stage)).to.deep.equal([ID]);
    },
  ],
  [
    'gets the job early',
    async (stage) => {
      expect((await must(stage.others).original.pop(TOPIC))?.id.toString()).to.equal(ID);
    },
  ],
  [
    'it will be ready in',
    async (stage, { dueAt, pausedUntilMs = 0 }) => {
      stage.clock.stop();
      stage.clock.set(must(dueAt).getTime() - 1);
      expect(await popped(stage)).to.be.empty;
      stage.clock.advance(1);
      expect(await popped(stage)).to.deep.equal(pausedUntilMs > 0 ? [] : [ID]);
      stage.clock.set(Math.max(stage.clock.now(), pausedUntilMs));
      expect(await popped(stage)).to.deep.equal(pausedUntilMs > 0 ? [ID] : []);
    },
  ],
  [
    'is paused',
    async (stage, { pausedUntilMs }) => {
      expect(await popped(stage)).to.be.empty;
      if (pausedUntilMs === Infinity) await stage.queue.resume(TOPIC);
      else stage.clock.set(must(pausedUntilMs));
      expect(await popped(stage)).to.deep.equal([ID]);
    },
  ],
  [
    'before it',
    async (stage, { readyAhead, readyAheadAtMost = Infinity }) => {
      const place = (await popped(stage)).indexOf(ID);
      expect(place).to.be.within(readyAhead ?? 0, readyAhead ?? readyAheadAtMost);
    },
  ],
  [
    '',
    async (stage, { leaseUntil, isWaiting = false }) => {
      if (leaseUntil) stage.clock.set(Math.max(stage.clock.now(), leaseUntil.getTime() + 1));
      if (isWaiting) stage.clock.advance(RETRY_MS);
      // Once, and before all others.
      const ids = await popped(stage);
      expect(ids[0]).to.equal(ID);
      expect(ids.filter((id) => id === ID)).to.have.length(1);
    },
  ],
];

/** What the explanation predicts happens. */
async function expectTrue(stage: Stage, job: JobRecord, said: string): Promise<void> {
  const [, prove] = must(CLAIMS.find(([words]) => said.includes(words)));
  await prove(stage, job);
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
      it(`the explanation of a job that is "${row}" is true, and views change nothing`, async () => {
        const stage = stageOf();
        await make(stage);
        await prove(row, stage, keyspace);
      });
    }
    for (const [row, how, make] of MORE_CASES) {
      it(`the explanation of a job that is "${row}" is true when ${how}`, async () => {
        const stage = stageOf();
        await make(stage);
        await prove(row, stage, keyspace);
      });
    }

    it('remove reports the state that find reported, and removes the job only if it is delayed', async () => {
      for (const [row, make] of Object.entries({ ...CASES, ...REDIS_CASES })) {
        await ground.raw.flushdb();
        ground.clock.reset();
        const stage = stageOf();
        await make(stage);
        const jobs = await stage.queue.find(ID);
        const isDelayed = jobs.some(({ state }) => state === 'delayed');
        // remove does not see what other clients took or moved, nor, to stay fast, expired entries without a note.
        const unknown = ['expired, promoted by an original daemon', 'taken by an original client'];
        if ([...unknown, 'in the list of another topic'].includes(row)) continue;
        const [result] = await stage.queue.removeMany([ID]);
        expect(result, row).to.deep.equal({
          removed: isDelayed,
          state: isDelayed ? 'delayed' : jobs[0]?.state,
        });
      }
    });

    it('a remove in any state removes every job that find shows, except one that an original client has taken', async () => {
      const left: string[] = [];
      for (const [row, make] of Object.entries({ ...CASES, ...REDIS_CASES })) {
        await ground.raw.flushdb();
        ground.clock.reset();
        const stage = stageOf();
        await make(stage);
        expect(await stage.queue.find(ID), row).to.not.be.empty;
        await stage.queue.removeMany([ID], { states: 'any' });
        if ((await stage.queue.find(ID)).length > 0) left.push(row);
      }
      expect(left).to.deep.equal(['taken by an original client']);
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
      it(`the explanation of a job that is "${row}" is true, and views change nothing`, async () => {
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

  it('docs/commands.md has one row for each case, and each row has a case', () => {
    const cases = Object.keys({ ...CASES, ...REDIS_CASES, ...SQLITE_CASES });
    expect([...rows.keys()]).to.have.members(cases);
    expect(proven.size === 0 || proven.size === rows.size, 'every row was tested').to.equal(true);
  });
});
