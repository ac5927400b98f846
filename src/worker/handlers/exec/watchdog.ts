import { type ChildProcess, spawn } from 'node:child_process';
import { unref } from './program.js';

/** That a group has ended is reported together with the next start, or after so long (ms). */
const TELL_MS = 100;
/** How long (ms) the end of the watchdog is waited for. */
const END_MS = 1000;

/**
 * A shell script. It reads the process groups of handlers on stdin, a line each: `GROUP` when one begins, `-GROUP`
 * when it has ended. At the end of stdin it exits, after it has sent TERM to groups that have not ended, and KILL
 * five seconds later. It ignores signals that reach all processes of a service, because it has to end after the
 * worker.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM
live=
while read -r line; do
  case $line in
    -*) left=; for group in $live; do [ "$group" = "\${line#-}" ] || left="$left $group"; done; live=$left ;;
    *) live="$live $line" ;;
  esac
done
for group in $live; do kill -TERM "-$group"; done
for second in 1 2 3 4 5; do
  left=; for group in $live; do kill -0 "-$group" && left="$left $group"; done
  live=$left
  [ -n "$live" ] || exit 0
  sleep 1
done
for group in $live; do kill -KILL "-$group"; done
`;

/**
 * Ends the process groups of handlers when this process is killed: a small shell on a pipe that closes then. Node
 * has nothing for this. A process that leaves its group (setsid) escapes. A handler gets its body only after the
 * watchdog knows of it, so one that has read its body is watched.
 */
export class Watchdog {
  private child: ChildProcess | undefined;
  private isStarted = false;
  private ended = '';
  private timer: NodeJS.Timeout | undefined;

  /** To be called before each handler; handlers that start before are not watched. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    // When the first process of a container ends, all others end as well.
    if (process.pid === 1) return;
    try {
      // In a session of its own, so that what ends the worker's group does not end it.
      const child = spawn('/bin/sh', ['-c', SCRIPT], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        cwd: '/',
      });
      const gone = () => (this.child = undefined);
      child.on('error', gone);
      child.on('exit', gone);
      child.stdin.on('error', gone);
      child.unref();
      unref(child.stdin);
      this.child = child;
    } catch {
      // Without the watchdog, handlers outlive a worker that is killed.
    }
  }

  onStarted(group: number): void {
    this.tell(`${this.ended}${group}\n`);
    this.ended = '';
  }

  onEnded(group: number): void {
    this.ended += `-${group}\n`;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.tell(this.ended);
      this.ended = '';
    }, TELL_MS).unref();
  }

  /** Resolves when the watchdog has ended. */
  async close(): Promise<void> {
    const { child } = this;
    clearTimeout(this.timer);
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, END_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.stdin?.end(this.ended);
    });
  }

  private tell(lines: string): void {
    this.child?.stdin?.write(lines);
  }
}
