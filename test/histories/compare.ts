import { JOB_STATES, type JobState } from '../../src/core/job.js';
import type { Stats } from '../../src/core/views.js';
import { expectSame } from './difference.js';
import type { Ground } from './ground.js';
import type { Seen } from './job.js';
import { listAll, Looker, type Views } from './look.js';
import type { Model } from './model.js';
import { IDS, TOPICS } from './operations.js';
import { adoptLists, readyLists } from './redis-lists.js';
import { isLeftOver, RedisLine } from './redis-line.js';
import { type Counts, expectedCounts, expectedFind, expectedList, seenLetter, textOf } from './views.js';

/** Compares all views of a store with the model, step by step. */
export class Comparison {
  private round = 0;
  private mayHaveCleared = false;
  private readonly looker: Looker;

  constructor(
    private readonly ground: Ground,
    private readonly model: Model,
  ) {
    this.looker = new Looker(ground);
  }

  /** Whether something is over that the store may clear away at any time, on which the next answers then depend. */
  private isOpen(): boolean {
    const now = this.ground.clock.now();
    const { line, letters, rules } = this.model;
    const isOver = (id: string) => line.state(id, now) === 'expired';
    return letters.some(({ deleteAt }) => deleteAt <= now) || (!rules.losesExpired && IDS.some(isOver));
  }

  /** Runs after each call: the model learns from the store what the contract leaves open. */
  async learn(): Promise<void> {
    this.mayHaveCleared = true;
    const { line } = this.model;
    const now = this.ground.clock.now();
    if (line instanceof RedisLine) adoptLists(await readyLists(this.ground), line, now);
    if (!this.isOpen()) return;
    const over: JobState[] = this.model.rules.losesExpired ? ['dead'] : ['expired', 'dead'];
    this.forgetCleared(await this.looker.lookAtOver(over), now);
    this.mayHaveCleared = false;
  }

  /**
   * @param mayClear whether the last step may have cleared away what is over
   * @param ids the ids to find: those of the step, or all
   */
  async check(mayClear: boolean, ids: readonly string[] = IDS): Promise<void> {
    this.round += 1;
    this.mayHaveCleared ||= mayClear;
    const now = this.ground.clock.now();
    const isThird = this.round % 3 === 0;
    const page = this.round % 4 === 0 ? 2 : 50;
    const views = await this.looker.look({ ids, page, cheap: isThird });
    if (this.model.line instanceof RedisLine) adoptLists(views.lists, this.model.line, now);
    if (this.mayHaveCleared) this.forgetCleared([...views.listed.values()].flat(), now);
    this.mayHaveCleared = false;
    for (const id of ids) this.checkFind(views, id, now);
    for (const topic of TOPICS) this.checkTopic(views, topic, now);
    this.checkTotals(views);
    this.checkExpired(views, ids, now);
    if (isThird) await this.checkSelection(views);
  }

  /** Deletes from the model what is over and was cleared away by the store. */
  private forgetCleared(seen: readonly Seen[], now: number): void {
    const { line, letters, rules } = this.model;
    const { losesExpired } = rules;
    for (const id of IDS) {
      const isThere = seen.some((job) => job.id === id && job.state === 'expired');
      if (!losesExpired && line.state(id, now) === 'expired' && !isThere) line.drop(id);
    }
    for (const letter of letters.filter(({ deleteAt }) => deleteAt <= now)) {
      const text = textOf(seenLetter(letter));
      const isThere = seen.some((job) => textOf(job) === text);
      if (!isThere) letters.splice(letters.indexOf(letter), 1);
    }
  }

  private checkFind({ found }: Views, id: string, now: number): void {
    const expected = expectedFind(this.model, id, now).map(textOf);
    const seen = (found.get(id) ?? []).filter((job) => !isLeftOver(this.model.line, job, now)).map(textOf);
    const part = (texts: string[]) => ({
      rest: texts.filter((text) => !isAside(text)),
      aside: texts.filter(isAside).sort(),
    });
    expectSame(`find ${id}`, part(expected), part(seen));
  }

