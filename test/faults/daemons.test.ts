import { expect } from 'chai';
import { useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, soon } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';
import { expectAllAccountedFor, numbered } from './accounting.js';

const TOPIC = 'topic';

describe('several daemons on one Redis:', () => {
  const redis = useRedis({ movableClock: true });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  const ready = async () => (await redis.raw.lrange(`${redis.prefix}:ready_queue:${TOPIC}`, 0, -1)).reverse();
  const pooled = () => redis.raw.zcard(`${redis.prefix}:job_pool`);

  it('four daemons make 20,000 jobs ready that are due in one burst: none twice, in order of due time', async () => {
    const queue = await cli.queue();
    const ids = numbered(20_000);
    // Later than all of them are pushed; a job that is pushed late would be due at once.
    const start = (await soon(queue, HOUR_MS)).getTime();
    for (let i = 0; i < ids.length; i += 1000) {
      // Pushed back to front: the order is that of the due times, not of the pushes.
      const chunk = ids.slice(ids.length - i - 1000, ids.length - i).reverse();
      await queue.pushMany(
        chunk.map((id) => ({
          id,
          topic: TOPIC,
          body: 'b',
          at: new Date(start + Math.floor(Number(id) / 20)),
        })),
      );
    }
    await Promise.all([1, 2, 3, 4].map(() => cli.start(['serve', '--interval', '20ms']).says(/promoting/)));
    redis.clock.set(start);
    await eventually(async () => (await pooled()) === 0, { everyMs: 20 });
    const list = await ready();
    expect(list).to.have.length(20_000);
    expect(new Set(list).size).to.equal(20_000);
    const millisecond = list.map((id) => Math.floor(Number(id) / 20));
    expect(millisecond.every((at, i) => i === 0 || at >= (millisecond[i - 1] ?? 0))).to.be.true;
  });

  it('daemons that are killed with -9 while jobs are pushed and promoted lose none and promote none twice', async () => {
    const queue = await cli.queue();
    const ids = numbered(8000);
    let daemon = cli.start(['serve']);
    let kills = 0;
    for (let i = 0; i < ids.length; i += 1000) {
      const chunk = ids.slice(i, i + 1000);
      const before = (await ready()).length;
      await queue.pushMany(chunk.map((id) => ({ id, topic: TOPIC, body: 'b', delayMs: Number(id) % 50 })));
      if (i % 2000 === 0) {
        // In the middle of its work.
        await eventually(async () => (await ready()).length > before, { everyMs: 1 });
        await daemon.end('SIGKILL');
        kills += 1;
        daemon = cli.start(['serve']);
      }
    }
    expect(kills).to.equal(4);
    await eventually(async () => (await pooled()) === 0);
    expect([...(await ready())].sort()).to.deep.equal([...ids].sort());
    await expectAllAccountedFor(queue, TOPIC, { pushed: ids });
  });

  it('a daemon works on while Redis forgets its scripts and makes its clients wait', async () => {
    const queue = await cli.queue();
    const daemon = cli.start(['serve']);
    await daemon.says(/promoting/);
    const ids = numbered(2000);
    for (let i = 0; i < ids.length; i += 400) {
      await queue.pushMany(
        ids.slice(i, i + 400).map((id) => ({ id, topic: TOPIC, body: 'b', delayMs: 100 })),
      );
      await redis.raw.script('FLUSH');
      await redis.raw.call('CLIENT', 'PAUSE', '150');
    }
    await eventually(async () => (await pooled()) === 0);
    expect((await ready()).sort()).to.deep.equal([...ids].sort());
    expect((await daemon.end()).stderr).to.not.match(/cannot|broke/);
  });

  it('a daemon that is stopped for a while does no harm when it goes on, and the others work meanwhile', async () => {
    const queue = await cli.queue();
    const [stopped, other] = [cli.start(['serve']), cli.start(['serve'])];
    await Promise.all([stopped.says(/promoting/), other.says(/promoting/)]);
    stopped.child.kill('SIGSTOP');
    const ids = numbered(1000);
    await queue.pushMany(ids.map((id) => ({ id, topic: TOPIC, body: 'b', delayMs: 50 })));
    await eventually(async () => (await pooled()) === 0);
    stopped.child.kill('SIGCONT');
    await queue.push({ id: 'last', topic: TOPIC, body: 'b', delayMs: 50 });
    await eventually(async () => (await ready()).at(-1) === 'last');
    expect(await ready()).to.deep.equal([...ids, 'last']);
    expect((await stopped.end()).code).to.equal(0);
  });
});
