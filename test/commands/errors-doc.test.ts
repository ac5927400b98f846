import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { ERRORS } from '../../src/core/errors.js';

const DOC = new URL('../../docs/errors.md', import.meta.url);

/** The rows of Markdown tables whose first cell is a `code`, with the numbers in their other cells. */
function rowsOf(markdown: string): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (const line of markdown.split('\n')) {
    const [, first = '', ...rest] = line.split('|').map((cell) => cell.trim());
    const code = /^`([a-z_]+)`$/.exec(first)?.[1];
    if (code !== undefined)
      rows.set(
        code,
        rest.filter((cell) => /^`?\d+`?$/.test(cell)).map((cell) => Number(cell.replaceAll('`', ''))),
      );
  }
  return rows;
}

describe('docs/errors.md', () => {
  it('docs/errors.md lists every error code of the program with its exit code, and no other', () => {
    const rows = rowsOf(readFileSync(DOC, 'utf8'));
    const documented = Object.fromEntries([...rows].map(([code, [exitCode]]) => [code, exitCode]));
    const real = Object.fromEntries(Object.entries(ERRORS).map(([code, { exitCode }]) => [code, exitCode]));
    expect(documented).to.deep.equal(real);
  });
});
