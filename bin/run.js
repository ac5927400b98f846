#!/usr/bin/env node
// Runs the program in dist/program. Compiling it takes longer than most commands, so compiled code is kept in the
// user's cache folder, for each command what it runs. Node's own module.enableCompileCache (22.1 and later) keeps less
// of it: a push took 1.1 to 1.4 times as long with it (docs/design.md).
// CommonJS, as bin/package.json says: Node's loader of modules takes 10 ms to start.
'use strict';
const {
  existsSync,
  mkdirSync,
  readFile,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} = require('node:fs');
const { homedir } = require('node:os');
const { dirname, isAbsolute, join } = require('node:path');

/** Each file of the program begins with `// ` and the digest of its text. */
const DIGEST = [3, 43];

/** The highest exit code of a command that did its work. One that failed ran a part of it, or there is none of its name. */
const NOTHING_FOUND = 1;

/** An upgrade replaces the files of the program: a command that has run for so long (ms) keeps those that it may still need. */
const KEEP_AFTER_MS = 1000;

/** A store URL with a password, as a value of its own or behind `--store=`. */
const WITH_PASSWORD = /^((?:--store=)?rediss?(?:\+unix)?:\/\/[^:@/]*:).+@/i;

const root = dirname(__dirname);
const program = join(root, 'dist', 'program');
const argv = process.argv.slice(2);
const pathOf = (part) => join(program, `${part}.cjs`);

/** The program's files that were read. */
const files = new Map();

if (argv.some((arg) => WITH_PASSWORD.test(arg))) hidePasswords();

run();

function run() {
  let main;
  try {
    ({ main } = load());
  } catch (error) {
    // Files that cannot be read, as with too few descriptors; what is behind it is for --debug.
    writeSync(2, `delayer: cannot be loaded: ${argv.includes('--debug') ? error.stack : error.message}\n`);
    process.exitCode = 70;
    return;
  }
  void main(argv, root);
}

/** Any user may read the arguments of any process, where the system allows to change what is read. */
function hidePasswords() {
  process.title = ['delayer', ...argv.map((arg) => arg.replace(WITH_PASSWORD, '$1***@'))].join(' ');
}

/**
 * Loads the modules of src/main.ts. scripts/bundle/parts.mjs has put all modules into a few files, which export a
 * function for each: the first file is always read, and another one when a module of it is asked for.
 */
function load() {
  const readPart = argv.includes('--debug') ? readWithSourceMap : partReader();
  const parts = { main: readPart('main') };
  keepFiles(new Set(Object.values(parts.main.partOf)));
  const loaded = new Map();
  const requireModule = (name) => {
    let module = loaded.get(name);
    if (module) return module.exports;
    const part = parts.main.partOf[name];
    if (part === undefined) return require(name);
    parts[part] ??= readPart(part);
    loaded.set(name, (module = { exports: {} }));
    parts[part].modules[name](module.exports, requireModule, module);
    return module.exports;
  };
  return Object.assign(requireModule, require)('./main.js');
}

/** Who starts `serve` expects it to stay, and does not wait for it. */
function keepFiles(parts) {
  const keep = (part) => readFile(pathOf(part), (error, bytes) => !error && files.set(part, bytes));
  if (argv[0] === 'serve') for (const part of parts) files.set(part, readFileSync(pathOf(part)));
  else setTimeout(() => [...parts].filter((part) => !files.has(part)).forEach(keep), KEEP_AFTER_MS).unref();
}

function readSource(part) {
  const bytes = files.get(part) ?? readFileSync(pathOf(part));
  files.set(part, bytes);
  return bytes.toString('latin1');
}

/** Traces name lines of the source; to read the source map takes longer than all the rest. */
function readWithSourceMap(part) {
  process.setSourceMapsEnabled(true);
  return fill(require(pathOf(part)));
}

/** Each file is a function that fills an object. */
function fill(part) {
  const exports = {};
  part(exports);
  return exports;
}

/** Reads parts, with what V8 has compiled of them for this command. */
function partReader() {
  const { Script } = require('node:vm');
  const folder = cacheFolder();
  const use = `${usedCommand()}-${process.version}-${process.arch}`;
  return (part) => {
    const filename = pathOf(part);
    const source = readSource(part);
    const kind = `${part}-${use}-`;
    // By its digest, for V8 would take code of another source of the same length.
    const name = `${kind}${source.slice(...DIGEST)}.v8`;
    const cachedData = folder && readCode(join(folder, name));
    const script = new Script(source, { filename, cachedData });
    const exports = fill(script.runInThisContext());
    if (folder && (cachedData === undefined || script.cachedDataRejected)) {
      process.once('exit', (exitCode) => {
        if (exitCode <= NOTHING_FOUND) writeCode(folder, name, script.createCachedData(), kind);
      });
    }
    return exports;
  };
}

function usedCommand() {
  const [command = ''] = argv;
  const isHelp = argv.includes('--help') || argv.includes('-h');
  return isHelp || !/^[a-z]+$/.test(command) ? 'other' : command;
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

function readCode(path) {
  try {
    return isOwn(path) ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a file, and removes others of its kind: they are of programs before. */
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
