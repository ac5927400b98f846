import type { Bytes } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { globMatcher } from '../core/glob.js';

/** The topics that a selection names, as far as they have dead letters. */
export interface DeadTopics {
  readonly topics: readonly Bytes[];
  /** How many dead letters they have; absent where they were not counted. */
  readonly count?: number | undefined;
}

/** A topic, or a glob that matches topics. */
export type TopicPattern = { readonly topic: Buffer } | { readonly glob: string };

/** Does it say more than a name, with one of the characters of `globMatcher`? */
export const isGlob = (text: string): boolean => /[*?[\\]/.test(text);

/** @param counted are they to be counted, which looks at the whole store? */
export async function findDeadTopics(
  queue: Queue,
  patterns: readonly TopicPattern[],
  counted: boolean,
): Promise<DeadTopics> {
  const literal = patterns.flatMap((pattern) => ('topic' in pattern ? [pattern.topic] : []));
  if (!counted && literal.length === patterns.length) return { topics: literal };
  const matchers = patterns.map((pattern) =>
    'topic' in pattern ? (topic: Bytes) => topic.equals(pattern.topic) : globMatcher(pattern.glob),
  );
  const { topics } = await queue.stats({ exact: true });
  const found = topics.filter(({ topic, dead }) => dead > 0 && matchers.some((matches) => matches(topic)));
  return {
    topics: found.map(({ topic }) => topic),
    count: found.reduce((sum, { dead }) => sum + dead, 0),
  };
}
