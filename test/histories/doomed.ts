import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Queue } from '../../src/core/queue.js';
import { bundled } from '../support/bundle.js';

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

/** The call that a process makes, and where in it the process ends. */
export interface Task {
  readonly path: string;
  /** The time of its clock (ms). */
  readonly now: number;
  readonly method: DoomedMethod;
  readonly args: Parameters<Queue[DoomedMethod]>;
  /** The statement of the call at which it ends, counted from 1. */
  readonly killAt: number;
  /** Whether it ends after that statement, and not before. */
  readonly after: boolean;
}

const CHILD = new URL('child.ts', import.meta.url);

/** Starts processes that kill themselves within a call. The next one is started ahead, because a start takes longer than a history. */
export class Doomed {
  private next: ChildProcess | undefined;

  /**
   * @returns whether the call was answered before the process ended; otherwise it was done as a whole or not at all
   * @throws Error if the process ended in another way
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
  }

  private start(): ChildProcess {
    return fork(bundled(CHILD), { serialization: 'advanced', execArgv: [] });
  }
}
