// Looks through the scripts for Redis as they are composed:
//   - luacheck finds names that nothing defines (a missing include, a misspelt local) and what is never used;
//   - includes name just what is used, and what that needs in front of it.
// Takes the root of a package, else its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { libraryOf, partsOf, readLua } from './lua/compose.mjs';

const GLOBALS = ['redis', 'KEYS', 'ARGV', 'cjson', 'cmsgpack', 'struct', 'bit'];
/** A variable or function that is never used: what a library offers need not be used by every script. */
const UNUSED = /^W2[13]1$/;
/** A local inside a function that has the name of one around it: a library knows nothing of what stands before it. */
const SHADOWING = /^W4[23]/;

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const { scripts, libraries } = readLua(root);
const problems = new Set();

/** The names that a library offers: its locals that no block encloses, which are not indented. */
function offeredBy({ source }) {
  const names = [...source.matchAll(/^local (?:function )?([\w, ]+)/gm)];
  return names.flatMap(([, list]) => list.split(',').map((name) => name.trim()));
}

/** Lua without its comments and the insides of its strings. */
const codeOf = ({ source }) => source.replace(/--.*$/gm, '').replace(/'(?:\\.|[^'\\\n])*'/g, "''");

const mentions = (file, names) => {
  const words = new Set(codeOf(file).match(/[A-Za-z_]\w*/g));
  return names.some((name) => words.has(name));
};

/** Is what it includes used, and is all there in front of it that it needs itself? */
function checkIncludes(file) {
  const used = file.uses.map((name) => libraryOf(file, name, libraries));
  for (const [place, library] of used.entries()) {
    const before = file.uses.slice(0, place);
    for (const need of library.uses.filter((name) => !before.includes(name))) {
      problems.add(`${file.path}: ${library.name} needs ${need} in front of it`);
    }
    const isNeeded = used.some(({ uses }) => uses.includes(library.name));
    if (!isNeeded && !mentions(file, offeredBy(library))) {
      problems.add(`${file.path}: ${library.name} is included and not used`);
    }
  }
}

/** A file as it is composed, and for each line of it the place that it is from. */
function composed(file, path) {
  const parts = partsOf(file, libraries).map((part) => ({ part, text: part.source.replace(/\n*$/, '\n') }));
  const places = parts.flatMap(({ part, text }) => {
    const lines = text.split('\n').slice(0, -1);
    return lines.map((_, index) => ({ path: part.path, line: part.line + index }));
  });
  return { file, path, text: parts.map(({ text }) => text).join(''), places };
}

/** What luacheck says about all files, each finding with the place that it is from. */
function luacheck(files) {
  for (const { path, text } of files) writeFileSync(path, text);
  const options = ['--std', 'lua51', '--codes', '--formatter', 'plain', '--max-line-length', '120'];
  const args = [...options, ...files.map(({ path }) => path), '--read-globals', ...GLOBALS];
  const { error, stdout, stderr } = spawnSync('luacheck', args, { encoding: 'utf8' });
  if (error)
    throw new Error('luacheck cannot be run; scripts/ensure-lua-check.sh installs it', { cause: error });
  return (stdout + stderr).split('\n').flatMap((text) => {
    if (text === '') return [];
    const [, path, line, column, code, message] = /^(.*?):(\d+):(\d+): \(([EW]\d+)\) (.*)$/.exec(text) ?? [];
    if (path === undefined) throw new Error(`luacheck says: ${text}`);
    const { file, places } = files.find((one) => one.path === path);
    const place = places[line - 1];
    return [{ file, place, code, text: `${place.path}:${place.line}:${column}: ${message} (${code})` }];
  });
}

/** Everything that a library offers is used by a script at least; what one script does not use is its business. */
function checkUse(unusedIn) {
  for (const library of libraries.values()) {
    const users = scripts.filter(({ uses }) => uses.includes(library.name));
    if (users.length === 0) problems.add(`${library.path}: no script includes it`);
    const [first, ...rest] = users.map((script) => unusedIn.get(script));
    for (const text of first ?? []) {
      if (text.startsWith(`${library.path}:`) && rest.every((unused) => unused.has(text))) problems.add(text);
    }
  }
}

const all = [...libraries.values(), ...scripts];
for (const file of all) checkIncludes(file);
const folder = mkdtempSync(join(tmpdir(), 'delayer-lua-'));
try {
  const isOffered = ({ file, place, code }) =>
    UNUSED.test(code) && (place.path !== file.path || !scripts.includes(file));
  const isOfLibrary = ({ file, place, code }) => SHADOWING.test(code) && place.path !== file.path;
  const found = luacheck(all.map((file, index) => composed(file, join(folder, `${index}.lua`))));
  for (const finding of found) {
    if (!isOffered(finding) && !isOfLibrary(finding)) problems.add(finding.text);
  }
  const offered = found.filter(isOffered);
  const unusedBy = (script) => offered.filter(({ file }) => file === script).map(({ text }) => text);
  checkUse(new Map(scripts.map((script) => [script, new Set(unusedBy(script))])));
} finally {
  rmSync(folder, { recursive: true });
}
for (const problem of problems) console.error(problem);
if (problems.size > 0) process.exitCode = 1;
