import { expect } from 'chai';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Queue } from '../../src/core/queue.js';
import { openQueue } from '../../src/storage/open.js';
import { eventually } from './eventually.js';
import { useRedis } from './redis.js';
import { ReusedProcess } from './reused-process.js';

/** The installed program; it loads what `npm run build` made. */
export const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export type Env = Readonly<Record<string, string>>;

/** The folder of compiled code, shared by all tests of this run. */
const CACHE = mkdtempSync(join(tmpdir(), 'delayer-cache-'));
process.once('exit', () => {
  rmSync(CACHE, { recursive: true, force: true });
});

export interface RunOptions {
  /** The whole of stdin, empty by default. */
  readonly stdin?: string | Buffer | undefined;
  readonly env?: Env;
  readonly cwd?: string;
  /** A descriptor to write to; by default stdout is collected. */
  readonly stdout?: number | undefined;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A running command, in its own process group. */
export class Running {
  readonly ended: Promise<Outcome>;
  private readonly chunks: Buffer[] = [];
  private errors = '';
  private over = false;

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.over = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.errors });
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('it was not started');
    return this.child.pid;
  }

  get stdout(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** stderr so far. */
  get stderr(): string {
    return this.errors;
  }

  /** The whole lines of stdout so far. */
  get lines(): string[] {
    return this.stdout.toString().split('\n').slice(0, -1);
  }

  /** Waits for at least `count` lines on stdout. */
  async printed(count: number): Promise<string[]> {
    await eventually(() => this.lines.length >= count || this.failIfOver());
    return this.lines;
  }

  /** Waits for a text on stdout, which on a terminal includes stderr. */
  async printsText(pattern: RegExp, withinMs = 10_000): Promise<void> {
    await eventually(() => pattern.test(this.stdout.toString()) || this.failIfOver(), { withinMs });
  }

  /** Waits for a text on stderr. */
  async says(pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(this.errors) || this.failIfOver());
  }

  /** Waits for its end, which has to come by itself. @throws when it does not */
  async endsByItself(withinMs = 15_000): Promise<Outcome> {
    const isOver = () => this.over || Promise.reject(new Error(`it goes on; on stderr: ${this.errors}`));
    await eventually(isOver, { withinMs });
    return this.ended;
  }

  /** Waits until it has its signal handlers, and so has begun its work. */
  async hearsSignals(): Promise<void> {
    await eventually(() => catchesSignals(this.pid) || this.failIfOver());
  }

  /** Sends a signal, and waits for the end of the process. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Kills it and the processes that it has started. */
  killGroup(): void {
    if (this.over || this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // The group has just ended by itself.
    }
  }

  private failIfOver(): false {
    if (this.over) throw new Error(`it ended before, with on stderr: ${this.errors}`);
    return false;
  }
}

/** Whether a process of delayer has its signal handlers, so that a signal does not end it at once. */
export function catchesSignals(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  // Node itself catches SIGTERM and SIGINT; SIGHUP is the last handler that delayer installs.
  return parseInt(caught?.[1]?.slice(-1) ?? '0', 16) % 2 === constants.signals.SIGHUP;
}

/** Where a test runs commands: in a fresh home folder, with only the given settings. */
export interface CliGround {
  /** The home folder, with data in `data` and configuration in `config`. */
  readonly home: string;
  readonly env: Env;
  /**
   * Runs `delayer ARG…` to its end: in a process that ran a command before (reused.cjs), where stdin and stdout are not
   * given and no other command runs there, and otherwise in a new one.
   */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Starts `delayer ARG…`, which is killed after the test. Stdin stays open unless it is given. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** Runs a bash script, with `delayer` in its PATH. */
  sh(script: string, options?: RunOptions): Promise<Outcome>;
  startSh(script: string, options?: RunOptions): Running;
  /** Runs a bash command on a terminal, which shows stdout and stderr together. */
  terminal(command: string, options?: RunOptions): Promise<string>;
  /** Starts a bash command on a terminal; its stdin is the keyboard. */
  startTerminal(command: string, options?: RunOptions): Running;
  /** Opens the store of the commands in this process; it is closed after the test. */
  queue(): Promise<Queue>;
}

const running = new Set<Running>();
process.on('exit', () => {
  for (const one of running) one.killGroup();
});

/**
 * Gives each test of a suite a home folder; the commands that it started are killed after it.
 * @param settings is called before each test for more environment variables
 */
