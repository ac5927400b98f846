import type { Bytes } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { RequeueRequest } from '../core/requests.js';
import type { RequeueResult } from '../core/results.js';
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
