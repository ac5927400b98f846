import { expect } from 'chai';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chunks } from '../../src/core/chunks.js';
import { documentOf, expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, idsOf, LONG_MS, must, reserve } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

describe('commands on selections', () => {
  forEachStore((cli, itOnce) => {
    const fill = async () => {
      const queue = await cli.queue();
      const job = (topic: string, n: number, delayMs: number) => ({
        ...{ topic, id: `${topic}-${n}`, body: JSON.stringify({ amount: 100 * n, to: topic }), delayMs },
      });
      const numbers = [1, 2, 3];
      await queue.pushMany([
        ...numbers.map((n) => job('mail_a', n, n * HOUR_MS)),
        ...numbers.map((n) => job('mail_b', n, n * HOUR_MS)),
        ...numbers.map((n) => job('pay', n, LONG_MS)),
        ...numbers.map((n) => job('now', n, 0)),
      ]);
      return queue;
    };
    const idsIn = async (...topics: string[]) =>
      idsOf((await (await cli.queue()).list(topics, { limit: 1000 })).jobs).sort();
    const keptFiles = () => {
      const folder = join(must(cli.env.HOME), '.local/state/delayer/removed');
      return readdirSync(folder).map((name) => join(folder, name));
    };
    const keptLines = () =>
      readFileSync(must(keptFiles()[0]), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);

    for (const [what, flags, wanted] of [
      [
        'a glob of topics',
        ['--topic', 'mail_*'],
        ['mail_a-1', 'mail_a-2', 'mail_a-3', 'mail_b-1', 'mail_b-2', 'mail_b-3'],
      ],
      [
        'two topics by name',
        ['--topic', 'mail_a', '--topic', 'pay'],
        ['mail_a-1', 'mail_a-2', 'mail_a-3', 'pay-1', 'pay-2', 'pay-3'],
      ],
      ['a glob of ids', ['--id-glob', '*_[ab]-2'], ['mail_a-2', 'mail_b-2']],
      ['a due time', ['--topic', 'mail_*', '--due-before', '+90m'], ['mail_a-1', 'mail_b-1']],
      ['a range of due times', ['--due-after', '+90m', '--due-before', '+150m'], ['mail_a-2', 'mail_b-2']],
      ['a text in the body', ['--grep', '"amount":300', '--topic', '*a*'], ['mail_a-3', 'mail_b-3', 'pay-3']],
      ['an expression', ['--where', 'body.amount > 100 and topic = "pay"'], ['pay-2', 'pay-3']],
      ['topic and limit', ['--topic', 'pay', '--limit', '1'], ['pay-1']],
    ] as const) {
      it(`remove by ${what} removes the matching delayed jobs, and prints their ids`, async () => {
        await fill();
        const before = await idsIn('mail_a', 'mail_b', 'pay', 'now');
        const outcome = expectQuiet(await cli.run(['remove', ...flags, '--yes']));
        expect(linesOf(outcome).sort()).to.deep.equal(wanted);
        const left = before.filter((id) => !(wanted as readonly string[]).includes(id));
        expect(await idsIn('mail_a', 'mail_b', 'pay', 'now')).to.deep.equal(left);
      });
    }

    it('remove by a selection removes delayed jobs only, unless --state or --any-state is given', async () => {
      await fill();
      const run = (...flags: string[]) => cli.run(['remove', '--topic', 'now', '--yes', ...flags]);
      expect(await run()).to.include({ code: 1, stderr: 'delayer: no job matches\n' });
      expect(linesOf(await run('--state', 'ready,due', '--limit', '1'))).to.have.length(1);
      expect(linesOf(await run('--any-state'))).to.have.length(2);
      expect(await idsIn('now')).to.be.empty;
    });

    itOnce('remove and purge of a selection need --yes without a terminal', async () => {
      await fill();
      for (const args of [
        ['remove', '--topic', '*'],
        ['purge', 'pay'],
      ]) {
        const outcome = await cli.run(args);
        expect(outcome.code).to.equal(2);
        expect(outcome.stderr).to.contain('--yes');
      }
      expect(await idsIn('mail_a', 'mail_b', 'pay', 'now')).to.have.length(12);
    });

    itOnce('--dry-run counts the jobs by state and shows some, and changes nothing', async () => {
      await fill();
      const table = await cli.run(['remove', '--topic', '*a*', '--dry-run']);
      expect(table.code).to.equal(0);
      expect(table.stdout.toString())
        .to.contain('mail_a-1')
        .and.to.match(/^id +topic +state /);
      expect(table.stderr).to.equal('delayer: 9 jobs (9 delayed) would be removed\n');
      const json = documentOf(await cli.run(['purge', 'pay', 'now', '--dry-run', '--json']));
      expect(json).to.include({ dryRun: true, count: 6 });
      expect(json).to.have.property('jobs').with.length(6);
      expect(await cli.run(['remove', '--topic', 'none', '--dry-run'])).to.include({ code: 1 });
      expect(await idsIn('mail_a', 'mail_b', 'pay', 'now')).to.have.length(12);
    });

    it('a --where that has no end is refused after seconds', async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'endless', body: 'b', delayMs: HOUR_MS });
      const endless = '($f := function($x){$f($x)}; $f(1))';
      const outcome = await cli.run(['promote', '--topic', 'endless', '--yes', '--where', endless]);
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.include('--where takes more than 3 s for one job');
    });

    it('a regular expression in --where that would take for ever is refused after seconds', async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'endless', body: `${'a'.repeat(40)}!`, delayMs: HOUR_MS });
      const where = '$contains(body, /^(a+)+$/)';
      const outcome = await cli.run(['promote', '--topic', 'endless', '--yes', '--where', where]);
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.include('--where takes more than 3 s for one job');
      expect(
        (await cli.run(['promote', '--topic', 'endless', '--yes', '--where', '$contains(body, /^(a+)!$/)']))
          .code,
      ).to.equal(0);
    });

    it('jobs for which --where fails do not match, and are counted on stderr', async () => {
      await fill();
      await (await cli.queue()).push({ topic: 'pay', id: 'text', body: 'no JSON', delayMs: HOUR_MS });
      const args = [
        'remove',
        '--topic',
        'pay',
        '--where',
        '$number(body.to) = 1 or body.amount = 100',
        '--yes',
      ];
      const outcome = await cli.run(args);
      expect(outcome.stderr).to.contain('--where failed for 3 jobs,');
      expect(outcome.stderr).to.contain('no job matches');
      expect(await idsIn('pay')).to.have.length(4);
    });

    itOnce(
      'jobs for which --where fails are counted on stderr by a dry run, by --spread and by export',
      async () => {
        await fill();
        await (await cli.queue()).push({ topic: 'pay', id: 'text', body: 'no JSON', delayMs: HOUR_MS });
        const where = ['--topic', 'pay', '--where', '$number(body.to) = 1 or body.amount = 2'];
        const told = /^delayer: --where failed for 3 jobs, /m;
        for (const args of [
          ['remove', ...where, '--dry-run'],
          ['reschedule', ...where, '--delay', '1h', '--spread', '1m', '--yes'],
          ['export', ...where],
        ])
          expect((await cli.run(args)).stderr, args[0]).to.match(told);
      },
    );

    itOnce('an invalid expression for --where is refused with the position of the error', async () => {
      const outcome = await cli.run(['remove', '--where', 'body.amount > > 2', '--yes']);
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.match(/invalid expression for --where at character 15/);
    });

    itOnce('ids together with a selection, and neither of them, are wrong usage', async () => {
      for (const args of [
        ['remove'],
        ['remove', 'a', '--topic', 'b', '--yes'],
        ['remove', '--grep', '', '--yes'],
      ]) {
        expect(await cli.run(args)).to.include({ code: 2 });
      }
    });

    it('remove by a selection first writes the jobs to a file for this user only, and then notes which were removed', async () => {
      const queue = await fill();
      const [found] = await queue.find('pay-2');
      await cli.run(['remove', '--topic', 'pay', '--yes']);
      const [path] = keptFiles();
      expect(statSync(must(path)).mode & 0o777).to.equal(0o600);
      expect(statSync(join(must(path), '..')).mode & 0o777).to.equal(0o700);
      const [header, ...lines] = keptLines();
      expect(header).to.include({ command: 'remove' });
      expect(lines.map(({ id }) => id)).to.deep.equal(['pay-1', 'pay-2', 'pay-3', undefined]);
      expect(lines[1]).to.include({
        ...{ topic: 'pay', body: '{"amount":200,"to":"pay"}', state: 'delayed', ttlMs: 604_800_000 },
        dueAt: must(must(found).dueAt).toISOString(),
      });
      expect(lines.at(-1)).to.deep.equal({ confirmed: 3, notRemoved: [] });
    });

    it('remove --any-state by ids also writes the removed jobs to a file, and --no-archive writes none', async () => {
      const queue = await fill();
      await reserve(queue, 'now', 1);
      await cli.run(['remove', 'now-1', 'pay-1', 'unknown', '--any-state']);
      expect(keptLines().map(({ id }) => id)).to.deep.equal([undefined, 'now-1', 'pay-1', undefined]);
      await cli.run(['remove', 'pay-2', '--any-state', '--no-archive']);
      await cli.run(['purge', 'mail_a', '--yes', '--no-archive']);
      expect(keptFiles()).to.have.length(1);
      expect(await idsIn('now', 'pay', 'mail_a')).to.deep.equal(['now-2', 'now-3', 'pay-3']);
    });

    itOnce('--state of promote and reschedule takes the state that they act on, and no other', async () => {
      await fill();
      const act = (verb: string[], state: string) =>
        cli.run([...verb, '--topic', 'pay', '--state', state, '--dry-run']);
      for (const verb of [['promote'], ['reschedule', '--delay', '1h']]) {
        expect((await act(verb, 'delayed')).code).to.equal(0);
        const refused = await act(verb, 'ready');
        expect([refused.code, refused.stderr]).to.deep.equal([
          2,
          'delayer: invalid value for --state: "ready". The values are delayed.\n',
        ]);
      }
    });

    itOnce('remove and purge exit with 74 and remove nothing when the file cannot be written', async () => {
      await fill();
      for (const folder of ['/dev/null', '/proc/none']) {
        const env = { XDG_STATE_HOME: folder };
        for (const args of [
          ['purge', 'pay', '--yes'],
          ['remove', 'pay-1', '--any-state'],
        ]) {
          const { code, stderr } = await cli.run(args, { env });
          expect(code).to.equal(74);
          expect(stderr).to.match(/cannot write to .*Nothing was removed, because/);
        }
      }
      expect(await idsIn('pay')).to.have.length(3);
    });

    it('remove whose archive does not fit on the disk says that nothing was removed, and leaves no file', async () => {
      const queue = await cli.queue();
      const jobs = Array.from({ length: 250 }, (_, i) => ({
        ...{ topic: 'many', id: `${i}`, body: '\u0001'.repeat(1500), delayMs: HOUR_MS },
      }));
      await queue.pushMany(jobs);
      for (const command of ['remove --topic many', 'purge many']) {
        const { code, stderr } = await cli.sh(
          `ulimit -f 2048; trap '' XFSZ; exec delayer ${command} --yes > /dev/null`,
        );
        expect(code, stderr).to.equal(74);
        expect(stderr).to.include('Nothing was removed').and.to.not.include('the removed jobs are in');
      }
      expect(keptFiles()).to.deep.equal([]);
      expect((await queue.stats()).totals.delayed).to.be.at.least(250);
    });

    for (const [what, redirection, code] of [
      ['closed', '| head -1', 141],
      ['full', '>/dev/full', 74],
    ] as const) {
      it(`remove by a selection ends with ${code} when stdout is ${what}, and tells exactly how many jobs it removed`, async () => {
        const queue = await cli.queue();
        const count = 20_000;
        const jobs = Array.from({ length: count }, (_, i) => ({
          ...{ topic: 'many', id: `${i}`.padStart(100, '0'), body: 'b', delayMs: HOUR_MS },
        }));
        for (const some of chunks(jobs, 1000)) await queue.pushMany(some);
        const { stdout, stderr } = await cli.sh(
          `delayer remove --topic many --yes ${redirection}; echo "\${PIPESTATUS[0]}"`,
        );
        expect(stdout.toString()).to.match(new RegExp(`^${code}$`, 'm'));
        const removed = count - ((await queue.stats()).totals.delayed ?? 0);
        expect(removed).to.be.within(1, count - 1);
        const told = /^delayer: ([\d,]+) jobs \(.* delayed\) removed$/m.exec(stderr)?.[1];
        expect(told).to.equal(removed.toLocaleString('en'));
      });
    }

    it('a removal that is killed with -9 loses no job: each is in the store, or comes back by import of the file', async () => {
      const queue = await cli.queue();
      const count = 6000;
      const jobs = Array.from({ length: count }, (_, i) => ({
        ...{ topic: 'many', id: `${i}`, body: `body ${i}`, delayMs: HOUR_MS + i, retries: i % 3 },
      }));
      for (const some of chunks(jobs, 1000)) await queue.pushMany(some);
      const all = async () => linesOf(expectQuiet(await cli.run(['export', '--topic', 'many']))).sort();
      const before = await all();
      const removing = cli.start(['remove', '--topic', 'many', '--yes']);
      await removing.printed(1);
      expect(await removing.end('SIGKILL')).to.include({ signal: 'SIGKILL' });
      const removed = count - ((await queue.stats()).totals.delayed ?? 0);
      expect(removed).to.be.within(1, count - 1);

      const undone = await cli.run(['import', must(keptFiles()[0])]);
      const [, command = 'true'] = /that are gone: (sed -n .*)$/m.exec(undone.stderr) ?? [];
      expect(undone.code).to.equal(command === 'true' ? 0 : 65);
      expectQuiet(await cli.sh(command));
      expect(await all()).to.deep.equal(before);
    });

    it('purge removes all jobs of a topic except leased ones, or those in the given states', async () => {
      const queue = await fill();
      const [held] = await reserve(queue, 'now', 1);
      const purge = async (...args: string[]) => {
        const outcome = expectQuiet(await cli.run(['purge', ...args, '--yes', '--json']));
        return documentOf<{ removed: number; byState: Record<string, number> }>(outcome);
      };
      expect(await purge('mail_a', 'now')).to.include({ removed: 5 });
      expect(await idsIn('now')).to.deep.equal(idsOf([must(held)]));
      expect((await purge('now', '--state', 'leased')).byState).to.deep.equal({ leased: 1 });
      expect(await queue.ack([must(held)])).to.deep.equal([false]);
      expect(await idsIn('mail_b', 'pay')).to.have.length(6);
    });

    it('promote by a selection makes delayed jobs ready in their old order', async () => {
      const queue = await cli.queue();
      const count = 600;
      await queue.pushMany(
        Array.from({ length: count }, (_, i) => ({
          topic: 'many',
          id: `${i}`,
          body: 'b',
          delayMs: HOUR_MS + i,
        })),
      );
      await queue.push({ topic: 'many', id: 'ready before', body: 'b' });
      await queue.maintain();
      const outcome = expectQuiet(await cli.run(['promote', '--topic', 'many', '--yes', '--json']));
      expect(documentOf(outcome)).to.include({ promoted: count, isComplete: true });
      const popped: string[] = [];
      for (let jobs; (jobs = await queue.popMany('many', 250)).length > 0;) popped.push(...idsOf(jobs));
      expect(popped).to.deep.equal([...Array.from({ length: count }, (_, i) => `${i}`), 'ready before']);
    });

    for (const [what, flags, dueAfterMs] of [
      ['an hour later', ['--by', '+1h'], [2 * HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]],
      ['half an hour earlier', ['--by', '-30m'], [HOUR_MS / 2, 1.5 * HOUR_MS, 2.5 * HOUR_MS]],
      ['a delay from now', ['--delay', '2h'], [2 * HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS]],
      ['spread times', ['--delay', '2h', '--spread', '3h'], [4 * HOUR_MS, 3 * HOUR_MS, 2 * HOUR_MS]],
    ] as const) {
      it(`reschedule by a selection moves each job once, to ${what}`, async () => {
        const queue = await fill();
        const before = (await queue.now()).getTime();
        const args = ['reschedule', '--topic', 'mail_a', ...flags, '--yes'];
        const outcome = expectQuiet(await cli.run(args));
        expect(linesOf(outcome).sort()).to.deep.equal(['mail_a-1', 'mail_a-2', 'mail_a-3']);
        for (const [i, wanted] of dueAfterMs.entries()) {
          const [job] = await queue.find(`mail_a-${i + 1}`);
          // On a busy machine the command runs some seconds after the push.
          expect(Number(must(job).dueAt) - before).to.be.within(wanted - 60_000, wanted + 60_000);
          expect(must(job).ttlMs).to.equal(604_800_000);
        }
        expect((await queue.find('mail_b-1'))[0]).to.have.property('state', 'delayed');
      });
    }

    it('remove by a selection leaves jobs alone that were edited or replaced meanwhile, and counts them', async () => {
      const queue = await cli.queue();
      const at = new Date(Date.now() + LONG_MS);
      const ids = ['1', '2', '3', '4'];
      await queue.pushMany(ids.map((id) => ({ topic: 't', id, body: `old ${id}`, at })));
      const args = ['remove', '--topic', 't', '--grep', 'old', '--rate', '1/s', '--yes', '--json'];
      const running = cli.start(args);
      // They are read together, and removed one by one.
      await eventually(async () => (await queue.find('1')).length === 0);
      await queue.edit({ id: '3', body: 'corrected' });
      await queue.push({ topic: 't', id: '4', body: 'replaced', at }, { onExisting: 'replace' });
      expect(documentOf(await running.ended)).to.deep.equal({
        ...{ removed: 2, byState: { delayed: 2 }, isComplete: true, left: { changed: 2, duplicate_id: 0 } },
      });
      const kept = (await queue.list('t')).jobs.map(({ body }) => body?.toString());
      expect(kept).to.have.members(['corrected', 'replaced']);
      const file = readFileSync(must(keptFiles()[0]), 'utf8');
      for (const gone of ['old 1', 'old 2']) expect(file).to.include(gone);
    });

    it('requeue by a selection requeues the older dead letter of an id where that one matches', async () => {
      const queue = await cli.queue();
      for (const body of ['older', 'latest']) {
        await queue.push({ topic: 't', id: '32', body });
        await queue.nack(await reserve(queue, 't'), { dead: true });
        const failedAt = (await queue.find('32'))[0]?.failedAt;
        await eventually(async () => (await queue.now()) > must(failedAt));
      }
      expectQuiet(await cli.run(['requeue', '--topic', 't', '--grep', 'older', '--yes']));
      expect((await queue.pop('t'))?.body.toString()).to.equal('older');
      expect((await queue.find('32')).map(({ body }) => body?.toString())).to.deep.equal(['latest']);
    });

    it('requeue by a selection requeues the matching dead letters only', async () => {
      const queue = await fill();
      const jobs = await reserve(queue, 'now', 3);
      await queue.nack(jobs, { dead: true });
      expectQuiet(await cli.run(['requeue', '--grep', '"amount":200', '--yes']));
      const { jobs: left } = await queue.list('now', { states: ['dead'] });
      expect(idsOf(left)).to.have.members(['now-1', 'now-3']);
    });

    for (const verb of [['promote'], ['reschedule', '--by', '+1h']]) {
      it(`${verb.join(' ')} leaves a job alone that waits for another one of its id, and counts it apart`, async () => {
        const queue = await cli.queue();
        await queue.push({ id: 'a', topic: 'topic', body: 'first' });
        const leased = await reserve(queue, 'topic', 1);
        await queue.push({ id: 'a', topic: 'topic', body: 'second', delayMs: HOUR_MS });
        await queue.release(leased);
        const answer = documentOf(await cli.run([...verb, '--topic', 'topic', '--yes', '--json']));
        expect(answer).to.deep.include({ byState: { delayed: 1 }, left: { changed: 0, duplicate_id: 1 } });
      });
    }

    itOnce('flags of selections are refused together with ids, including --dry-run and --limit', async () => {
      await fill();
      for (const verb of [['remove'], ['promote'], ['reschedule', '--by', '+1h'], ['requeue']]) {
        for (const flags of [['--topic', 'pay'], ['--dry-run'], ['--limit', '1']]) {
          const outcome = await cli.run([...verb, 'pay-1', ...flags]);
          expect(outcome.code, [...verb, ...flags].join(' ')).to.equal(2);
        }
      }
      expect(await idsIn('pay')).to.have.length(3);
    });

    itOnce('purge --rate limits the number of jobs per second', async () => {
      await fill();
      const began = performance.now();
      expectQuiet(await cli.run(['purge', 'mail_a', '--yes', '--rate', '2/s']));
      // The third job is removed after a second or more.
      expect(performance.now() - began).to.be.at.least(1000);
    });
  });
});

