import { DelayerError } from '../../src/core/errors.js';
import { JOB_STATES, type JobState, type LeasedJob } from '../../src/core/job.js';
import { parseLease } from '../../src/core/lease.js';
import type { Queue } from '../../src/core/queue.js';
import type { PushReceipt, PushRequest } from '../../src/core/requests.js';
import type { PushResult } from '../../src/core/results.js';
import { Comparison } from './compare.js';
import { Difference, expectSame } from './difference.js';
import type { Ground } from './ground.js';
import type { ModelJob, ModelLease } from './job.js';
import { PlainLine } from './line.js';
import { allowsRemoved, Model, type ModelPush } from './model.js';
import { IDS, type Step, type StepOf, TOPICS } from './operations.js';
import { Originals } from './originals.js';
import { RedisLine } from './redis-line.js';
import { REDIS_RULES, SQLITE_RULES } from './rules.js';
import { cutOnce } from './cuts.js';

/** The clock of a redis-server cannot be moved beyond the year 2262. */
const FAR_MS = 365 * 86_400_000;

type Settling = StepOf<'ack' | 'release' | 'extend' | 'retry' | 'bury'>;

/** One history: steps that are done to a store and to the model, and after each the views of both compared. */
export class History {
  /** What was done, for people. */
  readonly log: string[] = [];
  private readonly model: Model;
  private readonly comparison: Comparison;
  private readonly originals: Originals | undefined;
  private readonly begin: number;
  /** The names of all leases that were given. */
  private readonly leases: string[] = [];
  private readonly lastPush = new Map<string, { topic: string; body: string }>();
  private bodies = 0;

  constructor(private readonly ground: Ground) {
    const { redis } = ground;
    const line = redis ? new RedisLine() : new PlainLine();
    this.model = new Model(line, redis ? REDIS_RULES : SQLITE_RULES);
    this.comparison = new Comparison(ground, this.model);
    if (redis && line instanceof RedisLine) this.originals = new Originals(redis.raw, line, this.model);
    this.begin = ground.clock.now();
  }

  /** Steps that were begun. */
  steps = 0;

