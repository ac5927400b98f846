import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { HOUR_MS, idsOf, MINUTE_MS, must, reserve } from '../support/jobs.js';

describe('requeue', () => {
  forEachStore((cli, itOnce) => {
    /** Makes dead letters of a topic, in this order. */
    const bury = async (topic: string, ...ids: string[]) => {
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic, body: `body ${id}` })));
      for (let rest = ids.length; rest > 0;) {
        const jobs = await reserve(queue, topic, rest);
        await queue.nack(jobs, { dead: true, reason: 'bad' });
        rest -= jobs.length;
      }
    };
    const idsIn = async (topic: string, ...states: ('ready' | 'delayed' | 'dead' | 'due')[]) => {
      const { jobs } = await (await cli.queue()).list(topic, { states, limit: 5000 });
      return idsOf(jobs);
    };

    it('requeue makes dead letters ready again, and prints their ids', async () => {
      await bury('topic', 'a', 'b', 'c');
      const outcome = expectQuiet(await cli.run(['requeue', 'b', 'a']));
      expect(linesOf(outcome)).to.deep.equal(['b', 'a']);
      const popped = await (await cli.queue()).popMany('topic', 5);
      const seen = popped.map(({ body, attempts }) => `${body.toString()}, attempt ${attempts}`);
      expect(seen).to.have.members(['body a, attempt 1', 'body b, attempt 1']);
      expect(await idsIn('topic', 'dead')).to.deep.equal(['c']);
    });

    it('requeue exits with 1 when an id cannot be requeued, says why for each, and requeues the others', async () => {
      await bury('topic', 'a', 'twice');
      await (await cli.queue()).push({ id: 'twice', topic: 'topic', body: 'newer', delayMs: HOUR_MS });
      const outcome = await cli.run(['requeue', 'unknown', 'twice', 'a']);
      expect(outcome.code).to.equal(1);
      expect(linesOf(outcome)).to.deep.equal(['a']);
      expect(outcome.stderr.trimEnd().split('\n')).to.deep.equal([
        'delayer: the job "unknown" is neither a dead letter nor an expired job with its body; it was not requeued',
        'delayer: the job "twice" is in the queue again; it was not requeued',
        'delayer: 1 requeued, 1 skipped: another job of the id is in the queue, 1 skipped: neither a dead letter nor an expired job with its body',
      ]);
      const json = await cli.run(['requeue', 'unknown', 'twice', '--json']);
      expect(json).to.include({ code: 1, stderr: '' });
      expect(documentOf(json)).to.deep.equal({
        ...{ requeued: 0, none: 1, duplicate_id: 1 },
        notRequeued: [
          { id: 'unknown', outcome: 'none' },
          { id: 'twice', outcome: 'duplicate_id' },
        ],
      });
    });

    it('a job that expired is requeued by its id or by --state expired where its body is kept, and not on Redis', async () => {
      const queue = await cli.queue();
      const isKept = queue.label.startsWith('sqlite:');
      await queue.pushMany(['a', 'b'].map((id) => ({ id, topic: 'topic', body: `body ${id}`, ttlMs: 1 })));
      await eventually(async () => (await queue.find('b')).every(({ state }) => state === 'expired'));
      const named = await cli.run(['requeue', 'a']);
      expect([named.code, named.stdout.toString()]).to.deep.equal(isKept ? [0, 'a\n'] : [1, '']);
      const selected = await cli.run(['requeue', '--topic', 'topic', '--state', 'expired', '--yes']);
      // The first one has expired again.
      if (isKept) expect(linesOf(selected)).to.include('b');
      else expect([selected.code, selected.stdout.toString()]).to.deep.equal([1, '']);
    });

    itOnce('requeue - reads ids from stdin', async () => {
      const ids = Array.from({ length: 600 }, (_, i) => `id ${i}`);
      await bury('topic', ...ids);
      const outcome = expectQuiet(await cli.run(['requeue', '-'], { stdin: `${ids.join('\n')}\n` }));
      expect(linesOf(outcome)).to.deep.equal(ids);
      expect(await idsIn('topic', 'dead')).to.be.empty;
    });

    it('requeue --topic requeues the dead letters of that topic only', async () => {
      const ids = Array.from({ length: 1300 }, (_, i) => `${i}`);
      await bury('topic', ...ids);
      await bury('topics', 'other');
      const outcome = expectQuiet(await cli.run(['requeue', '--topic', 'topic', '--yes', '--json']));
      expect(documentOf(outcome)).to.deep.equal({
        ...{
          requeued: 1300,
          byState: { dead: 1300 },
          left: { changed: 0, duplicate_id: 0 },
          isComplete: true,
        },
      });
      expect(await idsIn('topic', 'ready', 'due')).to.have.members(ids);
      expect(await idsIn('topics', 'dead')).to.deep.equal(['other']);
    });

    itOnce('requeue --topic accepts several globs', async () => {
      for (const topic of ['orders_de', 'orders_en', 'mails', 'orders']) await bury(topic, `of ${topic}`);
      const run = async (...globs: string[]) =>
        linesOf(await cli.run(['requeue', '--yes', ...globs.flatMap((glob) => ['--topic', glob])])).sort();
      expect(await run('orders\\_[d-e]?')).to.deep.equal(['of orders_de', 'of orders_en']);
      expect(await run('mail?', '*rs')).to.deep.equal(['of mails', 'of orders']);
      expect((await cli.run(['requeue', '--yes', '--topic', '*'])).code).to.equal(1);
    });

    it('requeue --topic skips letters that cannot be requeued, however many, and ends', async () => {
      const ids = Array.from({ length: 700 }, (_, i) => `${i}`);
      await bury('topic', ...ids);
      const queue = await cli.queue();
      const blocked = ids.filter((id) => Number(id) % 2 === 0);
      await queue.pushMany(blocked.map((id) => ({ id, topic: 'newer', body: 'newer', delayMs: HOUR_MS })));
      const outcome = expectQuiet(await cli.run(['requeue', '--topic', 'topic', '--yes', '--json']));
      expect(documentOf(outcome)).to.deep.include({ requeued: 350, left: { changed: 0, duplicate_id: 350 } });
      expect(await idsIn('topic', 'dead')).to.have.members(blocked);
      const again = await cli.run(['requeue', '--topic', 'topic', '--yes']);
      expect(again.code).to.equal(1);
      expect(again.stderr).to.equal(
        'delayer: 0 jobs requeued, 350 skipped: another job of the id is in the queue\n',
      );
    });

    it('requeue --topic requeues at most --limit letters', async () => {
      await bury('topic', 'a', 'b', 'c', 'd');
      await (await cli.queue()).push({ id: 'a', topic: 'newer', body: 'newer', delayMs: HOUR_MS });
      const outcome = await cli.run(['requeue', '--topic', 'topic', '--yes', '--limit', '2']);
      expect(linesOf(outcome)).to.have.length(2);
      expect(await idsIn('topic', 'dead'))
        .to.have.length(2)
        .and.include('a');
    });

    it('requeue --delay and --spread spread the due times of ids or of a selection evenly', async () => {
      const ids = Array.from({ length: 60 }, (_, i) => `${i}`);
      for (const [args, stdin] of [
        [['--topic', 'topic', '--yes'], ''],
        [ids, ''],
        [['-'], ids.join('\n')],
      ] as const) {
        await bury('topic', ...ids);
        const before = Date.now();
        expectQuiet(await cli.run(['requeue', ...args, '--delay', '1h', '--spread', '10m'], { stdin }));
        const queue = await cli.queue();
        const { jobs } = await queue.list('topic', { limit: 100 });
        const due = jobs.map(({ dueAt }) => Number(dueAt) - before - HOUR_MS);
        expect(due).to.have.length(60);
        // One due time is in each sixtieth of the spread, or in the next one.
        const gaps = due.slice(1).map((at, i) => at - must(due[i]));
        expect(Math.min(...due)).to.be.within(0, MINUTE_MS);
        expect(Math.max(...due)).to.be.within(9 * MINUTE_MS, 10 * MINUTE_MS + MINUTE_MS);
        expect(Math.max(...gaps)).to.be.lessThan(21_000);
        await queue.removeMany(ids, { states: 'any' });
      }
    });

    itOnce('requeue --dry-run counts dead letters and shows some, and changes nothing', async () => {
      await bury('topic', ...Array.from({ length: 30 }, (_, i) => `${i}`));
      const outcome = await cli.run(['requeue', '--topic', 'top*', '--dry-run']);
      expect(outcome).to.include({ code: 0, stderr: 'delayer: 30 jobs (30 dead) would be requeued\n' });
      expect(linesOf(outcome)).to.have.length(11);
      const json = documentOf<{ count: number; jobs: unknown[] }>(
        expectQuiet(await cli.run(['requeue', '--topic', 'topic', '--dry-run', '--json', '--limit', '5'])),
      );
      expect([json.count, json.jobs.length]).to.deep.equal([5, 5]);
      expect(await idsIn('topic', 'dead')).to.have.length(30);
      expect((await cli.run(['requeue', '--topic', 'none', '--dry-run'])).code).to.equal(1);
    });

    itOnce('requeue of a selection needs --yes without a terminal, and otherwise does nothing', async () => {
      await bury('topic', 'a');
      const outcome = await cli.run(['requeue', '--topic', 'topic']);
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.match(/^delayer: [^\n]*--yes[^\n]*\n$/);
      expect(await idsIn('topic', 'dead')).to.deep.equal(['a']);
    });

    for (const [answer, left, code] of [
      ['y', [], 0],
      ['n', ['a'], 1],
      ['', ['a'], 1],
    ] as const) {
      itOnce(
        `requeue of a selection asks on a terminal, and the answer ${JSON.stringify(answer)} means ${code === 0 ? 'yes' : 'no'}`,
        async () => {
          await bury('topic', 'a');
          const asked = cli.startTerminal('delayer requeue --topic topic; echo "exit code $?"');
          await asked.printsText(/requeue 1 job \(1 dead\)\? \[y\/N\] /);
          asked.child.stdin?.write(`${answer}\n`);
          await asked.printsText(new RegExp(`exit code ${code}`));
          expect(await idsIn('topic', 'dead')).to.deep.equal(left);
        },
      );
    }

    itOnce('requeue --base64 takes ids in base64', async () => {
      const id = Buffer.from([0xff, 0]);
      const queue = await cli.queue();
      await queue.push({ id, topic: 'topic', body: 'b' });
      await queue.nack(await reserve(queue, 'topic'), { dead: true });
      const outcome = await cli.run(['requeue', '--base64', id.toString('base64')]);
      expect(expectQuiet(outcome).stdout).to.deep.equal(Buffer.concat([id, Buffer.from('\n')]));
    });
  });

  describe('on a Redis that is out of memory', () => {
    const redis = useRedis();
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
    afterEach(() => redis.raw.config('SET', 'maxmemory', '0'));

    it('requeue ID says so, and not that no dead letter matches', async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'a', topic: 'topic', body: 'b' });
      await queue.nack(await reserve(queue, 'topic'), { dead: true });
      await redis.raw.config('SET', 'maxmemory', '1');
      const { code, stderr } = await cli.run(['requeue', 'a']);
      expect(code).to.equal(69);
      expect(stderr).to.match(/^delayer: [^\n]* is out of memory\. [^\n]*\n$/);
    });
  });

  describe('on a store that does not exist', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
    it('requeue finds no dead letter', async () => {
      expect((await cli.run(['requeue', 'a'])).code).to.equal(1);
      expect((await cli.run(['requeue', '--topic', 'topic', '--yes'])).code).to.be.oneOf([1, 69]);
    });
  });
});
