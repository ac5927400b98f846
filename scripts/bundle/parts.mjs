// Puts the chunks that esbuild has split the program into into a few files, the parts: to open a file costs as much as
// to compile several chunks, and a short command needs some thirty of them.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { transform } from 'esbuild';
import { joinMaps } from './join-maps.mjs';

/** A part's first line is `// ` and the digest of its text: bin/run.js names its cache by it. */
const digestOf = (text) => createHash('sha1').update(text).digest('hex');

/** As chunks ask for each other: all are in one folder. */
const nameOf = (path) => `./${basename(path)}`;

/**
 * @param {import('esbuild').BuildResult} result of a build with `splitting`, whose text is not written
 * @param {Readonly<Record<string, readonly string[]>>} parts sources that are loaded late, by part; with each goes what
 *   it loads at once, and all others go into the last part
 * @param {Readonly<Record<string, string>>} seldom the same for parts of one source each, without what it loads
 * @returns {Promise<{ name: string, text: string }[]>} files and their source maps
 */
export async function toParts({ outputFiles, metafile }, parts, seldom) {
  const outputs = Object.entries(metafile.outputs).filter(([path]) => path.endsWith('.js'));
  const chunks = new Map(outputs.map(([path, output]) => [nameOf(path), output]));
  const partOf = assignParts(chunks, parts, seldom);
  const files = new Map(outputFiles.map(({ path, text }) => [nameOf(path), text]));
  const made = await Promise.all(
    [...new Set(partOf.values())].map((part) => {
      const own = [...chunks.keys()].filter((name) => partOf.get(name) === part);
      return toPart(part, own, files, partOf);
    }),
  );
  return made.flat();
}

/** The part of each chunk: what several parts need is in the first one, but what the last needs, which loads them. */
function assignParts(chunks, parts, seldom) {
  const [first] = Object.keys(parts);
  const last = Object.keys(parts).at(-1);
  const partOf = new Map();
  const assign = (name, part) => {
    const before = partOf.get(name);
    if (before === first || before === part || (before !== undefined && part === last)) return;
    partOf.set(name, before === undefined ? part : first);
    for (const { path, kind } of chunks.get(name).imports)
      if (kind === 'import-statement' && chunks.has(nameOf(path))) assign(nameOf(path), partOf.get(name));
  };
  const find = (source) => {
    const [name] = [...chunks].find(([, { entryPoint }]) => entryPoint === source) ?? [];
    if (name === undefined) throw new Error(`scripts/bundle.mjs: ${source} is no chunk of its own`);
    return name;
  };
  for (const [part, sources] of Object.entries(parts))
    for (const source of sources) assign(find(source), part);
  for (const [part, source] of Object.entries(seldom)) partOf.set(find(source), part);
  for (const name of chunks.keys()) assign(name, last);
  return partOf;
}

/**
 * A file and its source map. It is a function that puts a function for each chunk into an object: the value of the file
 * as a script, which runs without a copy of its text, and what it exports as a CommonJS module.
 */
async function toPart(part, names, files, partOf) {
  const index =
    part === partOf.get('./main.js') ? `exports.partOf=${JSON.stringify(Object.fromEntries(partOf))};` : '';
  let text = `(typeof module==='object'?module:{}).exports=(exports=>{'use strict';${index}exports.modules={\n`;
  const sections = [];
  for (const name of names) {
    const { code, map } = await toCommonJs(files.get(name), files.get(`${name}.map`));
    text += `"${name}"(exports,require,module){\n`;
    // The line of the digest is not in the text yet.
    sections.push({ line: text.split('\n').length, map: JSON.parse(map) });
    text += `${code}},\n`;
  }
  text += '}});\n';
  return [
    { name: `${part}.cjs`, text: `// ${digestOf(text)}\n${text}//# sourceMappingURL=${part}.cjs.map\n` },
    { name: `${part}.cjs.map`, text: JSON.stringify(joinMaps(sections)) },
  ];
}

/** A chunk as a CommonJS module: Node's loader of ES modules takes 10 ms to start, and knows no chunks. */
const toCommonJs = (text, map) =>
  transform(`${text}\n//# sourceMappingURL=${toUrl(map)}`, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    charset: 'ascii',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    sourcemap: 'external',
    sourcesContent: false,
  });

const toUrl = (json) => `data:application/json;base64,${Buffer.from(json).toString('base64')}`;
