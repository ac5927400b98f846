import { DelayerError } from '../../src/core/errors.js';
import { JOB_STATES, type JobState } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import type { Burial, RemoveResult, RequeueResult } from '../../src/core/results.js';
import { meantOf, toReference } from './beliefs.js';
import { type Context, type Fate, expectBuried, expectNext, orUnknown } from './context.js';
import { Difference, expectSame } from './difference.js';
import type { Ground } from './ground.js';
import type { ModelJob } from './job.js';
import { KEPT_MS } from './line.js';
import type { ModelRemoved } from './model.js';
import { IDS, type StepOf, TOPICS } from './operations.js';
import { RedisLine } from './redis-line.js';

/** Removes, requeues, pauses and maintains, in the store and in the model. */
export class Operator {
  constructor(
    private readonly context: Context,
    private readonly ground: Pick<Ground, 'viewer'>,
  ) {}

  async remove({ jobs, states }: StepOf<'remove'>, queue: Queue, fate?: Fate): Promise<void> {
    const meant = jobs.map(({ id, believed }) => meantOf(id, believed, this.jobToBelieveIn(id)));
    this.context.say(`remove ${JSON.stringify(meant)} ${String(states)}`);
    const ids = jobs.map(({ id }) => id);
    const wanted = states === 'any' ? JOB_STATES : states;
    const seen = await orUnknown(queue.removeMany(meant.map(toReference), { states }), fate);
    if (fate?.lost === 'request') return;
    const inReach =
      fate && this.context.model.rules.revokesLater ? wanted.filter((state) => state !== 'leased') : wanted;
    for (const [i, one] of meant.entries()) {
      const { id } = one;
      // A store may report the remains of an expired job or not.
      const isLeftOver =
        this.context.model.line instanceof RedisLine &&
        this.context.model.line.isLeftOver(id, this.context.now);
      const done = this.context.model.remove(one, inReach, this.context.now);
      const result = seen?.[i];
      if (fate || ids.indexOf(id) !== i || ids.lastIndexOf(id) !== i) continue;
      const there = result && isLeftOver && this.mayBeTold(id, result.state) ? [result.state] : [];
      const removed = there.filter((state) => inReach.includes(state));
      const asTold = { there: [...done.there, ...there], removed: [...done.removed, ...removed] };
      // A job that an original client had popped is removed as well.
      if (result?.removed === true && removed.length > 0) this.context.model.line.drop(id);
      if (!result || !allowsRemoved(asTold, result)) throw new Difference(`remove ${id}`, done, result);
    }
  }

  /** The job of an id that is in line, or else any other; none where the store may have lost its content. */
  private jobToBelieveIn(id: string): ModelJob | undefined {
    const { model, now } = this.context;
    if (model.rules.losesExpired && model.line.state(id, now) === 'expired') return undefined;
    if (model.line instanceof RedisLine && model.line.isLeftOver(id, now)) return undefined;
    const others = [...model.leases, ...model.waiting, ...model.letters].map(({ job }) => job);
    return model.line.get(id) ?? others.find((job) => job.id === id);
  }

  private mayBeTold(id: string, state: JobState | undefined): state is JobState {
    const topic = this.context.model.line.get(id)?.topic;
    const isStuck = topic !== undefined && this.context.model.line.isBlocked(topic);
    return state === 'expired' || (state === 'ready' && isStuck);
  }

  async requeue(step: StepOf<'requeue'>, queue: Queue, fate?: Fate): Promise<void> {
    const { delayMs, keepAttempts } = step;
    const ids = step.ofMost ? [this.idOfMostLetters()] : step.ids;
    const meant = ids.map((id) => ({
      id,
      failedAt: step.isFirstMeant ? this.context.model.lettersOf(id).at(-1)?.failedAt : undefined,
    }));
    this.context.say(
      `requeue ${JSON.stringify(meant)} in ${delayMs}${keepAttempts ? ', attempts kept' : ''}`,
    );
    const requests = meant.map(({ id, failedAt }) => ({
      id,
      failedAt: failedAt === undefined ? undefined : new Date(failedAt),
    }));
    const seen = await orUnknown(queue.requeue(requests, { delayMs, keepAttempts }), fate);
    if (fate?.lost === 'request') return;
    const { model, now } = this.context;
    const expected: RequeueResult[] = [];
    for (const [i, one] of meant.entries()) {
      const { id } = one;
      const isGone = fate ? await this.isCleared(id) : seen?.[i] === 'none';
      if (isGone && this.mayBeCleared(id)) model.line.drop(id);
      expected.push(model.requeue(one, { delayMs, keepAttempts }, now));
    }
    if (!fate) expectSame('requeue', expected, seen);
  }

