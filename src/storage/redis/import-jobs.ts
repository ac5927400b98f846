import { DelayerError } from '../../core/errors.js';
import type { ImportedJob } from '../../core/imported-job.js';
import type { ImportParams } from '../../core/store.js';
import type { Imported, ImportOutcome } from '../../core/transfer.js';
import { jobChunks } from '../chunk.js';
import type { Caller } from './caller.js';
import { CHUNK, clearing, inParts, type PushSteps } from './push.js';
import * as scripts from './scripts/import.js';
import type { ImportedPart } from './scripts/import.js';
import type { ClearedEntry } from './scripts/push.js';

/** What importing needs of the store. */
interface ImportSteps extends Pick<PushSteps, 'clear'> {
  /** Imports jobs up to the first that needs to know more of a ready list than one script can find out. */
  readonly import: (params: ImportParams, cleared: readonly ClearedEntry[]) => Promise<ImportedPart>;
}

/** Imports jobs chunk by chunk, and stops where the file is not as far as it is believed to be. */
export async function importJobs(caller: Caller, params: ImportParams): Promise<Imported> {
  const { jobs, progress } = params;
  const steps: ImportSteps = {
    clear: clearing(caller),
    // Where it is noted how far the file is, a script that ran before does nothing.
    import: (some, cleared) =>
      caller.run(some.progress ? 'idempotent' : 'never', (target) =>
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

const lineOf = (job: ImportedJob | undefined): number => job?.line ?? 0;

async function importChunk(steps: ImportSteps, params: ImportParams): Promise<Imported> {
  const { jobs, onExisting, progress } = params;
  let from = progress?.from ?? 0;
  let reached: number | undefined;
  const step = async (
    some: readonly ImportedJob[],
    cleared: readonly ClearedEntry[],
  ): Promise<ImportedPart> => {
    const part = await steps.import(
      { jobs: some, onExisting, progress: progress && { ...progress, from } },
      cleared,
    );
    reached = part.reached;
    if (part.results.length > 0) from = lineOf(some[part.results.length - 1]);
    return part;
  };
  try {
    return { outcomes: await inParts(steps, jobs, step), reached };
  } catch (error) {
    // What is noted of the file tells which jobs are in: it may go on from there.
    if (progress && error instanceof DelayerError && error.cause instanceof DelayerError) throw error.cause;
    throw error;
  }
}
