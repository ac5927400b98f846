import * as Args from './oclif/args.js';
import { toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { printInfo, printNote } from './stderr.js';

export const leaseArgs = Args.string({
  required: true,
  multiple: true,
  description:
    'leases, or - for one a line on stdin; a line may be a job in JSON too, as pop --lease prints it',
});

/** What became of a lease; `not_held`: it was lost, or ended before, and nothing was done. */
export interface Settled {
  readonly outcome: string;
  /** More for JSON. */
  readonly [field: string]: unknown;
}

export const NOT_HELD: Settled = { outcome: 'not_held' };

/** What the store answers with true or false, by its name. */
export const heldOr =
  (outcome: string) =>
  (isHeld: boolean): Settled =>
    isHeld ? { outcome } : NOT_HELD;

export interface Settling {
  readonly chunks: AsyncIterable<readonly string[]>;
  /** Ends or extends the leases of a chunk; answers in order. */
  readonly settle: (leases: readonly string[]) => Promise<readonly Settled[]>;
  readonly json: boolean;
  /** Says what is to be known of one that was held, in the words of the command; nothing as a rule. */
  readonly note?: ((lease: string, settled: Settled) => string | undefined) | undefined;
}

/**
 * Ends or extends leases, and tells what became of each: in JSON a line a lease, else on stderr of each that was
 * not held any more.
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

/** Tells how many had each outcome, but those that were told of one by one; answers the exit code. */
export function endSettling(counts: ReadonlyMap<string, number>): number {
  const told = [...counts].filter(([outcome]) => outcome !== NOT_HELD.outcome);
  if (told.length > 0) printInfo(told.map(([outcome, count]) => `${count} ${outcome}`).join(', '));
  return counts.has(NOT_HELD.outcome) ? 1 : 0;
}