  /** @throws Error with what was done, and how the store differs */
  async run(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        this.steps += 1;
        await this.perform(step);
        await this.comparison.check(step.does !== 'jump' && step.does !== 'advance', this.idsToFind(step));
      }
      await this.takeAll();
    } catch (error) {
      const text =
        error instanceof Error ? (error instanceof Difference ? error.message : error.stack) : error;
      throw new Error(`${this.log.join('\n')}\n${String(text)}`, { cause: error });
    }
  }

  /**
   * The list of every topic and the counts are looked at after each step; to find every id as well would take
   * twice as long: after a jump of the clock it is done, else for those that the step names and one more.
   */
  private idsToFind(step: Step): readonly string[] {
    if (step.does === 'jump') return IDS;
    const named = 'ids' in step ? step.ids : 'jobs' in step ? step.jobs.map(({ id }) => id) : [];
    return [...new Set([...named, IDS[this.steps % IDS.length] ?? 'a'])];
  }

  /** In the end all come out, in order, as the model has them. */
  private async takeAll(): Promise<void> {
    await this.originals?.heal();
    for (const topic of TOPICS) await this.perform({ does: 'resume', by: 0, topic });
    for (const ms of [0, 61_000, 8 * 86_400_000]) {
      await this.perform({ does: 'advance', ms });
      await this.perform({ does: 'pop', by: 1, topics: TOPICS, limit: 20 });
      await this.comparison.check(true);
    }
  }

  private say(text: string): void {
    const at = this.now - this.begin;
    this.log.push(`  +${at} ms  ${text}`);
  }

  private get now(): number {
    return this.ground.clock.now();
  }

  private async perform(step: Step): Promise<void> {
    // What gets a due time is not pushed in a ms in which others have become ready: see the rules.
    if (['push', 'retry', 'requeue', 'original push', 'cut'].includes(step.does))
      this.ground.clock.advance(1);
    if (step.does === 'jump') {
      this.jump(step);
      return;
    }
    if (step.does === 'advance') {
      this.ground.clock.advance(step.ms);
      this.say(`advance ${step.ms}`);
      return;
    }
    if (step.does === 'reopen') {
      this.say(`process ${step.by} closes and opens the store`);
      await this.ground.reopen?.(step.by);
      return;
    }
    if (step.does === 'cut') return this.cut(step);
    if (isOriginal(step)) {
      this.say(this.originals?.describe(step) ?? step.does);
      await this.originals?.perform(step, this.now);
      return;
    }
    if (this.blockedTopics().length === 0) return this.call(step, this.ground.process(step.by));
    // A process remembers for a while how many jobs are stuck, by the machine's clock: here each forgets it.
    const process = this.ground.redis?.open() ?? this.ground.process(step.by);
    await this.call(step, process);
    await process.close();
  }

  /** To the time of an event that the model knows, or close to it. */
  private jump({ event, offset }: StepOf<'jump'>): void {
    const times = [...new Set(this.model.times())]
      .filter((at) => at + offset > this.now && at < this.now + FAR_MS)
      .sort((a, b) => a - b);
    const target = times[event % Math.max(1, times.length)];
    this.ground.clock.advance(target === undefined ? 1 : target + offset - this.now);
    this.say(`the clock shows an event ${offset < 0 ? '- 1' : `+ ${offset}`} ms`);
  }

  private async cut({ where, step }: StepOf<'cut'>): Promise<void> {
    const { redis } = this.ground;
    if (!redis) return;
    this.say(`the connection is cut at the ${where} of:`);
    await cutOnce(redis, where, async () => {
      await this.call(step, redis.behindProxy, where);
    });
  }

  private async call(
    step: Exclude<Step, { does: 'jump' | 'advance' | 'reopen' | 'cut' } | OriginalStep>,
    queue: Queue,
    cut?: Cut,
  ): Promise<void> {
    switch (step.does) {
      case 'push':
        return this.push(step, queue, cut);
      case 'reserve':
        return this.reserve(step, queue);
      case 'pop':
        return this.pop(step, queue);
      case 'remove':
        return this.remove(step, queue, cut);
      case 'requeue':
        return this.requeue(step, queue, cut);
      case 'pause':
        this.say(`pause ${step.topic} for ${step.forMs ?? 'ever'}`);
        this.model.pause(step.topic, step.forMs, this.now);
        return queue.pause(step.topic, { forMs: step.forMs });
      case 'resume':
        this.say(`resume ${step.topic}`);
        this.model.resume(step.topic);
        return queue.resume(step.topic);
      case 'maintain':
        return this.maintain(queue);
      case 'misuse':
        this.say(`misuse: ${step.what}`);
        return expectRefused(MISUSES[step.what](queue));
      default:
        return this.settle(step, queue, cut);
    }
  }

  private async push(step: StepOf<'push'>, queue: Queue, cut?: Cut): Promise<void> {
    const { onExisting } = step;
    const requests: PushRequest[] = [];
    const jobs = step.jobs.map((given): ModelPush => {
      const { id, delayMs, at, ttlMs } = given;
      const repeated = given.isRepeat ? this.lastPush.get(id) : undefined;
      const { topic, body } = repeated ?? { topic: given.topic, body: `${id}${(this.bodies += 1)}` };
      this.lastPush.set(id, { topic, body });
      const due = at === undefined ? { delayMs } : { at: this.now + at };
      requests.push({ id, topic, body, ttlMs, ...('at' in due ? { at: new Date(due.at) } : due) });
      return { id, topic, body, due, ttlMs };
    });
    for (const { id, topic, body, due, ttlMs } of jobs)
      this.say(`push ${onExisting}: ${id} to ${topic} ${body} ${JSON.stringify(due)} ttl ${ttlMs}`);
    const results = await queue.pushMany(requests, { onExisting });
    // What nobody heard of has not been done, and what was answered by a lost reply has.
    const expected = cut === 'request' ? undefined : this.model.push(jobs, onExisting, this.now);
    if (!expected) return;
    for (const [i, { outcome, dueAt }] of expected.entries()) {
      const seen = results[i];
      if (cut) expectOneOf(`push after a cut`, outcomesAfterCut(outcome), seen?.outcome);
      else this.expectPushed({ outcome, dueAt }, seen);
    }
  }

  private expectPushed(expected: PushResult, seen: PushReceipt | undefined): void {
    // What an original client has taken half is no job: to replace it may be told as either.
    const outcome =
      expected.outcome === 'pushed' && seen?.outcome === 'replaced' ? 'replaced' : expected.outcome;
    const isOpen = outcome !== expected.outcome && this.model.rules.losesExpired;
    expectSame(
      'push',
      { outcome: isOpen ? outcome : expected.outcome, dueAt: expected.dueAt },
      { outcome: seen?.outcome, dueAt: seen?.dueAt },
    );
  }

  private async reserve(step: StepOf<'reserve'>, queue: Queue): Promise<void> {
    const { topics, limit, leaseMs } = step;
    this.say(`reserve ${limit} of ${topics.join(' ')} for ${leaseMs}`);
    const call = queue.reserve({ topics, limit, leaseMs });
    const { expected, taken } = await this.take(topics, limit, call, (most) =>
      this.model.reserve(topics, most, leaseMs, this.now),
    );
    if (!taken) return;
    const { jobs, isPaused, nextInMs } = taken;
    expectSame('reserve', expected.map(textOfLeased), jobs.map(textOfGiven));
    for (const [i, lease] of expected.entries()) this.nameLease(lease, jobs[i]);
    if (jobs.length > 0) return;
    const allPaused = topics.every((topic) => this.model.isPaused(topic, this.now));
    expectSame('reserve: paused', allPaused, isPaused === true);
    this.expectNext(nextInMs, topics);
  }

  /** May an answer have fewer jobs than it could? See the rules. */
  private mayBeShort(topics: readonly string[]): boolean {
    const isExpired = ({ state }: { state: string }) => state === 'expired';
    return (
      this.model.rules.answersFewer &&
      topics.some((topic) => this.model.line.jobs(topic, this.now).some(isExpired))
    );
  }

  private nameLease(lease: ModelLease, given: LeasedJob | undefined): void {
    if (!given) return;
    lease.name = given.lease;
    this.leases.push(given.lease);
    const { number, count, deadlineMs } = parseLease(given.lease);
    expectSame('lease', [lease.number, lease.count, lease.firstEnd], [number, count, deadlineMs]);
    expectSame('lease until', lease.end, given.leaseUntil.getTime());
  }

  /** Whoever waits must not sleep over what comes next. */
  private expectNext(nextInMs: number | undefined, topics: readonly string[]): void {
    const { line, leases, waiting, pauses } = this.model;
    const open = topics.filter((topic) => !this.model.isPaused(topic, this.now));
    const due = open.flatMap((topic) =>
      line.jobs(topic, this.now).flatMap(({ job, state }) => (state === 'delayed' ? (job.dueAt ?? []) : [])),
    );
    const ends = topics
      .filter((topic) => !open.includes(topic))
      .map((topic) => pauses.get(topic) ?? Infinity);
    const others = [...leases.map(({ end }) => end), ...waiting.map(({ lookAt }) => lookAt)];
    const next = Math.min(...due, ...ends, ...others) - this.now;
    const seen = nextInMs ?? Infinity;
    if (seen > next || seen <= 0) throw new Difference('the next event, in ms', next, seen);
  }

  private blockedTopics(topics: readonly string[] = TOPICS): string[] {
    return topics.filter((topic) => this.model.line.isBlocked(topic));
  }

  /** Takes jobs from the store and from the model. Nothing is taken where a key of a wrong type is all that is met. */
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
    const isOpen = (topic: string) => !this.model.isPaused(topic, this.now);
    const isInTheWay = expected.length === 0 && this.blockedTopics(topics).some(isOpen);
    expectSame('a key of a wrong type is told of', isInTheWay, answer === undefined);
    return { expected, taken: answer };
  }

  private async pop(step: StepOf<'pop'>, queue: Queue): Promise<void> {
    this.say(`pop ${step.limit} of ${step.topics.join(' ')}`);
    const call = queue.popMany(step.topics, step.limit).then((jobs) => ({ jobs }));
    const { expected, taken } = await this.take(step.topics, step.limit, call, (most) =>
      this.model.pop(step.topics, most, this.now),
    );
    if (taken) expectSame('pop', expected.map(textOfJob), taken.jobs.map(textOfGiven));
  }

  private async settle(step: Settling, queue: Queue, cut?: Cut): Promise<void> {
    const names = this.namesOf(step.picks, cut !== undefined || step.does === 'bury');
    if (names.length === 0) return;
    const does = step.does;
    this.say(
      `${does} ${JSON.stringify({ ...step, by: undefined, does: undefined })}: ${names.map((name) => this.describeLease(name)).join(', ')}`,
    );
    const call = {
      ack: () => queue.ack(names),
      release: () => queue.release(names),
      extend: async () => (await queue.extend(names, leaseMsOf(step))).map((until) => until?.getTime()),
      retry: () => queue.nack(names, { delayMs: delayMsOf(step) }),
      bury: () => queue.nack(names, { dead: true, ...deathOf(step) }),
    };
    const seen = await orUnknown<(boolean | number | undefined)[]>(call[does](), cut);
    if (cut === 'request' && (does === 'retry' || does === 'bury')) return;
    const now = this.now;
    const done = {
      ack: () => this.model.ack(names),
      release: () => this.model.release(names, now),
      extend: () => this.model.extend(names, leaseMsOf(step), now),
      retry: () => this.model.retry(names, delayMsOf(step), now),
      bury: () => this.model.bury(names, deathOf(step), now),
    };
    const expected = done[does]();
    if (!cut) expectSame(does, expected, seen);
  }

  private namesOf(picks: readonly number[], onlyOne: boolean): string[] {
    const names = picks.flatMap((pick) => this.leases.at(-1 - pick) ?? []);
    return onlyOne ? names.slice(0, 1) : names;
  }

  private describeLease(name: string): string {
    const lease = this.model.leases.find((one) => one.name === name);
    return lease
      ? `${lease.job.id} (lease ${this.leases.indexOf(name)})`
      : `lease ${this.leases.indexOf(name)}`;
  }

  private async remove({ ids, states }: StepOf<'remove'>, queue: Queue, cut?: Cut): Promise<void> {
    this.say(`remove ${ids.join(' ')} ${String(states)}`);
    const wanted = states === 'any' ? JOB_STATES : states;
    const seen = await orUnknown(queue.removeMany(ids, { states }), cut);
    if (cut === 'request') return;
    // It removes what is leased in a second step, which is not taken after a cut.
    const inReach = cut ? wanted.filter((state) => state !== 'leased') : wanted;
    for (const [i, id] of ids.entries()) {
      // Of what is left of an expired job a store may tell, or not.
      const isLeftOver = this.model.line instanceof RedisLine && this.model.line.isLeftOver(id, this.now);
      const done = this.model.remove(id, inReach, this.now);
      const result = seen?.[i];
      if (cut || ids.indexOf(id) !== i || ids.lastIndexOf(id) !== i) continue;
      const there = result && isLeftOver && this.mayBeTold(id, result.state) ? [result.state] : [];
      const removed = there.filter((state) => inReach.includes(state));
      const asTold = { there: [...done.there, ...there], removed: [...done.removed, ...removed] };
      // What an original client had in hand is gone with it.
      if (result?.removed === true && isLeftOver) this.model.line.drop(id);
      if (!result || !allowsRemoved(asTold, result)) throw new Difference(`remove ${id}`, done, result);
    }
  }

  private mayBeTold(id: string, state: JobState | undefined): state is JobState {
    const topic = this.model.line.get(id)?.topic;
    const isStuck = topic !== undefined && this.model.line.isBlocked(topic);
    return state === 'expired' || (state === 'ready' && isStuck);
  }

  private async requeue({ ids, delayMs }: StepOf<'requeue'>, queue: Queue, cut?: Cut): Promise<void> {
    this.say(`requeue ${ids.join(' ')} in ${delayMs}`);
    const seen = await orUnknown(queue.requeue(ids, { delayMs }), cut);
    if (cut === 'request') return;
    const expected = ids.map((id) => this.model.requeue(id, delayMs, this.now));
    if (!cut) expectSame('requeue', expected, seen);
  }

  private async maintain(queue: Queue): Promise<void> {
    this.say('maintain');
    const expected = this.model.maintain(this.now);
    const seen = { promoted: 0, reclaimed: 0, deleted: 0 };
    for (;;) {
      const done = await queue.maintain();
      seen.promoted += done.promoted;
      seen.reclaimed += done.reclaimed;
      seen.deleted += done.deleted;
      if (done.more) continue;
      this.expectNext(
        done.nextInMs,
        TOPICS.filter((topic) => !this.model.isPaused(topic, this.now)),
      );
      break;
    }
    expectSame('maintain', expected, seen);
  }
}

