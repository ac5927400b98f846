import { eastAsianWidth } from 'get-east-asian-width';

/** Letters that are one cell wide; most text has only these. */
const NARROW = /^[ -~\u00c0-\u024f–…]*$/;
/** Marks, format characters, and the parts of a Hangul syllable behind its first. */
const NO_CELL = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;

/**
 * How many cells a text takes in a terminal (wcwidth): most East Asian letters and emoji take two, combining marks
 * none. Each code point counts by itself, because tmux, xterm and most others draw the parts of a combined
 * character, such as an emoji with a skin tone, one by one.
 */
export function cellWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let cells = 0;
  for (const char of text) cells += charWidth(char);
  return cells;
}

function charWidth(char: string): number {
  return NO_CELL.test(char) ? 0 : eastAsianWidth(char.codePointAt(0) ?? 0);
}

/** As much of a text as fits into so many cells; an ellipsis stands for the rest. */
export function cutToWidth(text: string, width: number): string {
  if (cellWidth(text) <= width) return text;
  if (NARROW.test(text)) return `${text.slice(0, width - 1)}…`;
  let used = 0;
  let kept = '';
  for (const char of text) {
    used += charWidth(char);
    if (used > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}
