import { DelayerError } from '../core/errors.js';
import { onAbort } from '../core/timer.js';
import { isTerminal } from '../output/terminal.js';
import { openStdin, splitLines } from './input/lines.js';
import { stderrIsTerminal, writeStderr } from './stderr.js';

const STDIN = 0;

/** @throws DelayerError `usage` where nobody can be asked */
export function assertCanAsk(): void {
  if (isTerminal(STDIN) && stderrIsTerminal()) return;
  throw new DelayerError('usage', '--yes is missing, and there is no terminal to ask for confirmation', {
    hint: 'Look with --dry-run, then add --yes.',
  });
}

/** Asks whoever sits at the terminal; anything but yes is no, and so is an abort. */
export async function confirm(question: string, signal: AbortSignal | undefined): Promise<boolean> {
  writeStderr(`delayer: ${question} [y/N] `);
  let forget = (): void => undefined;
  const aborted = new Promise<boolean>((resolve) => {
    forget = onAbort(signal, () => {
      writeStderr('\n');
      resolve(false);
    });
  });
  try {
    // The command closes stdin at its end, also while it is being read.
    return await Promise.race([isYes(), aborted]);
  } finally {
    forget();
  }
}

async function isYes(): Promise<boolean> {
  for await (const [line] of splitLines(openStdin({ isAsked: true })))
    return /^y(es)?$/i.test(line?.bytes?.toString().trim() ?? '');
  return false;
}
