import { DelayerError } from '../../core/errors.js';
import { parseLease } from '../../core/lease.js';
import { readItems, readsStdin } from './arguments.js';
import type { Line } from './lines.js';

/** As many as a pop reserves: when all leases of a reservation are ended together, it need not be read. */
const CHUNK_LEASES = 500;
const HINT = 'A lease is what `delayer pop TOPIC --lease 60s --output lease` prints.';

/**
 * The leases on the command line, and in place of `-` those on stdin, in chunks, each once in its chunk. A line is
 * a lease, or a job in JSON that has one. At a line that is neither, reading ends; what was read before it in the
 * same chunk is not given.
 * @throws DelayerError `usage`; of an argument at once, before anything is read
 */
export function readLeases(args: readonly string[], literalCount: number): AsyncGenerator<string[]> {
  for (const i of args.keys()) if (!readsStdin({ args, literalCount }, i)) toLease(args[i] ?? '');
  return unique(
    readItems({ args, literalCount, chunkSize: CHUNK_LEASES, ofArgument: toLease, ofLine: leaseOfLine }),
  );
}

async function* unique(chunks: AsyncIterable<string[]>): AsyncGenerator<string[]> {
  for await (const chunk of chunks) yield [...new Set(chunk)];
}

function leaseOfLine({ number, bytes }: Line): string | undefined {
  const text = bytes?.toString().trim();
  if (text === '') return undefined;
  try {
    if (text === undefined) throw new DelayerError('usage', 'too long for a lease');
    return toLease(text.startsWith('{') ? leaseOfJob(text) : text);
  } catch (error) {
    const { message } = error as Error;
    throw new DelayerError('usage', `line ${number} of stdin: ${message}`, { hint: HINT, cause: error });
  }
}

function leaseOfJob(text: string): string {
  const { lease } = JSON.parse(text) as { lease?: unknown };
  if (typeof lease === 'string') return lease;
  throw new DelayerError('usage', 'the job has no lease');
}

function toLease(text: string): string {
  try {
    parseLease(text);
    return text;
  } catch (error) {
    throw new DelayerError('usage', (error as Error).message, { hint: HINT, cause: error });
  }
}
