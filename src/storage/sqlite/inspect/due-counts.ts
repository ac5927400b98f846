import type { DueCounts } from '../../../core/views.js';
import type { DueCountsParams } from '../../../core/store.js';
import type { Connection } from '../connection.js';
import { countPlaces, topicsInLine } from './stats.js';

/** How many jobs are due in each step; reads the index of the line only. */
export async function dueCounts(
  connection: Connection,
  { topics, stepMs, steps }: DueCountsParams,
): Promise<DueCounts> {
  const now = connection.now();
  const counts = Array<number>(steps).fill(0);
  for await (const topic of topics ?? topicsInLine(connection)) {
    for (let step = 0; step < steps; step += 1) {
      const after = now + step * stepMs;
      counts[step] = (counts[step] ?? 0) + (await countPlaces(connection, topic, after, after + stepMs));
    }
  }
  return { now: new Date(now), counts };
}
