import { expect } from 'chai';
import { cellWidth, cutToWidth } from '../../src/output/cell-width.js';
import { type Cell, type Column, drawTable, TableParts } from '../../src/output/layout.js';
import { overviewTable } from '../../src/output/overview-table.js';

const COLUMNS: readonly Column[] = [
  { head: 'name' },
  { head: 'jobs', alignRight: true },
  { head: 'due' },
  { head: 'expires', drop: 1 },
  { head: 'body', minWidth: 10 },
];
const due = { text: '2026-03-01 12:00:00Z (in 5m)', short: 'in 5m', plain: '2026-03-01T12:00:00Z' };
const row = (name: string, jobs: number, body: string): Cell[] => [
  { text: name },
  { text: `${jobs}` },
  due,
  due,
  { text: body },
];
const ROWS = [row('orders', 7, '{"orderID":32}'), row('日本', 12_345, 'x'.repeat(300))];
const draw = (width: number | undefined, rows = ROWS) =>
  drawTable({ columns: COLUMNS, rows, width }).split('\n');

describe('a table', () => {
  it('a table has borders, a head, a line for each row, and numbers aligned to the right', () => {
    const columns = [{ head: 'a' }, { head: 'bc', alignRight: true }];
    const rows = [
      [{ text: '123' }, { text: '4' }],
      [{ text: '5' }, { text: '' }],
    ];
    expect(drawTable({ columns, rows, width: 80 }).split('\n')).to.deep.equal([
      '┌─────┬────┐',
      '│ a   │ bc │',
      '├─────┼────┤',
      '│ 123 │  4 │',
      '│ 5   │    │',
      '└─────┴────┘',
    ]);
  });

  it('a table without heads has no line between head and rows', () => {
    const columns = [{ head: '' }, { head: '' }];
    expect(
      drawTable({ columns, rows: [[{ text: 'a' }, { text: 'b' }]], width: 80 }).split('\n'),
    ).to.have.length(3);
  });

  it('a table with an empty column keeps its cells in their columns', () => {
    const columns = [{ head: '' }, { head: '' }, { head: '' }];
    const rows = [[{ text: 'a' }, { text: '' }, { text: 'b' }]];
    expect(drawTable({ columns, rows, width: 80 }).split('\n')[1]).to.equal('│ a │   │ b │');
  });

  it('a table of more than 500 rows has no borders', () => {
    const rows = (count: number) => Array.from({ length: count }, (_, i) => [{ text: `row ${i}` }]);
    const drawn = (count: number) => drawTable({ columns: [{ head: '' }], rows: rows(count), width: 80 });
    expect(drawn(500)).to.include('│ row 499 │');
    expect(drawn(501))
      .to.match(/\nrow 500$/)
      .and.not.include('│');
  });

  it('a table in a pipe has aligned columns without borders, uncut text, and times without spaces', () => {
    expect(draw(undefined, [row('orders', 7, 'b'), row('日本', 12_345, 'x y')])).to.deep.equal([
      'name     jobs  due                   expires               body',
      'orders      7  2026-03-01T12:00:00Z  2026-03-01T12:00:00Z  b',
      '日本    12345  2026-03-01T12:00:00Z  2026-03-01T12:00:00Z  x y',
    ]);
  });

  it('a very long text in a pipe is whole, and widens no other row', () => {
    const long = 'x'.repeat(2 ** 20);
    const table = new TableParts({ columns: COLUMNS, width: undefined });
    const usual = [row('orders', 7, 'b'), row('id', 12_345, 'b')];
    const first = table.draw([...usual, row(long, 1, 'b')]).split('\n');
    const later = table.draw([row(long, 1, 'b'), ...usual]).split('\n');
    expect(first.slice(0, 3)).to.deep.equal(
      drawTable({ columns: COLUMNS, rows: usual, width: undefined }).split('\n'),
    );
    expect(later.slice(1)).to.deep.equal(first.slice(1, 3));
    expect(first[3])
      .to.equal(later[0])
      .and.to.match(/^x{1048576} {6}1  2026/);
  });

  it('a table is aligned by terminal cells, not by characters or colour codes', () => {
    const texts = ['日本', 'abcd', '😀x', 'é', 'e\u0301', '👍🏽', '🇩🇪', 'กำ', '가'];
    const rows = texts.map((text) => [{ text, paint: (shown: string) => `\u001b[31m${shown}\u001b[39m` }]);
    const lines = drawTable({ columns: [{ head: '' }], rows, width: 80 }).split('\n');
    const shown = lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''));
    expect(new Set(shown.map((line) => cellWidth(line)))).to.deep.equal(new Set([8]));
    expect(lines[1]).to.equal('│ \u001b[31m日本\u001b[39m │');
  });

  it('a table fits any terminal of 30 columns or more, and uses the width that long bodies need', () => {
    for (let width = 30; width <= 200; width += 1) {
      const widest = Math.max(...draw(width).map((line) => cellWidth(line)));
      expect(widest, `${width}`)
        .to.be.at.most(width)
        .and.at.least(Math.min(width, 120) - 3);
    }
  });

  it('a narrow table first shortens times, then drops borders and columns, and cuts names last', () => {
    const name = 'c0ffee00-1234-4abc-8def-0123456789ab';
    const rows = [row(name, 1, '{"a":1}')];
    const at = (width: number) => draw(width, rows).join('\n');
    expect(at(160)).to.include('│').and.to.include('2026-03-01 12:00:00Z (in 5m)').and.to.include(name);
    expect(at(90)).to.include('│').and.to.include(' in 5m ').and.to.include(name).and.to.not.include('2026');
    expect(at(74)).to.include('expires').and.to.include(name).and.to.not.include('│');
    expect(at(60)).to.include(name).and.to.not.include('expires');
    expect(at(40)).to.include('…').and.to.not.include(name);
  });

  it('the width of a text is the number of cells that a terminal gives it', () => {
    // Measured as the cursor position after each text in tmux 3.3.
    for (const [text, cells] of [
      ['abc…', 4],
      ['日本', 4],
      ['ｱＡ', 3],
      ['한글', 4],
      ['\u1100\u1161', 2],
      ['e\u0301', 1],
      ['กำแพง', 5],
      ['हिन्दी', 5],
      ['נִקּוּד', 4],
      ['😀', 2],
      ['👍🏽', 4],
      ['🇩🇪', 2],
      ['❤️', 1],
      ['✅', 2],
      ['☃', 1],
    ] as const) {
      expect(cellWidth(text), text).to.equal(cells);
    }
  });

  it('a text is cut to a number of cells, never inside a character', () => {
    expect(cutToWidth('日本語です', 10)).to.equal('日本語です');
    expect(cutToWidth('日本語です', 9)).to.equal('日本語で…');
    expect(cutToWidth('日本語です', 8)).to.equal('日本語…');
    expect(cutToWidth('e\u0301e\u0301e\u0301', 2)).to.equal('e\u0301…');
    expect(cutToWidth('abc', 3)).to.equal('abc');
    expect(cutToWidth('abcd', 3)).to.equal('ab…');
  });

  it('a table of 40,000 topics is drawn within the timeout, so not in quadratic time', () => {
    const none = { delayed: 0, due: 0, ready: 1, leased: 0, expired: 0, dead: 0 };
    const topics = Array.from({ length: 40_000 }, (_, i) => ({ topic: Buffer.from(`topic ${i}`), ...none }));
    for (const width of [80, undefined]) {
      const lines = overviewTable({ totals: {}, topics }, [], { now: new Date(0), width })
        .trimEnd()
        .split('\n');
      expect(lines.filter((line) => line.includes('topic '))).to.have.length.at.least(40_000);
    }
  });
});
