// Bundles the commands and all they use into a few files, dist/program/*.cjs, each with its source map: they load several
// times faster than the hundreds that they are made of, and a short command needs two of them. No module and no
// command of Redis is left out. What is done to modules of other packages is here and in bundle/, with what it brings;
// test/build runs all of it. Takes another entry and output, for a test.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { EDITS } from './bundle/edits.mjs';
import { requireWhenUsed } from './bundle/lazy-requires.mjs';
import { useOwnRequire } from './bundle/own-require.mjs';
import { toParts } from './bundle/parts.mjs';

const [ENTRY = 'src/main.ts', OUTDIR = join('dist', 'program')] = process.argv.slice(2);

/** Commands that scripts call once for each job. */
const SHORT = ['push', 'pop', 'bpop', 'ack', 'nack', 'release', 'extend', 'remove'];

/** The files, and what is in each with all that it loads at once. The last one has the rest. */
const PARTS = {
  main: [ENTRY, ...(ENTRY === 'src/main.ts' ? SHORT.map((name) => `src/commands/${name}.ts`) : [])],
  redis: ['src/storage/redis/url.ts', 'src/storage/redis/store.ts'],
  sqlite: ['src/storage/sqlite/store.ts'],
  rest: [],
};

/** Large, and not for every run of a command: each has a file of its own. */
const SELDOM = {
  oclif: 'node_modules/@oclif/core/lib/index.js',
  jsonata: 'node_modules/jsonata/jsonata.js',
  times: 'node_modules/chrono-node/dist/esm/locales/en/index.js',
  metrics: 'src/http/metrics.ts',
  completion: 'src/commands/completion.ts',
  scripts: 'src/storage/redis/script-sources.generated.ts',
};

/** A push uses a fraction of what oclif and ioredis load. 25 %. */
const LAZY = /node_modules[\\/](@oclif[\\/]core[\\/]lib|ioredis[\\/]built)[\\/].*\.js$/;

/**
 * What the bundle may ask for while it runs, besides Node's own modules. Everything else that it uses and
 * does not hold fails the build.
 */
const EXTERNAL = [
  // oclif looks for these in a project that is being developed, and goes without.
  ...['typescript', 'ts-node', 'tsx', 'pnpapi'],
  // fdir, below oclif, asks whether there is one, and has it in the bundle.
  'picomatch',
  // Where the binary of SQLite is.
  '@photostructure/sqlite/package.json',
];

const edited = new Set();

function edit(path, source) {
  let text = LAZY.test(path) ? requireWhenUsed(relative('.', path), source) : source;
  if (path.endsWith('.ts')) text = useOwnRequire(text);
  for (const change of EDITS.filter(({ file }) => file.test(path))) {
    if (!change.from.test(text))
      throw new Error(`scripts/bundle/edits.mjs: ${path} has no ${change.from} any more`);
    text = text.replace(change.from, () => change.to);
    edited.add(change);
  }
  return text;
}

const editing = {
  name: 'editing',
  setup({ onLoad }) {
    onLoad({ filter: /\.(c?js|ts)$/ }, ({ path }) => ({
      loader: path.endsWith('.ts') ? 'ts' : 'js',
      contents: edit(path, readFileSync(path, 'utf8')),
    }));
    // V8 parses a text of JSON several times as fast as it makes the objects of a literal: ioredis reads a table
    // of all commands at each start. 1 %.
    onLoad({ filter: /\.json$/ }, ({ path }) => ({
      loader: 'js',
      contents: `module.exports = JSON.parse(${JSON.stringify(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))))})`,
    }));
  },
};

const built = await build({
  entryPoints: [ENTRY],
  outdir: OUTDIR,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  // What esbuild splits; parts.mjs makes CommonJS of it.
  format: 'esm',
  plugins: [editing],
  external: EXTERNAL,
  // ASCII alone: bin/run.js need not decode it.
  charset: 'ascii',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // For --debug, which shows names and lines of sources; their text need not be installed.
  sourcemap: 'external',
  sourcesContent: false,
  metafile: true,
  write: false,
  logLevel: 'warning',
});

const imports = Object.values(built.metafile.outputs).flatMap((output) => output.imports);
const problems = [
  ...built.warnings.map(({ text }) => text),
  ...EDITS.filter((change) => !edited.has(change)).map(({ file }) => `the edit of ${file} edits nothing`),
  ...imports
    .filter(({ external }) => external)
    .filter(({ path }) => !builtinModules.includes(path.replace(/^node:/, '')) && !EXTERNAL.includes(path))
    .map(({ path }) => `${path} is used and not in the bundle`),
];
for (const problem of problems) console.error(`scripts/bundle.mjs: ${problem}`);
if (problems.length > 0) process.exit(1);

/** A process that starts at the same moment reads the old file or the new one, and never half of one. */
function replace(path, text) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, text, 'latin1');
  renameSync(own, path);
}

mkdirSync(OUTDIR, { recursive: true });
for (const { name, text } of await toParts(built, PARTS, ENTRY === 'src/main.ts' ? SELDOM : {}))
  replace(join(OUTDIR, name), text);
