// One source map for texts that stand one below the other, each with a map of its own. Node reads no map of sections.
import { decode, encode } from '@jridgewell/sourcemap-codec';

/**
 * @param {readonly { line: number, map: { sources: string[], names: string[], mappings: string } }[]} sections by the
 *   line, from 0, at which each begins; no two share a line
 */
export function joinMaps(sections) {
  const [sources, names, lines] = [[], [], []];
  for (const { line, map } of sections) {
    while (lines.length < line) lines.push([]);
    const move = ([column, source, ...place]) => {
      if (source === undefined) return [column];
      const [sourceLine, sourceColumn, name] = place;
      const named = name === undefined ? [] : [name + names.length];
      return [column, source + sources.length, sourceLine, sourceColumn, ...named];
    };
    for (const segments of decode(map.mappings)) lines.push(segments.map(move));
    sources.push(...map.sources);
    names.push(...map.names);
  }
  return { version: 3, sources, names, mappings: encode(lines) };
}
