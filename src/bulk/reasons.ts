import type { Bytes } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { FIRST_PAGE, nextSize } from './pages.js';

export interface ReasonCount {
  /** Absent: none was given. */
  readonly reason?: string | undefined;
  readonly count: number;
}

export interface Reasons {
  /** Most first. */
  readonly reasons: readonly ReasonCount[];
  /** Dead letters with reasons beyond the first {@link MOST_REASONS} that were seen. */
  readonly others: number;
  readonly total: number;
}

/** So many reasons are counted separately: each may be as long as 4 KiB. */
const MOST_REASONS = 10_000;

/** Counts the dead letters of a topic by why they failed, page by page. */
export async function countReasons(queue: Queue, topic: Bytes): Promise<Reasons> {
  const counts = new Map<string | undefined, number>();
  let [others, total, size, cursor]: [number, number, number, string | undefined] = [
    0,
    0,
    FIRST_PAGE,
    undefined,
  ];
  do {
    const page = await queue.list(topic, { states: ['dead'], limit: size, cursor });
    for (const { reason } of page.jobs) {
      total += 1;
      const count = counts.get(reason) ?? 0;
      if (count > 0 || counts.size < MOST_REASONS) counts.set(reason, count + 1);
      else others += 1;
    }
    size = nextSize(page.jobs, size);
    cursor = page.cursor;
  } while (cursor !== undefined);
  const reasons = [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
  return { reasons, others, total };
}