  /** An earlier call may have cleared away what expired long ago. */
  private mayBeCleared(id: string): boolean {
    const { model, now } = this.context;
    const expired = model.lettersOf(id).length === 0 ? model.expired(id, now) : undefined;
    return expired !== undefined && expired.expiresAt + KEPT_MS <= now;
  }

  /** Asked by the viewer, because the process that made the call may have been killed. */
  private async isCleared(id: string): Promise<boolean> {
    return (
      this.mayBeCleared(id) && (await this.ground.viewer.find(id)).every(({ state }) => state === 'leased')
    );
  }

  private idOfMostLetters(): string {
    const { model } = this.context;
    const count = (id: string) => model.lettersOf(id).length;
    return IDS.reduce((most, id) => (count(id) > count(most) ? id : most), IDS[0] ?? '');
  }

  async maintain(queue: Queue): Promise<void> {
    this.context.say('maintain');
    const { buried, ...expected } = this.context.model.maintain(this.context.now);
    const burials: Burial[] = [];
    const seen = { promoted: 0, reclaimed: 0, deleted: 0 };
    for (;;) {
      const done = await queue.maintain();
      seen.promoted += done.promoted;
      seen.reclaimed += done.reclaimed;
      seen.deleted += done.deleted;
      burials.push(...(done.buried ?? []));
      if (done.more) continue;
      expectNext(
        this.context,
        done.nextInMs,
        TOPICS.filter((topic) => !this.context.model.isPaused(topic, this.context.now)),
      );
      break;
    }
    expectSame('maintain', expected, seen);
    expectBuried('maintain', buried, burials);
  }

  async pause({ topic, forMs }: StepOf<'pause'>, queue: Queue): Promise<void> {
    this.context.say(`pause ${topic} for ${forMs ?? 'ever'}`);
    this.context.model.pause(topic, forMs, this.context.now);
    await queue.pause(topic, { forMs });
  }

  async resume({ topic }: StepOf<'resume'>, queue: Queue): Promise<void> {
    this.context.say(`resume ${topic}`);
    this.context.model.resume(topic);
    await queue.resume(topic);
  }

  async lock({ does, by, name }: StepOf<'lock' | 'unlock'>, queue: Queue): Promise<void> {
    const owner = `process ${by}`;
    this.context.say(`${does} ${name} of ${owner}`);
    const { model, now } = this.context;
    if (does === 'unlock') {
      model.locks.free(name, owner);
      await queue.unlock({ name, owner });
    } else
      expectSame('lock', model.locks.take(name, owner, now) === undefined, await queue.lock({ name, owner }));
  }

  /** Expects that invalid arguments are refused. */
  async misuse({ what }: StepOf<'misuse'>, queue: Queue): Promise<void> {
    this.context.say(`misuse: ${what}`);
    const refused = await MISUSES[what](queue).then(
      () => 'nothing',
      (error: unknown) => (error instanceof DelayerError ? error.code : String(error)),
    );
    expectSame('misuse', 'usage', refused);
  }
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

/** Whether a store may answer this. If there were several jobs, it reports the state of the one in line, or of any. */
function allowsRemoved({ removed, there }: ModelRemoved, { removed: did, state }: RemoveResult): boolean {
  if (did !== removed.length > 0) return false;
  const told = did ? removed : there;
  return told.length === 0 ? state === undefined : state !== undefined && told.includes(state);
}
