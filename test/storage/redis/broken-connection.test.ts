import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import type { Queue } from '../../../src/core/queue.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import {
  areHeld,
  drain,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  must,
  only,
  reserve,
  SECOND_MS,
  statesOf,
  textOf,
} from '../../support/jobs.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';

const SCRIPT = { when: (request: Buffer) => request.includes('EVAL') };

/** Cuts the connection only at runs of these scripts. */
const runsOf = (...scripts: { sha: string }[]) => ({
  when: (request: Buffer) => scripts.some(({ sha }) => request.includes(sha)),
});

describe('a connection to Redis that breaks:', () => {
  const ground = useRedis({ movableClock: true });
  let proxy: Proxy;
  /** Connected through the proxy. */
  let queue: Queue;
  /** Connected directly. */
  let witness: Queue;
  const job = { id: '1', topic: 'topic', body: 'b' };

  beforeEach(async () => {
    proxy = await Proxy.to({ path: ground.server.socket });
    queue = ground.queue(proxy.url);
    witness = ground.queue();
    await warmUp();
  });
  afterEach(() => proxy.close());

  /** Connects and loads the scripts, so that the next request is the one under test. */
  async function warmUp(): Promise<void> {
    await queue.push({ id: 'warm', topic: 'warm', body: 'b' });
    const jobs = await reserve(queue, 'warm');
    await queue.extend(jobs, LONG_MS);
    await queue.release(jobs);
    await queue.ack(jobs);
    await queue.nack(await reserve(queue, 'warm'), { dead: true });
    await queue.requeue(['warm']);
    await queue.pause('warm');
    await queue.resume('warm');
    await reserve(queue, 'warm');
    await queue.removeMany(['warm'], { states: 'any' });
    await queue.maintain();
    await queue.find('warm');
  }

  describe('a push whose reply was lost', () => {
    it('returns pushed, and the job is there once', async () => {
      proxy.cut('reply', SCRIPT);
      const receipt = await queue.push({ ...job, delayMs: LONG_MS });
      expect(proxy.cuts).to.equal(1);
      expect(receipt.outcome).to.equal('pushed');
      expect(receipt.dueAt).to.deep.equal(only(await witness.find('1')).dueAt);
    });

    it('returns repeated if the same content was there before with another due time', async () => {
      const at = new Date(Date.now() + 3 * LONG_MS);
      for (const [id, times] of Object.entries({
        delay: { delayMs: SECOND_MS },
        later: { delayMs: 2 * LONG_MS },
        at: { at },
      })) {
        const { dueAt } = await witness.push({ ...job, id, delayMs: LONG_MS });
        proxy.cut('request', SCRIPT);
        expect(await queue.push({ ...job, id, ...times })).to.deep.include({ outcome: 'repeated', dueAt });
      }
      proxy.cut('reply', SCRIPT);
      expect(await queue.push({ ...job, id: 'new', at })).to.deep.include({ outcome: 'pushed', dueAt: at });
    });

    it('returns pushed or has an unknown outcome if its job is popped meanwhile, and is not pushed twice', async () => {
      proxy.cut('reply', SCRIPT);
      const popping = witness.bpop('topic', { timeoutMs: 5000 });
      const pushing = queue.push(job).then(
        ({ outcome }) => outcome,
        (error: unknown) => (error as { code: string }).code,
      );
      expect(textOf(await popping)).to.equal('b');
      expect(await pushing).to.be.oneOf(['pushed', 'outcome_unknown']);
      expect(await witness.pop('topic')).to.be.undefined;
    });

    it('with onExisting: replace is not sent again, and has an unknown outcome', async () => {
      const before = await witness.push({ ...job, body: 'old', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      const replacing = queue.push({ ...job, delayMs: 2 * LONG_MS }, { onExisting: 'replace' });
      expect(await failureOf(replacing)).to.include({ code: 'outcome_unknown', exitCode: 75 });
      const found = only(await witness.find('1'));
      expect(textOf(found)).to.equal('b');
      expect(must(found.dueAt).getTime()).to.be.above(must(before.dueAt).getTime());
    });

    it('has an unknown outcome, not a conflict, if its job was popped and the id pushed again', async () => {
      proxy.cut('reply', SCRIPT);
      const asks = (request: Buffer) => runsOf(SCRIPTS.find).when(request);
      const overtaken = proxy.before(asks, async () => {
        expect(textOf(await witness.pop('topic'))).to.equal('b');
        await witness.push({ ...job, body: 'of others', delayMs: LONG_MS });
      });
      expect(await failureOf(queue.push(job))).to.include({ code: 'outcome_unknown', exitCode: 75 });
      await overtaken;
      expect(textOf(only(await witness.find('1')))).to.equal('of others');
    });

    it('has an unknown outcome if the id has the same body in another topic', async () => {
      await witness.push({ ...job, topic: 'other', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      const pushing = queue.push({ ...job, delayMs: LONG_MS });
      expect(await failureOf(pushing)).to.include({ code: 'outcome_unknown' });
      expect(proxy.cuts).to.equal(1);
    });

    it('with onExisting: keep returns kept', async () => {
      await witness.push({ ...job, body: 'old', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      const receipt = await queue.push({ ...job, delayMs: LONG_MS }, { onExisting: 'keep' });
      expect(receipt.outcome).to.equal('kept');
      expect(proxy.cuts).to.equal(1);
      expect((await witness.find('1')).map(textOf)).to.deep.equal(['old']);
    });

    it('of many jobs returns a result for each', async () => {
      await witness.push({ ...job, id: 'other', body: 'old', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      const jobs = ['1', 'other', '2'].map((id) => ({ ...job, id, delayMs: LONG_MS }));
      const receipts = await queue.pushMany(jobs);
      expect(receipts.map(({ outcome }) => outcome)).to.deep.equal(['pushed', 'unknown', 'pushed']);
      expect((await witness.list('topic')).jobs).to.have.length(3);
    });
  });

  it('a batch whose reply was lost is looked up with the text of the script only once after SCRIPT FLUSH', async () => {
    const jobs = Array.from({ length: 100 }, (_, i) => ({ ...job, id: `${i}`, delayMs: LONG_MS }));
    proxy.cut('reply', SCRIPT);
    const forgotten = proxy.before(runsOf(SCRIPTS.find).when, async () => {
      await ground.raw.script('FLUSH');
      await ground.raw.config('RESETSTAT');
    });
    const pushed = await queue.pushMany(jobs);
    await forgotten;
    expect(new Set(pushed.map(({ outcome }) => outcome))).to.deep.equal(new Set(['pushed']));
    const stats = await ground.raw.info('commandstats');
    expect(stats).to.include('cmdstat_eval:calls=1,').and.include('cmdstat_evalsha:calls=100,');
  });

  describe('a push whose request was lost', () => {
    it('has an unknown outcome, and is not pushed later', async () => {
      proxy.cut('request', SCRIPT);
      const error = await failureOf(queue.push({ ...job, delayMs: LONG_MS }));
      expect(proxy.cuts).to.equal(1);
      expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
      expect(await witness.find('1')).to.be.empty;
      expect((await queue.push({ ...job, delayMs: LONG_MS })).outcome).to.equal('pushed');
    });

    it('has an unknown outcome, not a conflict, if an expired job of its id is still in the ready list', async () => {
      await witness.push(job);
      await maintainAll(witness);
      await ground.raw.del(`${ground.prefix}:job_bucket:1`);
      for (const onExisting of ['refuse', 'keep'] as const) {
        proxy.cut('request', SCRIPT);
        const pushing = queue.push({ ...job, body: 'new', delayMs: LONG_MS }, { onExisting });
        expect(await failureOf(pushing)).to.include({ code: 'outcome_unknown' });
      }
    });

    for (const [what, hold] of [
      ['is leased', () => Promise.resolve()],
      [
        'is a dead letter',
        async (lease: string) => {
          await witness.nack([lease], { dead: true });
        },
      ],
      [
        'waits for a duplicate that is gone',
        async (lease: string) => {
          await witness.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
          await witness.release([lease]);
          await ground.raw.del(`${ground.prefix}:job_bucket:1`);
          await ground.raw.zrem(`${ground.prefix}:job_pool`, '1');
        },
      ],
    ] as const) {
      it(`has an unknown outcome although a job of the same id and content ${what}`, async () => {
        await witness.push(job);
        await hold(only(await reserve(witness, 'topic')).lease);
        proxy.cut('request', SCRIPT);
        const error = await failureOf(queue.push({ ...job, delayMs: LONG_MS }));
        expect(error).to.include({ code: 'outcome_unknown' });
        expect(await witness.find('1')).to.have.length(1);
      });
    }

    it('of many jobs returns unknown for each', async () => {
      proxy.cut('request', SCRIPT);
      const receipts = await queue.pushMany(['1', '2'].map((id) => ({ ...job, id, delayMs: LONG_MS })));
      expect(receipts.map(({ outcome }) => outcome)).to.deep.equal(['unknown', 'unknown']);
      expect(await witness.find('1')).to.be.empty;
    });
  });

  describe('acks over a broken connection', () => {
    it('an ack by bare lease strings returns true after a lost reply while the leases would still be held', async () => {
      await witness.pushMany(['1', '2', '3'].map((id) => ({ ...job, id })));
      const leases = (await reserve(witness, 'topic', 3)).map(({ lease }) => lease);
      // First one of several, then the rest.
      for (const some of [leases.slice(1, 2), [must(leases[0]), must(leases[2])]]) {
        proxy.cut('reply', runsOf(SCRIPTS.ack));
        expect(await queue.ack(some)).to.deep.equal(some.map(() => true));
      }
      expect(proxy.cuts).to.equal(2);
      expect(await witness.ack(leases)).to.deep.equal([false, false, false]);
    });

    it('an ack of a whole reservation by bare lease strings returns true after a lost reply', async () => {
      await witness.pushMany(['1', '2'].map((id) => ({ ...job, id })));
      const leases = (await reserve(witness, 'topic', 2)).map(({ lease }) => lease);
      proxy.cut('reply', runsOf(SCRIPTS.ackAll));
      expect(await queue.ack(leases)).to.deep.equal([true, true]);
      expect(proxy.cuts).to.equal(1);
      expect(await ground.raw.keys(`${ground.prefix}:*`)).to.be.empty;
    });

    for (const count of [1, 2]) {
      it(`an ack of 1 lease of ${count} whose reply was lost has an unknown outcome if the lease would have ended meanwhile`, async () => {
        await witness.pushMany(jobsOf('topic', count));
        const [lease] = (await reserve(witness, 'topic', count, SECOND_MS)).map((one) => one.lease);
        let requests = 0;
        proxy.cut('reply', {
          times: 2,
          when: (request) => {
            if (!runsOf(SCRIPTS.ackAll, SCRIPTS.ack).when(request)) return false;
            requests += 1;
            // The first ack is done in time, and the second comes after the first deadline.
            if (requests === 2) ground.clock.advance(2 * SECOND_MS);
            return requests === 1;
          },
        });
        const error = await failureOf(queue.ack([must(lease)]));
        expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
        expect(await queue.ack([must(lease)])).to.deep.equal([false]);
      });
    }

    it('an ack of an ended lease returns false if no reply was lost', async () => {
      await witness.push(job);
      const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
      ground.clock.advance(2 * SECOND_MS);
      await maintainAll(witness);
      expect(await queue.ack(jobs)).to.deep.equal([false]);
    });

    it('an ack of an extended lease whose reply was lost has an unknown outcome after its first deadline', async () => {
      await witness.push(job);
      const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
      await queue.extend(jobs, LONG_MS);
      ground.clock.advance(2 * SECOND_MS);
      proxy.cut('reply', runsOf(SCRIPTS.ackAll));
      expect(await failureOf(queue.ack(jobs))).to.include({ code: 'outcome_unknown' });
      expect(await queue.ack(jobs)).to.deep.equal([false]);
      expect(await witness.find('1')).to.be.empty;
    });

    it('a pop whose acks lose their replies throws outcome_unknown with the jobs that it took', async () => {
      await witness.push(job);
      proxy.cut('reply', { ...runsOf(SCRIPTS.ackAll, SCRIPTS.ack), times: 1000 });
      const error = await failureOf(queue.pop('topic'));
      if (!(error instanceof DelayerError)) throw error;
      expect(error.code).to.equal('outcome_unknown');
      expect(error.jobs.map(textOf)).to.deep.equal(['b']);
      expect(statesOf(error.jobs)).to.deep.equal(['ready']);
    });
  });

  describe('a nack over a broken connection', () => {
    for (const [how, options] of [
      ['with a delay', { delayMs: LONG_MS }],
      ['as dead', { dead: true, reason: 'why' }],
    ] as const) {
      it(`${how} was done if its reply was lost, and has an unknown outcome`, async () => {
        await witness.push(job);
        const jobs = await reserve(queue, 'topic');
        proxy.cut('reply', SCRIPT);
        const error = await failureOf(queue.nack(jobs, options));
        expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
        expect(proxy.cuts).to.equal(1);
        const found = only(await witness.find('1'));
        expect(found).to.include({ state: 'dead' in options ? 'dead' : 'delayed', attempts: 1 });
      });

      it(`${how} is not sent again if its request was lost: it has an unknown outcome, and the job stays leased`, async () => {
        await witness.push(job);
        const jobs = await reserve(queue, 'topic');
        proxy.cut('request', SCRIPT);
        const error = await failureOf(queue.nack(jobs, options));
        expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
        expect(statesOf(await witness.find('1'))).to.deep.equal(['leased']);
        expect(areHeld(await queue.nack(jobs, options))).to.deep.equal([true]);
      });
    }
  });

  describe('calls of operators over a broken connection', () => {
    it('a requeue whose reply was lost was done once, and has an unknown outcome', async () => {
      await witness.push(job);
      await witness.nack(await reserve(witness, 'topic'), { dead: true });
      proxy.cut('reply', SCRIPT);
      const error = await failureOf(queue.requeue(['1'], { delayMs: LONG_MS }));
      expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
      expect(statesOf(await witness.find('1'))).to.deep.equal(['delayed']);
      expect(await queue.requeue(['1'])).to.deep.equal(['none']);
    });

    it('a requeue whose request was lost is not sent again, and the dead letter is kept', async () => {
      await witness.push(job);
      await witness.nack(await reserve(witness, 'topic'), { dead: true });
      proxy.cut('request', SCRIPT);
      expect(await failureOf(queue.requeue(['1']))).to.include({ code: 'outcome_unknown' });
      expect(statesOf(await witness.find('1'))).to.deep.equal(['dead']);
    });

    for (const cut of ['request', 'reply'] as const) {
      it(`a pause and a resume are sent again (${cut} lost)`, async () => {
        await witness.push(job);
        proxy.cut(cut, SCRIPT);
        await queue.pause('topic');
        expect(await witness.pop('topic')).to.be.undefined;
        proxy.cut(cut, SCRIPT);
        await queue.resume('topic');
        expect(proxy.cuts).to.equal(2);
        expect(textOf(await witness.pop('topic'))).to.equal('b');
      });

      it(`a remove has an unknown outcome (${cut} lost)`, async () => {
        await witness.push({ ...job, delayMs: LONG_MS });
        proxy.cut(cut, SCRIPT);
        expect(await failureOf(queue.remove('1'))).to.include({ code: 'outcome_unknown', exitCode: 75 });
        expect(await witness.find('1')).to.have.length(cut === 'reply' ? 0 : 1);
      });

      it(`a remove of a leased job has an unknown outcome (${cut} lost)`, async () => {
        await witness.push(job);
        const jobs = await reserve(witness, 'topic');
        proxy.cut(cut, runsOf(SCRIPTS.revoke));
        const removing = queue.removeMany(['1'], { states: 'any' });
        expect(await failureOf(removing)).to.include({ code: 'outcome_unknown', exitCode: 75 });
        expect(await witness.ack(jobs)).to.deep.equal([cut === 'request']);
      });
    }
  });

  for (const cut of ['request', 'reply'] as const) {
    describe(`a request that is sent again (${cut} lost)`, () => {
      it('a reserve returns the same jobs, and loses none', async () => {
        const pushed = await witness.pushMany(
          Array.from({ length: 9 }, (_, i) => ({ id: `${i}`, topic: 'topic', body: 'b' })),
        );
        proxy.cut(cut, SCRIPT);
        const jobs = await reserve(queue, 'topic', 5);
        expect(proxy.cuts).to.equal(1);
        expect(idsOf(jobs)).to.deep.equal(idsOf(pushed.slice(0, 5)));
        expect(jobs.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1, 1, 1]);
        expect(await queue.ack(jobs)).to.deep.equal([true, true, true, true, true]);
        expect(idsOf(await drain(witness, 'topic'))).to.deep.equal(idsOf(pushed.slice(5)));
      });

      it('a reserve of several topics returns each job with its topic', async () => {
        await witness.pushMany([...jobsOf('b', 2), ...jobsOf('a', 2)]);
        proxy.cut(cut, runsOf(SCRIPTS.reserve));
        const jobs = await reserve(queue, ['a', 'b'], 3);
        expect(proxy.cuts).to.equal(1);
        expect(jobs.map(({ topic, body }) => `${topic.toString()} ${body.toString()}`)).to.deep.equal([
          'a body 0',
          'a body 1',
          'b body 0',
        ]);
        expect(await witness.ack(jobs)).to.deep.equal([true, true, true]);
      });

      it('a pop neither loses a job nor returns it twice', async () => {
        await witness.pushMany(['1', '2', '3'].map((id) => ({ ...job, id })));
        const got: string[] = [];
        let skip = 0;
        for (let round = 0; round < 3; round += 1) {
          // Rounds 0 and 2 cut the reserve, round 1 the ack.
          skip = round % 2;
          proxy.cut(cut, { when: (request) => request.includes('EVAL') && skip-- <= 0 });
          const popped = must(await queue.pop('topic'));
          got.push(popped.id.toString());
        }
        expect(proxy.cuts).to.equal(3);
        expect(got).to.deep.equal(['1', '2', '3']);
        expect(await witness.pop('topic')).to.be.undefined;
        for (const id of got) expect(await witness.find(id)).to.be.empty;
      });

      it('a pop as the first request of its queue neither loses a job nor returns it twice', async () => {
        await witness.push(job);
        proxy.cut(cut, SCRIPT);
        const fresh = ground.queue(proxy.url);
        expect(must(await fresh.pop('topic')).id.toString()).to.equal('1');
        expect(proxy.cuts).to.equal(1);
        expect(await witness.find('1')).to.be.empty;
      });

      it('an ack returns whether the leases were held', async () => {
        await witness.pushMany(['1', '2'].map((id) => ({ ...job, id })));
        const jobs = await reserve(queue, 'topic', 2);
        proxy.cut(cut, SCRIPT);
        expect(await queue.ack(jobs)).to.deep.equal([true, true]);
        expect(proxy.cuts).to.equal(1);
        expect(await witness.find('1')).to.be.empty;
      });

      it('an ack after the end of the lease has an unknown outcome', async () => {
        await witness.push(job);
        const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
        ground.clock.advance(2 * SECOND_MS);
        const again = await reserve(witness, 'topic');
        proxy.cut(cut, SCRIPT);
        expect(await failureOf(queue.ack(jobs))).to.include({ code: 'outcome_unknown' });
        expect(proxy.cuts).to.equal(1);
        expect(await witness.ack(again)).to.deep.equal([true]);
      });

      it('a release brings each job back once, and returns that it was held', async () => {
        await witness.pushMany(['1', '2'].map((id) => ({ ...job, id })));
        const jobs = await reserve(queue, 'topic', 2);
        proxy.cut(cut, SCRIPT);
        const held = await queue.release(jobs);
        expect(proxy.cuts).to.equal(1);
        const got = await drain(witness, 'topic');
        expect(idsOf(got)).to.deep.equal(['1', '2']);
        expect(got.map(({ attempts }) => attempts)).to.deep.equal([1, 1]);
        expect(held).to.deep.equal([true, true]);
      });

      it('a release after the end of the lease leaves the job leased to its new consumer', async () => {
        await witness.push(job);
        const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
        ground.clock.advance(2 * SECOND_MS);
        await reserve(witness, 'topic');
        proxy.cut(cut, SCRIPT);
        const answer: unknown = await queue.release(jobs).catch((error: unknown) => error);
        // Both are right: the lease was lost, and after a lost reply the outcome is unknown.
        if (answer instanceof Error) expect(answer).to.include({ code: 'outcome_unknown' });
        else expect(answer).to.deep.equal([false]);
        expect(statesOf(await witness.find('1'))).to.deep.equal(['leased']);
      });

      for (const count of [1, 2]) {
        it(`an extend of 1 lease of ${count} returns the new deadline`, async () => {
          await witness.pushMany(jobsOf('topic', count));
          const jobs = await reserve(queue, 'topic', count, SECOND_MS);
          proxy.cut(cut, SCRIPT);
          const until = must((await queue.extend(jobs.slice(0, 1), LONG_MS))[0]);
          expect(proxy.cuts).to.equal(1);
          expect(only(await witness.find(must(jobs[0]).id)).leaseUntil).to.deep.equal(until);
          ground.clock.advance(2 * SECOND_MS);
          expect(await witness.maintain()).to.include({ reclaimed: count - 1 });
        });
      }

      it('maintain promotes each job once', async () => {
        const pushed = await witness.pushMany(jobsOf('topic', 700));
        proxy.cut(cut, SCRIPT);
        await maintainAll(queue);
        expect(proxy.cuts).to.equal(1);
        const ready = await ground.raw.lrange(`${ground.prefix}:ready_queue:topic`, '0', '-1');
        expect(ready.reverse()).to.deep.equal(idsOf(pushed));
      });

      it('maintain brings each job of an ended lease back once', async () => {
        const pushed = await witness.pushMany(jobsOf('topic', 20));
        await maintainAll(witness);
        await reserve(witness, 'topic', 20, SECOND_MS);
        ground.clock.advance(2 * SECOND_MS);
        proxy.cut(cut, SCRIPT);
        await maintainAll(queue);
        expect(proxy.cuts).to.equal(1);
        expect(idsOf(await drain(witness, 'topic'))).to.deep.equal(idsOf(pushed));
      });

      it('find, list, stats, health and now return', async () => {
        await witness.push({ ...job, delayMs: LONG_MS });
        const looks = [
          () => queue.find('1'),
          () => queue.list('topic'),
          () => queue.stats(),
          () => queue.stats({ exact: false }),
          () => queue.health(),
          () => queue.now(),
        ];
        for (const look of looks) {
          proxy.cut(cut);
          expect(await look()).to.not.be.undefined;
        }
        expect(proxy.cuts).to.equal(looks.length);
      });
    });
  }

  it('calls fail within 10 s when Redis stays away: outcome_unknown if they may have been done, else store_unreachable', async () => {
    const lease = `${'0'.repeat(32)}-00000001.1.1.1`;
    proxy.cut('request', SCRIPT);
    const before = performance.now();
    const calls = (
      [
        ['outcome_unknown', queue.ack([lease])],
        ['outcome_unknown', queue.nack([lease], {})],
        ['outcome_unknown', queue.release([lease])],
        ['outcome_unknown', queue.extend([lease], LONG_MS)],
        ['outcome_unknown', queue.requeue(['1'])],
        ['outcome_unknown', queue.push(job)],
        ['store_unreachable', queue.pause('topic')],
        ['store_unreachable', queue.maintain()],
        ['store_unreachable', queue.find('1')],
      ] as const
    ).map(async ([code, call]) => expect(await failureOf(call)).to.include({ code }));
    await eventually(() => proxy.cuts === 1, { everyMs: 1 });
    proxy.refuse();
    await Promise.all(calls);
    expect(performance.now() - before).to.be.below(10_000);
  });

  it('connections that break repeatedly at various requests lose no job and deliver none twice', async () => {
    const pushed: string[] = [];
    const got: string[] = [];
    for (let i = 0; i < 60; i += 1) {
      if (i % 3 === 0) {
        let skip = i % 4;
        proxy.cut(i % 2 === 0 ? 'reply' : 'request', { when: () => skip-- <= 0 });
      }
      const id = `job-${i}`;
      // Pushing the same job again is safe: it returns `repeated`.
      for (let done = false; !done;) {
        const [receipt] = await queue.pushMany([{ id, topic: 'topic', body: 'b', delayMs: 0 }]);
        done = receipt?.outcome !== 'unknown';
      }
      pushed.push(id);
      if (i % 2 === 1) got.push(...idsOf(await queue.popMany('topic', 2)));
    }
    proxy.pass();
    got.push(...idsOf(await drain(queue, 'topic')));
    expect(proxy.cuts).to.be.above(10);
    expect(got).to.deep.equal(pushed);
  });

  it('connections that break under a waiting bpop lose no job', async () => {
    const waiting = queue.bpop('topic', { timeoutMs: 10_000 });
    for (let i = 0; i < 3; i += 1) {
      await witness.find('1');
      proxy.drop();
    }
    await witness.push(job);
    expect(textOf(await waiting)).to.equal('b');
    expect(await witness.find('1')).to.be.empty;
  });

  it('a queue that is closed while it connects leaves no connection open', async () => {
    const closing = ground.queue();
    const before = await ground.server.strangers();
    const pushing = closing.push(job).catch(() => undefined);
    await closing.close();
    await pushing;
    await eventually(async () => expect(await ground.server.strangers()).to.equal(before));
  });

  it('an aborted bpop on a half-open connection takes no job', async () => {
    const abort = new AbortController();
    const waiting = queue.bpop('topic', { signal: abort.signal });
    await witness.find('1');
    proxy.hold();
    await witness.push({ ...job, delayMs: 30 });
    expect(textOf(await witness.bpop('topic', { timeoutMs: 5000 }))).to.equal('b');
    abort.abort();
    proxy.drop();
    proxy.pass();
    expect(await waiting).to.be.undefined;
  });
});
