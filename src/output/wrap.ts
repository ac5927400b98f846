import { cellWidth } from './cell-width.js';

const INDENT = '  ';

/**
 * Breaks a text at spaces into lines of up to `width` cells; lines after the first are indented, and the first one
 * on request. A longer word has a line of its own. Without a width it is one line.
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
