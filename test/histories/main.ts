import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { StoreName } from './operations.js';
import { MAX_SEED, type Outcome, runHistories } from './run.js';
import { SMALL_LIMITS } from './small-limits.js';
import { copyOfTree, edit } from './tree.js';

const USAGE =
  'usage: npm run test:histories -- [--store redis|sqlite] [--seed N] [--path P] [--operations N] [--look-every N] [--small-limits] [--verbose] [--json]';

interface Options {
  readonly stores: readonly StoreName[];
  readonly seed: number;
  readonly path: string | undefined;
  readonly operations: number;
  readonly lookEvery: number;
  /** Lowers limits of Redis's scripts, see SMALL_LIMITS. */
  readonly smallLimits: boolean;
  /** Runs in the copy of the tree that has these limits. */
  readonly isInCopy: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

class UsageError extends Error {}

function readOptions(args: string[]): Options {
  const { values } = parse(args);
  const { store, seed, path, operations, verbose = false, json = false, 'look-every': lookEvery } = values;
  if (store !== undefined && store !== 'redis' && store !== 'sqlite')
    throw new UsageError(`--store is neither redis nor sqlite: ${store}`);
  if (path !== undefined && seed === undefined)
    throw new UsageError('--path needs the --seed that it belongs to');
  if (path !== undefined && !/^\d+(:\d+)*$/.test(path)) throw new UsageError(`--path is none: ${path}`);
  return {
    stores: store === undefined ? ['redis', 'sqlite'] : [store],
    seed: seed === undefined ? Math.floor(Math.random() * MAX_SEED) : toNumber(seed, '--seed', 0, MAX_SEED),
    path,
    operations: operations === undefined ? 1_000_000 : toNumber(operations, '--operations', 1, 1e12),
    lookEvery: lookEvery === undefined ? 1 : toNumber(lookEvery, '--look-every', 1, 1000),
    smallLimits: values['small-limits'] ?? false,
    isInCopy: values['in-copy'] ?? false,
    verbose,
    json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        store: { type: 'string' },
        seed: { type: 'string' },
        path: { type: 'string' },
        operations: { type: 'string' },
        'look-every': { type: 'string' },
        'small-limits': { type: 'boolean' },
        'in-copy': { type: 'boolean' },
        verbose: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function toNumber(text: string, flag: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${flag} is not a whole number from ${least} to ${most}: ${text}`);
}

/** SIGUSR2 ends a run after the histories of the current seed; it then prints its counts. */
const ended = new AbortController();
process.once('SIGUSR2', () => {
  ended.abort();
});

/** @returns whether the store agrees with the model */
async function runStore(store: StoreName, options: Options): Promise<boolean> {
  const begun = performance.now();
  const { seed, path, operations, lookEvery } = options;
  const outcome = await runHistories({
    store,
    seed,
    path,
    operations,
    lookEvery,
    shrink: !options.json,
    signal: ended.signal,
    onProgress: progressOf(store, options),
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  report(store, outcome, (performance.now() - begun) / 1000, options);
  return outcome.failure === undefined;
}

const PROGRESS_EVERY_MS = 60_000;

/** Shows progress: on a terminal in one line that is updated, else with --verbose in a line per minute. */
function progressOf(store: StoreName, { verbose }: Options): ((operations: number) => void) | undefined {
  const begun = performance.now();
  const { isTTY } = process.stderr;
  if (!isTTY && !verbose) return undefined;
  let next = begun + (isTTY ? 0 : PROGRESS_EVERY_MS);
  return (operations) => {
    const now = performance.now();
    if (now < next) return;
    if (!isTTY) next = now + PROGRESS_EVERY_MS;
    const text = `${store}: ${operations} operations, ${Math.round((1000 * operations) / (now - begun))} a second`;
    process.stderr.write(isTTY ? `\r${text} ` : `${text}\n`);
  };
}

function report(
  store: StoreName,
  outcome: Outcome,
  seconds: number,
  { json, seed, smallLimits }: Options,
): void {
  const { operations, histories, failure } = outcome;
  if (json) {
    const account = failure?.account.split('\n').slice(-8).join('\n');
    console.log(
      JSON.stringify({
        store,
        seed: failure?.seed ?? seed,
        operations,
        histories,
        failed: failure !== undefined,
        path: failure?.path,
        account,
      }),
    );
    return;
  }
  const speed = `${Math.round(seconds)} s, ${Math.round(operations / seconds)} a second`;
  if (!failure) {
    console.log(
      `${store}: ${operations} operations in ${histories} histories, no difference (seed ${seed}; ${speed})`,
    );
    return;
  }
  console.log(`${store}: a difference after ${operations} operations. The shortest history that shows it:`);
  console.log(failure.account);
  console.log(
    `Again: npm run test:histories -- --store ${store} --seed ${failure.seed} --path ${failure.path}${smallLimits ? ' --small-limits' : ''}`,
  );
}

/** Runs the histories in a copy of the tree whose limits are lower. @returns the exit code */
async function runInCopy(args: readonly string[]): Promise<number> {
  const dir = copyOfTree();
  try {
    edit(dir, SMALL_LIMITS);
    const run = async (...command: string[]) => {
      const child = spawn(process.execPath, command, { cwd: dir, stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      return code ?? 1;
    };
    const code = await run('scripts/generate.mjs');
    return code === 0
      ? await run('scripts/run-bundled.mjs', 'test/histories/main.ts', ...args, '--in-copy')
      : code;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  try {
    const args = process.argv.slice(2);
    const options = readOptions(args);
    if (options.smallLimits && !options.isInCopy) {
      process.exitCode = await runInCopy(args);
      return;
    }
    for (const store of options.stores)
      if (!ended.signal.aborted && !(await runStore(store, options))) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${USAGE}`.split('\n')[0]);
    process.exitCode = 2;
  }
}

await main();
