import { MAX_DURATION_MS } from '../../src/core/duration.js';
import type { Queue } from '../../src/core/queue.js';
import type { PushReceipt, PushRequest } from '../../src/core/requests.js';
import type { PushResult } from '../../src/core/results.js';
import { type Context, type Fate, orUnknown } from './context.js';
import { Difference, expectSame } from './difference.js';
import type { ModelJob } from './job.js';
import type { ModelPush } from './model.js';
import type { StepOf } from './operations.js';

/** Far from the last time that a push can name. */
const LATEST_MS = Date.UTC(9000, 0, 1);

/** Pushes to the store and to the model. */
export class Producer {
  private readonly lastPush = new Map<string, { topic: string; body: string }>();
  private bodies = 0;

  constructor(private readonly context: Context) {}

  async push(step: StepOf<'push'>, queue: Queue, fate?: Fate): Promise<void> {
    const { onExisting } = step;
    const requests: PushRequest[] = [];
    const jobs = step.jobs.map((given): ModelPush => {
      const { id, delayMs, at, own } = given;
      const copied = given.isCopy ? this.context.model.line.living(id, this.context.now) : undefined;
      const repeated = copied ?? (given.isRepeat ? this.lastPush.get(id) : undefined);
      const { topic, body } = repeated ?? { topic: given.topic, body: `${id}${(this.bodies += 1)}` };
      this.lastPush.set(id, { topic, body });
      const ttlMs = lifetimeOf(copied) ?? given.ttlMs;
      const due = dueOf(copied) ?? (at === undefined ? { delayMs } : { at: this.context.now + at });
      requests.push({ id, topic, body, ttlMs, ...own, ...('at' in due ? { at: new Date(due.at) } : due) });
      return { id, topic, body, due, ttlMs, own };
    });
    for (const { id, topic, body, due, ttlMs, own } of jobs)
      this.context.say(
        `push ${onExisting}: ${id} to ${topic} ${body} ${JSON.stringify({ ...due, ...own })} ttl ${ttlMs}`,
      );
    const results = await orUnknown(queue.pushMany(requests, { onExisting }), fate);
    // With a lost request the push was not done, with a lost reply it was.
    const expected =
      fate?.lost === 'request' ? undefined : this.context.model.push(jobs, onExisting, this.context.now);
    if (!expected || !results) return;
    for (const [i, { outcome, dueAt }] of expected.entries()) {
      const seen = results[i];
      if (fate) expectOneOf(`push after a cut`, outcomesAfterCut(outcome), seen?.outcome);
      else this.expectPushed({ outcome, dueAt }, seen);
    }
  }

  private expectPushed(expected: PushResult, seen: PushReceipt | undefined): void {
    // Replacing a job that an original client has half popped may be reported as pushed or replaced.
    const outcome =
      expected.outcome === 'pushed' && seen?.outcome === 'replaced' ? 'replaced' : expected.outcome;
    const isOpen = outcome !== expected.outcome && this.context.model.rules.losesExpired;
    expectSame(
      'push',
      { outcome: isOpen ? outcome : expected.outcome, dueAt: expected.dueAt },
      { outcome: seen?.outcome, dueAt: seen?.dueAt },
    );
  }
}

/** When a job in line is due, where a push can say so. */
function dueOf(job: ModelJob | undefined): { at: number } | undefined {
  const dueAt = job?.dueAt;
  return isWhole(dueAt, LATEST_MS) ? { at: dueAt } : undefined;
}

/** The ready lifetime of a job in line, where a push can say so. */
function lifetimeOf(job: ModelJob | undefined): number | undefined {
  if (job?.dueAt === undefined) return undefined;
  const ttlMs = job.ttlMs ?? job.expiresAt - job.dueAt;
  return isWhole(ttlMs, MAX_DURATION_MS) ? ttlMs : undefined;
}

const isWhole = (ms: number | undefined, most: number): ms is number =>
  ms !== undefined && Number.isInteger(ms) && ms > 0 && ms <= most;

function outcomesAfterCut(outcome: PushResult['outcome']): readonly PushResult['outcome'][] {
  switch (outcome) {
    case 'pushed':
      return ['pushed', 'unknown'];
    case 'repeated':
      // The due time tells it from a job of the same content that was pushed just now, unless they are due together.
      return ['pushed', 'repeated', 'unknown'];
    case 'replaced':
      return ['unknown'];
    default:
      return [outcome, 'unknown'];
  }
}

function expectOneOf(what: string, allowed: readonly unknown[], seen: unknown): void {
  if (!allowed.includes(seen)) throw new Difference(what, allowed, seen);
}
