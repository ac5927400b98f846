import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { useCli } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { HOUR_MS, soon } from '../../support/jobs.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';
import { expectAllAccountedFor, numbered } from '../accounting.js';
import { IS_LONG, Measurement, SIZE } from '../measure.js';

const TOPIC = 'topic';
const PATIENCE_MS = IS_LONG ? 600_000 : 30_000;
const CHUNK = 1000;

/** Pushes jobs chunk by chunk, due within 50 ms. */
async function pushSpread(queue: Queue, ids: readonly string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += CHUNK) {
    const chunk = ids.slice(i, i + CHUNK);
    await queue.pushMany(chunk.map((id) => ({ id, topic: TOPIC, body: 'b', delayMs: Number(id) % 50 })));
  }
}

describe('several daemons on one Redis:', () => {
  const redis = useRedis({ movableClock: true });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  const ready = async () => (await redis.raw.lrange(`${redis.prefix}:ready_queue:${TOPIC}`, 0, -1)).reverse();
  const readyCount = () => redis.raw.llen(`${redis.prefix}:ready_queue:${TOPIC}`);
  const pooled = () => redis.raw.zcard(`${redis.prefix}:job_pool`);

  it('four daemons promote a burst of due jobs, none twice, in order of due time', async () => {
    const queue = await cli.queue();
    const ids = numbered(SIZE.burst);
    // After the end of all pushes, so that no job is due at once.
    const start = (await soon(queue, HOUR_MS)).getTime();
    for (let i = 0; i < ids.length; i += 1000) {
      // Pushed in reverse order, to tell the order of due times from that of the pushes.
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
    const measured = new Measurement('four daemons, all due at once', 'Redis');
    measured.add('jobs', SIZE.burst);
    redis.clock.set(start);
    await eventually(async () => (await pooled()) === 0, { withinMs: PATIENCE_MS, everyMs: 20 });
    const list = await ready();
    measured.none('jobs lost', SIZE.burst - new Set(list).size);
    measured.none('doubled ready entries', list.length - new Set(list).size);
    const millisecond = list.map((id) => Math.floor(Number(id) / 20));
    measured.none('out of order', millisecond.filter((at, i) => at < (millisecond[i - 1] ?? 0)).length);
    measured.end();
  });

  it('daemons that are killed with -9 while jobs are pushed and promoted lose no job and promote none twice', async () => {
    const queue = await cli.queue();
    const ids = numbered(SIZE.daemonJobs);
    const part = SIZE.daemonJobs / SIZE.daemonKills;
    const measured = new Measurement('daemon killed -9 while jobs are pushed and promoted', 'Redis');
    let daemon = cli.start(['serve']);
    for (let i = 0; i < ids.length; i += part) {
      const before = await readyCount();
      const pushed = pushSpread(queue, ids.slice(i, i + part));
      // The daemon is promoting now.
      await eventually(async () => (await readyCount()) > before, { everyMs: 1 });
      await daemon.end('SIGKILL');
      measured.add('kills', 1);
      daemon = cli.start(['serve']);
      await pushed;
    }
    measured.add('jobs', ids.length);
    await eventually(async () => (await pooled()) === 0, { withinMs: PATIENCE_MS, everyMs: 20 });
    const list = await ready();
    const there = new Set(list);
    measured.none('jobs lost', ids.filter((id) => !there.has(id)).length);
    measured.none('doubled ready entries', list.length - there.size);
    await expectAllAccountedFor(queue, TOPIC, { pushed: ids });
    measured.end();
  });

  it('a daemon continues after SCRIPT FLUSH and CLIENT PAUSE', async () => {
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

  it('of ten daemons those that are not cut off, stopped or killed promote due jobs, none twice', async () => {
    const queue = await cli.queue();
    const proxy = await Proxy.to({ path: redis.server.socket });
    try {
      const cutOff = { DELAYER_STORE: proxy.url };
      const daemons = Array.from({ length: 10 }, (_, i) =>
        cli.start(['serve'], i < 3 ? { env: cutOff } : {}),
      );
      await Promise.all(daemons.map((daemon) => daemon.says(/promoting/)));
      const measured = new Measurement(
        'of ten daemons three are cut off, three stopped and three killed',
        'Redis',
      );
      const promotes = async (first: number) => {
        const ids = numbered(200).map((id) => `${first}-${id}`);
        await queue.pushMany(ids.map((id) => ({ id, topic: TOPIC, body: 'b', delayMs: 50 })));
        await eventually(async () => (await pooled()) === 0);
        const list = await ready();
        const last = list.slice(-ids.length);
        measured.none('jobs lost', ids.filter((id) => !last.includes(id)).length);
        measured.none('doubled ready entries', list.length - new Set(list).size);
      };
      proxy.hold();
      await promotes(1);
      for (const daemon of daemons.slice(3, 6)) daemon.child.kill('SIGSTOP');
      await promotes(2);
      for (const daemon of daemons.slice(6, 9)) await daemon.end('SIGKILL');
      await promotes(3);
      for (const daemon of daemons.slice(3, 6)) daemon.child.kill('SIGCONT');
      await promotes(4);
      measured.end();
    } finally {
      await proxy.close();
    }
  });

  it('a daemon reports that the clock of Redis was set, and promotes by it', async () => {
    const queue = await cli.queue();
    const daemon = cli.start(['serve']);
    await daemon.says(/promoting/);
    await queue.push({ id: 'later', topic: TOPIC, body: 'b', delayMs: HOUR_MS / 2 });
    redis.clock.advance(HOUR_MS);
    await eventually(async () => (await readyCount()) === 1);
    await daemon.says(/the clock of \S+ was set ahead by (1h|59m|60m)/);
    expect((await daemon.end()).code).to.equal(0);
  });

  it('a daemon that was stopped for a while promotes none twice when it goes on, and the others promote meanwhile', async () => {
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
