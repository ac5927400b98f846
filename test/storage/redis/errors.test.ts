import { expect } from 'chai';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { inspect } from 'node:util';
import { DelayerError } from '../../../src/core/errors.js';
import { Queue } from '../../../src/core/queue.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import { RedisStore } from '../../../src/storage/redis/store.js';
import { isNetworkError, unreachableError } from '../../../src/storage/redis/unreachable.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { fakeRedis } from '../../support/fake-redis.js';
import { RedisServer } from '../../support/redis-server.js';
import { useRedis } from '../../support/redis.js';

const HELLO = '*4\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$4\r\nrole\r\n$6\r\nmaster\r\n';
const fixture = (name: string) => readFileSync(new URL(`../../support/tls/${name}`, import.meta.url));

describe('errors of Redis and of the network:', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  function open(url: string): Queue {
    const store = new RedisStore(parseRedisUrl(url), 'test');
    ends.push(() => store.close());
    return new Queue(store);
  }
  async function failing(queue: Queue, call = (one: Queue): Promise<unknown> => one.maintain()) {
    const error = await failureOf(call(queue));
    if (!(error instanceof DelayerError)) throw error;
    return error;
  }
  /** Listens on a free port; returns the URL. */
  async function listening(server: Server, scheme = 'redis'): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => server.close());
    return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  async function started(...args: string[]): Promise<RedisServer> {
    const server = await RedisServer.start({ args });
    ends.push(() => server.stop());
    return server;
  }
  const serving = (serve: (socket: Socket) => void) =>
    listening(
      createServer((socket) => {
        socket.on('error', () => undefined);
        serve(socket);
      }),
    );

  describe('the network', () => {
    for (const [what, url, says] of [
      ['another server, of HTTP', () => listening(createHttpServer((_, to) => to.end('hi'))), /not Redis/],
      ['a server that greets first', () => serving((one) => one.write('SSH-2.0-x\r\n')), /not Redis/],
      ['a server that closes', () => serving((one) => one.end()), /the connection broke/],
      [
        'a server that resets',
        () => serving((one) => one.on('data', () => one.resetAndDestroy())),
        /\(ECONNRESET\)/,
      ],
      ['a closed port', () => 'redis://127.0.0.1:1', /connection refused \(ECONNREFUSED\)/],
      ['a host that is not there', () => 'redis://no.invalid', /\((ENOTFOUND|EAI_AGAIN)\)/],
      ['a missing socket', () => 'redis+unix:///none/redis.sock', /no such socket \(ENOENT\)/],
      ['a path below a file', () => 'redis+unix:///etc/passwd/x', /not a folder \(ENOTDIR\)/],
    ] as const) {
      it(`${what} is reported as store_unreachable, with the reason`, async () => {
        const error = await failing(open(await url()));
        expect(error).to.include({ code: 'store_unreachable', exitCode: 69 });
        expect(error.message).to.match(says);
        expect(error.cause).to.be.instanceOf(Error);
      });
    }

    it('each error code of sockets, look-ups and TLS has its own sentence', () => {
      const codes =
        'ECONNREFUSED ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH ECONNRESET EPIPE ENOENT';
      const more = 'EACCES EPERM EMFILE ENFILE EADDRNOTAVAIL ENOTDIR ENOBUFS CERT_HAS_EXPIRED EPROTO';
      const said = `${codes} ${more} ERR_TLS_CERT_ALTNAME_INVALID DEPTH_ZERO_SELF_SIGNED_CERT`
        .split(' ')
        .map((code) => {
          const cause = Object.assign(new Error(`connect ${code}`), { code });
          expect(isNetworkError(cause), code).to.be.true;
          const { message } = unreachableError(cause, 'it');
          expect(message).to.match(new RegExp(`^it cannot be reached: [^(]+ \\(${code}\\)$`));
          return message.replace(/ \(.*/, '');
        });
      expect(new Set(said).size).to.equal(said.length);
      expect(said.join()).to.not.contain('connect ');
    });

    it('an unknown network error is reported in its own words', () => {
      const cause = Object.assign(new Error('connect EODD'), { code: 'EODD', syscall: 'connect' });
      expect(isNetworkError(cause)).to.be.true;
      expect(unreachableError(cause, 'it').message).to.equal('it cannot be reached: connect EODD (EODD)');
    });

    for (const [what, says, scheme] of [
      ['a certificate that nobody here trusts', /not signed by a trusted CA/, 'rediss'],
      ['a TLS port without TLS', /the connection broke|ECONNRESET|not Redis/, 'redis'],
    ] as const) {
      it(`${what} is reported as store_unreachable, with the reason`, async () => {
        const server = createTlsServer({ key: fixture('key.pem'), cert: fixture('cert.pem') });
        server.on('tlsClientError', () => undefined);
        const error = await failing(open(await listening(server, scheme)));
        expect(error).to.include({ code: 'store_unreachable' });
        expect(error.message).to.match(says);
      });
    }

    it('a port that answers without TLS is reported as such', async () => {
      const url = await serving((socket) => socket.on('data', () => socket.write('-ERR what is that?\r\n')));
      const error = await failing(open(url.replace('redis:', 'rediss:')));
      expect(error).to.include({ code: 'store_unreachable' });
      expect(error.message).to.match(/the server does not speak TLS \((EPROTO|ERR_SSL_\w+)\)/);
    });
  });

  describe('replies of Redis', () => {
    for (const [answer, code, says] of [
      [
        '-NOPERM User x has no permissions to run the eval command',
        'store_refused',
        /denies permission: NOPERM/,
      ],
      ['-OOM command not allowed', 'store_full', /out of memory/],
      ['-READONLY You can not write', 'store_replica', /is a replica and takes no writes/],
      ['-MASTERDOWN Link with MASTER is down', 'store_replica', /has lost its primary/],
      ['-MISCONF Redis is configured to save', 'store_full', /cannot write to its disk/],
      ['-NOREPLICAS Not enough good replicas', 'store_refused', /too few replicas/],
      ['-MOVED 3999 127.0.0.1:6381', 'store_refused', /Redis Cluster/],
      ['-WRONGTYPE Operation against a key', 'store_wrong_type', /wrong type .WRONGTYPE./],
      ['-ERR something odd', 'store_refused', /answered: ERR something odd/],
      [
        '-ERR user_script:7: attempt to index a nil value script: abc, on @user_script:7.',
        'internal',
        /a script that failed: .*attempt to index/,
      ],
    ] as const) {
      it(`the reply ${answer.slice(1, 30)} is reported as ${code}`, async () => {
        const server = await fakeRedis({ HELLO, EVALSHA: `${answer}\r\n` });
        ends.push(() => server.close());
        const error = await failing(open(server.url));
        expect(error).to.include({ code });
        expect(error.message).to.match(says);
        expect((error.cause as Error).message).to.contain(answer.slice(1, 20));
      });
    }

    it('a Redis at maxclients is reported as store_busy', async () => {
      const server = await started('--maxclients', '1');
      await server.client().ping();
      const errors = [server.url, server.tcpUrl].map((url) => failing(open(url)));
      for (const error of await Promise.all(errors)) {
        expect(error).to.include({ code: 'store_busy' });
        expect(error.message).to.contain('takes no more connections (maxclients)');
      }
    });

    it('a Redis in protected mode is reported as such', async () => {
      const reason = '-DENIED Redis is running in protected mode because protected mode is enabled\r\n';
      const error = await failing(open(await serving((socket) => socket.end(reason))));
      expect(error).to.include({ code: 'store_refused' });
      expect(error.message).to.contain('protected mode');
    });

    it('a node of a cluster is refused, unless all keys are in one slot', async () => {
      const server = await started('--cluster-enabled', 'yes');
      expect((await failing(open(server.url))).message).to.match(/Redis Cluster.*CLUSTERDOWN/);
      await server.client().call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await eventually(async () =>
        expect(String(await server.client().call('CLUSTER', 'INFO'))).to.contain('cluster_state:ok'),
      );
      expect((await failing(open(server.url))).message).to.match(/Redis Cluster.*CROSSSLOT/);
      const store = new RedisStore(parseRedisUrl(server.url), '{test}');
      ends.push(() => store.close());
      await new Queue(store).push({ topic: 'topic', body: 'b' });
      expect(String((await new Queue(store).pop('topic'))?.body)).to.equal('b');
    });

    it('a Sentinel is refused', async () => {
      const hello =
        '*6\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$4\r\nrole\r\n$8\r\nsentinel\r\n';
      const server = await fakeRedis({ HELLO: hello });
      ends.push(() => server.close());
      const error = await failing(open(server.url));
      expect(error).to.include({ code: 'store_refused' });
      expect(error.message).to.contain('is a Sentinel');
    });

    it('a Redis that cannot write its RDB file is reported as store_full', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'delayer-misconf-'));
      ends.push(() => rmSync(dir, { recursive: true }));
      const server = await started('--save', '3600 1', '--dbfilename', 'dump', '--dir', dir);
      // Redis cannot rename its temporary file to a folder that is not empty.
      mkdirSync(join(dir, 'dump'));
      writeFileSync(join(dir, 'dump', 'x'), '');
      await server.client().bgsave();
      await eventually(async () => {
        const error = await failing(open(server.url), (queue) => queue.push({ topic: 't', body: 'b' }));
        expect(error).to.include({ code: 'store_full' });
        expect(error.message).to.contain('cannot write to its disk');
      });
    });

    it('an unknown command is reported without its arguments, which may be a password', async () => {
      const server = await started('--rename-command', 'AUTH', '');
      const error = await failing(open(server.tcpUrl.replace('//', '//:secret@')));
      expect(error).to.include({ code: 'store_refused' });
      expect(error.message).to.match(/unknown command .AUTH.$/);
      expect(inspect(error, { depth: 10 })).to.not.contain('secret');
    });
  });
});

describe('an exception inside a request to Redis', () => {
  const ground = useRedis();

  it('is reported as internal at once, with its cause, and is not retried', async () => {
    const queue = ground.queue();
    await queue.find('warm');
    const script = SCRIPTS.maintain as { sha: string };
    const { sha } = script;
    const defect = new TypeError('of our own');
    let calls = 0;
    Object.defineProperty(script, 'sha', {
      configurable: true,
      get: () => {
        calls += 1;
        throw defect;
      },
    });
    try {
      const error = await failureOf(queue.maintain());
      expect(error).to.include({ code: 'internal', exitCode: 70, message: 'of our own', cause: defect });
      expect(calls).to.equal(1);
    } finally {
      Object.defineProperty(script, 'sha', {
        value: sha,
        configurable: true,
        writable: true,
        enumerable: true,
      });
    }
    // The connection still works.
    expect((await queue.maintain()).more).to.be.false;
  });
});
