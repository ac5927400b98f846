/**
 * A glob on bytes: `*` is any number of them, `?` one, `[a-z]` one of a set (`[^a-z]` one that is not in
 * it), and a backslash takes the next character literally. Case matters. A bracket that is not closed and a
 * backslash at the end stand for themselves.
 *
 * It takes no longer than the length of the glob times that of the bytes: ids are written by others, and a
 * regular expression with many stars would hold the process on some of them.
 */
export function globMatcher(glob: string): (bytes: Uint8Array) => boolean {
  const parts = toParts(glob);
  return (bytes) => {
    let at = 0;
    let part = 0;
    /** Where the last star stands, and up to where it reaches. */
    let star = -1;
    let reach = 0;
    while (at < bytes.length) {
      const wanted = parts[part];
      if (wanted === STAR) {
        star = part;
        reach = at;
        part += 1;
      } else if (wanted?.[bytes[at] ?? 0] === 1) {
        at += 1;
        part += 1;
      } else if (star >= 0) {
        // The last star takes one more byte. Those before it need not: what they took was enough to get here.
        reach += 1;
        at = reach;
        part = star + 1;
      } else return false;
    }
    return parts.slice(part).every((rest) => rest === STAR);
  };
}

const STAR = '*';

/** One byte: 1 at each one that matches. */
type ByteSet = Uint8Array;

const GLOB_PART = /\\([\s\S])|\*+|\?|\[(\^?)((?:\\[\s\S]|[^\]\\])*)\]|[\s\S]/g;
const SET_MEMBER = /\\?([\s\S])(?:-\\?([\s\S]))?/g;

function toParts(glob: string): (typeof STAR | ByteSet)[] {
  // One character of latin1 stands for one byte.
  const parts = Buffer.from(glob).toString('latin1').matchAll(GLOB_PART);
  return [...parts].map(([part, escaped, not, set]) => {
    if (escaped !== undefined) return byteSet(escaped);
    if (set !== undefined) return byteSet(set, not === '^');
    if (part.startsWith('*')) return STAR;
    return part === '?' ? byteSet('', true) : byteSet(part);
  });
}

/** The bytes that members of a set (`a`, `a-z`) name, or all others. */
function byteSet(members: string, isNegated = false): ByteSet {
  const bytes = new Uint8Array(256).fill(isNegated ? 1 : 0);
  for (const [, from = '', to = from] of members.matchAll(SET_MEMBER)) {
    const [low = 0, high = 0] = [from.charCodeAt(0), to.charCodeAt(0)].sort((a, b) => a - b);
    bytes.fill(isNegated ? 0 : 1, low, high + 1);
  }
  return bytes;
}
