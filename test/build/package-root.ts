import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

/** The root of this package. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface PackageRoot {
  readonly path: string;
  read(path: string): string;
  write(path: string, text: string): void;
}

/** Makes a package root for each test, with a copy of the Lua scripts, or without scripts. */
export function usePackageRoot({ isEmpty = false } = {}): PackageRoot {
  let root = '';
  const lua = 'src/storage/redis/lua';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'delayer-build-'));
    if (isEmpty) mkdirSync(join(root, lua, 'lib'), { recursive: true });
    else cpSync(join(ROOT, lua), join(root, lua), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  return {
    get path() {
      return root;
    },
    read,
    write,
  };
}

/** Runs a script of the folder `scripts`. */
export function runScript(name: string, ...args: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', name), ...args], {
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
}
