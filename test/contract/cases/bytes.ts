import { expect } from 'chai';
import fc from 'fast-check';
import type { Queue } from '../../../src/core/queue.js';
import { drain, must, promoteAll, type World } from '../world.js';

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

export function describeBytes(world: () => World): void {
  describe('any bytes', () => {
    for (const [what, bytes] of Object.entries(CASES)) {
      it(`come back as they went in: ${what} as id, topic and body`, async () => {
        const { qa, qb } = world();
        await comesBack(qa, qb, { id: bytes, topic: bytes, body: bytes });
      });
    }

    it('come back as they went in: a body of 1 MiB, and an id and a topic of 10 kB', async () => {
      const { qa, qb } = world();
      const bytes = (length: number) =>
        Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256));
      await comesBack(qa, qb, { id: bytes(10_000), topic: bytes(10_001), body: bytes(1024 * 1024) });
    });

    it('come back as they went in: random ones, under ids and topics that differ in a byte', async () => {
      const { qa, qb } = world();
      const bytes = (maxLength: number) =>
        fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));
      const job = fc.record({ id: bytes(24), topic: bytes(24), body: bytes(400) });
      await fc.assert(
        fc.asyncProperty(job, (given) => comesBack(qa, qb, given)),
        { numRuns: 100 },
      );
    });

    it('come back all, when bodies are too large for one answer', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const bodies = Array.from({ length: 7 }, (_, i) => Buffer.alloc(700_000, i));
      await qa.pushMany(bodies.map((body) => ({ topic, body })));
      const got = await drain(qb, topic);
      expect(got.map(({ body }) => body.equals(must(bodies[body[0] ?? -1])))).to.deep.equal(
        bodies.map(() => true),
      );
      expect(got.map(({ body }) => body[0])).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    });

    it('come back as they went in: bodies on either side of where they are kept or sent another way', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const sizes = [2047, 2048, 2049, 4096, 16_383, 16_384, 16_385, 1];
      const bodies = sizes.map((size, i) => Buffer.alloc(size, i + 1));
      await qa.pushMany(bodies.map((body) => ({ topic, body })));
      const { jobs } = await qb.lease(topic, 10, 60_000);
      await qb.putBack(jobs);
      for (const got of [jobs, await qb.popMany(topic, 10)]) {
        expect(got.map(({ body }, i) => body.equals(must(bodies[i])))).to.deep.equal(bodies.map(() => true));
      }
    });

    it('come in answers of a megabyte at most, or of one job that is larger; the others stay whole', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const sizes = [400_000, 400_000, 400_000, 1_500_000, 700_000, 700_000];
      const pushed = await qa.pushMany(sizes.map((size) => ({ topic, body: Buffer.alloc(size, 1) })));
      const answers = [];
      for (;;) {
        const { jobs } = await qb.lease(topic, 10, 60_000);
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
  });
}

/** Pushes a job by one process, and looks at it and takes it by the other. */
async function comesBack(
  qa: Queue,
  qb: Queue,
  job: { id: Buffer; topic: Buffer; body: Buffer },
): Promise<void> {
  const { id, topic, body } = job;
  expect((await qa.push(job)).outcome).to.equal('pushed');
  expect((await qa.push(job)).outcome).to.equal('repeated');
  expect((await qb.find(id))[0]).to.deep.include({ id, topic, body });
  expect((await qb.list(topic, { limit: 10 })).jobs[0]).to.deep.include({ id, topic, body });
  await promoteAll(qa.store);
  expect(must(await qb.find(id))[0]).to.deep.include({ id, topic, body, state: 'ready' });
  expect((await qb.survey()).topics.map((counts) => counts.topic)).to.deep.include(topic);
  const { jobs } = await qb.lease(topic, 5, 60_000);
  expect(jobs).to.have.length(1);
  expect(jobs[0]).to.deep.include({ id, topic, body });
  expect(await qa.find(id)).to.have.nested.property('[0].state', 'leased');
  await qb.putBack(jobs);
  expect(await qb.pop(topic)).to.deep.include({ id, topic, body });
  expect(await qa.find(id)).to.be.empty;
}
