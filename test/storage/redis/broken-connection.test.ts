import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import type { Queue } from '../../../src/core/queue.js';
import { drain, idsOf, LONG_MS, must, promoteAll, textOf, untilPast } from '../../contract/world.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';

const SCRIPT = { when: (request: Buffer) => request.includes('EVAL') };

describe('a connection that breaks', () => {
  const ground = useRedis();
  let proxy: Proxy;
  /** Over the proxy. */
  let queue: Queue;
  /** Directly. */
  let witness: Queue;
  const job = { id: '1', topic: 'topic', body: 'b' };

  beforeEach(async () => {
    proxy = await Proxy.to({ path: ground.server.socket });
    queue = ground.queue(proxy.url);
    witness = ground.queue();
    await warmUp();
  });
  afterEach(() => proxy.close());

  /** Connects, and has Redis hold the scripts, so that the next request is the one that matters. */
  async function warmUp(): Promise<void> {
    await queue.push({ id: 'warm', topic: 'warm', body: 'b' });
    const { jobs } = await queue.lease('warm', 1, LONG_MS);
    await queue.putBack(jobs);
    expect(await queue.pop('warm')).to.not.be.undefined;
    await queue.remove('warm');
    await queue.store.promote();
    await queue.store.extend(jobs, LONG_MS);
    await queue.find('warm');
  }

  describe('after a push was done, before its answer came', () => {
    it('is found out: the push answers pushed, and the job is there once', async () => {
      proxy.cut('reply', SCRIPT);
      const receipt = await queue.push({ ...job, delayMs: LONG_MS });
      expect(proxy.cuts).to.equal(1);
      expect(receipt.outcome).to.equal('pushed');
      expect(receipt.dueAt).to.deep.equal(must((await witness.find('1'))[0]).dueAt);
    });

    it('leaves the outcome unknown when the job is taken by the time one looks', async () => {
      proxy.cut('reply', SCRIPT);
      const taking = witness.bpop('topic', { timeoutMs: 5000 });
      const pushing = queue.push(job).then(
        ({ outcome }) => outcome,
        (error: unknown) => (error as { code: string }).code,
      );
      expect(textOf(await taking)).to.equal('b');
      expect(await pushing).to.be.oneOf(['pushed', 'outcome_unknown']);
      expect(await witness.pop('topic')).to.be.undefined;
    });

    it('does not make a replacement twice, and leaves its outcome unknown', async () => {
      const before = await witness.push({ ...job, body: 'old', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      const error = await failureOf(queue.push({ ...job, delayMs: 2 * LONG_MS }, 'replace'));
      expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
      const [found] = await witness.find('1');
      expect(textOf(found)).to.equal('b');
      expect(must(found?.dueAt).getTime()).to.be.above(must(before.dueAt).getTime());
    });

    it('is a conflict when the id stands for the same body in another topic', async () => {
      await witness.push({ ...job, topic: 'other', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      expect(await failureOf(queue.push({ ...job, delayMs: LONG_MS }))).to.include({ code: 'job_exists' });
      expect(proxy.cuts).to.equal(1);
    });

    it('is found out to have kept the job that was there, when it was to be kept', async () => {
      await witness.push({ ...job, body: 'old', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      expect((await queue.push({ ...job, delayMs: LONG_MS }, 'keep')).outcome).to.equal('kept');
      expect(proxy.cuts).to.equal(1);
      expect((await witness.find('1')).map(textOf)).to.deep.equal(['old']);
    });

    it('answers for each job of a batch', async () => {
      await witness.push({ ...job, id: 'other', body: 'old', delayMs: LONG_MS });
      proxy.cut('reply', SCRIPT);
      const jobs = ['1', 'other', '2'].map((id) => ({ ...job, id, delayMs: LONG_MS }));
      const receipts = await queue.pushMany(jobs);
      expect(receipts.map(({ outcome }) => outcome)).to.deep.equal(['pushed', 'conflict', 'pushed']);
      expect((await witness.list('topic', { limit: 10 })).jobs).to.have.length(3);
    });
  });

  describe('before a push was done', () => {
    it('leaves its outcome unknown, and nothing is pushed later', async () => {
      proxy.cut('request', SCRIPT);
      const error = await failureOf(queue.push({ ...job, delayMs: LONG_MS }));
      expect(proxy.cuts).to.equal(1);
      expect(error).to.include({ code: 'outcome_unknown', exitCode: 75 });
      expect(`${error.message} ${(error as unknown as { hint: string }).hint}`).to.contain('inspect');
      expect(await witness.find('1')).to.be.empty;
      expect((await queue.push({ ...job, delayMs: LONG_MS })).outcome).to.equal('pushed');
    });

    it('is not kept out by a dead job of the same id', async () => {
      await witness.push(job);
      await promoteAll(witness.store);
      await ground.raw.del(`${ground.prefix}:job_bucket:1`);
      for (const onExisting of ['refuse', 'keep'] as const) {
        proxy.cut('request', SCRIPT);
        const error = await failureOf(queue.push({ ...job, body: 'new', delayMs: LONG_MS }, onExisting));
        expect(error).to.include({ code: 'outcome_unknown' });
      }
    });

    it('is not taken for done because a consumer holds a job of the same id and content', async () => {
      await witness.push(job);
      const { jobs } = await witness.lease('topic', 1, LONG_MS);
      proxy.cut('request', SCRIPT);
      expect(await failureOf(queue.push({ ...job, delayMs: LONG_MS }))).to.include({
        code: 'outcome_unknown',
      });
      await witness.confirm(jobs);
      expect(await witness.find('1')).to.be.empty;
    });

    it('leaves the jobs of a batch unknown, each', async () => {
      proxy.cut('request', SCRIPT);
      const receipts = await queue.pushMany(['1', '2'].map((id) => ({ ...job, id, delayMs: LONG_MS })));
      expect(receipts.map(({ outcome }) => outcome)).to.deep.equal(['unknown', 'unknown']);
      expect(await witness.find('1')).to.be.empty;
    });

    it('and stays broken: the outcome of a push is unknown within two seconds', async () => {
      proxy.cut('request', SCRIPT);
      const pushing = failureOf(queue.push(job));
      proxy.refuse();
      const before = performance.now();
      expect(await pushing).to.include({ code: 'outcome_unknown' });
      expect(performance.now() - before).to.be.below(2500);
    });
  });

  it('says that nobody knows when a confirmation is repeated after its lease had ended', async () => {
    await witness.push(job);
    const { jobs } = await queue.lease('topic', 1, 50);
    // The confirmation is done, its answer lost, and by the time it is repeated the lease is over.
    const late = jobs.map((one) => ({ ...one, leaseUntil: new Date(1) }));
    // Redis holds the script by now: what is cut is not that it does not.
    await queue.confirm([{ lease: 'none.1', leaseUntil: new Date() }]);
    proxy.cut('reply', SCRIPT);
    expect(await failureOf(queue.confirm(late))).to.include({ code: 'outcome_unknown' });
    expect(await queue.confirm(jobs)).to.deep.equal([false]);
  });

  it('gives the jobs that pop had in hand with the error, when nobody knows what became of them', async () => {
    await witness.push(job);
    const confirm = (request: Buffer) =>
      [SCRIPTS.confirmAll, SCRIPTS.confirm].some(({ sha }) => request.includes(sha));
    proxy.cut('reply', { when: confirm, times: 1000 });
    const failure = await failureOf(queue.pop('topic'));
    if (!(failure instanceof DelayerError)) throw failure;
    expect(failure.code).to.equal('outcome_unknown');
    expect(failure.jobs.map(textOf)).to.deep.equal(['b']);
  });

  for (const cut of ['request', 'reply'] as const) {
    describe(cut === 'reply' ? 'after a request was done' : 'before a request was done', () => {
      it('gives the same jobs to a take, and loses none', async () => {
        const pushed = await witness.pushMany(
          Array.from({ length: 9 }, (_, i) => ({ id: `${i}`, topic: 'topic', body: 'b' })),
        );
        proxy.cut(cut, SCRIPT);
        const { jobs } = await queue.lease('topic', 5, LONG_MS);
        expect(proxy.cuts).to.equal(1);
        expect(idsOf(jobs)).to.deep.equal(idsOf(pushed.slice(0, 5)));
        expect(jobs.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1, 1, 1]);
        expect(await queue.confirm(jobs)).to.deep.equal([true, true, true, true, true]);
        expect(idsOf(await drain(witness, 'topic'))).to.deep.equal(idsOf(pushed.slice(5)));
      });

      it('does not make pop lose a job, or give it twice', async () => {
        await witness.pushMany(['1', '2', '3'].map((id) => ({ ...job, id })));
        const got: string[] = [];
        let skip = 0;
        for (let round = 0; round < 3; round += 1) {
          // The cut meets the take in the first round, the confirmation in the second.
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

      it('lets a confirmation answer whether the lease was held', async () => {
        await witness.pushMany(['1', '2'].map((id) => ({ ...job, id })));
        const { jobs } = await queue.lease('topic', 2, LONG_MS);
        proxy.cut(cut, SCRIPT);
        expect(await queue.confirm(jobs)).to.deep.equal([true, true]);
        expect(proxy.cuts).to.equal(1);
        expect(await witness.find('1')).to.be.empty;
      });

      it('says of a confirmation that comes after the end of the lease that nobody knows', async () => {
        await witness.push(job);
        const { jobs } = await queue.lease('topic', 1, 20);
        await untilPast(witness.store, must(jobs[0]).leaseUntil);
        const again = (await witness.lease('topic', 1, LONG_MS)).jobs;
        proxy.cut(cut, SCRIPT);
        expect(await failureOf(queue.confirm(jobs))).to.include({ code: 'outcome_unknown' });
        expect(proxy.cuts).to.equal(1);
        expect(await witness.confirm(again)).to.deep.equal([true]);
      });

      it('puts jobs back once', async () => {
        await witness.pushMany(['1', '2'].map((id) => ({ ...job, id })));
        const { jobs } = await queue.lease('topic', 2, LONG_MS);
        proxy.cut(cut, SCRIPT);
        await queue.putBack(jobs);
        expect(proxy.cuts).to.equal(1);
        const got = await drain(witness, 'topic');
        expect(idsOf(got)).to.deep.equal(['1', '2']);
        expect(got.map(({ attempts }) => attempts)).to.deep.equal([1, 1]);
      });

      it('promotes every job once', async () => {
        const pushed = await witness.pushMany(
          Array.from({ length: 700 }, () => ({ topic: 'topic', body: 'b' })),
        );
        proxy.cut(cut, SCRIPT);
        await promoteAll(queue.store);
        expect(proxy.cuts).to.equal(1);
        const ready = await ground.raw.lrange(`${ground.prefix}:ready_queue:topic`, '0', '-1');
        expect(ready.reverse()).to.deep.equal(idsOf(pushed));
      });

      it('leaves the outcome of a remove unknown', async () => {
        await witness.push({ ...job, delayMs: LONG_MS });
        proxy.cut(cut, SCRIPT);
        expect(await failureOf(queue.remove('1'))).to.include({ code: 'outcome_unknown', exitCode: 75 });
        expect(await witness.find('1')).to.have.length(cut === 'reply' ? 0 : 1);
      });

      it('makes looking ask again', async () => {
        await witness.push({ ...job, delayMs: LONG_MS });
        for (const look of [
          () => queue.find('1'),
          () => queue.list('topic', { limit: 10 }),
          () => queue.survey(),
          () => queue.store.now(),
        ]) {
          proxy.cut(cut);
          expect(await look()).to.not.be.undefined;
        }
        expect(proxy.cuts).to.equal(4);
      });
    });
  }

  for (const [what, code, call] of [
    ['a confirmation', 'outcome_unknown', () => confirmOne()],
    ['promoting', 'store_unreachable', () => queue.store.promote()],
    ['looking', 'store_unreachable', () => queue.find('1')],
  ] as const) {
    it(`and stays broken: ${what} ends with ${code} within two seconds`, async () => {
      proxy.cut('request', SCRIPT);
      const before = performance.now();
      const calling = failureOf(call());
      await eventually(() => proxy.cuts === 1, { everyMs: 1 });
      proxy.refuse();
      expect(await calling).to.include({ code });
      expect(performance.now() - before).to.be.below(2500);
    });
  }
  const confirmOne = () => queue.confirm([{ lease: 'token.1', leaseUntil: new Date() }]);

  it('again and again, at random places, loses and doubles nothing', async () => {
    const pushed: string[] = [];
    const got: string[] = [];
    for (let i = 0; i < 60; i += 1) {
      if (i % 3 === 0) {
        let skip = i % 4;
        proxy.cut(i % 2 === 0 ? 'reply' : 'request', { when: () => skip-- <= 0 });
      }
      const id = `job-${i}`;
      // Pushing an id again is safe: it is answered as a repeat.
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

  it('under a waiting bpop costs no job', async () => {
    const waiting = queue.bpop('topic', { timeoutMs: 10_000 });
    for (let i = 0; i < 3; i += 1) {
      await witness.find('1');
      proxy.drop();
    }
    await witness.push(job);
    expect(textOf(await waiting)).to.equal('b');
    expect(await witness.find('1')).to.be.empty;
  });

  it('by being closed while it is made is not left open', async () => {
    const closing = ground.queue();
    const before = await ground.server.strangers();
    const pushing = closing.push(job).catch(() => undefined);
    await closing.close();
    await pushing;
    await eventually(async () => expect(await ground.server.strangers()).to.equal(before));
  });

  it('half-open, under a waiting bpop that is given up, costs no job', async () => {
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
