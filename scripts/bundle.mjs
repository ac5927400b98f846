// Bundles the commands and all they use into dist/cli.cjs: one file loads several times faster than
// the hundreds that it is made of. What of them no command ever reaches is left out.
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

/** Modules that load, and are never called: Redis Cluster, Sentinel, and the log of `debug`. */
const STUBS = {
  cluster: 'exports.default = class Cluster {};',
  sentinel: 'exports.default = class SentinelConnector {};',
  debug: `const log = () => Object.assign(() => {}, { enabled: false, extend: log });
    module.exports = Object.assign(log, { default: log });`,
};

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
    onLoad({ filter: /./, namespace: 'stub' }, ({ path }) => ({ contents: STUBS[path] }));
    onLoad({ filter: /ioredis[\\/]built[\\/]index\.js$/ }, () => ({
      contents: "exports.Redis = require('./Redis').default;",
    }));
    onLoad({ filter: /@ioredis[\\/]commands[\\/]built[\\/]commands\.json$/ }, ({ path }) => {
      const all = JSON.parse(readFileSync(path, 'utf8'));
      const used = Object.fromEntries(REDIS_COMMANDS.map((name) => [name, all[name]]));
      return { loader: 'json', contents: JSON.stringify(used) };
    });
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
  // The binary of SQLite stays where it was installed; oclif looks for the others while developing alone.
  external: ['@photostructure/sqlite', 'typescript', 'ts-node', 'tsx'],
  // Only the unbundled library asks for it; here `__filename` is known.
  define: { 'import.meta.url': '""' },
  // ASCII alone: bin/run.js need not decode it.
  charset: 'ascii',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});

// The first line is the digest of the rest: bin/run.js names its cache by it.
const code = readFileSync(OUTFILE);
writeFileSync(OUTFILE, `// ${createHash('sha1').update(code).digest('hex')}\n${code}`);
