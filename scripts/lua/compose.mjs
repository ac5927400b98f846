// Puts each script for Redis together from the libraries that it includes. Redis runs one chunk of Lua and knows
// no `require`, so a library is text in front of what uses it. A script lists all that it needs, in order: what
// runs is what its includes say. An include further down begins a new section: what it names costs nothing where
// the script has returned before.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the scripts are, below the root of the package. */
export const LUA_FOLDER = join('src', 'storage', 'redis', 'lua');

/**
 * @typedef {object} LuaFile
 * @property {string} name without `.lua`
 * @property {string} path from the root of the package
 * @property {string} source
 * @property {readonly string[]} uses libraries that it includes or needs, in their order
 * @property {readonly Section[]} sections of a script, each from one include to the next; a library is one
 */

/**
 * @typedef {object} Section
 * @property {string} path of the file that it is from
 * @property {number} line where it begins there
 * @property {string} source
 * @property {readonly string[]} uses libraries that stand in front of it
 */

/** @returns {{ scripts: LuaFile[], libraries: Map<string, LuaFile> }} */
export function readLua(root) {
  const libraries = readFolder(root, join(LUA_FOLDER, 'lib'), 'needs');
  return {
    scripts: readFolder(root, LUA_FOLDER, 'include'),
    libraries: new Map(libraries.map((library) => [library.name, library])),
  };
}

function readFolder(root, folder, directive) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.lua'))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const source = readFileSync(join(root, path), 'utf8');
      const sections = sectionsOf(path, source, directive);
      const uses = sections.flatMap((section) => section.uses);
      return { name: name.replace(/\.lua$/, ''), path, source, uses, sections };
    });
}

/** What stands above the first directive belongs to the first section. */
function sectionsOf(path, source, directive) {
  const starts = [...source.matchAll(new RegExp(`^-- ${directive}: `, 'gm'))].map(({ index }) => index);
  starts.splice(0, 1, 0);
  return starts.map((start, n) => {
    const text = source.slice(start, starts[n + 1]);
    const line = source.slice(0, start).split('\n').length;
    return { path, line, source: text, uses: usesOf(text, directive) };
  });
}

function usesOf(source, directive) {
  const header = new RegExp(`^-- ${directive}: (.+(?:\n--   .+)*)$`, 'm').exec(source);
  return (
    header?.[1]
      .replaceAll('\n--', '')
      .split(',')
      .map((name) => name.trim()) ?? []
  );
}

/**
 * The sections of a script or library, each behind the libraries that it uses.
 * @param {LuaFile} file
 * @returns {Section[]}
 * @throws Error when there is no such library
 */
export const partsOf = (file, libraries) =>
  file.sections.flatMap((section) => [
    ...section.uses.flatMap((name) => libraryOf(file, name, libraries).sections),
    section,
  ]);

export function libraryOf(file, name, libraries) {
  const library = libraries.get(name);
  if (!library) throw new Error(`${file.path}: there is no lib/${name}.lua`);
  return library;
}

/**
 * What Redis has to hold: the code, without whole-line comments and indentation, and without what a library
 * offers and the script does not use. Redis makes every function of a script anew at each run that reaches it, at
 * some 0.2 µs; so a definition stands in front of the first section that uses it, and no sooner.
 * @returns {{ keys: string[], texts: string[] }} the names of its keys, in the order of KEYS; the definitions, each as a
 *   text of its own, and the sections
 */
export function compose(script, libraries) {
  const sections = script.sections.map((section) => [codeLines(section).join('')]);
  for (const name of [...script.uses].reverse()) {
    for (const definition of definitionsOf(libraryOf(script, name, libraries)).reverse()) {
      const isUsedIn = (texts) => definition.names.some((name) => texts.some((text) => mentions(text, name)));
      sections.find(isUsedIn)?.unshift(definition.text);
    }
  }
  return numberKeys(sections.flat());
}

/** A script says `KEYS.name`; to Redis keys are numbers. Each costs as much as two functions, used or not. */
function numberKeys(texts) {
  const KEY = /\bKEYS\.(\w+)/g;
  const keys = [...new Set(texts.flatMap((text) => [...text.matchAll(KEY)].map(([, name]) => name)))];
  const numbered = texts.map((text) => text.replace(KEY, (_, name) => `KEYS[${keys.indexOf(name) + 1}]`));
  return { keys, texts: numbered };
}

/** The names that a line at the beginning of a definition gives: `local a, b = …`, `local function f(…)`. */
const DEFINITION = /^local (?:function )?([\w, ]+)/;

/** A library is a row of definitions, each of which begins at the margin. Other statements belong to the one before. */
function definitionsOf(library) {
  const definitions = [];
  for (const line of library.source.split('\n')) {
    const names = DEFINITION.exec(line)?.[1];
    if (names) definitions.push({ names: names.split(',').map((name) => name.trim()), lines: [] });
    definitions.at(-1)?.lines.push(line);
  }
  return definitions.map(({ names, lines }) => ({
    names,
    text: codeLines({ source: lines.join('\n') }).join(''),
  }));
}

const mentions = (text, name) => new RegExp(`\\b${name}\\b`).test(text);

const codeLines = ({ source }) =>
  source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--'))
    .map((line) => `${line}\n`);
