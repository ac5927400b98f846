import { cellWidth } from './layout.js';

const INDENT = '  ';

/**
 * Text in lines of up to `width` cells, broken at spaces; those after the first are indented, and the first where that
 * is wanted. A word that is longer stands by itself. One line where there is no width.
 */
export function wrapWords(text: string, width: number | undefined, isIndented = false): string[] {
  const first = isIndented ? INDENT : '';
  if (width === undefined) return [`${first}${text}`];
  const lines: string[] = [];
  let [line, isEmpty] = [first, true];
  for (const word of text.split(' ')) {
    const longer = isEmpty ? `${line}${word}` : `${line} ${word}`;
    if (!isEmpty && cellWidth(longer) > width) {
      lines.push(line);
      line = `${INDENT}${word}`;
    } else line = longer;
    isEmpty = false;
  }
  return [...lines, line];
}
