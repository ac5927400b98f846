import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { DelayerError, type ErrorCode } from '../../core/errors.js';
import { writeStderr } from '../stderr.js';
import type { Print } from './log.js';

/**
 * How a daemon in the background reports its start to the process that started it: over the descriptor in
 * DELAYER_READY_FD.
 */
const PIPE = 3;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Why the system gives no process, and what to do. */
const SYSTEM_LIMITS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EAGAIN: ['too many processes (EAGAIN)', 'Raise the limit (ulimit -u, TasksMax of systemd), or end some.'],
  EMFILE: ['too many open files in this process (EMFILE)', 'Raise its limit (ulimit -n).'],
  ENFILE: [
    'too many open files on this machine (ENFILE)',
    'Raise its limit (sysctl fs.file-max), or close some.',
  ],
  ENOMEM: ['the machine is out of memory (ENOMEM)', 'Free some memory.'],
};

/** A line of the report of a daemon that starts. */
type StartMessage =
  | { readonly print: string }
  | { readonly ready: true }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string } };

/**
 * Starts this command line again, in a session of its own without a terminal, and waits until the daemon is up. What
 * it prints until then appears on stderr.
 * @returns its process number
 * @throws DelayerError what its start failed with
 */
export async function startDetached(): Promise<number> {
  const child = await spawnDaemon();
  // A signal to the waiting process is passed to the daemon that starts.
  const pass = SIGNALS.map((name) => [name, () => child.kill(name)] as const);
  for (const [name, listener] of pass) process.on(name, listener);
  try {
    return await untilReady(child);
  } finally {
    for (const [name, listener] of pass) process.off(name, listener);
    child.unref();
  }
}

/** @throws DelayerError when the system gives no process */
async function spawnDaemon(): Promise<ChildProcess> {
  try {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...process.env, DELAYER_READY_FD: `${PIPE}` },
    });
    await once(child, 'spawn');
    return child;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const [reason = message, hint] = SYSTEM_LIMITS[code] ?? [];
    throw new DelayerError('daemon_not_started', `the daemon cannot be started: ${reason}`, {
      hint,
      cause: error,
    });
  }
}

async function untilReady(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  ended.catch(() => undefined);
  const pipe = child.stdio[PIPE] as Readable;
  for await (const line of createInterface({ input: pipe })) {
    const message = JSON.parse(line) as StartMessage;
    if ('print' in message) writeStderr(message.print);
    else if ('ready' in message) {
      pipe.destroy();
      return child.pid ?? 0;
    } else throw new DelayerError(message.error.code, message.error.message, { hint: message.error.hint });
  }
  const [code, signal] = await ended;
  throw new DelayerError(
    'daemon_not_started',
    `the daemon ended before it was up: ${signal ?? `exit code ${code ?? 0}`}`,
  );
}

/** The daemon's side: reports how its start went. Does nothing when no process waits for that. */
export class StartReport {
  private isOpen = true;

  private constructor(private readonly fd: number) {}

  /** Undefined when this process was not started by `startDetached`. */
  static open(): StartReport | undefined {
    const fd = process.env.DELAYER_READY_FD;
    delete process.env.DELAYER_READY_FD;
    return fd === undefined ? undefined : new StartReport(Number(fd));
  }

  /** Success is not printed, as by any command. */
  readonly print: Print = (text, level) => {
    if (level === 'warn' || level === 'error') this.tell({ print: text });
  };

  ready(): void {
    this.tell({ ready: true });
    this.close();
  }

  failed({ code, message, hint }: DelayerError): void {
    this.tell({ error: { code, message, hint } });
    this.close();
  }

  private tell(message: StartMessage): void {
    if (!this.isOpen) return;
    try {
      writeSync(this.fd, `${JSON.stringify(message)}\n`);
    } catch {
      // The process that waited is gone.
    }
  }

  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.fd);
  }
}
