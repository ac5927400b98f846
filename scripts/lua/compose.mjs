// Puts each script for Redis together from the libraries that its header includes. Redis runs one chunk of
// Lua and knows no `require`, so a library is text in front of the script. A script lists all that it needs,
// in order: what runs is what its header says.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the scripts are, below the root of the package. */
export const LUA_FOLDER = join('src', 'storage', 'redis', 'lua');

/**
 * @typedef {object} LuaFile
 * @property {string} name without `.lua`
 * @property {string} path from the root of the package
 * @property {string} source
 * @property {readonly string[]} uses libraries that it includes or needs, in the order of its header
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
      return { name: name.replace(/\.lua$/, ''), path, source, uses: usesOf(source, directive) };
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
 * The libraries that a script or library uses, and then itself.
 * @param {LuaFile} file
 * @throws Error when there is no such library
 */
export function partsOf(file, libraries) {
  const used = file.uses.map((name) => {
    const library = libraries.get(name);
    if (!library) throw new Error(`${file.path}: there is no lib/${name}.lua`);
    return library;
  });
  return [...used, file];
}

/**
 * What Redis has to hold: the code, without whole-line comments and indentation, and without what a library
 * offers and the script does not use. Redis makes every function of a script anew at each run, at some 0.2 µs.
 * @returns {string[]} the definitions, each as a text of its own, and the script
 */
export function compose(script, libraries) {
  const parts = partsOf(script, libraries);
  const texts = [codeLines(script).join('')];
  for (const library of parts.slice(0, -1).reverse()) {
    for (const definition of definitionsOf(library).reverse()) {
      const isUsed = definition.names.some((name) => texts.some((text) => mentions(text, name)));
      if (isUsed) texts.unshift(definition.text);
    }
  }
  return texts;
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
