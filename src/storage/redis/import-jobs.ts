import { DelayerError } from '../../core/errors.js';
import type { ImportedJob } from '../../core/imported-job.js';
import type { ImportParams } from '../../core/store.js';
import type { FileProgress, Imported, ImportOutcome } from '../../core/transfer.js';
import { jobChunks } from '../chunk.js';
import type { Caller } from './caller.js';
import { CHUNK, clearing, inParts, type PushSteps } from './push.js';
import * as scripts from './scripts/import.js';
import type { ImportedPart } from './scripts/import.js';
import type { ClearedEntry } from './scripts/push.js';

/** The functions of the store that importing needs. */
interface ImportSteps extends Pick<PushSteps, 'clear'> {
  /** Imports jobs, up to the first for which a long ready list has to be searched by other scripts first. */
  readonly import: (params: ImportParams, cleared: readonly ClearedEntry[]) => Promise<ImportedPart>;
}

/** Imports jobs chunk by chunk, and stops when the file is not where the caller believes it to be. */
export async function importJobs(caller: Caller, params: ImportParams): Promise<Imported> {
  const { jobs, progress } = params;
  const steps: ImportSteps = {
    clear: clearing(caller),
    // When lines of the file are noted, a script that ran before does nothing the second time.
    import: (some, cleared) =>
      caller.run(some.progress || some.retryOf !== undefined ? 'idempotent' : 'never', (target) =>
        scripts.importJobs(target, some, cleared),
      ),
  };
  const outcomes: ImportOutcome[] = [];
  let from = progress?.from ?? 0;
  for (const chunk of jobs.length === 0 ? [[]] : jobChunks(jobs, CHUNK)) {
    const isLast = outcomes.length + chunk.length === jobs.length;
    const to = isLast ? (progress?.to ?? 0) : lineOf(chunk.at(-1));
    const done = await importChunk(steps, {
      ...params,
      jobs: chunk,
      progress: progress && { ...progress, from, to },
    });
    outcomes.push(...done.outcomes);
    if (done.reached !== undefined) return { outcomes, reached: done.reached };
    from = to;
  }
  return { outcomes };
}

/** Where import.lua keeps up to which line a file is imported; other fields are lines that were refused. */
const LINE = 'line';
/** Refused lines that one call reads. */
const REFUSED_AT_ONCE = 1000;

export async function importProgress(caller: Caller, file: string): Promise<FileProgress> {
  const line = await caller.run('idempotent', ({ redis, keys }) => redis.hget(keys.importStem + file, LINE));
  // HSCAN may answer a field twice.
  const refused = new Set<number>();
  let cursor = '0';
  do {
    const from = cursor;
    const [next, fields] = await caller.run('idempotent', ({ redis, keys }) =>
      redis.hscan(keys.importStem + file, from, 'COUNT', REFUSED_AT_ONCE),
    );
    cursor = next;
    for (let i = 0; i < fields.length; i += 2) if (fields[i] !== LINE) refused.add(Number(fields[i]));
  } while (cursor !== '0');
  return { line: Number(line) || 0, refused: [...refused] };
}

const lineOf = (job: ImportedJob | undefined): number => job?.line ?? 0;

async function importChunk(steps: ImportSteps, params: ImportParams): Promise<Imported> {
  const { jobs, onExisting, progress, retryOf } = params;
  let from = progress?.from ?? 0;
  let reached: number | undefined;
  const step = async (
    some: readonly ImportedJob[],
    cleared: readonly ClearedEntry[],
  ): Promise<ImportedPart> => {
    const part = await steps.import(
      { jobs: some, onExisting, progress: progress && { ...progress, from }, retryOf },
      cleared,
    );
    reached = part.reached;
    if (part.results.length > 0) from = lineOf(some[part.results.length - 1]);
    return part;
  };
  try {
    return { outcomes: await inParts(steps, jobs, step), reached };
  } catch (error) {
    // The progress in the store says which jobs are in, so the import continues from there.
    if (progress && error instanceof DelayerError && error.cause instanceof DelayerError) throw error.cause;
    throw error;
  }
}
