import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs, promisify } from 'node:util';
import { type Defect, misfit } from './defect.js';
import { DEFECTS } from './defects.js';
import type { StoreName } from './operations.js';
import { copyOfTree, edit } from './tree.js';

/**
 * Plants each defect in a copy of the tree, and prints after how many operations the histories find it:
 * npm run test:defects [-- [--jobs N] [NAME]...]
 */

/** A defect that is not found within this number of operations counts as not found. */
const OPERATIONS = 300_000;
/** Without a defect this number of operations, from the same seed, must find nothing. */
const UNPLANTED_OPERATIONS = 3000;
const SEED = 1;
const LOOK_EVERY = 8;

/** A defect on one of its stores. */
interface Planting {
  readonly defect: Defect;
  readonly store: StoreName;
}

const run = promisify(execFile);

interface Found {
  readonly operations: number;
  readonly failed: boolean;
}

async function runHistories(dir: string, store: StoreName, most: number): Promise<Found> {
  await run(process.execPath, ['scripts/generate.mjs'], { cwd: dir });
  const args = ['scripts/run-bundled.mjs', 'test/histories/main.ts', '--json', '--store', store];
  const options = ['--seed', `${SEED}`, '--operations', `${most}`, '--look-every', `${LOOK_EVERY}`];
  // It exits with 1 if it has found something.
  const { stdout, stderr } = await run(process.execPath, [...args, ...options], { cwd: dir }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  try {
    return JSON.parse(stdout) as Found;
  } catch {
    throw new Error(`the histories did not run: ${stderr || stdout}`);
  }
}

/** @returns a row of the table */
async function plant(dir: string, { defect, store }: Planting): Promise<string> {
  const undo = edit(dir, defect);
  const { failed, operations } = await runHistories(dir, store, OPERATIONS);
  undo();
  return `| ${defect.name} | ${store} | ${defect.about} | ${failed ? operations : NOT_FOUND} |`;
}

const NOT_FOUND = 'not found';

/** @throws Error if a defect cannot be planted, or the histories find something without one */
async function checkUnplanted(dir: string): Promise<void> {
  // Checks all defects before the first one runs, to report at once which do not fit the sources any more.
  const misfits = DEFECTS.flatMap((defect) => misfit(dir, defect));
  if (misfits.length > 0) throw new Error(misfits.join('\n'));
  for (const store of ['redis', 'sqlite'] satisfies StoreName[]) {
    const { failed, operations } = await runHistories(dir, store, UNPLANTED_OPERATIONS);
    if (failed) throw new Error(`${store} differs from the model as it is, after ${operations} operations`);
  }
}

/** Each tree takes the next planting when it is free; rows are printed in the order of the plantings. */
async function plantAll(dirs: readonly string[], plantings: readonly Planting[]): Promise<void> {
  const rows: string[] = [];
  const next = plantings.entries();
  let printed = 0;
  await Promise.all(
    dirs.map(async (dir) => {
      for (const [i, planting] of next) {
        rows[i] = await plant(dir, planting);
        for (; rows[printed] !== undefined; printed += 1) console.log(rows[printed]);
      }
    }),
  );
  if (rows.some((row) => row.endsWith(` ${NOT_FOUND} |`))) process.exitCode = 1;
}

function readOptions(): { jobs: number; names: string[] } {
  const { values, positionals: names } = parseArgs({
    options: { jobs: { type: 'string' } },
    allowPositionals: true,
  });
  // Half of the cores, because a run also has a redis-server.
  const jobs = Number(values.jobs ?? Math.ceil(availableParallelism() / 2));
  if (!(Number.isInteger(jobs) && jobs > 0))
    throw new Error(`--jobs is no whole number above 0: ${values.jobs ?? ''}`);
  const unknown = names.find((name) => DEFECTS.every((defect) => defect.name !== name));
  if (unknown !== undefined) throw new Error(`there is no defect named ${JSON.stringify(unknown)}`);
  return { jobs, names };
}

async function main(): Promise<void> {
  const { jobs, names } = readOptions();
  const isWanted = ({ name }: Defect) => names.length === 0 || names.includes(name);
  const dirs = Array.from({ length: jobs }, copyOfTree);
  try {
    const [first = ''] = dirs;
    await checkUnplanted(first);
    console.log('| defect | store | what goes wrong | operations until found |\n|---|---|---|---|');
    const plantings = DEFECTS.filter(isWanted).flatMap((defect) =>
      defect.stores.map((store) => ({ defect, store })),
    );
    await plantAll(dirs, plantings);
  } finally {
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(
    `npm run test:defects [-- [--jobs N] [NAME]...]: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 2;
}
