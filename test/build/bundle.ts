import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { ROOT } from './package-root.js';

export const BUNDLE = join(ROOT, 'dist', 'cli.cjs');

/** How esbuild writes a module: CommonJS as a function `require_x`, an ES module that is late as `init_x`. */
const MODULE = /\bvar (\w+)=__(commonJS|esm)\(\{"([^"]+)"/g;

export interface BundledModule {
  /** From the root of this package. */
  readonly path: string;
  /** Runs it, when it did not run yet. */
  readonly load: () => unknown;
}

/** The modules of the bundle that wait for their first use. */
export function bundledModules(): BundledModule[] {
  const source = readFileSync(BUNDLE, 'latin1');
  const paths = [...source.matchAll(MODULE)].map(([, name = '', , path = '']) => ({ name, path }));
  const run = runInThisContext(
    `(function (exports, require, module, __filename, __dirname) {${source}
    return [${paths.map(({ name }) => name).join()}]; })`,
    { filename: BUNDLE },
  ) as (...given: unknown[]) => (() => unknown)[];
  const module = { exports: {} };
  const loads = run(module.exports, createRequire(BUNDLE), module, BUNDLE, dirname(BUNDLE));
  return loads.map((load, index) => ({ path: paths[index]?.path ?? '', load }));
}
