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
  const header = new RegExp(`^-- ${directive}: (.+)$`, 'm').exec(source);
  return header ? header[1].split(',').map((name) => name.trim()) : [];
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

/** What Redis has to hold: the code, without whole-line comments and indentation. */
export function compose(script, libraries) {
  return partsOf(script, libraries)
    .flatMap(({ source }) => source.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--'))
    .map((line) => `${line}\n`)
    .join('');
}
