// Builds the library for those who import it and those who require it, out of src/index.ts:
//   dist/index.cjs              all of it but its dependencies
//   dist/index.mjs              the same by its names, so that a process has each class once
//   dist/index.d.cts, .d.mts    types, whose parts tsc wrote into dist/types
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import { build } from 'esbuild';
import { useOwnRequire } from './bundle/own-require.mjs';

const require = createRequire(import.meta.url);
const LIBRARY = resolve('dist', 'index.cjs');
const TYPES = resolve('dist', 'types');

const { warnings } = await build({
  entryPoints: ['src/index.ts'],
  outfile: LIBRARY,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // uuid is an ES module alone, which Node 20 cannot require: it is in the bundle.
  external: ['ioredis', '@photostructure/sqlite'],
  plugins: [
    {
      name: 'own-require',
      setup: ({ onLoad }) =>
        onLoad({ filter: /\.ts$/ }, ({ path }) => ({
          loader: 'ts',
          contents: useOwnRequire(readFileSync(path, 'utf8')),
        })),
    },
  ],
  logLevel: 'warning',
});
if (warnings.length > 0) process.exit(1);

const names = Object.keys(require(LIBRARY)).sort();
writeFileSync(
  'dist/index.mjs',
  `import library from './index.cjs';\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = library;\n`,
);

/** Files that a declaration names, itself included; the stores are in none, for they are loaded by URL. */
function reachableFrom(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g);
  for (const [, path] of imports) reachableFrom(join(dirname(file), `${path}.d.ts`), found);
  return found;
}

const reachable = [...reachableFrom(join(TYPES, 'index.d.ts'))];
for (const path of readdirSync(TYPES, { recursive: true })) {
  const place = join(TYPES, path);
  const isWanted = reachable.some((file) => file === place || file.startsWith(place + sep));
  if (!isWanted) rmSync(place, { recursive: true, force: true });
}
// Both kinds of users see the same declarations: those of a CommonJS module.
writeFileSync(join(TYPES, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(
  'dist/index.d.cts',
  '/// <reference lib="esnext.disposable" />\nexport * from \'./types/index.js\';\n',
);
writeFileSync('dist/index.d.mts', "export * from './index.cjs';\n");