  private checkTopic({ listed, stats }: Views, topic: string, now: number): void {
    const all = listed.get(topic) ?? [];
    const rows = all.filter((job) => !isLeftOver(this.model.line, job, now));
    const { line, others } = expectedList(this.model, topic, now);
    const isInLine = ({ state, waits }: Seen) => !['leased', 'dead'].includes(state) && waits !== true;
    expectSame(`list ${topic}, in line`, line.map(textOf), rows.filter(isInLine).map(textOf));
    const rest = rows.filter((job) => !isInLine(job)).map(textOf);
    expectSame(`list ${topic}, the others`, others.map(textOf).sort(), rest.sort());
    const ends = rows.flatMap(({ leaseUntil }) => leaseUntil ?? []);
    expectSame(
      `list ${topic}: leases by their end`,
      [...ends].sort((a, b) => a - b),
      ends,
    );

    const counts = expectedCounts(this.model, topic, now);
    // A store that shows only the remains of expired jobs must count as many as it lists.
    if (this.model.rules.losesExpired) counts.expired = all.filter(({ state }) => state === 'expired').length;
    expectSame(`stats of ${topic}`, counts, countsOf(stats, topic));
  }

  /** An expired job is listed if and only if it is found. */
  private checkExpired({ found, listed }: Views, ids: readonly string[], now: number): void {
    const { line } = this.model;
    for (const id of ids) {
      const isExpired = (job: Seen) => job.id === id && job.state === 'expired';
      const rows = [...listed.values()].flat().filter(isExpired);
      const records = (found.get(id) ?? []).filter((job) => isExpired(job) && job.topic !== undefined);
      // A job that an original client has popped, or lost, is not in the list of its topic any more.
      const isOpen = line instanceof RedisLine && line.isAway(id, now);
      if (!isOpen) expectSame(`an expired job ${id}: listed, and found`, rows.length > 0, records.length > 0);
    }
  }

  private checkTotals({ stats, cheap }: Views): void {
    const sums = Object.fromEntries(
      JOB_STATES.map((state) => [state, stats.topics.reduce((sum, row) => sum + (row[state] ?? 0), 0)]),
    );
    // For a job that expired in the pool of Redis nothing names its topic any more.
    if (this.model.rules.losesExpired) sums.expired = Math.max(sums.expired ?? 0, stats.totals.expired ?? 0);
    expectSame('stats: totals', sums, stats.totals);
    // With so few jobs quick stats are exact.
    if (cheap) expectSame('cheap stats', stats.totals, cheap.totals);
  }

  /** A list by state is a part of the whole list. */
  private async checkSelection({ listed }: Views): Promise<void> {
    const topic = TOPICS[this.round % 2] ?? 'x';
    const state = JOB_STATES[this.round % JOB_STATES.length] ?? 'ready';
    const other = JOB_STATES[(this.round >> 2) % JOB_STATES.length] ?? 'ready';
    const idGlobs = this.round % 5 === 0 ? ['[ab]'] : undefined;
    const query = { states: [state, other], idGlobs };
    const seen = (await listAll(this.ground.viewer, topic, 2, query)).map(textOf);
    const isWanted = (job: Seen) =>
      query.states.includes(job.state) && (idGlobs === undefined || ['a', 'b'].includes(job.id));
    expectSame(
      `list ${topic} ${JSON.stringify(query)}`,
      (listed.get(topic) ?? []).filter(isWanted).map(textOf),
      seen,
    );
  }
}

const isAside = (text: string): boolean => text.includes('waits=') || text.includes('state=leased');

function countsOf(stats: Stats, topic: string): Counts {
  const row = stats.topics.find((one) => one.topic.toString() === topic);
  return {
    delayed: row?.delayed ?? 0,
    due: row?.due ?? 0,
    ready: row?.ready ?? 0,
    leased: row?.leased ?? 0,
    expired: row?.expired ?? 0,
    dead: row?.dead ?? 0,
    nextDueAt: row?.nextDueAt?.getTime(),
    pausedUntilMs: row?.pausedUntilMs,
  };
}
