// One source map for texts that stand one below the other, each with a map of its own. Node reads no map of sections.

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * @param {readonly { line: number, map: { sources: string[], names: string[], mappings: string } }[]} sections by the
 *   line, from 0, at which each begins; no two share a line
 */
export function joinMaps(sections) {
  const joined = { version: 3, sources: [], names: [], mappings: '' };
  // What a segment says of source, line, column and name is the difference to the segment before.
  let before = [0, 0, 0, 0];
  let lineCount = 0;
  for (const { line, map } of sections) {
    joined.mappings += ';'.repeat(line - lineCount);
    const lines = map.mappings.split(';');
    let at = [0, 0, 0, 0];
    const shift = [joined.sources.length, 0, 0, joined.names.length];
    const move = (segment) => {
      const [column, ...place] = decode(segment);
      at = at.map((value, index) => value + (place[index] ?? 0));
      const now = at.map((value, index) => (index < place.length ? value + shift[index] : before[index]));
      const moved = now.map((value, index) => value - before[index]).slice(0, place.length);
      before = now;
      return encode([column, ...moved]);
    };
    joined.mappings += lines
      .map((text) => (text === '' ? '' : text.split(',').map(move).join(',')))
      .join(';');
    lineCount = line + lines.length - 1;
    joined.sources.push(...map.sources);
    joined.names.push(...map.names);
  }
  return joined;
}

/** The numbers of a segment: base 64 digits of five bits, the lowest first, a sixth that says that more follow. */
function decode(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function encode(numbers) {
  let segment = '';
  for (const number of numbers) {
    let value = number < 0 ? (-number << 1) | 1 : number << 1;
    do {
      segment += DIGITS[(value & 31) | (value > 31 ? 32 : 0)];
      value >>= 5;
    } while (value > 0);
  }
  return segment;
}
