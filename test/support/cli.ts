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

/** The program as it is installed; `npm run build` makes what it loads. */
export const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

type Env = Readonly<Record<string, string>>;

/** Compiled code, for all tests of this run. */
const CACHE = mkdtempSync(join(tmpdir(), 'delayer-cache-'));
process.once('exit', () => {
  rmSync(CACHE, { recursive: true, force: true });
});

export interface RunOptions {
  /** What comes on stdin, which ends then; it is empty when absent. */
  readonly stdin?: string | Buffer | undefined;
  readonly env?: Env;
  readonly cwd?: string;
  /** An open file to write to; collected when absent. */
  readonly stdout?: number | undefined;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A command that was started, in a process group of its own. */
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

  /** What was printed on stderr so far. */
  get stderr(): string {
    return this.errors;
  }

  /** Whole lines that were printed so far. */
  get lines(): string[] {
    return this.stdout.toString().split('\n').slice(0, -1);
  }

  /** Waits for so many lines on stdout. */
  async printed(count: number): Promise<string[]> {
    await eventually(() => this.lines.length >= count || this.failIfOver());
    return this.lines;
  }

  /** Waits for a text on stdout; of a terminal, on either. */
  async printsText(pattern: RegExp, withinMs = 10_000): Promise<void> {
    await eventually(() => pattern.test(this.stdout.toString()) || this.failIfOver(), { withinMs });
  }

  /** Waits for a text on stderr. */
  async says(pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(this.errors) || this.failIfOver());
  }

  /** Waits until signals no longer end it at once: it has begun its work. */
  async hearsSignals(): Promise<void> {
    await eventually(() => catchesSignals(this.pid) || this.failIfOver());
  }

  /** Sends a signal, and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Ends it and all that it has started, whatever they are at. */
  killGroup(): void {
    if (this.over || this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It ended by itself just now.
    }
  }

  private failIfOver(): false {
    if (this.over) throw new Error(`it ended before, with on stderr: ${this.errors}`);
    return false;
  }
}

/** Has a process of delayer begun its work, so that a signal does not end it at once any more? */
export function catchesSignals(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  // Node itself catches SIGTERM and SIGINT; SIGHUP is the last that delayer comes to catch.
  return parseInt(caught?.[1]?.slice(-1) ?? '0', 16) % 2 === constants.signals.SIGHUP;
}

/** Where a test runs commands: a home of its own, and no settings but those given. */
export interface CliGround {
  /** The home folder: data is in `data`, configuration in `config` below it. */
  readonly home: string;
  readonly env: Env;
  /** `delayer ARG…` */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** The same, to be ended by the test, or after it. Stdin stays open unless it is given. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** A script for bash in which `delayer` is the command. */
  sh(script: string, options?: RunOptions): Promise<Outcome>;
  startSh(script: string, options?: RunOptions): Running;
  /** A command of bash on a terminal, which shows stdout and stderr together. */
  terminal(command: string, options?: RunOptions): Promise<string>;
  /** The same, to be typed at: what is written to its stdin comes as from a keyboard. */
  startTerminal(command: string, options?: RunOptions): Running;
  /** The store of the commands, opened here; closed after the test. */
  queue(): Promise<Queue>;
}

const running = new Set<Running>();
process.on('exit', () => {
  for (const one of running) one.killGroup();
});

/**
 * Gives each test of a suite a home folder; what it started is ended after it.
 * @param settings more environment variables, asked for before each test
 */
export function useCli(settings: (home: string) => Env = () => ({})): CliGround {
  let home = '';
  let env: Env = {};
  const mine = new Set<Running>();
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
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    for (const one of mine) one.killGroup();
    await Promise.all([...mine].map((one) => one.ended));
    for (const one of mine) running.delete(one);
    mine.clear();
    rmSync(home, { recursive: true, force: true });
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
    run: (args, options = {}) => launch(process.execPath, node(args), options, false).ended,
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

/** Runs the same tests on a Redis and on an SQLite file of their own, chosen by DELAYER_STORE. */
export function forEachStore(define: (cli: CliGround) => void, stores = STORES): void {
  if (stores.includes('Redis'))
    describe('on Redis', () => {
      const redis = useRedis();
      define(useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix })));
    });
  if (stores.includes('SQLite'))
    describe('on SQLite', () => {
      define(useCli((home) => ({ DELAYER_STORE: `sqlite:${join(home, 'queue.db')}` })));
    });
}

export const linesOf = ({ stdout }: Outcome): string[] => stdout.toString().split('\n').slice(0, -1);

/** Each line of stdout as JSON. */
export const jsonOf = (outcome: Outcome): Record<string, unknown>[] =>
  linesOf(outcome).map((line) => JSON.parse(line) as Record<string, unknown>);

/** The one JSON document on stdout. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what the test expects it to be
export function documentOf<T>(outcome: Outcome): T {
  return JSON.parse(outcome.stdout.toString()) as T;
}

export const idsIn = (lines: readonly string[]): string[] =>
  lines.map((line) => (JSON.parse(line) as { id: string }).id);

/** It succeeded and printed nothing on stderr. */
export function expectQuiet(outcome: Outcome): Outcome {
  expect(outcome.stderr).to.equal('');
  expect(outcome).to.include({ code: 0, signal: null });
  return outcome;
}
