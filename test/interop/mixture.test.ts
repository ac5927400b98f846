import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import type { Bytes } from '../../src/core/job.js';
import { idsOf, maintainAll } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient, OriginalDaemon } from './original.js';

const TOPICS = ['x', 'y'] as const;
const topicOf = (i: number) => TOPICS[i % 2 === 0 ? 0 : 1];

describe('original clients, an original daemon and delayer on one Redis', () => {
  const ground = useRedis();

  // A job that both daemons promoted can be read by an original client and popped by delayer before the client
  // deletes it (docs/protocol.md, What delayer cannot mend). So each job reaches each of the two at most once.
  it('lose no job and deliver none twice to one consumer, whoever pushes, promotes, removes and pops', async () => {
    const connect = () => new OriginalClient(ground.server.client(), ground.prefix);
    const [q1, q2] = [ground.queue(), ground.queue()];
    const pushed: string[] = [];
    const got = { original: [] as string[], delayer: [] as string[] };
    let pushing = true;

    const pushOriginal = async (client: OriginalClient) => {
      for (let i = 0; i < 150; i += 1) {
        const id = `original-${i}`;
        const delay = i % 5 === 0 ? 3600 : randomInt(2);
        expect(await client.push(id, topicOf(i), `body of ${id}`, delay)).to.be.true;
        if (delay < 3600) pushed.push(id);
        else expect(await (i % 2 === 0 ? q1.remove(id) : client.remove(id))).to.be.true;
      }
    };
    const pushDelayer = async (client: OriginalClient) => {
      for (let i = 0; i < 150; i += 1) {
        const id = `delayer-${i}`;
        const delayMs = i % 5 === 0 ? 3_600_000 : randomInt(1200);
        await q1.push({ id, topic: topicOf(i), body: `body of ${id}`, delayMs });
        if (delayMs < 3_600_000) pushed.push(id);
        else expect(await (i % 2 === 0 ? q2.remove(id) : client.remove(id))).to.be.true;
      }
    };
    const check = (consumer: keyof typeof got, job: { id: Bytes; body: Bytes }) => {
      expect(job.body.toString()).to.equal(`body of ${job.id.toString()}`);
      got[consumer].push(job.id.toString());
    };
    const popOriginal = async (client: OriginalClient) => {
      while (pushing) {
        for (const topic of TOPICS) {
          const job = await client.bPop(topic, 0.01);
          if (job) check('original', job);
        }
      }
    };
    const popDelayer = async () => {
      while (pushing) {
        for (const topic of TOPICS) for (const job of await q2.popMany(topic, 3)) check('delayer', job);
      }
    };
    const tick = async (daemon: OriginalDaemon) => {
      while (pushing) await daemon.tick();
    };
    const promote = async () => {
      while (pushing) await q1.maintain();
    };
    const push = async () => {
      await Promise.all([pushOriginal(connect()), pushDelayer(connect())]);
      pushing = false;
    };
    const daemon = new OriginalDaemon(ground.server.client(), ground.prefix);
    await Promise.all([push(), popOriginal(connect()), popDelayer(), tick(daemon), promote()]);

    for (const topic of TOPICS) {
      for (let job; (job = await q2.bpop(topic, { timeoutMs: 1500 }));) check('delayer', job);
    }
    await maintainAll(q1);
    for (const ids of Object.values(got)) expect(new Set(ids).size).to.equal(ids.length);
    const all = new Set([...got.original, ...got.delayer]);
    expect([...all].sort()).to.deep.equal([...pushed].sort());
    expect(idsOf((await q1.list('x', { limit: 100 })).jobs)).to.be.empty;
    const left = (await ground.raw.keys(`${ground.prefix}:*`)).filter((key) => !key.endsWith(':ready_due'));
    expect(left).to.deep.equal([]);
  });
});
