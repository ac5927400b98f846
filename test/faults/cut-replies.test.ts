import { expect } from 'chai';
import { idsIn, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Cut, Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';
import { batchOf, expectAllAccountedFor, idsInQueue, numbered, pushAll } from './accounting.js';

const TOPIC = 'topic';
const HOUR_MS = 3_600_000;

/** Matches each request for a script from the `first` on; other requests pass. */
function fromScript(first: number): (request: Buffer) => boolean {
  let seen = 0;
  return (request) => request.includes('EVAL') && (seen += 1) >= first;
}

describe('a connection to Redis that is cut:', () => {
  const redis = useRedis();
  let proxy: Proxy;
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
  before(async () => {
    proxy = await Proxy.to({ path: redis.server.socket });
  });
  afterEach(() => proxy.pass());
  after(() => proxy.close());
  const through = (args: readonly string[], stdin?: string) =>
    cli.run([...args, '--store', proxy.url], { stdin });

  for (const cut of ['reply', 'request'] as const satisfies readonly Cut[]) {
    const when = `before the ${cut}`;

    it(`a push that is cut ${when} has pushed its job, or exits with 75`, async () => {
      // This loads the script, so that the request that is cut is the push itself.
      expect((await through(['push', 'other', 'b'])).code).to.equal(0);
      const told = new Map<string, number | null>();
      for (const id of numbered(3)) {
        proxy.cut(cut, { when: fromScript(1) });
        const outcome = await through(['push', TOPIC, 'b', '--id', id, '--delay', '1h']);
        told.set(id, outcome.code);
        expect(outcome.code).to.be.oneOf([0, 75]);
        expect(outcome.stdout.toString()).to.equal(outcome.code === 0 ? `${id}\n` : '');
        if (outcome.code === 75)
          expect(outcome.stderr)
            .to.match(/unknown whether/)
            .and.to.include('inspect --id');
      }
      expect(proxy.cuts).to.be.at.least(3);
      const there = await idsInQueue(await cli.queue(), TOPIC);
      expect(there.length).to.equal(new Set(there).size);
      for (const [id, code] of told) if (code === 0) expect(there).to.include(id);
      if (cut === 'reply') expect([...told.values()]).to.deep.equal([0, 0, 0]);
    });

    it(`a batch that is cut ${when} has pushed each id that it printed`, async () => {
      const ids = numbered(3000);
      proxy.cut(cut, { when: fromScript(5) });
      const outcome = await through(['push', '--batch'], batchOf(TOPIC, ids, 3600));
      expect(outcome.code).to.be.oneOf([0, 75]);
      const queue = await cli.queue();
      await expectAllAccountedFor(queue, TOPIC, { pushed: linesOf(outcome) });
      if (outcome.code === 0) expect(await idsInQueue(queue, TOPIC)).to.have.length(3000);
    });

    it(`a pop that is cut ${when} loses no job and delivers none twice`, async () => {
      const queue = await cli.queue();
      const ids = numbered(12);
      await pushAll(queue, TOPIC, ids);
      const delivered: string[] = [];
      for (const nth of [1, 2]) {
        proxy.cut(cut, { when: fromScript(nth) });
        const outcome = await through(['pop', TOPIC, '--count', '2']);
        // 69 if no reserve was answered: its jobs come back when their leases end.
        expect(outcome.code).to.be.oneOf([0, 69, 75]);
        delivered.push(...idsIn(linesOf(outcome)));
        if (outcome.code === 0) expect(linesOf(outcome)).to.have.length(2);
      }
      await expectAllAccountedFor(queue, TOPIC, { pushed: ids, delivered });
    });

    it(`a drain that is cut ${when}, at any of its requests, loses no job and delivers none twice`, async () => {
      const queue = await cli.queue();
      for (const nth of [1, 2, 4]) {
        const ids = numbered(700);
        await pushAll(queue, TOPIC, ids);
        proxy.cut(cut, { when: fromScript(nth) });
        const first = await through(['drain', TOPIC]);
        expect(first.code).to.be.oneOf([0, 69, 75]);
        const delivered = idsIn(linesOf(first));
        if (first.code === 0) expect(delivered).to.deep.equal(ids);
        await expectAllAccountedFor(queue, TOPIC, { pushed: ids, delivered });
        await queue.removeMany(await idsInQueue(queue, TOPIC), { states: 'any' });
      }
    });

    it(`a remove that is cut ${when} has removed its job, or exits with 75`, async () => {
      const queue = await cli.queue();
      const ids = numbered(3);
      await pushAll(queue, TOPIC, ids, HOUR_MS);
      for (const id of ids) {
        proxy.cut(cut, { when: fromScript(1) });
        const outcome = await through(['remove', id]);
        expect(outcome.code).to.be.oneOf([0, 75]);
        const removed = linesOf(outcome);
        const left = await idsInQueue(queue, TOPIC);
        if (outcome.code === 0) {
          expect(removed).to.deep.equal([id]);
          expect(left).to.not.include(id);
        } else expect(outcome.stderr).to.match(/^delayer: [^\n]*\n$/);
        for (const other of ids.slice(Number(id) + 1)) expect(left).to.include(other);
      }
    });
  }

  it('a pop that is cut at each try fails within seconds, and its job is not lost', async () => {
    const queue = await cli.queue();
    await pushAll(queue, TOPIC, ['a']);
    proxy.cut('reply', { times: 1000, when: fromScript(1) });
    const since = performance.now();
    const outcome = await through(['pop', TOPIC]);
    expect(outcome.code).to.be.oneOf([69, 75]);
    expect(performance.now() - since).to.be.lessThan(12_000);
    await expectAllAccountedFor(queue, TOPIC, { pushed: ['a'] });
  });

  it('a bpop on a half-open connection delivers its job once when the network is back', async () => {
    const queue = await cli.queue();
    const ids = numbered(2);
    const delivered: string[] = [];
    for (const id of ids) {
      const before = await redis.server.strangers();
      const bpop = cli.start(['bpop', TOPIC, '--timeout', '20', '--store', proxy.url]);
      await bpop.hearsSignals();
      await eventually(async () => (await redis.server.strangers()) >= before + 2);
      proxy.hold();
      await pushAll(queue, TOPIC, [id]);
      await queue.maintain();
      proxy.drop();
      proxy.pass();
      const outcome = await bpop.ended;
      expect(outcome.code, outcome.stderr).to.be.oneOf([0, 75]);
      delivered.push(...idsIn(linesOf(outcome)));
    }
    expect(delivered).to.deep.equal(ids);
    await expectAllAccountedFor(queue, TOPIC, { pushed: ids, delivered });
  });
});
