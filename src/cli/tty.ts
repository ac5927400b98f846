import { DelayerError } from '../core/errors.js';
import { isTerminal } from '../output/terminal.js';
import { writeStdout, writeStdoutNow } from '../output/stdout.js';
import { terminalWidth } from './config/settings.js';

const [STDIN, STDOUT] = [0, 1];
/** Where a terminal does not say. */
const DEFAULT_ROWS = 24;

/**
 * The terminal on stdin and stdout, for a view of the whole screen.
 * @param instead what to do without one
 * @throws DelayerError `usage` where there is none that a program can draw on
 */
export function openTty(instead: string) {
  for (const [fd, name] of [
    [STDIN, 'stdin'],
    [STDOUT, 'stdout'],
  ] as const) {
    if (!isTerminal(fd)) throw new DelayerError('usage', `${name} is not a terminal`, { hint: instead });
  }
  if (process.env.TERM === 'dumb')
    throw new DelayerError('usage', 'the terminal can show lines alone (TERM=dumb)', { hint: instead });
  const { stdin, stdout } = process;
  return {
    size: () => ({ columns: terminalWidth(), rows: stdout.rows || DEFAULT_ROWS }),
    write: writeStdout,
    writeNow: writeStdoutNow,
    setRaw: (isRaw: boolean): void => {
      try {
        stdin.setRawMode(isRaw);
      } catch {
        // The terminal is gone.
      }
    },
    onInput: (input: (text: string) => void, ended: () => void) => {
      stdin.setEncoding('utf8');
      const events = { data: input, end: ended, error: ended };
      for (const [event, listener] of Object.entries(events)) stdin.on(event, listener);
      return () => {
        for (const [event, listener] of Object.entries(events)) stdin.off(event, listener);
        // What is typed from now on is for the shell.
        stdin.pause();
      };
    },
    onResize: (resized: () => void) => {
      stdout.on('resize', resized);
      return () => stdout.off('resize', resized);
    },
  };
}
