import { expect } from 'chai';
import type { Queue } from '../../src/core/queue.js';
import {
  drain,
  idsOf,
  LONG_MS,
  maintainAll,
  must,
  reserve,
  SECOND_MS,
  soon,
  textOf,
} from '../support/jobs.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient, OriginalDaemon } from './original.js';

const TTL_MS = 300;

/** An original client would pop the next job of an id early through an entry that an earlier job left in a ready list. */
describe('an old entry of an id in a ready list', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const original = () => new OriginalClient(ground.raw, ground.prefix);
  const daemon = () => new OriginalDaemon(ground.raw, ground.prefix);
  const expire = () => {
    ground.clock.advance(TTL_MS + SECOND_MS);
  };
  /** Steps of a daemon of delayer. */
  const idle = async (queue: Queue, steps = 20) => {
    for (let step = 0; step < steps; step += 1) await queue.maintain();
  };
  const OLD = { id: '32', topic: 'topic', body: 'old', ttlMs: TTL_MS };
  const ALIVE = { id: '32', topic: 'topic', body: 'new', attempts: 3, ttlMs: LONG_MS };
  const NEW = { id: '32', topic: 'topic', body: 'new', delayMs: LONG_MS };

  /** The ways in which an earlier job leaves an entry, with or without a body. */
  const ENDS = {
    'that expired': async (queue: Queue) => {
      await queue.push(OLD);
      await maintainAll(queue);
      expire();
    },
    'that an original client removed': async (queue: Queue) => {
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      await maintainAll(queue);
      await original().remove('32');
    },
    'that an original daemon promoted and that expired': async () => {
      await original().push('32', 'topic', 'old', 0, 1);
      await daemon().tick();
      ground.clock.advance(2 * SECOND_MS);
    },
    'of which there were two, one of them popped': async (queue: Queue) => {
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      await maintainAll(queue);
      await ground.raw.lpush(key('ready_queue:topic'), '32');
      await queue.pop('topic');
    },
    'that is still ready': async (queue: Queue) => {
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      await maintainAll(queue);
    },
    'that an original client pushed again while it was ready': async (queue: Queue) => {
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      await maintainAll(queue);
      await original().push('32', 'topic', 'again', 1000);
    },
  } satisfies Record<string, (queue: Queue) => Promise<void>>;

  const PUSHES = {
    push: (queue: Queue) => queue.push(NEW),
    'push of many': (queue: Queue) =>
      queue.pushMany([...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => ({ ...NEW, id })), NEW]),
    replacement: (queue: Queue) => queue.push(NEW, { onExisting: 'replace' }),
    import: async (queue: Queue) =>
      queue.import([{ ...ALIVE, dueAt: await soon(queue, LONG_MS) }], { onExisting: 'replace' }),
  };

  for (const [end, bringAbout] of Object.entries(ENDS)) {
    for (const [how, push] of Object.entries(PUSHES)) {
      const isAlive = end.startsWith('that is still') || end.startsWith('that an original client pushed');
      if (isAlive && how !== 'replacement' && how !== 'import') continue;
      it(`${end}: after steps of a daemon, a ${how} is not delivered early to original clients`, async () => {
        const queue = ground.queue();
        await bringAbout(queue);
        if (!isAlive) await idle(queue);
        await push(queue);
        await idle(queue, 2);
        expect(await original().pop('topic')).to.be.undefined;
        expect(
          (await queue.find('32')).map(({ body, state }) => `${state} ${textOf({ body })}`),
        ).to.deep.equal(['delayed new']);
      });

      it(`${end}: without a daemon, a ${how} is not delivered early to original clients`, async () => {
        const queue = ground.queue();
        await bringAbout(queue);
        await push(queue);
        expect(await original().pop('topic')).to.be.undefined;
        expect(textOf((await queue.find('32'))[0])).to.equal('new');
      });
    }
  }

  it('of another topic, which its note names, does not deliver the next job of its id early', async () => {
    const queue = ground.queue();
    await queue.push({ ...OLD, topic: 'other' });
    await maintainAll(queue);
    expire();
    await idle(queue);
    await queue.push(NEW);
    expect(await original().pop('other')).to.be.undefined;
  });

  it('of another topic is still known after the list of its former topic was read', async () => {
    const queue = ground.queue();
    await original().push('32', 'first', 'old', 0, 1);
    await daemon().tick();
    ground.clock.advance(2 * SECOND_MS);
    await queue.push({ ...OLD, topic: 'other' }, { onExisting: 'replace' });
    await maintainAll(queue);
    expect(await queue.pop('first')).to.be.undefined;
    expire();
    await queue.push(NEW);
    expect(await original().pop('other')).to.be.undefined;
  });

  it('is still known after a newer job of its id was removed', async () => {
    const queue = ground.queue();
    await queue.push({ ...OLD, topic: 'other' });
    await maintainAll(queue);
    expire();
    await original().push('32', 'first', 'newer', 1000);
    expect(await queue.remove('32')).to.be.true;
    await queue.push(NEW);
    expect(await original().pop('other')).to.be.undefined;
  });

  it('does not deliver a retry or a requeued dead letter early', async () => {
    const queue = ground.queue();
    for (const fail of [
      async (jobs: Awaited<ReturnType<typeof reserve>>) => queue.nack(jobs, { delayMs: LONG_MS }),
      async (jobs: Awaited<ReturnType<typeof reserve>>) => {
        await queue.nack(jobs, { dead: true });
        await queue.requeue(['32'], { delayMs: LONG_MS });
      },
    ]) {
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      await maintainAll(queue);
      await ground.raw.lpush(key('ready_queue:topic'), '32');
      await fail(await reserve(queue, 'topic'));
      expect(await original().pop('topic')).to.be.undefined;
      await queue.removeMany(['32'], { states: 'any' });
    }
  });

  describe('in a list that is too long for one script', () => {
    /** Fills a ready list from the left with entries that have no notes. */
    const fill = (entries: number, idBytes = 8) =>
      ground.raw.eval(
        "local ids = {} for i = 1, 500 do ids[i] = string.rep('n', tonumber(ARGV[2])) end " +
          "for i = 1, ARGV[1] / 500 do redis.call('LPUSH', KEYS[1], unpack(ids)) end",
        1,
        key('ready_queue:topic'),
        entries,
        idBytes,
      );
    const place = () => ground.raw.lpush(key('ready_queue:topic'), '32');
    const entriesOf = async (id: string) =>
      (await ground.raw.lpos(key('ready_queue:topic'), id, 'COUNT', 0)).length;

    for (const [right, left] of [
      [0, 260_000],
      [260_000, 0],
      [260_000, 260_000],
    ] as const) {
      it(`with ${right} entries before it and ${left} behind it is taken out by a push`, async () => {
        const queue = ground.queue();
        await fill(right);
        await place();
        await fill(left);
        expect((await queue.push(NEW)).outcome).to.equal('pushed');
        expect(await entriesOf('32')).to.equal(0);
      });
    }

    it('is taken out for each of six ids that are pushed together', async () => {
      const queue = ground.queue();
      for (let i = 0; i < 6; i += 1) {
        await ground.raw.lpush(key('ready_queue:topic'), `many-${i}`);
        await fill(45_000);
      }
      const jobs = Array.from({ length: 6 }, (_, i) => ({ ...NEW, id: `many-${i}` }));
      expect((await queue.pushMany(jobs)).map(({ outcome }) => outcome)).to.deep.equal(
        jobs.map(() => 'pushed'),
      );
      for (const { id } of jobs) expect(await entriesOf(id)).to.equal(0);
    });

    it('is taken out for each of six jobs that are imported together, and the progress of the file is complete', async () => {
      const queue = ground.queue();
      const ids = Array.from({ length: 6 }, (_, i) => `many-${i}`);
      for (const id of ids) {
        await ground.raw.lpush(key('ready_queue:topic'), id);
        await fill(45_000);
      }
      const dueAt = await soon(queue, LONG_MS);
      const jobs = ids.map((id, i) => ({ ...ALIVE, id, dueAt, line: 2 * (i + 1) }));
      const done = await queue.import(jobs, { progress: { file: 'f', from: 0, to: 13 } });
      expect(done).to.deep.equal({ outcomes: ids.map(() => 'imported') });
      for (const id of ids) expect(await entriesOf(id)).to.equal(0);
      expect(await ground.raw.hgetall(key('import:f'))).to.deep.equal({ line: '13' });
      expect(await ground.raw.pttl(key('import:f'))).to.be.greaterThan(29 * 86_400_000);
    });

    it('among long ids is taken out', async () => {
      const queue = ground.queue();
      await fill(20_000, 2000);
      await place();
      await fill(20_000, 2000);
      await queue.push(NEW);
      expect(await entriesOf('32')).to.equal(0);
    });

    it('of a ready job is taken out when the job is replaced, and stays otherwise', async () => {
      const queue = ground.queue();
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      await maintainAll(queue);
      await fill(260_000);
      expect((await queue.push({ ...OLD, ttlMs: LONG_MS })).outcome).to.equal('repeated');
      expect(await entriesOf('32')).to.equal(1);
      expect((await queue.push(NEW, { onExisting: 'replace' })).outcome).to.equal('replaced');
      expect(await entriesOf('32')).to.equal(0);
      expect(await queue.push(OLD).catch((error: unknown) => error)).to.include({ code: 'job_exists' });
    });
  });

  describe('in a list that only delayer has filled', () => {
    const FILLED = 1500;
    // In a database of 25,000 keys delayer keeps one more.
    afterEach(() => ground.raw.flushdb());

    /** The commands of a call that walk through a list, or write in the middle of one. */
    const scriptsRun = async (work: () => Promise<unknown>) => {
      const monitor = await ground.server.client().monitor();
      const seen: string[] = [];
      monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ').toLowerCase()));
      await work();
      await ground.raw.ping('all seen');
      await eventually(() => seen.includes('ping all seen'));
      monitor.disconnect();
      return seen.filter((line) => /^(lrem|lset|lpos(?!.* maxlen \d+$)) /.test(line));
    };
    async function filled(settings: { ttlMs?: number } = {}, length = FILLED): Promise<Queue> {
      const queue = ground.queue();
      const jobs = Array.from({ length }, (_, i) => ({
        id: `id-${i}`,
        topic: 'topic',
        body: 'b',
        ...settings,
      }));
      await queue.pushMany(jobs);
      await maintainAll(queue);
      return queue;
    }

    it('is not searched for without a note', async () => {
      const queue = await filled();
      expect(await scriptsRun(() => queue.push(NEW))).to.be.empty;
      await queue.popMany('topic', 100);
      await queue.release(await reserve(queue, 'topic', 20));
      await queue.removeMany(['id-1499'], { states: 'any' });
      expect(await scriptsRun(() => queue.push({ ...NEW, id: '33' }))).to.be.empty;
    });

    it('is searched for if a tick of an original daemon had doubled it before delayer filled the list', async () => {
      const queue = ground.queue();
      await queue.push({ ...OLD, ttlMs: LONG_MS });
      const looked = await daemon().look(Math.ceil((await queue.now()).getTime() / 1000));
      await reserve(queue, 'none');
      await daemon().move(looked);
      expect(await ground.raw.lrange(key('ready_queue:topic'), 0, -1)).to.deep.equal(['32', '32']);
      // A daemon of delayer would take it out. Without one, consumers make jobs ready.
      await queue.pushMany(Array.from({ length: FILLED }, () => ({ topic: 'topic', body: 'b' })));
      while ((await ground.raw.zcard(key('job_pool'))) > 0) await reserve(queue, 'none');
      const jobs = await reserve(queue, 'topic');
      expect(idsOf(jobs)).to.deep.equal(['32']);
      await queue.push(NEW);
      await queue.ack(jobs);
      expect(await ground.raw.lpos(key('ready_queue:topic'), '32')).to.be.null;
    });

    it('is searched for if jobs that came back found no time to take it out', async () => {
      const ids = Array.from({ length: 120 }, (_, i) => `again-${i}`);
      const push = (ttlMs: number, delayMs = 0) =>
        ground.queue().pushMany(ids.map((id) => ({ id, topic: 'topic', body: `${ttlMs}`, ttlMs, delayMs })));
      await push(LONG_MS);
      await maintainAll(ground.queue());
      const leased = await reserve(ground.queue(), 'topic', ids.length);
      const queue = await filled({}, 2500);
      await push(TTL_MS);
      await maintainAll(queue);
      expire();
      await queue.release(leased);
      await queue.ack(await reserve(queue, 'topic', ids.length));
      await push(LONG_MS, LONG_MS);
      const left = await ground.raw.lrange(key('ready_queue:topic'), 0, -1);
      expect(left.filter((id) => ids.includes(id))).to.be.empty;
    });

    it('is not searched for in lists that were marked in the same step, a few at a time', async () => {
      const topics = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      const queue = ground.queue();
      const push = async (count: number) => {
        for (const topic of topics)
          await queue.pushMany(Array.from({ length: count }, () => ({ topic, body: 'b' })));
      };
      const marked = () => ground.raw.hlen(key('ready_known'));
      await push(240);
      await maintainAll(queue);
      expect(await marked()).to.equal(0);
      const step = async (count: number) => {
        await push(count);
        await queue.maintain();
        return marked();
      };
      expect([await step(15), await step(1), await step(1)]).to.deep.equal([3, 5, 7]);
      await push(FILLED);
      await maintainAll(queue);
      for (const topic of topics)
        expect(await scriptsRun(() => queue.push({ ...NEW, id: topic, topic })), topic).to.be.empty;
    });

    it('is searched for if another client had pushed into the list while it was short', async () => {
      const queue = ground.queue();
      await original().push('32', 'topic', 'old', 0, 1);
      await daemon().tick();
      await queue.pushMany(Array.from({ length: FILLED }, () => ({ topic: 'topic', body: 'b' })));
      await maintainAll(queue);
      // An empty mark, which no list matches: the list is not searched to mark it again.
      expect(await ground.raw.hget(key('ready_known'), 'topic')).to.equal('');
      ground.clock.advance(2 * SECOND_MS);
      await queue.push(NEW);
      expect(await ground.raw.lrange(key('ready_queue:topic'), 0, -1)).not.to.include('32');
    });

    it('is searched for once an original daemon has pushed into the list', async () => {
      const queue = await filled();
      await original().push('32', 'topic', 'old', 0, 1);
      await daemon().tick();
      ground.clock.advance(2 * SECOND_MS);
      await queue.push({ id: 'x', topic: 'topic', body: 'b' });
      await maintainAll(queue);
      await queue.push(NEW);
      const listed = await ground.raw.lrange(key('ready_queue:topic'), '0', '-1');
      expect(listed).to.include('x').and.not.include('32');
    });

    it('whose job has expired is still known after a daemon has deleted notes of jobs that are gone', async () => {
      const queue = await filled({ ttlMs: LONG_MS }, 3 * FILLED);
      ground.clock.advance(2 * LONG_MS);
      // A step that promotes looks at notes of jobs that are gone.
      await queue.pushMany(Array.from({ length: 100 }, () => ({ topic: 'other', body: 'b' })));
      await queue.maintain();
      const left = await ground.raw.lrange(key('ready_queue:topic'), 0, -1);
      expect(left.length).to.be.greaterThan(FILLED);
      await queue.pushMany(left.map((id) => ({ ...NEW, id, delayMs: 10 * LONG_MS })));
      expect(await original().pop('topic')).to.be.undefined;
    });

    it('leaves no key when the list is empty', async () => {
      const queue = await filled();
      expect(await ground.raw.keys(key('ready_known'))).to.have.length(1);
      expect(await drain(queue, 'topic', 500)).to.have.length(FILLED);
      expect(await queue.pop('topic')).to.be.undefined;
      expect(await ground.raw.keys(key('*'))).to.be.empty;
    });
  });

  it('that was overwritten with an empty id is skipped and cleared', async () => {
    const queue = ground.queue();
    await queue.pushMany(['1', '2'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    await maintainAll(queue);
    await ground.raw.lset(key('ready_queue:topic'), 1, '');
    expect(must(await queue.pop('topic')).id.toString()).to.equal('2');
    await ground.raw.lpush(key('ready_queue:topic'), '', '');
    await maintainAll(queue);
    expect(await ground.raw.exists(key('ready_queue:topic'))).to.equal(0);
  });
});
