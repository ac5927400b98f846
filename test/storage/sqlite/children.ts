import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const CHILD = new URL('child.ts', import.meta.url).pathname;

export interface Child {
  /** The lines that it has printed so far. */
  readonly lines: readonly string[];
  readonly process: ChildProcess;
  /** Ends it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
  /** Waits for its end; answers its lines. */
  ended(): Promise<readonly string[]>;
}

/** Starts child.ts. `uid` makes it the process of another user. */
export function startChild(args: readonly (string | number)[], uid?: number): Child {
  const child = spawn(process.execPath, ['--import=tsx', CHILD, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const closed = Promise.all([once(reader, 'close'), once(child, 'close')]);
  return {
    lines,
    process: child,
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    ended: async () => {
      await closed;
      return lines;
    },
  };
}
