import type { DaemonStatus } from '../core/daemon-status.js';
import { DelayerError } from '../core/errors.js';
import type { JobState } from '../core/job.js';
import type { ListQuery } from '../core/views.js';
import type { StatsNow } from './metrics.js';
import { whyNotReady } from './readiness.js';
import { shared } from './shared.js';

/** The content of `/api` as JSON text: what `inspect --json` prints. */
export interface Views {
  overview(): Promise<string>;
  topic(topic: Buffer, query: ListQuery): Promise<string>;
  /** The jobs of an id as an array, and their number. */
  jobs(id: Buffer): Promise<{ readonly text: string; readonly count: number }>;
  /** An error as commands print it with --json. */
  error(error: unknown): string;
}

export interface Watched {
  readonly status: DaemonStatus;
  /** The content of the store and its time, from one look. */
  readonly stats: () => Promise<StatsNow>;
  /** How often the connection to the store was re-established. */
  readonly reconnects: () => number;
  readonly views: Views;
  /** May this client read jobs? */
  readonly hasApi: boolean;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';

const text = (status: number, body: string): Answer => ({ status, type: TEXT, body: `${body}\n` });
const json = (body: string, status = 200): Answer => ({ status, type: JSON_TYPE, body });

const INDEX = `delayer serve
/healthz              is the process alive
/readyz               does the store answer, and is promotion on time
/metrics              for Prometheus
/api/overview         the topics, as \`delayer inspect --json\` has them
/api/topics/TOPIC     jobs of a topic; ?state=delayed,ready&limit=50&cursor=…
/api/jobs/ID          the jobs of an id`;

/** The answer to a path, as it stands in the request line. */
export type Routes = (url: string) => Promise<Answer>;

export function routesOf(watched: Watched): Routes {
  const { views } = watched;
  const metrics = shared(() => metricsOf(watched));
  const overview = shared(() => views.overview());
  return async (url) => {
    const [path = '', query = ''] = url.split('?', 2);
    if (path === '/') return text(200, INDEX);
    if (path === '/healthz') return text(200, 'alive');
    if (path === '/readyz') {
      const reason = whyNotReady(watched.status);
      return reason === undefined ? text(200, 'ready') : text(503, reason);
    }
    if (path === '/metrics') return metrics();
    if (!path.startsWith('/api/')) return text(404, 'no such page; / lists all pages');
    if (!watched.hasApi) return text(403, 'jobs are shown only on loopback addresses and Unix sockets');
    try {
      return await apiAnswer(path.slice('/api/'.length), new URLSearchParams(query), { ...views, overview });
    } catch (error) {
      return json(views.error(error), statusOf(error));
    }
  };
}

async function apiAnswer(path: string, query: URLSearchParams, views: Views): Promise<Answer> {
  if (path === 'overview') return json(await views.overview());
  const [, kind, name = ''] = /^(topics|jobs)\/([^/]+)$/.exec(path) ?? [];
  if (kind === 'topics') return json(await views.topic(bytesOf(name), listQuery(query)));
  if (kind !== 'jobs') return text(404, 'no such page; / lists all pages');
  const { text: jobs, count } = await views.jobs(bytesOf(name));
  return json(jobs, count === 0 ? 404 : 200);
}

/** The most jobs on a page: an answer is built in memory. */
const MOST_JOBS = 500;

function listQuery(query: URLSearchParams): ListQuery {
  const [state, limit, cursor] = ['state', 'limit', 'cursor'].map((name) => query.get(name) ?? undefined);
  const count = limit === undefined ? undefined : Number(limit);
  if (count !== undefined && !(/^\d+$/.test(limit ?? '') && count >= 1 && count <= MOST_JOBS))
    throw new DelayerError('usage', `limit is not a number from 1 to ${MOST_JOBS}`);
  return { states: state?.split(',') as JobState[] | undefined, limit: count, cursor };
}

/** The bytes of a percent-encoded name; they need not be UTF-8. */
function bytesOf(name: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(name)) throw new DelayerError('usage', 'a % is not followed by two digits');
  const latin1 = name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}

function statusOf(error: unknown): number {
  if (!(error instanceof DelayerError)) return 500;
  if (error.code === 'usage') return 400;
  return error.code.startsWith('store_') ? 503 : 500;
}

/** Metrics are served while the store is away, and say so. */
async function metricsOf({ status, stats, reconnects }: Watched): Promise<Answer> {
  const { metricsText, METRICS_TYPE } = await import('./metrics.js');
  const found = await within(
    stats().catch(() => undefined),
    STATS_MS,
  );
  return { status: 200, type: METRICS_TYPE, body: await metricsText(status, found, reconnects()) };
}

/** Prometheus gives a scrape up after ten seconds by default. */
const STATS_MS = 5000;

async function within<T>(asked: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([asked, over]);
  } finally {
    clearTimeout(timer);
  }
}
