import { expect } from 'chai';
import { areHeld, LONG_MS, maintainAll, must, only, reserve, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

describe('SCRIPT FLUSH', () => {
  const ground = useRedis();

  /** Makes a call after SCRIPT FLUSH. */
  async function flushed<T>(call: () => Promise<T>): Promise<T> {
    await ground.raw.script('FLUSH');
    return call();
  }

  it('may come before each push, maintain, reserve, extend, release, pop, view, remove and announce', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'one' });
    await flushed(() => queue.push({ id: '2', topic: 'topic', body: 'two', delayMs: LONG_MS }));
    await flushed(() => maintainAll(queue));
    const jobs = await flushed(() => reserve(queue, 'topic'));
    expect(jobs.map(textOf)).to.deep.equal(['one']);
    expect(must((await flushed(() => queue.extend(jobs, LONG_MS)))[0])).to.be.instanceOf(Date);
    expect(await flushed(() => queue.release(jobs))).to.deep.equal([true]);
    expect(textOf(await flushed(() => queue.pop('topic')))).to.equal('one');
    expect(only((await flushed(() => queue.stats())).topics)).to.include({ delayed: 1 });
    expect(await flushed(() => queue.find('2'))).to.have.length(1);
    expect((await flushed(() => queue.list('topic', { limit: 10 }))).jobs).to.have.length(1);
    expect(await flushed(() => queue.remove('2'))).to.be.true;
    await flushed(() => queue.announce('daemon'));
  });

  it('may come before each nack, requeue, pause, resume and removal of a leased job', async () => {
    const queue = ground.queue();
    await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: id })));
    const jobs = await reserve(queue, 'topic', 3);
    expect(areHeld(await flushed(() => queue.nack(jobs.slice(0, 1), { delayMs: LONG_MS })))).to.deep.equal([
      true,
    ]);
    expect(areHeld(await flushed(() => queue.nack(jobs.slice(1, 2), { dead: true })))).to.deep.equal([true]);
    expect(await flushed(() => queue.requeue(['2']))).to.deep.equal(['requeued']);
    await flushed(() => queue.pause('topic'));
    expect(await flushed(() => queue.pop('topic'))).to.be.undefined;
    await flushed(() => queue.resume('topic'));
    expect(textOf(await flushed(() => queue.pop('topic')))).to.equal('2');
    expect(await flushed(() => queue.removeMany(['3'], { states: 'any' }))).to.deep.equal([
      { removed: true, state: 'leased' },
    ]);
    expect(await flushed(() => queue.ack(jobs))).to.deep.equal([false, false, false]);
  });

  it('may come at any time while others push and pop: each job is delivered once', async () => {
    const [pusher, popper] = [ground.queue(), ground.queue()];
    let working = true;
    const flush = async () => {
      while (working) await ground.raw.script('FLUSH');
    };
    const got: string[] = [];
    const work = async () => {
      for (let i = 0; i < 200; i += 1) await pusher.push({ id: `${i}`, topic: 'topic', body: 'b' });
      for (let job; (job = await popper.pop('topic'));) got.push(job.id.toString());
      working = false;
    };
    await Promise.all([flush(), work()]);
    expect(got).to.deep.equal(Array.from({ length: 200 }, (_, i) => `${i}`));
  });
});
