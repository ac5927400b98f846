import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { placesIn } from '../../../src/storage/redis/inspect/entries.js';
import type { Read } from '../../../src/storage/redis/inspect/read.js';
import { Keys } from '../../../src/storage/redis/keys.js';
import { sourceOf } from '../../../src/storage/redis/script-sources.generated.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import { LONG_MS, maintainAll } from '../../support/jobs.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';
import { OriginalClient, OriginalDaemon } from '../../interop/original.js';

/** A ready list of so many entries that other clients added, with such ids, is searched in several scripts. */
const ENTRIES = 15_000;
const LONG_ID = 'x'.repeat(1000);

describe('between two steps in which a long ready list is searched', () => {
  const ground = useRedis({ movableClock: true });
  const ready = () => `${ground.prefix}:ready_queue:topic`;
  const original = () => new OriginalClient(ground.raw, ground.prefix);

  let proxy: Proxy;
  beforeEach(async () => {
    proxy = await Proxy.to({ host: '127.0.0.1', port: ground.server.port });
  });
  afterEach(() => proxy.close());

  /** Makes ready jobs as an original daemon does, at the left end. */
  async function fill(from: number, to: number): Promise<void> {
    const push =
      'for i = ARGV[2], ARGV[3] - 1 do local id = ARGV[1] .. i ' +
      "redis.call('HSET', KEYS[1] .. id, 'topic', 'topic', 'body', 'b') redis.call('LPUSH', KEYS[2], id) end";
    await ground.raw.eval(push, 2, `${ground.prefix}:job_bucket:`, ready(), LONG_ID, from, to);
  }

  /** Does something before the n-th run of a script, which Redis holds already by a queue behind the proxy. */
  function beforeRun(n: number, script: keyof typeof SCRIPTS, act: () => Promise<unknown>): Promise<void> {
    let seen = 0;
    const isNth = (request: Buffer) => request.includes(SCRIPTS[script].sha) && (seen += 1) === n;
    return proxy.before(isNth, async () => {
      await act();
    });
  }

  /** Redis holds the scripts that the queue will run, so nothing waits for long between the steps. */
  async function connected(queue: Queue): Promise<Queue> {
    await queue.push({ topic: 'first', body: 'b' });
    await maintainAll(queue);
    await queue.pop('first');
    return queue;
  }

  const MINE = { id: '32', topic: 'topic', body: 'mine', delayMs: LONG_MS };

  for (const { by, push } of [
    {
      by: 'delayer',
      push: async (queue: Queue) => {
        await queue.push({ id: '32', topic: 'topic', body: 'theirs' });
        await maintainAll(queue);
      },
    },
    {
      by: 'clients and a daemon of the original',
      push: async () => {
        await original().push('32', 'topic', 'theirs', 0);
        await new OriginalDaemon(ground.raw, ground.prefix).tick();
      },
    },
  ])
    it(`a job that ${by} made ready is kept by the push of its id that has searched before`, async () => {
      const others = await connected(ground.queue());
      await fill(0, ENTRIES);
      const queue = await connected(ground.queue(proxy.url));
      const meanwhile = beforeRun(2, 'push', () => push(others));
      const [[result]] = await Promise.all([queue.pushMany([MINE]), meanwhile]);
      expect(result?.outcome).to.equal('conflict');
      expect(await ground.raw.lrange(ready(), 0, 0)).to.deep.equal(['32']);
      await ground.raw.ltrim(ready(), 0, 0);
      expect((await original().pop('topic'))?.body.toString()).to.equal('theirs');
    });

  for (const { gone, where } of [
    { gone: 220, where: 'a few' },
    { gone: 400, where: 'many' },
  ])
    it(`${where} entries that others take out move no old entry past the search`, async () => {
      const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
      const queue = await connected(ground.queue(proxy.url));
      await fill(0, ENTRIES - 1000);
      await ground.raw.lpush(ready(), ...ids);
      await fill(ENTRIES - 1000, ENTRIES);
      await ground.raw.script('LOAD', sourceOf(SCRIPTS.clearEntries));
      const meanwhile = beforeRun(3, 'clearEntries', () => ground.raw.lpop(ready(), gone));
      await Promise.all([queue.pushMany(ids.map((id) => ({ ...MINE, id }))), meanwhile]);
      for (const id of ids) expect(await ground.raw.lpos(ready(), id)).to.be.null;
    });

  for (const gone of [60, 120])
    it(`${gone} entries that others take out move no entry past the look for an id`, async () => {
      await fill(0, 500);
      await ground.raw.lpush(ready(), '32');
      await fill(500, 650);
      let reads = 0;
      const read: Read = async (send) => {
        reads += 1;
        if (reads === 3) await ground.raw.lpop(ready(), gone);
        return send({ redis: ground.raw, keys: new Keys(ground.prefix) });
      };
      expect(await placesIn(read, Buffer.from(ready()), Buffer.from('32'))).to.deep.equal([150 - gone]);
    });
});
