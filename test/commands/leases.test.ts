import { expect } from 'chai';
import type { LeasedJob } from '../../src/core/job.js';
import { expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';
import { HOUR_MS, MINUTE_MS, must, only, reserve } from '../support/jobs.js';

const VERBS = ['ack', 'nack', 'release', 'extend'] as const;
const LOST = /^delayer: the lease is not held any more: it ended, was lost or was settled before: (\S+)$/;

describe('ack, nack, release and extend', () => {
  forEachStore((cli, itOnce) => {
    /** Pushes and leases jobs. */
    const leased = async (...ids: string[]): Promise<LeasedJob[]> => {
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `body ${id}` })));
      return reserve(queue, 'topic', ids.length);
    };
    const leaseOf = async (id: string) => only(await leased(id)).lease;
    const find = async (id: string) => must(only(await (await cli.queue()).find(id)));

    it('ack ends a lease and removes its job, and prints nothing', async () => {
      const lease = await leaseOf('a');
      expect(expectQuiet(await cli.run(['ack', lease])).stdout).to.be.empty;
      expect(await (await cli.queue()).find('a')).to.be.empty;
    });

    it('nack --delay retries a job after the delay, and keeps the reason', async () => {
      const lease = await leaseOf('a');
      expect(expectQuiet(await cli.run(['nack', lease, '--delay', '1h', '--reason', '--help'])).stdout).to.be
        .empty;
      const { state, dueAt, attempts, history } = await find('a');
      expect({ state, attempts }).to.deep.equal({ state: 'delayed', attempts: 1 });
      expect(history?.map(({ reason }) => reason)).to.deep.equal(['--help']);
      expect(Number(dueAt) - Date.now()).to.be.within(HOUR_MS - MINUTE_MS, HOUR_MS);
    });

    it('nack --dead makes a dead letter with a reason, which is kept for --dead-ttl', async () => {
      const lease = await leaseOf('a');
      const args = ['nack', lease, '--dead', '--dead-ttl', '1h', '--reason', 'no such order'];
      expectQuiet(await cli.run(args));
      const { state, reason, failedAt, deadUntil } = await find('a');
      expect({ state, reason }).to.deep.equal({ state: 'dead', reason: 'no such order' });
      expect(Number(deadUntil) - Number(failedAt)).to.equal(HOUR_MS);
    });

    it('release puts a job back in its old place without counting an attempt', async () => {
      const lease = await leaseOf('a');
      await (await cli.queue()).push({ id: 'b', topic: 'topic', body: 'b' });
      expectQuiet(await cli.run(['release', lease]));
      const popped = jsonOf(await cli.run(['pop', 'topic', '--count', '2']));
      expect(popped.map(({ id, attempts }) => [id, attempts])).to.deep.equal([
        ['a', 1],
        ['b', 1],
      ]);
    });

    it('extend sets the end of a lease to --lease from now, 60 s by default', async () => {
      const lease = await leaseOf('a');
      const until = async () => Number((await find('a')).leaseUntil) - Date.now();
      expectQuiet(await cli.run(['extend', lease, '--lease', '2h']));
      expect(await until()).to.be.within(2 * HOUR_MS - MINUTE_MS, 2 * HOUR_MS);
      expectQuiet(await cli.run(['extend', lease]));
      expect(await until()).to.be.within(0, MINUTE_MS);
      expectQuiet(await cli.run(['ack', lease]));
    });

    for (const verb of VERBS) {
      it(`${verb} exits with 1 for lost leases, names each, and changes nothing`, async () => {
        const [lost, settled] = await leased('lost', 'settled');
        const queue = await cli.queue();
        // New jobs have their ids now, which a late call must not change.
        await queue.removeMany(['lost'], { states: 'any' });
        await queue.ack([must(settled)]);
        await queue.pushMany(['lost', 'settled'].map((id) => ({ id, topic: 'topic', body: 'newer' })));
        const leases = [must(lost).lease, must(settled).lease];
        const outcome = await cli.run([verb, ...leases]);
        expect(outcome.code).to.equal(1);
        expect(outcome.stdout).to.be.empty;
        const named = outcome.stderr.trimEnd().split('\n');
        expect(named.map((line) => LOST.exec(line)?.[1])).to.deep.equal(leases);
        const left = await queue.popMany('topic', 5);
        expect(left.map(({ body, attempts }) => [body.toString(), attempts])).to.deep.equal([
          ['newer', 1],
          ['newer', 1],
        ]);
      });

      it(`${verb} acts on held leases even when another one was lost`, async () => {
        const [a, b] = await leased('a', 'b');
        const queue = await cli.queue();
        await queue.ack([must(a)]);
        const outcome = await cli.run([verb, must(a).lease, must(b).lease, '--json']);
        expect(outcome).to.include({ code: 1, stderr: '' });
        const [lost, held] = jsonOf(outcome);
        expect(lost).to.deep.equal({ lease: must(a).lease, outcome: 'not_held' });
        const words = { ack: 'acknowledged', nack: 'retried', release: 'released', extend: 'extended' };
        expect(held).to.include({ lease: must(b).lease, outcome: words[verb] });
      });

      itOnce(`${verb} exits with 2 for a string that is not a lease, and does nothing`, async () => {
        const lease = await leaseOf('a');
        for (const args of [
          [lease, '32'],
          ['', lease],
        ]) {
          const outcome = await cli.run([verb, ...args]);
          expect(outcome.code).to.equal(2);
          expect(outcome.stderr).to.match(/^delayer: "(32)?" is not a lease\.[^\n]*\n$/);
        }
        for (const [stdin, says] of [
          [`${lease}\n32\n`, /^delayer: line 2 of stdin: "32" is not a lease\.[^\n]*\n$/],
          [
            `{"lease":"${lease}"}\n{"id":"32"}\n`,
            /^delayer: line 2 of stdin: the job has no lease\.[^\n]*\n$/,
          ],
          [`${lease}\n{"lease":\n`, /^delayer: line 2 of stdin: [^\n]*JSON[^\n]*\n$/],
        ] as const) {
          const outcome = await cli.run([verb, '-'], { stdin });
          expect(outcome.code).to.equal(2);
          expect(outcome.stderr).to.match(says);
        }
        expect(await (await cli.queue()).ack([lease])).to.deep.equal([true]);
      });

      itOnce(`${verb} --verbose reports success`, async () => {
        const lease = await leaseOf('a');
        const told = await cli.run([verb, lease, '--verbose']);
        expect(told.stderr).to.match(/^delayer: 1 (acknowledged|retried|released|extended)\n$/);
      });
    }

    itOnce(
      'ack - reads many leases from stdin, as lines or as jobs in JSON, and ends each once',
      async () => {
        const ids = Array.from({ length: 1100 }, (_, i) => `${i}`);
        const queue = await cli.queue();
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b' })));
        const popped = await cli.run(['pop', 'topic', '--lease', '1h', '--count', '1100']);
        const [first, ...more] = jsonOf(expectQuiet(popped)).map(({ lease }) => String(lease));
        const stdin = `${must(first)}\n\n${must(first)}\r\n${popped.stdout.toString().split('\n').slice(1).join('\n')}`;
        const outcome = expectQuiet(await cli.run(['ack', '-', '--json'], { stdin }));
        expect(jsonOf(outcome)).to.deep.equal(
          [must(first), ...more].map((lease) => ({ lease, outcome: 'acknowledged' })),
        );
        expect((await queue.stats()).totals).to.include({ leased: 0, ready: 0 });
      },
    );

    itOnce('ack - ends leases as they arrive on stdin', async () => {
      const [a, b] = await leased('a', 'b');
      const ack = cli.start(['ack', '-', '--json']);
      ack.child.stdin?.write(`${must(a).lease}\n`);
      expect(await ack.printed(1)).to.have.length(1);
      expect(await (await cli.queue()).find('a')).to.be.empty;
      ack.child.stdin?.end(`${must(b).lease}\n`);
      expect((await ack.ended).code).to.equal(0);
      expect(await (await cli.queue()).find('b')).to.be.empty;
    });

    it('nack --json says when the job is due again, or that it is dead', async () => {
      const [a, b] = await leased('a', 'b');
      const [retried] = jsonOf(
        expectQuiet(await cli.run(['nack', must(a).lease, '--json', '--delay', '1h'])),
      );
      const { dueAt } = await find('a');
      expect(retried).to.deep.equal({
        ...{ lease: must(a).lease, outcome: 'retried', dueAt: dueAt?.toISOString() },
      });
      const [dead] = jsonOf(expectQuiet(await cli.run(['nack', must(b).lease, '--json', '--dead'])));
      expect(dead).to.deep.equal({ lease: must(b).lease, outcome: 'dead' });
    });

    it('nack follows the retries of the job, else those of pop, and reports a job that has none left', async () => {
      const queue = await cli.queue();
      await queue.push({
        id: 'own',
        topic: 'topic',
        body: 'b',
        retries: 1,
        backoff: { firstMs: 0, lastMs: 0 },
      });
      const nack = async (...flags: string[]) => {
        const popped = await cli.run(['pop', 'topic', '--lease', '1h', '--output', 'lease', ...flags]);
        const [lease = ''] = linesOf(expectQuiet(popped));
        return { lease, outcome: await cli.run(['nack', lease, '--reason', 'bad']) };
      };
      expectQuiet((await nack('--retries', '0')).outcome);
      const { lease, outcome } = await nack('--retries', '9');
      expect(outcome).to.include({
        code: 0,
        stderr: `delayer: no retry was left, and the job is a dead letter now: ${lease}\n`,
      });
      await queue.push({ id: 'plain', topic: 'topic', body: 'b' });
      expect((await nack('--retries', '0')).outcome.stderr).to.match(/dead letter now/);
      for (const id of ['own', 'plain']) expect(await find(id)).to.include({ state: 'dead', reason: 'bad' });
    });

    it('nack --reason keeps a reason of several lines, and the last 4 KiB of a long one', async () => {
      const [a, b] = await leased('a', 'b');
      const trace = 'PHP Fatal error: no such order\n  thrown in cancel.php\n';
      expectQuiet(await cli.run(['nack', must(a).lease, '--dead', '--reason', trace]));
      expectQuiet(await cli.run(['nack', must(b).lease, '--dead', '--reason', `${'x'.repeat(9000)}end`]));
      expect((await find('a')).reason).to.equal(trace);
      expect((await find('b')).reason)
        .to.have.length(4096)
        .and.match(/end$/);
    });
  });

  describe('of a store that does not exist', () => {
    forEachStore((cli) => {
      it('exit with 1 and do not create the store', async () => {
        const lease = `${'0'.repeat(32)}-00000001.1.1.1`;
        for (const verb of VERBS) {
          const outcome = await cli.run([verb, lease]);
          expect(outcome.code, verb).to.equal(1);
          expect(outcome.stderr.trimEnd()).to.match(LOST);
        }
        expect(linesOf(await cli.sh('ls'))).to.deep.equal(['bin']);
      });
    });
  });
});
