import { expect } from 'chai';
import { drawTable, tableWidth } from '../../src/output/layout.js';
import { overviewTable } from '../../src/output/table.js';

describe('a table', () => {
  it('a table has borders, a head, and a row on each line', () => {
    const table = drawTable(
      ['a', 'bc'],
      [
        ['123', '4'],
        ['5', ''],
      ],
    );
    expect(table.split('\n')).to.deep.equal([
      '┌─────┬────┐',
      '│ a   │ bc │',
      '├─────┼────┤',
      '│ 123 │ 4  │',
      '│ 5   │    │',
      '└─────┴────┘',
    ]);
    expect(tableWidth(['a', 'bc'], [['123', '4']])).to.equal(12);
  });

  it('a table has no line below a head that is empty', () => {
    expect(drawTable([], [['a', 'b']]).split('\n')).to.have.length(3);
  });

  it('a table counts the cells of a terminal, not characters or colours', () => {
    const table = drawTable([], [['日本'], ['\u001b[31mabcd\u001b[39m'], ['😀x'], ['é']]);
    expect(table.split('\n').slice(1, -1)).to.deep.equal([
      '│ 日本 │',
      '│ \u001b[31mabcd\u001b[39m │',
      '│ 😀x  │',
      '│ é    │',
    ]);
  });

  it('a table of more rows than anyone looks at has aligned columns and no borders', () => {
    const rows = Array.from({ length: 501 }, (_, i) => [`topic ${i}`, '日本', 'x']);
    const lines = drawTable(['topic', 'name', 'last'], rows).split('\n');
    expect(lines).to.have.length(502);
    expect(lines.slice(0, 2)).to.deep.equal(['topic      name  last', 'topic 0    日本  x']);
    expect(drawTable([], rows.slice(0, 500))).to.contain('│');
  });

  it('a table takes time in proportion to its rows', () => {
    const none = { delayed: 0, due: 0, ready: 1, leased: 0, expired: 0, dead: 0 };
    const draw = (count: number): number => {
      const topics = Array.from({ length: count }, (_, i) => ({ topic: Buffer.from(`topic ${i}`), ...none }));
      const begun = performance.now();
      overviewTable({ totals: {}, topics }, [], new Date(0));
      return performance.now() - begun;
    };
    const fastest = (count: number) => Math.min(...[1, 2, 3].map(() => draw(count)));
    fastest(1000); // Compiled by now.
    // With a table that is quadratic it is 16 times.
    expect(fastest(20_000) / fastest(5000)).to.be.lessThan(10);
  });
});
