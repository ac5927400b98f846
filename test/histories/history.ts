import { DelayerError } from '../../src/core/errors.js';
import type { Queue } from '../../src/core/queue.js';
import { Comparison } from './compare.js';
import { Context, type Fate } from './context.js';
import { cutOnce } from './cuts.js';
import { Difference } from './difference.js';
import type { DoomedMethod, Task } from './doomed.js';
import type { Ground } from './ground.js';
import { expectNoAlarm } from './healthy.js';
import { PlainLine } from './line.js';
import { Model } from './model.js';
import { IDS, type Step, type StepOf, TOPICS } from './operations.js';
import { Originals, type OriginalStep } from './originals.js';
import { OriginalLine } from './original-line.js';
import { REDIS_RULES, SQLITE_RULES } from './rules.js';
import { Changer } from './step-change.js';
import { Holder } from './step-hold.js';
import { Mover } from './step-move.js';
import { Operator } from './step-operate.js';
import { Producer } from './step-push.js';
import { Settler } from './step-settle.js';
import { Taker } from './step-take.js';

/** The clock of a redis-server cannot be moved beyond the year 2262. */
const FAR_MS = 365 * 86_400_000;

/** The number of steps between two runs of doctor, each of which takes as long as ten steps. */
const EXAMINE_EVERY = 20;
const LOOKS_AN_EXAMINATION = 4;

/** One history: steps that are done in a store and in the model, whose views are compared after each step. */
export class History {
  private readonly context: Context;
  private readonly comparison: Comparison;
  private readonly originals: Originals | undefined;
  private readonly producer: Producer;
  private readonly taker: Taker;
  private readonly settler: Settler;
  private readonly operator: Operator;
  private readonly changer: Changer;
  private readonly holder: Holder;
  private readonly mover: Mover;

  /** @param lookEvery the number of steps between two comparisons of all views */
  constructor(
    private readonly ground: Ground,
    private readonly lookEvery = 1,
  ) {
    this.examineEvery = Math.max(EXAMINE_EVERY, LOOKS_AN_EXAMINATION * lookEvery);
    const { redis } = ground;
    const line = redis ? new OriginalLine() : new PlainLine();
    const model = new Model(line, redis ? REDIS_RULES : SQLITE_RULES);
    this.context = new Context(ground, model);
    this.comparison = new Comparison(ground, model);
    if (redis && line instanceof OriginalLine) this.originals = new Originals(redis.raw, line, model);
    this.producer = new Producer(this.context);
    this.taker = new Taker(this.context);
    this.settler = new Settler(this.context);
    this.operator = new Operator(this.context, ground);
    this.changer = new Changer(this.context);
    this.holder = new Holder(this.context);
    this.mover = new Mover(this.context);
  }

  private readonly examineEvery: number;
  /** The number of operations so far, without those that take all jobs at the end. */
  operations = 0;
  /** Whether an original client has written something. */
  private hasOriginals = false;

  /** @throws Error with what was done, and how the store differs from the model */
  async run(steps: readonly Step[]): Promise<void> {
    try {
      for (const [i, step] of steps.entries()) {
        this.operations += step.does === 'failing' ? 2 * step.times : 1;
        await this.perform(step);
        const isCall = step.does !== 'jump' && step.does !== 'advance';
        // The next steps may hide what a killed process has left.
        const isTurn = (i + 1) % this.lookEvery === 0 || step.does === 'kill';
        if (isTurn) await this.comparison.check(isCall, this.idsToFind(step));
        // A step that only moves the clock changes nothing that is stored.
        else if (isCall) await this.comparison.learn();
        if ((i + 1) % this.examineEvery === 0 || i === steps.length - 1)
          await expectNoAlarm(this.ground, this.hasOriginals);
      }
      await this.takeAll();
    } catch (error) {
      const text =
        error instanceof Error ? (error instanceof Difference ? error.message : error.stack) : error;
      throw new Error(`${this.context.log.join('\n')}\n${String(text)}`, { cause: error });
    }
  }

