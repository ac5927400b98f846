// Bundles a TypeScript program of the tests into one file and runs it: node scripts/run-bundled.mjs FILE.ts [ARGUMENT]...
// It starts in a fraction of the time that its sources take through tsx, which also asks another thread at each import().
import { readFileSync, rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, stop } from 'esbuild';

const [entry = '', ...args] = process.argv.slice(2);

/** A module finds the files beside it where its source is. */
const keepsItsUrl = {
  name: 'keeps-its-url',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path))),
      loader: 'ts',
    }));
  },
};

// Below node_modules, from where the bundle finds the packages that it does not hold.
const bundle = resolve(`node_modules/.cache/delayer-tests/${basename(entry, '.ts')}-${process.pid}.mjs`);
process.on('exit', () => rmSync(bundle, { force: true }));
await build({
  entryPoints: [entry],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'error',
  plugins: [keepsItsUrl],
});
await stop();
process.argv = [process.argv[0], resolve(entry), ...args];
await import(pathToFileURL(bundle).href);
