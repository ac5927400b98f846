import { expect } from 'chai';
import fc from 'fast-check';
import { type Bytes, JOB_STATES, type JobState, type LeasedJob } from '../../../src/core/job.js';
import { DAY_MS, HOUR_MS, maintainAll, MINUTE_MS, must, SECOND_MS, textOf, type World } from '../world.js';

/** A few each time; many where somebody looks for a fault. */
const RUNS = Number(process.env.ACCOUNTING_RUNS ?? 12);
const IDS = 5;
const LEASES_MS = [SECOND_MS, MINUTE_MS, HOUR_MS];
const STATES: (readonly JobState[] | 'any')[] = ['any', ['delayed'], ['leased'], ['ready', 'due'], ['dead']];

const less = (most: number) => fc.nat({ max: most - 1 });
const aTime = fc.constantFrom(0, 1, SECOND_MS, MINUTE_MS, HOUR_MS);

/** What processes do to jobs of a few ids and topics, in any order. Numbers choose among what there is. */
const step = fc.oneof(
  fc.record({
    does: fc.constant('push'),
    id: less(IDS),
    topic: less(2),
    delayMs: aTime,
    onExisting: fc.constantFrom('refuse', 'replace', 'keep'),
  }),
  fc.record({
    does: fc.constant('reserve'),
    topic: less(2),
    both: fc.boolean(),
    limit: fc.integer({ min: 1, max: 4 }),
    leaseMs: fc.constantFrom(...LEASES_MS),
  }),
  fc.record({
    does: fc.constantFrom('ack', 'release', 'extend', 'retry', 'bury'),
    from: less(6),
    count: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ does: fc.constant('advance'), ms: aTime }),
  fc.oneof(
    fc.record({ does: fc.constant('pop'), topic: less(2), limit: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ does: fc.constant('remove'), id: less(IDS), states: fc.constantFrom(...STATES) }),
    fc.record({ does: fc.constant('requeue'), id: less(IDS) }),
    fc.record({ does: fc.constantFrom('pause', 'resume'), topic: less(2) }),
    fc.record({ does: fc.constant('maintain') }),
  ),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Push = Extract<Step, { readonly does: 'push' }>;
type Settle = Extract<Step, { readonly from: number }>;

export function describeAccounting(world: () => World): void {
  describe('accounting', () => {
    it('whatever is done to them, no job is lost, none is in two places, and none is delivered twice', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), (all) =>
          new Account(world()).run(all),
        ),
        { numRuns: RUNS },
      );
    });
  });
}

/** Jobs that are in the store, by their bodies, of which no two are equal. */
class Account {
  private readonly present = new Map<string, string>();
  private leased: LeasedJob[] = [];
  private pushes = 0;
  private readonly topics: string[];
  private readonly ids: string[];

  constructor(private readonly world: World) {
    this.topics = [world.name('x'), world.name('y')];
    const stem = world.name('id');
    this.ids = Array.from({ length: IDS }, (_, i) => `${stem}-${i}`);
  }

  async run(all: readonly Step[]): Promise<void> {
    this.world.clock.stop();
    for (const step of all) {
      await this.perform(step);
      await this.expectBalance();
    }
    await this.expectAllDelivered();
  }

  private async perform(step: Step): Promise<void> {
    const { queue, peer, clock } = this.world;
    switch (step.does) {
      case 'push':
        return this.push(step);
      case 'reserve': {
        const [first = '', second = ''] = step.topic === 0 ? this.topics : [...this.topics].reverse();
        const topics = step.both ? [first, second] : [first];
        const { jobs } = await queue.reserve({ topics, limit: step.limit, leaseMs: step.leaseMs });
        this.expectPresent(jobs);
        this.leased.push(...jobs);
        return;
      }
      case 'pop':
        this.remove(await peer.popMany(this.topic(step.topic), step.limit));
        return;
      case 'remove':
        return this.removeId(this.id(step.id), step.states);
      case 'requeue':
        await peer.requeue([this.id(step.id)]);
        return;
      case 'pause':
        return queue.pause(this.topic(step.topic), { forMs: HOUR_MS });
      case 'resume':
        return peer.resume(this.topic(step.topic));
      case 'advance':
        clock.advance(step.ms);
        return;
      case 'maintain':
        return maintainAll(peer);
      default:
        return this.settle(step);
    }
  }