  /**
   * Lists and stats are compared after each step. Finding all ids as well would take twice as long, so that is done only
   * after a jump of the clock; else those of the step are found, or one other.
   */
  private idsToFind(step: Step): readonly string[] {
    if (step.does === 'jump') return IDS;
    const named = 'ids' in step ? step.ids : 'jobs' in step ? step.jobs.map(({ id }) => id) : [];
    return named.length > 0 ? [...new Set(named)] : [IDS[this.operations % IDS.length] ?? 'a'];
  }

  /** The ids of which something is left, and one other. */
  private idsLeft(): readonly string[] {
    const { model } = this.context;
    const isLeft = (id: string) => model.line.get(id) !== undefined || model.lettersOf(id).length > 0;
    return [...new Set([...IDS.filter(isLeft), IDS[this.operations % IDS.length] ?? 'a'])];
  }

  /** Takes all jobs at the end, in the order of the model. */
  private async takeAll(): Promise<void> {
    await this.originals?.heal();
    for (const topic of TOPICS) await this.perform({ does: 'resume', by: 0, topic });
    for (const ms of [0, 61_000, 8 * 86_400_000]) {
      if (ms > 0) await this.comparison.learn();
      await this.perform({ does: 'advance', ms });
      await this.perform({ does: 'pop', by: 1, topics: TOPICS, limit: 20 });
    }
    await this.comparison.check(true, this.idsLeft());
  }

  private async perform(step: Step): Promise<void> {
    // A job does not get a due time in a millisecond in which others have become ready: see the rules.
    if (TAKING_A_MS.includes(step.does)) this.ground.clock.advance(1);
    if (step.does === 'jump') {
      this.jump(step);
      return;
    }
    if (step.does === 'advance') {
      this.ground.clock.advance(step.ms);
      this.context.say(`advance ${step.ms}`);
      return;
    }
    if (step.does === 'reopen') {
      this.context.say(`process ${step.by} closes and opens the store`);
      await this.ground.reopen?.(step.by);
      return;
    }
    if (step.does === 'cut') return this.cut(step);
    if (step.does === 'kill') return this.kill(step);
    if (step.does === 'failing') return this.fail(step);
    if (isOriginal(step)) {
      this.hasOriginals ||= step.does !== 'flush scripts';
      this.context.say(this.originals?.describe(step) ?? step.does);
      await this.originals?.perform(step, this.context.now);
      return;
    }
    if (this.context.blockedTopics().length === 0) return this.call(step, this.ground.process(step.by));
    // A process caches the number of stuck jobs for a while by the machine's clock; a new queue has no cache.
    const process = this.ground.redis?.open() ?? this.ground.process(step.by);
    await this.call(step, process);
    await process.close();
  }

  /** Sets the clock to the time of an event of the model, or close to it. */
  private jump({ event, offset }: StepOf<'jump'>): void {
    const times = [...new Set(this.context.model.times())]
      .filter((at) => at + offset > this.context.now && at < this.context.now + FAR_MS)
      .sort((a, b) => a - b);
    const target = times[event % Math.max(1, times.length)];
    this.ground.clock.advance(target === undefined ? 1 : target + offset - this.context.now);
    this.context.say(`the clock shows an event ${offset < 0 ? '- 1' : `+ ${offset}`} ms`);
  }

  private async fail({ by, topic, times, how, retry }: StepOf<'failing'>): Promise<void> {
    const leaseMs = 500;
    for (let i = 0; i < times; i += 1) {
      const reserve = { limit: 1, leaseMs, retry, holder: undefined, lock: undefined };
      await this.perform({ does: 'reserve', by, topics: [topic], ...reserve });
      if (how === 'lease end') await this.perform({ does: 'advance', ms: leaseMs });
      else await this.perform({ ...FAILED, by, picks: [0] });
    }
  }

  private async cut({ where, step }: StepOf<'cut'>): Promise<void> {
    const { redis } = this.ground;
    if (!redis) return;
    this.context.say(`the connection is cut at the ${where} of:`);
    await cutOnce(redis, where, async () => {
      await this.call(namingOnce(step), redis.behindProxy, { lost: where, isKilled: false });
    });
  }