describe('commands on selections where another client has given an empty id', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

  for (const verb of [
    ['promote'],
    ['reschedule', '--by', '+1h'],
    ['remove'],
    ['export', '--move', '--output-file', 'moved'],
  ]) {
    it(`${verb.join(' ')} passes it over with a note, and acts on the others`, async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'good', topic: 'topic', body: 'b', delayMs: HOUR_MS });
      const due = Math.floor(Date.now() / 1000) + 60;
      await redis.raw.hset(`${redis.prefix}:job_bucket:`, { topic: 'topic', body: 'b' });
      await redis.raw.zadd(`${redis.prefix}:job_pool`, due, '');
      const yes = verb[0] === 'export' ? [] : ['--yes'];
      const outcome = await cli.run([...verb, '--topic', 'topic', ...yes]);
      expect(outcome.code, outcome.stderr).to.equal(0);
      expect(outcome.stderr).to.include(
        'a job that another program has written has an empty id or topic, and is passed over',
      );
      const good = (await queue.find('good')).map(({ state, dueAt }) => `${state} ${dueAt?.getTime()}`);
      if (verb.includes('promote')) expect(good.join()).to.match(/^ready/);
      else if (verb.includes('reschedule')) expect(good.join()).to.match(/^delayed/);
      else expect(good).to.deep.equal([]);
      expect(await redis.raw.zscore(`${redis.prefix}:job_pool`, '')).to.equal(String(due));
    });
  }
});

describe('promote and reschedule of a selection, where bodies of delayed jobs are gone', () => {
  const redis = useRedis();
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

  for (const verb of [['promote'], ['reschedule', '--by', '+1h']])
    for (const topic of ['*', 't?pic', 'topic'])
      it(`${verb.join(' ')} --topic ${topic} acts on the others, and does not count these`, async () => {
        const queue = await cli.queue();
        await queue.pushMany(
          ['good', 'gone', 'torn'].map((id) => ({ id, topic: 'topic', body: 'b', delayMs: HOUR_MS })),
        );
        await redis.raw.del(`${redis.prefix}:job_bucket:gone`);
        await redis.raw.hdel(`${redis.prefix}:job_bucket:torn`, 'body');
        const answer = documentOf(await cli.run([...verb, '--topic', topic, '--yes', '--json']));
        expect(answer).to.deep.include({ byState: { delayed: 1 }, left: { changed: 0, duplicate_id: 0 } });
        expect(await redis.raw.zscore(`${redis.prefix}:job_pool`, 'torn')).to.be.a('string');
      });
});
