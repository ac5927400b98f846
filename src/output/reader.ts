import type { ChildProcess } from 'node:child_process';
import { fstatSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
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
 * GNU's tail dies by SIGPIPE when the reader of its stdout goes. It prints nothing. Another tail does not know --pid
 * and ends at once; then nothing watches.
 *
 * It ends with this process, because the pipe on its stdin does: --pid alone would let it hold stdout as long as
 * nobody has waited for a process that was killed, and who reads its stdout to the end before would wait for ever.
 */
const WATCH = `
exec 3<&0
tail -f --pid="$1" --sleep-interval="$2" /dev/null 3<&- & tail=$!
(read -r _ <&3; kill -KILL $tail) >/dev/null 2>&1 & reader=$!
exec >/dev/null 3<&-
wait $tail
code=$?
kill $reader
exit $code`;
/** As a shell tells of a program that died by SIGPIPE. */
const BY_SIGPIPE = 128 + constants.signals.SIGPIPE;

function watchPipe(gone: () => void): () => void {
  const { spawn } = childProcess();
  const args = ['-c', WATCH, 'delayer-reader', String(process.pid), String(INTERVAL_MS / 1000)];
  let watcher: ChildProcess;
  try {
    // In a session of its own, so that signals of the terminal reach only this process.
    watcher = spawn('sh', args, { stdio: ['pipe', 'inherit', 'ignore'], detached: true, cwd: '/' });
  } catch {
    return () => undefined;
  }
  watcher.on('error', () => undefined);
  watcher.stdin?.on('error', () => undefined);
  watcher.on('exit', (code) => {
    if (code === BY_SIGPIPE) gone();
  });
  watcher.unref();
  (watcher.stdin as Socket | null)?.unref();
  return () => watcher.stdin?.destroy();
}

/** Loaded when it is needed, because loading takes milliseconds. */
function childProcess(): typeof import('node:child_process') {
  return createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
}
