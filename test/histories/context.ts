import { DelayerError } from '../../src/core/errors.js';
import { parseLease } from '../../src/core/lease.js';
import type { Burial } from '../../src/core/results.js';
import { Difference, expectSame } from './difference.js';
import type { Ground } from './ground.js';
import type { Letter } from './job.js';
import type { Model } from './model.js';
import { type StepOf, TOPICS } from './operations.js';

/** What happens to a call whose answer is lost. */
export interface Fate {
  /** What was lost: with a lost reply the call was done. For a killed process this is known afterwards. */
  lost: StepOf<'cut'>['where'];
  /** Whether its process was killed, so that the call is not sent again. */
  readonly isKilled: boolean;
}

/** The state that the steps of one history share. */
export class Context {
  /** What was done, for the report of a failure. */
  readonly log: string[] = [];
  /** The lease strings of all leases so far. */
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

  /** The topics whose ready key has a wrong type. */
  blockedTopics(topics: readonly string[] = TOPICS): string[] {
    return topics.filter((topic) => this.model.line.isBlocked(topic));
  }
}

/** Expects that the next event is not later than in the model. */
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

/** Expects these dead letters with their reasons, in any order. */
export function expectBuried(what: string, expected: readonly Letter[], seen: readonly Burial[] = []): void {
  expectSame(
    `${what}: buried`,
    expected.map(({ job, reason }) => [job.id, job.topic, reason].join(' ')).sort(),
    seen.map(({ id, topic, reason }) => [id.toString(), topic.toString(), reason].join(' ')).sort(),
  );
}

/** Returns an answer; undefined if a call that was cut failed with outcome_unknown. */
export async function orUnknown<T>(answer: Promise<T>, fate: Fate | undefined): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (fate && error instanceof DelayerError && error.code === 'outcome_unknown') return undefined;
    throw error;
  }
}

/** The leases of one reservation that the store has and the model does not know, by number. */
export async function leasesUnheardOf({ ground, model }: Context): Promise<string[]> {
  const lists = TOPICS.map((topic) => ground.viewer.list(topic, { states: ['leased'] }));
  return (await Promise.all(lists))
    .flatMap(({ jobs }) => jobs.flatMap(({ lease }) => lease ?? []))
    .filter((name) => !model.leases.some((lease) => lease.name === name))
    .sort((a, b) => parseLease(a).number - parseLease(b).number);
}
