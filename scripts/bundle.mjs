// Bundles the commands and all they use into dist/cli.cjs: one file loads several times faster than
// the hundreds that it is made of.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/cli.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // The binary of SQLite stays where it was installed; oclif looks for the others while developing alone.
  external: ['@photostructure/sqlite', 'typescript', 'ts-node', 'tsx'],
  // Only the unbundled library asks for it; here `__filename` is known.
  define: { 'import.meta.url': '""' },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
