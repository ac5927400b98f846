import { DelayerError } from '../core/errors.js';
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

/** Asks whoever sits at the terminal; anything but yes is no. */
export async function confirm(question: string): Promise<boolean> {
  writeStderr(`delayer: ${question} [y/N] `);
  for await (const [line] of splitLines(openStdin()))
    return /^y(es)?$/i.test(line?.bytes?.toString().trim() ?? '');
  return false;
}
