import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './package-root.js';

export const PROGRAM = join(ROOT, 'dist', 'program');

export interface BundledModule {
  /** The path of a module of another package from the root of this one, or the name of a chunk. */
  readonly path: string;
  /** Runs the module unless it has run. */
  readonly load: () => unknown;
}

type Exports = Record<string, unknown>;
/** esbuild's wrapper of a CommonJS module, which takes an object of path and code. */
type CommonJs = (code: object, module?: object) => () => unknown;

interface Part {
  readonly partOf?: Readonly<Record<string, string>>;
  readonly modules: Readonly<
    Record<string, (exports: Exports, require: NodeJS.Require, module: { exports: Exports }) => void>
  >;
}

/** The names of the files of the program, without `.cjs`. */
export const partNames = (): string[] =>
  readdirSync(PROGRAM).flatMap((name) => (name.endsWith('.cjs') ? [name.slice(0, -'.cjs'.length)] : []));

export const digestOf = (part: string): string =>
  readFileSync(join(PROGRAM, `${part}.cjs`), 'latin1').slice(3, 43);

/** Loads all chunks of the program; returns them, and the CommonJS modules in them, which are not loaded. */
export function bundledModules(): BundledModule[] {
  const own = createRequire(join(ROOT, 'bin', 'run.js'));
  const parts = partNames().map((name) => {
    const part = {} as Part;
    (own(join(PROGRAM, `${name}.cjs`)) as (exports: Part) => void)(part);
    return part;
  });
  const chunks = Object.assign({}, ...parts.map(({ modules }) => modules)) as Part['modules'];
  const found: BundledModule[] = [];
  const loaded = new Map<string, { exports: Exports }>();
  const load = (name: string): unknown => {
    const run = chunks[name];
    if (!run) return own(name);
    const known = loaded.get(name);
    if (known) return known.exports;
    const module: { exports: Exports } = { exports: {} };
    loaded.set(name, module);
    run(module.exports, requireChunk, module);
    const { __commonJS: make } = module.exports as { __commonJS?: CommonJs };
    if (make) module.exports = { ...module.exports, __commonJS: recording(make) };
    return module.exports;
  };
  const recording =
    (make: CommonJs): CommonJs =>
    (code, module) => {
      const made = make(code, module);
      found.push({ path: Object.keys(code)[0] ?? '', load: made });
      return made;
    };
  const requireChunk = Object.assign(load, own) as NodeJS.Require;
  for (const path of Object.keys(chunks)) {
    load(path);
    found.push({ path, load: () => load(path) });
  }
  return found;
}