type Cut = StepOf<'cut'>['where'];
type OriginalStep = Extract<Step, { does: `original ${string}` | 'flush scripts' | 'spoil' | 'heal' }>;

const isOriginal = (step: Step): step is OriginalStep =>
  step.does.startsWith('original') || ['flush scripts', 'spoil', 'heal'].includes(step.does);

/** What a cut connection leaves open is told as such; then there is no answer. */
async function orUnknown<T>(answer: Promise<T>, cut: Cut | undefined): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (cut && error instanceof DelayerError && error.code === 'outcome_unknown') return undefined;
    throw error;
  }
}

function outcomesAfterCut(outcome: PushResult['outcome']): readonly PushResult['outcome'][] {
  switch (outcome) {
    case 'pushed':
    case 'repeated':
      return ['pushed', 'unknown'];
    case 'replaced':
      return ['unknown'];
    default:
      return [outcome, 'unknown'];
  }
}

function expectOneOf(what: string, allowed: readonly unknown[], seen: unknown): void {
  if (!allowed.includes(seen)) throw new Difference(what, allowed, seen);
}

const MISUSES: Readonly<Record<StepOf<'misuse'>['what'], (queue: Queue) => Promise<unknown>>> = {
  'ttl 0': (queue) => queue.push({ topic: 'x', body: 'b', id: 'a', ttlMs: 0 }, { onExisting: 'replace' }),
  'ttl -1': (queue) => queue.push({ topic: 'x', body: 'b', id: 'a', ttlMs: -1 }, { onExisting: 'replace' }),
  'delay NaN': (queue) =>
    queue.push({ topic: 'x', body: 'b', id: 'b', delayMs: NaN }, { onExisting: 'replace' }),
  'delay without end': (queue) => queue.push({ topic: 'x', body: 'b', id: 'b', delayMs: Infinity }),
  'lease without end': (queue) =>
    queue.reserve({ topics: TOPICS, limit: 1, leaseMs: Number.MAX_SAFE_INTEGER }),
  'no topic': (queue) => queue.popMany([], 1),
  'limit 0': (queue) => queue.popMany(TOPICS, 0),
};

async function expectRefused(call: Promise<unknown>): Promise<void> {
  const refused = await call.then(
    () => 'nothing',
    (error: unknown) => (error instanceof DelayerError ? error.code : String(error)),
  );
  expectSame('misuse', 'usage', refused);
}

const leaseMsOf = (step: Settling): number => ('leaseMs' in step ? step.leaseMs : 0);
const delayMsOf = (step: Settling): number => ('delayMs' in step ? step.delayMs : 0);
const deathOf = (step: Settling) =>
  'deadTtlMs' in step
    ? { deadTtlMs: step.deadTtlMs, reason: step.reason }
    : { deadTtlMs: 0, reason: undefined };

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
