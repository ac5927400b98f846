#!/usr/bin/env node
// Runs dist/cli.cjs. Compiling it takes longer than most commands, so V8's compiled code is kept in the
// user's cache folder. A cache that is absent, of another Node, or not this user's is made anew.
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
} = require('node:fs');
const { createRequire } = require('node:module');
const { homedir } = require('node:os');
const { dirname, isAbsolute, join } = require('node:path');
const vm = require('node:vm');

const root = dirname(__dirname);
const file = join(root, 'dist', 'cli.cjs');
const source = readFileSync(file, 'latin1');
const folder = cacheFolder();
// The bundle begins with its own digest: V8 would take code of another one of the same length.
const digest = source.slice(3, 43);
const kind = `cli-${process.version}-${process.arch}-`;
const cache = folder && join(folder, `${kind}${digest}.v8`);

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

function readCache() {
  try {
    // Code is not taken from another user, as with a HOME that sudo has kept.
    return statSync(cache).uid === process.getuid?.() ? readFileSync(cache) : undefined;
  } catch {
    return undefined;
  }
}

/** Node's own `recursive` never ends where a folder that is there takes no other (/proc). */
function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function writeCache(code) {
  try {
    makeFolder(folder);
    const own = `${cache}.${process.pid}`;
    // Never through a link that somebody else has put there.
    writeFileSync(own, code, { mode: 0o600, flag: 'wx' });
    renameSync(own, cache);
    for (const name of readdirSync(folder)) {
      if (name.startsWith(kind) && !name.includes(digest)) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // A home that cannot be written to costs a few milliseconds at each start.
  }
}

const cachedData = readCache();
const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
  filename: file,
  cachedData,
  importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
const bundle = { exports: {} };
script.runInThisContext()(bundle.exports, createRequire(file), bundle, file, dirname(file));
if (cachedData === undefined || script.cachedDataRejected) {
  process.once('exit', () => writeCache(script.createCachedData()));
}
void bundle.exports.main(process.argv.slice(2), root);
