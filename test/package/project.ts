import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Said {
  readonly code: number | null;
  readonly said: string;
}

/** An empty project in which the packed tarball is installed. */
export interface Project {
  readonly path: string;
  write(name: string, text: string): void;
  read(name: string): string;
  /**
   * Compiles files strictly: without skipLibCheck, and with no types but those of the language and of the packages that
   * `--types` names. Takes more options of the compiler, too.
   */
  compile(...args: string[]): Said;
  run(name: string, ...args: string[]): Said;
  /** The installed command. */
  delayer(...args: string[]): Said;
}

/**
 * Makes one project for all tests of a suite. It packs what `npm run build` has built.
 * @param devDependencies packages that are linked beside it, with what they need
 */
export function useProject(devDependencies: readonly string[] = []): Project {
  let path = '';
  before(() => {
    path = mkdtempSync(join(tmpdir(), 'delayer-package-'));
    install(path);
    for (const name of devDependencies) link(path, name);
  });
  after(() => rmSync(path, { recursive: true }));
  const start = (args: readonly string[]): Said => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: path,
      encoding: 'utf8',
      timeout: 60_000,
      env: { PATH: process.env.PATH, HOME: path },
    });
    return { code: status, said: stdout + stderr };
  };
  return {
    get path() {
      return path;
    },
    write: (name, text) => {
      writeFileSync(join(path, name), text);
    },
    read: (name) => readFileSync(join(path, name), 'utf8'),
    compile: (...args) => {
      const lib = ['--target', 'es2022', '--lib', 'es2022', '--module', 'nodenext'];
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
      return start([join(ROOT, 'node_modules/typescript/bin/tsc'), ...lib, ...strict, ...args]);
    },
    run: (name, ...args) => start([name, ...args]),
    delayer: (...args) => start([join(path, 'node_modules/delayer-cli/bin/run.js'), ...args]),
  };
}

/** Installs as npm does: unpacks the tarball, and links its dependencies and no other packages beside it. */
function install(path: string): void {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', path];
  const tarball = execFileSync('npm', pack, { cwd: ROOT, encoding: 'utf8' }).trim();
  const modules = join(path, 'node_modules');
  const own = join(modules, 'delayer-cli');
  mkdirSync(own, { recursive: true });
  execFileSync('tar', ['-xzf', join(path, tarball), '-C', own, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) link(path, name);
  writeFileSync(join(path, 'package.json'), '{ "private": true, "type": "module" }\n');
}

function link(path: string, name: string): void {
  const place = join(path, 'node_modules', name);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), place);
}
