import type { Queue } from '../../src/core/queue.js';
import type { RescheduleRequest } from '../../src/core/requests.js';
import { meantOf, type Belief, type Meant, toReference } from './beliefs.js';
import type { Redated } from './changes.js';
import { type Context, type Fate, orUnknown } from './context.js';
import { expectSame } from './difference.js';
import type { StepOf } from './operations.js';
import { expectTold, statesToTell } from './told.js';
import { DAY_MS } from '../support/jobs.js';

type Rescheduled = StepOf<'reschedule'>['jobs'][number];
type Asked = Pick<RescheduleRequest, 'delayMs' | 'at' | 'byMs'>;

/** Promotes, reschedules and edits jobs, in the store and in the model. */
export class Changer {
  private bodies = 0;

  constructor(private readonly context: Context) {}

  async promote({ jobs }: StepOf<'promote'>, queue: Queue, fate?: Fate): Promise<void> {
    const meant = jobs.map(({ id, believed }) => this.meant(id, believed));
    this.context.say(`promote ${JSON.stringify(meant)}`);
    const told = statesToTell(this.context);
    const seen = await orUnknown(queue.promote(meant.map(toReference)), fate);
    if (fate?.lost === 'request') return;
    const expected = this.context.model.changes.promote(meant, this.context.now);
    if (!seen || fate) return;
    expectSame(
      'promote',
      expected,
      seen.map(({ promoted }) => promoted),
    );
    for (const [i, { id }] of meant.entries()) {
      // A job that the same call has promoted is ready.
      const isTwice = meant.some((one, j) => one.id === id && j < i && expected[j] === true);
      expectTold('promote', isTwice ? ['ready'] : told.get(id), seen[i]?.state);
    }
  }

  async reschedule({ jobs }: StepOf<'reschedule'>, queue: Queue, fate?: Fate): Promise<void> {
    const { now } = this.context;
    const wanted = jobs.map(({ id, believed, withId, ...to }) => ({
      ...this.meant(id, believed),
      ...dueAndAsked(now, to, this.context.model.line.get(withId ?? '')?.dueAt),
    }));
    this.context.say(`reschedule ${JSON.stringify(wanted)}`);
    const told = statesToTell(this.context);
    const requests = wanted.map((one) => ({ ...toReference(one), ...one.asked }));
    const seen = await orUnknown(queue.reschedule(requests), fate);
    if (fate?.lost === 'request') return;
    const expected = this.context.model.changes.reschedule(wanted, now);
    if (!seen || fate) return;
    expectSame(
      'reschedule',
      expected.map((dueAt) => dueAt ?? false),
      seen.map(({ rescheduled, dueAt }) => rescheduled && dueAt?.getTime()),
    );
    for (const [i, { id }] of wanted.entries()) {
      // A job that the same call has moved to now is not delayed any more.
      const isTwice = wanted.some((one, j) => one.id === id && j < i && expected[j] !== undefined);
      if (!isTwice) expectTold('reschedule', told.get(id), seen[i]?.state);
    }
  }

  async edit({ id, believed, ...step }: StepOf<'edit'>, queue: Queue, fate?: Fate): Promise<void> {
    const { model, now } = this.context;
    const body = step.body || step.ttlMs === undefined ? `edited ${(this.bodies += 1)}` : undefined;
    // If the ready key has a wrong type, a store cannot tell a ready job from one that an original client has popped.
    if (this.context.blockedTopics().length > 0) return;
    const { ttlMs } = step;
    const meant = this.meant(id, believed);
    this.context.say(`edit ${JSON.stringify({ meant, body, ttlMs })}`);
    const told = statesToTell(this.context).get(id);
    const { body: ifBody, ...reference } = toReference(meant);
    const answer = await orUnknown(queue.edit({ ...reference, ifBody, body, ttlMs }), fate);
    if (fate) expectSame('edit: told that nobody knows', true, answer === undefined);
    if (fate?.lost === 'request') return;
    const expected = model.changes.edit({ meant, body, ttlMs }, now);
    if (!answer) return;
    const { edited, isOver, state } = answer;
    expectSame('edit', expected, edited ? 'edited' : isOver === true ? 'over' : 'left alone');
    expectTold('edit', told, state);
  }

  private meant(id: string, belief: Belief): Meant {
    return meantOf(id, belief, this.context.model.line.get(id));
  }
}

/** A due time for the model and for the queue. @param withAt the due time of another job, which may be any number */
function dueAndAsked(
  now: number,
  { delayMs, at, byMs }: Pick<Rescheduled, 'delayMs' | 'at' | 'byMs'>,
  withAt: number | undefined,
): { due: Redated['due']; asked: Asked } {
  if (byMs !== undefined) return { due: { byMs }, asked: { byMs } };
  const isTime = withAt !== undefined && Number.isInteger(withAt) && Math.abs(withAt - now) < DAY_MS;
  const atMs = isTime ? withAt : now + (at ?? delayMs);
  return { due: { at: atMs }, asked: isTime || at !== undefined ? { at: new Date(atMs) } : { delayMs } };
}
