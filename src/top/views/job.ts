import type { Bytes, JobRecord } from '../../core/job.js';
import { escapeForTerminal } from '../../output/escape.js';
import { explain } from '../../output/explain.js';
import { jobCard } from '../../output/job-card.js';
import { paint } from '../../output/tones.js';
import { wrap } from '../lines.js';
import type { JobView, State } from '../state.js';
import { titleLine } from './text.js';

/** How many bytes of a body are shown; for more there are commands. */
const SHOWN_BYTES = 16 * 1024;

export function jobTitle(state: State): string[] {
  const { job } = state;
  return [titleLine(state), job ? paint.bold(escapeForTerminal(job.record.id)) : ''];
}

const drawn = new WeakMap<NonNullable<JobView['found']>, { width: number; lines: string[] }>();

/** Everything that `inspect --id` prints of the jobs of the id, in lines that fit. */
export function jobLines({ job, size: { columns } }: State): string[] {
  if (!job?.found) return ['loading …'];
  const { found } = job;
  const known = drawn.get(found);
  if (known?.width === columns) return known.lines;
  const lines = found.jobs.flatMap((one) => cardLines(one, found, columns));
  if (found.jobs.length === 0)
    lines.push(
      ...wrap('There is no job of that id any more: it was taken, removed or cleared away.', columns),
    );
  drawn.set(found, { width: columns, lines });
  return lines;
}

function cardLines(
  job: JobRecord,
  { jobs, now }: { readonly jobs: readonly JobRecord[]; readonly now: Date },
  width: number,
): string[] {
  const { body } = job;
  const isCut = body !== undefined && body.length > SHOWN_BYTES;
  const shown = isCut ? { ...job, body: body.subarray(0, SHOWN_BYTES) as Bytes } : job;
  const card = jobCard(shown, explain(job, now, jobs), now, width)
    .trimEnd()
    .split('\n');
  const note = isCut ? [`… the first ${SHOWN_BYTES} of ${body.length} bytes are shown`] : [];
  return [...card, ...note].flatMap((line) => wrap(line, width));
}

export const jobKeys = (): string => 'Esc back  ↑↓ scroll  p promote  r remove  P pause  ? help  q quit';
