import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DelayerError } from '../../src/core/errors.js';
import type { Queue } from '../../src/core/queue.js';
import { httpViews } from '../../src/cli/http-views.js';
import { Progress } from '../../src/daemon/progress.js';
import { parseAddress } from '../../src/http/address.js';
import { routesOf } from '../../src/http/routes.js';
import { type HttpOptions, type HttpServer, startHttp } from '../../src/http/server.js';
import { eventually, failureOf } from '../support/eventually.js';
import { monotonicMs } from '../../src/core/timer.js';
import { useRedis } from '../support/redis.js';

describe('the HTTP server of serve', () => {
  const redis = useRedis();
  const servers: HttpServer[] = [];
  let queue: Queue;
  let progress: Progress;
  let folder = '';
  beforeEach(() => {
    queue = redis.queue();
    progress = new Progress();
    folder = mkdtempSync(join(tmpdir(), 'delayer-http-'));
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (changes: Partial<HttpOptions> = {}): Promise<HttpServer> => {
    const server = await startHttp({
      address: parseAddress('127.0.0.1:0'),
      hosts: [],
      status: progress,
      stats: async () => ({ stats: await queue.stats({ exact: false }), now: await queue.now() }),
      reconnects: () => queue.reconnects,
      views: httpViews(queue),
      ...changes,
    });
    servers.push(server);
    return server;
  };
  const portOf = ({ label }: HttpServer) => Number(new URL(label).port);
  const ask = async (server: HttpServer, path: string, init: RequestInit = {}) => {
    const response = await fetch(`${server.label}${path}`, init);
    return { status: response.status, body: await response.text(), headers: response.headers };
  };
  const valueOf = (metrics: string, name: string): number =>
    Number(
      metrics
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')
        .at(-1),
    );

  it('/healthz answers 200 while the process is alive, even when its store is away', async () => {
    progress.storeLost(new DelayerError('store_unreachable', 'it is away'));
    expect(await ask(await start(), '/healthz')).to.include({ status: 200, body: 'alive\n' });
  });

  it('/readyz is 503 with the reason until the store answers, while it is away, and while promotion is late', async () => {
    const server = await start();
    const step = { promoted: 1, expired: 0, reclaimed: 0, deleted: 0, stuck: 0 };
    const lateness = { counts: [], sumMs: 60_000, latestMs: 60_000 };
    expect(await ask(server, '/readyz')).to.include({ status: 503, body: 'the store was not reached yet\n' });
    progress.stepDone({ ...step, more: false, lateness }, 1);
    expect(await ask(server, '/readyz')).to.include({ status: 200, body: 'ready\n' });
    progress.stepDone({ ...step, more: true, lateness }, 1);
    expect(await ask(server, '/readyz')).to.include({ status: 503, body: 'promotion is late by 1m\n' });
    progress.storeLost(new DelayerError('store_unreachable', 'it is away'));
    expect((await ask(server, '/readyz')).body).to.equal('the store cannot be used: it is away\n');
    progress.answeredAtMs = monotonicMs() - 60_000;
    progress.lost = undefined;
    expect((await ask(server, '/readyz')).body).to.match(/^the store has not answered for 1m/);
  });

  it('/readyz is 503 once the store was silent for 5 s longer than the longest pause between two looks', async () => {
    const server = await start();
    for (const longestPauseMs of [1000, 5000, 60_000]) {
      progress.longestPauseMs = longestPauseMs;
      progress.answeredAtMs = monotonicMs() - longestPauseMs - 2000;
      expect(await ask(server, '/readyz')).to.include({ status: 200 });
      progress.answeredAtMs = monotonicMs() - longestPauseMs - 5001;
      expect(await ask(server, '/readyz')).to.include({ status: 503 });
    }
  });

  it('/metrics counts jobs by state and topic, and the work of the daemon', async () => {
    await queue.pushMany([
      { topic: 'orders', body: 'b' },
      { topic: 'orders', body: 'b', delayMs: 60_000 },
      { topic: Buffer.from([0xff]), body: 'b' },
      { topic: 'a "quoted"\nname', body: 'b' },
    ]);
    progress.stepDone(await queue.maintain(), 3);
    progress.originalDaemons = ['127.0.0.1:50123'];
    await eventually(async () => ((await queue.stats()).topics[0]?.oldestReadyAt ?? 0) < new Date());
    const { body, headers } = await ask(await start(), '/metrics');
    expect(headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    expect(valueOf(body, 'delayer_up')).to.equal(1);
    expect(valueOf(body, 'delayer_jobs{state="ready"}')).to.equal(3);
    expect(valueOf(body, 'delayer_topic_jobs{topic="orders",state="delayed"}')).to.equal(1);
    expect(valueOf(body, 'delayer_topic_jobs{topic="base64:/w==",state="ready"}')).to.equal(1);
    expect(body).to.include('topic="a \\"quoted\\"\\nname",state="ready"} 1');
    expect(valueOf(body, 'delayer_promoted_jobs_total')).to.equal(3);
    expect(valueOf(body, 'delayer_original_daemon_clients')).to.equal(1);
    expect(valueOf(body, 'delayer_promotion_lateness_seconds_count')).to.equal(3);
    expect(valueOf(body, 'delayer_promotion_lateness_seconds_bucket{le="+Inf"}')).to.equal(3);
    expect(valueOf(body, 'delayer_step_seconds_bucket{le="0.002"}')).to.equal(0);
    expect(valueOf(body, 'delayer_step_seconds_bucket{le="0.005"}')).to.equal(1);
    expect(valueOf(body, 'delayer_step_seconds_sum')).to.equal(0.003);
    expect(valueOf(body, 'delayer_oldest_ready_seconds{topic="orders"}')).to.be.above(0);
  });

  it('/metrics has series for the fifty topics with most jobs, and one for all others together', async () => {
    await queue.pushMany(
      Array.from({ length: 120 }, (_, i) => ({ topic: `t${i % 60}`, body: 'b', delayMs: 60_000 })),
    );
    await queue.pushMany(
      Array.from({ length: 50 }, (_, i) => ({ topic: `t${i}`, body: 'b', delayMs: 60_000 })),
    );
    const { body } = await ask(await start(), '/metrics');
    const topics = new Set(
      [...body.matchAll(/^delayer_topic_jobs\{topic="([^"]*)"/gm)].map(([, name]) => name),
    );
    expect(topics.size).to.equal(51);
    expect(topics).to.not.include('t55');
    expect(valueOf(body, 'delayer_topic_jobs{topic="other",state="delayed"}')).to.equal(20);
  });

  it('/metrics shows the oldest ready job of a topic that is named as the sum of all others is', async () => {
    await queue.push({ topic: 'other', body: 'b', delayMs: 0 });
    await queue.push({ topic: 'other', body: 'b', delayMs: 0 });
    await queue.maintain();
    await queue.pushMany(
      Array.from({ length: 60 }, (_, i) => ({ topic: `t${i}`, body: 'b', delayMs: 60_000 })),
    );
    const { body } = await ask(await start(), '/metrics');
    expect(valueOf(body, 'delayer_oldest_ready_seconds{topic="other"}')).to.be.above(0);
  });

  it('/metrics still counts the work of the daemon when its store is away', async () => {
    const away = () => Promise.reject(new DelayerError('store_unreachable', 'it is away'));
    progress.storeLost(new DelayerError('store_unreachable', 'it is away'));
    const { body, status } = await ask(await start({ stats: away }), '/metrics');
    expect(status).to.equal(200);
    expect(valueOf(body, 'delayer_up')).to.equal(0);
    expect(valueOf(body, 'delayer_outages_total')).to.equal(1);
    expect(body).to.not.include('delayer_jobs{');
  });

  it('scrapes at the same time share one read of the store', async () => {
    let looks = 0;
    const stats = async () => {
      looks += 1;
      return { stats: await queue.stats({ exact: false }), now: await queue.now() };
    };
    const watched = { status: progress, stats, reconnects: () => 0, views: httpViews(queue), hasApi: true };
    const routes = routesOf(watched);
    const scrapes = await Promise.all([1, 2, 3, 4].map(() => routes('/metrics')));
    expect(scrapes.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
    expect(looks).to.equal(1);
    await routes('/metrics');
    expect(looks).to.equal(2);
  });

  it('/api returns what inspect prints: the overview, a page of a topic, the jobs of an id', async () => {
    await queue.push({ topic: 'or/ders', id: 'ä%', body: 'b', delayMs: 60_000 });
    const server = await start();
    const overview = JSON.parse((await ask(server, '/api/overview')).body) as { topics: unknown[] };
    expect(overview.topics[0]).to.include({ topic: 'or/ders', delayed: 1 });
    const page = JSON.parse((await ask(server, '/api/topics/or%2Fders?state=delayed&limit=1')).body) as {
      jobs: unknown[];
    };
    expect(page.jobs[0]).to.include({ id: 'ä%', state: 'delayed', body: 'b' });
    const [job] = JSON.parse((await ask(server, `/api/jobs/${encodeURIComponent('ä%')}`)).body) as unknown[];
    expect(job).to.include({ id: 'ä%', topic: 'or/ders' }).and.to.have.property('explanation');
    expect(await ask(server, '/api/jobs/none')).to.include({ status: 404, body: '[]\n' });
  });

  it('/api answers 400 to wrong parameters, 404 to unknown paths, and an error in JSON when the queue fails', async () => {
    const server = await start();
    for (const path of ['topics/t?limit=0', 'topics/t?limit=501', 'topics/t?state=asleep', 'jobs/%zz'])
      expect((await ask(server, `/api/${path}`)).status, path).to.equal(400);
    for (const path of ['/api/', '/api/topics/', '/api/jobs/a/b', '/nothing'])
      expect((await ask(server, path)).status, path).to.equal(404);
    await queue.close();
    const closed = await ask(server, '/api/jobs/1');
    expect(JSON.parse(closed.body)).to.have.nested.property('error.code', 'usage');
  });

  it('on an address beyond loopback /api is refused with 403, and /metrics is answered', async () => {
    const server = await start({ address: parseAddress('0.0.0.0:0') });
    const base = `http://127.0.0.1:${portOf(server)}`;
    expect((await fetch(`${base}/api/overview`)).status).to.equal(403);
    expect((await fetch(`${base}/metrics`)).status).to.equal(200);
  });

  it('methods other than GET and HEAD are refused with 405', async () => {
    const server = await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await ask(server, '/healthz', { method });
      expect([status, headers.get('allow')], method).to.deep.equal([405, 'GET, HEAD']);
    }
    const head = await ask(server, '/healthz', { method: 'HEAD' });
    expect(head).to.include({ status: 200, body: '' });
    expect(head.headers.get('content-length')).to.equal('6');
  });

  it('a request whose Host header is not allowed is refused with 403, against DNS rebinding', async () => {
    const server = await start({ hosts: ['db.internal'] });
    const statusFor = async (host: string) => {
      const asked = get({
        port: portOf(server),
        host: '127.0.0.1',
        path: '/api/overview',
        headers: { host },
      });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await statusFor('evil.example')).to.equal(403);
    expect(await statusFor(`db.internal:${portOf(server)}`)).to.equal(200);
  });

  const raw = async (server: HttpServer, head: readonly string[]) => {
    const client = connect(portOf(server), '127.0.0.1');
    client.write([...head, 'Connection: close', '', ''].join('\r\n'));
    return text(client);
  };

  it('a request whose target names the host, as clients of a proxy write it, is answered if that host is allowed', async () => {
    const server = await start({ hosts: ['db.internal'] });
    for (const [target, status] of [
      ['http://localhost/healthz', 200],
      ['HTTP://DB.internal:80/api/topics/t?limit=1', 200],
      ['http://[::1]:9465/healthz', 200],
      ['http://localhost', 200],
      ['http://localhost?x=/nothing', 200],
      ['http://localhost/nothing', 404],
      ['http://evil.example/healthz', 403],
      ['http://localhost@evil.example/healthz', 403],
      ['http:///healthz', 403],
    ] as const) {
      const answer = await raw(server, [`GET ${target} HTTP/1.1`, 'Host: localhost']);
      expect(answer, target).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });

  it('a request with more than one Host header is refused with 400', async () => {
    const server = await start();
    for (const second of ['evil.example', 'localhost']) {
      const answer = await raw(server, ['GET /healthz HTTP/1.1', 'Host: localhost', `Host: ${second}`]);
      expect(answer)
        .to.match(/^HTTP\/1\.1 400 /)
        .and.to.include('more than one Host header');
    }
  });

  it('a client that does not finish its request head is answered 408 and disconnected', async () => {
    const server = await start();
    const slow = connect(portOf(server), '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-');
    const answered = text(slow);
    await once(slow, 'close');
    expect(await answered).to.match(/^HTTP\/1\.1 408 /);
    expect((await ask(server, '/healthz')).status).to.equal(200);
  });

  it('at most 64 connections are open, and more are closed', async () => {
    const server = await start();
    const clients = Array.from({ length: 70 }, () => connect(portOf(server), '127.0.0.1'));
    for (const client of clients) client.on('error', () => undefined);
    await eventually(
      () => clients.filter(({ readableEnded, destroyed }) => readableEnded || destroyed).length >= 6,
    );
    const open = clients.filter(({ readableEnded, destroyed }) => !(readableEnded || destroyed));
    expect(open).to.have.length(64);
    for (const client of clients) client.destroy();
    await eventually(async () => (await ask(server, '/healthz').catch(() => undefined))?.status === 200);
  });

  it('the server listens on a Unix socket, replaces one that a killed process left, refuses one in use, and removes its own', async () => {
    const path = join(folder, 'http.sock');
    const listening = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', listening], { stdio: 'ignore' }), 'exit');
    expect(statSync(path).isSocket()).to.equal(true);
    const server = await start({ address: parseAddress(path) });
    const asked = request({ socketPath: path, path: '/api/overview', headers: { host: 'any.example' } });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).to.equal(200);
    expect(statSync(path).mode & 0o777).to.equal(0o660);
    const second = await failureOf(start({ address: parseAddress(path) }));
    expect(second).to.include({ code: 'address_unusable' });
    await server.close();
    servers.length = 0;
    expect(() => statSync(path)).to.throw(/ENOENT/);
  });

  it('a port in use, a file in the place of the socket and a missing folder are errors that change nothing', async () => {
    const server = await start();
    const inUse = await failureOf(start({ address: parseAddress(`127.0.0.1:${portOf(server)}`) }));
    expect(inUse).to.include({ code: 'address_unusable', exitCode: 69 });
    expect(inUse.message).to.match(/address already in use \(EADDRINUSE\)/);
    const file = join(folder, 'file');
    writeFileSync(file, 'kept');
    expect(await failureOf(start({ address: parseAddress(file) }))).to.include({ code: 'address_unusable' });
    expect(statSync(file).size).to.equal(4);
    const nowhere = await failureOf(start({ address: parseAddress(join(folder, 'no', 'http.sock')) }));
    expect(nowhere).to.include({ code: 'address_unusable' });
    expect(nowhere.message).to.include(`: the folder ${join(folder, 'no')} does not exist (ENOENT)`);
  });
});
