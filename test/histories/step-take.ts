import { DelayerError } from '../../src/core/errors.js';
import type { LeasedJob } from '../../src/core/job.js';
import { parseLease } from '../../src/core/lease.js';
import type { Queue } from '../../src/core/queue.js';
import { type Context, expectNext, type Fate, orUnknown } from './context.js';
import { expectSame, Undecided } from './difference.js';
import type { ModelJob, ModelLease } from './job.js';
import { type StepOf, TOPICS } from './operations.js';
import { RedisLine } from './redis-line.js';

/** Takes jobs from the store and from the model. */
export class Taker {
  constructor(private readonly context: Context) {}

  async reserve(step: StepOf<'reserve'>, queue: Queue): Promise<void> {
    const { topics, limit, leaseMs } = step;
    this.context.say(`reserve ${limit} of ${topics.join(' ')} for ${leaseMs}`);
    const call = queue.reserve({ topics, limit, leaseMs, retry: false });
    const { expected, taken } = await this.take(topics, limit, call, (most) =>
      this.context.model.reserve(topics, most, leaseMs, this.context.now),
    );
    if (!taken) return;
    const { jobs, isPaused, nextInMs } = taken;
    this.expectTaken('reserve', expected.map(textOfLeased), jobs.map(textOfGiven));
    for (const [i, lease] of expected.entries()) this.nameLease(lease, jobs[i]);
    if (jobs.length > 0) return;
    const allPaused = topics.every((topic) => this.context.model.isPaused(topic, this.context.now));
    expectSame('reserve: paused', allPaused, isPaused === true);
    expectNext(this.context, nextInMs, topics);
  }

  /** By a process that ended before it could tell: what it has in hand is looked up. */
  async reserveUnheard(
    { topics, limit, leaseMs }: StepOf<'reserve'>,
    queue: Queue,
    fate: Fate,
  ): Promise<void> {
    const { model, ground, now } = this.context;
    this.context.say(`reserve ${limit} of ${topics.join(' ')} for ${leaseMs}`);
    const isShort = this.mayBeShort(topics);
    await orUnknown(queue.reserve({ topics, limit, leaseMs }), fate);
    if (fate.lost === 'request') return;
    const names = (
      await Promise.all(TOPICS.map((topic) => ground.viewer.list(topic, { states: ['leased'] })))
    )
      .flatMap(({ jobs }) => jobs.flatMap(({ lease }) => lease ?? []))
      .filter((name) => !model.leases.some((lease) => lease.name === name))
      .sort((a, b) => parseLease(a).number - parseLease(b).number);
    const leases = model.reserve(topics, isShort ? names.length : limit, leaseMs, now);
    expectSame('a reserve that nobody heard of: jobs in hand', leases.length, names.length);
    for (const [i, lease] of leases.entries()) {
      lease.name = names[i] ?? '';
      this.context.leases.push(lease.name);
    }
  }

  async pop(step: StepOf<'pop'>, queue: Queue): Promise<void> {
    this.context.say(`pop ${step.limit} of ${step.topics.join(' ')}`);
    const call = queue.popMany(step.topics, step.limit).then((jobs) => ({ jobs }));
    const { expected, taken } = await this.take(step.topics, step.limit, call, (most) =>
      this.context.model.pop(step.topics, most, this.context.now),
    );
    if (taken) this.expectTaken('pop', expected.map(textOfJob), taken.jobs.map(textOfGiven));
  }

  /** A job that has just come back to a line whose places nobody knows may stand anywhere: see the rules. */
  private expectTaken(what: string, expected: readonly string[], seen: readonly string[]): void {
    const { line } = this.context.model;
    const isLoose = line instanceof RedisLine && line.loose.size > 0;
    if (isLoose && expected.join() !== seen.join()) throw new Undecided();
    expectSame(what, expected, seen);
  }

  /** Nothing is taken where a key of a wrong type is all that is met. */
  private async take<T, Taken extends { readonly jobs: readonly unknown[] }>(
    topics: readonly string[],
    limit: number,
    call: Promise<Taken>,
    fromModel: (most: number) => T[],
  ): Promise<{ expected: T[]; taken: Taken | undefined }> {
    const isShort = this.mayBeShort(topics);
    const answer = await call.catch((error: unknown) => {
      if (error instanceof DelayerError && error.code === 'store_wrong_type') return undefined;
      throw error;
    });
    const expected = fromModel(isShort ? Math.max(1, answer?.jobs.length ?? 1) : limit);
    const isOpen = (topic: string) => !this.context.model.isPaused(topic, this.context.now);
    const isInTheWay = expected.length === 0 && this.context.blockedTopics(topics).some(isOpen);
    expectSame('a key of a wrong type is told of', isInTheWay, answer === undefined);
    return { expected, taken: answer };
  }

  /** May an answer have fewer jobs than it could? See the rules. */
  private mayBeShort(topics: readonly string[]): boolean {
    const isExpired = ({ state }: { state: string }) => state === 'expired';
    return (
      this.context.model.rules.answersFewer &&
      topics.some((topic) => this.context.model.line.jobs(topic, this.context.now).some(isExpired))
    );
  }

  private nameLease(lease: ModelLease, given: LeasedJob | undefined): void {
    if (!given) return;
    lease.name = given.lease;
    this.context.leases.push(given.lease);
    const { number, count, deadlineMs } = parseLease(given.lease);
    expectSame('lease', [lease.number, lease.count, lease.firstEnd], [number, count, deadlineMs]);
    expectSame('lease until', lease.end, given.leaseUntil.getTime());
  }
}

const textOfJob = ({ id, topic, body, dueAt, expiresAt, attempts }: ModelJob): string =>
  [id, topic, body, dueAt, expiresAt < Infinity ? expiresAt : undefined, attempts].join(' ');
const textOfLeased = ({ job }: ModelLease): string => textOfJob(job);
const textOfGiven = ({
  id,
  topic,
  body,
  dueAt,
  expiresAt,
  attempts,
}: Pick<LeasedJob, 'id' | 'topic' | 'body' | 'dueAt' | 'expiresAt' | 'attempts'>): string =>
  [id.toString(), topic.toString(), body.toString(), dueAt?.getTime(), expiresAt?.getTime(), attempts].join(
    ' ',
  );
