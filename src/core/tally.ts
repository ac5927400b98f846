import type { TopicCounts } from './store.js';

type Counts = { -readonly [K in keyof TopicCounts]: TopicCounts[K] };

/** Adds up jobs by topic. */
export class TopicTally {
  private readonly byTopic = new Map<string, Counts>();

  /** The counts of a topic, to be added to; zeros at first. */
  of(topic: Buffer): Counts {
    const name = topic.toString('latin1');
    let counts = this.byTopic.get(name);
    if (!counts) {
      counts = { topic, delayed: 0, due: 0, ready: 0, leased: 0, dead: 0, nextDueAt: undefined };
      this.byTopic.set(name, counts);
    }
    return counts;
  }

  /** In order of topic, byte by byte. */
  topics(): TopicCounts[] {
    return [...this.byTopic.values()].sort((a, b) => a.topic.compare(b.topic));
  }
}
