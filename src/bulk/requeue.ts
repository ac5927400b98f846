import type { Bytes } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { RequeueRequest } from '../core/requests.js';
import type { RequeueResult } from '../core/results.js';
import { FIRST_PAGE, nextSize } from './pages.js';
import { spreadMs } from './spread.js';

/** How one dead letter ended. */
export interface Requeued {
  readonly id: Bytes;
  readonly topic?: Bytes | undefined;
  readonly outcome: RequeueResult;
}

/** When requeued jobs are due, and with how many attempts. */
export interface RequeueHow {
  /** From now (ms), of the first. */
  readonly delayMs: number;
  /** The due times lie evenly over so long (ms) after that; 0: all at once. */
  readonly spreadMs: number;
  /** How many there will be, where that is known. */
  readonly total?: number | undefined;
  readonly keepAttempts: boolean;
}

/** Requeues the latest dead letter of each id, chunk by chunk. */
export async function* requeueIds(
  queue: Queue,
  chunks: AsyncIterable<readonly Buffer[]>,
  how: RequeueHow,
): AsyncGenerator<Requeued[]> {
  let done = 0;
  for await (const ids of chunks) {
    yield await requeueChunk(
      queue,
      ids.map((id) => ({ id })),
      how,
      done,
    );
    done += ids.length;
  }
}

/**
 * Requeues the dead letters of topics, page by page: those that had failed when it began, so that it ends where jobs
 * fail again at once. One that cannot be requeued is left alone and told of once.
 * @param limit requeues no more than so many
 */
export async function* requeueTopics(
  queue: Queue,
  topics: readonly Bytes[],
  limit: number,
  how: RequeueHow,
): AsyncGenerator<Requeued[]> {
  const until = await queue.now();
  let left = limit;
  let asked = 0;
  for (const topic of topics) {
    const letters = new DeadLetters(queue, topic, until);
    for (let ids; left > 0 && (ids = await letters.next(left)).length > 0;) {
      const results = await requeueChunk(
        queue,
        ids.map((id) => ({ id, topic })),
        how,
        asked,
      );
      asked += ids.length;
      for (const { id, outcome } of results) {
        if (outcome === 'requeued') left -= 1;
        else letters.leaveAlone(id);
      }
      yield results;
    }
  }
}

/**
 * The ids of the dead letters of a topic that are to be requeued, in the order of the store. What was requeued is gone
 * from its listing, which moves up; so the listing goes on where it was, passes over what was left alone, and leaves
 * that behind when a page holds nothing else.
 */
class DeadLetters {
  private cursor: string | undefined;
  private size = FIRST_PAGE;
  private passedOver = new Set<string>();

  /** @param until passes over those that failed after this time */
  constructor(
    private readonly queue: Queue,
    private readonly topic: Bytes,
    private readonly until: Date,
  ) {}

  /** Up to `most` ids, each once; `[]` at the end. */
  async next(most: number): Promise<Bytes[]> {
    for (;;) {
      const { cursor, size } = this;
      const page = await this.queue.list(this.topic, { states: ['dead'], limit: size, cursor });
      this.size = nextSize(page.jobs, size);
      const ids = new Map<string, Bytes>();
      for (const { id, failedAt } of page.jobs) {
        const name = nameOf(id);
        if (!this.passedOver.has(name) && !(failedAt && failedAt > this.until)) ids.set(name, id);
      }
      if (ids.size > 0 || page.cursor === undefined) return [...ids.values()].slice(0, most);
      this.cursor = page.cursor;
      this.passedOver.clear();
    }
  }

  leaveAlone(id: Bytes): void {
    this.passedOver.add(nameOf(id));
  }
}

const nameOf = (id: Bytes): string => id.toString('latin1');

async function requeueChunk(
  queue: Queue,
  letters: readonly RequeueRequest[],
  { delayMs, keepAttempts, ...how }: RequeueHow,
  done: number,
): Promise<Requeued[]> {
  const requests = letters.map((letter, i) => ({
    ...letter,
    delayMs: delayMs + spreadMs(how.spreadMs, done + i, how.total),
  }));
  const outcomes = await queue.requeue(requests, { keepAttempts });
  return letters.map(({ id, topic }, i) => ({
    id: id as Bytes,
    topic: topic as Bytes | undefined,
    outcome: outcomes[i] ?? 'none',
  }));
}
