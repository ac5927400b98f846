import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/delayer-tests/', import.meta.url));
const bundles = new Map<string, string>();

/**
 * Bundles a TypeScript program of the tests into one file, which starts in a quarter of the processor time that its
 * sources take through tsx. The file is removed when this process ends.
 * @returns its path; below node_modules, from where it finds the packages that it does not hold
 */
export function bundled(program: URL): string {
  const entry = fileURLToPath(program);
  let outfile = bundles.get(entry);
  if (outfile === undefined) {
    outfile = `${FOLDER}${basename(entry, '.ts')}-${process.pid}-${bundles.size}.mjs`;
    const [platform, format, packages] = ['node', 'esm', 'external'] as const;
    const sourcemap = 'inline';
    buildSync({ entryPoints: [entry], outfile, bundle: true, platform, format, packages, sourcemap });
    bundles.set(entry, outfile);
  }
  return outfile;
}

process.on('exit', () => {
  for (const file of bundles.values()) rmSync(file, { force: true });
});
