import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DELIVERY_LEASE_MS } from '../../src/core/lease.js';
import { LONG_MS, maintainAll, must, textOf, untilPast } from '../support/jobs.js';
import { bundled } from '../support/bundle.js';
import { failureOf } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient } from './original.js';

describe('defects of the original that delayer does not have (docs/protocol.md), in pop and remove:', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  it('defect 6: a consumer that is killed before it acks its job does not lose it', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    const program = bundled(new URL('consumer.ts', import.meta.url));
    const args = [program, ground.server.url, ground.prefix, 'topic'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    expect(await once(child, 'exit')).to.deep.equal([null, 'SIGKILL']);
    const [held] = await queue.find('1');
    expect(must(held)).to.include({ state: 'leased', attempts: 1 });
    expect(await queue.pop('topic')).to.be.undefined;
    ground.clock.advance(DELIVERY_LEASE_MS);
    expect(await queue.pop('topic')).to.deep.include({ body: Buffer.from('b'), attempts: 2 });
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('defect 7: the first pop returns a live job behind expired ones, so that a loop over pop does not stop early', async () => {
    const queue = ground.queue();
    const client = new OriginalClient(ground.raw, ground.prefix);
    const expired = await queue.pushMany(
      Array.from({ length: 700 }, () => ({ topic: 'topic', body: 'expires', ttlMs: 300 })),
    );
    await queue.push({ id: 'live-1', topic: 'topic', body: 'live 1' });
    await maintainAll(queue);
    await client.push('live-2', 'topic', 'live 2', 0);
    await untilPast(queue, must(expired[699]?.dueAt).getTime() + 300);
    const bodies = [];
    for (let job; (job = await queue.pop('topic'));) bodies.push(textOf(job));
    expect(bodies).to.have.members(['live 1', 'live 2']);
  });

  it('defect 9: a remove of a ready job returns false, and the job is delivered', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    expect(await queue.remove('1')).to.be.false;
    expect(await ground.raw.hgetall(key('job_bucket:1'))).to.deep.equal({ topic: 'topic', body: 'b' });
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  it('defect 9: a remove of a job that is due but not promoted returns false, and the job is delivered', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    expect(await queue.remove('1')).to.be.false;
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  it('defect 10: the id 0, the topic 0 and the body 0 are like any others', async () => {
    const queue = ground.queue();
    await queue.push({ id: '0', topic: '0', body: '0' });
    const job = must(await queue.pop('0'));
    expect([job.id, job.topic, job.body].map(String)).to.deep.equal(['0', '0', '0']);
    await queue.push({ id: '0', topic: '0', body: '0', delayMs: LONG_MS });
    expect(await queue.remove('0')).to.be.true;
  });

  it('defect 11: a push with a ready lifetime of 0 is refused, and a job due at once is delivered', async () => {
    const queue = ground.queue();
    const job = { id: '1', topic: 'topic', body: 'b', delayMs: 0 };
    expect(await failureOf(queue.push({ ...job, ttlMs: 0 }))).to.include({ code: 'usage', exitCode: 2 });
    expect(await queue.find('1')).to.be.empty;
    await queue.push({ ...job, ttlMs: 1000 });
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  it('defect 12: a waiting bpop gets its job after the server closed its connections', async () => {
    const queue = ground.queue();
    const waiting = queue.bpop('topic');
    for (let i = 0; i < 5; i += 1) {
      await sleep(60); // Lets the wait begin again; without it the test would pass, but prove less.
      await ground.raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }
    await ground.queue().push({ id: '1', topic: 'topic', body: 'b' });
    expect(textOf(await waiting)).to.equal('b');
    expect(await ground.queue().find('1')).to.be.empty;
  });

  it('defect 12: a waiting bpop gets its job after the idle timeout of the server', async () => {
    const queue = ground.queue();
    await ground.raw.config('SET', 'timeout', '1');
    try {
      const waiting = queue.bpop('topic', { timeoutMs: 15_000 });
      const ping = setInterval(() => void ground.raw.ping(), 200);
      await sleep(2500); // The server's timeout is in whole seconds.
      clearInterval(ping);
      await ground.queue().push({ topic: 'topic', body: 'b' });
      expect(textOf(await waiting)).to.equal('b');
    } finally {
      await ground.raw.config('SET', 'timeout', '0');
    }
  });

  it('defect 12: a bpop that was cut off and aborted takes no job', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    const abort = new AbortController();
    const waiting = queue.bpop('topic', { signal: abort.signal });
    await sleep(50);
    await ground.raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    abort.abort();
    expect(await waiting).to.be.undefined;
    await other.push({ topic: 'topic', body: 'b' });
    expect(textOf(await other.pop('topic'))).to.equal('b');
  });
});
