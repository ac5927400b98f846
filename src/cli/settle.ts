import * as Args from './oclif/args.js';
import { toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { printInfo, printNote } from './stderr.js';

export const leaseArgs = Args.string({
  required: true,
  multiple: true,
  description:
    'leases; - reads them from stdin, one per line; a line may also be a job in JSON, as pop --lease prints it',
});

/** What became of a lease; `not_held`: it was lost or had ended before, and nothing was done. */
export interface Settled {
  readonly outcome: string;
  /** More for JSON. */
  readonly [field: string]: unknown;
}

export const NOT_HELD: Settled = { outcome: 'not_held' };

/** Outcomes for the true and false that the store answers. */
export const heldOr =
  (outcome: string) =>
  (isHeld: boolean): Settled =>
    isHeld ? { outcome } : NOT_HELD;

export interface Settling {
  readonly chunks: AsyncIterable<readonly string[]>;
  /** Ends or extends the leases of a chunk; answers in order. */
  readonly settle: (leases: readonly string[]) => Promise<readonly Settled[]>;
  readonly json: boolean;
  /** What a user should know about a lease that was held; usually nothing. */
  readonly note?: ((lease: string, settled: Settled) => string | undefined) | undefined;
}

/**
 * Ends or extends leases and reports what became of each: in JSON a line for each lease, else on stderr a line for
 * each that was not held any more.
 * @returns how many had each outcome
 */
export async function settleAll({ chunks, settle, json, note }: Settling): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const leases of chunks) {
    const results = await settle(leases);
    const lines: string[] = [];
    for (const [i, lease] of leases.entries()) {
      const settled = results[i] ?? NOT_HELD;
      counts.set(settled.outcome, (counts.get(settled.outcome) ?? 0) + 1);
      if (json) lines.push(`${toJsonLine({ lease, ...settled })}\n`);
      const said =
        settled.outcome === NOT_HELD.outcome
          ? `the lease is not held any more: it ended, was lost or was settled before: ${lease}`
          : note?.(lease, settled);
      if (said !== undefined && !json) printNote(said);
    }
    if (json) await writeStdout(lines.join(''));
  }
  return counts;
}

/** Prints how many had each outcome, without those that were printed one by one; answers the exit code. */
export function endSettling(counts: ReadonlyMap<string, number>): number {
  const told = [...counts].filter(([outcome]) => outcome !== NOT_HELD.outcome);
  if (told.length > 0) printInfo(told.map(([outcome, count]) => `${count} ${outcome}`).join(', '));
  return counts.has(NOT_HELD.outcome) ? 1 : 0;
}
