import type { JobRecord } from '../core/job.js';

/** Jobs of a page hold so many bytes of bodies, about. */
const PAGE_BYTES = 4 * 1024 * 1024;
export const FIRST_PAGE = 10;
const MOST_JOBS = 250;

/** How many jobs the next page may have, so that their bodies fit into memory, by those of the page before. */
export function nextSize(jobs: readonly JobRecord[], size: number): number {
  const bytes = jobs.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
  const fitting = bytes === 0 ? MOST_JOBS : Math.floor((PAGE_BYTES * jobs.length) / bytes);
  return Math.max(1, Math.min(MOST_JOBS, fitting, size * 5));
}
