import { expect } from 'chai';
import type { JobRecord } from '../../../src/core/job.js';
import { newToken } from '../../../src/core/lease.js';
import type { Queue } from '../../../src/core/queue.js';
import {
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';

async function scanRecords(queue: Queue, topics: string): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for await (const { jobs } of queue.scan({ topics })) records.push(...jobs);
  return records;
}

export function describeKeys(world: () => World): void {
  describe('the key of a job', () => {
    it('is made at the first reserve, from the token of the reservation and the number of the job', async () => {
      const { queue, store, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const params = { topics: [Buffer.from(topic)], limit: 3, leaseMs: LONG_MS, token: newToken() };
      const keys = [1, 2, 3].map((number) => `${params.token}.${number}`);
      expect((await store.reserve(params)).jobs.map(({ key }) => key)).to.deep.equal(keys);
      // As after a lost reply.
      expect((await store.reserve(params)).jobs.map(({ key }) => key)).to.deep.equal(keys);
    });

    it('is kept over releases, retries, ended leases and requeues', async () => {
      const { queue, peer, store, clock, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      const first = await leaseOne(queue, topic, POLICY);
      const again = async (retry: Parameters<typeof leaseOne>[2] = POLICY) => {
        const job = await leaseOne(peer, topic, retry, SECOND_MS);
        expect(job.key).to.equal(first.key);
        expect(job.lease).to.not.equal(first.lease);
        return job;
      };
      await queue.release([first]);
      await queue.release([await again()]);
      await fail(store, await again(), { delayMs: 0 });
      await again(false);
      clock.advance(SECOND_MS + 1);
      await maintainAll(queue);
      await fail(store, await again(), { isDead: true });
      await queue.requeue([id]);
      await again({ ...POLICY, retries: 0 });
      clock.advance(SECOND_MS + 1);
      await maintainAll(queue);
      expect(only(await queue.find(id)).state).to.equal('dead');
      await queue.requeue([id], { keepAttempts: true });
      const last = await again();
      expect(await queue.ack([last])).to.deep.equal([true]);
    });

    it('is shown from the first lease on, and is kept when the job is imported elsewhere while leased', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      expect(only(await queue.find(id)).key).to.equal(undefined);
      const { key } = only(await reserve(queue, topic));
      expect(only(await queue.find(id)).key).to.equal(key);
      const moved = only(await scanRecords(peer, topic));
      await queue.removeMany([{ id, states: ['leased'] }]);
      await peer.import([{ ...moved, topic, body: 'b' }]);
      expect(only(await reserve(queue, topic)).key).to.equal(key);
    });

    it('is kept when the lease was extended alone', async () => {
      const { queue, store, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const { jobs } = await queue.reserve({ topics: topic, limit: 3, leaseMs: MINUTE_MS });
      const second = must(jobs[1]);
      await queue.extend([second], LONG_MS);
      await fail(store, second, { delayMs: 0 });
      expect((await leaseOne(queue, topic)).key).to.equal(second.key);
    });

    it('is unique, also among the jobs of one reservation and successive jobs of one id', async () => {
      const { queue, peer, store, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      const keys = new Set<string>();
      for (const i of [0, 1, 2, 3]) {
        await queue.push({ ...job, body: `done ${i}` });
        const done = await leaseOne(i % 2 === 0 ? queue : peer, job.topic);
        keys.add(done.key);
        if (i < 2) await queue.ack([done]);
        else await fail(store, done, { isDead: true });
      }
      await queue.push({ ...job, body: 'released' });
      const released = await leaseOne(queue, job.topic);
      keys.add(released.key);
      await queue.release([released]);
      await queue.push({ ...job, body: 'replaced' }, { onExisting: 'replace' });
      const replaced = await leaseOne(queue, job.topic);
      keys.add(replaced.key);
      // A second job of the id, beside the leased one.
      await queue.push({ ...job, body: 'newer' });
      keys.add((await leaseOne(peer, job.topic)).key);
      await queue.pushMany(jobsOf(job.topic, 5));
      const { jobs } = await queue.reserve({ topics: job.topic, limit: 9, leaseMs: LONG_MS });
      for (const { key } of jobs) keys.add(key);
      expect(keys.size).to.equal(4 + 3 + 5);
    });

    it('is kept while the job waits for a duplicate', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'older' });
      const first = await leaseOne(queue, job.topic);
      await queue.push({ ...job, body: 'newer' });
      await queue.release([first]);
      const newer = await leaseOne(queue, job.topic);
      expect(newer.key).to.not.equal(first.key);
      await queue.ack([newer]);
      clock.advance(RETRY_MS);
      await maintainAll(queue);
      const back = await leaseOne(queue, job.topic);
      expect([textOf(back), back.key]).to.deep.equal(['older', first.key]);
    });
  });
}
