import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Defect } from './defect.js';
import { DEFECTS } from './defects.js';
import type { StoreName } from './operations.js';

/** Plants each defect in a copy of the tree, and looks after how many operations the histories find it. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A defect that is not found by then is taken for one that is not found. */
const OPERATIONS = 100_000;
/** Without a defect there must be no difference, by the same seed. */
const UNPLANTED_OPERATIONS = 3000;
const SEED = 1;
const LOOK_EVERY = 8;

const isWanted = ({ name }: Defect): boolean =>
  process.argv.length === 2 || process.argv.slice(2).includes(name);

function copyOfTree(): string {
  const dir = mkdtempSync(join(tmpdir(), 'delayer-defects-'));
  for (const part of ['src', 'test', 'scripts', 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  return dir;
}

/** @throws Error when the text that it replaces is not there once */
function edited({ name, edits }: Defect, read: (file: string) => string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [file, find, replace] of edits) {
    const text = files.get(file) ?? read(file);
    if (text.split(find).length !== 2)
      throw new Error(`${name}: what it replaces in ${file} is not there once: ${find}`);
    files.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return files;
}

/** Why a defect cannot be planted; nothing when it can. */
function misfit(dir: string, defect: Defect): string[] {
  try {
    edited(defect, (file) => readFileSync(join(dir, file), 'utf8'));
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

interface Found {
  readonly operations: number;
  readonly failed: boolean;
  readonly account?: string;
}

function runHistories(dir: string, store: StoreName, most: number): Found {
  execFileSync(process.execPath, ['scripts/generate.mjs'], { cwd: dir });
  const args = ['scripts/run-bundled.mjs', 'test/histories/main.ts', '--json', '--store', store];
  const options = ['--seed', `${SEED}`, '--operations', `${most}`, '--look-every', `${LOOK_EVERY}`];
  const { stdout, stderr } = spawnSync(process.execPath, [...args, ...options], {
    cwd: dir,
    encoding: 'utf8',
  });
  try {
    return JSON.parse(stdout) as Found;
  } catch {
    throw new Error(`the histories did not run: ${stderr || stdout}`);
  }
}

function plant(dir: string, defect: Defect): string[] {
  const read = (file: string) => readFileSync(join(dir, file), 'utf8');
  const files = edited(defect, read);
  const before = [...files.keys()].map((file) => [file, read(file)] as const);
  for (const [file, text] of files) writeFileSync(join(dir, file), text);
  const rows = defect.stores.map((store) => {
    const { failed, operations } = runHistories(dir, store, OPERATIONS);
    return `| ${defect.name} | ${store} | ${defect.about} | ${failed ? operations : 'not found'} |`;
  });
  for (const [file, text] of before) writeFileSync(join(dir, file), text);
  return rows;
}

function main(): void {
  const dir = copyOfTree();
  try {
    // All of them before the first one runs: what does not fit the sources any more is told of at once.
    const misfits = DEFECTS.flatMap((defect) => misfit(dir, defect));
    if (misfits.length > 0) throw new Error(misfits.join('\n'));
    for (const store of ['redis', 'sqlite'] satisfies StoreName[]) {
      const { failed, operations } = runHistories(dir, store, UNPLANTED_OPERATIONS);
      if (failed) throw new Error(`${store} differs from the model as it is, after ${operations} operations`);
    }
    console.log('| defect | store | what goes wrong | operations until found |\n|---|---|---|---|');
    for (const row of DEFECTS.filter(isWanted).flatMap((defect) => plantAndPrint(dir, defect)))
      if (row.includes('not found')) process.exitCode = 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function plantAndPrint(dir: string, defect: Defect): string[] {
  const rows = plant(dir, defect);
  for (const row of rows) console.log(row);
  return rows;
}

main();