export function useCli(settings: (home: string) => Env = () => ({})): CliGround {
  let home = '';
  let env: Env = {};
  const mine = new Set<Running>();
  const reused = new ReusedProcess(PROGRAM);
  const queues: Queue[] = [];

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'delayer-cli-'));
    mkdirSync(join(home, 'bin'));
    const wrapper = `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`;
    writeFileSync(join(home, 'bin', 'delayer'), wrapper, { mode: 0o755 });
    env = {
      PATH: `${join(home, 'bin')}:${process.env.PATH ?? ''}`,
      HOME: home,
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_CACHE_HOME: CACHE,
      TZ: 'UTC',
      ...settings(home),
    };
  });
  after('end the reused process', () => reused.close());
  afterEach(async () => {
    reused.endRun();
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    for (const one of mine) one.killGroup();
    await Promise.all([...mine].map((one) => one.ended));
    for (const one of mine) running.delete(one);
    mine.clear();
    // A process that ends may still write into it.
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  });

  const launch = (program: string, args: readonly string[], options: RunOptions, keepStdin: boolean) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? home,
      env: { ...env, ...options.env },
      stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
      detached: true,
    });
    child.stdin?.on('error', () => undefined); // A command may end without reading it.
    if (options.stdin !== undefined || !keepStdin) child.stdin?.end(options.stdin ?? '');
    const one = new Running(child);
    running.add(one);
    mine.add(one);
    return one;
  };
  const launchTerminal = (command: string, options: RunOptions, keepStdin: boolean) => {
    const asTerminal = { ...options, env: { TERM: 'xterm-256color', SHELL: '/bin/bash', ...options.env } };
    return launch('script', ['-qec', command, '/dev/null'], asTerminal, keepStdin);
  };
  const node = (args: readonly string[]) => [PROGRAM, ...args];
  return {
    get home() {
      return home;
    },
    get env() {
      return env;
    },
    run: (args, options = {}) => {
      const { stdin, stdout, cwd = home } = options;
      // With --debug the process traces sources ever after.
      const mayReuse = stdin === undefined && stdout === undefined && !args.includes('--debug');
      return mayReuse && reused.isIdle
        ? reused.run(args, { cwd, env: { ...env, ...options.env } })
        : launch(process.execPath, node(args), options, false).ended;
    },
    start: (args, options = {}) => launch(process.execPath, node(args), options, true),
    sh: (script, options = {}) => launch('bash', ['-c', script], options, false).ended,
    startSh: (script, options = {}) => launch('bash', ['-c', script], options, true),
    terminal: async (command, options = {}) => {
      const { stdout } = await launchTerminal(command, options, false).ended;
      return stdout.toString();
    },
    startTerminal: (command, options = {}) => launchTerminal(command, options, true),
    queue: async () => {
      const queue = await openQueue(env.DELAYER_STORE ?? '', { prefix: env.DELAYER_PREFIX });
      queues.push(queue);
      return queue;
    },
  };
}

export type StoreName = 'Redis' | 'SQLite';
export const STORES: readonly StoreName[] = ['Redis', 'SQLite'];

/** Defines a test as `it` does. */
export type Define = (title: string, test: Mocha.AsyncFunc) => void;

/**
 * Defines the same tests for Redis and for SQLite, with the store in DELAYER_STORE. `itOnce` is for tests of the command
 * line alone, of what it reads, prints and refuses, which is the same on each store: they run on the last store only.
 */
export function forEachStore(define: (cli: CliGround, itOnce: Define) => void, stores = STORES): void {
  const itOn = (store: StoreName): Define => (store === stores.at(-1) ? it : () => undefined);
  if (stores.includes('Redis'))
    describe('on Redis', () => {
      const redis = useRedis();
      define(
        useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix })),
        itOn('Redis'),
      );
    });
  if (stores.includes('SQLite'))
    describe('on SQLite', () => {
      define(
        useCli((home) => ({ DELAYER_STORE: `sqlite:${join(home, 'queue.db')}` })),
        itOn('SQLite'),
      );
    });
}

export const linesOf = ({ stdout }: Outcome): string[] => stdout.toString().split('\n').slice(0, -1);

/** The lines of stdout, parsed as JSON. */
export const jsonOf = (outcome: Outcome): Record<string, unknown>[] =>
  linesOf(outcome).map((line) => JSON.parse(line) as Record<string, unknown>);

/** The one JSON document on stdout. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what the test expects it to be
export function documentOf<T>(outcome: Outcome): T {
  return JSON.parse(outcome.stdout.toString()) as T;
}

export const idsIn = (lines: readonly string[]): string[] =>
  lines.map((line) => (JSON.parse(line) as { id: string }).id);

/** Expects success with nothing on stderr. */
export function expectQuiet(outcome: Outcome): Outcome {
  expect(outcome.stderr).to.equal('');
  expect(outcome).to.include({ code: 0, signal: null });
  return outcome;
}
