import { DelayerError } from '../../src/core/errors.js';
import type { Job, LeasedJob, OwnRetry } from '../../src/core/job.js';
import { parseLease } from '../../src/core/lease.js';
import type { Queue } from '../../src/core/queue.js';
import type { ReserveRequest } from '../../src/core/requests.js';
import type { Reserved } from '../../src/core/results.js';
import { type Context, expectBuried, expectNext, type Fate, leasesUnheardOf, orUnknown } from './context.js';
import { expectSame, Undecided } from './difference.js';
import type { Letter, ModelJob, ModelLease, Policy } from './job.js';
import type { StepOf } from './operations.js';
import { RedisLine } from './redis-line.js';
import { DEFAULT_POLICY } from './retries.js';

/** Takes jobs from the store and from the model. */
export class Taker {
  constructor(private readonly context: Context) {}

  async reserve(step: StepOf<'reserve'>, queue: Queue): Promise<void> {
    const { model, now } = this.context;
    this.context.say(describe(step));
    const lockedUntil =
      step.lock === undefined ? undefined : model.locks.take(step.lock, ownerOf(step.by), now);
    const call = queue.reserve(requestOf(step));
    if (lockedUntil !== undefined) {
      this.expectLocked(await call, lockedUntil);
      return;
    }
    const { topics, limit } = step;
    let buried: readonly Letter[] = [];
    const { expected, taken } = await this.take(topics, limit, call, (most) => {
      const done = model.reserve({ ...step, limit: most, policy: policyOf(step) }, now);
      ({ buried } = done);
      return done.leases;
    });
    if (!taken) return;
    const { jobs, isPaused, isLocked, nextInMs } = taken;
    expectSame('reserve: locked', false, isLocked === true);
    expectBuried('reserve', buried, taken.buried);
    this.expectTaken('reserve', expected.map(textOfLeased), jobs.map(textOfGiven));
    for (const [i, lease] of expected.entries()) this.nameLease(lease, jobs[i]);
    if (jobs.length > 0) return;
    const allPaused = topics.every((topic) => model.isPaused(topic, now));
    expectSame('reserve: paused', allPaused, isPaused === true);
    expectNext(this.context, nextInMs, topics);
  }

  private expectLocked({ jobs, isLocked, nextInMs }: Reserved, until: number): void {
    expectSame('reserve: locked', [true, 0, until - this.context.now], [isLocked, jobs.length, nextInMs]);
  }

  /** A reserve whose answer was lost: looks up the leases in the store. */
  async reserveUnheard(step: StepOf<'reserve'>, queue: Queue, fate: Fate): Promise<void> {
    const { model, now } = this.context;
    this.context.say(describe({ ...step, lock: undefined }));
    const { topics, limit } = step;
    const isShort = this.mayBeShort(topics);
    await orUnknown(queue.reserve(requestOf({ ...step, lock: undefined })), fate);
    if (fate.lost === 'request') return;
    const names = await leasesUnheardOf(this.context);
    const most = isShort ? names.length : limit;
    const { leases } = model.reserve({ ...step, limit: most, policy: policyOf(step) }, now);
    expectSame('a reserve that nobody heard of: jobs in hand', leases.length, names.length);
    for (const [i, lease] of leases.entries()) {
      model.name(lease, names[i] ?? '');
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

  /** A job that has just come back to a line with unknown places may stand anywhere: see the rules. */
  private expectTaken(what: string, expected: readonly string[], seen: readonly string[]): void {
    const { line } = this.context.model;
    const isLoose = line instanceof RedisLine && line.loose.size > 0;
    if (isLoose && expected.join() !== seen.join()) throw new Undecided();
    expectSame(what, expected, seen);
  }

  /** Takes jobs. If there are none, a key of a wrong type of a topic that is not paused must be reported. */
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

  /** Whether an answer may have fewer jobs than there are: see the rules. */
  private mayBeShort(topics: readonly string[]): boolean {
    const isExpired = ({ state }: { state: string }) => state === 'expired';
    return (
      this.context.model.rules.answersFewer &&
      topics.some((topic) => this.context.model.line.jobs(topic, this.context.now).some(isExpired))
    );
  }

  private nameLease(lease: ModelLease, given: LeasedJob | undefined): void {
    if (!given) return;
    this.context.model.name(lease, given.lease);
    this.context.leases.push(given.lease);
    expectSame('the key', lease.job.key, given.key);
    const { number, count, deadlineMs } = parseLease(given.lease);
    expectSame('lease', [lease.number, lease.count, lease.firstEnd], [number, count, deadlineMs]);
    expectSame('lease until', lease.end, given.leaseUntil.getTime());
  }
}

const textOfJob = ({ id, topic, body, dueAt, expiresAt, attempts, own }: ModelJob): string =>
  [id, topic, body, dueAt, expiresAt < Infinity ? expiresAt : undefined, attempts, textOfOwn(own)].join(' ');
const textOfLeased = ({ job }: ModelLease): string => textOfJob(job);
const textOfGiven = (job: Job): string => {
  const { id, topic, body, dueAt, expiresAt, attempts } = job;
  const times = [dueAt?.getTime(), expiresAt?.getTime()];
  return [id.toString(), topic.toString(), body.toString(), ...times, attempts, textOfOwn(job)].join(' ');
};
const textOfOwn = ({ retries, backoff }: OwnRetry): string =>
  [retries, backoff?.firstMs, backoff?.lastMs].join(' ');

const ownerOf = (process: number): string => `process ${process}`;

function describe({ by, limit, topics, leaseMs, retry, lock }: StepOf<'reserve'>): string {
  const under = lock === undefined ? '' : ` under the lock ${lock} of ${ownerOf(by)}`;
  return `reserve ${limit} of ${topics.join(' ')} for ${leaseMs}, retry ${JSON.stringify(retry)}${under}`;
}

function requestOf({ by, topics, limit, leaseMs, retry, holder, lock }: StepOf<'reserve'>): ReserveRequest {
  const under = lock === undefined ? {} : { lock: { name: lock, owner: ownerOf(by) } };
  return { topics, limit, leaseMs, retry, holder, ...under };
}

const policyOf = ({ retry }: StepOf<'reserve'>): Policy | undefined =>
  retry === false ? undefined : ({ ...DEFAULT_POLICY, ...retry } as Policy);
