import { JOB_STATES, type JobState } from './job.js';
import type { TopicStats } from './views.js';

type Counts = { -readonly [K in keyof TopicStats]: TopicStats[K] } & Record<JobState, number> & {
    readonly topic: Buffer;
  };

/** Adds up jobs by topic. */
export class TopicCounter {
  private readonly byTopic = new Map<string, Counts>();

  /** @param countsBeyond are jobs that are due later than some time also counted separately? */
  constructor(private readonly countsBeyond: boolean) {}

  /** The counts of a topic, for adding to them; zeros at first. */
  of(topic: Buffer): Counts {
    const name = topic.toString('latin1');
    let counts = this.byTopic.get(name);
    if (!counts) {
      counts = { topic, delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0, nextDueAt: undefined };
      if (this.countsBeyond) counts.beyond = 0;
      this.byTopic.set(name, counts);
    }
    return counts;
  }

  /** All topics, in order, and their totals. */
  sums(): { totals: Record<JobState, number>; topics: Counts[]; beyond: number | undefined } {
    const topics = [...this.byTopic.values()].sort((a, b) => a.topic.compare(b.topic));
    const sum = (state: JobState) => topics.reduce((jobs, row) => jobs + row[state], 0);
    const totals = Object.fromEntries(JOB_STATES.map((state) => [state, sum(state)]));
    const beyond = topics.reduce((jobs, row) => jobs + (row.beyond ?? 0), 0);
    return {
      totals: totals as Record<JobState, number>,
      topics,
      beyond: this.countsBeyond ? beyond : undefined,
    };
  }
}
