// Bundles the commands and all they use into dist/cli.cjs: one file loads several times faster than
// the hundreds that it is made of. What of them no command ever reaches is left out, and what a command
// does not reach is not run.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

/**
 * ioredis makes methods for each of 300 commands, on four classes, while it loads. These are the ones
 * that delayer sends, and those that ioredis itself asks its list about.
 */
const REDIS_COMMANDS = [
  ...[
    'auth',
    'select',
    'hello',
    'evalsha',
    'eval',
    'blmove',
    'subscribe',
    'scan',
    'type',
    'info',
    'config',
    'time',
  ],
  ...['zrange', 'zrem'],
  ...[
    'client',
    'cluster',
    'discard',
    'exec',
    'monitor',
    'multi',
    'ping',
    'psubscribe',
    'punsubscribe',
    'quit',
  ],
  ...['readonly', 'role', 'script', 'ssubscribe', 'sunsubscribe', 'unsubscribe', 'watch'],
];

/**
 * Modules that load, and are never called: Redis Cluster, Sentinel, and the log of `debug`. And one that
 * asks for random bytes, where Node's crypto would take longer to load than all of uuid takes.
 */
const STUBS = {
  rng: `const { closeSync, openSync, readSync } = require('node:fs');
    const pool = Buffer.alloc(4096);
    let used = pool.length;
    function refill() {
      try {
        const device = openSync('/dev/urandom', 'r');
        const read = readSync(device, pool);
        closeSync(device);
        if (read === pool.length) return;
      } catch {}
      require('node:crypto').randomFillSync(pool);
    }
    module.exports = () => {
      if (used === pool.length) { refill(); used = 0; }
      return pool.subarray(used, (used += 16));
    };`,
  cluster: 'exports.default = class Cluster {};',
  sentinel: 'exports.default = class SentinelConnector {};',
  debug: `const log = () => Object.assign(() => {}, { enabled: false, extend: log });
    module.exports = Object.assign(log, { default: log });`,
};

/** A module of these packages runs when something of it is first used, and not when another one names it. */
const LAZY = /node_modules[\\/](@oclif[\\/]core[\\/]lib|ioredis[\\/]built)[\\/].*\.js$/;
/** As TypeScript compiles an import: a namespace, of which only members are used. */
const IMPORT =
  /^const (\w+_\d+|\w+(?= = __import)) = ((?:__importDefault\(|__importStar\()?require\("[^"]+"\)\)?);$/gm;
const runWhenUsed = (source) =>
  `const __lazy = (load) => {
    let loaded;
    return new Proxy({}, { get: (_, name) => (loaded ??= load())[name] });
  };
  ${source.replace(IMPORT, 'const $1 = __lazy(() => $2);')}`;

/** Edits to single files, each with what it is for. A pattern that is not there any more fails the build. */
const EDITS = [
  {
    // To make a stream of stdout takes milliseconds; output/stdout.ts writes without, and cli/help.ts does this.
    file: /@oclif[\\/]core[\\/]lib[\\/]command\.js$/,
    from: /process\.stdout\.on\('error'[\s\S]*?\n\}\);/,
    to: '',
  },
  {
    file: /storage[\\/]sqlite[\\/]driver\.ts$/,
    from: /createRequire\(import\.meta\.url\)(?=\('@photostructure)/,
    to: 'require',
  },
  {
    // It looks for its binary beside itself, which is where it was installed.
    file: /@photostructure[\\/]sqlite[\\/]dist[\\/]index\.cjs$/,
    from: /_dirname\(\), "\.\."/,
    to: "require.resolve('@photostructure/sqlite/package.json'), '..'",
  },
];

function edit(path, source) {
  let edited = LAZY.test(path) ? runWhenUsed(source) : source;
  for (const { file, from, to } of EDITS) {
    if (!file.test(path)) continue;
    if (!from.test(edited)) throw new Error(`scripts/bundle.mjs: ${path} has no ${from} any more`);
    edited = edited.replace(from, to);
  }
  return edited;
}

const trim = {
  name: 'trim',
  setup({ onLoad, onResolve }) {
    const stub = (filter, name, importer) =>
      onResolve({ filter }, (args) =>
        importer.test(args.importer) ? { path: name, namespace: 'stub' } : undefined,
      );
    stub(/^\.\.?\/cluster$/, 'cluster', /ioredis/);
    stub(/\/SentinelConnector$/, 'sentinel', /ioredis/);
    stub(/^debug$/, 'debug', /./);
    stub(/\/rng\.js$/, 'rng', /uuid/);
    onLoad({ filter: /./, namespace: 'stub' }, ({ path }) => ({ contents: STUBS[path] }));
    onLoad({ filter: /ioredis[\\/]built[\\/]index\.js$/ }, () => ({
      contents: "exports.Redis = require('./Redis').default;",
    }));
    onLoad({ filter: /@ioredis[\\/]commands[\\/]built[\\/]commands\.json$/ }, ({ path }) => {
      const all = JSON.parse(readFileSync(path, 'utf8'));
      const used = Object.fromEntries(REDIS_COMMANDS.map((name) => [name, all[name]]));
      return { loader: 'json', contents: JSON.stringify(used) };
    });
    onLoad({ filter: /\.(c?js|ts)$/ }, ({ path }) => ({
      loader: path.endsWith('.ts') ? 'ts' : 'js',
      contents: edit(path, readFileSync(path, 'utf8')),
    }));
  },
};

const OUTFILE = 'dist/cli.cjs';

await build({
  entryPoints: ['src/main.ts'],
  outfile: OUTFILE,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  plugins: [trim],
  // oclif looks for these while developing alone.
  external: ['typescript', 'ts-node', 'tsx', '@photostructure/sqlite/package.json'],
  // ASCII alone: bin/run.js need not decode it.
  charset: 'ascii',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});

// Builtins that are not in Node's snapshot, and that not every command uses, are loaded by those that do.
const LATE = /\b(import_node_\w+)=require\("node:(?:tty|url)"\)/g;
const late = (found, name) => found.replace(`${name}=`, `${name}=__late(()=>`) + ')';
const code = `const __late=(load)=>new Proxy({},{get:(_,name)=>load()[name]});${readFileSync(OUTFILE, 'latin1').replace(LATE, late)}`;
// The first line is the digest of the rest: bin/run.js names its cache by it.
writeFileSync(OUTFILE, `// ${createHash('sha1').update(code).digest('hex')}\n${code}`);
