import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { LONG_MS, must, promoteAll, textOf } from '../../contract/world.js';
import { useRedis } from '../../support/redis.js';

describe('the scripts in Redis', () => {
  const ground = useRedis();

  it('may be flushed between any two calls', async () => {
    const queue = ground.queue();
    const flush = () => ground.raw.script('FLUSH');
    await queue.push({ id: '1', topic: 'topic', body: 'one' });
    await flush();
    await queue.push({ id: '2', topic: 'topic', body: 'two', delayMs: LONG_MS });
    await flush();
    await promoteAll(queue.store);
    await flush();
    const { jobs } = await queue.lease('topic', 1, LONG_MS);
    expect(jobs.map(textOf)).to.deep.equal(['one']);
    await flush();
    expect(must((await queue.store.extend(jobs, LONG_MS))[0])).to.be.instanceOf(Date);
    await flush();
    await queue.putBack(jobs);
    await flush();
    expect(textOf(await queue.pop('topic'))).to.equal('one');
    await flush();
    expect((await queue.survey()).topics[0]).to.include({ delayed: 1 });
    await flush();
    expect(await queue.find('2')).to.have.length(1);
    await flush();
    expect((await queue.list('topic', { limit: 10 })).jobs).to.have.length(1);
    await flush();
    expect(await queue.remove('2')).to.be.true;
    await flush();
    await queue.store.announce('daemon');
  });

  it('may be flushed while others work: every job is delivered once', async () => {
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

  it('are those of the Lua files: the generated module is not stale', () => {
    execFileSync(process.execPath, ['scripts/build-lua.mjs', '--check'], { stdio: 'pipe' });
  });
});
