import { constants, openSync, writeSync } from 'node:fs';
import { DelayerError } from '../core/errors.js';
import { monotonicMs, sleep } from '../core/timer.js';
import { isTerminal } from '../output/terminal.js';
import { terminalWidth } from './config/terminal.js';

const [STDIN, STDOUT] = [0, 1];
/** For terminals that do not say. */
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
    throw new DelayerError('usage', 'the terminal cannot show a full screen (TERM=dumb)', { hint: instead });
  const { stdin, stdout } = process;
  return {
    size: () => ({ columns: terminalWidth(), rows: stdout.rows || DEFAULT_ROWS }),
    ...openOutput(),
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
        // Keys typed from now on go to the shell.
        stdin.pause();
      };
    },
    onResize: (resized: () => void) => {
      stdout.on('resize', resized);
      return () => stdout.off('resize', resized);
    },
  };
}

/** How long (ms) to wait when the terminal takes no more, and how long at most at the end. */
const FULL_LINE_PAUSE_MS = 5;
const LAST_WORD_MS = 1000;

/**
 * Writes without blocking in a thread of Node's pool, where old output could be written behind newer one: `writeNow`
 * drops the rest of a `write` that has not ended.
 */
function openOutput() {
  const fd = openAnew();
  let turn = 0;
  const writeSome = (rest: Buffer): Buffer => {
    try {
      return rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return rest;
      throw error;
    }
  };
  return {
    write: async (text: string): Promise<void> => {
      const mine = (turn += 1);
      let rest = writeSome(Buffer.from(text));
      while (rest.length > 0) {
        await sleep(FULL_LINE_PAUSE_MS);
        if (mine !== turn) return;
        rest = writeSome(rest);
      }
    },
    writeNow: (text: string): void => {
      turn += 1;
      const untilMs = monotonicMs() + LAST_WORD_MS;
      const clock = new Int32Array(new SharedArrayBuffer(4));
      try {
        for (let rest = writeSome(Buffer.from(text)); rest.length > 0; rest = writeSome(rest)) {
          if (monotonicMs() > untilMs) return;
          Atomics.wait(clock, 0, 0, FULL_LINE_PAUSE_MS);
        }
      } catch {
        // A terminal that is gone needs no restoring.
      }
    },
  };
}

/**
 * Opens the terminal on stdout again, so that making it non-blocking does not affect other processes that share it.
 */
function openAnew(): number {
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // The terminal of another user, or a system other than Linux.
    return STDOUT;
  }
}
