import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { bundled } from '../../support/bundle.js';

const CHILD = new URL('child.ts', import.meta.url);

export interface Child {
  /** The lines printed so far. */
  readonly lines: readonly string[];
  readonly process: ChildProcess;
  /** Sends SIGKILL, and waits for the end of the process. */
  kill(): Promise<void>;
  /** Waits for the end of the process; returns its lines. */
  ended(): Promise<readonly string[]>;
}

export interface ChildOptions {
  /** Runs it as another user. */
  readonly uid?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A command that sh runs first, such as `ulimit -n 40`. */
  readonly before?: string | undefined;
}

/** Starts child.ts. */
export function startChild(args: readonly (string | number)[], options: ChildOptions = {}): Child {
  const { uid, env = {}, before = ':' } = options;
  const child = spawn(
    'sh',
    ['-c', `${before}; exec "$@"`, 'sh', process.execPath, bundled(CHILD), ...args.map(String)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  );
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
