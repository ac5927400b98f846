import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ProgramEnd } from '../../handler.js';
import type { Environment } from './environment.js';
import { GroupEnd } from './group.js';

/**
 * The output before the exit has been read when so many turns of the event loop after it brought nothing more.
 */
const IDLE_TURNS = 3;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** Takes bytes, and returns nothing or a promise that resolves when it can take more. */
export type TakeBytes = (chunk: Buffer) => Promise<void> | undefined;

export interface ProgramOptions {
  readonly env: Environment;
  readonly input: Buffer;
  /** Is called when its process group exists; it gets its input after that. */
  readonly onStarted: (group: number) => void;
  readonly onStdout: TakeBytes;
  readonly onStderr: TakeBytes;
  /** Everything that could print is gone, including processes that the program left running. */
  readonly onClosed: () => void;
  readonly killAfterMs: number;
}

/** A program in a process group of its own, from its start to its end. */
export class Program {
  /** Its process group; undefined when it could not be started. */
  readonly group: number | undefined;
  /**
   * Resolves when it has ended and its output was read; processes that it left running are not waited for, nor is the
   * reader of the output after `stop`.
   */
  readonly ended: Promise<ProgramEnd>;
  /** Why it could not be started. */
  error: NodeJS.ErrnoException | undefined;
  /** Was it stopped while it ran? */
  wasStopped = false;

  private readonly child: ChildProcessWithoutNullStreams | undefined;
  private end: ProgramEnd | undefined;
  private groupEnd: GroupEnd | undefined;
  private isClosed = false;
  private idleTurns = 0;
  private looking: NodeJS.Immediate | undefined;
  /** Is it over only when its output was read? */
  private waitsForReader = true;
  /** Streams that are paused. */
  private paused = 0;
  private resolve: (end: ProgramEnd) => void = () => undefined;

  constructor(
    { file, args }: Command,
    private readonly options: ProgramOptions,
  ) {
    this.ended = new Promise((resolve) => (this.resolve = resolve));
    try {
      // A group of its own, so that all of its processes can be ended, and signals of the terminal reach only this
      // process.
      this.child = spawn(file, args, { env: options.env, stdio: 'pipe', detached: true });
      this.group = this.child.pid;
      if (this.group !== undefined) options.onStarted(this.group);
      this.listen(this.child);
    } catch (error) {
      options.onClosed();
      this.fail(error as NodeJS.ErrnoException);
    }
  }

  /** Tells its process group to end, unless it has ended and only its output is waiting for a reader. */
  stop(): void {
    this.waitsForReader = false;
    if (this.end !== undefined) this.look();
    if (this.groupEnd !== undefined || this.group === undefined || this.end !== undefined) return;
    this.wasStopped = true;
    this.groupEnd = new GroupEnd(this.group, this.options.killAfterMs);
  }

  private listen(child: ChildProcessWithoutNullStreams): void {
    const { onStdout, onStderr, onClosed, input } = this.options;
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      if (!hasPipes(child)) onClosed();
      this.fail(error);
    });
    if (!hasPipes(child)) return;
    child.on('exit', (code, signal) => {
      this.end = { exitCode: code ?? undefined, signalName: signal ?? undefined };
      this.look();
    });
    child.on('close', () => {
      this.isClosed = true;
      onClosed();
    });
    child.stdout.on('data', (chunk: Buffer) => this.pass(child.stdout, chunk, onStdout));
    child.stderr.on('data', (chunk: Buffer) => this.pass(child.stderr, chunk, onStderr));
    // It may end, or close its stdin, without reading all of it.
    child.stdin.on('error', ignore);
    child.stdin.end(input);
  }

  private pass(stream: Readable, chunk: Buffer, take: TakeBytes): void {
    this.idleTurns = 0;
    const taken = take(chunk);
    if (taken === undefined) return;
    stream.pause();
    this.paused += 1;
    void taken.then(() => {
      this.paused -= 1;
      stream.resume();
      if (this.end !== undefined) this.look();
    });
  }

  /**
   * Has all output before the exit been read? It is in the pipes by then, and the next turns of the event loop read
   * it. The pipes stay open longer when the program left processes running.
   */
  private look(): void {
    if (this.looking !== undefined) return;
    if (this.isClosed || this.idleTurns >= IDLE_TURNS) {
      void this.finish();
    } else if (this.paused === 0 || !this.waitsForReader) {
      this.idleTurns += 1;
      this.looking = setImmediate(() => {
        this.looking = undefined;
        this.look();
      });
    }
  }

  private async finish(): Promise<void> {
    if (!this.isClosed && this.child !== undefined) {
      // Processes that it left running may print as long as this process works, and do not keep it alive.
      unref(this.child.stdout);
      unref(this.child.stderr);
    }
    await this.groupEnd?.wait();
    this.resolve(this.end ?? {});
  }

  private fail(error: NodeJS.ErrnoException): void {
    this.error = error;
    this.resolve({});
  }
}

/** It has none when no descriptor was left for them, which its type does not say. */
const hasPipes = (child: { readonly stdout?: unknown }): boolean => child.stdout !== undefined;

const ignore = (): void => undefined;

/**
 * The pipes of a child are sockets, though their type does not say so: with `unref` they no longer keep this process
 * alive.
 */
export function unref(stream: unknown): void {
  (stream as { unref(): void }).unref();
}