  private async push(step: Push): Promise<void> {
    const id = this.id(step.id);
    const body = `body ${(this.pushes += 1)}`;
    const job = { id, topic: this.topic(step.topic), body, delayMs: step.delayMs, ttlMs: 1000 * DAY_MS };
    const before = await this.bodiesOf(id);
    const [receipt] = await this.world.queue.pushMany([job], { onExisting: step.onExisting });
    const { outcome } = must(receipt);
    const after = await this.bodiesOf(id);
    if (outcome === 'pushed') expect(after).to.have.members([...before, body]);
    else if (outcome === 'replaced') {
      expect(after).to.have.length(before.length).and.to.include(body);
      for (const old of before) if (!after.includes(old)) this.present.delete(old);
    } else {
      expect(outcome).to.be.oneOf(['conflict', 'kept']);
      expect(after).to.deep.equal(before);
      return;
    }
    this.present.set(body, id);
  }

  /** Ends or extends some of the leases, perhaps of several reservations, perhaps ended ones. */
  private async settle(step: Settle): Promise<void> {
    const { peer } = this.world;
    const jobs = this.leased.slice(step.from, step.from + step.count);
    if (step.does === 'extend') {
      await peer.extend(jobs, MINUTE_MS);
      return;
    }
    const ends = {
      ack: () => peer.ack(jobs),
      release: () => peer.release(jobs),
      retry: () => peer.nack(jobs, { delayMs: MINUTE_MS }),
      bury: () => peer.nack(jobs, { dead: true, deadTtlMs: 0 }),
    };
    const held = await ends[step.does]();
    expect(held).to.have.length(jobs.length);
    if (step.does === 'ack') this.remove(jobs.filter((_, i) => held[i]));
    this.leased = this.leased.filter((job) => !jobs.includes(job));
  }

  private async removeId(id: string, states: readonly JobState[] | 'any'): Promise<void> {
    const before = await this.bodiesOf(id);
    const [result] = await this.world.peer.removeMany([id], { states });
    const after = await this.bodiesOf(id);
    expect(result?.removed).to.equal(after.length < before.length);
    for (const body of before) if (!after.includes(body)) this.present.delete(body);
  }

  private remove(jobs: readonly { body: Bytes }[]): void {
    this.expectPresent(jobs);
    for (const job of jobs) this.present.delete(must(textOf(job)));
  }

  private expectPresent(jobs: readonly { body: Bytes }[]): void {
    for (const job of jobs) expect([...this.present.keys()]).to.include(textOf(job));
  }

  /** Every job is found once, and counted in the state in which it is found. */
  private async expectBalance(): Promise<void> {
    const found = (await Promise.all(this.ids.map((id) => this.world.peer.find(id)))).flat();
    expect(found.map(textOf)).to.have.members([...this.present.keys()]);
    // Runs before this one, which failed perhaps, are in the same store.
    const { topics = [] } = await this.world.peer.stats();
    const own = topics.filter(({ topic }) => this.topics.includes(topic.toString()));
    for (const state of JOB_STATES) {
      const counted = own.reduce((sum, row) => sum + row[state], 0);
      expect(counted, state).to.equal(found.filter((job) => job.state === state).length);
    }
  }

  /** In the end all come out that are not dead. */
  private async expectAllDelivered(): Promise<void> {
    const { queue, peer, clock } = this.world;
    await queue.resume(this.topics);
    const delivered: (string | undefined)[] = [];
    for (let i = 0; i < 12; i += 1) {
      clock.advance(HOUR_MS);
      await maintainAll(peer);
      delivered.push(...(await peer.popMany(this.topics, 100)).map(textOf));
    }
    const left = [];
    for (const id of this.ids) left.push(...(await queue.find(id)));
    expect(left.filter(({ state }) => state !== 'dead')).to.be.empty;
    expect([...delivered, ...left.map(textOf)]).to.have.members([...this.present.keys()]);
    expect(new Set(delivered).size).to.equal(delivered.length);
  }

  private async bodiesOf(id: string): Promise<string[]> {
    return (await this.world.peer.find(id)).map((job) => must(textOf(job)));
  }

  private topic(number: number): string {
    return must(this.topics[number]);
  }

  private id(number: number): string {
    return must(this.ids[number]);
  }
}
