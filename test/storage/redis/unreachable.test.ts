import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import { Queue } from '../../../src/core/queue.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';
import { RedisStore } from '../../../src/storage/redis/store.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { fakeRedis, type FakeRedis } from '../../support/fake-redis.js';
import { reserve } from '../../support/jobs.js';
import { Proxy } from '../../support/proxy.js';
import { RedisServer } from '../../support/redis-server.js';

const LOADING = '-LOADING Redis is loading\r\n';

describe('a Redis that does not serve', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  function open(url: string): Queue {
    const store = new RedisStore(parseRedisUrl(url), 'test');
    ends.push(() => store.close());
    return new Queue(store);
  }
  async function start(...args: Parameters<typeof RedisServer.start>): Promise<RedisServer> {
    const server = await RedisServer.start(...args);
    ends.push(() => server.stop());
    return server;
  }
  async function fake(answers: Parameters<typeof fakeRedis>[0]): Promise<FakeRedis> {
    const server = await fakeRedis(answers);
    ends.push(() => server.close());
    return server;
  }
  const push = (queue: Queue) => queue.push({ topic: 'topic', body: 'b' });

  for (const [what, url, reason] of [
    ['a closed port', 'redis://127.0.0.1:1', 'connection refused \\(ECONNREFUSED\\)'],
    ['an unknown host', 'redis://no-such-host.invalid', /host not found|name resolution/],
    ['a socket that is not there', 'redis+unix:///nonexistent/redis.sock', 'no such socket'],
  ] as const) {
    it(`behind ${what} makes each call fail at once with store_unreachable`, async () => {
      const before = performance.now();
      const error = await failureOf(push(open(url)));
      expect(performance.now() - before).to.be.below(10_000);
      expect(error).to.be.instanceOf(DelayerError).and.include({ code: 'store_unreachable', exitCode: 69 });
      expect(error.message).to.match(new RegExp(reason)).and.contain(new URL(url).pathname);
      for (const ask of [
        () => open(url).pop('topic'),
        () => open(url).stats(),
        () => open(url).find('1'),
        () => open(url).bpop('topic'),
      ]) {
        expect(await failureOf(ask())).to.include({ code: 'store_unreachable' });
      }
    });
  }

  it('that is older than 6.2 is refused with store_too_old, and is sent no script', async () => {
    const server = await fake({ HELLO: hello('6.0.16') });
    const error = await failureOf(push(open(server.url)));
    expect(error).to.include({ code: 'store_too_old', exitCode: 69 });
    expect(error.message).to.contain('6.0.16');
    expect(server.commands.filter((command) => /EVAL/i.test(command))).to.be.empty;
  });

  it('that does not know HELLO is refused with store_too_old if its version is old', async () => {
    const info = '# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\n';
    const server = await fake({
      HELLO: '-ERR unknown command `HELLO`, with args beginning with: \r\n',
      INFO: `$${info.length}\r\n${info}\r\n`,
    });
    const error = await failureOf(push(open(server.url)));
    expect(error).to.include({ code: 'store_too_old', exitCode: 69 });
    expect(error.message).to.contain('version 5.0.14, too old');
  });

  it('whose HELLO is renamed, or INFO as well, is refused with store_refused, which says so', async () => {
    for (const renamed of [['HELLO'], ['HELLO', 'INFO']]) {
      const server = await start({ args: renamed.flatMap((name) => ['--rename-command', name, '']) });
      const error = await failureOf(push(open(server.url)));
      expect(error).to.include({ code: 'store_refused', exitCode: 69 });
      expect(error.message).to.match(/does not know a command .*under another name: .*HELLO/);
      expect(error).to.have.property('hint').that.includes('rename-command');
    }
  });

  for (const version of ['6.2.0', '7.4.1', '10.0.0']) {
    it(`of version ${version} is accepted`, async () => {
      const server = await fake({
        HELLO: hello(version),
        TIME: '*2\r\n$10\r\n1795343220\r\n$6\r\n250999\r\n',
      });
      expect(await open(server.url).now()).to.deep.equal(new Date(1_795_343_220_250));
    });
  }

  it('that is a replica answers reads, and refuses writes with store_replica', async () => {
    const primary = await start({ args: ['--repl-diskless-sync-delay', '0'] });
    const replica = await start({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    const [onPrimary, onReplica] = [open(primary.url), open(replica.url)];
    await onPrimary.push({ id: '1', topic: 'topic', body: 'b', delayMs: 3_600_000 });
    await eventually(async () => expect(await onReplica.find('1')).to.have.length(1));
    const writes = [
      push(onReplica),
      onReplica.pop('topic'),
      onReplica.remove('1'),
      onReplica.maintain(),
      onReplica.reserve({ topics: 'topic', limit: 1, leaseMs: 1000 }),
      onReplica.requeue(['1']),
      onReplica.pause('topic'),
    ];
    for (const error of await Promise.all(writes.map(failureOf))) {
      expect(error).to.include({ code: 'store_replica', exitCode: 69 });
    }
    expect((await onReplica.stats()).totals).to.include({ delayed: 1 });
    await onReplica.waitForReady('topic', { timeoutMs: 50 });
  });

  it('that is promoted from a replica is written to at once', async () => {
    const server = await start({ args: ['--replicaof', '127.0.0.1', '1'] });
    const queue = open(server.url);
    expect(await failureOf(push(queue))).to.include({ code: 'store_replica' });
    await server.client().call('REPLICAOF', 'NO', 'ONE');
    expect((await push(queue)).outcome).to.equal('pushed');
  });

  it('that is loading its data is waited for briefly, and then fails with store_loading', async () => {
    const server = await start();
    const raw = server.client();
    const pipeline = raw.pipeline();
    for (let i = 0; i < 3000; i += 1) pipeline.set(`filler:${i}`, 'x'.repeat(200));
    await pipeline.exec();
    const queue = open(server.url);
    await queue.push({ id: '1', topic: 'topic', body: 'kept', delayMs: 3_600_000 });
    await raw.save();
    // A millisecond for each of 3000 keys takes about three seconds.
    const slow = ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'];
    await server.restart('listening', slow);
    const error = await failureOf(push(open(server.url)));
    expect(error).to.include({ code: 'store_loading', exitCode: 69 });
    expect(error.message).to.contain('loading');
    await eventually(async () => expect(await queue.find('1')).to.have.length(1));
  });

  it('that refused a push with LOADING and went away makes it store_unreachable, not outcome_unknown', async () => {
    const server = await fakeRedis({ HELLO: hello('7.0.0'), EVALSHA: LOADING });
    const pushing = failureOf(push(open(server.url)));
    await eventually(() => server.commands.some((command) => /EVALSHA/i.test(command)), { everyMs: 1 });
    await server.close();
    expect(await pushing).to.include({ code: 'store_unreachable', exitCode: 69 });
  });

  it('that is loading after the reply to an ack was lost leaves the outcome unknown', async () => {
    const [server, loading] = [await start(), await fake({ HELLO: hello('7.0.0'), EVALSHA: LOADING })];
    const proxy = await Proxy.to({ path: server.socket });
    ends.push(() => proxy.close());
    const [queue, direct] = [open(proxy.url), open(server.url)];
    // This loads the scripts into Redis.
    await push(direct);
    await direct.ack(await reserve(direct, 'topic'));
    await push(queue);
    const jobs = await reserve(queue, 'topic');
    // Redis does the ack, but its replies are lost; then the loading one refuses a retry.
    proxy.cut('reply', { times: Infinity, when: (request) => request.includes('EVALSHA') });
    const acking = failureOf(queue.ack(jobs));
    await eventually(async () => (await direct.stats()).topics.length === 0, { everyMs: 1 });
    proxy.aim({ host: '127.0.0.1', port: Number(new URL(loading.url).port) });
    proxy.pass();
    expect(await acking).to.include({ code: 'outcome_unknown', exitCode: 75 });
    expect(loading.commands.join()).to.include('EVALSHA');
  });

  it('that is loading after the reply to a batch was lost is asked for one job until it has loaded', async () => {
    const [server, loading] = [await start(), await fake({ HELLO: hello('7.0.0'), EVALSHA: LOADING })];
    const proxy = await Proxy.to({ path: server.socket });
    ends.push(() => proxy.close());
    const queue = open(proxy.url);
    await push(queue);
    // The replies to the push and to the look-ups are lost until the loading Redis takes over.
    proxy.cut('reply', { times: Infinity, when: (request) => request.includes('EVALSHA') });
    const jobs = Array.from({ length: 50 }, (_, i) => ({ id: `id-${i}`, topic: 'many', body: 'b' }));
    const pushing = failureOf(queue.pushMany(jobs));
    await eventually(() => proxy.cuts > 0, { everyMs: 1 });
    proxy.aim({ host: '127.0.0.1', port: Number(new URL(loading.url).port) });
    proxy.pass();
    expect(await pushing).to.include({ code: 'outcome_unknown', exitCode: 75 });
    const askedFor = new Set(loading.commands.flatMap((command) => /\bid-\d+/.exec(command) ?? []));
    expect([...askedFor]).to.deep.equal(['id-0']);
  });

  it('that runs a script of another client fails with store_busy', async () => {
    const server = await start({ args: ['--lua-time-limit', '50'] });
    const queue = open(server.url);
    await push(queue);
    const [raw, other] = [server.client(), server.client()];
    await raw.ping();
    const looping = other.eval('while true do end', 0).catch(() => undefined);
    await eventually(async () => (await raw.ping().catch(String)).includes('BUSY'));
    expect(await failureOf(push(queue))).to.include({ code: 'store_busy', exitCode: 69 });
    await raw.script('KILL');
    await looping;
    expect(String((await queue.pop('topic'))?.body)).to.equal('b');
  });
});

function hello(version: string): string {
  const text = (value: string) => `$${value.length}\r\n${value}\r\n`;
  const fields = ['server', 'redis', 'version', version, 'proto'].map(text).join('');
  return `*14\r\n${fields}:2\r\n${text('id')}:5\r\n${['mode', 'standalone', 'role', 'master'].map(text).join('')}${text('modules')}*0\r\n`;
}
