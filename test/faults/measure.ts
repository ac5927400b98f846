import { expect } from 'chai';
import { type StoreName, STORES } from '../support/cli.js';

/** The sizes of the tests of faults, in the short form (`npm test`) and the long one (`npm run test:faults`). */
interface Size {
  /** Workers killed while each handler does one job, and the jobs pushed meanwhile. */
  readonly kills: number;
  readonly jobs: number;
  /** The same with handlers that do a batch. */
  readonly batchKills: number;
  readonly batchJobs: number;
  /** How often a kill at each named point is repeated. */
  readonly rounds: number;
  /** Workers killed between an effect and its ack, and the orders that wait for it. */
  readonly effectKills: number;
  readonly orders: number;
  /** What a loud handler prints on each of stdout and stderr. */
  readonly loudBytes: number;
  /** How often each outage of Redis is repeated. */
  readonly outages: number;
  /** Workers stopped beyond their leases. */
  readonly stops: number;
  /** Daemons killed while jobs are pushed and promoted, and the jobs. */
  readonly daemonKills: number;
  readonly daemonJobs: number;
  /** Jobs due at once, of which four daemons are to promote each once. */
  readonly burst: number;
  /** Processes killed while they commit to an SQLite file. */
  readonly commitKills: number;
  /** Commands whose connection is cut, and waits whose connection goes silent. */
  readonly cuts: number;
  readonly halfOpen: number;
  /** Kills of Redis under load, with each way of keeping its log. */
  readonly redisKills: number;
  /** Jobs with random ids, topics and bodies. */
  readonly randomJobs: number;
  /** How long (ms) a daemon and a consumer are watched. */
  readonly soakMs: number;
}

const SHORT: Size = {
  ...{ kills: 6, jobs: 100, batchKills: 2, batchJobs: 4000, rounds: 1 },
  ...{ effectKills: 5, orders: 6, loudBytes: 20_000_000, outages: 1, stops: 1 },
  ...{ daemonKills: 4, daemonJobs: 8000, burst: 20_000, commitKills: 4, soakMs: 6000 },
  ...{ cuts: 96, halfOpen: 24, redisKills: 2, randomJobs: 1000 },
};
const SOAK_MS = Number(process.env.DELAYER_SOAK_MINUTES ?? 60) * 60_000;
const LONG: Size = {
  ...{ kills: 200, jobs: 6000, batchKills: 200, batchJobs: 1_000_000, rounds: 20 },
  ...{ effectKills: 200, orders: 40, loudBytes: 1_000_000_000, outages: 10, stops: 20 },
  ...{ daemonKills: 50, daemonJobs: 1_000_000, burst: 1_000_000, commitKills: 500, soakMs: SOAK_MS },
  ...{ cuts: 10_000, halfOpen: 1000, redisKills: 50, randomJobs: 100_000 },
};
export const IS_LONG = process.env.DELAYER_FAULTS === 'long';
export const SIZE = IS_LONG ? LONG : SHORT;

/** For slow tests that depend little on the store: the short form runs them on one store. */
export const storesFor = (short: StoreName): readonly StoreName[] => (IS_LONG ? STORES : [short]);

export interface Gate {
  readonly goal: string;
  readonly seen: number;
  readonly isMet: boolean;
}

/** The counts and gates of one fault on one store. */
export class Measurement {
  readonly counts: Record<string, number> = {};
  readonly gates: Gate[] = [];
  seconds = 0;
  private readonly sinceMs = performance.now();

  constructor(
    readonly fault: string,
    readonly store: string,
  ) {
    measurements.push(this);
  }

  add(name: string, count: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + count;
  }

  /** Gates a number that must be 0. */
  none(what: string, seen: number): void {
    this.gate(`0 ${what}`, seen, (sum) => sum === 0);
  }

  atMost(what: string, most: number, seen: number): void {
    this.gate(`≤ ${most} ${what}`, seen, (sum) => sum <= most);
  }

  atLeast(what: string, least: number, seen: number): void {
    this.gate(`≥ ${least} ${what}`, seen, (sum) => sum >= least);
  }

  /** Adds a gate; a second one with the same goal adds to the number of the first. */
  private gate(goal: string, seen: number, isMet: (sum: number) => boolean): void {
    const before = this.gates.findIndex((one) => one.goal === goal);
    const sum = seen + (this.gates[before]?.seen ?? 0);
    const gate = { goal, seen: sum, isMet: isMet(sum) };
    if (before < 0) this.gates.push(gate);
    else this.gates[before] = gate;
  }

  /** Is called last: fails if a goal was missed. */
  end(): void {
    this.seconds = (performance.now() - this.sinceMs) / 1000;
    const missed = this.gates.filter(({ isMet }) => !isMet);
    expect(missed, `${this.fault} on ${this.store}: ${JSON.stringify(this.counts)}`).to.deep.equal([]);
  }
}

/** All measurements of this process, for the table of the long form; global because mocha may load this module twice. */
const shared = globalThis as { delayerFaults?: Measurement[] };
export const measurements = (shared.delayerFaults ??= []);
