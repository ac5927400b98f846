import type { ListQuery } from '../core/views.js';
import type { Queue } from '../core/queue.js';
import { explain } from '../output/explain.js';
import { bytesToJson, explainedJobToJson, jobToJson, overviewToJson, toJsonLine } from '../output/json.js';
import { toDelayerError } from './errors.js';
import { look } from './overview.js';

/** The output of `inspect --json` as text, for HTTP. */
export function httpViews(queue: Queue) {
  return {
    overview: async () => {
      const { stats, problems } = await look(queue, false);
      return lineOf(overviewToJson(queue.label, stats, problems));
    },
    topic: async (topic: Buffer, query: ListQuery) => {
      const { jobs, cursor, problems } = await queue.list(topic, query);
      return lineOf({
        ...bytesToJson('topic', topic),
        jobs: jobs.map(jobToJson),
        cursor: cursor ?? null,
        // What could not be listed, and why.
        ...(problems && { problems }),
      });
    },
    jobs: async (id: Buffer) => {
      const [jobs, now] = await Promise.all([queue.find(id), queue.now()]);
      const explained = jobs.map((job) => explainedJobToJson(job, explain(job, now, jobs)));
      return { text: lineOf(explained), count: jobs.length };
    },
    error: (error: unknown) => {
      const { code, message, hint } = toDelayerError(
        error instanceof Error ? error : new Error(String(error)),
      );
      return lineOf({ error: { code, message, hint } });
    },
  };
}

const lineOf = (value: unknown): string => `${toJsonLine(value)}\n`;
