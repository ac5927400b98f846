import { expectQuiet, idsIn, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { must } from '../support/jobs.js';
import { Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';
import { expect } from 'chai';

/** Time (ms) for a wait of 5 s, the question on a second connection, and its answer, on a busy machine. */
const NOTICED_MS = 13_000;
const TOPIC = 'topic';

describe('processes whose connections to Redis are all half open:', function () {
  this.timeout(60_000);
  const redis = useRedis();
  const cli = useCli();
  let proxy: Proxy;
  let env: Record<string, string>;

  beforeEach(async () => {
    proxy = await Proxy.to({ path: redis.server.socket });
    env = { DELAYER_STORE: proxy.url, DELAYER_PREFIX: redis.prefix };
  });
  afterEach(() => proxy.close());

  /** Makes all connections silent, calls `act`, and expects `isDone` within NOTICED_MS. */
  async function noticed(
    act: () => Promise<unknown>,
    isDone: () => boolean | Promise<boolean>,
  ): Promise<void> {
    proxy.strand();
    const before = performance.now();
    await act();
    await eventually(isDone);
    const took = performance.now() - before;
    if (process.env.MEASURE !== undefined) console.log(`${Math.round(took)} ms`);
    expect(took).to.be.below(NOTICED_MS);
  }

  const listening = (count: number) => async () => {
    const clients = String(await redis.raw.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
    return clients.split('\n').filter((line) => line !== '').length >= count;
  };

  it('bpop and drain --follow each take a job that comes, once', async () => {
    const queue = redis.queue();
    const commands = [
      cli.start(['bpop', 'popped'], { env }),
      cli.start(['drain', TOPIC, '--follow'], { env }),
    ];
    await eventually(listening(2));
    await noticed(
      () => queue.pushMany(['popped', TOPIC].map((topic) => ({ topic, id: topic, body: 'b' }))),
      () => commands.every(({ lines }) => lines.length > 0),
    );
    const [popped, drained] = commands;
    expect(idsIn(linesOf(expectQuiet(await must(popped).ended)))).to.deep.equal(['popped']);
    expect(idsIn(linesOf(await must(drained).end()))).to.deep.equal([TOPIC]);
    expect((await queue.stats()).topics).to.be.empty;
  });

  it('serve promotes a job when it is due', async () => {
    const queue = redis.queue();
    const serve = cli.start(['serve'], { env });
    await eventually(listening(1));
    const { raw, prefix } = redis;
    await noticed(
      () => queue.push({ topic: TOPIC, id: '1', body: 'b', delayMs: 500 }),
      async () => (await raw.llen(`${prefix}:ready_queue:${TOPIC}`)) === 1,
    );
    await serve.end();
  });
});
