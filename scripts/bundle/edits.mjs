// What is done to single modules of other packages, and what each brings: processor time of `delayer push` on
// Node 20, beside the same without it. An edit that finds nothing to edit any more fails the build.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const contentOf = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

const require = createRequire(import.meta.url);
const REDIS_COMMANDS = Object.keys(require('@ioredis/commands/built/commands.json'));

/**
 * @typedef {object} Edit
 * @property {RegExp} file
 * @property {RegExp} from
 * @property {string} to
 */

/** @type {readonly Edit[]} */
export const EDITS = [
  {
    // 25 % on Redis: V8 copies the description of a class for each method that it is given later, and ioredis
    // gives it 600. An object from which something was deleted is a hash table until it is used.
    file: /ioredis[\\/]built[\\/]utils[\\/]Commander\.js$/,
    from: /^(?=commands\.forEach\(function \(commandName\) \{$)/m,
    to: 'Object.assign(Commander.prototype, { a_: 0, b_: 0 }); delete Commander.prototype.a_; delete Commander.prototype.b_; ',
  },
  {
    // 4 % on Redis: a table of the flags of all commands, and the description of each that it is made of. Both are
    // asked for by pipelines, clusters and prefixes of keys; what everybody needs is the names.
    file: /@ioredis[\\/]commands[\\/]built[\\/]index\.js$/,
    from: /const commands_json_1 = [\s\S]*?\nexports\.list\.forEach\([\s\S]*?\n\}\);\n/,
    to: `const lookUp = (find) => new Proxy({}, { get: (_, name) => find(name) });
const commandMetadata = lookUp((name) => require("./commands.json")[name]);
exports.list = ${JSON.stringify(REDIS_COMMANDS)};
const flags = lookUp((name) => commandMetadata[name] && Object.fromEntries(commandMetadata[name].flags.map((flag) => [flag, true])));
`,
  },
  {
    // 1 % on Redis
    file: /ioredis[\\/]built[\\/]Redis\.js$/,
    from: /^Redis\.Cluster = \(cluster_1\(\)\)\.default;$/m,
    to: 'Object.defineProperty(Redis, "Cluster", { configurable: true, enumerable: true, get: () => (cluster_1()).default });',
  },
  {
    // 4 % on Redis: redis-errors loads Node's `assert`.
    file: /ioredis[\\/]built[\\/]index\.js$/,
    from: /exports\.ReplyError = require\("redis-errors"\)\.ReplyError;/,
    to: 'Object.defineProperty(exports, "ReplyError", { enumerable: true, get: () => require("redis-errors").ReplyError });',
  },
  {
    // Not for speed: cli/help.ts listens for errors of stdout and tells them; this would throw them.
    file: /@oclif[\\/]core[\\/]lib[\\/]command\.js$/,
    from: /process\.stdout\.on\('error'[\s\S]*?\n\}\);/,
    to: '',
  },
  {
    // 5 % on SQLite, where stdout is a pipe or a file
    file: /node_modules[\\/]debug[\\/]src[\\/]index\.js$/,
    from: /^[\s\S]*module\.exports = require\('\.\/node\.js'\);[\s\S]*$/,
    to: contentOf('debug.cjs'),
  },
  {
    // 4 %
    file: /node_modules[\\/]uuid[\\/]dist-node[\\/]rng\.js$/,
    from: /^const rnds8 = new Uint8Array\(16\);\nexport default function rng\(\) \{[\s\S]*\}\n$/,
    to: contentOf('random-bytes.mjs'),
  },
  {
    // 5 % on SQLite: it is loaded from the bundle. Its binary is where it was installed, and not beside it.
    file: /@photostructure[\\/]sqlite[\\/]dist[\\/]index\.cjs$/,
    from: /_dirname\(\), "\.\."/,
    to: "require.resolve('@photostructure/sqlite/package.json'), '..'",
  },
];
