import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { OriginalClient, OriginalDaemon } from '../../interop/original.js';
import { eventually } from '../../support/eventually.js';
import { HOUR_MS, idsOf, jobsOf, LONG_MS, maintainAll, reserve } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** The problems that stats count, how they are listed, and how they are mended: docs/commands.md has the table. */
describe('problems of jobs in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const original = () => new OriginalClient(ground.raw, ground.prefix);

  const problems = async (queue: Queue) => (await queue.stats()).problems ?? [];
  const counted = async (queue: Queue) =>
    (await problems(queue)).map(({ code, message }) => `${code} ${message}`);
  const flawed = async (queue: Queue) =>
    (await queue.findFlawed()).jobs.map(
      ({ id, flaw, blockedBy }) => `${id.toString()} ${(flaw ?? blockedBy)?.type}`,
    );
  const noneLeft = async (queue: Queue) => {
    expect(await problems(queue)).to.deep.equal([]);
    expect(await flawed(queue)).to.deep.equal([]);
  };

  it('jobs without a body are counted, listed, and cleared away by maintain when they are due', async () => {
    const queue = ground.queue();
    await queue.pushMany(['1', '2'].map((id) => ({ id, topic: 'topic', body: 'b', delayMs: HOUR_MS })));
    await ground.raw.del(key('job_bucket:1'), key('job_bucket:2'));
    expect(await counted(queue)).to.deep.equal([
      'bodies_gone 2 jobs have lost the body and will never be delivered',
    ]);
    expect(await flawed(queue)).to.deep.equal(['1 body_gone', '2 body_gone']);
    ground.clock.advance(HOUR_MS);
    await maintainAll(queue);
    await noneLeft(queue);
  });

  it('a job that expired before it was promoted is not reported as a problem', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b', delayMs: 1000, ttlMs: 1000 });
    await queue.push({ id: '2', topic: 'topic', body: 'b', delayMs: HOUR_MS });
    ground.clock.advance(3000);
    const { totals, topics } = await queue.stats();
    expect(totals).to.include({ delayed: 1, due: 0, expired: 1 });
    // The body, which had the topic, is gone.
    expect(topics.map(({ delayed, due, expired }) => ({ delayed, due, expired }))).to.deep.equal([
      { delayed: 1, due: 0, expired: 0 },
    ]);
    await noneLeft(queue);
  });

  it('jobs without a body are not removed as delayed ones, but by a remove in any state', async () => {
    const queue = ground.queue();
    await queue.pushMany(['1', '2'].map((id) => ({ id, topic: 'topic', body: 'b', delayMs: HOUR_MS })));
    await ground.raw.del(key('job_bucket:1'));
    await ground.raw.hdel(key('job_bucket:2'), 'body');
    const expired = { removed: false, state: 'expired' };
    expect(await queue.removeMany(['1', '2'])).to.deep.equal([expired, expired]);
    expect(await queue.removeMany(['1', '2'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'expired' },
      { removed: true, state: 'expired' },
    ]);
    await noneLeft(queue);
    expect(await ground.raw.keys(key('*'))).to.deep.equal([]);
  });

  it('a remove returns false for a job that an original client popped before it was due', async () => {
    const queue = ground.queue();
    await queue.push({ id: '32', topic: 'topic', body: 'old' });
    await maintainAll(queue);
    await original().push('32', 'topic', 'new', 3600);
    expect((await original().pop('topic'))?.body.toString()).to.equal('new');
    expect(await queue.remove('32')).to.be.false;
  });

  it('keys of a wrong type in place of bodies are counted and listed, and their jobs are ready again when the bodies are back', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: HOUR_MS });
    await queue.pushMany(['ready', 'aside'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    await maintainAll(queue);
    const ids = ['delayed', 'ready', 'aside'];
    const hide = async (id: string) => {
      await ground.raw.rename(key(`job_bucket:${id}`), key(`saved:${id}`));
      await ground.raw.set(key(`job_bucket:${id}`), 'text');
    };
    await hide('delayed');
    await hide('aside');
    expect(await queue.pop('topic')).to.include({ state: 'ready' });
    await queue.push({ id: 'ready', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await hide('ready');
    expect(await counted(queue)).to.deep.equal([
      'wrong_type 3 jobs have a key of the wrong type in place of the body',
    ]);
    expect((await flawed(queue)).sort()).to.deep.equal(ids.map((id) => `${id} wrong_type`).sort());
    expect((await queue.stats()).totals).to.include({ expired: 2, ready: 0, delayed: 0 });
    expect(idsOf((await queue.list('topic', { states: ['expired'] })).jobs).sort()).to.deep.equal([
      'aside',
      'ready',
    ]);
    for (const id of ids) await ground.raw.rename(key(`saved:${id}`), key(`job_bucket:${id}`));
    ground.clock.advance(HOUR_MS);
    // maintain brings back jobs that were set aside.
    await eventually(async () => {
      await queue.maintain();
      expect((await queue.stats()).totals).to.include({ ready: 3 });
    });
    await noneLeft(queue);
    expect(idsOf(await queue.popMany('topic', 10)).sort()).to.deep.equal([...ids].sort());
  });

  it('a remove in any state deletes a job that was set aside, and leaves the key of the wrong type', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await ground.raw.del(key('job_bucket:1'));
    await ground.raw.set(key('job_bucket:1'), 'text');
    expect(await queue.pop('topic')).to.be.undefined;
    expect(await queue.removeMany(['1'])).to.deep.equal([{ removed: false, state: 'expired' }]);
    expect(await queue.removeMany(['1'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'expired' },
    ]);
    await noneLeft(queue);
    expect(await ground.raw.get(key('job_bucket:1'))).to.equal('text');
  });

  it('a job with two entries in its ready list is reported, and counted, listed and delivered once', async () => {
    const queue = ground.queue();
    const daemons = [1, 2].map(() => new OriginalDaemon(ground.raw, ground.prefix));
    await queue.pushMany(['1', '2'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    // Two original daemons see the due jobs before either moves them.
    const seen = await Promise.all(daemons.map((daemon) => daemon.look(Math.ceil(Date.now() / 1000) + 1)));
    for (const [i, daemon] of daemons.entries()) await daemon.move(seen[i] ?? new Map<string, Buffer[]>());
    expect(await ground.raw.llen(key('ready_queue:topic'))).to.equal(4);
    expect((await queue.stats()).totals).to.include({ ready: 2, expired: 0 });
    const { jobs } = await queue.list('topic');
    expect(jobs.map(({ id, flaw }) => [id.toString(), flaw])).to.deep.equal([
      ['1', { type: 'doubled_entry', entries: 2 }],
      ['2', { type: 'doubled_entry', entries: 2 }],
    ]);
    expect((await queue.list('topic', { limit: 1, states: ['ready'] })).jobs).to.have.length(1);
    expect((await counted(queue))[0]).to.match(
      /^doubled_entries 2 ready jobs are in the ready list more than once/,
    );
    expect(await flawed(queue)).to.have.members(['1 doubled_entry', '2 doubled_entry']);
    expect(idsOf(await queue.popMany('topic', 10))).to.deep.equal(['1', '2']);
    expect(await queue.pop('topic')).to.be.undefined;
    await noneLeft(queue);
  });

  it('a job with entries on several pages of a list is listed once', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 5));
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await ground.raw.lpush(key('ready_queue:topic'), '1', '1');
    const ids: string[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 10; pages += 1) {
      const page = await queue.list('topic', { limit: 2, cursor });
      ids.push(...idsOf(page.jobs));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(ids).to.have.length(6);
    expect(new Set(ids).size).to.equal(6);
  });

  it('entries of jobs that are not ready are counted, listed, and taken out by maintain', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await original().push('1', 'topic', 'new', 3600);
    expect((await counted(queue))[0]).to.match(
      /^old_entries 1 entry of a ready list is of a job that is not ready/,
    );
    expect(await flawed(queue)).to.deep.equal(['1 old_entry']);
    await eventually(async () => {
      await queue.maintain();
      await noneLeft(queue);
    });
    expect(await original().pop('topic')).to.be.undefined;
    expect(await queue.remove('1')).to.be.true;
  });

  it('an entry of a job of another topic is listed, and removed with its job', async () => {
    const queue = ground.queue();
    await original().push('1', 'topic', 'b', 0);
    await new OriginalDaemon(ground.raw, ground.prefix).tick(Math.ceil(Date.now() / 1000) + 1);
    await ground.raw.hset(key('job_bucket:1'), 'topic', 'other');
    expect((await counted(queue))[0]).to.match(/^old_entries 1/);
    expect(await flawed(queue)).to.deep.equal(['1 other_topic']);
    expect(await queue.removeMany(['1'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'expired' },
    ]);
    await noneLeft(queue);
    expect(await ground.raw.keys(key('*'))).to.deep.equal([]);
  });

  it('an entry in the list of another topic of a job that is ready in its own is listed, and removed by a daemon', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await ground.raw.lpush(key('ready_queue:other'), '1');
    expect((await counted(queue))[0]).to.match(/^old_entries 1/);
    expect(await flawed(queue)).to.deep.equal(['1 old_entry']);
    await eventually(async () => {
      await queue.maintain();
      await noneLeft(queue);
    });
    expect(idsOf(await queue.popMany('topic', 2))).to.deep.equal(['1']);
  });

  it('missing records are counted by their keys, and what refers to them is cleared away', async () => {
    const queue = ground.queue();
    await queue.pushMany(['1', '2'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    await reserve(queue, 'topic', 1, LONG_MS);
    const [record = ''] = await ground.raw.keys(key('inflight:*'));
    await ground.raw.del(record, key('dead_letter:1'));
    const [said = ''] = await counted(queue);
    expect(said).to.match(/^records_gone 2 records of leased or dead jobs are gone/);
    expect(said).to.include(record).and.to.include(key('dead_letter:1'));
    ground.clock.advance(2 * LONG_MS);
    await maintainAll(queue);
    expect(await queue.removeMany(['1'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'dead' },
    ]);
    await noneLeft(queue);
    expect(await ground.raw.keys(key('*'))).to.deep.equal([]);
  });

  it('a body whose entry another client has popped is not removed', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await ground.raw.rpop(key('ready_queue:topic'));
    const body = await ground.raw.hgetall(key('job_bucket:1'));
    expect(await queue.removeMany(['1'], { states: 'any' })).to.deep.equal([
      { removed: false, state: undefined },
    ]);
    expect(await ground.raw.hgetall(key('job_bucket:1'))).to.deep.equal(body);
  });

  it('a ready job in the middle of a very long list is found, and removed with its entry', async () => {
    const queue = ground.queue();
    const ready = key('ready_queue:topic');
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    const filler = Array.from({ length: 1000 }, (_, i) => `${'x'.repeat(1000)}-${i}`);
    const fill = async () => {
      const part = ground.raw.pipeline();
      for (let i = 0; i < 20; i += 1) part.lpush(ready, ...filler);
      await part.exec();
    };
    await fill();
    await ground.raw.lpush(ready, '2');
    await ground.raw.hset(key('job_bucket:2'), { topic: 'topic', body: 'b' });
    await fill();
    expect((await queue.find('2'))[0]).to.include({ state: 'ready', readyAheadAtMost: 20_001 });
    expect(await queue.removeMany(['2'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'ready' },
    ]);
    expect(await ground.raw.lpos(ready, '2')).to.equal(null);
    expect(await queue.find('2')).to.deep.equal([]);
  });
});
