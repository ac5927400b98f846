#!/usr/bin/env node
// Runs dist/cli.cjs. Compiling it takes longer than most commands, so compiled code is kept in the user's cache
// folder. Node's own module.enableCompileCache (22.1 and later) keeps less of it: a push took 1.1 to 1.4 times as
// long with it (docs/design.md).
// CommonJS, as bin/package.json says: Node's loader of modules takes 10 ms to start.
'use strict';
const {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} = require('node:fs');
const { createRequire } = require('node:module');
const { homedir } = require('node:os');
const { dirname, isAbsolute, join } = require('node:path');

/** The bundle begins with `// ` and the digest of its text. */
const DIGEST = [3, 43];

/** A store URL with a password, as a value of its own or behind `--store=`. */
const WITH_PASSWORD = /^((?:--store=)?rediss?(?:\+unix)?:\/\/[^:@/]*:).+@/i;

const root = dirname(__dirname);
const file = join(root, 'dist', 'cli.cjs');
const argv = process.argv.slice(2);

if (argv.some((arg) => WITH_PASSWORD.test(arg))) hidePasswords();

run();

function run() {
  let cli;
  try {
    cli = load();
  } catch (error) {
    // Files that cannot be read, as with too few descriptors; what is behind it is for --debug.
    writeSync(2, `delayer: cannot be loaded: ${argv.includes('--debug') ? error.stack : error.message}\n`);
    process.exitCode = 70;
    return;
  }
  void cli.main(argv, root);
}

function load() {
  if (argv.includes('--debug')) {
    // Traces name lines of the source; to read the source map takes longer than all the rest.
    process.setSourceMapsEnabled(true);
    return require(file);
  }
  return loadWithCache();
}

/** Any user may read the arguments of any process, where the system allows to change what is read. */
function hidePasswords() {
  process.title = ['delayer', ...argv.map((arg) => arg.replace(WITH_PASSWORD, '$1***@'))].join(' ');
}

/** Undefined where there is no home: HOME is not set, and the user has no entry in passwd. */
function cacheFolder() {
  try {
    const set = process.env.XDG_CACHE_HOME || '';
    const caches = isAbsolute(set) ? set : join(homedir(), '.cache');
    return isAbsolute(caches) ? join(caches, 'delayer') : undefined;
  } catch {
    return undefined;
  }
}

/** Code is not taken from another user, as with a HOME that sudo has kept. */
function isOwn(path) {
  return statSync(path).uid === process.getuid?.();
}

/** Node's own `recursive` never ends where a folder that is there takes no other (/proc). */
function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** What `require` would give, compiled before if it was run before. */
function loadWithCache() {
  const vm = require('node:vm');
  const source = readFileSync(file, 'latin1');
  // By its digest, for V8 would take code of another source of the same length.
  const kind = `cli-${process.version}-${process.arch}-`;
  const name = `${kind}${source.slice(...DIGEST)}.v8`;
  const folder = cacheFolder();
  const cachedData = folder && readCode(join(folder, name));
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    cachedData,
    importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, createRequire(file), bundle, file, dirname(file));
  if (folder && (cachedData === undefined || script.cachedDataRejected)) {
    process.once('exit', () => writeCode(folder, name, script.createCachedData(), kind));
  }
  return bundle.exports;
}

function readCode(path) {
  try {
    return isOwn(path) ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a file, and removes others of its kind: they are of bundles before. */
function writeCode(folder, name, code, kind) {
  try {
    makeFolder(folder);
    const path = join(folder, name);
    const own = `${path}.${process.pid}`;
    // Never through a link that somebody else has put there.
    writeFileSync(own, code, { mode: 0o600, flag: 'wx' });
    renameSync(own, path);
    for (const other of readdirSync(folder)) {
      if (other.startsWith(kind) && !other.startsWith(name)) rmSync(join(folder, other), { force: true });
    }
  } catch {
    // A home that cannot be written to costs a few milliseconds at each start.
  }
}
