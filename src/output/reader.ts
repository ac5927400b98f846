import type { ChildProcess } from 'node:child_process';
import { fstatSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { OutputError } from './stdout.js';

const STDOUT = 1;
/**
 * A command that writes notices a closed pipe by itself; one that has waited for so long (ms) begins to watch.
 */
const IDLE_MS = 300;
/** How often (ms) it looks, where it has to poll. */
const INTERVAL_MS = 500;

/**
 * Notices within a second that the reader of stdout is gone, while nothing is printed. Node itself sees that only
 * when it writes.
 * @param onGone is called once
 * @returns a function that ends the watch
 */
export function watchReader(onGone: (error: OutputError) => void): () => void {
  const stat = fstatSync(STDOUT);
  const watch = stat.isFIFO() ? watchPipe : stat.isSocket() ? watchSocket : undefined;
  if (watch === undefined) return () => undefined;
  let end: (() => void) | undefined;
  let isOver = false;
  const gone = () => {
    if (isOver) return;
    isOver = true;
    onGone(new OutputError(0, Object.assign(new Error('EPIPE: broken pipe'), { code: 'EPIPE' })));
  };
  const timer = setTimeout(() => {
    end = watch(gone);
  }, IDLE_MS);
  timer.unref();
  return () => {
    isOver = true;
    clearTimeout(timer);
    end?.();
  };
}

/** On a socket whose other end is closed a write of no bytes fails. On a pipe it never does. */
function watchSocket(gone: () => void): () => void {
  const timer = setInterval(() => {
    try {
      writeSync(STDOUT, Buffer.alloc(0));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') gone();
    }
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * GNU's tail dies by SIGPIPE when the reader of its stdout goes, and ends with this process because of --pid. It
 * prints nothing. Another tail does not know --pid and ends at once; then nothing watches.
 */
function watchPipe(gone: () => void): () => void {
  const { spawn } = childProcess();
  const args = ['-f', `--pid=${process.pid}`, `--sleep-interval=${INTERVAL_MS / 1000}`, '/dev/null'];
  let tail: ChildProcess;
  try {
    // In a session of its own, so that signals of the terminal reach only this process.
    tail = spawn('tail', args, { stdio: ['ignore', 'inherit', 'ignore'], detached: true, cwd: '/' });
  } catch {
    return () => undefined;
  }
  tail.on('error', () => undefined);
  tail.on('exit', (_code, signal) => {
    if (signal === 'SIGPIPE') gone();
  });
  tail.unref();
  return () => tail.kill('SIGKILL');
}

/** Loaded when it is needed, because loading takes milliseconds. */
function childProcess(): typeof import('node:child_process') {
  return createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
}
