import { DelayerError } from '../../src/core/errors.js';
import { parseLease } from '../../src/core/lease.js';
import type { Burial } from '../../src/core/results.js';
import { Difference, expectSame } from './difference.js';
import type { Ground } from './ground.js';
import type { Letter } from './job.js';
import type { Model } from './model.js';
import { type StepOf, TOPICS } from './operations.js';

/** What becomes of a call that nobody hears the answer of. */
export interface Fate {
  /** Whether it was done: a lost reply is one of a call that was. Of a killed process it is known afterwards. */
  lost: StepOf<'cut'>['where'];
  /** Its process was killed: nobody asks again. */
  readonly isKilled: boolean;
}

/** What the steps of one history share. */
export class Context {
  /** What was done, for people. */
  readonly log: string[] = [];
  /** The names of all leases that were given. */
  readonly leases: string[] = [];
  private readonly begin: number;

  constructor(
    readonly ground: Ground,
    readonly model: Model,
  ) {
    this.begin = this.now;
  }

  get now(): number {
    return this.ground.clock.now();
  }

  say(text: string): void {
    this.log.push(`  +${this.now - this.begin} ms  ${text}`);
  }

  /** Those of which the ready key is of a wrong type. */
  blockedTopics(topics: readonly string[] = TOPICS): string[] {
    return topics.filter((topic) => this.model.line.isBlocked(topic));
  }
}

/** Whoever waits must not sleep over what comes next. */
export function expectNext(
  { model, now }: Context,
  nextInMs: number | undefined,
  topics: readonly string[],
): void {
  const { line, leases, waiting, pauses } = model;
  const open = topics.filter((topic) => !model.isPaused(topic, now));
  const due = open.flatMap((topic) =>
    line.jobs(topic, now).flatMap(({ job, state }) => (state === 'delayed' ? (job.dueAt ?? []) : [])),
  );
  const paused = topics.filter((topic) => !open.includes(topic));
  const ends = paused.map((topic) => pauses.get(topic) ?? Infinity);
  const others = [...leases.map(({ end }) => end), ...waiting.map(({ lookAt }) => lookAt)];
  const next = Math.min(...due, ...ends, ...others) - now;
  const seen = nextInMs ?? Infinity;
  if (seen > next || seen <= 0) throw new Difference('the next event, in ms', next, seen);
}

/** Which jobs were found to be dead, and why; in any order. */
export function expectBuried(what: string, expected: readonly Letter[], seen: readonly Burial[] = []): void {
  expectSame(
    `${what}: buried`,
    expected.map(({ job, reason }) => [job.id, job.topic, reason].join(' ')).sort(),
    seen.map(({ id, topic, reason }) => [id.toString(), topic.toString(), reason].join(' ')).sort(),
  );
}

/** What a cut connection leaves open is told as such; then there is no answer. */
export async function orUnknown<T>(answer: Promise<T>, fate: Fate | undefined): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (fate && error instanceof DelayerError && error.code === 'outcome_unknown') return undefined;
    throw error;
  }
}

/** The leases in the store that the model has not heard of, those of one reservation: by their numbers. */
export async function leasesUnheardOf({ ground, model }: Context): Promise<string[]> {
  const lists = TOPICS.map((topic) => ground.viewer.list(topic, { states: ['leased'] }));
  return (await Promise.all(lists))
    .flatMap(({ jobs }) => jobs.flatMap(({ lease }) => lease ?? []))
    .filter((name) => !model.leases.some((lease) => lease.name === name))
    .sort((a, b) => parseLease(a).number - parseLease(b).number);
}
