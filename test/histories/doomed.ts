import { buildSync } from 'esbuild';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Queue } from '../../src/core/queue.js';

/** Operations that a process may be killed in. */
export type DoomedMethod =
  | 'pushMany'
  | 'import'
  | 'reserve'
  | 'hold'
  | 'ack'
  | 'release'
  | 'nack'
  | 'removeMany'
  | 'requeue'
  | 'promote'
  | 'reschedule'
  | 'edit';

/** What a process is to do, and where it is to end. */
export interface Task {
  readonly path: string;
  /** What its clock shows (ms). */
  readonly now: number;
  readonly method: DoomedMethod;
  readonly args: Parameters<Queue[DoomedMethod]>;
  /** At this statement of the call, counted from 1. */
  readonly killAt: number;
  /** After it was run, and not before. */
  readonly after: boolean;
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
/** Below node_modules, from where the bundle finds the packages that it does not hold. */
const BUNDLE = fileURLToPath(
  new URL(`../../node_modules/.cache/delayer-histories/child-${process.pid}.mjs`, import.meta.url),
);

/** Starts processes that are killed by SIGKILL within a call. One is always at hand: to start takes longer than a history. */
export class Doomed {
  private next: ChildProcess | undefined;
  private isBuilt = false;

  /**
   * @returns was the call answered before the process ended? Otherwise it was done as a whole or not at all
   * @throws Error when it ended in another way
   */
  async perform(task: Task): Promise<boolean> {
    const child = this.next ?? this.start();
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
    const said: unknown[] = [];
    child.on('message', (message) => said.push(message));
    child.send(task);
    const [, signal] = await ended;
    this.next = this.start();
    if (signal !== 'SIGKILL') throw new Error(`the process that was to be killed ended: ${said.join()}`);
    return said.includes('done');
  }

  close(): void {
    this.next?.kill('SIGKILL');
    rmSync(BUNDLE, { force: true });
  }

  private start(): ChildProcess {
    // One file is loaded ten times faster than the sources through tsx.
    if (!this.isBuilt)
      buildSync({
        entryPoints: [CHILD],
        outfile: BUNDLE,
        bundle: true,
        platform: 'node',
        format: 'esm',
        packages: 'external',
        logLevel: 'error',
      });
    this.isBuilt = true;
    return fork(BUNDLE, { serialization: 'advanced', execArgv: [] });
  }
}