  /** A call of a killed process was done if the store has changed; then it must have been done as a whole. */
  private async kill({ at, after, step }: StepOf<'kill'>): Promise<void> {
    const { ground } = this;
    const fate: Fate = { lost: 'request', isKilled: true };
    const perform = async (method: DoomedMethod, args: Task['args']): Promise<never> => {
      const before = await ground.fingerprint();
      const isAnswered = (await ground.doom?.({ method, args, killAt: at, after })) === true;
      if (isAnswered || (await ground.fingerprint()) !== before) fate.lost = 'reply';
      this.context.say(`  it was ${isAnswered ? 'answered' : fate.lost === 'reply' ? 'done' : 'not done'}`);
      throw new DelayerError('outcome_unknown', 'its process was killed');
    };
    const queue = new Proxy(ground.viewer, {
      get:
        (_, method: DoomedMethod) =>
        (...args: Task['args']) =>
          perform(method, args),
    });
    this.context.say(`a process is killed ${after ? 'after' : 'before'} statement ${at} of:`);
    await this.call(step, queue, fate);
  }

  private async call(
    step: Exclude<Step, { does: 'jump' | 'advance' | 'reopen' | 'cut' | 'kill' | 'failing' } | OriginalStep>,
    queue: Queue,
    fate?: Fate,
  ): Promise<void> {
    switch (step.does) {
      case 'push':
        return this.producer.push(step, queue, fate);
      case 'reserve':
        return fate?.isKilled
          ? this.taker.reserveUnheard(step, queue, fate)
          : this.taker.reserve(step, queue);
      case 'pop':
        return this.taker.pop(step, queue);
      case 'remove':
        return this.operator.remove(step, queue, fate);
      case 'requeue':
        return this.operator.requeue(step, queue, fate);
      case 'pause':
        return this.operator.pause(step, queue);
      case 'resume':
        return this.operator.resume(step, queue);
      case 'maintain':
        return this.operator.maintain(queue);
      case 'promote':
        return this.changer.promote(step, queue, fate);
      case 'reschedule':
        return this.changer.reschedule(step, queue, fate);
      case 'hold':
        return this.holder.hold(step, queue, fate);
      case 'edit':
        return this.changer.edit(step, queue, fate);
      case 'export':
        return this.mover.export(step, queue);
      case 'import':
        return this.mover.import(step, queue, fate);
      case 'import made':
        return this.mover.importMade(step, queue, fate);
      case 'lock':
      case 'unlock':
        return this.operator.lock(step, queue);
      case 'misuse':
        return this.operator.misuse(step, queue);
      default:
        return this.settler.settle(step, queue, fate);
    }
  }
}

/** Steps before which the clock advances a millisecond. */
const TAKING_A_MS: readonly Step['does'][] = [
  'push',
  'retry',
  'bury',
  'requeue',
  'promote',
  'reschedule',
  'import',
  'import made',
  'original push',
  'cut',
  'kill',
];

const FAILED = {
  does: 'retry',
  delayMs: 0,
  reason: 'it broke',
  exitCode: undefined,
  signalName: undefined,
} as const;

/** A call that has an id twice takes two requests; with each id once a cut hits the only one. */
function namingOnce(step: StepOf<'cut'>['step']): StepOf<'cut'>['step'] {
  if (step.does === 'remove') return { ...step, jobs: eachIdOnce(step.jobs) };
  return step.does === 'reschedule' ? { ...step, jobs: eachIdOnce(step.jobs) } : step;
}

const eachIdOnce = <J extends { readonly id: string }>(jobs: readonly J[]): J[] =>
  jobs.filter(({ id }, i) => jobs.findIndex((one) => one.id === id) === i);

const isOriginal = (step: Step): step is OriginalStep =>
  step.does.startsWith('original') || ['flush scripts', 'spoil', 'heal'].includes(step.does);
