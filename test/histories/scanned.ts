import type { JobRecord, JobState } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import { expectSame } from './difference.js';
import type { Seen } from './job.js';
import type { Model } from './model.js';
import { isLeftOver } from './redis-line.js';
import { expectedList, textOf, toSeen } from './views.js';

interface Selection {
  readonly topics: readonly string[];
  /** Any by default. */
  readonly states?: readonly JobState[] | undefined;
}

/** All jobs of a scan. */
export async function scanned(
  queue: Queue,
  query: Selection & { readonly latestFirst?: boolean },
): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for await (const { jobs } of queue.scan(query)) records.push(...jobs);
  return records;
}

/** Expects that a scan has each selected job once, with all fields that an import needs. */
export function expectScanned(
  model: Model,
  records: readonly JobRecord[],
  { topics, states }: Selection,
  now: number,
): void {
  const isWanted = ({ state }: Seen) => states?.includes(state) ?? true;
  const expected = topics
    .map((topic) => expectedList(model, topic, now))
    .flatMap(({ line, others }) => [...line, ...others])
    .filter(isWanted);
  const seen = records.map(toSeen).filter((job) => !isLeftOver(model.line, job, now));
  expectSame('scan', expected.map(textOfWhole).sort(), seen.map(textOfWhole).sort());
}

const textOfWhole = (job: Seen): string => `${textOf(job)} key=${job.key} ttl=${job.ttlMs}`;
