import { selected } from '../bulk/sweep.js';
import { TopRows } from '../bulk/top-rows.js';
import { DelayerError } from '../core/errors.js';
import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { Problem } from '../core/views.js';
import { comparing, type NamedColumn, type Order, type View } from '../output/columns.js';
import { type ListFormat, type ListWriter, listWriter } from '../output/job-lists.js';
import { stdoutIsTerminal, writeStdout } from '../output/stdout.js';
import { onlyTopic, type Selected } from './selection-flags.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { loadTable, tableTitle, tableWidth } from './tables.js';
import { tellOfFailed } from './where.js';

/** Jobs shown on a terminal without `--limit`. */
const TERMINAL_PAGE = 50;
/** Jobs asked of the store at a time. */
const PAGE_JOBS = 1000;
/** Rows drawn at a time, and fewer if their names have more than so many bytes: a string has a longest length. */
const TABLE_ROWS = 1000;
const TABLE_NAME_BYTES = 2 ** 26;
/** Jobs that can be sorted at most: all of them are in memory. */
export const MAX_SORTED = 100_000;

/** How a list is shown. */
export interface Listing {
  /** A table when absent. */
  readonly format: ListFormat | undefined;
  /** Those that suit the jobs when absent. */
  readonly columns?: readonly NamedColumn<JobRecord>[] | undefined;
  readonly order?: Order<JobRecord> | undefined;
  readonly hasHeads: boolean;
  readonly terminator: '\n' | '\0';
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
}

/** Some jobs of a list. */
interface Part {
  readonly jobs: readonly JobRecord[];
  readonly problems: readonly Problem[];
  /** Where the next page begins, of lists that have pages. */
  readonly cursor?: string | undefined;
  /** Are there more that are not shown? */
  readonly isMore?: boolean | undefined;
}

/**
 * Shows the jobs of a selection: a page of them on a terminal, or where a limit is set, else all.
 * @returns the exit code: 1 when there is none
 */
export async function listJobs(queue: Queue, through: Selected, how: Listing): Promise<number> {
  const view = { now: await queue.now(), width: tableWidth() };
  const writer = await openWriter(queue, through, how, view);
  const problems: Problem[] = [];
  let last: Part = { jobs: [], problems: [] };
  let count = 0;
  for await (const part of partsOf(queue, through, how, view)) {
    problems.push(...part.problems);
    count += part.jobs.length;
    last = part;
    await writer.write(part.jobs);
  }
  const [problem] = problems;
  // "None" would be wrong: some could not be looked at.
  if (count === 0 && problem)
    throw new DelayerError('store_wrong_type', problem.message, { hint: problem.hint });
  await writer.end({ cursor: last.cursor, problems });
  for (const { message } of problems) printNote(`not all jobs can be listed: ${message}`);
  tellOfFailed(through.where);
  if (count === 0 && how.format !== 'json') printNote('no job matches');
  if (last.cursor !== undefined) printInfo(`there are more: add --cursor ${last.cursor}`);
  else if (last.isMore === true) tellOfMore(count, how);
  return count === 0 ? 1 : 0;
}

function tellOfMore(count: number, { order }: Listing): void {
  if (order && count === MAX_SORTED) printNote(`there are more: --sort shows ${MAX_SORTED} jobs at most`);
  else
    printInfo(`there are more than these ${count}: add --limit, or send all of them through a pipe: | less`);
}

function partsOf(queue: Queue, through: Selected, how: Listing, view: View): AsyncIterable<Part> {
  const isTerminal = stdoutIsTerminal();
  const { query, matches } = through;
  const limit = through.limit === Infinity && isTerminal ? TERMINAL_PAGE : through.limit;
  if (how.order) return sorted(queue, through, Math.min(limit, MAX_SORTED), how.order, view);
  const isPage = how.cursor !== undefined || limit !== Infinity;
  // Pages of named topics come in the order of delivery. A scan misses no job that moves on meanwhile.
  if (isPage && query.topics && !query.topicGlobs && !matches)
    return pages(queue, through, { limit, cursor: how.cursor });
  return scanned(queue, through, limit);
}

async function* pages(
  queue: Queue,
  { query }: Selected,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): AsyncGenerator<Part> {
  const { topics = [], states, dueBefore, dueAfter, olderThan, idGlobs, bodyIncludes } = query;
  const filter = { states, dueBefore, dueAfter, olderThan, idGlobs, bodyIncludes };
  let [left, at] = [limit, cursor];
  do {
    const page = await queue.list(topics, { ...filter, limit: Math.min(left, PAGE_JOBS), cursor: at });
    left -= page.jobs.length;
    at = page.cursor;
    yield { jobs: page.jobs, problems: page.problems ?? [], cursor: at };
  } while (at !== undefined && left > 0);
}

async function* scanned(queue: Queue, through: Selected, limit: number): AsyncGenerator<Part> {
  const progress = new ProgressLine(!stdoutIsTerminal());
  let [left, all] = [limit, 0];
  try {
    for await (const { jobs, lookedAt, problems } of selected(queue, { ...through, limit: limit + 1 })) {
      const some = jobs.slice(0, left);
      left -= some.length;
      all += lookedAt;
      progress.draw(() => `${all.toLocaleString('en')} checked`);
      yield { jobs: some, problems, isMore: some.length < jobs.length };
    }
  } finally {
    progress.clear();
  }
}

/** The first jobs in an order, out of any number. */
async function* sorted(
  queue: Queue,
  through: Selected,
  limit: number,
  order: Order<JobRecord>,
  view: View,
): AsyncGenerator<Part> {
  const top = new TopRows(limit, comparing(order, view));
  const problems: Problem[] = [];
  for await (const part of scanned(queue, { ...through, limit: Infinity }, Infinity)) {
    problems.push(...part.problems);
    top.add(part.jobs);
  }
  yield { jobs: top.rows(), problems, isMore: top.count > limit };
}

async function openWriter(queue: Queue, { query }: Selected, how: Listing, view: View): Promise<ListWriter> {
  const topic = onlyTopic(query);
  if (how.format !== undefined) return listWriter(how.format, { terminator: how.terminator, topic });
  const tables = await loadTable(() => import('../output/job-table.js'));
  const columns = how.columns ?? tables.defaultJobColumns(query.states, topic === undefined);
  const draw = tables.jobsTableParts(columns, view, how.hasHeads);
  let [waiting, nameBytes]: [JobRecord[], number] = [[], 0];
  let title = how.hasHeads ? tableTitle(queue) : '';
  const flush = async () => {
    const text = `${title}${draw(waiting)}`;
    [waiting, nameBytes, title] = [[], 0, ''];
    await writeStdout(text);
  };
  return {
    write: async (jobs) => {
      for (const job of jobs) {
        waiting.push(job);
        nameBytes += job.id.length + (job.topic?.length ?? 0);
        if (nameBytes > TABLE_NAME_BYTES) await flush();
      }
      if (waiting.length >= TABLE_ROWS) await flush();
    },
    end: async () => {
      if (waiting.length > 0) await flush();
    },
  };
}
