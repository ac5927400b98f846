import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PushRequest } from '../src/core/requests.js';
import { RedisServer } from '../test/support/redis-server.js';

/** The options of a run, and where a workload reports its progress. */
export interface Bench {
  /** A quick run to check that everything works; its figures mean little. */
  readonly small: boolean;
  /** The number of rounds in which the two sides take turns. */
  readonly rounds: number;
  /** The folder of another release to compare with, for workloads that can do so. */
  readonly besideRelease?: string | undefined;
  readonly progress: (message: string) => void;
}

export interface Workload {
  readonly name: string;
  /** One line: what is measured, and what it is compared with. */
  readonly about: string;
  /** Runs only when it is named: it takes many minutes. */
  readonly long?: boolean;
  run(bench: Bench): Promise<Figure[]>;
}

/** One row of the table. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The other side of the same run, in the same unit. */
  readonly beside?: { readonly what: string; readonly value: number };
  /** The median of the pairwise ratios of `value` to the other side. */
  readonly ratio?: number;
  /** The goal of the ratio, or of the value if there is no ratio. */
  readonly goal?: Goal;
}

export interface Goal {
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The limit for the first release, where it is less strict than the goal. */
  readonly now?: number;
}

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = join(ROOT, 'bin', 'run.js');
const PEERS = join(ROOT, 'bench', 'peers');

const folders = new Set<string>();
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, which is removed at the end of this process. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'delayer-bench-'));
  folders.add(folder);
  return folder;
}

/** The folder for code that V8 has compiled, so that the user's cache is not used. */
const CACHE = makeFolder();

/** Node parses the file that NODE_EXTRA_CA_CERTS names at every start, which would flatter every ratio. */
export const ENVIRONMENT: Readonly<NodeJS.ProcessEnv> = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => name !== 'NODE_EXTRA_CA_CERTS' && !name.startsWith('DELAYER_'),
    ),
  ),
  XDG_CACHE_HOME: CACHE,
};

/** The command line of `delayer` as a user runs it, without the shell. */
export const delayer = (...args: string[]): string[] => [process.execPath, PROGRAM, ...args];

/** The command line of a bare program of `bench/peers`. */
export const peer = (name: string, ...args: string[]): string[] => [
  process.execPath,
  join(PEERS, `${name}.mjs`),
  ...args,
];

/** Starts a command, which the caller must end. */
export function start(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const [program = '', ...args] = command;
  return spawn(program, args, { stdio: 'ignore', env: ENVIRONMENT, ...options });
}

/**
 * Runs a command to its end, with stdout in a file.
 * @returns the time (ms) that it took
 * @throws Error with its stderr unless its exit code is 0
 */
export async function runTimed(command: readonly string[], stdout = '/dev/null'): Promise<number> {
  const out = openSync(stdout, 'w');
  const begun = performance.now();
  const child = start(command, { stdio: ['ignore', out, 'pipe'] });
  closeSync(out);
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const ms = performance.now() - begun;
  if (code !== 0)
    throw new Error(`${command.slice(1).join(' ')} ended with ${signal ?? String(code)}: ${said}`);
  return ms;
}

/** Ends a process and waits until it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** Calls `use` with a new folder, and removes the folder. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeFolder();
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

/** Calls `use` with a new redis-server on a socket in a folder of its own, and removes both. */
export async function withRedis<T>(
  use: (server: RedisServer) => Promise<T>,
  args: string[] = [],
): Promise<T> {
  const server = await RedisServer.start({ args });
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/**
 * Runs two sides in turns, each beginning every other round. The first round is a warm-up and does not count.
 */
export async function inTurns(
  bench: Bench,
  what: string,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Turns> {
  const pairs: [number, number][] = [];
  for (let round = 0; round <= bench.rounds; round += 1) {
    bench.progress(`${what}, round ${round} of ${bench.rounds}`);
    let [a, b] = [0, 0];
    if (round % 2 === 0) {
      a = await ours();
      b = await theirs();
    } else {
      b = await theirs();
      a = await ours();
    }
    if (round > 0) pairs.push([a, b]);
  }
  return {
    ours: median(pairs.map(([a]) => a)),
    theirs: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => a / b)),
  };
}

export interface Turns {
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}

/** A figure of two sides that took turns. */
export function paired(what: string, unit: string, turns: Turns, beside: string, goal?: Goal): Figure {
  return {
    what,
    value: turns.ours,
    unit,
    beside: { what: beside, value: turns.theirs },
    ratio: turns.ratio,
    ...(goal ? { goal } : {}),
  };
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** By the nearest rank; NaN when there are no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The rate per second, when `count` took `ms`. */
export const perSecond = (count: number, ms: number): number => (count / ms) * 1000;

/** The time (ms) that `work` took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

const HOUR_MS = 3_600_000;

/** A body with the size of a typical order in JSON. */
export const bodyOf = (n: number): string => `{"orderID":${n},"shop":"north","amount":129900}`;

/** Jobs of one topic, with the ids `stem`-0, `stem`-1, … */
export function makeJobs(count: number, stem: string, topic = 'orders', delayMs = HOUR_MS): PushRequest[] {
  return Array.from({ length: count }, (_, n) => ({ id: `${stem}-${n}`, topic, body: bodyOf(n), delayMs }));
}

/** Writes jobs as NDJSON. `delayOf` returns seconds. */
export async function writeNdjson(
  file: string,
  count: number,
  stem: string,
  delayOf: (n: number) => number,
): Promise<void> {
  const stream = createWriteStream(file);
  for (let n = 0; n < count; n += 1) {
    const line = JSON.stringify({ id: `${stem}-${n}`, topic: 'orders', body: bodyOf(n), delay: delayOf(n) });
    if (!stream.write(`${line}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
}

export function* batches<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

/** The first group of a match in /proc/PID/FILE, or undefined without /proc. */
export function procLine(pid: number | undefined, file: string, name: RegExp): string | undefined {
  try {
    return name.exec(readFileSync(`/proc/${pid ?? 0}/${file}`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
