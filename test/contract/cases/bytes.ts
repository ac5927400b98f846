import { expect } from 'chai';
import fc from 'fast-check';
import { drain, jobsOf, maintainAll, must, only, reserve, type World } from '../world.js';

const CASES: Record<string, Buffer> = {
  'a NUL': Buffer.from('a\0b'),
  'invalid UTF-8': Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28]),
  newlines: Buffer.from('a\r\nb\n'),
  'an empty object': Buffer.from('{}'),
  'a zero': Buffer.from('0'),
  'minus one': Buffer.from('-1'),
  'a space': Buffer.from(' '),
  'an escape sequence': Buffer.from('\u001b[2J'),
  'a glob': Buffer.from('*?[a]\\'),
  'a percent sign': Buffer.from('%s%d'),
  'a bracketed tag': Buffer.from('{tag}:x'),
  'every byte': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
};

const HOLD_MS = 60_000;

export function describeBytes(world: () => World): void {
  describe('any bytes', () => {
    for (const [what, bytes] of Object.entries(CASES)) {
      it(`${what} in id, topic and body comes back unchanged`, async () => {
        await expectBack(world(), { id: bytes, topic: bytes, body: bytes });
      });
    }

    it('a body of 1 MiB, an id and a topic of 10 kB come back unchanged', async () => {
      const bytes = (length: number) =>
        Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256));
      await expectBack(world(), { id: bytes(10_000), topic: bytes(10_001), body: bytes(1024 * 1024) });
    });

    it('random bytes come back unchanged, under ids and topics that differ in one byte', async () => {
      const bytes = (maxLength: number) =>
        fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));
      const job = fc.record({ id: bytes(24), topic: bytes(24), body: bytes(400) });
      await fc.assert(
        fc.asyncProperty(job, (given) => expectBack(world(), given)),
        { numRuns: 50 },
      );
    });

    it('bodies that are too large for one reply are all delivered, in order', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const bodies = Array.from({ length: 7 }, (_, i) => Buffer.alloc(700_000, i));
      await queue.pushMany(bodies.map((body) => ({ topic, body })));
      const got = await drain(peer, topic);
      expect(got.map(({ body }) => body.equals(must(bodies[body[0] ?? -1])))).to.deep.equal(
        bodies.map(() => true),
      );
      expect(got.map(({ body }) => body[0])).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    });

    it('bodies just below, at and above the sizes where storing or sending changes come back unchanged', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const sizes = [2047, 2048, 2049, 4096, 16_383, 16_384, 16_385, 1];
      const bodies = sizes.map((size, i) => Buffer.alloc(size, i + 1));
      await queue.pushMany(bodies.map((body) => ({ topic, body })));
      const jobs = await reserve(peer, topic, 10);
      await peer.release(jobs);
      for (const got of [jobs, await peer.popMany(topic, 10)]) {
        expect(got.map(({ body }, i) => body.equals(must(bodies[i])))).to.deep.equal(bodies.map(() => true));
      }
    });

    it('a body of any bytes comes back unchanged after nack, from a dead letter and after requeue', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const bodies = [...Object.values(CASES), Buffer.alloc(20_000, 7)];
      const receipts = await queue.pushMany(bodies.map((body) => ({ topic, body })));
      await peer.nack(await reserve(peer, topic, 50), { delayMs: 0 });
      const again = await reserve(peer, topic, 50);
      expect(again.map(({ body }) => body)).to.have.deep.members(bodies);
      await peer.nack(again, { dead: true });
      for (const [i, { id }] of receipts.entries()) {
        expect(only(await queue.find(id))).to.deep.include({ state: 'dead', body: bodies[i] });
      }
      await queue.requeue(receipts.map(({ id }) => id));
      expect((await drain(peer, topic)).map(({ body }) => body)).to.have.deep.members(bodies);
    });

    it('a reserve returns at most 1 MiB of bodies, or one larger job, and leaves the other jobs ready', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const sizes = [400_000, 400_000, 400_000, 1_500_000, 700_000, 700_000];
      const pushed = await queue.pushMany(sizes.map((size) => ({ topic, body: Buffer.alloc(size, 1) })));
      const answers = [];
      for (;;) {
        const jobs = await reserve(peer, topic, 10);
        if (jobs.length === 0) break;
        answers.push(jobs);
      }
      expect(answers.map((jobs) => jobs.map(({ body }) => body.length))).to.deep.equal([
        [400_000, 400_000],
        [400_000],
        [1_500_000],
        [700_000],
        [700_000],
      ]);
      expect(answers.flat().map(({ dueAt }) => dueAt)).to.deep.equal(pushed.map(({ dueAt }) => dueAt));
    });

    it('jobs of several topics that are too large for one reply are all delivered, topic by topic', async () => {
      const { queue, peer, name } = world();
      const topics = [name('x'), name('y')];
      for (const topic of topics) {
        await queue.pushMany(jobsOf(topic, 2).map(({ body }) => ({ topic, body: body.padEnd(700_000) })));
      }
      const got = await drain(peer, topics);
      expect(got.map(({ topic, body }) => `${topic.toString()} ${body.toString().trim()}`)).to.deep.equal(
        topics.flatMap((topic) => [`${topic} body 0`, `${topic} body 1`]),
      );
    });
  });
}

/** Pushes a job by one process, and looks at it and takes it by the other. */
async function expectBack(
  { queue, peer }: World,
  job: { id: Buffer; topic: Buffer; body: Buffer },
): Promise<void> {
  const { id, topic, body } = job;
  expect((await queue.push(job)).outcome).to.equal('pushed');
  expect((await queue.push(job)).outcome).to.equal('repeated');
  expect((await peer.find(id))[0]).to.deep.include({ id, topic, body });
  expect((await peer.list(topic)).jobs[0]).to.deep.include({ id, topic, body });
  await maintainAll(queue);
  expect((await peer.find(id))[0]).to.deep.include({ id, topic, body, state: 'ready' });
  expect((await peer.stats()).topics.map((row) => row.topic)).to.deep.include(topic);
  const jobs = await reserve(peer, topic, 5, HOLD_MS);
  expect(only(jobs)).to.deep.include({ id, topic, body });
  expect(only(await queue.find(id))).to.have.property('state', 'leased');
  await peer.release(jobs);
  expect(await peer.pop(topic)).to.deep.include({ id, topic, body });
  expect(await queue.find(id)).to.be.empty;
}
